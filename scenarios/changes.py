"""Facts that a scenario changes, checked by the same rules as the fact tables themselves.

`[facts.clusters.Guian] power_kcny_per_mwh = 0.6` changes one number of one table;
`[facts.prices] carbon_kcny_per_tco2 = 0.2` one of a table without keys; keys of the fleet are `Guian/a`. A change
of an emission factor holds for every year. The provenance of a changed number becomes status `scenario`.

Regions' demand shares need not sum to one here: a scenario may be about a few regions (see scenarios/checks.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from hubs.errors import Fault, InputError, nearest
from hubs.facts import Facts
from hubs.longtable import SUM_TOLERANCE
from hubs.schema import (
    CLUSTER_FACTS,
    EMISSIONS,
    FLEET,
    NATIONAL,
    NETWORK,
    PODS,
    PRICES,
    REGION_FACTS,
    FactTable,
    Quantity,
)
from scenarios.schema import Place

KEYED: dict[str, FactTable] = {
    "regions": REGION_FACTS,
    "clusters": CLUSTER_FACTS,
    "pods": PODS,
    "emissions": EMISSIONS,
    "fleet": FLEET,
}
SCALAR: dict[str, FactTable] = {"prices": PRICES, "network": NETWORK, "national": NATIONAL}
_LINK = Quantity("capacity_gbps", 0.0, math.inf, "capacity cannot be negative")


LISTED = 500
"""A longer list of names helps nobody."""
PLACES = ("lat_deg", "lon_deg")
ORDERED = (
    ("pods", "idle_mw", "peak_mw", "a busy pod draws at least what an idle one does"),
    ("regions", "tou_peak_ratio", "tou_critical_ratio", "the critical-peak price is at least the peak price"),
)
"""Table, the smaller quantity, the larger one, and the rule in words."""
Change = tuple[str, str, str, Any]
"""Table, key (blank for a table without keys), quantity, value."""


def changed(facts: Facts, changes: dict[str, dict[str, Any]], why: str, place: Place | None = None) -> Facts:
    """Facts with a scenario's changes applied; raises InputError with every fault.

    `why` goes into the provenance of each changed number; `place` finds the file and line of a key.
    """
    place = place or (lambda _: (why, None))
    faults: list[Fault] = []
    accepted: list[Change] = []
    for change in _flat(changes, place, faults):
        fault = _fault(facts, place, *change)
        if fault:
            faults.append(fault)
        else:
            accepted.append(change)
    result = _applied(facts, accepted, why)
    faults += _across(result, accepted, place)
    if faults:
        raise InputError(faults)
    return result


def _flat(changes: dict[str, dict[str, Any]], place: Place, faults: list[Fault]) -> Iterator[Change]:
    for table, entries in changes.items():
        if table in SCALAR:
            yield from ((table, "", quantity, value) for quantity, value in entries.items())
        elif table in KEYED or table == "links":
            for key, values in entries.items():
                for quantity, value in _pairs(values, place, table, key, faults):
                    yield table, key, quantity, value
        else:
            faults.append(_unknown(place, ("facts", table), "table", table, [*KEYED, *SCALAR, "links"]))


def _applied(facts: Facts, accepted: list[Change], why: str) -> Facts:
    tables: dict[str, Any] = {table: getattr(facts, table).copy() for table, *_ in accepted}
    provenance = facts.provenance.copy()
    for table, key, quantity, value in accepted:
        _set(tables[table], table, key, quantity, float(value))
        _mark(provenance, table, key, quantity, float(value), why)
    return replace(facts, **tables, provenance=provenance) if tables else facts


def _across(facts: Facts, accepted: list[Change], place: Place) -> Iterator[Fault]:
    """What one number alone cannot show, said of the keys that were changed: orders and shares of a cluster's fleet."""
    for table, small, large, rule in ORDERED:
        for key in dict.fromkeys(
            key for name, key, quantity, _ in accepted if (name, quantity) in _either(table, small, large)
        ):
            frame = getattr(facts, table).loc[[key]]
            for low, high in frame.loc[frame[small] > frame[large], [small, large]].head(1).itertuples(index=False):
                where, row = place(("facts", table, key, small))
                found = f"{large} of '{key}' is {high:g}, its {small} {low:g}"
                yield Fault(where, row, f"facts.{table}.{key}.{large}", found, rule, "correct one of the two")
    for cluster, changed_key in {key.split("/")[0]: key for table, key, *_ in accepted if table == "fleet"}.items():
        total = float(facts.fleet.loc[[cluster], "share_frac"].sum())
        if abs(total - 1) > SUM_TOLERANCE:
            where, row = place(("facts", "fleet", changed_key))
            found = f"share_frac of '{cluster}' sums to {total:.9g}"
            yield Fault(
                where, row, f"facts.fleet.{cluster}", found, "shares of one whole sum to 1", "correct the shares"
            )


