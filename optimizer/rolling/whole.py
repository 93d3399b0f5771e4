"""The whole horizon from its windows: cost items, and what is paid once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.solve.solution import Plan
from scenarios.case import Case
from scenarios.instruments import Innovation

BY_THE_HIGHEST = ("demand_charge", "lit_vacancy", "capital")
"""Items paid by the largest value of the horizon, which the last window holds."""
INNOVATION = "innovation_value"
Items = dict[str, float]


@dataclass(frozen=True)
class Account:
    """What of a window's plan the whole horizon needs."""

    hours: int
    items_kcny: Items
    mean_eflops: dict[str, float]
    """Province -> mean dispatched compute, where its innovation value counts."""
    sizes: dict[str, int]
    """Columns, rows, nonzeros and integers of its programme."""
    max_violation: float


def account(plan: Plan, max_violation: float) -> Account:
    p = plan.program
    sizes = {"columns": p.columns, "rows": p.rows, "nonzeros": int(p.matrix.nnz), "integers": int(p.integer.sum())}
    means: dict[str, float] = {}
    for region, _, eflops in plan.frame("innovation.segment_eflops", "region", "segment", value="eflops").itertuples(
        index=False
    ):
        means[region] = means.get(region, 0.0) + eflops
    return Account(plan.case.horizon.hours, plan.items_kcny(), means, sizes, max_violation)


def whole_items(case: Case, windows: Sequence[Account]) -> Items:
    """Cost items of the whole horizon, kCNY: those of the windows, but for what is paid for all of them at once."""
    items: Items = {}
    for part in windows:
        for item, kcny in part.items_kcny.items():
            items[item] = items.get(item, 0.0) + kcny
    last = windows[-1]
    for item in BY_THE_HIGHEST:
        if item in last.items_kcny:
            items[item] = last.items_kcny[item] * case.horizon.hours / last.hours
    if INNOVATION in items:
        items[INNOVATION] = -innovation_kcny(case, mean_eflops(windows))
    return items


def mean_eflops(windows: Sequence[Account]) -> dict[str, float]:
    """Province -> mean dispatched compute over the windows given."""
    hours = sum(part.hours for part in windows)
    regions = dict.fromkeys(r for part in windows for r in part.mean_eflops)
    return {r: sum(part.mean_eflops[r] * part.hours for part in windows) / hours for r in regions}


def innovation_kcny(case: Case, means: dict[str, float]) -> float:
    """What these means are worth: segments between thresholds are filled in order."""
    value = case.innovation
    if value is None:
        return 0.0
    points = sum(_points(value, value.points_per_eflops[case.zone[r]], mean) for r, mean in means.items())
    return value.weight_kcny_per_point * points


def _points(value: Innovation, slopes: tuple[float, ...], mean: float) -> float:
    widths = value.widths_eflops(mean)
    starts = np.concatenate([[0.0], np.cumsum(widths)[:-1]])
    return float(np.clip(mean - starts, 0.0, widths) @ np.array(slopes))


@dataclass(frozen=True)
class Line:
    """points <= intercept + slope x mean, for every mean a province can have."""

    slope: float
    intercept: float


def innovation_lines(case: Case, means: dict[str, float], most_eflops: float) -> dict[str, Line]:
    """A line above each province's value that touches its concave hull at the mean given."""
    value = case.innovation
    if value is None:
        return {}
    return {r: _line(value, value.points_per_eflops[case.zone[r]], mean, most_eflops) for r, mean in means.items()}


def _line(value: Innovation, slopes: tuple[float, ...], mean: float, most_eflops: float) -> Line:
    """Of all lines through two corners of the value that lie above all others, the one over `mean`."""
    widths = value.widths_eflops(most_eflops)
    x = np.concatenate([[0.0], np.cumsum(widths)])
    y = np.concatenate([[0.0], np.cumsum(np.array(widths) * np.array(slopes))])
    best = Line(0.0, float(y.max()))
    for i in range(x.size):
        for j in range(i + 1, x.size):
            slope = float((y[j] - y[i]) / (x[j] - x[i]))
            line = Line(slope, float((y - slope * x).max()))
            if line.intercept + slope * mean < best.intercept + best.slope * mean:
                best = line
    return best
