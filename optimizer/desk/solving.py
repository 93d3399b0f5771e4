"""One solve at a time, in a process of its own: the desk stays responsive, and the solve can be ended."""

from __future__ import annotations

import math
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from hubs.errors import InputError
from optimizer.desk import children
from optimizer.desk.folder import new_run_name
from optimizer.desk.guard import Refusal
from optimizer.desk.job import Job, Order, State
from optimizer.desk.sealed import gather, lay_out, named_plainly
from optimizer.solve.compile import TriviallyInfeasible
from optimizer.solve.optimum import Progress
from optimizer.workflow import solve
from scenarios.library import LIBRARY, load

EVERY_S = 0.2
"""Seconds between two words of a process on the same stage."""


class Solver:
    """The desk's one place to solve at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job: Job | None = None
        self._process: BaseProcess | None = None
        self._next: tuple[BaseProcess, Connection] | None = None
        self._closed = False
        self._listener: threading.Thread | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Start a process that waits for the next order: it takes seconds to come to itself."""
        with self._lock:
            if self._next is None and not self._closed:
                self._next = children.start(work, self.folder)

    def start(self, order: Order) -> Job:
        """Begin to solve; Refusal while another solve works."""
        with self._lock:
            if self.job and self.job.state == "working":
                raise Refusal(409, f"'{self.job.order.scenario}' is being solved: wait for it or cancel it.")
            laid_out = Path(tempfile.mkdtemp(prefix=".solve-", dir=self.folder))
            job = Job(order, new_run_name(self.folder, order.scenario))
            waiting, self._next = self._next, None
            ready = waiting is not None and waiting[0].is_alive()
            self._process, connection = waiting if waiting and ready else children.start(work, self.folder)
            connection.send((order, job.run, laid_out))
            self.job = job
            given = (job, self._process, connection, laid_out)
            self._listener = threading.Thread(target=self._listen, args=given, daemon=True)
            self._listener.start()
            return job

    def cancel(self) -> None:
        """End the solve that works, if one does."""
        self._end("cancelled", "cancelled by the planner")

    def close(self) -> None:
        """The desk closes: nothing goes on behind it."""
        with self._lock:
            self._closed = True
            if self._next:
                children.end(self._next[0])
        self._end("cancelled", "the desk was closed")

    def _end(self, state: State, message: str) -> None:
        with self._lock:
            job, process, listener = self.job, self._process, self._listener
            if job is None or process is None or listener is None or job.state != "working":
                return
            job.state, job.message = state, message
            children.end(process)
        listener.join()

    def _listen(self, job: Job, process: BaseProcess, connection: Connection, laid_out: Path) -> None:
        """Follow one process until its end, then clear up after it."""
        last = ""
        try:
            while True:
                kind, *said = connection.recv()
                if kind == "progress":
                    job.hear(time.monotonic() - job.begun_s, *said)
                elif kind == "limits":
                    job.gap_asked_frac, job.time_limit_s = said
                else:
                    last = kind
                    job.message, job.faults = said
        except (EOFError, OSError):
            process.join()
        job.ended_s = time.monotonic()
        children.clear(self.folder, job.run, laid_out)
        job.state = self._conclude(job, last, process.exitcode)
        self.open()

    def _conclude(self, job: Job, last: str, code: int | None) -> State:
        if (self.folder / job.run / "manifest.json").is_file():  # it was faster than whoever ended it
            return "solved"
        if job.state != "working":
            return job.state
        if last in ("no plan", "faulty", "failed"):
            return last  # type: ignore[return-value]
        job.message = f"the solving process ended without an answer (exit {code}); memory may have run out"
        return "failed"


def work(connection: Connection, folder: Path) -> None:
    """The process: waits for one order, solves it, says how it goes, and stores the run."""
    begun: list[tuple[str, Path]] = []
    children.live_with_parent(lambda: _clear(folder, begun))
    try:
        order, run, laid_out = connection.recv()
    except (EOFError, OSError):  # the desk has closed
        return
    begun.append((run, laid_out))
    _solve(connection, order, folder, run, laid_out)


def _clear(folder: Path, begun: list[tuple[str, Path]]) -> None:
    for run, laid_out in begun:
        children.clear(folder, run, laid_out)


def _solve(connection: Connection, order: Order, folder: Path, run: str, laid_out: Path) -> None:
    try:
        path = LIBRARY / f"{order.scenario}.toml"
        if order.text is not None:
            path = lay_out(gather(folder, order.scenario, order.text), laid_out)
        spec = load(str(path)).scenario.solve
        connection.send(("limits", order.gap_frac or spec.gap_frac, order.time_limit_s or spec.time_limit_s))
        solved = solve(str(path), folder / run, order.gap_frac, order.time_limit_s, (), _teller(connection))
        if solved.run is None:
            connection.send(("no plan", solved.outcome.words, ()))
    except InputError as error:
        connection.send(("faulty", "", named_plainly(error.faults, laid_out)))
    except TriviallyInfeasible as rule:
        connection.send(("no plan", f"infeasible: {rule}", ()))
    except Exception as error:  # the planner sees what failed, the terminal where
        traceback.print_exc()
        connection.send(("failed", f"{type(error).__name__}: {error}", ()))


def _teller(connection: Connection) -> Callable[[Progress], None]:
    """A listener that passes on every new stage and every new plan, and else speaks a few times a second."""
    said: list[Any] = ["", math.inf, -math.inf]

    def tell(progress: Progress) -> None:
        at_s = time.monotonic()
        head = progress.stage.split(":")[0]
        if [head, progress.best_kcny] != said[:2] or at_s - said[2] >= EVERY_S:
            said[:] = [head, progress.best_kcny, at_s]
            connection.send(("progress", progress.stage, progress.best_kcny, progress.bound_kcny))

    return tell
