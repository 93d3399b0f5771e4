"""Cost items stacked one after another up to the total, the greedy plan's beside them."""

from __future__ import annotations

import pandas as pd

from optimizer.report.figures import GREEDY, INK, PLAN, Figure, Trace, axis, both, layout, names_axis, plain
from optimizer.report.words import number
from optimizer.runs.store import Run


def cost_figure(run: Run, greedy_items: pd.DataFrame | None) -> Figure:
    """Items stacked one after another up to the total, the greedy plan's beside them."""
    plan = run.table("cost_items")
    plan = plan[plan["cost_kcny"].abs() > 0].sort_values("cost_kcny", ascending=False)
    order = [str(item) for item in plan["item"]]
    rival: dict[str, float] = {}
    if greedy_items is not None:
        rival = {str(i): float(c) for i, c in zip(greedy_items["item"], greedy_items["cost_kcny"], strict=True)}
        order += [item for item in rival if item not in order and abs(rival[item]) > 0]
    mine = dict(zip(plan["item"], plan["cost_kcny"], strict=True))
    names = [both(item) for item in order] + ["<b>合计 total</b>"]
    data = [_steps("优化方案 plan", [float(mine.get(item, 0.0)) for item in order], names, PLAN)]
    if greedy_items is not None:
        data.append(_steps("贪心方案 greedy", [rival.get(item, 0.0) for item in order], names, GREEDY))
    return Figure(
        "costs",
        "成本构成",
        "Cost items",
        f"Steps of {len(order)} cost items in kCNY adding up to the total"
        + (", greedy plan beside." if rival else "."),
        "Each bar begins where the one above it ends. Items that cost nothing in any plan are left out of the figure "
        "and kept in the table.",
        tuple(data),
        layout(
            110 + (44 if rival else 30) * len(names),
            barmode="group",
            xaxis=axis("kCNY", range=_room(data)),
            yaxis=names_axis(names),
        ),
    )


def _room(bars: list[Trace]) -> list[float]:
    """From the least to the largest end of any bar, and room for the number written after it."""
    ends = [base + length for bar in bars for base, length in zip(bar["base"], bar["x"], strict=True)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    return [low, high + 0.1 * (high - low or 1.0)]


def _steps(name: str, costs: list[float], names: list[str], colour: str) -> Trace:
    bases, reached = [], 0.0
    for cost in costs:
        bases.append(reached)
        reached += cost
    lengths = [*costs, reached]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "base": plain([*bases, 0.0]),
        "x": plain(lengths),
        "y": names,
        "marker": {"color": colour},
        "text": [number(value) for value in lengths],
        "textposition": "outside",
        "textfont": {"size": 11, "color": INK},
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text} kCNY<extra>%{fullData.name}</extra>",
    }
