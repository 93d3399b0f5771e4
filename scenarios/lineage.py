"""What a scenario changes against the scenario it extends: key by key, and in words short enough for a table."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.library import Loaded, merge

ITSELF = ("name", "why", "extends")
"""Keys that say which scenario it is, not what it assumes."""
NAMED = 2
"""So many names of a longer list are written out where words are brief."""


@dataclass(frozen=True)
class Difference:
    """A key as its parts, with the parent's value and the scenario's own; None where the key is not given."""

    key: tuple[str, ...]
    before: Any
    after: Any


def parent_of(loaded: Loaded) -> str | None:
    """Name of the scenario that a loaded one extends, None if it stands alone."""
    files = loaded.origin.files
    return Path(files[1][0]).stem if len(files) > 1 else None


def differences(loaded: Loaded) -> tuple[Difference, ...]:
    """Keys in which a scenario differs from its parent, in the order in which they stand; every key without a parent.

    A key that is given again with the parent's value is no difference. `--set` changes count as the scenario's own.
    """
    inherited: dict[str, Any] = {}
    for _, text in reversed(loaded.origin.files[1:]):
        inherited = merge(inherited, tomllib.loads(text))
    before, after = (dict(_leaves(keys)) for keys in (inherited, loaded.resolved))
    changed = (Difference(key, before.get(key), after.get(key)) for key in dict.fromkeys([*after, *before]))
    return tuple(d for d in changed if d.before != d.after and d.key[0] not in ITSELF)


def _leaves(keys: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in keys.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def in_words(changes: Sequence[Difference], most: int | None = None) -> str:
    """`demand.scale_ratio 1 → 1.5`; keys that take the same change are joined.

    With `most`, the largest so many joined changes are told, long lists of names and the rest only counted.
    """
    groups = _joined(changes)
    shown = groups if most is None else sorted(groups, key=lambda group: -len(group[1]))[:most]
    words = [_told(part, alike, brief=most is not None) for part, alike in shown]
    left = len(changes) - sum(len(alike) for _, alike in shown)
    return "; ".join([*words, *([f"{left} more keys"] if left > 1 else ["1 more key"] if left else [])])


def _joined(changes: Sequence[Difference]) -> list[tuple[int, list[Difference]]]:
    """Changes that differ in one part of their keys only: (which part, the changes)."""
    size = Counter(_slot(d, part) for d in changes for part in range(len(d.key)))
    groups: dict[Any, tuple[int, list[Difference]]] = {}
    for d in changes:
        part = max(range(len(d.key)), key=lambda i: size[_slot(d, i)])
        groups.setdefault(_slot(d, part), (part, []))[1].append(d)
    return list(groups.values())


def _slot(d: Difference, part: int) -> tuple[Any, ...]:
    """The change without one part of its key."""
    return part, d.key[:part], d.key[part + 1 :], repr(d.before), repr(d.after)


def _told(part: int, alike: Sequence[Difference], brief: bool) -> str:
    first = alike[0]
    names = [d.key[part] for d in alike]
    more = [f"{len(names) - NAMED} more"] if brief and len(names) > NAMED + 1 else []
    joined = ", ".join([*(names[:NAMED] if more else names), *more])
    parts = [*first.key[:part], f"{{{joined}}}" if len(names) > 1 else joined, *first.key[part + 1 :]]
    key = ".".join(parts[1:] if parts[0] == "facts" else parts)
    sign = "=" if first.before is None else f"{_value(first.before)} →"
    return f"{key} {sign} {_value(first.after)}"


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "(none)"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
