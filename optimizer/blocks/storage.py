"""Batteries at clusters: charged when power is cheap or green, discharged when it is dear.

stored_mwh[c,t] is what a battery holds at the end of an hour; charging and discharging each lose the same
share. A cyclic horizon ends as it began; an open one begins at the stated charge and ends with at
least that; a window of a longer horizon takes over what was held. Losses are consumption: they are drawn, paid and
claimed like any other.

Reads   Storage (power, energy, efficiency, wear), horizon
Posts   power (supply and draw), wear
Omits   self-discharge, ageing by depth, a bar on charging and discharging at once (which pays only where direct supply
        is in surplus and nearly free: losses are green consumption, and dear certificates are saved)
Source  the energy-balance form of storage in unit commitment (Morales-España et al. 2014)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import indexed_set
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    battery = case.storage
    if battery is None or not battery.power_mw.any():
        return
    m = model.storage = pyo.Block(doc=__doc__)
    power = dict(zip(case.clusters, battery.power_mw.tolist(), strict=True))
    energy = dict(zip(case.clusters, battery.energy_mwh.tolist(), strict=True))
    m.batteries = pyo.Set(initialize=[c for c in case.clusters if power[c] > 0])
    m.battery_here = indexed_set(model.sites, {c: [c] for c in m.batteries})
    place = (m.batteries, model.hours)
    m.charge_mw = pyo.Var(*place, bounds=lambda _, c, t: (0, power[c]), doc="[MW] drawn to charge a battery")
    m.discharge_mw = pyo.Var(*place, bounds=lambda _, c, t: (0, power[c]), doc="[MW] given back by a battery")
    m.stored_mwh = pyo.Var(*place, bounds=lambda _, c, t: (0, energy[c]), doc="[MWh] held at the end of an hour")
    horizon = case.horizon
    start = 0.0 if horizon.cyclic else battery.start_frac
    given = 0.0 if horizon.before_h else start
    m.opening_mwh = pyo.Param(
        *place, initialize={(c, t): given * energy[c] if t == 0 else 0.0 for c in m.batteries for t in model.hours}
    )
    m.earlier_mwh = pyo.Var(
        m.batteries,
        pyo.Set(initialize=[-1] if horizon.before_h else []),
        bounds=lambda _, c, u: (0, energy[c]),
        doc="[MWh] held when the window opens",
    )
    m.closing_mwh = pyo.Param(m.batteries, initialize={c: start * energy[c] for c in m.batteries})
    gain, drain = battery.one_way_frac, 1 / battery.one_way_frac
    last = case.horizon.hours - 1

    def holds_what_is_left(_: Any, c: str, t: int) -> Any:
        before = sum(m.stored_mwh[c, u] for u in model.hour_before[t]) + m.opening_mwh[c, t]
        before += sum(m.earlier_mwh[c, u] for u in model.hour_earlier[t])
        return m.stored_mwh[c, t] == before + gain * m.charge_mw[c, t] - drain * m.discharge_mw[c, t]

    def ends_as_it_began(_: Any, c: str) -> Any:
        return m.stored_mwh[c, last] >= m.closing_mwh[c]

    m.holds_what_is_left = pyo.Constraint(
        *place, rule=holds_what_is_left, doc="[MWh] a battery holds what was there, and what is charged less losses"
    )
    if not horizon.cyclic and not horizon.after_h:
        m.ends_as_it_began = pyo.Constraint(
            m.batteries, rule=ends_as_it_began, doc="[MWh] an open horizon ends with at least the opening charge"
        )
    books, wear = model.books, battery.wear_kcny_per_mwh
    books.power.post(
        "storage",
        lambda M, s, t: sum(m.discharge_mw[c, t] - m.charge_mw[c, t] for c in m.battery_here[s]),
    )
    books.charge("storage_wear", lambda M: sum(wear * m.discharge_mw[c, t] for c in m.batteries for t in M.hours))
