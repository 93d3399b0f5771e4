"""Where a job ran, and what it would have cost to run it in each other cluster, or not at all.

The job is forced into a cluster and everything else answers. Three figures are honest in different ways, all kCNY over
the horizon:
    whole     a whole plan with the job there, less the plan: what the move costs at most. First all other whole
              numbers are held as in the plan; where that leaves no room, or is dear, pods are chosen again as well.
    relaxed   the same move in the relaxation, where pods and jobs are divisible: what it would cost if nothing were
              lumpy. It is an estimate from below, no proof: the plan's own gap is not in it.
    proved    the relaxation with the job there, less the plan: what the move costs at least, proved. As wide as the
              plan's gap, so mostly below zero.
In the relaxation a job may start at several hours of the forced cluster, in parts; in a whole plan at one, the best
of those hours by turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.blocks.jobs import start_hours
from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Columns, Session, SolverError
from optimizer.solve.parts import MACHINES, columns_of, improve
from optimizer.solve.verify import verify
from scenarios.case import Case, Floats, Job

START, DROPPED = "jobs.start", "jobs.dropped_frac"
STARTS = 2
"""Starts of one cluster that are tried as whole plans: those that the relaxed job takes most of."""
SITE_S, SITE_GAP = 5.0, 1e-4
"""Seconds and gap of one site's own programme, where pods are chosen again."""
HALF = 0.5
LATE = "was not settled in time"


class _OutOfTime(SolverError):
    """The time given is over; what is not settled by then is said to be so."""


@dataclass(frozen=True)
class Ran:
    """What a plan does with a job: the cluster and hour in which it starts, both None if it is dropped."""

    job: Job
    cluster: str | None
    start_h: int | None


@dataclass(frozen=True)
class Elsewhere:
    """A job forced into another cluster, or dropped (`cluster` None). Infinite where there is no such plan.

    `start_h` is the start of the whole plan; `why_not` says why the job cannot be there, and is empty if it can.
    """

    cluster: str | None
    start_h: int | None = None
    whole_kcny: float = np.inf
    relaxed_kcny: float = np.inf
    proved_kcny: float = np.inf
    why_not: str = ""


def ran(program: Program, case: Case, x: Floats, job: str) -> Ran:
    """Where and when a job runs at the plan `x`; KeyError if the case has no such job."""
    found = next((one for one in case.jobs if one.name == job), None)
    if found is None:
        raise KeyError(job)
    starts = _starts(program, job)
    taken = [place for place, column in starts.items() if x[column] > HALF]
    cluster, hour = taken[0] if taken else (None, None)
    return Ran(found, cluster, hour)


def elsewhere(program: Program, case: Case, x: Floats, job: str, time_limit_s: float = 600.0) -> list[Elsewhere]:
    """The job in every cluster but its own, and dropped (if it runs): the cheapest whole plan first.

    Clusters where it cannot be, or that were not settled in time, come last with `why_not`. Raises KeyError for an
    unknown job, SolverError if HiGHS gives up.
    """
    now = ran(program, case, x, job)
    targets: list[str | None] = [cluster for cluster in case.clusters if cluster != now.cluster]
    targets += [None] if now.cluster is not None else []
    try:
        forcing = _Forcing(program, x, job, Clock(time_limit_s), now)
    except _OutOfTime:
        return [Elsewhere(target, why_not=LATE) for target in targets]
    rows = [_there(forcing, case, now.job, target) for target in targets]
    order = {None: len(case.clusters)} | {cluster: place for place, cluster in enumerate(case.clusters)}
    return sorted(rows, key=lambda row: (row.whole_kcny, row.relaxed_kcny, order[row.cluster]))


def _there(forcing: _Forcing, case: Case, job: Job, cluster: str | None) -> Elsewhere:
    if cluster is not None and (job.region, cluster) not in case.routes:
        return Elsewhere(cluster, why_not=f"no route from {job.region} within the scenario's reach")
    if cluster is not None and not start_hours(case, job):
        return Elsewhere(cluster, why_not=_too_late(job))
    try:
        return forcing.move(cluster)
    except _OutOfTime:
        return Elsewhere(cluster, why_not=LATE)


def _too_late(job: Job) -> str:
    due = f"released at hour {job.release_h}, it runs {job.duration_h} h and is due at hour {job.deadline_h}"
    return f"no start is in time: {due}, and its data must move before"


