"""Latency-bound services: where each region's demand is steered.

share_frac[r,k,s,p] of the demand of region r in class k is served at site s throughout steering period
p; what is served nowhere is lost at the class's stated value. A pair (r, s) is offered to a class only
if the round trip over its nearest route is within the class's limit, and its traffic is pinned to that
route: a detour could break the promise. A class with max_sites is served by at most so many sites per
region, each opened whole (open_site is one) and then with at least min_share_frac over the horizon.

Reads   demand_eflops, routes, Service limits and values
Posts   compute (draw), hosted, pinned traffic at the busiest hour of the period, its volume, lost service
Omits   session state, replication, queueing inside an hour; steering inside a period
Source  the class limits follow the official 1/5/20 ms tiers and the planning table of workload classes
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.blocks.sets import by_index, group, indexed_set
from scenarios.case import TB_PER_GBPS_H, Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.service = pyo.Block(doc=__doc__)
    names = [k.name for k in case.services]
    reachable = [
        (r, k.name, s) for r, s in case.routes for k in case.services if case.routes[r, s][0].rtt_ms <= k.rtt_limit_ms
    ]
    m.classes = pyo.Set(initialize=names)
    m.steerable = pyo.Set(initialize=reachable, dimen=3)
    m.sites_for = indexed_set(model.regions * m.classes, group(((r, k), s) for r, k, s in reachable))
    m.served_at = indexed_set(model.sites, group((s, (r, k)) for r, k, s in reachable), dimen=2)
    m.classes_for = indexed_set(model.pairs, group(((r, s), k) for r, k, s in reachable))
    m.arriving_at = indexed_set(
        model.sites, group((s, (r, k)) for r, k, s in reachable if (r, s) in model.remote_pairs), dimen=2
    )
    m.periods_of_day = indexed_set(model.days, _periods_of_day(case))

    by_period = case.demand_eflops.reshape(len(case.regions), len(names), case.horizon.periods, -1)
    gbps = np.array([k.traffic_gbps_per_eflops for k in case.services])[None, :, None]
    axes = (case.regions, names, range(case.horizon.periods))
    m.demand_eflops = pyo.Param(
        model.regions, m.classes, model.hours, initialize=by_index(case.demand_eflops, *axes[:2], model.hours)
    )
    m.work_eflopsh = pyo.Param(
        model.regions, m.classes, model.periods, initialize=by_index(by_period.sum(axis=3), *axes)
    )
    m.peak_gbps = pyo.Param(
        model.regions, m.classes, model.periods, initialize=by_index(by_period.max(axis=3) * gbps, *axes)
    )
    m.volume_tb = pyo.Param(
        model.regions,
        m.classes,
        model.periods,
        initialize=by_index(by_period.sum(axis=3) * gbps * TB_PER_GBPS_H, *axes),
    )
    m.lost_kcny_per_eflopsh = pyo.Param(m.classes, initialize={k.name: k.lost_kcny_per_eflopsh for k in case.services})

    m.share_frac = pyo.Var(
        m.steerable, model.periods, bounds=(0, 1), doc="[1] share of a region's class demand steered to a site"
    )
    m.unserved_frac = pyo.Var(
        model.regions,
        m.classes,
        model.periods,
        bounds=(0, 1),
        doc="[1] share of a region's class demand served nowhere",
    )

    def steers_all_demand(_: Any, r: str, k: str, p: int) -> Any:
        return sum(m.share_frac[r, k, s, p] for s in m.sites_for[r, k]) + m.unserved_frac[r, k, p] == 1

    m.steers_all_demand = pyo.Constraint(
        model.regions, m.classes, model.periods, rule=steers_all_demand, doc="[1] shares and lost service add up to one"
    )
    _open_sites(model, m, case)
    _post(model, case)


def _open_sites(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    """Classes that few sites may serve: which sites are open to a region, for the horizon."""
    few = {k.name: k for k in case.services if k.max_sites is not None}
    pairs = [(r, k) for r in model.regions for k in few if m.sites_for[r, k]]
    m.limited = pyo.Set(initialize=pairs, dimen=2)
    m.doors = pyo.Set(initialize=[(r, k, s) for r, k in pairs for s in m.sites_for[r, k]], dimen=3)
    m.open_site = pyo.Var(m.doors, within=pyo.Binary, doc="[1] a site is open to a region's class")
    if not pairs:
        return
    m.max_sites = pyo.Param(list(few), initialize={k: spec.max_sites for k, spec in few.items()})
    m.min_share_frac = pyo.Param(list(few), initialize={k: spec.min_share_frac for k, spec in few.items()})

    def opens_few_sites(_: Any, r: str, k: str) -> Any:
        return sum(m.open_site[r, k, s] for s in m.sites_for[r, k]) <= m.max_sites[k]

    # Summed over the periods: the same whole plans with a fraction of the rows.
    periods = case.horizon.periods

    def serves_only_if_open(_: Any, r: str, k: str, s: str) -> Any:
        return sum(m.share_frac[r, k, s, p] for p in model.periods) <= periods * m.open_site[r, k, s]

    def serves_enough_if_open(_: Any, r: str, k: str, s: str) -> Any:
        served = sum(m.share_frac[r, k, s, p] for p in model.periods)
        return served >= m.min_share_frac[k] * (periods * m.open_site[r, k, s])

    m.opens_few_sites = pyo.Constraint(m.limited, rule=opens_few_sites, doc="[1] at most so many sites serve a class")
    m.serves_only_if_open = pyo.Constraint(m.doors, rule=serves_only_if_open, doc="[1] only a site that is open serves")
    m.serves_enough_if_open = pyo.Constraint(
        m.doors, rule=serves_enough_if_open, doc="[1] a site that is open serves its least share over the horizon"
    )


def _post(model: pyo.ConcreteModel, case: Case) -> None:
    m, books = model.service, model.books
    books.compute.post(
        "service",
        lambda M, s, t: (
            -sum(m.demand_eflops[r, k, t] * m.share_frac[r, k, s, M.period_of[t]] for r, k in m.served_at[s])
        ),
    )
    books.hosted.post(
        "service",
        lambda M, r, s, d: sum(
            m.work_eflopsh[r, k, p] * m.share_frac[r, k, s, p] for k in m.classes_for[r, s] for p in m.periods_of_day[d]
        ),
    )
    books.pinned_gbps.post(
        "service",
        lambda M, r, s, p: sum(m.peak_gbps[r, k, p] * m.share_frac[r, k, s, p] for k in m.classes_for[r, s]),
    )
    books.pinned_tb.post(
        "service",
        lambda M, c, p: sum(m.volume_tb[r, k, p] * m.share_frac[r, k, c, p] for r, k in m.arriving_at[c]),
    )
    books.charge(
        "lost_service",
        lambda M: sum(
            m.lost_kcny_per_eflopsh[k] * m.work_eflopsh[r, k, p] * m.unserved_frac[r, k, p]
            for r in M.regions
            for k in m.classes
            for p in M.periods
        ),
    )


def _periods_of_day(case: Case) -> dict[int, list[int]]:
    h = case.horizon.period_h
    return {d: [p for p in range(case.horizon.periods) if p * h // 24 == d] for d in range(case.horizon.days)}
