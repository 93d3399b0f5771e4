"""Delivery: open forward ("compute futures") positions that a cluster owes a buyer region in the horizon.

delivered_eflopsh[i,d] is work of the buyer, run by the seller's cluster, that counts under position i on day d. A
fixed position is owed whole every day. A take-or-pay band leaves the buyer a daily band and a least share of the
whole horizon; what is paid for by the day is not paid for again. A call leaves the buyer free, but the capacity it
is written on serves nothing else. What is owed and not delivered is paid at the stated damages, the value the planner
puts on a promise kept.

Reads   positions, hosted work, pods_max
Posts   non-delivery
Omits   premiums, strikes and margins (money between the two sides: optimizer/market), shapes inside a day
Source  physical forwards and swing contracts of power markets, read for compute (assumed: no such market exists yet)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import group, indexed_set
from scenarios.case import Case
from scenarios.instruments import Position


def build(model: pyo.ConcreteModel, case: Case) -> None:
    if not case.positions:
        return
    m = model.delivery = pyo.Block(doc=__doc__)
    positions = {p.name: p for p in case.positions}
    m.names = pyo.Set(initialize=list(positions))
    m.bands = pyo.Set(initialize=[p.name for p in case.positions if p.kind == "take-or-pay"])
    m.owing = pyo.Set(initialize=[p.name for p in case.positions if p.kind != "call"])
    m.sales = pyo.Set(initialize=list(dict.fromkeys((p.region, p.cluster) for p in case.positions)), dimen=2)
    m.positions_of = indexed_set(m.sales, group(((p.region, p.cluster), p.name) for p in case.positions))
    _quantities(model, m, case, positions)
    by_day = (m.names, model.days)
    m.delivered_eflopsh = pyo.Var(
        *by_day,
        bounds=lambda _, i, d: (0, positions[i].high_frac * m.quantity_eflopsh[i, d]),
        doc="[EFLOPS·h] buyer's work that counts under a position",
    )
    m.undelivered_eflopsh = pyo.Var(
        m.owing, model.days, within=pyo.NonNegativeReals, doc="[EFLOPS·h] owed on a day and not delivered"
    )
    m.untaken_eflopsh = pyo.Var(
        m.bands, within=pyo.NonNegativeReals, doc="[EFLOPS·h] short of a band's least take over the horizon"
    )
    _rules(model, m, positions)
    _reserve(model, m, case)
    damages = {i: p.damages_kcny_per_eflopsh for i, p in positions.items()}
    m.damages_kcny_per_eflopsh = pyo.Param(m.names, initialize=damages)
    model.books.charge(
        "non_delivery",
        lambda M: (
            sum(m.damages_kcny_per_eflopsh[i] * m.undelivered_eflopsh[i, d] for i in m.owing for d in M.days)
            + sum(m.damages_kcny_per_eflopsh[i] * m.untaken_eflopsh[i] for i in m.bands)
        ),
    )


def _quantities(model: pyo.ConcreteModel, m: pyo.Block, case: Case, positions: dict[str, Position]) -> None:
    ends = [24 * d for d in range(case.horizon.days)] + [case.horizon.hours]
    daily = {
        (i, d): float(p.quantity_eflops[ends[d] : ends[d + 1]].sum()) for i, p in positions.items() for d in model.days
    }
    m.quantity_eflopsh = pyo.Param(m.names, model.days, initialize=daily)
    owed = {i: 1.0 if p.kind == "fixed" else p.low_frac for i, p in positions.items()}
    m.owed_frac = pyo.Param(m.owing, initialize={i: owed[i] for i in m.owing})
    m.least_eflopsh = pyo.Param(
        m.bands, initialize={i: positions[i].take_frac * sum(daily[i, d] for d in model.days) for i in m.bands}
    )


def _rules(model: pyo.ConcreteModel, m: pyo.Block, positions: dict[str, Position]) -> None:
    def counts_work_once(_: Any, r: str, c: str, d: int) -> Any:
        return sum(m.delivered_eflopsh[i, d] for i in m.positions_of[r, c]) <= model.hosting.hosted_eflopsh[r, c, d]

    def delivers_what_is_owed(_: Any, i: str, d: int) -> Any:
        return m.delivered_eflopsh[i, d] + m.undelivered_eflopsh[i, d] >= m.owed_frac[i] * m.quantity_eflopsh[i, d]

    def takes_or_pays(_: Any, i: str) -> Any:
        settled = sum(m.delivered_eflopsh[i, d] + m.undelivered_eflopsh[i, d] for d in model.days)
        return settled + m.untaken_eflopsh[i] >= m.least_eflopsh[i]

    m.counts_work_once = pyo.Constraint(
        m.sales, model.days, rule=counts_work_once, doc="[EFLOPS·h] hosted work counts under one position only"
    )
    if m.owing:
        m.delivers_what_is_owed = pyo.Constraint(
            m.owing,
            model.days,
            rule=delivers_what_is_owed,
            doc="[EFLOPS·h] what is owed on a day is delivered or paid for",
        )
    if m.bands:
        m.takes_or_pays = pyo.Constraint(
            m.bands, rule=takes_or_pays, doc="[EFLOPS·h] a band's least take of the horizon is taken or paid for"
        )


def _reserve(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    """Of all pods that could be on, the capacity under calls serves what is delivered under them only."""
    calls = [p for p in case.positions if p.kind == "call"]
    m.writers = pyo.Set(initialize=list(dict.fromkeys(p.cluster for p in calls)))
    m.calls_on = indexed_set(m.writers, group((p.cluster, p.name) for p in calls))
    m.regions_at = indexed_set(m.writers, group((c, r) for r, c in case.routes if c in m.writers))
    held = {
        (c, d): sum(m.quantity_eflopsh[p.name, d] for p in calls if p.cluster == c)
        for c in m.writers
        for d in model.days
    }
    most = dict(zip(case.clusters, case.pods_max.tolist(), strict=True))
    usable = {c: sum(n * g.usable_eflops for n, g in zip(most[c], case.generations, strict=True)) for c in m.writers}
    m.left_eflopsh = pyo.Param(
        m.writers,
        model.days,
        initialize={(c, d): usable[c] * case.horizon.day_hours[d] - held[c, d] for c, d in held},
    )

    def holds_capacity_back(_: Any, c: str, d: int) -> Any:
        hosted = sum(model.hosting.hosted_eflopsh[r, c, d] for r in m.regions_at[c])
        return hosted - sum(m.delivered_eflopsh[i, d] for i in m.calls_on[c]) <= m.left_eflopsh[c, d]

    if calls:
        m.holds_capacity_back = pyo.Constraint(
            m.writers,
            model.days,
            rule=holds_capacity_back,
            doc="[EFLOPS·h] capacity under a call is held for its holder",
        )
