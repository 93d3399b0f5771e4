"""Facts that a scenario changes, checked by the same rules as the fact tables themselves.

`[facts.clusters.Guian] power_kcny_per_mwh = 0.6` changes one number of one table;
`[facts.prices] carbon_kcny_per_tco2 = 0.2` one of a table without keys; keys of the fleet are `Guian/a`. The provenance of a changed number
becomes status `scenario`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from hubs.errors import Fault, InputError, nearest
from hubs.facts import Facts
from hubs.schema import CLUSTER_FACTS, EMISSIONS, FLEET, NATIONAL, NETWORK, PODS, PRICES, REGION_FACTS, FactTable, Quantity

KEYED: dict[str, FactTable] = {"regions": REGION_FACTS, "clusters": CLUSTER_FACTS, "pods": PODS, "emissions": EMISSIONS, "fleet": FLEET}
SCALAR: dict[str, FactTable] = {"prices": PRICES, "network": NETWORK, "national": NATIONAL}
_LINK = Quantity("capacity_gbps", 0.0, math.inf, "capacity cannot be negative")


def changed(facts: Facts, changes: dict[str, dict[str, Any]], where: str) -> Facts:
    """Facts with a scenario's changes applied; raises InputError with every fault."""
    faults: list[Fault] = []
    tables: dict[str, Any] = {}
    provenance = facts.provenance.copy()
    for table, entries in changes.items():
        if table in SCALAR:
            tables[table] = dict(getattr(facts, table))
            rows = [(table, "", quantity, value) for quantity, value in entries.items()]
        elif table in KEYED or table == "links":
            tables[table] = getattr(facts, table).copy()
            rows = [(table, key, *pair) for key, values in entries.items() for pair in _pairs(values, where, table, key, faults)]
        else:
            faults.append(_unknown(where, f"facts.{table}", "table", table, [*KEYED, *SCALAR, "links"]))
            continue
        for _, key, quantity, value in rows:
            fault = _fault(facts, where, table, key, quantity, value)
            if fault:
                faults.append(fault)
                continue
            _set(tables[table], table, key, quantity, float(value))
            _mark(provenance, table, key, quantity, float(value), where)
    if faults:
        raise InputError(faults)
    return replace(facts, **tables, provenance=provenance) if tables else facts


def _pairs(values: Any, where: str, table: str, key: str, faults: list[Fault]) -> list[tuple[str, Any]]:
    if isinstance(values, dict):
        return list(values.items())
    faults.append(Fault(where, None, f"facts.{table}.{key}", f"{key} holds {values!r}", f"table '{table}' is changed by key and quantity", f"write [facts.{table}.KEY]"))
    return []


def _quantities(table: str) -> dict[str, Quantity]:
    if table == "links":
        return {_LINK.name: _LINK}
    return {q.name: q for q in (KEYED | SCALAR)[table].quantities}


def _fault(facts: Facts, where: str, table: str, key: str, quantity: str, value: Any) -> Fault | None:
    path = ".".join(part for part in ("facts", table, key, quantity) if part)
    if key and key not in _keys(facts, table):
        return _unknown(where, path, f"key of {table}", key, _keys(facts, table))
    known = _quantities(table)
    if quantity not in known:
        return _unknown(where, path, f"quantity of {table}", quantity, list(known))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Fault(where, None, path, f"{path} is {value!r}", "a fact is a finite number", "write a decimal number")
    bounds = known[quantity]
    if not bounds.low <= value <= bounds.high:
        return Fault(where, None, path, f"{path} is {value:g}", bounds.rule, f"write a value between {bounds.low:g} and {bounds.high:g}")
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


def _mark(provenance: pd.DataFrame, table: str, key: str, quantity: str, value: float, where: str) -> None:
    file = table if table == "links" else (KEYED | SCALAR)[table].file.removesuffix(".csv")
    named = (provenance["table"] == file) & (provenance["quantity"] == quantity)
    if key:
        keys = provenance["key"] if table == "fleet" else provenance["key"].str.split("/").str[0]
        named &= keys == key
    provenance.loc[named, ["value", "status", "note"]] = [value, "scenario", f"changed by {where}"]


def _unknown(where: str, path: str, kind: str, name: str, known: list[str]) -> Fault:
    return Fault(where, None, path, f"{kind} '{name}' is not known", "a scenario changes facts that exist", nearest(name, known))
