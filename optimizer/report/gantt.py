"""When and where each training job ran: a bar a job, in lanes of its cluster."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.report.figures import HOUR_MS, QUIET, ZONE_COLOURS, Figure, Table, Trace, axis, both, layout, safe, times
from optimizer.report.jobdays import jobs_by_day
from optimizer.report.steps import steps_of
from optimizer.report.words import number
from optimizer.runs.store import Run

LANE_PX = 20


def jobs_figure(run: Run) -> Figure:
    """A bar per training job in a lane of its cluster, coloured by where its owner is; of a long horizon, by day."""
    words = ("jobs", "训练任务排程", "Where and when each training job ran")
    jobs = run.table("jobs")
    if jobs.empty:
        return Figure(*words, "", note="This run has no training jobs.")
    if steps_of(run).is_daily:
        return jobs_by_day(run, jobs)
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
        dragmode="zoom",
        xaxis=axis(type="date", range=ends),
        yaxis=axis(
            range=[lanes - 0.5, -0.5],
            fixedrange=True,
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
