"""The small tables of figures in `scenarios/data`, read once and checked for blanks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from hubs.errors import Fault, InputError, nearest
from scenarios.case import Floats

FOLDER = Path(__file__).parent / "data"
QUANTILES = np.array([0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99])
_POINTS = ["p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99"]


@cache
def table(name: str) -> pd.DataFrame:
    """One table; InputError if a cell is blank."""
    frame = pd.read_csv(FOLDER / f"{name}.csv")
    if frame.isna().any(axis=None):
        row = int(np.flatnonzero(frame.isna().any(axis=1))[0]) + 2
        raise InputError([Fault(f"scenarios/data/{name}.csv", row, None, "a cell is blank", "every figure must stand", "fill it in")])
    return frame


def daily_shape(name: str, shape: str) -> Floats:
    """24 hourly values with mean one, of a column of `inference_shape` or `batch_arrivals`; `flat` is a constant."""
    if shape == "flat":
        return np.ones(24)
    frame = table(name)
    known = ["flat", *(column for column in frame.columns if column not in ("hour", "status", "source"))]
    if shape not in known:
        raise InputError([Fault("scenario", None, "shape", f"shape '{shape}' is not known", f"a shape is a column of scenarios/data/{name}.csv", nearest(shape, known))])
    values = np.asarray(frame.sort_values("hour")[shape], dtype=float)
    return values / values.mean()


def quantiles(name: str, **where: str) -> Floats:
    """The nine quantiles (1 % to 99 %) of the one row of a table that matches `where`."""
    frame = table(name)
    for column, value in where.items():
        if value not in set(frame[column]):
            raise InputError(
                [Fault("scenario", None, column, f"{column} '{value}' is not known", f"it must stand in scenarios/data/{name}.csv", nearest(value, set(frame[column])))]
            )
        frame = frame[frame[column] == value]
    return np.asarray(frame[_POINTS].iloc[0], dtype=float)


def month_hour(name: str, column: str, **where: str) -> Floats:
    """(12, 24) means of a column, for the rows that match `where`."""
    frame = table(name)
    for key, value in where.items():
        frame = frame[frame[key] == value]
    return np.asarray(frame.sort_values(["month", "hour"])[column], dtype=float).reshape(12, 24)
