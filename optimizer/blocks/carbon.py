"""Carbon, on two ledgers that are never mixed.

Location-based: the provincial grid factor times what is imported. Market-based: grid energy that is
covered by certificates counts as zero, the rest at the residual factor (what is left of the grid mix once
claimed green energy is taken out). A claim conveyed to a buyer moves with the work it covers: the sum over the nation,
which is charged, does not depend on who holds it. The policy names the one ledger on which the carbon price is charged;
both are reported.

Reads   grid_tco2_per_mwh, residual_tco2_per_mwh, carbon price and ledger; grid imports, certificates
Posts   carbon
Omits   embodied carbon of machines, methane and losses upstream
Source  GHG Protocol Scope 2 guidance (dual reporting); MEE/NBS provincial factors
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.carbon = pyo.Block(doc=__doc__)
    market = case.carbon_ledger == "market"
    factors = case.residual_tco2_per_mwh if market else case.grid_tco2_per_mwh
    m.tco2_per_mwh = pyo.Param(model.sites, initialize=by_index(factors, model.sites))
    price = case.prices.carbon_kcny_per_tco2
    m.kcny_per_mwh = pyo.Param(model.sites, initialize={s: price * m.tco2_per_mwh[s] for s in model.sites})

    def charged(M: pyo.ConcreteModel) -> Any:
        drawn = sum(m.kcny_per_mwh[s] * M.grid.import_mw[s, t] for s in M.sites for t in M.hours)
        if not (market and hasattr(M, "green")):
            return drawn
        return drawn - sum(m.kcny_per_mwh[c] * M.green.certificate_mwh[c] for c in M.clusters)

    model.books.charge("carbon", charged)
