"""Green compute credits: certificates that travel with hosted work to the region that bought it.

For every EFLOPS·h a cluster runs for another province, a stated amount of its claimed green energy is
conveyed to the buyer. What is conveyed is the buyer's claim and no longer the cluster's: it counts once.

Reads   credit_mwh_per_eflopsh, hosted work
Posts   conveyed claims
Omits   resale of credits, credits without compute
Source  book-and-claim with one retirement per certificate (GHG Protocol Scope 2 quality criteria)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import group, indexed_set
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    rate = case.credit_mwh_per_eflopsh
    if not rate:
        return
    m = model.credit = pyo.Block(doc=__doc__)
    guests = [(r, c) for r, c in case.routes if c in case.site_hub and r != case.site_region[c]]
    m.guests = pyo.Set(initialize=guests, dimen=2)
    m.guests_of = indexed_set(model.clusters, group((c, r) for r, c in guests))
    m.conveyed_mwh = pyo.Var(
        m.guests, within=pyo.NonNegativeReals, doc="[MWh] green claims conveyed to a buyer region by a cluster"
    )

    def travels_with_the_work(_: Any, r: str, c: str) -> Any:
        return m.conveyed_mwh[r, c] == sum(rate * model.hosting.hosted_eflopsh[r, c, d] for d in model.days)

    m.travels_with_the_work = pyo.Constraint(
        m.guests, rule=travels_with_the_work, doc="[MWh] green claims travel with the work hosted for other provinces"
    )
    model.books.conveyed.post("credit", lambda M, c: sum(m.conveyed_mwh[r, c] for r in m.guests_of[c]))
