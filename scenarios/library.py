"""The scenario library: TOML files found, inherited, overridden and checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hubs.errors import Fault, InputError, nearest
from scenarios.schema import Scenario, faults_of

LIBRARY = Path(__file__).parent / "data"
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"' /-]+?)\s*=")


@dataclass(frozen=True)
class Loaded:
    """A checked scenario, the resolved keys it came from, and the folder its own CSV files are relative to."""

    scenario: Scenario
    resolved: dict[str, Any]
    folder: Path
    origin: Origin


@dataclass(frozen=True)
class Origin:
    """Where the keys of a scenario stand: `--set` changes, then its file, then the files it extends."""

    files: tuple[tuple[str, str], ...]
    """(name as shown, text), the scenario's own file first."""
    changes: tuple[tuple[str, ...], ...]

    def place(self, path: Sequence[str]) -> tuple[str, int | None]:
        """File and line of a key, or of the nearest table around it; the scenario's own file if it stands nowhere."""
        if any(tuple(path[: len(change)]) == change for change in self.changes):
            return "--set", None
        for depth in range(len(path), 0, -1):
            for name, text in self.files:
                row = line_of(text, path[:depth])
                if row is not None:
                    return name, row
            if any(change[:depth] == tuple(path[:depth]) for change in self.changes):
                return "--set", None
        return self.files[0][0], None


def line_of(text: str, path: Sequence[str]) -> int | None:
    """Line of a TOML text on which a table is opened or a key is given a value, None if it is not found."""
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        table, key = _TABLE.match(line), _KEY.match(line)
        if table:
            header = split_key(table.group(1))
        if (table and header == list(path)) or (key and [*header, *split_key(key.group(1))] == list(path)):
            return number
    return None


def names() -> list[str]:
    """Scenarios that ship with the project (those that can be solved, not mere parents)."""
    return sorted(path.stem for path in LIBRARY.glob("*.toml") if not path.stem.startswith("_"))


def load(name_or_path: str, changes: Sequence[str] = ()) -> Loaded:
    """A scenario by library name or by path, with `key=value` changes applied on top.

    Raises InputError with every fault: unknown scenario, unreadable TOML, unknown or missing keys, values out of
    bounds.
    """
    path = _find(name_or_path)
    lineage = _lineage(path)
    resolved: dict[str, Any] = {}
    for _, text in reversed(lineage):
        resolved.pop("name", None)
        resolved = merge(resolved, tomllib.loads(text))
    changed = _apply(resolved, changes)
    resolved.setdefault("name", path.stem)
    resolved.pop("extends", None)
    origin = Origin(tuple((_shown(file), text) for file, text in lineage), changed)
    try:
        scenario = Scenario.model_validate(resolved)
    except ValidationError as error:
        raise InputError(faults_of(error, origin.place)) from None
    return Loaded(scenario, resolved, path.parent, origin)


def _shown(path: Path) -> str:
    return f"scenarios/data/{path.name}" if path.parent == LIBRARY else str(path)


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    known = (LIBRARY / f"{name_or_path}.toml").is_file()
    # A folder of runs may well be called like the scenario it holds.
    if path.suffix == ".toml" or path.is_file() or (path.exists() and not known):
        if path.is_file():
            return path
        raise InputError(
            [
                Fault(
                    str(path),
                    None,
                    None,
                    "the scenario file is missing",
                    "a path must lead to a TOML file",
                    "correct the path",
                )
            ]
        )
    if not known:
        raise InputError(
            [
                Fault(
                    "scenario",
                    None,
                    None,
                    f"scenario '{name_or_path}' is not known",
                    "a scenario is a library name or a path to a TOML file",
                    nearest(name_or_path, names()),
                )
            ]
        )
    return LIBRARY / f"{name_or_path}.toml"


def _lineage(path: Path) -> list[tuple[Path, str]]:
    """A scenario file and those it extends, with their texts, the nearest first."""
    lineage: list[tuple[Path, str]] = []
    while True:
        text, parent = _read(path)
        lineage.append((path, text))
        if parent is None:
            return lineage
        beside = path.parent / f"{parent}.toml"
        above = beside if beside.is_file() else LIBRARY / f"{parent}.toml"
        row = line_of(text, ["extends"])
        if not above.is_file():
            found, mend = f"scenario '{parent}' is not known", nearest(str(parent), [*names(), "_national"])
            raise InputError([Fault(_shown(path), row, "extends", found, "extends names a scenario", mend)])
        if above.resolve() in [step.resolve() for step, _ in lineage]:
            chain = " -> ".join(step.stem for step in [*(step for step, _ in lineage), above])
            found = f"scenarios extend one another in a circle ({chain})"
            rule = "a scenario has one line of parents"
            raise InputError([Fault(_shown(path), row, "extends", found, rule, "remove one extends")])
        path = above


def _read(path: Path) -> tuple[str, Any]:
    """Text of a scenario file, and what it extends."""
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text).get("extends")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        found, rule = f"the file is not TOML ({error})", "scenarios are TOML files"
        row = int(line.group(1)) if line else None
        raise InputError([Fault(_shown(path), row, None, found, rule, "correct this line")]) from None
    except RecursionError:
        rule = "scenarios are tables a few levels deep"
        raise InputError(
            [Fault(_shown(path), None, None, "brackets are nested too deeply", rule, "flatten it")]
        ) from None
    except UnicodeDecodeError as error:
        row = path.read_bytes()[: error.start].count(b"\n") + 1
        rule = "scenarios are TOML files in UTF-8"
        raise InputError([Fault(_shown(path), row, None, "the file is not UTF-8", rule, "save it as UTF-8")]) from None
    except ValueError as error:
        found, rule = f"a value cannot be read ({error})", "numbers are of a usual size"
        raise InputError([Fault(_shown(path), None, None, found, rule, "correct this number")]) from None


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Child over parent, table by table; any other value replaces the parent's."""
    merged = dict(parent)
    for key, value in child.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _apply(resolved: dict[str, Any], changes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """`a.b.c=value` changes, the value read as TOML; a bare word is taken as a string. Returns the keys changed."""
    faults, changed = [], []
    for change in changes:
        key, sign, text = change.partition("=")
        *sections, last = split_key(key)
        if not sign or not all([*sections, last]):
            mend = "write for example --set policy.carbon_ledger=market"
            faults.append(Fault("--set", None, change, f"'{change}' is no change", "a change is key=value", mend))
            continue
        table = resolved
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                found, rule = f"'{section}' holds a value, not keys", "a change leads to one key"
                faults.append(Fault("--set", None, key, f"{found} ('{change}')", rule, f"shorten {key}"))
                break
        else:
            table[last] = _value(text.strip())
            changed.append((*sections, last))
    if faults:
        raise InputError(faults)
    return tuple(changed)


def split_key(key: str) -> list[str]:
    """Parts of a dotted key; quoted parts may hold dots and blanks."""
    parts, quote = [""], ""
    for sign in key.strip():
        if sign in "\"'" and quote in ("", sign):
            quote = "" if quote else sign
        elif sign == "." and not quote:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
