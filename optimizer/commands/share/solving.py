"""Every coalition solved, in several processes; what is finished is on disk and is never solved again.

One file a coalition, written whole under another name and then renamed, in a folder named after what went in: case,
compiled programme, gap, time limit and versions. A run that was killed goes on where it was.

Each coalition is solved from scratch by the interior-point method. On the national day a start from the basis of a
neighbour is quicker only where little changes (0.4 to 0.8 s against 1.3 to 2.0 s, machine shared): as soon as the
newcomers trade much, the simplex method needs three times as long (8 to 10 s against 2.5 to 3.7 s).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.market.coalitions import Borders, Territories, borders, closed, structures
from optimizer.runs.manifest import case_hash, versions
from optimizer.solve import engine
from optimizer.solve.compile import Program
from optimizer.solve.optimum import Stop, optimise
from scenarios.case import Case, Floats

SHARPER = 0.25
"""Gap of nobody and of everyone, over that of other coalitions."""


@dataclass(frozen=True)
class Optimum:
    """What is known of one coalition's least cost; `bound_kcny` is proved, `x` (columns,) attains `cost_kcny`."""

    mask: int
    stop: str
    cost_kcny: float
    bound_kcny: float
    wall_s: float
    processor_s: float
    x: Floats


@dataclass(frozen=True)
class Limits:
    """When a coalition is good enough."""

    gap_frac: float
    time_limit_s: float

    def gap_of(self, mask: int, everyone: int) -> float:
        """Nobody enters every value and everyone every division: their gaps count most and are kept smaller."""
        return self.gap_frac * (SHARPER if mask in (0, everyone) else 1)


class NoPlan(Exception):
    """A coalition has no plan; `stop` says why the engine stopped."""

    def __init__(self, message: str, stop: Stop) -> None:
        super().__init__(message, stop)
        self.stop = stop

    def __str__(self) -> str:
        return str(self.args[0])


def folder_for(out: Path, program: Program, case: Case, limits: Limits) -> Path:
    """Where the optima of a programme belong: other input, rules or solver, other folder."""
    used = versions()
    what = [case_hash(case), limits.gap_frac, SHARPER, limits.time_limit_s, used["computegrid"], used["highspy"]]
    digest = hashlib.sha256(json.dumps(what).encode())
    matrix = program.matrix
    sides = (program.row_lower, program.row_upper, program.lower, program.upper, program.cost, program.integer)
    for array in (*sides, matrix.indptr, matrix.indices, matrix.data):
        digest.update(np.ascontiguousarray(array).tobytes())
    return out / f"optima-{digest.hexdigest()[:16]}"


def solve_all(
    program: Program,
    case: Case,
    lands: Territories,
    limits: Limits,
    out: Path,
    workers: int,
    heard: Callable[[int, int, Optimum], None] = lambda *_: None,
) -> dict[int, Optimum]:
    """structure -> optimum, of all of `structures`; `heard(done, all, optimum)` after each that was solved now.

    Raises NoPlan for a coalition that cannot serve itself, or not within the time limit; InputError if `out` cannot be
    written to.
    """
    folder = folder_for(out, program, case, limits)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder cannot be written ({error.strerror})"
        raise InputError(
            [Fault(str(out), None, None, what, "finished coalitions are kept there", "choose another --out")]
        ) from None
    wanted = structures(lands.n)
    found = {mask: optimum for mask in wanted if (optimum := read(folder, mask)) is not None}
    left = [mask for mask in wanted if mask not in found]
    if left:
        job = _Job(program, borders(program, case, lands), lands, limits, folder)
        for optimum in _in_processes(job, left, workers):
            found[optimum.mask] = optimum
            heard(len(found), len(wanted), optimum)
    return found


def read(folder: Path, mask: int) -> Optimum | None:
    """A finished coalition; None if it is not there, or its file is damaged and has to be made again."""
    try:
        with np.load(_file(folder, mask)) as kept:
            numbers = {name: float(kept[name]) for name in ("cost_kcny", "bound_kcny", "wall_s", "processor_s")}
            return Optimum(mask=mask, stop=str(kept["stop"]), x=kept["x"], **numbers)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def write(folder: Path, optimum: Optimum) -> None:
    """Keep a finished coalition: its file exists whole or not at all."""
    path = _file(folder, optimum.mask)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fields = {item.name: getattr(optimum, item.name) for item in dataclasses.fields(optimum) if item.name != "mask"}
    with draft.open("wb") as stream:
        np.savez_compressed(stream, **fields)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, path)


def _file(folder: Path, mask: int) -> Path:
    return folder / f"{mask:05d}.npz"


@dataclass(frozen=True)
class _Job:
    """What every process needs."""

    program: Program
    edges: Borders
    lands: Territories
    limits: Limits
    folder: Path


_JOB: list[_Job] = []
"""The job of this process, set once when it begins."""


def _in_processes(job: _Job, masks: Sequence[int], workers: int) -> Iterator[Optimum]:
    # Fresh processes: HiGHS keeps threads of its own, which a forked copy of this one would lack.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(masks)), context, _begin, (job,)) as pool:
        tasks = [pool.submit(_solve, mask) for mask in masks]
        try:
            yield from (task.result() for task in as_completed(tasks))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(job: _Job) -> None:
    engine.THREADS = 1
    _JOB[:] = [job]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _solve(mask: int) -> Optimum:
    job, started, used = _JOB[0], time.perf_counter(), time.process_time()
    gap_frac = job.limits.gap_of(mask, (1 << job.lands.n) - 1)
    outcome = optimise(closed(job.program, job.edges, mask), gap_frac, job.limits.time_limit_s)
    if outcome.x is None:
        who = " + ".join(job.lands.names(mask)) or "everyone alone"
        raise NoPlan(f"{who}: {outcome.words}", outcome.stop)
    seconds = time.perf_counter() - started, time.process_time() - used
    optimum = Optimum(mask, outcome.stop, outcome.objective_kcny, outcome.bound_kcny, *seconds, outcome.x)
    write(job.folder, optimum)
    return optimum
