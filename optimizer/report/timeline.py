"""Figures over time: what runs where in each hour, and how full the clusters are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from optimizer.report.figures import (
    HOUR_MS,
    INK,
    LEGEND,
    MUTED,
    Figure,
    Table,
    Trace,
    axis,
    both,
    layout,
    names_axis,
    plain,
    safe,
)
from optimizer.report.steps import steps_of
from optimizer.report.words import bilingual, number, percent
from optimizer.runs.store import Run

Choices = dict[str, list[tuple[str, str]]]


def work_colours(load: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """work -> (colour, pattern), the largest first; patterns tell them apart when there are more than nine."""
    order = load.groupby(["kind", "work"])["load_eflops"].sum().sort_values(ascending=False).reset_index()
    patterns = ("", "/", "\\", "x", ".")
    return {
        str(work): (MUTED[i % len(MUTED)], patterns[i // len(MUTED) % len(patterns)])
        for i, work in enumerate(order["work"].drop_duplicates())
    }


def dispatch_figure(run: Run, series: Mapping[str, Any]) -> Figure:
    """Load by step and work, all sites together at first; `series` (`dispatch_series`) is what the selector shows."""
    steps, load = steps_of(run), run.table("load")
    colours = work_colours(load)
    first = series["sites"][""]
    data: list[Trace] = [
        {
            "type": "bar",
            "name": both(work),
            "x": steps.edges[:-1],
            "y": first[i],
            "width": [HOUR_MS * length for length in steps.lengths_h],
            "offset": 0,
            "marker": {"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern}},
            "hovertemplate": "%{y:,.2f}",
        }
        for i, (work, (colour, pattern)) in enumerate(colours.items())
    ]
    data.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "可用算力 usable capacity",
            "x": steps.edges,
            "y": first[-1],
            "line": {"color": INK, "width": 1.5, "dash": "dash", "shape": "hv"},
            "hovertemplate": "%{y:,.2f}",
        }
    )
    return Figure(
        "dispatch",
        "逐日调度" if steps.is_daily else "逐时调度",
        "Dispatch by day" if steps.is_daily else "Dispatch by hour",
        f"Stacked bars of load in EFLOPS over {len(steps.lengths_h)} {steps.words} by class of work, with usable "
        "capacity as a dashed line.",
        f"{steps.note}A bar stands from its start to its end, Beijing time. Drag to zoom, double-click to come "
        "back; click the legend to leave classes out.",
        tuple(data),
        layout(
            430,
            barmode="stack",
            bargap=0,
            hovermode="x unified",
            dragmode="zoom",
            legend=LEGEND | {"traceorder": "normal"},
            xaxis=axis(type="date", range=[steps.edges[0], steps.edges[-1]]),
            yaxis=axis("EFLOPS", rangemode="tozero", fixedrange=True),
        ),
        _site_table(load),
    )


def dispatch_series(run: Run) -> dict[str, Any]:
    """Choices by group, and for each choice the bars of every class of work and, last, usable capacity.

    sites: choice -> (works + 1) lists of EFLOPS by step, that of capacity with the end of the last. Choices are
    '' for all sites, 'kind ..' and 'zone ..' for groups, 'site ..' for one. hours: length of each step.
    """
    sites, load, dispatch = (run.table(name) for name in ("sites", "load", "dispatch"))
    works, steps = list(work_colours(load)), steps_of(run)
    members = {"": list(sites["site"])}
    for column, table in (("kind", sites), ("zone", sites[sites["kind"] == "cluster"])):
        members |= {f"{column} {name}": list(part["site"]) for name, part in table.groupby(column)}
    members |= {f"site {site}": [site] for site in sites["site"]}
    by_site = load.pivot_table(index=["site", "work"], columns="hour", values="load_eflops", aggfunc="sum")
    by_site = steps.means(by_site.reindex(columns=range(steps.hours)).fillna(0.0))
    capacity = steps.means(dispatch.pivot_table(index="site", columns="hour", values="capacity_eflops", aggfunc="sum"))
    series = {}
    for choice, chosen in members.items():
        part = by_site[by_site.index.isin(chosen, level="site")].groupby(level="work").sum()
        part = part.reindex(works, fill_value=0.0)
        # The line of capacity has one point more, the end of the last step.
        limit = [float(v) for v in capacity.reindex(chosen).sum()]
        series[choice] = [plain(row, 3) for row in part.to_numpy()] + [plain([*limit, *limit[-1:]], 3)]
    return {"sites": series, "hours": steps.lengths_h}


def dispatch_choices(run: Run) -> Choices:
    """Groups of the selector: (value, words) in each."""
    sites = run.table("sites")
    kinds, zones = sorted(set(sites["kind"])), sorted(set(sites.loc[sites["kind"] == "cluster", "zone"]))
    choices: Choices = {
        "汇总 Together": [("", "全部 all sites")]
        + [(f"kind {kind}", f"all {kind} sites") for kind in kinds]
        + [(f"zone {zone}", f"{bilingual(zone)} clusters") for zone in zones]
    }
    for kind, words in (("cluster", "集群 Clusters"), ("local", "本地站点 Local sites")):
        names = sites.loc[sites["kind"] == kind, "site"]
        if len(names):
            choices[words] = [(f"site {name}", str(name)) for name in names]
    return choices


def _site_table(load: pd.DataFrame) -> Table:
    total = load.pivot_table(index="site", columns="work", values="load_eflops", aggfunc="sum", fill_value=0.0)
    works = list(total.columns)
    rows = tuple((str(site), *(number(row[w], 2) for w in works)) for site, row in total.iterrows())
    numeric = frozenset(range(1, len(works) + 1))
    return Table(("site (EFLOPS·h over the horizon)", *map(str, works)), rows, numeric)


def utilisation_figure(run: Run) -> Figure:
    """How full each cluster is in each step."""
    steps = steps_of(run)
    words = ("utilisation", "集群逐时利用率", "Utilisation of clusters by hour")
    if steps.is_daily:
        words = ("utilisation", "集群逐日利用率", "Utilisation of clusters by day")
    sites = run.table("sites")
    sites = sites[(sites["kind"] == "cluster") & (sites["capacity_eflops"] > 0)].sort_values(["zone", "site"])
    if sites.empty:
        return Figure(*words, "", note="This run has no cluster with capacity.")
    dispatch = run.table("dispatch")
    dispatch = dispatch.assign(used=dispatch["load_eflops"] / dispatch["capacity_eflops"])
    hourly = dispatch.pivot_table(index="site", columns="hour", values="used").reindex(list(sites["site"]))
    used = steps.means(hourly)
    names = [f"{safe(s)} · {safe(z)}" for s, z in zip(sites["site"], sites["zone"], strict=True)]
    when = "%a %d %b" if steps.is_daily else "%a %H:%M"
    heat: Trace = {
        "type": "heatmap",
        # Cells have an edge more than values, so that each covers its step.
        "x": steps.edges,
        "y": names,
        "z": [plain(row, 4) for row in used.to_numpy()],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "#F1F5F9"], [0.5, "#86ABCB"], [1, "#16324F"]],
        "xgap": 1 if len(used.columns) <= 48 else 0,
        "ygap": 2,
        "colorbar": {"title": {"text": "load / usable", "side": "right"}, "tickformat": ".0%", "thickness": 12},
        "hovertemplate": f"%{{y}}<br>%{{x|{when}}}: %{{z:.1%}}<extra></extra>",
    }
    rows = tuple(
        (name, percent(row.mean()), percent(row.min()), percent(row.max())) for name, (_, row) in _named(names, hourly)
    )
    return Figure(
        *words,
        f"Heat map of utilisation, {len(names)} clusters by {len(used.columns)} {steps.words}; dark is full.",
        f"{steps.note}Load over usable capacity of the cluster; dark is full.",
        (heat,),
        layout(90 + 30 * len(names), yaxis=names_axis(names)),
        Table(("cluster · zone, by the hour", "mean", "least", "most"), rows, frozenset({1, 2, 3})),
    )


def _named(names: list[str], frame: pd.DataFrame) -> zip[tuple[str, tuple[Any, Any]]]:
    return zip(names, frame.iterrows(), strict=True)
