"""Cooperation: agreements between sending regions and hosting hubs, and who pays whom.

outsourced_eflopsh[r,h] is the work of region r done in hub h outside its own province. It needs an agreement
(a fixed cost, a least volume, few partners). Users pay the host's operators a fee; the region pays the hub
at least the policy's compensation, within its fund; the hub returns the origin's part of the local tax, up to
a cap; a hub takes part only if what it keeps covers its incremental cost and its margin. Fees, transfers and tax
move money between regions: they sum to zero and are no national cost; agreements and the administration of
transfers are.

Reads   Cooperation, hosted work
Posts   agreements, administration
Omits   the term of an agreement, quality of service in it, taxes other than those on the fee
Source  benefit compensation of the programme's implementation opinions; tax sharing after 财预〔2015〕92号 (half and
        half, capped); min(rate x base, cap) by one binary where the cap can bind
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import group, indexed_set
from scenarios.case import Case
from scenarios.instruments import Cooperation


def build(model: pyo.ConcreteModel, case: Case) -> None:
    terms = case.cooperation
    if terms is None:
        return
    m = model.cooperation = pyo.Block(doc=__doc__)
    abroad = [(r, case.site_hub[c], c) for r, c in case.routes if c in case.site_hub and r != case.site_region[c]]
    if not abroad:
        return
    clusters_for = group(((r, h), c) for r, h, c in abroad)
    m.pairs = pyo.Set(initialize=list(clusters_for), dimen=2)
    m.clusters_for = indexed_set(m.pairs, clusters_for)
    m.regions = pyo.Set(initialize=list(dict.fromkeys(r for r, _ in clusters_for)))
    m.hubs = pyo.Set(initialize=list(dict.fromkeys(h for _, h in clusters_for)))
    m.hubs_for = indexed_set(m.regions, group(clusters_for))
    m.regions_for = indexed_set(m.hubs, group((h, r) for r, h in clusters_for))
    m.guests_at = indexed_set(m.hubs, group((h, (r, c)) for r, h, c in abroad), dimen=2)
    m.most_eflopsh = pyo.Param(m.pairs, initialize=most_eflopsh(case, clusters_for))
    m.outsourced_eflopsh = pyo.Var(
        m.pairs, within=pyo.NonNegativeReals, doc="[EFLOPS·h] work of a region hosted by a hub outside its province"
    )
    m.agreement = pyo.Var(
        m.pairs,
        within=pyo.Binary,
        # What can never reach the least volume needs no agreement: the search need not find that out.
        bounds=lambda _, r, h: (0, int(m.most_eflopsh[r, h] >= terms.minimum_eflopsh)),
        doc="[1] a region and a hub hold an agreement",
    )
    m.transfer_kcny = pyo.Var(m.pairs, within=pyo.NonNegativeReals, doc="[kCNY] compensation a region pays a hub")
    _volumes(model, m, terms)
    _tax(m, terms)
    _money(model, m, terms)
    books = model.books
    if terms.agreement_kcny:
        books.charge("agreements", lambda M: sum(terms.agreement_kcny * m.agreement[r, h] for r, h in m.pairs))
    if terms.administration_frac:
        books.charge(
            "administration", lambda M: sum(terms.administration_frac * m.transfer_kcny[r, h] for r, h in m.pairs)
        )


def most_eflopsh(case: Case, clusters_for: dict[tuple[str, str], list[str]]) -> dict[tuple[str, str], float]:
    """The tightest simple bound on outsourced work: what the region asks for, or what the hub's machines can do."""
    work = case.demand_eflops.sum(axis=(1, 2)) + case.arrivals_eflopsh.sum(axis=(1, 2))
    asked = dict(zip(case.regions, work.tolist(), strict=True))
    for job in case.jobs:
        asked[job.region] += job.eflops * job.duration_h
    pods = dict(zip(case.clusters, case.pods_max.tolist(), strict=True))
    room = {c: sum(n * g.usable_eflops for n, g in zip(pods[c], case.generations, strict=True)) for c in case.clusters}
    # Work may be sent in a window and done after it.
    hours = case.horizon.hours + case.horizon.after_h
    return {(r, h): min(asked[r], sum(room[c] for c in cs) * hours) for (r, h), cs in clusters_for.items()}


def _volumes(model: pyo.ConcreteModel, m: pyo.Block, terms: Cooperation) -> None:
    hosted_eflopsh = model.hosting.hosted_eflopsh

    def counts_outsourced_work(_: Any, r: str, h: str) -> Any:
        return m.outsourced_eflopsh[r, h] == sum(
            hosted_eflopsh[r, c, d] for c in m.clusters_for[r, h] for d in model.days
        )

    def agrees_first(_: Any, r: str, h: str) -> Any:
        return m.outsourced_eflopsh[r, h] <= m.most_eflopsh[r, h] * m.agreement[r, h]

    def reaches_the_least_volume(_: Any, r: str, h: str) -> Any:
        return m.outsourced_eflopsh[r, h] >= terms.minimum_eflopsh * m.agreement[r, h]

    def keeps_to_few_partners(_: Any, r: str) -> Any:
        return sum(m.agreement[r, h] for h in m.hubs_for[r]) <= terms.partners_max

    m.counts_outsourced_work = pyo.Constraint(
        m.pairs, rule=counts_outsourced_work, doc="[EFLOPS·h] outsourced work is what a hub hosts outside the province"
    )
    m.agrees_first = pyo.Constraint(m.pairs, rule=agrees_first, doc="[EFLOPS·h] work is outsourced under an agreement")
    if terms.minimum_eflopsh:
        m.reaches_the_least_volume = pyo.Constraint(
            m.pairs, rule=reaches_the_least_volume, doc="[EFLOPS·h] an agreement carries at least its least volume"
        )
    m.keeps_to_few_partners = pyo.Constraint(
        m.regions, rule=keeps_to_few_partners, doc="[1] a region holds at most so many agreements"
    )


