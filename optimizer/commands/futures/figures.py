"""Figures of contracts compared: distributions with and without each, the efficient frontier, the forward curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optimizer.commands.futures.tables import Study
from optimizer.market.risk import Risk
from optimizer.report.figures import (
    GREEDY,
    MUTED,
    PLAN,
    QUIET,
    Figure,
    Table,
    Trace,
    axis,
    layout,
    names_axis,
    plain,
    safe,
)
from optimizer.report.words import number

HEIGHT_PX = 60
"""Of one contract in the figure of distributions."""


def distributions(study: Study, side: str) -> Figure:
    """Mean, 5 to 95 % and CVaR of one side (buyer or seller), with and without each contract, against its own mean."""
    names = [c.contract.name for c in study.comparisons]
    sides = [getattr(c, side) for c in study.comparisons]
    data: list[Trace] = []
    for words, when, colour in (("without", "before", QUIET), ("with", "after", PLAN)):
        risks: list[Risk] = [getattr(s, when) for s in sides]
        data += _ranges(names, risks, [s.before.mean_kcny for s in sides], words, colour)
    rows = tuple(
        (name, words, *(number(v) for v in (r.mean_kcny, r.sd_kcny, r.low_kcny, r.high_kcny, r.cvar_kcny)))
        for name, s in zip(names, sides, strict=True)
        for words, r in (("without", s.before), ("with", s.after))
    )
    heads = ("contract", "", "mean kCNY", "sd", "5 %", "95 %", "CVaR")
    what = {
        "buyer": ("买方成本分布", "Cost of the buyer"),
        "seller": ("卖方收入分布", "Income of the seller, as a loss"),
    }[side]
    return Figure(
        f"{side}-risk",
        what[0],
        f"{what[1]}, with and without each contract",
        f"{what[1]} with and without each of {len(names)} contracts: mean, range from 5 to 95 % and CVaR.",
        note="Difference to the mean without the contract. Bars: 5 to 95 % of probability; cross: CVaR.",
        data=tuple(data),
        layout=layout(
            120 + HEIGHT_PX * len(names),
            xaxis=axis("kCNY over the horizon, against the mean without the contract"),
            yaxis=names_axis([safe(name) for name in names]),
            scattermode="group",
        ),
        table=Table(heads, rows, frozenset(range(2, 7))),
    )


def _ranges(names: list[str], risks: list[Risk], origin: list[float], words: str, colour: str) -> list[Trace]:
    mean = [r.mean_kcny - o for r, o in zip(risks, origin, strict=True)]
    tail = [r.cvar_kcny - o for r, o in zip(risks, origin, strict=True)]
    marks: Trace = {
        "type": "scatter",
        "mode": "markers",
        "orientation": "h",
        "name": f"{words} contract",
        "offsetgroup": words,
        "x": plain(mean),
        "y": [safe(name) for name in names],
        "marker": {"color": colour, "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": plain([r.high_kcny - r.mean_kcny for r in risks]),
            "arrayminus": plain([r.mean_kcny - r.low_kcny for r in risks]),
            "color": colour,
        },
    }
    worst = marks | {"x": plain(tail), "name": f"CVaR {words}", "marker": {"color": colour, "symbol": "x", "size": 8}}
    worst.pop("error_x")
    return [marks, worst]


def efficient_frontier(frontier: pd.DataFrame) -> Figure:
    """Mean cost against CVaR of the buyers' desk, a point an aversion."""
    aversion = [f"{a:g}" for a in frontier["aversion_frac"]]
    # Several aversions choose the same portfolio: one point, all of them written at it.
    points = frontier.assign(
        aversion=aversion, mean=frontier["mean_kcny"].round(3), tail=frontier["cvar_kcny"].round(3)
    )
    joined = points.groupby(["mean", "tail"], sort=False)["aversion"].agg(_span).reset_index()
    trace: Trace = {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": plain(joined["tail"]),
        "y": plain(joined["mean"]),
        "text": joined["aversion"].tolist(),
        "textposition": "top right",
        "line": {"color": PLAN},
        "hovertemplate": "aversion %{text}<br>CVaR %{x:,.1f} kCNY<br>mean %{y:,.1f} kCNY<extra></extra>",
    }
    lots = [column for column in frontier.columns if column.startswith("lots ")]
    shown = ["mean_kcny", "cvar_kcny", *lots]
    rows = tuple((a, *(number(v) for v in row)) for a, row in zip(aversion, frontier[shown].to_numpy(), strict=True))
    heads = ("aversion", "mean kCNY", "CVaR kCNY", *(f"{name.removeprefix('lots ')} lots" for name in lots))
    return Figure(
        "frontier",
        "有效前沿",
        "Efficient portfolios of lots",
        f"Mean cost against CVaR of the buyers' desk for {len(frontier)} degrees of risk aversion.",
        note="Figures at the points are the weight of the tail, from 0 (the mean alone) to 1 (the tail alone).",
        data=(trace,),
        layout=layout(420, xaxis=axis("CVaR of the buyers' cost, kCNY"), yaxis=axis("mean of the buyers' cost, kCNY")),
        table=Table(heads, rows, frozenset(range(1, len(heads)))),
    )


