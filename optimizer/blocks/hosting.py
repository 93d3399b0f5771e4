"""Hosting: who works for whom, the account on which agreements, transfers and reserves rest.

hosted_eflopsh[r,s,d] is the work of region r sent to site s on day d: services as steered, batch work as
assigned, a job whole on the day it starts.

Reads   the hosted ledger
Posts   nothing
Omits   when in the day, or later, assigned work is run
Source  an accounting identity
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.hosting = pyo.Block(doc=__doc__)
    books = model.books
    m.hosted_eflopsh = pyo.Var(
        model.pairs, model.days, within=pyo.NonNegativeReals, doc="[EFLOPS·h] work of a region sent to a site in a day"
    )

    def counts_all_work(_: Any, r: str, s: str, d: int) -> Any:
        return m.hosted_eflopsh[r, s, d] == books.hosted.total(model, r, s, d)

    m.counts_all_work = pyo.Constraint(
        model.pairs,
        model.days,
        rule=counts_all_work,
        doc="[EFLOPS·h] all work sent to a site is counted for its region",
    )
