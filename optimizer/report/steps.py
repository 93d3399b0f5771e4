"""The time axis of figures and sheets: hours of a short horizon, days of a long one.

A year has 8 760 hours: drawn one by one they make a page of many megabytes that no eye can tell apart, and sheets that
no office programme opens. Beyond 14 days figures show means of the day and sheets days; the run's tables keep hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hubs.errors import UnitMismatch
from hubs.units import suffix_of
from optimizer.report.figures import times
from optimizer.runs.store import Run

LONGEST_H = 14 * 24
"""The longest horizon that is shown hour by hour."""
DAY_H = 24
AMOUNTS = frozenset({"mwh", "kcny", "tco2", "eflopsh", "tb"})
"""Units of what adds up over hours; of all else a day has a mean."""


@dataclass(frozen=True)
class Steps:
    """Steps of `step_h` hours from the start of the horizon; the last may be shorter."""

    start: str
    hours: int
    step_h: int

    @property
    def is_daily(self) -> bool:
        return self.step_h == DAY_H

    @property
    def edges_h(self) -> list[int]:
        """First hour of every step, and the end of the last."""
        return [*range(0, self.hours, self.step_h), self.hours]

    @property
    def lengths_h(self) -> list[int]:
        return np.diff(self.edges_h).tolist()

    @property
    def edges(self) -> list[str]:
        """`edges_h` as Beijing time, in the form plotly reads."""
        return times(self.start, self.edges_h)

    @property
    def words(self) -> str:
        """'hours', or 'days' if each value is the mean of a day."""
        return "days" if self.is_daily else "hours"

    @property
    def note(self) -> str:
        """What a figure must say of its values; blank where they are those of the hours."""
        return "Daily means: the horizon is longer than 14 days; the run's tables hold every hour. " * self.is_daily

    def means(self, wide: pd.DataFrame) -> pd.DataFrame:
        """Means of each step, of a frame with a column for every hour; an hour without a value leaves its step none."""
        wide = wide.reindex(columns=range(self.hours))
        if self.step_h == 1:
            return wide
        sums = np.add.reduceat(wide.to_numpy(dtype=np.float64), self.edges_h[:-1], axis=1)
        return pd.DataFrame(sums / self.lengths_h, index=wide.index, columns=range(len(self.lengths_h)))


def steps_of(run: Run) -> Steps:
    hours = int(run.manifest["hours"])
    return Steps(run.manifest["start"], hours, 1 if hours <= LONGEST_H else DAY_H)


def by_day(table: pd.DataFrame) -> pd.DataFrame:
    """A table with a column `hour` as one with a column `day`: sums of what adds up, means of all else.

    Rows are grouped by their columns of text, but for `time`, of which the first stands. A mean is of the rows that a
    day has.
    """
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    words = [name for name in texts if name != "time"]
    how = {name: _of_a_day(name) for name in table.columns if name not in (*words, "hour")}
    days = table.assign(day=table["hour"] // DAY_H).groupby([*words, "day"], sort=False, dropna=False)
    return days.agg(how).reset_index()[[*words, "day", *how]]


def _of_a_day(name: str) -> str:
    if name == "time":
        return "first"
    try:
        return "sum" if suffix_of(name) in AMOUNTS else "mean"
    except UnitMismatch:
        return "mean"
