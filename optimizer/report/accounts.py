"""The accounts in full: cost items that reconcile with the objective, green energy, and every indicator."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import pandas as pd

from optimizer.report.figures import Table
from optimizer.report.headline import Number, national
from optimizer.report.words import bilingual, exact, number, percent
from optimizer.runs.store import Run

Items = dict[str, float]


@dataclass(frozen=True)
class Costs:
    """Items of the plan beside the greedy plan's, and what is left when the objective is taken from their sum."""

    table: Table
    sum_kcny: Number
    objective_kcny: Number
    reconciliation_kcny: Number
    tolerance_met: bool


RECONCILED = 1e-6
"""Items reconcile when they differ from the objective by no more than this, relative to it."""


def costs(run: Run, greedy_items: pd.DataFrame | None) -> Costs:
    """The cost table and its reconciliation line; a greedy column only if the run has a greedy plan."""
    mine = _items(run.table("cost_items"))
    rival = None if greedy_items is None else _items(greedy_items)
    total, objective = fsum(mine.values()), float(run.manifest["objective_kcny"])
    left = total - objective
    return Costs(
        _cost_table(mine, rival),
        Number("cost_items_sum_kcny", total, exact(total)),
        Number("reconciled_objective_kcny", objective, exact(objective)),
        Number("reconciliation_kcny", left, exact(left)),
        abs(left) <= RECONCILED * max(1.0, abs(objective)),
    )


def _items(table: pd.DataFrame) -> Items:
    return {str(item): float(cost) for item, cost in zip(table["item"], table["cost_kcny"], strict=True)}


def _cost_table(mine: Items, rival: Items | None) -> Table:
    total = fsum(mine.values())
    order = sorted({*mine, *(rival or {})}, key=lambda item: (-mine.get(item, 0.0), item))
    rows = [_cost_row(bilingual(item), mine.get(item), total, rival, (rival or {}).get(item)) for item in order]
    rows.append(_cost_row("合计 total", total, total, rival, fsum((rival or {}).values())))
    columns: tuple[str, ...] = ("item", "plan, kCNY", "share")
    columns += () if rival is None else ("greedy, kCNY", "plan − greedy, kCNY")
    return Table(columns, tuple(rows), frozenset(range(1, len(columns))))


def _cost_row(name: str, cost: float | None, total: float, rival: Items | None, other: float | None) -> tuple[str, ...]:
    share = None if cost is None or not total else cost / total
    row = (name, number(cost, 2), percent(share) if cost else "")
    if rival is None:
        return row
    return (*row, number(other, 2), number(None if cost is None or other is None else cost - other, 2))


GREEN = {
    "consumption_mwh": "consumption, MWh",
    "direct_mwh": "direct supply, MWh",
    "new_mwh": "new plants, MWh",
    "certificate_mwh": "certificates, MWh",
    "conveyed_mwh": "conveyed to buyers, MWh",
    "shortfall_mwh": "shortfall, MWh",
}
RARE = ("new_mwh", "conveyed_mwh")
"""Columns that are shown only where a run has something in them."""


def green_table(run: Run) -> Table:
    """Consumption of each cluster, how it is covered, and the target."""
    green = run.table("green")
    shown = [c for c in GREEN if c not in RARE or (c in green and green[c].abs().sum() > 0)]
    rows = tuple(
        (
            str(row["cluster"]),
            *(number(row[column]) for column in shown),
            percent(row["green_frac"]),
            percent(row["target_frac"]),
        )
        for row in green.to_dict("records")
    )
    columns = ("cluster", *(GREEN[column] for column in shown), "green share", "target")
    return Table(columns, rows, frozenset(range(1, len(columns))))


def indicator_table(run: Run, greedy_indicators: pd.DataFrame | None) -> Table:
    """National indicators, the greedy plan's beside them if the run keeps them."""
    table = run.table("indicators")
    table = table[table["scope"] == "nation"]
    rival = {} if greedy_indicators is None else national(greedy_indicators)
    rows = []
    for name, unit, value in zip(table["indicator"], table["unit"], table["value"], strict=True):
        other = (_measure(rival.get(str(name)), str(unit)),) if rival else ()
        rows.append((str(name), _measure(float(value), str(unit)), *other, "" if unit in ("frac", "1") else str(unit)))
    columns = ("indicator", "plan", *(("greedy",) if rival else ()), "unit")
    return Table(columns, tuple(rows), frozenset(range(1, len(columns) - 1)))


def place_table(run: Run, kind: str) -> Table | None:
    """Indicators of every zone or region, one row a place; None if the run has none."""
    table = run.table("indicators")
    table = table[table["scope"].str.startswith(f"{kind} ")]
    if table.empty:
        return None
    units = dict(zip(table["indicator"], table["unit"], strict=True))
    wide = table.pivot_table(index="scope", columns="indicator", values="value", aggfunc="first")
    rows = tuple(
        (
            bilingual(str(scope).removeprefix(f"{kind} ")),
            *(_measure(row.get(name), unit, 3) for name, unit in units.items()),
        )
        for scope, row in wide.iterrows()
    )
    names = (name if unit in ("frac", "1") else f"{name}, {unit}" for name, unit in units.items())
    return Table((kind, *names), rows, frozenset(range(1, len(units) + 1)))


def _measure(value: float | None, unit: str, decimals: int = 0) -> str:
    if unit == "frac":
        return percent(value)
    return number(value, 3 if unit == "1" else decimals)
