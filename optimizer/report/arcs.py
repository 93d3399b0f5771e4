"""Flows as bent lines, in a few widths that the legend names and filters."""

from __future__ import annotations

from math import floor, hypot, log10

import pandas as pd

from optimizer.report.figures import Trace, safe
from optimizer.report.words import number

WIDTHS_PX = (1.0, 2.2, 4.5, 8.0)
STEPS = (0.0, 0.05, 0.2, 0.5)
"""Line widths step at these fractions of the largest flow, rounded to one digit."""
BEND = 0.14
POINTS = 13
FLOW = "rgba(43, 92, 138, 0.5)"


def classes(flows: pd.DataFrame) -> list[Trace]:
    """One trace per line width, so that the legend tells and filters the amounts; and the points to hover over."""
    drawn = flows[flows["start"].notna() & flows["end"].notna()]
    if drawn.empty:
        return []
    limits = [_one_digit(step * float(drawn["work_eflopsh"].max())) for step in STEPS]
    traces = []
    for i in reversed(range(len(limits))):
        above = limits[i + 1] if i + 1 < len(limits) else float("inf")
        part = drawn[(drawn["work_eflopsh"] >= limits[i]) & (drawn["work_eflopsh"] < above)]
        if len(part):
            words = f"≥ {limits[i]:g}" if i else f"< {above:g}"
            traces += _lines(part, f"{words} EFLOPS·h", WIDTHS_PX[i], FLOW, True)
    return traces


def others(flows: pd.DataFrame) -> list[Trace]:
    """Every flow that is not from the east to the west, hidden until its legend entry is clicked."""
    drawn = flows[flows["start"].notna() & flows["end"].notna()]
    return _lines(drawn, "其他 all other flows", 1.0, "rgba(138, 148, 160, 0.55)", "legendonly") if len(drawn) else []


def _lines(flows: pd.DataFrame, name: str, width_px: float, colour: str, visible: bool | str) -> list[Trace]:
    x: list[float | None] = []
    y: list[float | None] = []
    middles: list[tuple[float, float]] = []
    for start, end in zip(flows["start"], flows["end"], strict=True):
        arc = _arc(start, end)
        x += [*(p[0] for p in arc), None]
        y += [*(p[1] for p in arc), None]
        middles.append(arc[POINTS // 2])
    shared: Trace = {"type": "scatter", "legendgroup": name, "legendrank": 3, "visible": visible}
    words = zip(flows["region"], flows["site"], flows["work_eflopsh"], strict=True)
    return [
        shared
        | {
            "mode": "lines",
            "name": name,
            "x": x,
            "y": y,
            "line": {"width": width_px, "color": colour},
            "hoverinfo": "skip",
        },
        shared
        | {
            "mode": "markers",
            "name": name,
            "showlegend": False,
            "x": [p[0] for p in middles],
            "y": [p[1] for p in middles],
            "marker": {"size": 12, "opacity": 0},
            "text": [f"{safe(r)} → {safe(s)}: {number(w)} EFLOPS·h" for r, s, w in words],
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]


def _arc(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """A quadratic curve that leaves the straight line a little, so that flows to one place stay apart."""
    (x0, y0), (x1, y1) = start, end
    middle = ((x0 + x1) / 2 - BEND * (y1 - y0), (y0 + y1) / 2 + BEND * (x1 - x0))
    if not hypot(x1 - x0, y1 - y0):
        return [start] * POINTS
    steps = [i / (POINTS - 1) for i in range(POINTS)]
    return [
        (
            round((1 - t) ** 2 * x0 + 2 * t * (1 - t) * middle[0] + t**2 * x1, 3),
            round((1 - t) ** 2 * y0 + 2 * t * (1 - t) * middle[1] + t**2 * y1, 3),
        )
        for t in steps
    ]


def _one_digit(value: float) -> float:
    if value <= 0:
        return 0.0
    size = 10.0 ** floor(log10(value))
    return float(f"{max(1, round(value / size)) * size:.1g}")
