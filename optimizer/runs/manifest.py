"""The manifest of a run: what went in (by content), with which versions, and what came out.

Timing stands in a section of its own, so that two equal runs have equal manifests otherwise.
"""

from __future__ import annotations

import hashlib
import platform
import tomllib
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from scenarios.case import Case

PACKAGES = ("computegrid", "pyomo", "highspy", "numpy", "scipy", "pandas", "networkx")


def case_hash(case: Case) -> str:
    """SHA-256 over every field of a case: equal cases, equal hash, whatever order their inputs were read in."""
    digest = hashlib.sha256()
    _feed(digest, case)
    return digest.hexdigest()


def field_hashes(case: Case) -> dict[str, str]:
    """Field of a case -> SHA-256 of what it holds: tells which fields of two runs differ."""
    hashes = {}
    for item in fields(case):
        digest = hashlib.sha256()
        _feed(digest, getattr(case, item.name))
        hashes[item.name] = digest.hexdigest()
    return hashes


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(str((value.shape, value.dtype.str)).encode() + np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value):
        for item in fields(value):
            digest.update(item.name.encode())
            _feed(digest, getattr(value, item.name))
    elif isinstance(value, dict):
        for key in sorted(value, key=repr):
            digest.update(repr(key).encode())
            _feed(digest, value[key])
    elif isinstance(value, tuple | list):
        digest.update(f"({len(value)}".encode())
        for member in value:
            _feed(digest, member)
    else:
        digest.update(repr(value).encode())


def versions() -> dict[str, str]:
    return {package: version(package) for package in PACKAGES} | {"python": platform.python_version()}


def given(keys: dict[str, Any]) -> dict[str, Any]:
    """Scenario keys that have a value, without the ones TOML has no word for."""
    return {k: given(v) if isinstance(v, dict) else v for k, v in keys.items() if v is not None}


def to_toml(keys: dict[str, Any]) -> str:
    """Resolved scenario keys as TOML (plain values, lists and tables); reading it back gives the same keys."""
    text = "\n".join(_lines(keys, ())) + "\n"
    assert tomllib.loads(text) == keys
    return text


def _lines(table: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = [f"{_key(key)} = {_toml(value)}" for key, value in table.items() if not isinstance(value, dict)]
    lines = ([f"[{'.'.join(map(_key, path))}]"] if path else []) + plain + [""]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _lines(value, (*path, key))
    return lines


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _toml(key)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value)
