"""Atomic training jobs: placed whole, started once, never interrupted.

start[j,c,t] is one if job j starts at hour t (on the scenario's grid of start hours, between release
and deadline) in cluster c. A started job holds its load for its whole duration. Its data volume is
moved in the steering period before the one it starts in; a start in the first period is open only to a job
known before the horizon, whose data moved before it too. Dropping a job costs its stated value. A window of a longer
horizon takes over the load of jobs started earlier; those that start in its first period were settled before it,
with their data, and it settles those of the period after its last. A job that may start later still may wait.

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
    """Hours at which a job may start so that its data is there and its deadline is met, and that are settled here."""
    first, end = settled_hours(case)
    return [t for t in all_start_hours(case, job) if first <= t < end]


def all_start_hours(case: Case, job: Job) -> list[int]:
    """The same over all of the longer horizon that a window is part of, counted from the window's first hour."""
    horizon = case.horizon
    shift, whole = horizon.before_h, horizon.before_h + horizon.hours + horizon.after_h
    release, period_h = job.release_h + shift, horizon.period_h
    last = min(job.deadline_h + shift, whole) - job.duration_h
    grid_h = case.start_grid_h
    hours = list(range(max(0, -(-release // grid_h) * grid_h), last + 1, grid_h))
    if release >= 0:
        hours = [t for t in hours if move_period(case, t) * period_h >= release]
    return [t - shift for t in hours]


def settled_hours(case: Case) -> tuple[int, int]:
    """Starts from the first to before the second hour are settled in a horizon: those whose data moves in it."""
    horizon = case.horizon
    return horizon.period_h if horizon.before_h else 0, horizon.hours + (horizon.period_h if horizon.after_h else 0)


def concerns(case: Case, job: Job) -> bool:
    """Whether a job is decided in a horizon: it may start there, waits through it, or can start nowhere at all."""
    first, end = settled_hours(case)
    hours = all_start_hours(case, job)
    if not hours:
        return (not case.horizon.before_h or job.release_h >= 0) and (
            not case.horizon.after_h or job.release_h < case.horizon.hours
        )
    return any(first <= t < end for t in hours) or (hours[0] < first and hours[-1] >= end)


def move_period(case: Case, start_h: int) -> int:
    """The steering period in which the data of a job starting then is moved; -1 is before the horizon."""
    return start_h // case.horizon.period_h - 1


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.jobs = pyo.Block(doc=__doc__)
    jobs = {j.name: j for j in case.jobs if concerns(case, j)}
    options = [
        (j.name, c, t)
        for j in jobs.values()
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
    m.eflops = pyo.Param(m.names, initialize={j.name: j.eflops for j in jobs.values()})
    m.value_kcny = pyo.Param(m.names, initialize={j.name: j.value_kcny for j in jobs.values()})
    fixed = dict.fromkeys(((s, t) for s in case.sites for t in model.hours), 0.0)
    m.carried_eflops = pyo.Param(
        model.sites, model.hours, initialize=fixed | by_index(case.running_eflops, case.clusters, model.hours)
    )

    m.start = pyo.Var(m.options, within=pyo.Binary, doc="[1] a job starts in a cluster at an hour")
    m.dropped_frac = pyo.Var(m.names, bounds=(0, 1), doc="[1] a job is not run")
    _earlier(model, m, case, jobs)
    m.running_eflops = pyo.Var(
        model.clusters, model.hours, within=pyo.NonNegativeReals, doc="[EFLOPS] load of the started jobs of a cluster"
    )

    def runs_once_or_is_dropped(_: Any, j: str) -> Any:
        here = sum(m.start[j, c, t] for c, t in m.options_of[j]) + m.dropped_frac[j]
        later = sum(m.waits_frac[i] for i in m.later_here[j])
        return here + later - sum(m.earlier_waiting_frac[i] for i in m.earlier_here[j]) == m.fresh[j]

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


def _earlier(model: pyo.ConcreteModel, m: pyo.Block, case: Case, jobs: dict[str, Job]) -> None:
    """What a window takes over from the hours before it, and what it leaves open for those after."""
    (first, end), opened = settled_hours(case), bool(case.horizon.before_h)
    hours = {name: all_start_hours(case, job) for name, job in jobs.items()}
    known = [name for name, all_hours in hours.items() if all_hours and all_hours[0] < first]
    later = [name for name, all_hours in hours.items() if all_hours and all_hours[-1] >= end]
    m.known, m.later = pyo.Set(initialize=known), pyo.Set(initialize=later)
    m.earlier_here = indexed_set(m.names, {name: [name] for name in known})
    m.later_here = indexed_set(m.names, {name: [name] for name in later})
    m.fresh = pyo.Param(m.names, initialize={name: 0 if name in set(known) else 1 for name in jobs})
    m.earlier_waiting_frac = pyo.Var(m.known, bounds=(0, 1), doc="[1] a job was not decided before the window")
    m.waits_frac = pyo.Var(m.later, bounds=(0, 1), doc="[1] a job is decided after the window")
    most = dict(zip(case.clusters, case.pods_max.tolist(), strict=True))
    made = case.generations
    usable = {c: sum(n * g.usable_eflops for n, g in zip(most[c], made, strict=True)) for c in case.clusters}
    m.earlier_clusters = pyo.Set(initialize=case.clusters if opened else [])
    m.taking_over = indexed_set(model.sites, {c: [c] for c in m.earlier_clusters})
    m.earlier_running_eflops = pyo.Var(
        m.earlier_clusters,
        model.hours,
        bounds=lambda _, c, t: (0, usable[c]),
        doc="[EFLOPS] load of jobs that started before those of the window",
    )
    begun = _begun(case) if opened else {}
    m.begun = pyo.Set(initialize=list(begun), dimen=2)
    m.begun_here = indexed_set(model.pairs * model.days, {(r, c, 0): [(r, c)] for r, c in begun}, dimen=2)
    m.earlier_hosted_eflopsh = pyo.Var(
        m.begun,
        bounds=lambda _, r, c: (0, begun[r, c]),
        doc="[EFLOPS·h] work of jobs of the first day that were started before those of the window",
    )


def _begun(case: Case) -> dict[tuple[str, str], float]:
    """(region, cluster) -> work of the jobs that may start in the first period of a window, settled before it."""
    first = case.horizon.period_h
    work: dict[str, float] = {}
    for job in case.jobs:
        if any(0 <= t < first for t in all_start_hours(case, job)):
            work[job.region] = work.get(job.region, 0.0) + job.eflops * job.duration_h
    return {(r, c): work[r] for r, c in case.routes if r in work and c in case.site_hub}


def _post(model: pyo.ConcreteModel, case: Case, options: list[tuple[str, str, int]], jobs: dict[str, Job]) -> None:
    m, books = model.jobs, model.books
    here = indexed_set(model.sites, {c: [c] for c in case.clusters})
    m.cluster_here = here
    books.compute.post(
        "jobs",
        lambda M, s, t: (
            -sum(m.running_eflops[c, t] for c in m.cluster_here[s])
            - sum(m.earlier_running_eflops[c, t] for c in m.taking_over[s])
            - m.carried_eflops[s, t]
        ),
    )
    period_h = case.horizon.period_h
    m.gbps = pyo.Param(m.names, initialize={j.name: j.data_tb * GBPS_PER_TB_PER_H / period_h for j in jobs.values()})
    m.moving = indexed_set(
        model.pairs * model.periods,
        group(((jobs[j].region, c, move_period(case, t)), (j, t)) for j, c, t in options),
        dimen=2,
    )
    books.movable_gbps.post("jobs", lambda M, r, s, p: sum(m.gbps[j] * m.start[j, s, t] for j, t in m.moving[r, s, p]))
    m.work_eflopsh = pyo.Param(m.names, initialize={j.name: j.eflops * j.duration_h for j in jobs.values()})
    m.placed_on = indexed_set(
        model.pairs * model.days, group(((jobs[j].region, c, t // 24), (j, t)) for j, c, t in options), dimen=2
    )
    books.hosted.post(
        "jobs",
        lambda M, r, s, d: (
            sum(m.work_eflopsh[j] * m.start[j, s, t] for j, t in m.placed_on[r, s, d])
            + sum(m.earlier_hosted_eflopsh[q, c] for q, c in m.begun_here[r, s, d])
        ),
    )
    books.charge("dropped_jobs", lambda M: sum(m.value_kcny[j] * m.dropped_frac[j] for j in m.names))
