"""A run is a folder: manifest.json, scenario.toml, tables/*.parquet, SHA256SUMS, and mostly report.html.

It is written as a hidden draft beside its place and renamed whole, so that a run exists complete or not at all; it is
never changed afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hubs.errors import Fault, InputError
from optimizer.runs.checksums import damage, write_sums
from optimizer.runs.drafts import whole


class StoreError(InputError):
    """A folder of runs cannot be written: no room, no permission, a name that is taken."""


@dataclass(frozen=True)
class Run:
    """A run read back; tables are loaded when asked for."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        with (self.folder / "manifest.json").open(encoding="utf-8") as stream:
            manifest: dict[str, Any] = json.load(stream)
        return manifest

    def table(self, name: str) -> pd.DataFrame:
        """One of the run's tables; InputError if it is missing or damaged."""
        path = self.folder / "tables" / f"{name}.parquet"
        try:
            return pd.read_parquet(path)
        except FileNotFoundError:
            known = ", ".join(sorted(p.stem for p in path.parent.glob("*.parquet")))
            raise _unreadable(path, f"the run has no table '{name}'", f"use one of {known}") from None
        except (OSError, ValueError) as error:
            raise _unreadable(path, f"the table cannot be read ({error})", "solve the scenario again") from None


def open_run(folder: Path) -> Run:
    """A run by its folder; InputError if it is not a complete run."""
    run = Run(folder)
    try:
        run.manifest  # noqa: B018 - reading it is the check
    except FileNotFoundError:
        raise _unreadable(
            folder, "the folder holds no run (no manifest.json)", "name a folder that `computegrid solve` wrote"
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(
            folder / "manifest.json", f"the manifest cannot be read ({error})", "solve the scenario again"
        ) from None
    return run


def write_run(
    folder: Path,
    manifest: dict[str, Any],
    scenario_toml: str,
    tables: dict[str, pd.DataFrame],
    finish: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Write a run to a new folder; `finish` may add files (the report) before it becomes visible.

    StoreError if the folder exists already or cannot be written; nothing is left behind then.
    """
    try:
        with whole(folder) as draft:
            (draft / "tables").mkdir()
            for name, table in tables.items():
                table.to_parquet(draft / "tables" / f"{name}.parquet", index=False)
            (draft / "scenario.toml").write_text(scenario_toml, encoding="utf-8")
            text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
            (draft / "manifest.json").write_text(text + "\n", encoding="utf-8")
            finish(Run(draft))
            write_sums(draft)
    except FileExistsError:
        raise _taken(folder) from None
    except OSError as error:
        raise unwritable(folder, error) from None
    return Run(folder)


def require_new(folder: Path) -> None:
    """StoreError, before anything is solved for it, if a run could not be written to this folder."""
    if folder.exists():
        raise _taken(folder)


def unwritable(folder: Path, error: OSError) -> StoreError:
    """The error of a folder that the system will not let us write."""
    found = f"the folder cannot be written ({error.strerror or error})"
    return StoreError([_fault(folder, found, "make room, or choose another --out")])


def require_undamaged(folder: Path) -> Run:
    """A run whose files are as they were written; InputError naming every file that is not."""
    run, found = open_run(folder), damage(folder)
    if found:
        raise InputError(_fault(folder, words, "solve the scenario again") for words in found)
    return run


def _taken(folder: Path) -> StoreError:
    mend = "choose another --out, runs are never overwritten"
    return StoreError([_fault(folder, "the folder exists already", mend)])


def _unreadable(path: Path, found: str, mend: str) -> InputError:
    return InputError([_fault(path, found, mend)])


def _fault(path: Path, found: str, mend: str) -> Fault:
    return Fault(str(path), None, None, found, "a run is a complete folder that is written once", mend)
