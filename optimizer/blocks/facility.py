"""Facilities: what the machines draw, times the PUE of the hour, is drawn at the site.

Reads   pue_ratio (never below 1), the it_power ledger
Posts   power (draw)
Omits   part-load PUE, water, waste-heat sales
Source  PUE as defined by ISO/IEC 30134-2: facility energy over IT energy
"""

from __future__ import annotations

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.facility = pyo.Block(doc=__doc__)
    m.pue_ratio = pyo.Param(model.sites, model.hours, initialize=by_index(case.pue_ratio, model.sites, model.hours))
    books = model.books
    books.power.post("facility", lambda M, s, t: -m.pue_ratio[s, t] * books.it_power.total(M, s, t))
