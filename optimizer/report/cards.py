"""Accounts on the page: a card with a table of amounts, and tables that not every run has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import pandas as pd

from optimizer.report.augmented import has_table
from optimizer.report.figures import Table
from optimizer.report.words import number
from optimizer.runs.store import Run

Row = tuple[tuple[str, ...], Sequence[float]]


@dataclass(frozen=True)
class Card:
    """A table with its heading; `folded` ones, each under its own words, are opened by the reader."""

    zh: str
    en: str
    table: Table
    note: str = ""
    total: bool = False
    folded: tuple[tuple[str, Table], ...] = ()


def kept(run: Run, name: str) -> pd.DataFrame | None:
    """A table that not every run has, None if this one has it not."""
    return run.table(name) if has_table(run, name) else None


def filled(run: Run, name: str) -> pd.DataFrame | None:
    """A table with rows, None if the run has no such table or nothing in it."""
    table = kept(run, name)
    return None if table is None or table.empty else table


def account_table(columns: tuple[str, ...], rows: Sequence[Row], total: bool = False) -> Table:
    """Words on the left, amounts on the right; `total` adds the sums of all amounts."""
    words = len(columns) - len(rows[0][1]) if rows else 1
    if total and rows:
        sums = [fsum(column) for column in zip(*(amounts for _, amounts in rows), strict=True)]
        rows = [*rows, (("合计 total", *[""] * (words - 1)), sums)]
    shown = tuple((*names, *(number(amount, 2) for amount in amounts)) for names, amounts in rows)
    return Table(columns, shown, frozenset(range(words, len(columns))))


def records(table: pd.DataFrame, name: str, columns: dict[str, str]) -> list[Row]:
    amounts = table[list(columns)].astype(float).to_numpy().tolist()
    return [((str(who),), row) for who, row in zip(table[name], amounts, strict=True)]


def pairs(amounts: pd.Series[float]) -> list[Row]:
    return [((str(name),), [float(amount)]) for name, amount in amounts.items()]
