"""The public grid: energy by time of use, and a demand charge on the horizon's peak.

import_mw[s,t] is drawn within the connection. The two-part tariff charges energy at the hour's price and
the largest import of the horizon at the monthly rate, pro-rated to the horizon's length.

Reads   connection_mw, energy_kcny_per_mwh, demand_charge_kcny_per_mw
Posts   power (supply), energy, demand charge
Omits   power factor, losses inside the province, back-feed (surplus direct supply is curtailed)
Source  the two-part tariff of 发改价格〔2021〕1093号 and provincial time-of-use notices
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.grid = pyo.Block(doc=__doc__)
    place = (model.sites, model.hours)
    m.connection_mw = pyo.Param(model.sites, initialize=by_index(case.connection_mw, model.sites))
    m.energy_kcny_per_mwh = pyo.Param(*place, initialize=by_index(case.energy_kcny_per_mwh, *place))
    m.demand_charge_kcny_per_mw = pyo.Param(
        model.sites, initialize=by_index(case.demand_charge_kcny_per_mw, model.sites)
    )
    m.import_mw = pyo.Var(*place, within=pyo.NonNegativeReals, doc="[MW] power drawn from the public grid")
    m.peak_mw = pyo.Var(
        model.sites, bounds=lambda _, s: (0, m.connection_mw[s]), doc="[MW] largest import of the horizon"
    )

    def draws_within_peak(_: Any, s: str, t: int) -> Any:
        return m.import_mw[s, t] <= m.peak_mw[s]

    m.draws_within_peak = pyo.Constraint(
        *place, rule=draws_within_peak, doc="[MW] no import exceeds the peak that is paid for, nor so the connection"
    )
    books = model.books
    books.power.post("grid", lambda M, s, t: m.import_mw[s, t])
    books.charge(
        "energy", lambda M: sum(m.energy_kcny_per_mwh[s, t] * m.import_mw[s, t] for s in M.sites for t in M.hours)
    )
    books.charge("demand_charge", lambda M: sum(m.demand_charge_kcny_per_mw[s] * m.peak_mw[s] for s in M.sites))
