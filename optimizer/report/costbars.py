"""Cost items stacked one after another up to the total, the greedy plan's beside them."""

from __future__ import annotations

from math import fsum

import pandas as pd

from optimizer.report.figures import GREEDY, INK, PLAN, Figure, Trace, axis, both, layout, names_axis, plain
from optimizer.report.words import number
from optimizer.runs.store import Run

NEGLIGIBLE = 1e-6
"""Items below this share of the larger total are too small to draw; the table keeps them."""


def cost_figure(run: Run, greedy_items: pd.DataFrame | None) -> Figure:
    """Items of the plan by size, then those that only the greedy plan has; the totals last."""
    plans = {"优化方案 plan": (_items(run.table("cost_items")), PLAN)}
    if greedy_items is not None:
        plans["贪心方案 greedy"] = (_items(greedy_items), GREEDY)
    least = NEGLIGIBLE * max(abs(fsum(costs.values())) for costs, _ in plans.values())
    order = list(dict.fromkeys(i for costs, _ in plans.values() for i, cost in costs.items() if abs(cost) > least))
    names = [both(item) for item in order] + ["<b>合计 total</b>"]
    data = [_steps(name, costs, order, names, colour) for name, (costs, colour) in plans.items()]
    beside = ", the greedy plan's beside" if len(plans) > 1 else ""
    return Figure(
        "costs",
        "成本构成",
        "Cost items",
        f"Steps of {len(order)} cost items in kCNY adding up to the total{beside}.",
        "Each bar begins where the one above it ends. Items under a millionth of the total are left to the table.",
        tuple(data),
        layout(
            110 + (14 + 15 * len(plans)) * len(names),
            barmode="group",
            xaxis=axis("kCNY", range=_room(data)),
            yaxis=names_axis(names),
        ),
    )


def _items(table: pd.DataFrame) -> dict[str, float]:
    """item -> cost, the dearest first."""
    table = table.sort_values(["cost_kcny", "item"], ascending=[False, True])
    return {str(item): float(cost) for item, cost in zip(table["item"], table["cost_kcny"], strict=True)}


def _room(bars: list[Trace]) -> list[float]:
    """From the least to the largest end of any bar, and room for the number written after it."""
    ends = [base + length for bar in bars for base, length in zip(bar["base"], bar["x"], strict=True)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    return [low, high + 0.1 * (high - low or 1.0)]


def _steps(name: str, costs: dict[str, float], order: list[str], names: list[str], colour: str) -> Trace:
    bases, lengths, reached = [], [], 0.0
    for item in order:
        bases.append(reached)
        lengths.append(costs.get(item, 0.0))
        reached += lengths[-1]
    lengths.append(fsum(costs.values()))
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
