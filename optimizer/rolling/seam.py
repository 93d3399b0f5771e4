"""What one window hands on to the next, as a matrix: each `earlier_...` variable of the later from the earlier's point.

A window is long enough that all of it comes from the window just before (`spans` sees to that):

pods on, batteries   as they are in the last hour
starts               of the last hours, while the least time lasts
queues               what is left in the last slot, and how much of it may still wait at the end of each slot to come
jobs                 the load of those that run on, the work of those that start in the first period of the next window,
                     and which are still undecided
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.blocks.batch import recent_shares
from optimizer.solve.compile import Program
from scenarios.case import Case, Ints, Job

PREFIX = "earlier_"
Term = tuple[Any, str, Any, float]
"""Member of the later window's variable, variable of the earlier window, its member, factor."""


@dataclass(frozen=True)
class Part:
    """A window's case and its programme."""

    case: Case
    program: Program

    @cached_property
    def column(self) -> dict[str, dict[Any, int]]:
        """variable -> member -> column; members that the model never uses are left out."""
        p = self.program
        return {
            name: {
                member: column for member, column in zip(p.index[name], columns.tolist(), strict=True) if column >= 0
            }
            for name, columns in p.variables.items()
        }


def taken_over(program: Program) -> list[str]:
    """The variables of a window that stand for what the hours before it left."""
    return [name for name in program.variables if name.rpartition(".")[2].startswith(PREFIX)]


def handed_on(earlier: Part, later: Part) -> sparse.csr_array:
    """(columns of the later window, columns of the earlier): rows of variables that are not taken over are empty."""
    rows: list[int] = []
    columns: list[int] = []
    factors: list[float] = []
    for name, terms in RULES.items():
        there = later.column.get(name)
        if not there:
            continue
        for member, source, origin, factor in terms(earlier.case, later.case, earlier):
            row, column = there.get(member), earlier.column[source].get(origin)
            if row is not None and column is not None:
                rows.append(row)
                columns.append(column)
                factors.append(factor)
    shape = (later.program.columns, earlier.program.columns)
    return sparse.csr_array((factors, (rows, columns)), shape=shape)


def _pods_on(case: Case, later: Case, _: Part) -> Iterator[Term]:
    last = case.horizon.hours - 1
    for c in case.clusters:
        for g in case.generations:
            yield (c, g.name, -1), "fleet.pods_on", (c, g.name, last), 1.0


def _started(case: Case, later: Case, _: Part) -> Iterator[Term]:
    hours = case.horizon.hours
    for c in case.clusters:
        for g in case.generations:
            for u in range(1 - g.min_up_h, 0):
                yield (c, g.name, u), "fleet.started", (c, g.name, hours + u), 1.0


def _stored(case: Case, later: Case, _: Part) -> Iterator[Term]:
    for c in case.clusters:
        yield (c, -1), "storage.stored_mwh", (c, case.horizon.hours - 1), 1.0


def _queue(case: Case, later: Case, _: Part) -> Iterator[Term]:
    for s in case.sites:
        for b in case.batches:
            yield (s, b.name), "batch.queue_eflopsh", (s, b.name, case.horizon.hours - 1), 1.0


def _allowed(case: Case, later: Case, _: Part) -> Iterator[Term]:
    hours = case.horizon.hours
    for i, b in enumerate(case.batches):
        for t in range(min(b.window_h, later.horizon.hours)):
            for d, share in recent_shares(case, i, hours + t, b.window_h).items():
                for s in case.sites:
                    yield (s, b.name, t), "batch.sent_eflopsh", (s, b.name, d), share


def _starts(case: Case, earlier: Part) -> Iterator[tuple[Job, tuple[str, str, int]]]:
    jobs = {job.name: job for job in case.jobs}
    for member in earlier.program.index.get("jobs.start", ()):
        yield jobs[member[0]], member


def _running(case: Case, later: Case, earlier: Part) -> Iterator[Term]:
    hours = case.horizon.hours
    for job, member in _starts(case, earlier):
        _, c, u = member
        for t in range(max(hours, u) - hours, min(u + job.duration_h - hours, later.horizon.hours)):
            yield (c, t), "jobs.start", member, job.eflops


def _begun(case: Case, later: Case, earlier: Part) -> Iterator[Term]:
    for job, member in _starts(case, earlier):
        if member[2] >= case.horizon.hours:
            yield (job.region, member[1]), "jobs.start", member, job.eflops * job.duration_h


def _waiting(case: Case, later: Case, earlier: Part) -> Iterator[Term]:
    for name in earlier.program.index.get("jobs.waits_frac", ()):
        yield name, "jobs.waits_frac", name, 1.0


RULES: dict[str, Callable[[Case, Case, Part], Iterator[Term]]] = {
    "fleet.earlier_pods_on": _pods_on,
    "fleet.earlier_started": _started,
    "storage.earlier_mwh": _stored,
    "batch.earlier_queue_eflopsh": _queue,
    "batch.earlier_allowed_eflopsh": _allowed,
    "jobs.earlier_running_eflops": _running,
    "jobs.earlier_hosted_eflopsh": _begun,
    "jobs.earlier_waiting_frac": _waiting,
}
"""Every variable that is taken over, and where it comes from."""


def never_fed(matrix: sparse.csr_array, program: Program) -> Ints:
    """Columns that are taken over and that nothing in the window before can raise above zero."""
    names = taken_over(program)
    columns = np.concatenate([program.variables[name] for name in names]) if names else np.array([], dtype=np.int64)
    used: Ints = columns[columns >= 0]
    fed = np.diff(matrix.indptr) > 0
    return used[~fed[used]]
