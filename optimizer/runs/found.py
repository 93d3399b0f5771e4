"""Runs below a folder: each folder with a manifest, named by its path; drafts are hidden and never taken for one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hubs.errors import Fault, InputError
from optimizer.runs.store import Run, open_run


@dataclass(frozen=True)
class Found:
    """runs: name -> run, by name; damaged: a sentence for every run that cannot be read."""

    runs: dict[str, Run]
    damaged: tuple[str, ...]


def find_runs(folder: Path) -> Found:
    """All runs in a folder and below it, or the folder itself if it is one; InputError if it is no folder.

    A run is named by its path below the folder, with slashes.
    """
    require_folder(folder)
    runs: dict[str, Run] = {}
    damaged: list[str] = []
    for place in sorted(_run_folders(folder)):
        name = place.relative_to(folder).as_posix() if place != folder else place.resolve().name
        try:
            runs[name] = open_run(place)
        except InputError as error:
            damaged += map(str, error.faults)
    return Found(runs, tuple(damaged))


def require_folder(folder: Path) -> None:
    """Raises InputError if there is no such folder."""
    if not folder.is_dir():
        found, rule = "there is no such folder", "runs are looked for in a folder and below it"
        raise InputError([Fault(str(folder), None, None, found, rule, "name one that holds runs")])


def _run_folders(folder: Path) -> Iterator[Path]:
    """Folders with a manifest; nothing is looked for inside a run, nor in hidden folders."""
    for place, below, files in os.walk(folder):
        below[:] = [] if "manifest.json" in files else [name for name in below if not name.startswith(".")]
        if "manifest.json" in files:
            yield Path(place)
