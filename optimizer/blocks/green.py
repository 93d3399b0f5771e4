"""The green share: direct supply and certificates against a cluster's consumption.

A certificate covers one MWh drawn from the public grid; direct supply is green as it is. What is conveyed to
buyers covers their part of the consumption; of the rest, the target share is green, or the shortfall is paid. No
more is claimed than is drawn, and what is conveyed is no longer the cluster's: every MWh is claimed at most once.

Reads   green_target_frac, certificate price, shortfall price; direct supply, conveyed claims, grid imports
Posts   green ledger (certificates), certificates, green shortfall
Omits   vintage and place of issue of certificates; banking between horizons
Source  > 80 % green power for new hub capacity (implementation opinions of 2023-12-29)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.green = pyo.Block(doc=__doc__)
    m.target_frac = pyo.Param(model.clusters, initialize=by_index(case.green_target_frac, model.clusters))
    m.certificate_mwh = pyo.Var(
        model.clusters, within=pyo.NonNegativeReals, doc="[MWh] certificates bought and claimed (1 certificate = 1 MWh)"
    )
    m.shortfall_mwh = pyo.Var(model.clusters, within=pyo.NonNegativeReals, doc="[MWh] green energy short of the target")
    books = model.books
    direct = tuple(books.green.postings)

    def drawn(c: str) -> Any:
        return sum(model.grid.import_mw[c, t] for t in model.hours)

    def supplied(c: str) -> Any:
        return sum([rule(model, c) for _, rule in direct])

    def reaches_green_share(_: Any, c: str) -> Any:
        conveyed = books.conveyed.total(model, c)
        own = supplied(c) + m.certificate_mwh[c] - conveyed
        return own + m.shortfall_mwh[c] >= m.target_frac[c] * (drawn(c) + supplied(c) - conveyed)

    def conveys_only_what_is_claimed(_: Any, c: str) -> Any:
        return books.conveyed.total(model, c) <= supplied(c) + m.certificate_mwh[c]

    def claims_only_what_is_drawn(_: Any, c: str) -> Any:
        return m.certificate_mwh[c] <= drawn(c)

    m.reaches_green_share = pyo.Constraint(
        model.clusters, rule=reaches_green_share, doc="[MWh] green energy reaches the target share, or is short"
    )
    m.claims_only_what_is_drawn = pyo.Constraint(
        model.clusters, rule=claims_only_what_is_drawn, doc="[MWh] certificates never exceed the grid energy they cover"
    )
    if books.conveyed.postings:
        m.conveys_only_what_is_claimed = pyo.Constraint(
            model.clusters,
            rule=conveys_only_what_is_claimed,
            doc="[MWh] no more green claims travel to buyers than the cluster holds",
        )
    books.green.post("green", lambda M, c: m.certificate_mwh[c])
    prices = case.prices
    books.charge(
        "certificates", lambda M: sum(prices.certificate_kcny_per_mwh * m.certificate_mwh[c] for c in M.clusters)
    )
    books.charge(
        "green_shortfall", lambda M: sum(prices.green_shortfall_kcny_per_mwh * m.shortfall_mwh[c] for c in M.clusters)
    )
