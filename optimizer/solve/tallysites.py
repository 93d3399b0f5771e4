"""Columns, rows and nonzeros of the blocks that run sites: machines, power, green claims, links and what may be built.

Each function counts what the block of its name would build, by the same sets and from the same zeros in the data.
"""

from __future__ import annotations

import numpy as np

from optimizer.solve.tally import Extent, Tally
from scenarios.case import Ints


def delivery(tally: Tally, extent: Extent) -> None:
    case, days = extent.case, extent.days
    if not case.positions:
        return
    bands = sum(p.kind == "take-or-pay" for p in case.positions)
    owing = sum(p.kind != "call" for p in case.positions)
    sales = {(p.region, p.cluster) for p in case.positions}
    tally.variable("delivery.delivered_eflopsh", len(case.positions) * days)
    tally.variable("delivery.undelivered_eflopsh", owing * days)
    tally.variable("delivery.untaken_eflopsh", bands)
    tally.constraint("delivery.counts_work_once", len(sales) * days, (len(case.positions) + len(sales)) * days)
    tally.constraint("delivery.delivers_what_is_owed", owing * days, 2 * owing * days)
    tally.constraint("delivery.takes_or_pays", bands, bands * (2 * days + 1))
    calls = [p.cluster for p in case.positions if p.kind == "call"]
    writers = set(calls)
    hosted = sum(s in writers for _, s in case.routes)
    tally.constraint("delivery.holds_capacity_back", len(writers) * days, (hosted + len(calls)) * days)


def expansion(tally: Tally, extent: Extent) -> None:
    case, plan = extent.case, extent.case.expansion
    if plan is None:
        return
    clusters, plants = len(case.clusters), len(case.clusters) * len(case.carriers)
    supply = plants * extent.hours
    tally.variable("expansion.pods", clusters * len(case.generations), integer=True)
    tally.variable("expansion.plant_mw", plants)
    tally.variable("expansion.supply_mw", supply)
    yields = int(np.count_nonzero(plan.capacity_frac))
    tally.constraint("expansion.supplies_what_the_weather_gives", supply, supply + yields)
    tally.post("pods", 1)
    tally.post("power", supply)
    tally.post("green", supply)
    if case.wavelengths is not None and "network" in case.blocks:
        tally.variable("expansion.wavelengths", int(np.count_nonzero(plan.wavelengths_max)), integer=True)


def fleet(tally: Tally, extent: Extent) -> None:
    case, hours = extent.case, extent.hours
    clusters, kinds, built = len(case.clusters), len(case.generations), tally.posted["pods"]
    pods, local = clusters * kinds * hours, len(case.locals) * hours
    counted = sum(c in case.capital_counted for c in case.clusters) * kinds
    tally.variable("fleet.pods_on", pods, integer=True)
    tally.variable("fleet.started", pods)
    tally.variable("fleet.lit", clusters * kinds, integer=True)
    tally.variable("fleet.load_eflops", pods)
    tally.variable("fleet.used", counted)
    tally.variable("fleet.local_load_eflops", local)
    tally.constraint("fleet.fits_on_lit_pods", pods, 2 * pods)
    tally.constraint("fleet.lights_only_built_pods", pods, (2 + built) * pods)
    single = pods if extent.hours == 1 and case.horizon.cyclic else 0
    tally.constraint("fleet.pays_for_starts", pods, 2 * pods - single + clusters * kinds * extent.steps)
    tally.constraint("fleet.uses_pods_that_are_on", counted * hours, (3 + built) * counted * hours)
    lasting = [g.min_up_h for g in case.generations if g.min_up_h > 1]
    if extent.opened:
        tally.variable("fleet.earlier_pods_on", clusters * kinds)
        tally.variable("fleet.earlier_started", clusters * sum(h - 1 for h in lasting))
    tally.constraint("fleet.stays_on", clusters * len(lasting) * hours, clusters * _lately(extent, lasting))
    tally.post("compute", pods + local)
    idle = sum((g.idle_mw != 0) + (g.peak_mw != g.idle_mw) for g in case.generations)
    tally.post("it_power", clusters * idle * hours + local)


