"""A run is a folder: manifest.json, scenario.toml, tables/*.parquet, report.html.

It is written under a temporary name beside its final one and renamed whole, so that a run exists complete
or not at all; it is never changed afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hubs.errors import Fault, InputError


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

    InputError if the folder exists already or cannot be written; nothing is left behind then.
    """
    if folder.exists():
        raise _unreadable(folder, "the folder exists already", "choose another --out, runs are never overwritten")
    with _whole(folder) as draft:
        (draft / "tables").mkdir()
        for name, table in tables.items():
            table.to_parquet(draft / "tables" / f"{name}.parquet", index=False)
        (draft / "scenario.toml").write_text(scenario_toml, encoding="utf-8")
        text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
        (draft / "manifest.json").write_text(text + "\n", encoding="utf-8")
        finish(Run(draft))
    return Run(folder)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A draft folder that becomes `folder` if all goes well, and is removed if not."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unreadable(folder, f"the folder cannot be written ({error.strerror})", "choose another --out") from None
    try:
        yield draft
        os.chmod(draft, 0o755)
        os.rename(draft, folder)
    except OSError as error:
        raise _unreadable(
            folder, f"the run cannot be written ({error.strerror or error})", "make room or choose another --out"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unreadable(path: Path, found: str, mend: str) -> InputError:
    return InputError([Fault(str(path), None, None, found, "a run is a complete folder that is written once", mend)])
