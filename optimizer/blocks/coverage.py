"""The public floor: every region is served, some of it at home, and a cluster keeps a share for its own province.

Reads   Service.served_floor_frac and home_floor_frac, home_reserve_frac, hosted work, shares
Posts   nothing
Omits   fairness inside a region; floors on batch work (all of it is assigned anyway); pods lit or built for the
        horizon, which the home reserve does not count
Source  local public baseline of the programme's implementation opinions; shares are planning values
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import group, indexed_set
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.coverage = pyo.Block(doc=__doc__)
    service, hosted_eflopsh = model.service, model.hosting.hosted_eflopsh
    m.floor_frac = pyo.Param(service.classes, initialize={k.name: k.served_floor_frac for k in case.services})
    demand = {
        (r, k, d): sum(service.work_eflopsh[r, k, p] for p in service.periods_of_day[d])
        for r in model.regions
        for k in service.classes
        for d in model.days
    }
    m.demand_eflopsh = pyo.Param(model.regions, service.classes, model.days, initialize=demand)
    day_hours = case.horizon.day_hours
    m.shared_eflopsh = pyo.Param(
        model.clusters,
        model.days,
        initialize={
            (c, d): (1 - case.home_reserve_frac[c]) * case.usable_eflops(c) * day_hours[d]
            for c in case.clusters
            for d in model.days
        },
    )
    m.guests_of = indexed_set(
        model.clusters, group((c, r) for r, c in case.routes if c in case.clusters and r != case.site_region[c])
    )

    def serves_the_floor(_: Any, r: str, k: str, d: int) -> Any:
        lost = sum(service.work_eflopsh[r, k, p] * service.unserved_frac[r, k, p] for p in service.periods_of_day[d])
        return lost <= (1 - m.floor_frac[k]) * m.demand_eflopsh[r, k, d]

    def keeps_home_reserve(_: Any, c: str, d: int) -> Any:
        return sum(hosted_eflopsh[r, c, d] for r in m.guests_of[c]) <= m.shared_eflopsh[c, d]

    _home_floor(model, m, case)
    m.serves_the_floor = pyo.Constraint(
        model.regions,
        service.classes,
        model.days,
        rule=serves_the_floor,
        doc="[EFLOPS·h] each region is served at least the floor share of each class",
    )
    m.keeps_home_reserve = pyo.Constraint(
        model.clusters,
        model.days,
        rule=keeps_home_reserve,
        doc="[EFLOPS·h] work from other provinces leaves a cluster's home reserve free",
    )


def _home_floor(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    """The share of a class that is served inside the region's own province."""
    service = model.service
    floors = {k.name: k.home_floor_frac for k in case.services if k.home_floor_frac > 0}
    at_home = {
        (r, k): [s for s in service.sites_for[r, k] if case.site_region[s] == r] for r in case.regions for k in floors
    }
    m.based = pyo.Set(initialize=list(at_home), dimen=2)
    m.home_sites = indexed_set(m.based, at_home)
    m.home_floor_frac = pyo.Param(list(floors), initialize=floors)

    def serves_at_home(_: Any, r: str, k: str, d: int) -> Any:
        served = sum(
            service.work_eflopsh[r, k, p] * service.share_frac[r, k, s, p]
            for s in m.home_sites[r, k]
            for p in service.periods_of_day[d]
        )
        return served >= m.home_floor_frac[k] * m.demand_eflopsh[r, k, d]

    if floors:
        m.serves_at_home = pyo.Constraint(
            m.based,
            model.days,
            rule=serves_at_home,
            doc="[EFLOPS·h] each region is served at least the home share of each class in its own province",
        )
