"""Figures over time: what runs where in each hour, how full the clusters are, and when each job ran."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.report.figures import (
    HOUR_MS,
    INK,
    MUTED,
    QUIET,
    ZONE_COLOURS,
    Figure,
    Table,
    Trace,
    axis,
    both,
    layout,
    names_axis,
    plain,
    safe,
    times,
)
from optimizer.report.words import number, percent
from optimizer.runs.store import Run

LANE_PX = 20
Choices = dict[str, list[tuple[str, str]]]


def work_colours(load: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """work -> (colour, pattern), the largest first; patterns tell them apart when there are more than nine."""
    order = load.groupby(["kind", "work"])["load_eflops"].sum().sort_values(ascending=False).reset_index()
    patterns = ("", "/", "\\", "x", ".")
    return {
        str(work): (MUTED[i % len(MUTED)], patterns[i // len(MUTED) % len(patterns)])
        for i, work in enumerate(order["work"].drop_duplicates())
    }


def dispatch_figure(run: Run) -> Figure:
    """Load by hour and work, all sites together at first; `dispatch_series` holds what the selector shows."""
    hours, load = int(run.manifest["hours"]), run.table("load")
    colours, series = work_colours(load), dispatch_series(run)
    x = times(run.manifest["start"], range(hours))
    first = series["sites"][""]
    data: list[Trace] = [
        {
            "type": "bar",
            "name": both(work),
            "x": x,
            "y": first[i],
            "width": HOUR_MS,
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
            "x": x,
            "y": first[-1],
            "line": {"color": INK, "width": 1.5, "dash": "dash", "shape": "hv"},
            "hovertemplate": "%{y:,.2f}",
        }
    )
    return Figure(
        "dispatch",
        "逐时调度",
        "Dispatch by hour",
        f"Stacked bars of load in EFLOPS over {hours} hours by class of work, with usable capacity as a dashed line.",
        "An hour's bar stands from its start to its end, Beijing time. Click the legend to leave classes out.",
        tuple(data),
        layout(430, barmode="stack", bargap=0, hovermode="x unified", yaxis=axis("EFLOPS", rangemode="tozero")),
        _site_table(load),
    )


def dispatch_series(run: Run) -> dict[str, Any]:
    """Choices by group, and for each choice the bars of every class of work and, last, usable capacity.

    sites: choice -> (works + 1) lists of hourly EFLOPS; '' stands for all sites, 'kind ..' and 'zone ..' for groups.
    """
    sites, load, dispatch = (run.table(name) for name in ("sites", "load", "dispatch"))
    works, hours = list(work_colours(load)), range(int(run.manifest["hours"]))
    members = {"": list(sites["site"])}
    for column, table in (("kind", sites), ("zone", sites[sites["kind"] == "cluster"])):
        members |= {f"{column} {name}": list(part["site"]) for name, part in table.groupby(column)}
    members |= {f"site {site}": [site] for site in sites["site"]}
    by_site = load.pivot_table(index=["site", "work"], columns="hour", values="load_eflops", aggfunc="sum")
    by_site = by_site.reindex(columns=list(hours)).fillna(0.0)
    capacity = dispatch.pivot_table(index="site", columns="hour", values="capacity_eflops", aggfunc="sum")
    series = {}
    for choice, chosen in members.items():
        part = by_site[by_site.index.isin(chosen, level="site")].groupby(level="work").sum()
        part = part.reindex(works, fill_value=0.0)
        limit = capacity.reindex(chosen).sum()
        series[choice] = [plain(row, 3) for row in part.to_numpy()] + [plain(limit, 3)]
    return {"sites": series}


def dispatch_choices(run: Run) -> Choices:
    """Groups of the selector: (value, words) in each."""
    sites = run.table("sites")
    kinds, zones = sorted(set(sites["kind"])), sorted(set(sites.loc[sites["kind"] == "cluster", "zone"]))
    choices: Choices = {
        "汇总 Together": [("", "全部 all sites")]
        + [(f"kind {kind}", f"all {kind} sites") for kind in kinds]
        + [(f"zone {zone}", f"clusters in the {zone or 'other zones'}") for zone in zones]
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
    """How full each cluster is in each hour."""
    words = ("utilisation", "集群逐时利用率", "Utilisation of clusters by hour")
    sites = run.table("sites")
    sites = sites[(sites["kind"] == "cluster") & (sites["capacity_eflops"] > 0)].sort_values(["zone", "site"])
    if sites.empty:
        return Figure(*words, "", note="This run has no cluster with capacity.")
    dispatch = run.table("dispatch")
    dispatch = dispatch.assign(used=dispatch["load_eflops"] / dispatch["capacity_eflops"])
    used = dispatch.pivot_table(index="site", columns="hour", values="used").reindex(list(sites["site"]))
    names = [f"{safe(s)} · {safe(z)}" for s, z in zip(sites["site"], sites["zone"], strict=True)]
    heat: Trace = {
        "type": "heatmap",
        # Cells have an edge more than values, so that each covers its hour.
        "x": times(run.manifest["start"], range(len(used.columns) + 1)),
        "y": names,
        "z": [plain(row, 4) for row in used.to_numpy()],
        "zmin": 0,
        "zmax": 1,
        "colorscale": "Cividis",
        "reversescale": True,
        "xgap": 1,
        "ygap": 2,
        "colorbar": {"title": {"text": "load / usable", "side": "right"}, "tickformat": ".0%", "thickness": 12},
        "hovertemplate": "%{y}<br>%{x|%a %H:%M}: %{z:.1%}<extra></extra>",
    }
    rows = tuple(
        (name, percent(row.mean()), percent(row.min()), percent(row.max())) for name, (_, row) in _named(names, used)
    )
    return Figure(
        *words,
        f"Heat map of utilisation, {len(names)} clusters by {len(used.columns)} hours, from pale (idle) to dark (full).",
        "Load over usable capacity of the cluster; dark is full.",
        (heat,),
        layout(90 + 30 * len(names), yaxis=names_axis(names)),
        Table(("cluster · zone", "mean", "least", "most"), rows, frozenset({1, 2, 3})),
    )


def _named(names: list[str], frame: pd.DataFrame) -> zip[tuple[str, tuple[Any, Any]]]:
    return zip(names, frame.iterrows(), strict=True)


def jobs_figure(run: Run) -> Figure:
    """A bar per training job in a lane of its cluster, coloured by where its owner is."""
    words = ("jobs", "训练任务排程", "Where and when each training job ran")
    jobs = run.table("jobs")
    if jobs.empty:
        return Figure(*words, "", note="This run has no training jobs.")
    sites = run.table("sites")
    zone = dict(zip(sites["region"], sites["zone"], strict=True))
    jobs = jobs.assign(zone=jobs["region"].map(zone).fillna("other"))
    placed = _lanes(jobs[jobs["start_h"] >= 0].sort_values(["cluster", "start_h", "end_h", "job"]))
    dropped = [str(name) for name in jobs.loc[jobs["start_h"] < 0, "job"]]
    lanes = int(placed["lane"].max()) + 1 if len(placed) else 1
    note = f"All {len(jobs)} jobs run." if not dropped else f"Dropped, at their stated value: {', '.join(dropped)}."
    return Figure(
        *words,
        f"Gantt chart: {len(placed)} of {len(jobs)} training jobs on {placed['cluster'].nunique()} clusters.",
        f"{note} Colour is the zone the job comes from. Jobs already running at the start are fixed load, not shown.",
        tuple(_bars(placed, run.manifest["start"], z) for z in sorted(set(placed["zone"]))),
        _job_frame(placed, lanes, run),
        _job_table(jobs),
    )


def _lanes(placed: pd.DataFrame) -> pd.DataFrame:
    """Each job in the first lane of its cluster that is free when it starts; clusters one below another."""
    lane, base = [], 0
    for _, part in placed.groupby("cluster", sort=True):
        free: list[int] = []
        for start, end in zip(part["start_h"], part["end_h"], strict=True):
            place = next((i for i, until in enumerate(free) if until <= start), len(free))
            free[place:] = [int(end), *free[place + 1 :]]
            lane.append(base + place)
        base += len(free)
    return placed.assign(lane=lane)


def _bars(placed: pd.DataFrame, start: str, zone: str) -> Trace:
    part = placed[placed["zone"] == zone]
    return {
        "type": "bar",
        "orientation": "h",
        "name": f"来自 from {both(zone)}",
        "base": times(start, list(part["start_h"])),
        "x": [int(h) * HOUR_MS for h in part["end_h"] - part["start_h"]],
        "y": [int(lane) for lane in part["lane"]],
        "width": 0.82,
        "marker": {"color": ZONE_COLOURS.get(zone, QUIET), "line": {"width": 0}},
        "text": [
            f"<b>{safe(j['job'])}</b> from {safe(j['region'])} at {safe(j['cluster'])}<br>hours {j['start_h']} to "
            f"{j['end_h']}, {j['pods']} pods, {number(j['load_eflops'], 2)} EFLOPS, {number(j['data_tb'], 0)} TB"
            for j in part.to_dict("records")
        ],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }


def _job_frame(placed: pd.DataFrame, lanes: int, run: Run) -> dict[str, Any]:
    spans = placed.groupby("cluster")["lane"].agg(["min", "max"])
    edges = [float(low) - 0.5 for low in spans["min"].iloc[1:]]
    ends = times(run.manifest["start"], [0, int(run.manifest["hours"])])
    line = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "layer": "below",
        "line": {"color": "#C5CCD3", "width": 1},
    }
    return layout(
        110 + LANE_PX * lanes,
        barmode="overlay",
        xaxis=axis(type="date", range=ends),
        yaxis=axis(
            range=[lanes - 0.5, -0.5],
            showgrid=False,
            zeroline=False,
            tickvals=[(float(low) + float(high)) / 2 for low, high in spans.to_numpy()],
            ticktext=[safe(name) for name in spans.index],
        ),
        shapes=[line | {"y0": edge, "y1": edge} for edge in edges],
    )


def _job_table(jobs: pd.DataFrame) -> Table:
    rows = tuple(
        (
            str(j["job"]),
            str(j["region"]),
            str(j["cluster"]),
            str(j["start_h"]) if j["start_h"] >= 0 else "–",
            str(j["end_h"]) if j["start_h"] >= 0 else "–",
            str(j["pods"]),
            number(j["load_eflops"], 2),
            number(j["data_tb"], 1),
            number(j["value_kcny"], 1),
        )
        for j in jobs.to_dict("records")
    )
    columns = ("job", "from", "cluster", "start, h", "end, h", "pods", "load, EFLOPS", "data, TB", "value, kCNY")
    return Table(columns, rows, frozenset(range(3, 9)))
