"""The one folder a desk reads and writes: runs beside each other, and under `scenarios/` the planner's own.

Whatever a request names is a plain name, and what stands under it must stand inside the folder: a link that leads out
is not followed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hubs.errors import InputError
from optimizer.desk.guard import Refusal
from optimizer.runs.store import Run, open_run
from scenarios import library

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
TEXT_MAX_BYTES = 256 * 1024
"""Of a scenario."""
OWN = "scenarios"
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_ITS_NAME = re.compile(r"^name[ \t]*=[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE)


@dataclass(frozen=True)
class Listed:
    """A run as listed; of a run that cannot be opened only its name, and why."""

    name: str
    manifest: dict[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class Text:
    """A scenario's text, and the mark by which a later change by somebody else is noticed."""

    text: str

    @property
    def version(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()[:16]


def plain(name: str) -> str:
    """The name itself; Refusal if it is more than letters, digits, '_' and '-'."""
    if not NAME.fullmatch(name):
        raise Refusal(404, "A name holds letters, digits, '_' and '-' only, 80 at most, and does not start with '-'.")
    return name


def runs(folder: Path) -> list[Listed]:
    """The runs of the folder, the last finished first, those that cannot be opened last."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(".") or path.name == OWN or not (path / "manifest.json").is_file():
            continue
        try:
            found.append(listed(path.name, run_at(folder, path.name).manifest))
        except (InputError, Refusal) as error:
            found.append(Listed(path.name, {}, str(error)))
    return sorted(found, key=lambda run: (not run.fault, _finished(run)), reverse=True)


def listed(name: str, manifest: dict[str, Any]) -> Listed:
    """A run whose manifest holds what pages show; Refusal if it does not."""
    texts, numbers = ("scenario", "why", "status", "stop"), ("objective_kcny", "bound_kcny", "gap_frac", "hours")
    sound = all(isinstance(manifest.get(key), str) for key in texts)
    sound &= all(isinstance(manifest.get(key), int | float | None) for key in (*numbers, "greedy_kcny"))
    sound &= all(isinstance(manifest.get(key), dict) for key in ("timing", "options", "versions"))
    if not sound or not isinstance(manifest["timing"].get("finished"), str):
        raise Refusal(422, f"The manifest of '{name}' is not that of a run.")
    return Listed(name, manifest)


def _finished(run: Listed) -> str:
    return str(run.manifest.get("timing", {}).get("finished", "")) + run.name


def run_at(folder: Path, name: str) -> Run:
    """A run by its name. Refusal if there is none or it reaches out of the folder; InputError if it is damaged."""
    path = folder / plain(name)
    if path.name == OWN or not (path / "manifest.json").is_file():
        raise Refusal(404, f"There is no run '{name}' in this desk's folder.")
    if any(file.is_symlink() for file in (path, *path.rglob("*"))):
        raise Refusal(403, f"Run '{name}' is or holds a link: the desk follows none.")
    run = open_run(path)
    if not isinstance(run.manifest, dict):
        raise Refusal(422, f"The manifest of '{name}' is not that of a run.")
    return run


def run_scenario(run: Run) -> Text:
    """The scenario that a run was solved from, every key of it."""
    path = run.folder / "scenario.toml"
    if not path.is_file() or path.stat().st_size > TEXT_MAX_BYTES:
        raise Refusal(404, f"Run '{run.folder.name}' keeps no scenario that could be read here.")
    return Text(path.read_text(encoding="utf-8", errors="replace"))


def new_run_name(folder: Path, scenario: str) -> str:
    """A name that no run has yet: the scenario, and when."""
    stem = f"{scenario}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    taken = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if name not in taken)


def own_names(folder: Path) -> list[str]:
    """The planner's own scenarios."""
    paths = (folder / OWN).glob("*.toml")
    return sorted(path.stem for path in paths if NAME.fullmatch(path.stem) and path.is_file())


def own_text(folder: Path, name: str) -> Text:
    """Text of one of the planner's own scenarios."""
    path = _own_path(folder, name)
    if not path.is_file():
        raise Refusal(404, f"There is no scenario '{name}' in this desk's folder.")
    if path.stat().st_size > TEXT_MAX_BYTES:
        raise Refusal(413, f"Scenario '{name}' is larger than {TEXT_MAX_BYTES:,} bytes.")
    try:
        return Text(path.read_bytes().decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise Refusal(422, f"Scenario '{name}' is not UTF-8: save it as UTF-8.") from None


def library_text(name: str) -> Text:
    """Text of a scenario that ships with the project."""
    if plain(name) not in library.names():
        raise Refusal(404, f"There is no scenario '{name}' in the library.")
    return Text((library.LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))


def save(folder: Path, name: str, text: str, version: str) -> Text:
    """Replace a scenario's text, whole; Refusal if it is too long or was changed since `version` was read."""
    held = own_text(folder, name)
    if held.version != version:
        raise Refusal(409, "The file has been changed elsewhere since this page read it: copy your text, load anew.")
    return _write(_own_path(folder, name), text)


def copy(folder: Path, text: str, name: str) -> Text:
    """A new scenario of the planner's own with this text under its own name; series that the library holds go along."""
    path = _own_path(folder, name)
    if name.lower() in (known.lower() for known in (*library.names(), *own_names(folder))):
        raise Refusal(409, f"There is a scenario '{name}' already: choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    for series in library.LIBRARY.glob("*.csv"):
        beside = path.parent / series.name
        if f'"{series.name}"' in text and not beside.exists():
            shutil.copyfile(series, beside)
    return _write(path, _renamed(text, name))


def _renamed(text: str, name: str) -> str:
    """A scenario's text whose `name`, if it gives one, is this; keys below the first table are not meant."""
    table = _TABLE.search(text)
    head = text[: table.start()] if table else text
    return _ITS_NAME.sub(f'name = "{name}"', head, count=1) + text[len(head) :]


def _own_path(folder: Path, name: str) -> Path:
    path = folder / OWN / f"{plain(name)}.toml"
    if path.is_symlink() or path.parent.is_symlink():
        raise Refusal(403, f"Scenario '{name}' is a link: the desk follows none.")
    return path


def _write(path: Path, text: str) -> Text:
    """Write a text whole: a reader sees the old file or the new one, never a part."""
    raw = text.encode("utf-8")
    if len(raw) > TEXT_MAX_BYTES:
        raise Refusal(413, f"A scenario holds at most {TEXT_MAX_BYTES:,} bytes, this one {len(raw):,}.")
    handle, draft = tempfile.mkstemp(prefix=".save-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return Text(text)