def _tax(m: pyo.Block, terms: Cooperation) -> None:
    """The origin's part of the local tax on hosted output: rate x work, or the cap where that is less."""
    rate = terms.fee_kcny_per_eflopsh * terms.local_tax_frac * terms.origin_tax_frac
    cap = terms.tax_cap_kcny
    excess = {pair: rate * m.most_eflopsh[pair] - cap for pair in m.pairs}
    m.cappable = pyo.Set(initialize=[pair for pair in m.pairs if excess[pair] > 0], dimen=2)
    m.cap_here = indexed_set(m.pairs, {pair: [pair] for pair in m.cappable}, dimen=2)
    m.excess_kcny = pyo.Param(m.cappable, initialize={pair: excess[pair] for pair in m.cappable})
    m.tax_kcny = pyo.Var(
        m.pairs,
        bounds=lambda _, r, h: (0, cap if (r, h) in m.cappable else None),
        doc="[kCNY] local tax a hub returns to the region of origin",
    )
    m.capped = pyo.Var(m.cappable, within=pyo.Binary, doc="[1] the returned tax has reached its cap")

    def returns_no_more_than_its_part(_: Any, r: str, h: str) -> Any:
        return m.tax_kcny[r, h] <= rate * m.outsourced_eflopsh[r, h]

    def returns_its_part_up_to_the_cap(_: Any, r: str, h: str) -> Any:
        spared = sum(m.excess_kcny[q, k] * m.capped[q, k] for q, k in m.cap_here[r, h])
        return m.tax_kcny[r, h] >= rate * m.outsourced_eflopsh[r, h] - spared

    def returns_the_cap_once_reached(_: Any, r: str, h: str) -> Any:
        return m.tax_kcny[r, h] >= cap * m.capped[r, h]

    m.returns_no_more_than_its_part = pyo.Constraint(
        m.pairs, rule=returns_no_more_than_its_part, doc="[kCNY] the origin receives at most its part of the local tax"
    )
    m.returns_its_part_up_to_the_cap = pyo.Constraint(
        m.pairs,
        rule=returns_its_part_up_to_the_cap,
        doc="[kCNY] the origin receives its part unless the cap is reached",
    )
    if m.cappable:
        m.returns_the_cap_once_reached = pyo.Constraint(
            m.cappable, rule=returns_the_cap_once_reached, doc="[kCNY] where the cap is reached, the origin receives it"
        )


def _money(model: pyo.ConcreteModel, m: pyo.Block, terms: Cooperation) -> None:
    kept = {
        c: terms.fee_kcny_per_eflopsh - cost - terms.margin_kcny_per_eflopsh
        for c, cost in terms.cost_kcny_per_eflopsh.items()
    }
    m.kept_kcny_per_eflopsh = pyo.Param(model.clusters, initialize=kept)
    m.fund_kcny = pyo.Param(m.regions, initialize={r: terms.fund_kcny[r] for r in m.regions})

    def compensates(_: Any, r: str, h: str) -> Any:
        return m.transfer_kcny[r, h] >= terms.compensation_kcny_per_eflopsh * m.outsourced_eflopsh[r, h]

    def pays_within_the_fund(_: Any, r: str) -> Any:
        return sum(m.transfer_kcny[r, h] for h in m.hubs_for[r]) <= m.fund_kcny[r]

    def hosts_at_no_loss(_: Any, h: str) -> Any:
        earned = sum(
            m.kept_kcny_per_eflopsh[c] * model.hosting.hosted_eflopsh[r, c, d]
            for r, c in m.guests_at[h]
            for d in model.days
        )
        moved = sum(m.transfer_kcny[r, h] - m.tax_kcny[r, h] for r in m.regions_for[h])
        return earned + moved >= 0

    m.compensates = pyo.Constraint(
        m.pairs, rule=compensates, doc="[kCNY] a region pays at least the policy's rate for its outsourced work"
    )
    m.pays_within_the_fund = pyo.Constraint(
        m.regions, rule=pays_within_the_fund, doc="[kCNY] a region's transfers stay within its fund"
    )
    m.hosts_at_no_loss = pyo.Constraint(
        m.hubs, rule=hosts_at_no_loss, doc="[kCNY] fees and transfers, less returned tax, cover a hub's cost and margin"
    )
