"""Who solves the members of a sweep: processes of this machine, each with one engine thread, one member at a time.

A worker is spawned once and stays warm. Its process ends with ours, however we end; one that dies is replaced.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Protocol, Self

from optimizer.commands.sweep.member import THREADS, Record, Task, solve_member
from optimizer.solve import engine

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What numeric libraries read when they are loaded; set for the workers."""


class Crew(Protocol):
    """Takes tasks while there is room; a future fails if the process that held it died."""

    @property
    def room(self) -> bool: ...
    @property
    def workers(self) -> int: ...
    def submit(self, task: Task) -> Future[Record]: ...


class LocalCrew:
    """So many processes of this machine; leaving the context ends them at once."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._at_work: dict[int, Future[Record]] = {}
        self._context = multiprocessing.get_context("spawn")  # a fork would share the engine's threads

    def __enter__(self) -> Self:
        self._before = {name: os.environ.get(name) for name in LIMITS}
        os.environ.update(dict.fromkeys(LIMITS, str(THREADS)))
        # Workers hold the other end, and end when ours is closed, by us or by our death.
        self._theirs, self._ours = self._context.Pipe(duplex=False)
        self._pools = [self._pool() for _ in range(self.workers)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ours.close()
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
        self._theirs.close()
        for name, text in self._before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text

    @property
    def room(self) -> bool:
        return self._free() is not None

    def submit(self, task: Task) -> Future[Record]:
        place = self._free()
        if place is None:
            raise RuntimeError("every worker is at work")
        before = self._at_work.get(place)
        if before is not None and isinstance(before.exception(), BrokenProcessPool):
            self._pools[place].shutdown(wait=True)
            self._pools[place] = self._pool()
        self._at_work[place] = self._pools[place].submit(solve_member, task)
        return self._at_work[place]

    def _free(self) -> int | None:
        return next((i for i in range(self.workers) if i not in self._at_work or self._at_work[i].done()), None)

    def _pool(self) -> ProcessPoolExecutor:
        """A pool of one: if its process dies, only its own member is lost."""
        return ProcessPoolExecutor(1, self._context, _begin, (self._theirs,))


def _begin(lifeline: Connection) -> None:
    """Make a fresh process a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us
    engine.THREADS = THREADS
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()


def _end_with_parent(lifeline: Connection) -> None:
    try:
        lifeline.recv()
    except (EOFError, OSError):
        os._exit(1)
