"""Validation while a planner types, in a process of its own.

A text that is hostile, or only absurd, can keep a TOML parser or the building of a case busy for hours, or ask for all
the memory there is. The process has a limit of both; past it the text is at fault, and the desk goes on.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from hubs.errors import Fault, InputError
from optimizer.desk import children
from optimizer.desk.sealed import Outside, gather, lay_out, named_plainly
from optimizer.runs.manifest import to_toml
from scenarios.build import build_case
from scenarios.library import Loaded, load
from scenarios.lineage import differences, in_words, parent_of

LIMIT_S = 20.0
"""Seconds a check may take."""
START_S = 60.0
MEMORY_MAX_BYTES = 6 * 1024**3
"""Of address space, most of which is libraries and never touched."""
FAULTS_SHOWN = 200


@dataclass(frozen=True)
class Checked:
    """What is wrong with a text (nothing: `faults` is empty), and what it says if it can be read."""

    faults: tuple[Fault, ...] = ()
    outside: bool = False
    """It names a file that is none of its business: it may not be kept."""
    about: dict[str, Any] = field(default_factory=dict)
    """why, hours, parent, changes (in words), gap_frac, time_limit_s, resolved (TOML); empty if it cannot be read."""


class Checker:
    """A process that checks one text after another; it is started anew when it had to be ended."""

    def __init__(self, folder: Path, limit_s: float = LIMIT_S) -> None:
        self.folder, self.limit_s = folder, limit_s
        self._lock = threading.Lock()
        self._running: tuple[BaseProcess, Connection] | None = None
        self._ready = False

    def start(self) -> None:
        """Start the process, so that the first check need not wait for it."""
        with self._lock:
            self._process()

    def check(self, name: str, text: str, whole: bool = True) -> Checked:
        """Faults of a scenario as it would be under this name; unless `whole`, only those its text shows by itself."""
        with self._lock:
            _, connection = self._process()
            try:
                connection.send((name, text, whole))
                if connection.poll(self.limit_s if self._ready else START_S + self.limit_s):
                    answer = connection.recv()
                    self._ready = True
                    assert isinstance(answer, Checked)
                    return answer
                found, mend = f"its check takes longer than {self.limit_s:g} s", "ask for less, or check it by command"
            except (EOFError, OSError):
                found, mend = "its check ended without an answer", "ask for less, or check it by command"
            self._end()
            return Checked((Fault(f"{name}.toml", None, None, found, "a desk checks while one types", mend),))

    def close(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        """End the process, and clear up what it was reading."""
        if self._running:
            process, _ = self._running
            children.end(process)
            for left in self.folder.glob(f".check-{process.pid}-*"):
                shutil.rmtree(left, ignore_errors=True)
        self._running, self._ready = None, False

    def _process(self) -> tuple[BaseProcess, Connection]:
        if self._running is None or not self._running[0].is_alive():
            self._running, self._ready = children.start(serve, self.folder), False
        return self._running


def serve(connection: Connection, folder: Path) -> None:
    """The process: answers (name, text, whole) with Checked until the desk ends it."""
    children.live_with_parent(lambda: None)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    while True:
        name, text, whole = connection.recv()
        connection.send(examine(folder, name, text, whole))


def examine(folder: Path, name: str, text: str, whole: bool) -> Checked:
    """One check; a failure of our own is said as such and leaves the process fit for the next."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".check-{os.getpid()}-", dir=folder) as into:
            return _examined(folder, name, text, whole, Path(into))
    except Exception as error:  # whatever a text may bring about, the planner is told and goes on typing
        found = f"its check failed ({type(error).__name__}: {error})"
        mend = "correct what was typed last; if it is right, this is a fault of the desk"
        return Checked((Fault(f"{name}.toml", None, None, found, "a check ends with a list of faults", mend),))


def _examined(folder: Path, name: str, text: str, whole: bool, into: Path) -> Checked:
    try:
        path = lay_out(gather(folder, name, text), into)
    except InputError as error:
        return Checked(error.faults[:FAULTS_SHOWN], isinstance(error, Outside))
    loaded: Loaded | None = None
    faults: tuple[Fault, ...] = ()
    try:
        loaded = load(str(path))
        if whole:
            build_case(loaded)
    except InputError as error:
        faults = named_plainly(error.faults[:FAULTS_SHOWN], into)
    return Checked(faults, about=_about(loaded) if loaded else {})


def _about(loaded: Loaded) -> dict[str, Any]:
    scenario = loaded.scenario
    changes = differences(loaded) if len(loaded.origin.files) > 1 else ()
    return {
        "why": scenario.why,
        "hours": scenario.horizon.hours,
        "parent": parent_of(loaded),
        "changes": in_words(changes),
        "gap_frac": scenario.solve.gap_frac,
        "time_limit_s": scenario.solve.time_limit_s,
        "resolved": to_toml(loaded.resolved),
    }
