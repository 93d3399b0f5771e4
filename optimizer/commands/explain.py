"""Why a scenario has no plan, or what binds the plan it has, on the command line."""

from __future__ import annotations

import json
from typing import Annotated

import pandas as pd
import typer

from optimizer.solve.compile import compile_case
from optimizer.solve.diagnose import binding, explain
from optimizer.solve.optimum import optimise
from scenarios.build import build_case
from scenarios.library import load

EXIT_FAULT, EXIT_INFEASIBLE = 1, 4


def command(
    scenario: Annotated[str, typer.Argument(help="A scenario of the library, or a path to a TOML file.")],
    change: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds the diagnosis may take.", min=0.0)] = 120.0,
    top: Annotated[int, typer.Option(help="Rows of each kind of rule that bind.", min=1)] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say which rules leave no plan and what would mend each; or, where there is a plan, what binds and its worth.

    Example: computegrid explain day --set facts.clusters.Guian.connection_mw=0
    """
    loaded = load(scenario, change or ())
    program = compile_case(build_case(loaded))
    found = explain(program, time_limit)
    worth = pd.DataFrame()
    if found.status == "feasible":
        outcome = optimise(program, loaded.scenario.solve.gap_frac, loaded.scenario.solve.time_limit_s)
        worth = worth if outcome.x is None else binding(program, outcome.x, top)
    if as_json:
        said = {"status": found.status, "sentences": found.sentences(), "binding": worth.to_dict("records")}
        print(json.dumps(said, ensure_ascii=False))
    else:
        for sentence in found.sentences():
            print(sentence)
        for row in worth.itertuples(index=False):
            print(f"{row.saves_kcny_per_unit:10.4f} kCNY per {row.unit}  {row.place}: {row.claim} ({row.family})")
    raise typer.Exit({"feasible": 0, "infeasible": EXIT_INFEASIBLE}.get(found.status, EXIT_FAULT))
