"""What the plan rests on: facts by status, the estimates with their ranges, and how capacity was scaled."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import isfinite

import pandas as pd

from optimizer.report.figures import Table
from optimizer.report.words import number, percent
from optimizer.runs.store import Run

SOLID = ("official", "reported")


@dataclass(frozen=True)
class Bar:
    """A table of facts and the share of each status in it, in per cent."""

    table: str
    counts: tuple[tuple[str, int, float], ...]
    total: int


@dataclass(frozen=True)
class Source:
    code: str
    title: str
    url: str
    date: str
    grade: str


@dataclass(frozen=True)
class Provenance:
    """Counts per table and status, the rows that are not published figures, and the sources."""

    statuses: tuple[str, ...]
    bars: tuple[Bar, ...]
    soft_count: int
    count: int
    soft: Table
    scaling: Table | None
    scaling_note: str
    sources: tuple[Source, ...]


def provenance(run: Run) -> Provenance:
    """Everything the section on facts shows."""
    facts = run.table("facts")
    found = set(facts["status"])
    statuses = (*(s for s in (*SOLID, "estimated") if s in found), *sorted(found - {*SOLID, "estimated"}))
    soft = facts[~facts["status"].isin(SOLID)]
    scaling, note = _scaling(facts, run.table("sites"))
    return Provenance(
        statuses,
        (*(_bar(str(n), p, statuses) for n, p in facts.groupby("table")), _bar("合计 all", facts, statuses)),
        len(soft),
        len(facts),
        _soft_table(soft),
        scaling,
        note,
        tuple(_source(row) for row in run.table("sources").to_dict("records")),
    )


def _bar(name: str, part: pd.DataFrame, statuses: tuple[str, ...]) -> Bar:
    counts = [(status, int((part["status"] == status).sum())) for status in statuses]
    total = len(part)
    return Bar(name, tuple((s, n, 100 * n / total if total else 0.0) for s, n in counts), total)


def _soft_table(soft: pd.DataFrame) -> Table:
    rows = tuple(
        (
            str(row["table"]),
            str(row["key"]),
            str(row["quantity"]),
            _digits(row["value"]),
            _range(row["low"], row["high"]),
            str(row["unit"]),
            str(row["status"]),
            str(row["date"]),
            str(row["source"]),
            str(row["note"]),
        )
        for row in soft.to_dict("records")
    )
    columns = ("table", "key", "quantity", "value", "range", "unit", "status", "date", "source", "note")
    return Table(columns, rows, frozenset({3, 4}))


def _digits(value: float) -> str:
    return f"{value:,.6g}"


def _range(low: float, high: float) -> str:
    known = [_digits(v) if isfinite(v) else "?" for v in (float(low), float(high))]
    return "none stated" if known == ["?", "?"] else f"{known[0]} – {known[1]}"


def _scaling(facts: pd.DataFrame, sites: pd.DataFrame) -> tuple[Table | None, str]:
    """Reported capacity of each cluster, scaled to the official total of the hubs, and what this plan may use."""
    reported = facts[(facts["table"] == "cluster_facts") & (facts["quantity"] == "reported_eflops")]
    official = facts[(facts["table"] == "national") & (facts["quantity"] == "hub_intelligent_eflops")]
    if reported.empty or official.empty:
        return None, "The facts of this run hold no reported capacities, so nothing was scaled."
    total, target = float(reported["value"].sum()), float(official["value"].iloc[0])
    scale = target / total
    usable = dict(zip(sites["site"], sites["capacity_eflops"], strict=True))
    rows = [
        (
            str(row["key"]),
            str(row["status"]),
            _range(row["low"], row["high"]),
            number(row["value"]),
            number(row["value"] * scale),
            number(usable.get(row["key"])),
        )
        for row in reported.to_dict("records")
    ]
    whole = sum(float(usable[key]) for key in reported["key"] if key in usable)
    rows.append(("合计 total", "", "", number(total), number(total * scale), number(whole)))
    columns = (
        "cluster",
        "status",
        "range, EFLOPS",
        "reported, EFLOPS",
        "scaled, EFLOPS",
        "usable in this plan, EFLOPS",
    )
    note = (
        f"Clusters report {number(total, 0)} EFLOPS together, the eight hubs have {number(target, 0)} officially: "
        f"every report is scaled by {scale:.4f} ({percent(abs(1 - scale))} {'less' if scale < 1 else 'more'}). "
        "Usable is what whole pods give at their highest permitted load."
    )
    return Table(columns, tuple(rows), frozenset({2, 3, 4, 5})), note


def _source(row: dict[Hashable, object]) -> Source:
    return Source(*(str(row[name]) for name in ("source", "title", "url", "date", "grade")))
