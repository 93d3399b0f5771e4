"""Work that asks for compute: services, batch classes and jobs, drawn by seed or read from the user's files."""

from __future__ import annotations

import numpy as np

from scenarios import figures, flexible, profiles, series
from scenarios.arrivals import draw_jobs
from scenarios.case import Batch, Floats, Ints, Job, Service
from scenarios.machines import generations, pods
from scenarios.scope import Scope


def services(scope: Scope) -> tuple[Service, ...]:
    """Classes as given; what a unit of compute carries and is worth grows as it takes less compute."""
    ratio = scope.scenario.demand.compute_ratio
    return tuple(
        Service(
            name,
            spec.rtt_limit_ms,
            spec.traffic_gbps_per_eflops / ratio,
            spec.lost_kcny_per_eflopsh / ratio,
            spec.served_floor_frac,
            spec.home_floor_frac,
            spec.max_sites,
            spec.min_share_frac,
        )
        for name, spec in scope.scenario.services.items()
    )


def demand_eflops(scope: Scope) -> Floats:
    """(r, k, t): demand that may not wait; raises InputError with every fault of the user's file."""
    return (1 - scope.scenario.demand.flexible_frac) * service_demand_eflops(scope)


def service_demand_eflops(scope: Scope) -> Floats:
    """(r, k, t): demand of the service classes, whether it may wait or not."""
    scenario, horizon, names = scope.scenario, scope.horizon, list(scope.scenario.services)
    path = scope.input_path("demand")
    if path:
        return series.read_series(path, series.DEMAND, (scope.regions, names), horizon.hours)
    scale, day_sd = scenario.demand.scale_ratio * scenario.demand.compute_ratio, scenario.demand.day_sd_frac
    return np.array(
        [
            [
                profiles.demand_eflops(
                    scale * spec.mean_eflops * scope.demand_share_frac[r],
                    spec.shape,
                    horizon,
                    day_sd,
                    profiles.stream(scenario.seed, "demand", r, k),
                )
                for k, spec in scenario.services.items()
            ]
            for r in scope.regions
        ]
    ).reshape(len(scope.regions), len(names), horizon.hours)


def batches(scope: Scope) -> tuple[Batch, ...]:
    """The batch classes, and one for each service class some of whose demand may wait."""
    fields = ("window_h", "data_tb_per_eflopsh", "late_kcny_per_eflopsh_h", "unfinished_kcny_per_eflopsh")
    given = tuple(Batch(name, *(getattr(spec, f) for f in fields)) for name, spec in scope.scenario.batches.items())
    return (*given, *flexible.classes(scope, services(scope)))


def arrivals_eflopsh(scope: Scope) -> Floats:
    """(r, b, d): batch work that arrives in each day, a short last day in proportion."""
    scenario, days, share = scope.scenario, scope.horizon.days, scope.demand_share_frac
    day_hours = np.array(scope.horizon.day_hours)
    arrivals = np.zeros((len(scope.regions), len(scenario.batches), days))
    for i, region in enumerate(scope.regions):
        for j, (name, spec) in enumerate(scenario.batches.items()):
            noise = profiles.stream(scenario.seed, "batch", region, name).standard_normal(days)
            factor = np.maximum(0.1, 1 + scenario.demand.day_sd_frac * noise)
            arrivals[i, j] = scenario.demand.scale_ratio * spec.mean_eflops * share[region] * day_hours * factor
    if not scenario.demand.flexible_frac:
        return arrivals
    return np.concatenate([arrivals, flexible.arrivals_eflopsh(scope, service_demand_eflops(scope))], axis=1)


def arrived_by_frac(scope: Scope) -> Floats:
    """(b, t): share of its day's arrivals that is in by the end of hour t."""
    hours = profiles.hours_of_day(scope.horizon)
    rows = [
        flexible.by_day(figures.daily_shape("batch_arrivals", spec.shape)[hours], scope.horizon)
        for spec in scope.scenario.batches.values()
    ]
    given = np.array(rows).reshape(len(scope.scenario.batches), scope.horizon.hours)
    if not scope.scenario.demand.flexible_frac:
        return given
    return np.concatenate([given, flexible.arrived_by_frac(scope, service_demand_eflops(scope))])


def jobs(scope: Scope) -> tuple[Job, ...]:
    """Atomic jobs by release; raises InputError with every fault of the user's file."""
    scenario, horizon, path = scope.scenario, scope.horizon, scope.input_path("jobs")
    made = generations(scope)
    if path:
        installed, vacant = pods(scope)
        room_eflops = float(((installed + vacant) * np.array([g.usable_eflops for g in made])).sum(axis=1).max())
        return series.read_jobs(path, scope.regions, horizon, made[0], scenario.jobs.start_grid_h, room_eflops)
    return draw_jobs(
        scenario.jobs, scope.demand_share_frac, horizon, made[0], scenario.seed, scenario.demand.scale_ratio
    )


def running_eflops(scope: Scope, installed: Ints) -> Floats:
    """(c, t): load on the `installed` (c, g) pods of jobs already running when the horizon opens."""
    spec = scope.scenario.jobs
    # Sums, not products of matrices: those may round differently from one machine to the next.
    usable_eflops = (installed * np.array([g.usable_eflops for g in generations(scope)])).sum(axis=1)
    left = np.maximum(0.0, 1 - np.arange(scope.horizon.hours) / spec.running_decay_h)
    return np.outer(spec.running_frac * usable_eflops, left)
