"""Members of an ensemble, checked: names and keys that clash, and what is wrong with the scenarios they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hubs.errors import Fault
from scenarios.keys import Keys
from scenarios.library import line_of

Change = tuple[str, str]
"""Name of the table that makes it, and `key=value` as `scenarios.library.load` reads it."""
Plan = tuple[str, float, list[Change]]
"""Name, probability and changes of a member."""


def plan_faults(plans: Sequence[Plan], written: Sequence[str], keys: Keys, path: Path, text: str) -> list[Fault]:
    """Every fault of the members, those written out first, at the line of the file that made it."""
    faults = clash_faults(plans, written, path, text)
    if faults:
        return faults
    for name, _, changes in plans:
        found = keys.faults([change for _, change in changes], facts=name in written)
        faults += _relabelled(found, name, changes, path, text)
    for name, changes in _extremes(plans[len(written) :]):
        found = keys.faults([change for _, change in changes], facts=True)
        faults += _relabelled(found, name, changes, path, text)
    return faults


def _extremes(draws: Sequence[Plan]) -> Iterable[tuple[str, list[Change]]]:
    """The first draw, with each number among the facts at its least, then at its most over all draws.

    A fact lies within its bounds in every draw if it does at these two; to check the facts of each draw would be slow.
    """
    for name, end in (("with the least of each fact", min), ("with the most of each fact", max)) if draws else ():
        changes = []
        for place, (table, change) in enumerate(draws[0][2]):
            key = change.partition("=")[0]
            values = [draw[2][place][1].partition("=")[2] for draw in draws]
            numeric = key.startswith("facts.") and all(_is_number(value) for value in values)
            changes.append((table, f"{key}={end(values, key=float) if numeric else values[0]}"))
        yield name, changes


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def clash_faults(plans: Sequence[Plan], written: Sequence[str], path: Path, text: str) -> list[Fault]:
    """Names that stand twice, and keys that two factors change: one of the two changes would be lost."""
    names, faults = [name for name, *_ in plans], []
    for name in written:
        if names.count(name) > 1:
            row, rule = line_of(text, ["members", name]), "each member has a name of its own"
            found = f"the name '{name}' is that of a draw"
            faults.append(Fault(str(path), row, f"members.{name}", found, rule, "rename it"))
    owner: dict[str, str] = {}
    for table, change in plans[-1][2]:
        key = _key(change)
        if key in owner:
            row, rule = line_of(text, [*table.split(".", 1), "keys"]), "a key is changed once"
            found = f"'{key}' is changed by {owner[key]} and {table}"
            faults.append(Fault(str(path), row, f"{table}.keys", found, rule, "leave one of them out"))
        owner[key] = table
    return faults


def _key(change: str) -> str:
    return change.partition("=")[0].replace('"', "")


def _relabelled(found: Iterable[Fault], member: str, changes: list[Change], path: Path, text: str) -> list[Fault]:
    """Faults of a member's scenario, at the table of this file that made the change."""
    relabelled = []
    for fault in found:
        column = (fault.column or "").replace('"', "")
        owners = [table for table, change in changes if _key(change) == column]
        table = owners[-1] if owners else ""
        row = line_of(text, table.split(".", 1)) if table else None
        words = f"member '{member}': {fault.found}"
        relabelled.append(Fault(str(path), row, column, words, fault.rule, fault.mend))
    return relabelled
