"""The cost-equity-innovation frontier: what it costs to steer dispatch to where the fitted slopes reward it.

The innovation value enters the objective with a growing weight; each weight gives one plan that no plan beats on
cost and innovation together, up to the proved gap. Equity is read off the same plans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from optimizer.report.indicators import indicators
from optimizer.report.tables import plan_tables
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.library import load

WEIGHTS = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
"""Default weights, thousand CNY per index point."""
ITEM = "innovation_value"


def trace(
    scenario: str,
    weights: Sequence[float] = WEIGHTS,
    changes: Sequence[str] = (),
    heard: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """weight_kcny_per_point, cost_kcny (without the value), innovation_points, gap_kcny, theil, gini, western use.

    One row a weight, in order of weight; TimeoutError if a weight has no plan within the scenario's time limit. Points
    of the plan at weight zero are counted by the same piecewise function.
    """
    rows = []
    for weight in sorted(weights):
        heard(f"weight {weight:g}")
        loaded = load(scenario, [*changes, f"innovation.weight_kcny_per_point={weight}"])
        case = build_case(loaded)
        program = compile_case(case)
        outcome = optimise(program, loaded.scenario.solve.gap_frac, loaded.scenario.solve.time_limit_s)
        if outcome.x is None or outcome.verdict is None:
            raise TimeoutError(f"weight {weight:g}: {outcome.words}")
        plan = Plan(case, program, outcome.x)
        shown = indicators(case, plan_tables(plan)).query("scope == 'nation'").set_index("indicator")["value"]
        rows.append(
            {
                "weight_kcny_per_point": weight,
                "cost_kcny": sum(v for item, v in outcome.verdict.items_kcny.items() if item != ITEM),
                "innovation_points": points(plan),
                "gap_kcny": outcome.objective_kcny - outcome.bound_kcny,
                "theil": float(shown["Theil of dispatched compute per head"]),
                "gini": float(shown["Gini of dispatched compute per head"]),
                "western_utilisation_frac": float(shown["western cluster utilisation"]),
            }
        )
    return pd.DataFrame(rows)


def points(plan: Plan) -> float:
    """Index points of a plan's dispatch: the piecewise-linear value of each province's mean load, summed."""
    case = plan.case
    value = case.innovation
    if value is None or not value.points_per_eflops:
        return 0.0
    load = plan_tables(plan)["dispatch"].groupby("site")["load_eflops"].mean()
    mean = load.groupby(load.index.map(case.site_region)).sum()
    starts = np.array([0.0, *value.thresholds_eflops])
    ends = np.array([*value.thresholds_eflops, np.inf])
    total = 0.0
    for region, eflops in mean.items():
        filled = np.clip(float(eflops) - starts, 0.0, ends - starts)
        total += float(filled @ np.array(value.points_per_eflops[case.zone[str(region)]]))
    return total


def command(
    scenario: Annotated[str, typer.Argument(help="A scenario whose [innovation] names thresholds and values.")],
    weight: Annotated[
        list[float] | None, typer.Option(help="A weight in kCNY per point; give it as often as needed.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--out", help="CSV file to write.")] = None,
) -> None:
    """Trace cost, equity and innovation as the weight on innovation grows.

    Example: computegrid innovation frontier day --out frontier.csv
    """
    frontier = trace(scenario, weight or WEIGHTS, heard=lambda what: typer.echo(what, err=True))
    typer.echo(frontier.to_string(index=False, float_format=lambda value: f"{value:,.3f}"))
    if file is not None:
        frontier.to_csv(file, index=False)
