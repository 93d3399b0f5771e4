"""Training jobs of a long horizon: thousands of bars say nothing, so what the jobs of each cluster hold, day by day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.report.figures import HOUR_MS, MUTED, Figure, Table, Trace, axis, layout, plain, safe
from optimizer.report.steps import steps_of
from optimizer.report.words import number
from optimizer.runs.store import Run
from scenarios.case import Floats

PATTERNS = ("", "/")


def jobs_by_day(run: Run, jobs: pd.DataFrame) -> Figure:
    """Mean load of the training jobs by day and cluster, and each cluster's jobs in a table."""
    steps = steps_of(run)
    placed = jobs[jobs["start_h"] >= 0]
    held = {str(name): _load_eflops(part, steps.hours) for name, part in placed.groupby("cluster")}
    wide = steps.means(pd.DataFrame.from_dict(held, orient="index", columns=range(steps.hours)))
    data: tuple[Trace, ...] = tuple(
        {
            "type": "bar",
            "name": safe(name),
            "x": steps.edges[:-1],
            "y": plain(row, 3),
            "width": [HOUR_MS * length for length in steps.lengths_h],
            "offset": 0,
            "marker": {"color": MUTED[i % len(MUTED)], "pattern": {"shape": PATTERNS[i // len(MUTED) % len(PATTERNS)]}},
            "hovertemplate": "%{y:,.2f}",
        }
        for i, (name, row) in enumerate(zip(wide.index, wide.to_numpy(), strict=True))
    )
    dropped = len(jobs) - len(placed)
    return Figure(
        "jobs",
        "训练任务排程",
        "Where training jobs ran, day by day",
        f"Stacked bars of the load of {len(placed)} training jobs by day on {len(wide)} clusters.",
        f"{steps.note}{dropped} of {len(jobs)} jobs are dropped, at their stated value. Jobs already running at the "
        "start are not counted. Every job stands in the run's table “jobs” and in the workbook.",
        data,
        layout(380, barmode="stack", bargap=0, hovermode="x unified", xaxis=axis(type="date"), yaxis=axis("EFLOPS")),
        _table(jobs),
    )


def _load_eflops(jobs: pd.DataFrame, hours: int) -> Floats:
    """Load of the jobs in each hour, (t,)."""
    change = np.zeros(hours + 1)
    np.add.at(change, jobs["start_h"].clip(0, hours).to_numpy(), jobs["load_eflops"].to_numpy())
    np.add.at(change, jobs["end_h"].clip(0, hours).to_numpy(), -jobs["load_eflops"].to_numpy())
    return np.cumsum(change)[:hours]


def _table(jobs: pd.DataFrame) -> Table:
    work = jobs.assign(work_eflopsh=jobs["load_eflops"] * (jobs["end_h"] - jobs["start_h"]))
    groups = work.groupby("cluster")[["work_eflopsh", "data_tb", "value_kcny"]].sum()
    count = jobs.groupby("cluster").size()
    rows = tuple(
        (str(name), f"{count[name]:,}", *(number(value, 1) for value in row))
        for name, row in zip(groups.index, groups.to_numpy(), strict=True)
    )
    return Table(("cluster", "jobs", "work, EFLOPS·h", "data, TB", "value, kCNY"), rows, frozenset({1, 2, 3, 4}))
