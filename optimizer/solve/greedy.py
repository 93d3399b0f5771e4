"""The greedy plan: what a dispatcher without an optimizer would do, priced by the same programme.

Work is placed by rule, in this order: services (tightest limit first) at the nearest site with room in every
hour of the period; jobs (by release) in the nearest cluster with room, as early as they can start; batch work at
the nearest site that can run it as it arrives. Room is machines, links and what a cluster may host of others.
Then each site runs what it was given at least cost, which is kind to the baseline: the gain over it is honest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from optimizer.blocks.batch import GBPS_PER_TB_PER_H
from optimizer.blocks.jobs import move_period, start_hours
from optimizer.solve.compile import Program
from optimizer.solve.dive import settle_places
from optimizer.solve.engine import Clock, Session
from optimizer.solve.parts import MACHINES, columns_of, improve
from optimizer.solve.verify import verify
from scenarios.case import Case, Floats

PLACEMENT = ("service.share_frac", "service.unserved_frac", "batch.assign_eflopsh", "jobs.start", "jobs.dropped_frac")
SLACK = 1 - 1e-9


@dataclass
class _Room:
    """What is left of machines (s, t), links (l, p) and hosting of other provinces (s, d)."""

    case: Case
    eflops: Floats
    gbps: Floats
    guest_eflopsh: Floats

    @classmethod
    def of(cls, case: Case) -> _Room:
        usable = np.array([min(case.usable_eflops(s), _powered_eflops(case, i)) for i, s in enumerate(case.sites)])
        eflops = np.repeat(usable[:, None], case.horizon.hours, axis=1)
        for c, running in zip(case.clusters, case.running_eflops, strict=True):
            eflops[case.sites.index(c)] -= running
        shared = np.array([1 - case.home_reserve_frac.get(s, 0.0) for s in case.sites]) * usable
        guests = (
            np.outer(shared, case.horizon.day_hours)
            if "coverage" in case.blocks
            else np.full((usable.size, case.horizon.days), np.inf)
        )
        gbps = np.repeat(case.link_capacity_gbps[:, None], case.horizon.periods, axis=1)
        if "network" not in case.blocks:
            gbps[:] = np.inf
        return cls(case, np.maximum(eflops, 0.0), gbps, guests)

    def largest(
        self, r: str, s: str, hours: Iterable[int], load: Floats, periods: list[int], gbps: float, day: int, work: float
    ) -> float:
        """Largest multiple (at most one) of a piece of work that still fits."""
        case, site = self.case, self.case.sites.index(s)
        fits = [1.0, *_multiples(self.eflops[site, list(hours)], load)]
        for link in case.routes[r, s][0].links:
            fits += _multiples(self.gbps[case.links.index(link), periods], np.full(len(periods), gbps))
        if case.site_region[s] != r and work > 0:
            fits.append(self.guest_eflopsh[site, day] / work)
        return max(0.0, min(fits)) * SLACK

    def take(
        self, r: str, s: str, hours: Iterable[int], load: Floats, periods: list[int], gbps: float, day: int, work: float
    ) -> None:
        case, site = self.case, self.case.sites.index(s)
        self.eflops[site, list(hours)] -= load
        for link in case.routes[r, s][0].links:
            self.gbps[case.links.index(link), periods] -= gbps
        if case.site_region[s] != r:
            self.guest_eflopsh[site, day] -= work


def _powered_eflops(case: Case, site: int) -> float:
    """Load that the grid connection of a site can power in the worst hour, on the machines that draw most."""
    per_eflops = max(g.peak_mw / g.usable_eflops for g in case.generations)
    if case.sites[site] in case.local_eflops:
        per_eflops = case.local_mw_per_eflops
    return float(case.connection_mw[site] / (per_eflops * case.pue_ratio[site].max()))


def _multiples(left: Floats, asked: Floats) -> list[float]:
    some = asked > 0
    return [float(np.min(left[some] / asked[some]))] if some.any() else []


def greedy(case: Case, program: Program, clock: Clock) -> Floats | None:
    """A point of `program` with work placed by rule; None if no whole plan completes it."""
    placed: dict[str, dict[tuple[object, ...], float]] = {name: {} for name in PLACEMENT}
    room = _Room.of(case)
    if "service" in case.blocks:
        _place_services(case, room, placed)
    if "jobs" in case.blocks:
        _place_jobs(case, room, placed)
    if "batch" in case.blocks:
        _place_batches(case, room, placed)
    session = Session(program, hot=True)
    for name, values in placed.items():
        if name not in program.variables:
            continue
        columns = program.variables[name]
        keys = program.index[name]
        used = columns >= 0
        wanted = np.array([values.get(key if isinstance(key, tuple) else (key,), 0.0) for key in keys])
        session.fix(columns[used], wanted[used])
    machines = columns_of(program, MACHINES)
    settled = settle_places(session, session.relax(clock.left_s), machines, clock, lambda _: None)
    if settled.x is None:
        return None
    done = improve(program, settled.x, machines, gap_frac=0.001, clock=clock, part_s=5.0)
    return done if done is not None and verify(program, done).holds else None


def nearest(case: Case, region: str) -> list[str]:
    """Sites a region may use, nearest first."""
    sites = [(ways[0].rtt_ms, s) for (r, s), ways in case.routes.items() if r == region]
    return [s for _, s in sorted(sites)]


def _place_services(case: Case, room: _Room, placed: dict[str, dict[tuple[object, ...], float]]) -> None:
    period_h = case.horizon.period_h
    order = sorted(range(len(case.services)), key=lambda k: case.services[k].rtt_limit_ms)
    for k, (i, region), p in (
        (k, ir, p) for k in order for ir in enumerate(case.regions) for p in range(case.horizon.periods)
    ):
        service, hours = case.services[k], range(p * period_h, (p + 1) * period_h)
        demand = case.demand_eflops[i, k, list(hours)]
        left = 1.0
        for s in nearest(case, region):
            if left <= 0 or case.routes[region, s][0].rtt_ms > service.rtt_limit_ms:
                break
            gbps = float(demand.max()) * service.traffic_gbps_per_eflops
            day, work = p * period_h // 24, float(demand.sum())
            share = min(left, room.largest(region, s, hours, demand, [p], gbps, day, work))
            if share > 0:
                room.take(region, s, hours, share * demand, [p], share * gbps, day, share * work)
                placed["service.share_frac"][region, service.name, s, p] = share
                left -= share
        placed["service.unserved_frac"][region, service.name, p] = max(0.0, left)


def _place_jobs(case: Case, room: _Room, placed: dict[str, dict[tuple[object, ...], float]]) -> None:
    for job in case.jobs:
        options = [(s, t) for s in nearest(case, job.region) if s in case.clusters for t in start_hours(case, job)]
        gbps = job.data_tb * GBPS_PER_TB_PER_H / case.horizon.period_h
        load = np.full(job.duration_h, job.eflops)
        for s, t in options:
            moved = [p for p in [move_period(case, t)] if p >= 0]
            piece = (
                job.region,
                s,
                range(t, t + job.duration_h),
                load,
                moved,
                gbps,
                t // 24,
                job.eflops * job.duration_h,
            )
            if room.largest(*piece) >= SLACK:
                room.take(*piece)
                placed["jobs.start"][job.name, s, t] = 1.0
                break
        else:
            placed["jobs.dropped_frac"][(job.name,)] = 1.0


def _place_batches(case: Case, room: _Room, placed: dict[str, dict[tuple[object, ...], float]]) -> None:
    for d, (i, region), (b, batch) in (
        (d, ir, bb)
        for d in range(case.horizon.days)
        for ir in enumerate(case.regions)
        for bb in enumerate(case.batches)
    ):
        hours = range(24 * d, 24 * d + case.horizon.day_hours[d])
        by = case.arrived_by_frac[b, list(hours)]
        work = float(case.arrivals_eflopsh[i, b, d])
        load = work * np.diff(by, prepend=0.0)
        gbps = work * batch.data_tb_per_eflopsh * GBPS_PER_TB_PER_H / len(hours)
        periods = sorted({t // case.horizon.period_h for t in hours})
        left, sites = 1.0, nearest(case, region)
        for s in sites:
            share = min(left, room.largest(region, s, hours, load, periods, gbps, d, work)) if left > 0 else 0.0
            if share > 0:
                room.take(region, s, hours, share * load, periods, share * gbps, d, share * work)
                placed["batch.assign_eflopsh"][region, batch.name, s, d] = share * work
                left -= share
        if left > 0:
            # Nowhere has room: it queues at the nearest site and may stay unfinished there.
            key = (region, batch.name, sites[0], d)
            placed["batch.assign_eflopsh"][key] = placed["batch.assign_eflopsh"].get(key, 0.0) + left * work