def _either(table: str, *quantities: str) -> set[tuple[str, str]]:
    return {(table, quantity) for quantity in quantities}


def _pairs(values: Any, place: Place, table: str, key: str, faults: list[Fault]) -> list[tuple[str, Any]]:
    if isinstance(values, dict):
        return list(values.items())
    where, row = place(("facts", table, key))
    found, rule = f"facts.{table}.{key} is {values!r}", f"table '{table}' is changed by key and quantity"
    mend = f"write it under [facts.{table}.KEY]"
    faults.append(Fault(where, row, f"facts.{table}.{key}", found, rule, mend))
    return []


def _quantities(table: str) -> dict[str, Quantity]:
    if table == "links":
        return {_LINK.name: _LINK}
    return {q.name: q for q in (KEYED | SCALAR)[table].quantities}


def _fault(facts: Facts, place: Place, table: str, key: str, quantity: str, value: Any) -> Fault | None:
    path = tuple(part for part in ("facts", table, key, quantity) if part)
    if key and key not in _keys(facts, table):
        return _unknown(place, path[:-1], f"key of {table}", key, _keys(facts, table))
    known = _quantities(table)
    if quantity not in known:
        return _unknown(place, path, f"quantity of {table}", quantity, list(known))
    (where, row), name = place(path), ".".join(path)
    if quantity in PLACES:
        rule = "a site stands in one place, and link lengths were measured from there"
        return Fault(
            where, row, name, f"{name} is changed", rule, "change facts.links or network.latency_limit instead"
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Fault(where, row, name, f"{name} is {value!r}", "a fact is a finite number", "write a decimal number")
    bounds = known[quantity]
    if not bounds.low <= value <= bounds.high:
        mend = f"write a value from {bounds.low:g} to {bounds.high:g}"
        return Fault(where, row, name, f"{name} is {value:g}", bounds.rule, mend)
    return None


def _keys(facts: Facts, table: str) -> list[str]:
    index = getattr(facts, table).index
    if table == "fleet":
        return ["/".join(pair) for pair in index]
    return [str(key) for key in (index.get_level_values(0).unique() if isinstance(index, pd.MultiIndex) else index)]


def _set(table: Any, name: str, key: str, quantity: str, value: float) -> None:
    if name in SCALAR:
        table[quantity] = value
    elif name == "fleet":
        table.loc[tuple(key.split("/")), quantity] = value
    elif name == "emissions":
        table.loc[(key, slice(None)), quantity] = value
    else:
        table.loc[key, quantity] = value


def _mark(provenance: pd.DataFrame, table: str, key: str, quantity: str, value: float, why: str) -> None:
    file = table if table == "links" else (KEYED | SCALAR)[table].file.removesuffix(".csv")
    named = (provenance["table"] == file) & (provenance["quantity"] == quantity)
    if key:
        keys = provenance["key"] if table == "fleet" else provenance["key"].str.split("/").str[0]
        named &= keys == key
    for column, cell in (("value", value), ("status", "scenario"), ("note", f"changed by {why}")):
        provenance.loc[named, column] = cell


def _unknown(place: Place, path: tuple[str, ...], kind: str, name: str, known: list[str]) -> Fault:
    where, row = place(path)
    found, rule, mend = f"{kind} '{name}' is not known", "a scenario changes facts that exist", nearest(name, known)
    if len(mend) > LISTED:
        mend = f"write one of the {len(known)} names that stand in the facts"
    return Fault(where, row, ".".join(path), found, rule, mend)
