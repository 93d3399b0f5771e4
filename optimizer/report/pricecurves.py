"""Price curves: what compute is worth at each hub, and what energy costs at each cluster, over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.report.cards import filled
from optimizer.report.figures import Figure, Table, Trace, axis, layout, plain, safe
from optimizer.report.steps import Steps, steps_of
from optimizer.report.words import number
from optimizer.runs.store import Run

LINES = ("#332288", "#117733", "#CC6677", "#0077BB", "#882255", "#997700", "#AA4499", "#555555")
"""Colours of at least 3:1 on white; with more lines than colours the dashes tell them apart."""
DASHES = ("solid", "dash", "dot", "dashdot")
COMPUTE = ("prices", "算力影子价格", "What compute is worth, by hub")
ENERGY = ("tariffs", "电价曲线", "Price of grid energy, by cluster")
MEANING = (
    "What one EFLOPS·h more would add to the cost of the plan: a shadow price of the planner's programme, its whole "
    "numbers held. No spot market for compute exists. Means by load of a hub's clusters; a gap is an hour without "
    "load, or without one price that holds for more and for less. "
)


def price_figure(run: Run) -> Figure:
    """One line a hub; without prices, how to get them."""
    prices = filled(run, "prices")
    if prices is None:
        how = "Prices of compute are kept with programmes of up to 50,000 columns only. Ask for them: computegrid "
        how += "prices RUN --out prices.parquet, then computegrid report RUN --prices prices.parquet."
        return Figure(*COMPUTE, "", note=how)
    sites, steps = run.table("sites"), steps_of(run)
    hub = dict(zip(sites["site"], sites["hub"], strict=True))
    known = run.table("dispatch")[["site", "hour", "load_eflops"]].merge(prices, on=["site", "hour"])
    known = known[known["price_kcny_per_eflopsh"].notna() & (known["load_eflops"] > 1e-6)]
    known = known.assign(hub=known["site"].map(hub).fillna(""), step=known["hour"] // steps.step_h)
    known = known[known["hub"] != ""]
    if known.empty:
        return Figure(*COMPUTE, "", note="No cluster runs at a price that holds for more and for less.")
    known["kcny"] = known["load_eflops"] * known["price_kcny_per_eflopsh"]
    sums = known.groupby(["hub", "step"])[["kcny", "load_eflops"]].sum()
    curves = (sums["kcny"] / sums["load_eflops"]).unstack("step").reindex(columns=range(len(steps.lengths_h)))
    return _curves(COMPUTE, curves, steps, "kCNY per EFLOPS·h", MEANING)


def tariff_figure(run: Run) -> Figure:
    """One line a cluster; the hours' prices as the scenario gives them."""
    dispatch, sites = run.table("dispatch"), run.table("sites")
    clusters = list(sites.loc[sites["kind"] == "cluster", "site"])
    if "energy_kcny_per_mwh" not in dispatch or not clusters:
        return Figure(*ENERGY, "", note="This run keeps no prices of energy.")
    part = dispatch[dispatch["site"].isin(clusters)]
    wide = part.pivot_table(index="site", columns="hour", values="energy_kcny_per_mwh").reindex(clusters)
    steps = steps_of(run)
    note = "What a cluster pays for a MWh from the grid; direct supply and the demand charge are apart. "
    return _curves(ENERGY, steps.means(wide), steps, "kCNY per MWh", note)


def _curves(words: tuple[str, str, str], curves: pd.DataFrame, steps: Steps, unit: str, note: str) -> Figure:
    """Steps, each from its start to its end; one row of `curves` a line."""
    data: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": safe(name),
            "x": steps.edges,
            "y": plain([*row, row[-1]]),
            "line": {"color": LINES[i % len(LINES)], "dash": DASHES[i // len(LINES) % len(DASHES)], "shape": "hv"},
            "connectgaps": False,
            "hovertemplate": "%{y:,.4f}",
        }
        for i, (name, row) in enumerate(zip(curves.index, curves.to_numpy(), strict=True))
    ]
    return Figure(
        *words,
        f"{len(data)} stepped lines over {len(steps.lengths_h)} {steps.words}, {unit}.",
        note + steps.note + "Drag to zoom, double-click to come back; click the legend to leave lines out.",
        tuple(data),
        layout(
            380,
            hovermode="x unified",
            dragmode="zoom",
            xaxis=axis(type="date", range=[steps.edges[0], steps.edges[-1]]),
            yaxis=axis(unit, fixedrange=True),
        ),
        _table(curves, unit),
    )


def _table(curves: pd.DataFrame, unit: str) -> Table:
    rows = tuple(
        (str(name), *(number(value, 4) for value in _summary(row)))
        for name, row in zip(curves.index, curves.to_numpy(dtype=np.float64), strict=True)
    )
    return Table((unit, "mean over time", "least", "most"), rows, frozenset({1, 2, 3}))


def _summary(row: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float, float]:
    known = row[~np.isnan(row)]
    return (float(known.mean()), float(known.min()), float(known.max())) if known.size else (np.nan,) * 3