def _lately(extent: Extent, lasting: list[int]) -> int:
    """Starts within the least time of each generation, and the pods on, over the hours."""
    ends, whole = np.arange(1, extent.hours + 1), np.full(extent.hours, extent.hours)
    # A window sees the starts of the hours before it as well, however many they are.
    seen = whole if extent.case.horizon.cyclic else ends
    counts = [np.full(extent.hours, h) if extent.opened else np.minimum(h, seen) for h in lasting]
    return sum(int(n.sum()) + extent.hours for n in counts)


def facility(tally: Tally, extent: Extent) -> None:
    tally.post("power", tally.posted["it_power"])


def grid(tally: Tally, extent: Extent) -> None:
    cells = len(extent.case.sites) * extent.hours
    tally.variable("grid.import_mw", cells)
    tally.variable("grid.peak_mw", len(extent.case.sites))
    tally.constraint("grid.draws_within_peak", cells, 2 * cells)
    tally.post("power", cells)


def peak_shaving(tally: Tally, extent: Extent) -> None:
    case, called = extent.case, extent.case.peak_shaving
    if called is None or not called.kcny_per_mwh or not called.hours:
        return
    cells, hours = len(case.clusters) * len(called.hours), len(called.hours)
    connection_mw = case.connection_mw[[case.sites.index(c) for c in case.clusters]]
    tally.variable("peak_shaving.enrolled_frac", len(case.clusters))
    tally.variable("peak_shaving.shaved_mw", cells)
    above = int((connection_mw > called.baseline_mw).sum()) * hours
    tally.constraint("peak_shaving.draws_below_baseline", cells, 2 * cells + above)
    based = int(np.count_nonzero(called.baseline_mw)) * hours
    tally.constraint("peak_shaving.is_paid_only_if_enrolled", cells, cells + based)


def renewable(tally: Tally, extent: Extent) -> None:
    direct = len(extent.case.clusters) * len(extent.case.carriers) * extent.hours
    tally.variable("renewable.direct_mw", direct)
    tally.post("power", direct)
    tally.post("green", direct)


def storage(tally: Tally, extent: Extent) -> None:
    case = extent.case
    if case.storage is None or not case.storage.power_mw.any():
        return
    batteries = int((case.storage.power_mw > 0).sum())
    cells = batteries * extent.hours
    for name in ("charge_mw", "discharge_mw", "stored_mwh"):
        tally.variable(f"storage.{name}", cells)
    tally.variable("storage.earlier_mwh", batteries if extent.opened else 0)
    single = batteries if extent.hours == 1 and case.horizon.cyclic else 0
    tally.constraint("storage.holds_what_is_left", cells, 3 * cells - single + batteries * extent.steps)
    if not case.horizon.cyclic and not case.horizon.after_h:
        tally.constraint("storage.ends_as_it_began", batteries, batteries)
    tally.post("power", 2 * cells)


def credit(tally: Tally, extent: Extent) -> None:
    if not extent.case.credit_mwh_per_eflopsh:
        return
    tally.variable("credit.conveyed_mwh", extent.guests)
    tally.constraint("credit.travels_with_the_work", extent.guests, extent.guests * (1 + extent.days))
    tally.post("conveyed", extent.guests)


def green(tally: Tally, extent: Extent) -> None:
    case, clusters = extent.case, len(extent.case.clusters)
    tally.variable("green.certificate_mwh", clusters)
    tally.variable("green.shortfall_mwh", clusters)
    # A target of one takes what a cluster holds out of its own row; a target of zero takes the imports out.
    partial = int((case.green_target_frac != 1).sum()) / max(1, clusters)
    held = round((tally.posted["green"] + tally.posted["conveyed"]) * partial)
    drawn = int(np.count_nonzero(case.green_target_frac)) * extent.hours
    tally.constraint("green.reaches_green_share", clusters, held + 2 * clusters + drawn)
    tally.constraint("green.claims_only_what_is_drawn", clusters, clusters * (1 + extent.hours))
    if "conveyed" in tally.posted:
        claims = tally.posted["conveyed"] + tally.posted["green"] + clusters
        tally.constraint("green.conveys_only_what_is_claimed", clusters, claims)


