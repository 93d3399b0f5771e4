"""Dotted keys of a scenario: names behind a `*`, the value a key has in the base scenario, and changes as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from hubs import load_facts
from hubs.errors import Fault, InputError, nearest
from hubs.facts import Facts
from scenarios.build import changed_facts
from scenarios.changes import KEYED, SCALAR
from scenarios.library import load, split_key

ANY = "*"


class Keys:
    """The keys of a base scenario, facts among them; `LookupError(found, mend)` for one that is not there."""

    def __init__(self, base: str) -> None:
        self.base, self.loaded = base, load(base)

    def named(self, pattern: str) -> list[str]:
        """Keys that a pattern stands for: itself, or one for every name that may stand at its `*`."""
        parts = split_key(pattern)
        if not all(parts):
            raise LookupError(f"'{pattern}' is no key", "write for example demand.scale_ratio")
        if ANY not in parts:
            self._known(parts)
            return [pattern]
        at = parts.index(ANY)
        names = list(self._children(parts[:at]))
        if not names:
            raise LookupError(f"nothing stands at the * of '{pattern}'", "name the keys")
        return [key for name in names for key in self.named(joined([*parts[:at], name, *parts[at + 1 :]]))]

    def multiplied(self, key: str, by: float, whole: bool) -> float:
        """The base scenario's number times a factor."""
        value = self._value(split_key(key))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LookupError(f"'{key}' is {value!r} in the base scenario", 'use apply = "set", or a key with a number')
        return round(value * by) if whole else value * by

    def faults(self, changes: Sequence[str], facts: bool) -> tuple[Fault, ...]:
        """What is wrong with the base scenario under these changes; with `facts`, also with the facts it changes."""
        try:
            changed = load(self.base, changes)
            if facts:
                changed_facts(self._facts, changed.scenario)
        except InputError as error:
            return error.faults
        return ()

    @cached_property
    def _facts(self) -> Facts:
        return load_facts()

    @cached_property
    def _changed(self) -> Facts:
        return changed_facts(self._facts, self.loaded.scenario)

    @cached_property
    def _keys(self) -> dict[str, Any]:
        """Every key of the scenario, those left out with their defaults."""
        return self.loaded.scenario.model_dump()

    def _known(self, parts: Sequence[str]) -> None:
        """A key of the scenario must stand in it; names of facts are checked when the member is."""
        if parts[0] == "facts":
            return
        above = list(self._children(parts[:-1]))
        if parts[-1] not in above and above:
            raise LookupError(f"key '{joined(parts)}' is not known", nearest(parts[-1], above))

    def _children(self, parts: Sequence[str]) -> Sequence[str]:
        if parts and parts[0] == "facts" and len(parts) == 2:
            return _entries(self._changed, parts[1])
        table: Any = self._keys
        for part in parts:
            table = table.get(part) if isinstance(table, dict) else None
        return list(table) if isinstance(table, dict) else []

    def _value(self, parts: Sequence[str]) -> Any:
        if parts[0] == "facts":
            return _fact(self._changed, parts)
        table: Any = self._keys
        for part in parts:
            if not isinstance(table, dict) or part not in table:
                raise LookupError(f"key '{joined(parts)}' has no value in the base scenario", 'use apply = "set"')
            table = table[part]
        return table


def joined(parts: Sequence[str]) -> str:
    """Parts as one dotted key; a part with a dot in it is quoted."""
    return ".".join(f'"{part}"' if "." in part else part for part in parts)


def text_of(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {text_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text_of(v) for v in value) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _entries(facts: Facts, table: str) -> list[str]:
    if table not in KEYED and table != "links":
        raise LookupError(f"facts.{table} has no names", nearest(table, [*KEYED, "links"]))
    index = getattr(facts, table).index
    if table == "fleet":
        return ["/".join(pair) for pair in index]
    return [str(name) for name in index.get_level_values(0).unique()]


def _fact(facts: Facts, parts: Sequence[str]) -> Any:
    """The number of a fact; a key that stands for several (years of an emission factor) has no single one."""
    missing = LookupError(f"'{joined(parts)}' is no single fact", "name a table, a key and a quantity of hubs/data")
    try:
        if parts[1] in SCALAR and len(parts) == 3:
            return float(getattr(facts, parts[1])[parts[2]])
        table: pd.DataFrame = getattr(facts, parts[1])
        row = tuple(parts[2].split("/")) if parts[1] == "fleet" else parts[2]
        return float(table.loc[row, parts[3]])  # type: ignore[arg-type]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise missing from None
