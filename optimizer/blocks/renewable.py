"""Contracted direct supply: wind and sun that a cluster may take or leave.

direct_mw[c,f,t] of carrier f is taken, up to what the contracted plant yields in the hour; the rest is
curtailed. Energy taken is paid at the contract price and is green at its source: it enters the green
ledger of the cluster once, as claimed energy.

Reads   direct_mw (availability), direct_kcny_per_mwh
Posts   power (supply), direct supply
Omits   take-or-pay of the power contract, sale of surplus
Source  green-power direct-supply pilots at the hubs (see facts: wind_mw, solar_mw)
"""

from __future__ import annotations

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index, indexed_set
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.renewable = pyo.Block(doc=__doc__)
    m.carriers = pyo.Set(initialize=case.carriers)
    m.cluster_here = indexed_set(model.sites, {c: [c] for c in case.clusters})
    index = (model.clusters, m.carriers, model.hours)
    m.available_mw = pyo.Param(*index, initialize=by_index(case.direct_mw, *index))
    m.direct_kcny_per_mwh = pyo.Param(m.carriers, initialize=by_index(case.direct_kcny_per_mwh, m.carriers))
    m.direct_mw = pyo.Var(
        *index, bounds=lambda _, c, f, t: (0, m.available_mw[c, f, t]), doc="[MW] direct wind or solar supply taken"
    )
    books = model.books
    books.power.post(
        "renewable", lambda M, s, t: sum(m.direct_mw[c, f, t] for c in m.cluster_here[s] for f in m.carriers)
    )
    books.green.post("renewable", lambda M, c: sum(m.direct_mw[c, f, t] for f in m.carriers for t in M.hours))
    books.charge(
        "direct_supply",
        lambda M: sum(
            m.direct_kcny_per_mwh[f] * m.direct_mw[c, f, t] for c in M.clusters for f in m.carriers for t in M.hours
        ),
    )