def _span(aversions: pd.Series[str]) -> str:
    names = aversions.tolist()
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def forward_curve(curve: pd.DataFrame) -> Figure:
    """Expected index by hub and hour in the first month, with the range of all hubs; a table by hub and month."""
    first = str(curve["month"].iloc[0])
    hourly = curve[(curve["hour"] != "all") & (curve["month"] == first)]
    data: list[Trace] = [*_band(hourly)]
    for n, (hub, part) in enumerate(hourly.groupby("hub", sort=False)):
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": safe(hub),
                "x": [int(hour) for hour in part["hour"]],
                "y": plain(part["mean_kcny_per_eflopsh"]),
                "line": {"color": MUTED[n % len(MUTED)], "shape": "hv"},
            }
        )
    whole = curve[curve["hour"] == "all"]
    figures = ["mean", "sd", "low", "high"]
    rows = tuple(
        (
            str(row["hub"]),
            str(row["month"]),
            *(number(row[f"{f}_kcny_per_eflopsh"], 3) for f in figures),
            f"{row['quoted_frac']:.0%}",
        )
        for row in whole.to_dict("records")
    )
    heads = ("hub", "month", "mean kCNY/EFLOPS·h", "sd", "5 %", "95 %", "own price")
    return Figure(
        "curve",
        "远期曲线",
        f"Forward curve by hub, {first}",
        "Expected index price of compute by hour of the horizon, a line a hub, with the range from 5 to 95 %.",
        note="Means over the ensemble. Own price: hours in which the hub's own load made the index, not the nation's. "
        "Compute cannot be stored: no cost of carry ties one hour to another.",
        data=tuple(data),
        layout=layout(460, xaxis=axis("hour of the horizon"), yaxis=axis("kCNY per EFLOPS·h", rangemode="tozero")),
        table=Table(heads, rows, frozenset(range(2, 7))),
    )


def _band(hourly: pd.DataFrame) -> list[Trace]:
    by_hour: Any = hourly.assign(at=hourly["hour"].astype(int)).groupby("at")
    low, high = by_hour["low_kcny_per_eflopsh"].min(), by_hour["high_kcny_per_eflopsh"].max()
    hours = np.array(low.index).tolist()
    line = {"width": 0, "shape": "hv"}
    edge: Trace = {"type": "scatter", "mode": "lines", "line": line, "x": hours, "hoverinfo": "skip"}
    return [
        edge | {"y": plain(low), "showlegend": False},
        edge | {"y": plain(high), "fill": "tonexty", "fillcolor": f"{GREEDY}33", "name": "5 to 95 %, all hubs"},
    ]
