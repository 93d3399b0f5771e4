"""What a plan does at clusters, as arrays: load, prices, whose work runs where and when, and what home would cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizer.market.duals import COMPUTE, rows_of
from optimizer.solve.compile import Program
from optimizer.solve.solution import Plan
from scenarios.case import Case, Floats


def cluster_load_eflops(case: Case, program: Program, x: Floats) -> Floats:
    """(c, t) load on the pods of each cluster."""
    load = program.values("fleet.load_eflops", x)
    return np.asarray(load.reshape(len(case.clusters), len(case.generations), -1).sum(axis=1))


def work_eflops(plan: Plan, buyers: Sequence[str]) -> Floats:
    """(b, c, t) work of each buyer at each cluster.

    Services are known by the hour. Batch work and jobs are known by the day they were sent on; they are spread over
    its hours like the rest of the cluster's load.
    """
    case, program = plan.case, plan.program
    service, hours = np.zeros((len(case.regions), len(case.clusters), case.horizon.hours)), case.horizon.hours
    places = {name: i for i, name in enumerate(case.clusters)}
    classes = {k.name: i for i, k in enumerate(case.services)}
    regions = {name: i for i, name in enumerate(case.regions)}
    steered = program.values("service.share_frac", plan.x).tolist() if plan.has("service.share_frac") else []
    for (r, k, s, p), share in zip(program.index.get("service.share_frac", ()), steered, strict=True):
        if share > 0 and s in places:
            part = slice(p * case.horizon.period_h, (p + 1) * case.horizon.period_h)
            service[regions[r], places[s], part] += share * case.demand_eflops[regions[r], classes[k], part]
    sent = np.zeros((len(buyers), len(case.clusters), case.horizon.days))
    hosted = program.values("hosting.hosted_eflopsh", plan.x).tolist()
    for (r, s, d), eflopsh in zip(program.index["hosting.hosted_eflopsh"], hosted, strict=True):
        if r in buyers and s in places:
            sent[buyers.index(r), places[s], d] = eflopsh
    rest = np.maximum(cluster_load_eflops(case, program, plan.x) - service.sum(axis=0), 0.0)
    mine = service[[regions[buyer] for buyer in buyers]]
    for day in range(case.horizon.days):
        part = slice(24 * day, min(24 * (day + 1), hours))
        whole = rest[:, part].sum(axis=1, keepdims=True)
        even = np.full(rest[:, part].shape, 1 / rest[:, part].shape[1])
        shape = np.divide(rest[:, part], whole, out=even, where=whole > 0)
        moved = np.maximum(sent[:, :, day] - mine[:, :, part].sum(axis=2), 0.0)
        mine[:, :, part] += moved[:, :, None] * shape[None]
    return mine


def home_kcny_per_eflopsh(case: Case, region: str) -> Floats:
    """(t,) energy and carbon of one unit of work at a region's local site; NaN if it has none.

    Carbon counts only where the scenario prices it by the place of consumption. Machines are sunk cost.
    """
    site = case.home_site(region)
    if site is None:
        return np.full(case.horizon.hours, np.nan)
    at = case.sites.index(site)
    power_mw = case.local_mw_per_eflops * case.pue_ratio[at]
    factor = (case.grid_tco2_per_mwh if case.carbon_ledger == "location" else case.residual_tco2_per_mwh)[at]
    carbon = case.prices.carbon_kcny_per_tco2 * factor if "carbon" in case.blocks else 0.0
    return np.asarray(power_mw * (case.energy_kcny_per_mwh[at] + carbon))


def cluster_prices_kcny_per_eflopsh(case: Case, program: Program, dual: Floats) -> Floats:
    """(c, t) row duals of the compute ledger at the clusters."""
    prices = np.full((len(case.clusters), case.horizon.hours), np.nan)
    for row in rows_of(program, COMPUTE).tolist():
        site, hour = program.row_keys[row][1]
        if site in case.site_hub:
            prices[case.clusters.index(site), hour] = dual[row]
    return prices
