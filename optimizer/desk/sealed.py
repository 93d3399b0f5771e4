"""What a scenario reads, gathered and set apart before it is checked or solved.

A scenario names files in two ways: `extends`, and the series under `[inputs]`. On a desk both are plain names that
stand in the library or in the desk's own folder. They are gathered first and laid out in a folder of their own; that
folder is what is loaded, so that what was judged and what is read are the same.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hubs.errors import Fault, InputError
from optimizer.desk.folder import NAME, OWN, own_names, own_text
from optimizer.desk.guard import Refusal
from scenarios.library import LIBRARY, line_of
from scenarios.sections import InputsSection

SERIES = tuple(InputsSection.model_fields)
"""Keys under [inputs]: each names a file."""


class Outside(InputError):
    """A scenario that would read a file which is none of its business; it is not even kept."""


@dataclass(frozen=True)
class Sealed:
    """Texts of a scenario and of its parents that are the planner's own, its own first; series by file name."""

    texts: dict[str, str]
    series: dict[str, Path]


def gather(folder: Path, name: str, text: str) -> Sealed:
    """Everything the scenario reads beside the library. Outside if it names a file elsewhere, else InputError."""
    texts: dict[str, str] = {}
    files: dict[str, Path] = {}
    faults: list[Fault] = []
    own, here, at_home = set(own_names(folder)), name, True
    while True:
        if at_home:
            texts[here] = text
        keys = _parsed(here, text)
        faults += _series(folder, here, text, keys, files)
        parent = keys.get("extends")
        if parent is None:
            break
        if not isinstance(parent, str) or not NAME.fullmatch(parent):
            rule, mend = "on a desk, extends names a scenario of the library or of the desk", "write its bare name"
            faults.append(_fault(here, text, "extends", f"extends is {parent!r}", rule, mend))
            break
        at_home = at_home and parent in own
        if at_home and parent in texts:
            found = f"scenarios extend one another in a circle ({' -> '.join([*texts, parent])})"
            raise InputError([_fault(here, text, "extends", found, "a scenario has one line of parents", "remove one")])
        if not at_home and not (LIBRARY / f"{parent}.toml").is_file():
            break  # the loader says so, and which names there are
        here, text = parent, _text(folder, parent, at_home)
    if faults:
        raise Outside(faults)
    return Sealed(texts, files)


def lay_out(sealed: Sealed, into: Path) -> Path:
    """Write what was gathered into an empty folder; the path of the scenario there."""
    for name, text in sealed.texts.items():
        (into / f"{name}.toml").write_text(text, encoding="utf-8")
    for name, path in sealed.series.items():
        try:
            os.link(path, into / name, follow_symlinks=False)
        except OSError:  # a file system without links
            shutil.copyfile(path, into / name, follow_symlinks=False)
    return into / f"{next(iter(sealed.texts))}.toml"


def named_plainly(faults: tuple[Fault, ...], laid_out: Path) -> tuple[Fault, ...]:
    """Faults that name the planner's files instead of the copies that were read."""
    shown = f"{laid_out}{os.sep}"

    def told(words: str) -> str:
        return words.replace(shown, "")

    return tuple(
        replace(f, where=told(f.where), found=told(f.found), rule=told(f.rule), mend=told(f.mend)) for f in faults
    )


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        found, row = "tables or lists stand too deep in one another", None
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        found, row = f"the file is not TOML ({error})", int(line.group(1)) if line else None
    raise InputError([Fault(f"{name}.toml", row, None, found, "scenarios are TOML files", "correct this line")])


def _text(folder: Path, name: str, at_home: bool) -> str:
    """Text of a parent; Outside if it is one of the planner's own that a desk does not read."""
    if not at_home:
        return (LIBRARY / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return own_text(folder, name).text
    except Refusal as refusal:
        rule = "a scenario stands on others that the desk may read"
        raise Outside([Fault(f"{name}.toml", None, None, str(refusal).rstrip("."), rule, "replace the file")]) from None


def _series(folder: Path, name: str, text: str, keys: dict[str, Any], files: dict[str, Path]) -> list[Fault]:
    """Faults of the files a text names; those that stand in the desk's folder are added to `files`."""
    given = keys.get("inputs")
    if not isinstance(given, dict):
        return []
    faults = []
    for key in SERIES:
        file = given.get(key)
        if not isinstance(file, str):
            continue
        path = folder / OWN / file
        if not _is_series(file):
            rule = f"on a desk, a series is a .csv file in its folder '{OWN}'"
            found, mend = f"inputs.{key} is '{file}'", "put the file there and write its bare name"
            faults.append(_fault(name, text, f"inputs.{key}", found, rule, mend))
        elif path.is_symlink():
            found, rule = f"inputs.{key} names '{file}', which is a link", "a desk follows no links"
            faults.append(_fault(name, text, f"inputs.{key}", found, rule, "put the file itself there"))
        elif path.is_file():
            files[file] = path
    return faults


def _is_series(file: str) -> bool:
    """Whether this is the bare name of a CSV file."""
    bare = Path(file).name == file and "\\" not in file and file.isprintable()
    return bare and file.endswith(".csv") and not file.startswith(".") and len(file) < 200


def _fault(name: str, text: str, key: str, found: str, rule: str, mend: str) -> Fault:
    return Fault(f"{name}.toml", line_of(text, key.split(".")), key, found, rule, mend)
