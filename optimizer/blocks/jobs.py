"""Atomic training jobs: placed whole, started once, never interrupted.

start[j,c,t] is one if job j starts at hour t (on the scenario's grid of start hours, between release
and deadline) in cluster c. A started job holds its load for its whole duration. Its data volume is
moved in the steering period before the one it starts in; a start in the first period is open only to a job
known before the horizon, whose data moved before it too. Dropping a job costs its stated value.

Load is written by recursion (what ran an hour ago, plus what starts, less what ends): each start then
has two nonzeros instead of one per hour it runs.

Reads   jobs, start_grid_h, running_eflops, routes
Posts   compute (draw), hosted, movable traffic, dropped jobs
Omits   pre-emption, check-points, jobs that span clusters, choice of the pod generation
Source  sizes and durations come from scenarios/arrivals.py (public GPU-cluster traces)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.batch import GBPS_PER_TB_PER_H
from optimizer.blocks.sets import by_index, group, indexed_set
from scenarios.case import Case, Job


def start_hours(case: Case, job: Job) -> list[int]:
    """Hours of the horizon at which a job may start so that its data is there and its deadline is met."""
    period_h = case.horizon.period_h
    last = min(job.deadline_h, case.horizon.hours) - job.duration_h
    hours = [t for t in range(0, last + 1, case.start_grid_h) if t >= job.release_h]
    return hours if job.release_h < 0 else [t for t in hours if move_period(case, t) * period_h >= job.release_h]


def move_period(case: Case, start_h: int) -> int:
    """The steering period in which the data of a job starting then is moved; -1 is before the horizon."""
    return start_h // case.horizon.period_h - 1


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.jobs = pyo.Block(doc=__doc__)
    jobs = {j.name: j for j in case.jobs}
    options = [
        (j.name, c, t)
        for j in case.jobs
        for c in case.clusters
        if (j.region, c) in case.routes
        for t in start_hours(case, j)
    ]
    m.names = pyo.Set(initialize=list(jobs))
    m.options = pyo.Set(initialize=options, dimen=3)
    m.options_of = indexed_set(m.names, group((j, (c, t)) for j, c, t in options), dimen=2)
    m.starting_at = indexed_set(model.sites * model.hours, group(((c, t), j) for j, c, t in options))
    ends = group(((c, t + jobs[j].duration_h), (j, t)) for j, c, t in options)
    m.ending_at = indexed_set(model.sites * model.hours, ends, dimen=2)
    m.hour_before = indexed_set(model.hours, {t: [t - 1] for t in model.hours if t})
    m.eflops = pyo.Param(m.names, initialize={j.name: j.eflops for j in case.jobs})
    m.value_kcny = pyo.Param(m.names, initialize={j.name: j.value_kcny for j in case.jobs})
    fixed = dict.fromkeys(((s, t) for s in case.sites for t in model.hours), 0.0)
    m.carried_eflops = pyo.Param(
        model.sites, model.hours, initialize=fixed | by_index(case.running_eflops, case.clusters, model.hours)
    )

    m.start = pyo.Var(m.options, within=pyo.Binary, doc="[1] a job starts in a cluster at an hour")
    m.dropped_frac = pyo.Var(m.names, bounds=(0, 1), doc="[1] a job is not run")
    m.running_eflops = pyo.Var(
        model.clusters, model.hours, within=pyo.NonNegativeReals, doc="[EFLOPS] load of the started jobs of a cluster"
    )

    def runs_once_or_is_dropped(_: Any, j: str) -> Any:
        return sum(m.start[j, c, t] for c, t in m.options_of[j]) + m.dropped_frac[j] == 1

    def holds_until_done(_: Any, c: str, t: int) -> Any:
        before = sum(m.running_eflops[c, u] for u in m.hour_before[t])
        starts = sum(m.eflops[j] * m.start[j, c, t] for j in m.starting_at[c, t])
        ends = sum(m.eflops[j] * m.start[j, c, u] for j, u in m.ending_at[c, t])
        return m.running_eflops[c, t] == before + starts - ends

    if jobs:
        m.runs_once_or_is_dropped = pyo.Constraint(
            m.names, rule=runs_once_or_is_dropped, doc="[1] a job starts exactly once, in one place, or is dropped"
        )
    m.holds_until_done = pyo.Constraint(
        model.clusters, model.hours, rule=holds_until_done, doc="[EFLOPS] a started job holds its load for its duration"
    )
    _post(model, case, options, jobs)


def _post(model: pyo.ConcreteModel, case: Case, options: list[tuple[str, str, int]], jobs: dict[str, Job]) -> None:
    m, books = model.jobs, model.books
    here = indexed_set(model.sites, {c: [c] for c in case.clusters})
    m.cluster_here = here
    books.compute.post(
        "jobs", lambda M, s, t: -sum(m.running_eflops[c, t] for c in m.cluster_here[s]) - m.carried_eflops[s, t]
    )
    period_h = case.horizon.period_h
    m.gbps = pyo.Param(m.names, initialize={j.name: j.data_tb * GBPS_PER_TB_PER_H / period_h for j in case.jobs})
    m.moving = indexed_set(
        model.pairs * model.periods,
        group(((jobs[j].region, c, move_period(case, t)), (j, t)) for j, c, t in options),
        dimen=2,
    )
    books.movable_gbps.post("jobs", lambda M, r, s, p: sum(m.gbps[j] * m.start[j, s, t] for j, t in m.moving[r, s, p]))
    m.work_eflopsh = pyo.Param(m.names, initialize={j.name: j.eflops * j.duration_h for j in case.jobs})
    m.placed_on = indexed_set(
        model.pairs * model.days, group(((jobs[j].region, c, t // 24), (j, t)) for j, c, t in options), dimen=2
    )
    books.hosted.post(
        "jobs", lambda M, r, s, d: sum(m.work_eflopsh[j] * m.start[j, s, t] for j, t in m.placed_on[r, s, d])
    )
    books.charge("dropped_jobs", lambda M: sum(m.value_kcny[j] * m.dropped_frac[j] for j in m.names))
