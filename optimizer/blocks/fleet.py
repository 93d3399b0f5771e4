"""The fleet: whole pods are lit by the hour in clusters; local sites are continuous.

pods_on[c,g,t] pods of generation g are on; load_eflops[c,g,t] fits on them. A pod that is on draws its
idle power and a part in proportion to its load; switching one on costs start_kcny
and commits it for min_up_h hours. Racks that are built
but empty (vacancy) may be lit for the horizon at the pod's capital annuity. Installed pods are sunk cost,
except in clusters whose capital is counted: there every pod in use pays its annuity, which shows what
capacity that doubles another region's would have to earn. A local site carries load up to its capacity
at a fixed power per EFLOPS. A window of a longer horizon takes over the pods that are on and those just switched on.

Reads   pods_installed, pods_vacant, generations, local_eflops, local_mw_per_eflops, capital_counted, the pods ledger
Posts   compute (supply), it_power, start-ups, lit vacancy, capital
Omits   which accelerators inside a pod, failures, thermal limits inside a hall; on a cyclic horizon like pods may take
        turns from one round to the next
Source  the unit-commitment form with integer counts of like units
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index, indexed_set
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.fleet = pyo.Block(doc=__doc__)
    names = [g.name for g in case.generations]
    m.generations = pyo.Set(initialize=names)
    m.cluster_here = indexed_set(model.sites, {c: [c] for c in case.clusters})
    m.local_sites = pyo.Set(initialize=case.locals)
    m.local_here = indexed_set(model.sites, {s: [s] for s in case.locals})
    _params(model, m, case)
    _variables(model, m)
    _commitment(model, m)
    _post(model, case)


def _params(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    for name in ("usable_eflops", "idle_mw", "slope_mw_per_eflops", "start_kcny", "lighting_kcny"):
        m.add_component(name, pyo.Param(m.generations, initialize={g.name: getattr(g, name) for g in case.generations}))
    place = (model.clusters, m.generations)
    m.installed = pyo.Param(*place, initialize=by_index(case.pods_installed, *place))
    m.vacant = pyo.Param(*place, initialize=by_index(case.pods_vacant, *place))
    hours = case.horizon.hours
    lasting = {
        (g.name, t): [u % hours for u in range(t - min(g.min_up_h, hours) + 1, t + 1) if u >= 0 or case.horizon.cyclic]
        for g in case.generations
        for t in range(hours)
        if g.min_up_h > 1
    }
    earlier = {(g.name, t): list(range(t - g.min_up_h + 1, 0)) for g in case.generations for t in range(g.min_up_h - 1)}
    m.lasting = pyo.Set(initialize=list(lasting), dimen=2)
    m.lately = indexed_set(m.lasting, lasting)
    m.lately_earlier = indexed_set(m.lasting, earlier if case.horizon.before_h else {})
    m.local_eflops = pyo.Param(m.local_sites, initialize=case.local_eflops)
    m.most = pyo.Param(*place, initialize=by_index(case.pods_max, *place))
    m.earlier = pyo.Set(initialize=[-1] if case.horizon.before_h else [])
    back = {(g.name, u) for g in case.generations for u in range(1 - g.min_up_h, 0)} if case.horizon.before_h else set()
    m.lasting_earlier = pyo.Set(initialize=sorted(back), dimen=2)
    m.counted = pyo.Set(initialize=[c for c in case.clusters if c in case.capital_counted])


def _variables(model: pyo.ConcreteModel, m: pyo.Block) -> None:
    place = (model.clusters, m.generations)

    def pods(_: Any, c: str, g: str, t: int) -> tuple[float, float]:
        return 0, m.most[c, g]

    m.pods_on = pyo.Var(*place, model.hours, within=pyo.NonNegativeIntegers, bounds=pods, doc="[pods] pods that are on")
    m.started = pyo.Var(
        *place, model.hours, within=pyo.NonNegativeReals, doc="[pods] pods switched on at an hour's start"
    )
    m.earlier_pods_on = pyo.Var(*place, m.earlier, bounds=pods, doc="[pods] pods that were on before the window")
    m.earlier_started = pyo.Var(
        model.clusters,
        m.lasting_earlier,
        bounds=pods,
        doc="[pods] pods switched on shortly before the window",
    )
    m.lit = pyo.Var(
        *place,
        within=pyo.NonNegativeIntegers,
        bounds=lambda _, c, g: (0, m.vacant[c, g]),
        doc="[pods] vacant racks filled for the horizon",
    )
    m.load_eflops = pyo.Var(
        *place, model.hours, within=pyo.NonNegativeReals, doc="[EFLOPS] load on a generation's pods"
    )
    m.used = pyo.Var(
        m.counted, m.generations, within=pyo.NonNegativeReals, doc="[pods] pods ever on, where capital is counted"
    )
    m.local_load_eflops = pyo.Var(
        m.local_sites,
        model.hours,
        bounds=lambda _, s, t: (0, m.local_eflops[s]),
        doc="[EFLOPS] load on a local site's machines",
    )


def _commitment(model: pyo.ConcreteModel, m: pyo.Block) -> None:
    def fits_on_lit_pods(_: Any, c: str, g: str, t: int) -> Any:
        return m.load_eflops[c, g, t] <= m.usable_eflops[g] * m.pods_on[c, g, t]

    def lights_only_built_pods(_: Any, c: str, g: str, t: int) -> Any:
        return m.pods_on[c, g, t] - m.lit[c, g] - model.books.pods.total(model, c, g) <= m.installed[c, g]

    def pays_for_starts(_: Any, c: str, g: str, t: int) -> Any:
        before = sum(m.pods_on[c, g, u] for u in model.hour_before[t])
        before += sum(m.earlier_pods_on[c, g, u] for u in model.hour_earlier[t])
        return m.started[c, g, t] >= m.pods_on[c, g, t] - before

    def stays_on(_: Any, c: str, g: str, t: int) -> Any:
        lately = sum(m.started[c, g, u] for u in m.lately[g, t])
        lately += sum(m.earlier_started[c, g, u] for u in m.lately_earlier[g, t])
        return lately <= m.pods_on[c, g, t]

    def uses_pods_that_are_on(_: Any, c: str, g: str, t: int) -> Any:
        return m.pods_on[c, g, t] - m.lit[c, g] - model.books.pods.total(model, c, g) <= m.used[c, g]

    place = (model.clusters, m.generations, model.hours)
    if m.counted:
        m.uses_pods_that_are_on = pyo.Constraint(
            m.counted,
            m.generations,
            model.hours,
            rule=uses_pods_that_are_on,
            doc="[pods] where capital is counted, every installed pod that is on was used",
        )
    if m.lasting:
        m.stays_on = pyo.Constraint(
            model.clusters,
            m.lasting,
            rule=stays_on,
            doc="[pods] a pod that was switched on stays on for its least time",
        )
    m.fits_on_lit_pods = pyo.Constraint(*place, rule=fits_on_lit_pods, doc="[EFLOPS] load fits on the pods that are on")
    m.lights_only_built_pods = pyo.Constraint(
        *place, rule=lights_only_built_pods, doc="[pods] pods that are on are installed, lit in vacant racks, or built"
    )
    m.pays_for_starts = pyo.Constraint(*place, rule=pays_for_starts, doc="[pods] an increase of pods on is a start")


def _post(model: pyo.ConcreteModel, case: Case) -> None:
    m, books = model.fleet, model.books
    books.compute.post(
        "fleet",
        lambda M, s, t: (
            sum(m.load_eflops[c, g, t] for c in m.cluster_here[s] for g in m.generations)
            + sum(m.local_load_eflops[q, t] for q in m.local_here[s])
        ),
    )
    books.it_power.post(
        "fleet",
        lambda M, s, t: (
            sum(
                m.idle_mw[g] * m.pods_on[c, g, t] + m.slope_mw_per_eflops[g] * m.load_eflops[c, g, t]
                for c in m.cluster_here[s]
                for g in m.generations
            )
            + sum(case.local_mw_per_eflops * m.local_load_eflops[q, t] for q in m.local_here[s])
        ),
    )
    place = [(c, g) for c in case.clusters for g in m.generations]
    m.places = pyo.Set(initialize=place, dimen=2)
    books.charge("start_ups", lambda M: sum(m.start_kcny[g] * m.started[c, g, t] for c, g in m.places for t in M.hours))
    books.charge("lit_vacancy", lambda M: sum(m.lighting_kcny[g] * m.lit[c, g] for c, g in m.places))
    if m.counted:
        books.charge(
            "capital", lambda M: sum(m.lighting_kcny[g] * m.used[c, g] for c in m.counted for g in m.generations)
        )
