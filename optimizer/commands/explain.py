"""Why there is no plan; what binds the plan there is, why a price is what it is, where else a job could have run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd
import typer

from optimizer.commands import explainjob, explainprice, replan
from optimizer.commands.exits import EXIT_FAULT, EXIT_INFEASIBLE
from optimizer.commands.replan import Problem
from optimizer.solve.diagnose import binding, explain
from optimizer.solve.optimum import Outcome
from scenarios.case import Floats


@dataclass(frozen=True)
class Said:
    """What was found: a page for people, an object for machines, and the exit code."""

    page: str
    found: dict[str, Any]
    code: int = 0


def command(
    target: Annotated[
        str, typer.Argument(metavar="SCENARIO_OR_RUN", help="A scenario, a TOML file, or the folder of a run.")
    ],
    change: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.")] = None,
    price: Annotated[
        str | None, typer.Option(metavar="SITE:HOUR", help="Say why compute there has the price it has.")
    ] = None,
    job: Annotated[
        str | None, typer.Option(metavar="NAME", help="Say where a job ran, and what other clusters would have cost.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option(help="Seconds the diagnosis, or the moves of a job, may take.", min=0.0)
    ] = 120.0,
    top: Annotated[int, typer.Option(help="Rows of each kind of rule that bind.", min=1)] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say which rules leave no plan and what would mend each; or, where there is a plan, what binds and its worth.

    With --price, the parts of one price and what sets it; with --job, the next-best places of one job.

    Example: computegrid explain day --price Horinger:12 --job "job 002"
    """
    asked = replan.problem(target, tuple(change or ()), done="explained")
    wants_plan = price is not None or job is not None
    if price is not None:
        explainprice.ledger_row(asked.program, asked.case, price)
    if job is not None:
        explainjob.require_job(asked.case, job)
    outcome = asked.solve() if wants_plan else None
    if outcome is None or outcome.x is None:
        said = _diagnosed(asked, time_limit, top)
    else:
        said = _answered(asked, outcome, outcome.x, price, job, time_limit)
    print(json.dumps(said.found, ensure_ascii=False, allow_nan=False) if as_json else said.page)
    raise typer.Exit(said.code)


def _diagnosed(asked: Problem, time_limit_s: float, top: int) -> Said:
    found = explain(asked.program, time_limit_s)
    worth = pd.DataFrame()
    if found.status == "feasible":
        outcome = asked.solve()
        worth = worth if outcome.x is None else binding(asked.program, outcome.x, top)
    lines = found.sentences()
    for row in worth.itertuples(index=False):
        lines.append(f"{row.saves_kcny_per_unit:10.4f} kCNY per {row.unit}  {row.place}: {row.claim} ({row.family})")
    code = {"feasible": 0, "infeasible": EXIT_INFEASIBLE}.get(found.status, EXIT_FAULT)
    said = {"status": found.status, "sentences": found.sentences(), "binding": worth.to_dict("records")}
    return Said("\n".join(lines), said, code)


def _answered(
    asked: Problem, outcome: Outcome, x: Floats, price: str | None, job: str | None, time_limit_s: float
) -> Said:
    """What was asked about the plan itself."""
    again = replan.same_plan(outcome, asked.stored_kcny)
    pages = [f"{asked.case.name}: plan {outcome.objective_kcny:,.1f} kCNY, {outcome.words} ({outcome.gap_frac:.3%})."]
    if again is False:
        pages.append(f"The stored plan ({asked.stored_kcny:,.1f} kCNY) was not found again.")
    found: dict[str, Any] = {
        "scenario": asked.case.name,
        "status": outcome.words,
        "plan_kcny": outcome.objective_kcny,
        "same_plan": again,
    }
    if price is not None:
        row = explainprice.ledger_row(asked.program, asked.case, price)
        prices = explainprice.explain_price(asked.program, x, row)
        pages.append(explainprice.page(prices, asked.case, price))
        found["price"] = explainprice.as_object(prices)
    if job is not None:
        where, rows = explainjob.explain_job(asked.program, asked.case, x, job, time_limit_s)
        pages.append(explainjob.page(where, rows, asked.case))
        found["job"] = explainjob.as_object(where, rows)
    return Said("\n\n".join(pages), found)
