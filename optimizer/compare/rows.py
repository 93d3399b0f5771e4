"""Tables of two runs row by row, so that no difference goes unsaid even where no measure looks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from optimizer.report.cards import kept
from optimizer.runs.store import Run

INPUTS = ("case", "facts", "sources")
"""Tables of what went in: compared by name elsewhere."""


@dataclass(frozen=True)
class TableChange:
    """A table whose rows differ, in whatever order they stand; rows are None in a run that has no such table."""

    table: str
    rows_before: int | None
    rows_after: int | None
    only_before: int
    only_after: int


def table_changes(before: Run, after: Run) -> tuple[TableChange, ...]:
    """Every table of results in which two runs differ, by name."""
    names = sorted({path.stem for run in (before, after) for path in (run.folder / "tables").glob("*.parquet")})
    found = (_change(name, kept(before, name), kept(after, name)) for name in names if name not in INPUTS)
    return tuple(change for change in found if change is not None)


def _change(name: str, before: pd.DataFrame | None, after: pd.DataFrame | None) -> TableChange | None:
    if before is not None and after is not None and before.equals(after):
        return None
    mine, theirs = _rows(before), _rows(after)
    only_before, only_after = (mine - theirs).total(), (theirs - mine).total()
    if not only_before and not only_after and before is not None and after is not None:
        return None
    rows_before, rows_after = (None if table is None else len(table) for table in (before, after))
    return TableChange(name, rows_before, rows_after, only_before, only_after)


def _rows(table: pd.DataFrame | None) -> Counter[Any]:
    """Rows with the names of their columns; what is not a number equals itself."""
    if table is None:
        return Counter()
    plain = table.astype(object).where(table.notna(), None)
    columns = sorted(table.columns)
    return Counter(tuple(zip(columns, row, strict=True)) for row in plain[columns].itertuples(index=False, name=None))