def _starts(program: Program, job: str) -> dict[tuple[str, int], int]:
    """(cluster, hour) -> column of each start that is open to a job."""
    members = zip(program.index.get(START, ()), program.variables.get(START, ()), strict=True)
    return {(c, t): int(column) for (j, c, t), column in members if j == job and column >= 0}


class _Forcing:
    """The relaxation and the held plan, both live, with one job that is moved about."""

    def __init__(self, program: Program, x: Floats, job: str, clock: Clock, now: Ran) -> None:
        self.program, self.clock = program, clock
        self.starts = _starts(program, job)
        drop = dict(zip(program.index[DROPPED], program.variables[DROPPED].tolist(), strict=True))[job]
        self.columns: Columns = np.array([*self.starts.values(), drop], dtype=np.int64)
        self.machines = columns_of(program, MACHINES)
        self.counts = self.machines[program.integer[self.machines]]
        self.x = x
        self.relaxed, self.held = Session(program), Session(program)
        others = np.setdiff1d(np.flatnonzero(program.integer), self.columns)
        self.held.fix(others, np.round(x[others]))
        for session in (self.relaxed, self.held):
            session.relax(clock.left_s)
        self.plan_kcny = self._cost(self.held, now.cluster, now.start_h)
        self.relaxed_kcny = self._cost(self.relaxed, now.cluster)
        if not np.isfinite([self.plan_kcny, self.relaxed_kcny]).all():
            raise SolverError("the plan itself was not found again with its whole numbers held")

    def move(self, cluster: str | None) -> Elsewhere:
        """The job in one cluster, at its best start there; or dropped."""
        relaxed = self._cost(self.relaxed, cluster)
        if not np.isfinite(relaxed):
            return Elsewhere(cluster, why_not="no plan has room for it there, even with divisible pods and jobs")
        hours = self._likely(cluster)
        found = {hour: self._whole(cluster, hour) for hour in hours}
        best = min(hours, key=lambda hour: found[hour])
        why = "" if np.isfinite(found[best]) else "no whole plan was found with the other jobs where they are"
        proved = relaxed - self.plan_kcny
        start = best if np.isfinite(found[best]) else None
        return Elsewhere(cluster, start, found[best] - self.plan_kcny, relaxed - self.relaxed_kcny, proved, why)

    def _likely(self, cluster: str | None) -> list[int | None]:
        """The starts that the relaxed job takes most of, after its relaxation in that cluster was solved."""
        if cluster is None:
            return [None]
        weight = np.array(self.relaxed.highs.getSolution().col_value)
        hours = [hour for place, hour in self.starts if place == cluster]
        order = sorted(hours, key=lambda hour: (-weight[self.starts[cluster, hour]], hour))
        kept = [hour for hour in order[:STARTS] if weight[self.starts[cluster, hour]] > 0] or order[:1]
        return [*kept]

    def _whole(self, cluster: str | None, hour: int | None) -> float:
        """The cheaper whole plan: all other integers held; or pods chosen again, site by site, after work moved."""
        held = self._cost(self.held, cluster, hour)
        self.held.bound(self.counts, self.program.lower[self.counts], self.program.upper[self.counts])
        point = self._point(self.held, cluster, hour)
        self.held.fix(self.counts, np.round(self.x[self.counts]))
        if point is None:
            return held
        whole = improve(self.program, point, self.machines, SITE_GAP, self.clock, SITE_S)
        again = np.inf
        if whole is not None and verify(self.program, whole).holds:
            again = self.program.value_kcny(whole)
        return min(held, again)

    def _cost(self, session: Session, cluster: str | None, hour: int | None = None) -> float:
        point = self._point(session, cluster, hour)
        return np.inf if point is None else self.program.value_kcny(point)

    def _point(self, session: Session, cluster: str | None, hour: int | None = None) -> Floats | None:
        """Solve with the job in a cluster (at any hour, if none is given) and nowhere else; None if infeasible."""
        places = [*self.starts, (None, None)]
        here = [place == cluster and (hour is None or hour == start) for place, start in places]
        session.bound(self.columns, np.zeros(len(places)), np.array(here, dtype=np.float64))
        point = session.resolve(self.clock.left_s)
        if point.status == "time limit":
            raise _OutOfTime("time did not suffice")
        if point.status not in ("optimal", "infeasible"):
            raise SolverError(f"the job was not forced to '{cluster}': {point.status}")
        return point.x
