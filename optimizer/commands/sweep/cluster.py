"""A Dask cluster as the crew of a sweep, given by the address of its scheduler.

Its workers need this project in the same versions, and the same folder of runs under the same path. Each process solves
one member at a time: start workers with `--nthreads 1`, one a core.
"""

from __future__ import annotations

from concurrent.futures import Future
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from hubs.errors import Fault, InputError
from optimizer.commands.sweep.member import Record, Task, solve_remote

CONNECT_S = 15


class DaskCrew:
    """The workers of a scheduler such as tcp://10.0.0.1:8786; InputError if it cannot be reached."""

    room = True

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Self:
        try:
            distributed: Any = import_module("distributed")
        except ImportError:
            found, rule = "dask.distributed is not installed", "a cluster needs the extra 'cluster'"
            mend = "pip install 'computegrid[cluster]', or leave --scheduler out"
            raise InputError([Fault("--scheduler", None, None, found, rule, mend)]) from None
        try:
            self._client: Any = distributed.Client(self.address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            found = f"the scheduler '{self.address}' cannot be reached ({error})"
            rule, mend = "an address is such as tcp://10.0.0.1:8786", "start a scheduler there, or correct the address"
            raise InputError([Fault("--scheduler", None, None, found, rule, mend)]) from None
        self._executor: Any = self._client.get_executor(pure=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()

    @property
    def workers(self) -> int:
        return len(self._client.nthreads())

    def submit(self, task: Task) -> Future[Record]:
        future: Future[Record] = self._executor.submit(solve_remote, task)
        return future
