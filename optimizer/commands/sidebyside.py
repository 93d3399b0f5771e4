"""Scenarios side by side: each solved one a row, its cost compared with that of the first.

Costs are compared as intervals from bound to cost: where that of a scenario overlaps that of the reference, which of
the two optima is lower is undecided, whatever the two plans cost. Where both are the same programme to the last
number, the difference is none, and that is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from optimizer.commands import sheet
from optimizer.commands.keyfigures import KeyFigures
from optimizer.runs.manifest import versions

INDICATORS = {
    "carbon_location_tco2": "carbon, location-based",
    "carbon_market_tco2": "carbon, market-based",
    "green_share_frac": "green share of clusters",
    "cluster_utilisation_frac": "cluster utilisation",
    "western_utilisation_frac": "western cluster utilisation",
    "theil": "Theil of dispatched compute per head",
}
"""Column -> national indicator."""


@dataclass(frozen=True)
class Entry:
    """A scenario of the library, solved."""

    name: str
    why: str
    parent: str
    changes: str
    changes_short: str
    figures: KeyFigures


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row an entry, compared with the first; NaN without a plan.

    scenario, parent, changes; cost_kcny, bound_kcny, gap_frac; difference_kcny between the plans, and
    difference_low_kcny and difference_high_kcny between which that of the optima lies; same_programme; the
    columns of INDICATORS; status, why, wall_s.
    """
    reference = entries[0].figures
    rows = []
    for entry in entries:
        figures = entry.figures
        own = entry is entries[0]
        rows.append(
            {
                "scenario": entry.name,
                "parent": entry.parent,
                "changes": entry.changes,
                "cost_kcny": _finite(figures.cost_kcny),
                "bound_kcny": _finite(figures.bound_kcny),
                "gap_frac": _finite(figures.gap_frac),
                "difference_kcny": math.nan if own else _finite(figures.cost_kcny - reference.cost_kcny),
                "difference_low_kcny": math.nan if own else _finite(figures.bound_kcny - reference.cost_kcny),
                "difference_high_kcny": math.nan if own else _finite(figures.cost_kcny - reference.bound_kcny),
                "same_programme": figures.programme_sha256 == reference.programme_sha256 != "",
                **{c: figures.national[name] if figures.national else math.nan for c, name in INDICATORS.items()},
                "status": figures.status,
                "why": entry.why,
                "wall_s": figures.wall_s,
            }
        )
    return pd.DataFrame(rows)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def page(entries: Sequence[Entry], left_out: Mapping[str, str], day: date) -> str:
    """The table as Markdown; under it the scenarios without a plan and those left out, date and versions."""
    reference = entries[0].name
    heads = ["scenario", "change", "million CNY", f"against {reference}", "gap"]
    heads += ["t CO2 location", "t CO2 market", "green", "clusters", "western", "Theil", "status"]
    frame = table(entries)
    rows = [_cells(row, entry, reference) for row, entry in zip(frame.to_dict("records"), entries, strict=True)]
    used = versions()
    notes = [
        f"Cost of {frame['cost_kcny'].notna().sum()} of {len(entries)} scenarios; `undecided`: the intervals from "
        "bound to cost overlap. Green: share of the clusters' consumption; clusters, western: their utilisation; "
        "Theil: of dispatched compute per head of a province.",
        *(f"`{e.name}`: {e.figures.status}. {e.why}" for e in entries if not math.isfinite(e.figures.cost_kcny)),
        *([f"Left out: {', '.join(f'`{name}` ({why})' for name, why in left_out.items())}."] if left_out else []),
        f"computegrid {used['computegrid']}, HiGHS {used['highspy']}, {day.isoformat()}.",
    ]
    return "\n\n".join([sheet.markdown(heads, rows), *notes]) + "\n"


def _cells(row: Mapping[Any, Any], entry: Entry, reference: str) -> list[str]:
    change = entry.changes_short
    if entry.parent not in ("", reference) and entry.name != reference:
        change = f"as {entry.parent}, and {change}"
    return [
        entry.name,
        "" if entry.name == reference else change,
        sheet.number(row["cost_kcny"] / 1000, ",.3f"),
        _difference(row),
        sheet.number(100 * row["gap_frac"], ".2f") + (" %" if math.isfinite(row["gap_frac"]) else ""),
        sheet.number(row["carbon_location_tco2"], ",.0f"),
        sheet.number(row["carbon_market_tco2"], ",.0f"),
        *(
            sheet.number(row[column], ".1%")
            for column in ("green_share_frac", "cluster_utilisation_frac", "western_utilisation_frac")
        ),
        sheet.number(row["theil"], ".3f"),
        row["status"],
    ]


def _difference(row: Mapping[Any, Any]) -> str:
    """Million CNY against the reference, or that the sign of the difference is not proved."""
    if not math.isfinite(row["difference_kcny"]):
        return "–"
    if row["same_programme"]:
        return "none, same model"
    if row["difference_low_kcny"] <= 0 <= row["difference_high_kcny"]:
        return "undecided"
    return sheet.number(row["difference_kcny"] / 1000, "+,.3f")
