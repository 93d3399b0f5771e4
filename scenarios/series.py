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
    for row in reading.rows(path.name, layout.columns):
        known = [reading.known(row, column, axis) for column, axis in zip(layout.keys, axes, strict=True)]
        hour = _whole(reading, row, "hour", 0, hours - 1)
        value = _within(reading, row, layout)
        if not all(known) or hour is None or value is None:
            continue
        series = found[tuple(row[column] for column in layout.keys)]
        if hour in series:
            name = " ".join(row[column] for column in layout.keys)
            reading.fault(path.name, row.line, "hour", f"hour {hour} of '{name}' stands twice", "every hour stands once", "remove one of the rows")
        series[hour] = value
    if not reading.faults:
        _missing(reading, path.name, found, hours)
    if reading.faults:
        raise InputError(reading.faults)
    values = [[series[t] for t in range(hours)] for series in found.values()]
    return np.array(values).reshape(*(len(axis) for axis in axes), hours)


def _missing(reading: Reading, file: str, found: dict[tuple[str, ...], dict[int, float]], hours: int) -> None:
    for key, series in found.items():
        absent = [t for t in range(hours) if t not in series]
        if absent:
            some = ", ".join(map(str, islice(absent, SHOWN))) + (f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else "")
            reading.fault(file, None, "hour", f"'{' '.join(key)}' has no hour {some}", f"every series has all {hours} hours of the horizon", "add the rows")


def _within(reading: Reading, row: Row, layout: Layout) -> float | None:
    value = reading.number(row, layout.value, layout.value)
    if value is not None and not 0 <= value <= layout.high:
        reading.fault(row.file, row.line, layout.value, f"{layout.value} is {value:g}", layout.rule, "correct the value")
        return None
    return value


def _whole(reading: Reading, row: Row, column: str, low: float, high: float) -> int | None:
    value = reading.number(row, column, column)
    if value is None:
        return None
    if value != round(value) or not low <= value <= high:
        reading.fault(row.file, row.line, column, f"{column} is {value:g}", f"{column} is a whole number from {low:g} to {high:g}", "correct the value")
        return None
    return int(value)


def read_jobs(path: Path, regions: Sequence[str], horizon: Horizon, pod: Generation) -> tuple[Job, ...]:
    """Jobs of the user's own; every job must fit between its release and its deadline, inside the horizon."""
    reading = Reading(path.parent)
    jobs: dict[str, Job] = {}
    for row in reading.rows(path.name, JOB_COLUMNS):
        job = _job(reading, row, regions, horizon, pod)
        if job is None:
            continue
        if job.name in jobs:
            reading.fault(row.file, row.line, "job", f"job '{job.name}' stands twice", "a job stands once", "rename or remove one")
        jobs[job.name] = job
    if reading.faults:
        raise InputError(reading.faults)
    return tuple(sorted(jobs.values(), key=lambda job: (job.release_h, job.name)))


def _job(reading: Reading, row: Row, regions: Sequence[str], horizon: Horizon, pod: Generation) -> Job | None:
    known = reading.known(row, "region", regions)
    pods = _whole(reading, row, "pods", 1, 1e6)
    duration = _whole(reading, row, "duration_h", 1, horizon.hours)
    release = _whole(reading, row, "release_h", -8784, horizon.hours - 1)
    deadline = _whole(reading, row, "deadline_h", 1, horizon.hours)
    data_tb, value_kcny = (reading.number(row, column, column) for column in ("data_tb", "value_kcny"))
    if not known or pods is None or duration is None or release is None or deadline is None or data_tb is None or value_kcny is None:
        return None
    if data_tb < 0 or value_kcny < 0:
        reading.fault(row.file, row.line, None, f"job '{row['job']}' has data {data_tb:g} TB and value {value_kcny:g} kCNY", "neither can be negative", "correct the value")
    if max(release, 0) + duration > deadline:
        reading.fault(row.file, row.line, "deadline_h", f"job '{row['job']}' is due at hour {deadline}", f"released at {release} it cannot end before {max(release, 0) + duration}", "move the deadline or shorten the job")
    return Job(row["job"], row["region"], pods, pods * pod.usable_eflops, duration, release, deadline, data_tb, value_kcny)