def carbon(tally: Tally, extent: Extent) -> None:
    """A cost alone: no column and no row."""


def network(tally: Tally, extent: Extent) -> None:
    case, periods = extent.case, extent.periods
    if not extent.remote:
        return
    remote = {pair: case.routes[pair] for pair in extent.remote}
    ways = sum(map(len, remote.values()))
    used = {link for routes in remote.values() for way in routes for link in way.links}
    inward = sum(len(routes) for (_, s), routes in remote.items() if s in extent.clusters)
    pinned_over = sum(len(routes[0].links) for routes in remote.values())
    moved_over = sum(len(way.links) for routes in remote.values() for way in routes)
    lit, built = _wavelengths(extent, used)
    tally.variable("network.wavelengths", lit, integer=True)
    tally.variable("network.pinned_gbps", len(remote) * periods)
    tally.variable("network.flow_gbps", ways * periods)
    tally.variable("network.received_tb_per_h", len(case.clusters) * periods)
    if "service" in case.blocks:
        pinned = len(remote) * periods
        tally.constraint("network.takes_nearest_route", pinned, pinned + tally.posted["pinned_gbps"])
    if {"batch", "jobs"} & set(case.blocks):
        moved = ways * periods + tally.posted["movable_gbps"]
        tally.constraint("network.finds_a_route", len(remote) * periods, moved)
    carried = (pinned_over + moved_over + lit + built) * periods
    tally.constraint("network.carries_within_capacity", len(used) * periods, carried)
    received = len(case.clusters) * periods
    tally.constraint("network.receives_all_data", received, received + inward * periods + tally.posted["pinned_tb"])
    tally.post("power", len(case.clusters) * extent.hours if case.prices.transfer_mwh_per_tb else 0)


def _wavelengths(extent: Extent, used: set[str]) -> tuple[int, int]:
    """Links in use on which wavelengths may be lit, and on which more may be built."""
    case = extent.case
    if case.wavelengths is None:
        return 0, 0
    carries = np.array([link in used for link in case.links])
    lit = int((carries & (case.wavelengths.limit > 0)).sum())
    plan = case.expansion if "expansion" in case.blocks else None
    return lit, int((carries & (plan.wavelengths_max > 0)).sum()) if plan else 0


def coverage(tally: Tally, extent: Extent) -> None:
    case, days = extent.case, extent.days
    by_day = _by_day(extent)
    tally.constraint("coverage.serves_the_floor", by_day.size, int(by_day.sum()))
    guests = [s for r, s in case.routes if s in extent.clusters and r != case.site_region[s]]
    tally.constraint("coverage.keeps_home_reserve", len(set(guests)) * days, len(guests) * days)
    floored = [j for j, k in enumerate(case.services) if k.home_floor_frac > 0]
    homes = np.zeros((len(case.regions), len(case.services), 1), dtype=np.int64)
    for i, j, r, s in extent.reach:
        homes[i, j] += case.site_region[s] == r
    rows, nonzeros = int((homes[:, floored] > 0).sum()) * days, int((by_day * homes)[:, floored].sum())
    tally.constraint("coverage.serves_at_home", rows, nonzeros)


def _by_day(extent: Extent) -> Ints:
    """(r, k, d): steering periods of a day in which a region asks for a class."""
    starts = list(range(0, extent.hours, 24))
    first = [-(-start // extent.case.horizon.period_h) for start in starts]
    return np.add.reduceat(extent.asked.astype(np.int64), first, axis=2)


def innovation(tally: Tally, extent: Extent) -> None:
    case, value = extent.case, extent.case.innovation
    if value is None or not value.weight_kcny_per_point:
        return
    places, steps = len(set(case.site_region.values())), len(value.thresholds_eflops)
    tally.variable("innovation.segment_eflops", places * (steps + 1))
    tally.variable("innovation.filled", places * steps, integer=True)
    tally.constraint("innovation.fills_before_next", places * steps, 2 * places * steps)
    tally.constraint("innovation.begins_after_full", places * steps, 2 * places * steps)
    load = (len(case.clusters) * len(case.generations) + len(case.locals)) * extent.hours
    tally.constraint("innovation.counts_dispatched_compute", places, places * (steps + 1) + load)
