"""The step from one cost to another, item by item, with what the gaps leave open."""

from __future__ import annotations

from math import isfinite
from typing import Any

from optimizer.compare.amounts import Amount
from optimizer.compare.comparison import Pair
from optimizer.compare.words import signed
from optimizer.report.figures import INK, PLAN, QUIET, Figure, axis, both, layout, names_axis, plain

NEGLIGIBLE = 1e-3
"""Steps below this share of the largest are too small to draw; the table keeps them."""
DEARER, CHEAPER = "#882255", "#44AA99"
ZH, EN = "成本差异分解", "From one cost to the other"


def waterfall(pair: Pair, name: str) -> Figure:
    """Steps of the items from nothing to the difference of the totals; empty if no item differs."""
    items = pair.costs.items
    if not items:
        return Figure(name, ZH, EN, "", note="No cost item differs.")
    largest = max(abs(item.difference or 0.0) for item in items)
    drawn = [item for item in items if abs(item.difference or 0.0) >= NEGLIGIBLE * largest]
    bars = [*drawn, *([pair.costs.total] if pair.costs.total else [])]
    names = [both(item.place) for item in drawn] + (["<b>合计 total</b>"] if pair.costs.total else [])
    lengths, bases, reached = [float(bar.difference or 0.0) for bar in bars], [], 0.0
    for item in drawn:
        bases.append(reached)
        reached += float(item.difference or 0.0)
    bases += [0.0] * (len(bars) - len(drawn))
    unit = "kCNY per day" if pair.per_day else "kCNY"
    return Figure(
        name,
        ZH,
        EN,
        f"Steps of {len(drawn)} cost items in {unit} from {pair.before.run} to {pair.after.run}.",
        f"{unit}: {pair.after.run} less {pair.before.run}. Each bar begins where the one above it ends; grey bars are "
        "undecided; whiskers span what the gaps leave open. Steps under a thousandth of the largest are left to the "
        "table.",
        (_bars(bars, bases, lengths, names, unit),),
        layout(110 + 30 * len(names), xaxis=axis(unit), yaxis=names_axis(names), showlegend=False),
    )


def _bars(bars: list[Amount], bases: list[float], lengths: list[float], names: list[str], unit: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "base": plain(bases),
        "x": plain(lengths),
        "y": names,
        "marker": {"color": [_colour(bar) for bar in bars]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_reach(bar.high, bar.difference) for bar in bars],
            "arrayminus": [_reach(bar.difference, bar.low) for bar in bars],
            "thickness": 1,
            "width": 3,
            "color": INK,
        },
        "customdata": [[signed(bar.difference), bar.verdict] for bar in bars],
        "hovertemplate": f"%{{y}}: %{{customdata[0]}} {unit}, %{{customdata[1]}}<extra></extra>",
    }


def _reach(far: float | None, near: float | None) -> float:
    """Length of a whisker; none where no bound was proved."""
    length = 0.0 if far is None or near is None else far - near
    return round(length, 4) if isfinite(length) else 0.0


def _colour(bar: Amount) -> str:
    if bar.verdict == "undecided":
        return QUIET
    if bar.place == "total":
        return PLAN
    return DEARER if (bar.difference or 0.0) > 0 else CHEAPER
