"""Expansion, in planning runs: whole pods, wavelengths and renewable plants that may be built.

Each is paid by its annuity, pro-rated to the horizon, whether it is used or not; pods run and links carry as
existing ones do, new plants supply their own cluster without further cost. All within build limits.

Reads   Expansion (limits, annuities, capacity factors), usable wavelength
Posts   pods, link capacity, power (supply), direct supply, expansion
Omits   lead times, retirement, connection costs, economies of scale
Source  generation and transmission expansion planning with annualised cost (Conejo et al. 2016)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index, indexed_set
from scenarios.case import Case
from scenarios.instruments import Expansion


def build(model: pyo.ConcreteModel, case: Case) -> None:
    plan = case.expansion
    if plan is None:
        return
    m = model.expansion = pyo.Block(doc=__doc__)
    names = [g.name for g in case.generations]
    m.cluster_here = indexed_set(model.sites, {c: [c] for c in case.clusters})
    _pods(model, m, plan, names)
    _plants(model, m, case, plan)
    _wavelengths(model, m, case, plan)


def _pods(model: pyo.ConcreteModel, m: pyo.Block, plan: Expansion, names: list[str]) -> None:
    m.generations = pyo.Set(initialize=names)
    most = by_index(plan.pods_max, model.clusters, names)
    m.pods = pyo.Var(
        model.clusters,
        m.generations,
        within=pyo.NonNegativeIntegers,
        bounds=lambda _, c, g: (0, most[c, g]),
        doc="[pods] pods built",
    )
    m.pod_kcny = pyo.Param(m.generations, initialize=by_index(plan.pod_kcny, names))
    model.books.pods.post("expansion", lambda M, c, g: m.pods[c, g])
    model.books.charge(
        "new_pods", lambda M: sum(m.pod_kcny[g] * m.pods[c, g] for c in M.clusters for g in m.generations)
    )


def _plants(model: pyo.ConcreteModel, m: pyo.Block, case: Case, plan: Expansion) -> None:
    m.carriers = pyo.Set(initialize=case.carriers)
    place = (model.clusters, m.carriers)
    most = by_index(plan.direct_max_mw, *place)
    m.plant_mw = pyo.Var(*place, bounds=lambda _, c, f: (0, most[c, f]), doc="[MW] wind and solar plants built")
    m.supply_mw = pyo.Var(*place, model.hours, within=pyo.NonNegativeReals, doc="[MW] supply of built plants")
    m.capacity_frac = pyo.Param(*place, model.hours, initialize=by_index(plan.capacity_frac, *place, model.hours))

    def supplies_what_the_weather_gives(_: Any, c: str, f: str, t: int) -> Any:
        return m.supply_mw[c, f, t] <= m.capacity_frac[c, f, t] * m.plant_mw[c, f]

    m.supplies_what_the_weather_gives = pyo.Constraint(
        *place,
        model.hours,
        rule=supplies_what_the_weather_gives,
        doc="[MW] new plants supply up to their capacity factor",
    )
    m.plant_kcny_per_mw = pyo.Param(m.carriers, initialize=by_index(plan.direct_kcny_per_mw, m.carriers))
    books = model.books
    books.power.post(
        "expansion", lambda M, s, t: sum(m.supply_mw[c, f, t] for c in m.cluster_here[s] for f in m.carriers)
    )
    books.green.post("expansion", lambda M, c: sum(m.supply_mw[c, f, t] for f in m.carriers for t in M.hours))
    books.charge(
        "new_plants", lambda M: sum(m.plant_kcny_per_mw[f] * m.plant_mw[c, f] for c in M.clusters for f in m.carriers)
    )


def _wavelengths(model: pyo.ConcreteModel, m: pyo.Block, case: Case, plan: Expansion) -> None:
    if case.wavelengths is None or "network" not in case.blocks or not plan.wavelengths_max.any():
        return
    most = dict(zip(case.links, plan.wavelengths_max.tolist(), strict=True))
    m.links = pyo.Set(initialize=[link for link in case.links if most[link]])
    m.wavelengths = pyo.Var(
        m.links,
        within=pyo.NonNegativeIntegers,
        bounds=lambda _, link: (0, most[link]),
        doc="[1] wavelengths built on a link",
    )
    m.link_here = pyo.Set(case.links, initialize={link: [link] if most[link] else [] for link in case.links})
    gbps = case.wavelengths.gbps
    model.books.link_gbps.post("expansion", lambda M, link: sum(gbps * m.wavelengths[q] for q in m.link_here[link]))
    cost = plan.wavelength_kcny
    model.books.charge("new_wavelengths", lambda M: sum(cost * m.wavelengths[q] for q in m.links))
