"""Series of the user's own, in place of generated ones: long CSV files, checked to be complete.

    demand           region,class,hour,demand_eflops
    energy_price     site,hour,energy_kcny_per_mwh
    capacity_factor  cluster,carrier,hour,capacity_frac
    jobs             job,region,pods,duration_h,release_h,deadline_h,data_tb,value_kcny

A series must name every key and every hour of the horizon exactly once; the order of rows does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import inf
from pathlib import Path

import numpy as np

from hubs.errors import InputError
from hubs.rows import Reading, Row
from scenarios.arrivals import earliest_start_h
from scenarios.case import Floats, Generation, Horizon, Job

SHOWN = 5
"""How many missing hours of one series are named before the rest is counted."""


@dataclass(frozen=True)
class Layout:
    """Columns of a series file: its keys, the hour, and one number with its bounds and rule."""

    keys: tuple[str, ...]
    value: str
    high: float
    rule: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.keys, "hour", self.value)


DEMAND = Layout(("region", "class"), "demand_eflops", inf, "demand cannot be negative")
ENERGY_PRICE = Layout(("site",), "energy_kcny_per_mwh", inf, "this price cannot be negative")
CAPACITY_FACTOR = Layout(("cluster", "carrier"), "capacity_frac", 1.0, "a capacity factor lies between 0 and 1")
JOB_COLUMNS = ("job", "region", "pods", "duration_h", "release_h", "deadline_h", "data_tb", "value_kcny")


def read_series(path: Path, layout: Layout, axes: Sequence[Sequence[str]], hours: int) -> Floats:
    """Values over (*axes, hours) from a file; raises InputError with every fault of it."""
    reading = Reading(path.parent)
    found: dict[tuple[str, ...], dict[int, float]] = {key: {} for key in product(*axes)}
    rows = reading.rows(path.name, layout.columns)
    unread = bool(reading.faults)
    for row in rows:
        known = [reading.known(row, column, axis) for column, axis in zip(layout.keys, axes, strict=True)]
        hour = _whole(reading, row, "hour", 0, hours - 1)
        value = _within(reading, row, layout.value, layout.high, layout.rule)
        if not all(known) or hour is None or value is None:
            unread = True
            continue
        series = found[tuple(row[column] for column in layout.keys)]
        if hour in series:
            name = " ".join(row[column] for column in layout.keys)
            doubled, mend = f"hour {hour} of '{name}' stands twice", "remove one of the rows"
            reading.fault(row.file, row.line, "hour", doubled, "every hour stands once", mend)
        series[hour] = value
    if not unread:  # a row that could not be read is the hour that would seem to be missing
        _missing(reading, path.name, found, hours)
    if reading.faults:
        raise InputError(reading.faults)
    values = [[series[t] for t in range(hours)] for series in found.values()]
    return np.array(values).reshape(*(len(axis) for axis in axes), hours)


def _missing(reading: Reading, file: str, found: dict[tuple[str, ...], dict[int, float]], hours: int) -> None:
    rule = f"every series has all {hours} hours of the horizon"
    for key, series in found.items():
        absent = [t for t in range(hours) if t not in series]
        if absent:
            some = ", ".join(map(str, islice(absent, SHOWN)))
            rest = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
            reading.fault(file, None, "hour", f"'{' '.join(key)}' has no hour {some}{rest}", rule, "add the rows")


def _within(reading: Reading, row: Row, column: str, high: float, rule: str) -> float | None:
    value = reading.number(row, column, column)
    if value is not None and not 0 <= value <= high:
        reading.fault(row.file, row.line, column, f"{column} is {value:g}", rule, "correct the value")
        return None
    return value


def _whole(reading: Reading, row: Row, column: str, low: float, high: float) -> int | None:
    value = reading.number(row, column, column)
    if value is None:
        return None
    if value != round(value) or not low <= value <= high:
        rule = f"{column} is a whole number from {low:.0f} to {high:.0f}"
        reading.fault(row.file, row.line, column, f"{column} is {value:g}", rule, "correct the value")
        return None
    return int(value)


def read_jobs(
    path: Path, regions: Sequence[str], horizon: Horizon, pod: Generation, start_grid_h: int, room_eflops: float
) -> tuple[Job, ...]:
    """Jobs of the user's own, sorted by release; raises InputError with every fault of the file.

    Every job can start on the grid of start hours, once its data has been moved, and end by its deadline; and it fits
    into the largest cluster, which holds `room_eflops`.
    """
    reading = Reading(path.parent)
    jobs: dict[str, Job] = {}
    for row in reading.rows(path.name, JOB_COLUMNS):
        job = _job(reading, row, regions, horizon, pod)
        if job is None:
            continue
        if job.name in jobs:
            found, mend = f"job '{job.name}' stands twice", "rename or remove one"
            reading.fault(row.file, row.line, "job", found, "a job stands once", mend)
        _fits(reading, row, job, earliest_start_h(job.release_h, horizon.period_h, start_grid_h), room_eflops)
        jobs[job.name] = job
    if reading.faults:
        raise InputError(reading.faults)
    return tuple(sorted(jobs.values(), key=lambda job: (job.release_h, job.name)))


def _fits(reading: Reading, row: Row, job: Job, start_h: int, room_eflops: float) -> None:
    if start_h + job.duration_h > job.deadline_h:
        found = f"job '{job.name}' is due at hour {job.deadline_h}"
        rule = f"released at {job.release_h} it cannot start before {start_h} nor end before {start_h + job.duration_h}"
        reading.fault(row.file, row.line, "deadline_h", found, rule, "move the deadline or shorten the job")
    if job.eflops > room_eflops:
        found = f"job '{job.name}' needs {job.eflops:g} EFLOPS at once"
        rule = f"the largest cluster that takes part holds {room_eflops:g}"
        reading.fault(row.file, row.line, "pods", found, rule, "split the job or ask for fewer pods")


def _job(reading: Reading, row: Row, regions: Sequence[str], horizon: Horizon, pod: Generation) -> Job | None:
    known = reading.known(row, "region", regions)
    whole = [_whole(reading, row, column, *bounds) for column, bounds in _job_bounds(horizon).items()]
    amounts = [_within(reading, row, column, inf, f"{column} cannot be negative") for column in JOB_COLUMNS[-2:]]
    if not known or None in whole or None in amounts:
        return None
    pods, duration_h, release_h, deadline_h = (number for number in whole if number is not None)
    data_tb, value_kcny = (amount for amount in amounts if amount is not None)
    eflops = pods * pod.usable_eflops
    return Job(row["job"], row["region"], pods, eflops, duration_h, release_h, deadline_h, data_tb, value_kcny)


def _job_bounds(horizon: Horizon) -> dict[str, tuple[float, float]]:
    hours = horizon.hours
    return {"pods": (1, 1e6), "duration_h": (1, hours), "release_h": (-8784, hours - 1), "deadline_h": (1, hours)}
