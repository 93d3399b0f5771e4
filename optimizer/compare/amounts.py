"""Amounts of two plans beside one another: what differs, by how much, and whether the gaps leave it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, isnan

import pandas as pd

from optimizer.compare.decided import Gap, Verdict, interval
from optimizer.compare.measures import DAILY, Measure
from optimizer.runs.store import Run

Key = tuple[str, str, str]
"""Place, quantity, unit."""


@dataclass(frozen=True)
class Side:
    """One of two runs: its gap, and by what its amounts over the horizon are multiplied (24 h over its hours, or 1)."""

    run: Run
    gap: Gap
    per: float


@dataclass(frozen=True)
class Amount:
    """An amount that differs; None where a run has none, and where no difference can be taken.

    `low` and `high` are the bounds between which the gaps leave the difference.
    """

    place: str
    quantity: str
    unit: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Section:
    """The amounts of one measure that differ, the largest difference first."""

    name: str
    zh: str
    en: str
    amounts: tuple[Amount, ...]
    alone: str = ""
    """Which run alone has such amounts: 'before' or 'after'; blank if both have."""


def section(measure: Measure, before: Side, after: Side, larger: Verdict) -> Section | None:
    """What a measure finds different, None if nothing is; `larger` is the verdict on what the gaps do not cover."""
    tables = [measure.read(side.run) for side in (before, after)]
    if tables[0] is None or tables[1] is None:
        alone = "" if tables[0] is tables[1] else "after" if tables[0] is None else "before"
        return Section(measure.name, measure.zh, measure.en, (), alone) if alone else None
    values = [
        _scaled(table, side.per) for table, side in zip(tables, (before, after), strict=True) if table is not None
    ]
    wholes = [_wholes(side_values) for side_values in values]
    found = []
    for key in sorted({*values[0], *values[1]}):
        one, other = values[0].get(key), values[1].get(key)
        if one == other:
            continue
        slack = tuple(
            _slack(measure, side.gap, whole.get(key[1:], 0.0), value)
            for side, whole, value in zip((before, after), wholes, (one, other), strict=True)
        )
        found.append(amount(key, one, other, (slack[0], slack[1]), larger, measure.sparse))
    found.sort(key=by_weight if measure.slack == "own" else by_size)
    return Section(measure.name, measure.zh, measure.en, tuple(found)) if found else None


def amount(
    key: Key,
    before: float | None,
    after: float | None,
    slack: tuple[float, float],
    larger: Verdict,
    sparse: bool,
) -> Amount:
    """One amount; with `sparse`, what is not there counts as nothing in the difference, though shown as absent."""
    if not sparse and (before is None or after is None):
        return Amount(*key, before, after, None, None, None, "in one run only")
    found = interval(before or 0.0, after or 0.0, slack, larger)
    return Amount(*key, before, after, found.difference, found.low, found.high, found.verdict)


def by_size(found: Amount) -> tuple[float, str, str]:
    """Sorts the largest difference first, and before it what only one run has."""
    size = float("inf") if found.difference is None else abs(found.difference)
    return -size, found.quantity, found.place


def by_weight(found: Amount) -> tuple[bool, float, str, str]:
    """Sorts figures of unlike units: those of the nation first, then the largest difference for its own size."""
    size = max(abs(found.before or 0.0), abs(found.after or 0.0))
    share = float("inf") if found.difference is None else abs(found.difference) / size
    return found.place != "nation", -share, found.quantity, found.place


def _scaled(table: pd.DataFrame, per: float) -> dict[Key, float]:
    """Values by key, those that grow with the horizon multiplied; what is not defined (NaN) is not there."""
    rows = zip(table["place"], table["quantity"], table["unit"], table["value"], strict=True)
    return {(p, q, u): float(v) * (per if u in DAILY else 1.0) for p, q, u, v in rows if not isnan(v)}


def _wholes(values: Mapping[Key, float]) -> dict[tuple[str, str], float]:
    """(quantity, unit) -> sum of what it amounts to in all places."""
    parts: dict[tuple[str, str], list[float]] = {}
    for (_, quantity, unit), value in values.items():
        parts.setdefault((quantity, unit), []).append(abs(value))
    return {column: fsum(amounts) for column, amounts in parts.items()}


def _slack(measure: Measure, gap: Gap, whole: float, value: float | None) -> float:
    """What the gap could take from an amount."""
    if measure.slack == "money":
        return gap.kcny
    size = whole if measure.slack == "whole" else abs(value or 0.0)
    return gap.frac * size if size else 0.0
