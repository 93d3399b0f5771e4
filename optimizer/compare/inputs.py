"""What went in differently: scenario keys, facts, what the optimizer saw, versions and options."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hubs.errors import Fault, InputError
from optimizer.compare.cases import CaseChange, case_changes
from optimizer.report.cards import kept
from optimizer.runs.casetable import LABELS as CASE_LABELS
from optimizer.runs.store import Run
from scenarios.keys import joined

LABELS = ("name", "why")
"""Keys that say which scenario it is, not what it assumes."""
FACT_KEY = ["table", "key", "quantity"]
ORIGIN = ("unit", "low", "high", "status", "date", "source", "note")
RESTATED = "changes"
"""`--set` changes stand among the options of a run, and in its scenario keys."""


@dataclass(frozen=True)
class Change:
    """Something given that differs; None where it is not given."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class FactChange:
    """A fact that differs: its value (None in a run without it), or with equal values the columns that differ."""

    table: str
    row: str
    quantity: str
    unit: str
    before: float | str | None
    after: float | str | None
    also: tuple[str, ...] = ()
    """Columns beside the value that differ: unit, range, status, date, source, note."""


@dataclass(frozen=True)
class Inputs:
    keys: tuple[Change, ...]
    facts: tuple[FactChange, ...]
    case: tuple[CaseChange, ...]
    versions: tuple[Change, ...]
    options: tuple[Change, ...]
    unnamed: tuple[str, ...]
    """What differs, or cannot be compared, and cannot be named from what the runs keep."""

    @property
    def empty(self) -> bool:
        return not (self.keys or self.facts or self.case or self.versions or self.options or self.unnamed)


def inputs(before: Run, after: Run) -> Inputs:
    """Everything that went into two runs and differs; raises InputError for a run that cannot be read."""
    cases, facts = _both(before, after, "case"), _both(before, after, "facts")
    named = () if cases is None else case_changes(*cases)
    return Inputs(
        _changes(scenario_keys(before), scenario_keys(after)),
        (() if facts is None else fact_changes(*facts)) + _source_changes(before, after),
        named,
        _changes(before.manifest["versions"], after.manifest["versions"]),
        _changes(*({k: v for k, v in run.manifest["options"].items() if k != RESTATED} for run in (before, after))),
        _unnamed(before, after, {change.field.split(".")[0] for change in named}, cases is None, facts is None),
    )


def one_problem(before: Run, after: Run) -> bool:
    """Whether two runs hold the same case, whatever their scenarios are called and their facts are documented."""
    mine, theirs = (_asked(run) for run in (before, after))
    if mine is None or theirs is None:
        return bool(before.manifest["inputs"] == after.manifest["inputs"])
    return mine == theirs


def _asked(run: Run) -> dict[str, str] | None:
    hashes: dict[str, str] | None = run.manifest.get("fields_sha256")
    return None if hashes is None else {field: h for field, h in hashes.items() if field not in CASE_LABELS}


def scenario_keys(run: Run) -> dict[str, Any]:
    """Dotted key -> value of a run's scenario.toml, without the keys that only name it."""
    path = run.folder / "scenario.toml"
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        found, rule = f"the scenario cannot be read ({error})", "a run is a complete folder that is written once"
        raise InputError([Fault(str(path), None, None, found, rule, "solve the scenario again")]) from None
    return {joined(path): value for path, value in _leaves(keys) if path[0] not in LABELS}


def _leaves(keys: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in keys.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = sorted({*before, *after})
    return tuple(Change(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n))


def fact_changes(before: pd.DataFrame, after: pd.DataFrame) -> tuple[FactChange, ...]:
    """Facts that differ by (table, row, quantity), in that order; the order of their rows says nothing."""
    mine, theirs = (_by_key(table) for table in (before, after))
    found = []
    for key in sorted({*mine, *theirs}):
        one, other = mine.get(key, {}), theirs.get(key, {})
        also = tuple(c for c in ORIGIN if one and other and one[c] != other[c])
        if one and other and (one["status"], other["status"]) == ("scenario", "scenario"):
            also = tuple(c for c in also if c != "note")  # the note only names the scenario that changed it
        if one.get("value") != other.get("value") or also or not (one and other):
            unit = str((other or one)["unit"])
            found.append(FactChange(*key, unit, one.get("value"), other.get("value"), also))
    return tuple(found)


def _by_key(facts: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(table, row, quantity) -> columns; what is not known is None, so that it equals itself."""
    plain = facts.astype(object).where(facts.notna(), None)
    table, row, quantity = (plain[column].fillna("").astype(str) for column in FACT_KEY)
    columns = {column: plain[column].tolist() for column in ("value", *ORIGIN)}
    return {
        key: {column: cells[place] for column, cells in columns.items()}
        for place, key in enumerate(zip(table, row, quantity, strict=True))
    }


def _source_changes(before: Run, after: Run) -> tuple[FactChange, ...]:
    """Sources that differ: a fact that cites one rests on something else then."""
    both = _both(before, after, "sources")
    if both is None:
        return ()
    mine, theirs = (_cells(table) for table in both)
    return tuple(
        FactChange("sources", source, column, "", mine.get((source, column)), theirs.get((source, column)))
        for source, column in sorted({*mine, *theirs})
        if mine.get((source, column)) != theirs.get((source, column))
    )


def _cells(sources: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(source, column) -> text."""
    columns = [c for c in sources.columns if c != "source"]
    return {
        (str(source), str(column)): str(cell)
        for column in columns
        for source, cell in zip(sources["source"], sources[column], strict=True)
    }


def _both(before: Run, after: Run, name: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """A table of both runs, None if one of them does not keep it."""
    mine, theirs = kept(before, name), kept(after, name)
    return None if mine is None or theirs is None else (mine, theirs)


def _unnamed(before: Run, after: Run, named: set[str], no_case: bool, no_facts: bool) -> tuple[str, ...]:
    words = []
    if no_case and before.manifest["inputs"] != after.manifest["inputs"]:
        words.append("the cases differ, but a run keeps none (no table 'case'): jobs, links and series are not named")
    if no_facts:
        words.append("a run keeps no table 'facts': facts are not compared")
    mine, theirs = _asked(before), _asked(after)
    if mine is not None and theirs is not None and not no_case:
        differ = {field for field in {*mine, *theirs} if mine.get(field) != theirs.get(field)}
        words += [f"case.{field} differs in its order or type" for field in sorted(differ - named)]
    return tuple(words)
