"""The backbone: traffic on routes, within what each link carries.

Latency-bound traffic is pinned to the nearest route of its pair; batch data and job data may be split
over all candidate routes. A link carries, in every steering period, at most its lit capacity: pinned
traffic counts at the busiest hour of the period, movable traffic at its mean. Whole wavelengths may be lit
on its fibre for the horizon, at a rent. Moving data costs a price per TB and draws power at the receiving site.

Reads   routes, links, link_capacity_gbps, Wavelengths, transfer price and energy per TB; traffic and link ledgers
Posts   transfer, wavelengths, power (draw)
Omits   packet effects, protection paths, asymmetry (a link is counted once for the two directions)
Source  400 Gbit/s wavelengths and prices: hubs/data/network.csv, links.csv
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import group, indexed_set
from scenarios.case import TB_PER_GBPS_H, Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    if not model.remote_pairs:
        return
    m = model.network = pyo.Block(doc=__doc__)
    remote = {pair: case.routes[pair] for pair in model.remote_pairs}
    ways = [(r, s, q) for (r, s), routes in remote.items() for q in range(len(routes))]
    used = {link for routes in remote.values() for way in routes for link in way.links}
    m.links = pyo.Set(initialize=[link for link in case.links if link in used])
    m.ways = pyo.Set(initialize=ways, dimen=3)
    m.ways_of = indexed_set(model.remote_pairs, {pair: range(len(routes)) for pair, routes in remote.items()})
    m.ways_over = indexed_set(
        m.links, group((link, (r, s, q)) for r, s, q in ways for link in remote[r, s][q].links), dimen=3
    )
    m.pairs_over = indexed_set(
        m.links, group((link, pair) for pair, routes in remote.items() for link in routes[0].links), dimen=2
    )
    capacity = dict(zip(case.links, case.link_capacity_gbps.tolist(), strict=True))
    m.capacity_gbps = pyo.Param(m.links, initialize={link: capacity[link] for link in m.links})
    _wavelengths(model, m, case)
    m.pinned_gbps = pyo.Var(
        model.remote_pairs, model.periods, within=pyo.NonNegativeReals, doc="[Gbit/s] latency-bound traffic of a pair"
    )
    m.flow_gbps = pyo.Var(
        m.ways,
        model.periods,
        within=pyo.NonNegativeReals,
        doc="[Gbit/s] movable traffic on a route, mean of the period",
    )
    books = model.books

    def takes_nearest_route(_: Any, r: str, s: str, p: int) -> Any:
        return m.pinned_gbps[r, s, p] == books.pinned_gbps.total(model, r, s, p)

    def finds_a_route(_: Any, r: str, s: str, p: int) -> Any:
        return sum(m.flow_gbps[r, s, q, p] for q in m.ways_of[r, s]) == books.movable_gbps.total(model, r, s, p)

    def carries_within_capacity(_: Any, link: str, p: int) -> Any:
        pinned = sum(m.pinned_gbps[r, s, p] for r, s in m.pairs_over[link])
        movable = sum(m.flow_gbps[r, s, q, p] for r, s, q in m.ways_over[link])
        lit = sum(m.wavelength_gbps[q] * m.wavelengths[q] for q in m.lightable_here[link])
        return pinned + movable - lit - books.link_gbps.total(model, link) <= m.capacity_gbps[link]

    if books.pinned_gbps.postings:
        m.takes_nearest_route = pyo.Constraint(
            model.remote_pairs,
            model.periods,
            rule=takes_nearest_route,
            doc="[Gbit/s] latency-bound traffic is not detoured",
        )
    if books.movable_gbps.postings:
        m.finds_a_route = pyo.Constraint(
            model.remote_pairs,
            model.periods,
            rule=finds_a_route,
            doc="[Gbit/s] movable traffic is carried on some route",
        )
    m.carries_within_capacity = pyo.Constraint(
        m.links, model.periods, rule=carries_within_capacity, doc="[Gbit/s] a link carries at most its lit capacity"
    )
    _post(model, case)


def _wavelengths(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    """Wavelengths of the links whose fibre has some left to light."""
    offer = case.wavelengths
    limit = dict(zip(case.links, offer.limit.tolist(), strict=True)) if offer else {}
    m.lightable = pyo.Set(initialize=[link for link in m.links if limit.get(link, 0)])
    m.lightable_here = indexed_set(m.links, {link: [link] for link in m.lightable})
    m.wavelength_gbps = pyo.Param(m.lightable, initialize={link: offer.gbps for link in m.lightable} if offer else {})
    m.wavelengths = pyo.Var(
        m.lightable,
        within=pyo.NonNegativeIntegers,
        bounds=lambda _, link: (0, limit[link]),
        doc="[1] wavelengths lit on a link",
    )
    if offer and m.lightable:
        model.books.charge("wavelengths", lambda M: sum(offer.rent_kcny * m.wavelengths[link] for link in m.lightable))


def _post(model: pyo.ConcreteModel, case: Case) -> None:
    m, books, prices = model.network, model.books, case.prices
    period_h = case.horizon.period_h
    m.ways_to = indexed_set(model.sites, group((s, (r, s, q)) for r, s, q in m.ways), dimen=3)
    m.received_tb_per_h = pyo.Var(
        model.clusters, model.periods, within=pyo.NonNegativeReals, doc="[TB/h] data moved into a cluster"
    )

    def receives_all_data(_: Any, c: str, p: int) -> Any:
        movable = sum(TB_PER_GBPS_H * m.flow_gbps[r, s, q, p] for r, s, q in m.ways_to[c])
        return m.received_tb_per_h[c, p] == books.pinned_tb.total(model, c, p) / period_h + movable

    m.receives_all_data = pyo.Constraint(
        model.clusters, model.periods, rule=receives_all_data, doc="[TB/h] what is moved to a cluster is received there"
    )
    m.cluster_here = indexed_set(model.sites, {c: [c] for c in case.clusters})
    books.power.post(
        "network",
        lambda M, s, t: (
            -sum(prices.transfer_mwh_per_tb * m.received_tb_per_h[c, M.period_of[t]] for c in m.cluster_here[s])
        ),
    )
    books.charge(
        "transfer",
        lambda M: sum(
            prices.transfer_kcny_per_tb * period_h * m.received_tb_per_h[c, p] for c in M.clusters for p in M.periods
        ),
    )
