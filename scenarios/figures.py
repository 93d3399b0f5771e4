"""The small tables of figures in `scenarios/data`, read once and checked for blanks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from hubs.errors import Fault, InputError, nearest
from scenarios.case import Floats

FLAT = "flat"
FOLDER = Path(__file__).parent / "data"
QUANTILES = np.array([0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99])
_POINTS = ["p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99"]


@cache
def table(name: str) -> pd.DataFrame:
    """One table; InputError if a cell is blank."""
    frame = pd.read_csv(FOLDER / f"{name}.csv")
    if frame.isna().any(axis=None):
        row = int(np.flatnonzero(frame.isna().any(axis=1))[0]) + 2
        raise InputError(
            [Fault(f"scenarios/data/{name}.csv", row, None, "a cell is blank", "every figure must stand", "fill it in")]
        )
    return frame


def shapes(name: str) -> list[str]:
    """Columns of a table of daily shapes, and `flat`."""
    return [FLAT, *(str(column) for column in table(name).columns if column not in ("hour", "status", "source"))]


def daily_shape(name: str, shape: str) -> Floats:
    """24 hourly values with mean one: a column of a table of shapes, or ones for `flat`; InputError if unknown."""
    _known(name, "shape", shape, shapes(name))
    if shape == FLAT:
        return np.ones(24)
    values = np.asarray(table(name).sort_values("hour")[shape], dtype=float)
    return np.asarray(values / values.mean())


def quantiles(name: str, **where: str) -> Floats:
    """The nine quantiles (1 % to 99 %) of the one row of a table that matches `where`; InputError if none does."""
    return np.asarray(matching(name, **where)[_POINTS].iloc[0], dtype=float)


@cache
def month_hour(name: str, column: str, **where: str) -> Floats:
    """(12, 24) means of a column, read-only, for the rows that match `where`; InputError if there are none."""
    _known(name, "column", column, [str(known) for known in table(name).columns])
    frame = matching(name, **where)
    means = np.array(frame.sort_values(["month", "hour"])[column], dtype=float).reshape(12, 24)
    means.setflags(write=False)
    return means


def matching(name: str, **where: str) -> pd.DataFrame:
    """Rows of a table whose columns have these values; InputError naming the first value that is not there."""
    frame = table(name)
    for column, value in where.items():
        _known(name, column, value, sorted(set(frame[column])))
        frame = frame[frame[column] == value]
    return frame


def _known(name: str, kind: str, value: str, known: list[str]) -> None:
    if value not in known:
        found, rule = f"{kind} '{value}' is not known", "a series is made from figures that stand there"
        raise InputError([Fault(f"scenarios/data/{name}.csv", None, kind, found, rule, nearest(value, known))])
