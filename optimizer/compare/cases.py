"""What the optimizer saw differently: every field and key of two cases, an hourly series in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum

import pandas as pd

from optimizer.runs.casetable import NO_HOUR

INDEX = ("field", "key", "hour")
Values = dict[tuple[str, str, int], float | str]


@dataclass(frozen=True)
class CaseChange:
    """A quantity of the case that differs at one key: its value before and after, None in a case without it.

    For an hourly quantity `hours` names the hours that differ ('' for others), `before` and `after` are means over
    them, and `least` and `most` are the ends of the hourly differences (None where an hour is in one case only).
    """

    field: str
    key: str
    hours: str
    before: float | str | None
    after: float | str | None
    least: float | None = None
    most: float | None = None


def case_changes(before: pd.DataFrame, after: pd.DataFrame) -> tuple[CaseChange, ...]:
    """Changes by field and key, in that order, of two tables made by `case_table`; the order of rows says nothing."""
    mine, theirs = (_by_place(table) for table in (before, after))
    differ = sorted(place for place in mine.keys() | theirs.keys() if mine.get(place) != theirs.get(place))
    parts = groupby(differ, key=lambda place: place[:2])
    return tuple(_change(field, key, [place[2] for place in part], mine, theirs) for (field, key), part in parts)


def _by_place(table: pd.DataFrame) -> Values:
    """(field, key, hour) -> number or text."""
    columns = (table[name].tolist() for name in (*INDEX, "value", "text"))
    return {(field, key, hour): text or value for field, key, hour, value, text in zip(*columns, strict=True)}


def _change(field: str, key: str, hours: list[int], before: Values, after: Values) -> CaseChange:
    pairs = [(before.get((field, key, hour)), after.get((field, key, hour))) for hour in hours]
    hourly = [hour for hour in hours if hour != NO_HOUR]
    steps = [b - a for a, b in pairs if isinstance(a, float) and isinstance(b, float)]
    least, most = (min(steps), max(steps)) if hourly and len(steps) == len(pairs) else (None, None)
    mine, theirs = (_mean([side for side in sides if side is not None]) for sides in zip(*pairs, strict=True))
    return CaseChange(field, key, ranges(hourly), mine, theirs, least, most)


def _mean(values: Sequence[float | str]) -> float | str | None:
    """The text, or the mean of the numbers; None if there are none."""
    numbers = [value for value in values if isinstance(value, float)]
    return fsum(numbers) / len(numbers) if numbers else str(values[0]) if values else None


def ranges(hours: Sequence[int]) -> str:
    """'0-5, 9' for sorted hours."""
    runs = [[hour for _, hour in run] for _, run in groupby(enumerate(hours), key=lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
