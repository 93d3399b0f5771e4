"""The scenario library: TOML files found, inherited, overridden and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hubs.errors import Fault, InputError, nearest
from scenarios.schema import Scenario, faults_of

LIBRARY = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Loaded:
    """A checked scenario, the resolved keys it came from, and the folder its own CSV files are relative to."""

    scenario: Scenario
    resolved: dict[str, Any]
    folder: Path


def names() -> list[str]:
    """Scenarios that ship with the project (those that can be solved, not mere parents)."""
    return sorted(path.stem for path in LIBRARY.glob("*.toml") if not path.stem.startswith("_"))


def load(name_or_path: str, changes: Sequence[str] = ()) -> Loaded:
    """A scenario by library name or by path, with `key=value` changes applied on top.

    Raises InputError with every fault: unknown scenario, unreadable TOML, unknown or missing keys, values out of bounds.
    """
    path = _find(name_or_path)
    resolved = _inherit(path, seen=())
    _apply(resolved, changes)
    resolved.setdefault("name", path.stem)
    resolved.pop("extends", None)
    try:
        scenario = Scenario.model_validate(resolved)
    except ValidationError as error:
        raise InputError(faults_of(error, _shown(path), path.read_text(encoding="utf-8"))) from None
    return Loaded(scenario, resolved, path.parent)


def _shown(path: Path) -> str:
    return f"scenarios/data/{path.name}" if path.parent == LIBRARY else str(path)


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.exists():
        if path.is_file():
            return path
        raise InputError([Fault(str(path), None, None, "the scenario file is missing", "a path must lead to a TOML file", "correct the path")])
    if name_or_path not in names() and not (LIBRARY / f"{name_or_path}.toml").is_file():
        raise InputError(
            [Fault("scenario", None, None, f"scenario '{name_or_path}' is not known", "a scenario is a library name or a path to a TOML file", nearest(name_or_path, names()))]
        )
    return LIBRARY / f"{name_or_path}.toml"


def _inherit(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The keys of a file laid over those of the file it extends."""
    if path in seen:
        chain = " -> ".join(step.stem for step in (*seen, path))
        raise InputError([Fault(_shown(path), None, "extends", f"scenarios extend one another in a circle ({chain})", "a scenario has one line of parents", "remove one extends")])
    own = _read(path)
    parent = own.get("extends")
    if parent is None:
        return own
    beside = path.parent / f"{parent}.toml"
    above = beside if beside.is_file() else LIBRARY / f"{parent}.toml"
    if not above.is_file():
        raise InputError([Fault(_shown(path), None, "extends", f"scenario '{parent}' is not known", "extends names a scenario", nearest(str(parent), names()))])
    inherited = _inherit(above, (*seen, path))
    inherited.pop("name", None)
    return merge(inherited, own)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError([Fault(_shown(path), None, None, f"the file is not TOML ({error})", "scenarios are TOML files", "correct the line named")]) from None
    except UnicodeDecodeError:
        raise InputError([Fault(_shown(path), None, None, "the file is not UTF-8", "scenarios are TOML files in UTF-8", "save it as UTF-8")]) from None


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Child over parent, table by table; any other value replaces the parent's."""
    merged = dict(parent)
    for key, value in child.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _apply(resolved: dict[str, Any], changes: Sequence[str]) -> None:
    """`a.b.c=value` changes, the value read as TOML; a bare word is taken as a string."""
    faults = []
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign or not key.strip():
            faults.append(Fault("--set", None, change, f"'{change}' is no change", "a change is key=value", "write for example --set policy.carbon_ledger=market"))
            continue
        table = resolved
        *sections, last = split_key(key.strip())
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                faults.append(Fault("--set", None, key, f"'{section}' holds a value, not keys", "a change leads to one key", f"shorten {key}"))
                break
        else:
            table[last] = _value(text.strip())
    if faults:
        raise InputError(faults)


def split_key(key: str) -> list[str]:
    """Parts of a dotted key; quoted parts may hold dots and blanks."""
    parts, quoted = [""], False
    for sign in key:
        if sign == '"':
            quoted = not quoted
        elif sign == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
