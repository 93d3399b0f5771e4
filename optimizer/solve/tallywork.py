"""Columns, rows and nonzeros of the blocks that place work: services, queues, jobs, and who may work for whom.

Each function counts what the block of its name would build, by the same sets and from the same zeros in the data.
"""

from __future__ import annotations

import numpy as np

from optimizer.blocks.cooperation import most_eflopsh
from optimizer.blocks.jobs import all_start_hours, move_period, settled_hours
from optimizer.blocks.sets import group
from optimizer.solve.tally import Extent, Tally
from scenarios.case import Ints


def service(tally: Tally, extent: Extent) -> None:
    case, periods = extent.case, extent.periods
    each = len(case.regions) * len(case.services) * periods
    tally.variable("service.share_frac", len(extent.reach) * periods)
    tally.variable("service.unserved_frac", each)
    tally.constraint("service.steers_all_demand", each, len(extent.reach) * periods + each)
    for i, j, r, s in extent.reach:
        asked = int(extent.asked[i, j].sum())
        carried = asked if case.services[j].traffic_gbps_per_eflops else 0
        tally.post("compute", int(extent.hours_asked[i, j]))
        tally.post("hosted", asked)
        if (r, s) in extent.remote:
            tally.post("pinned_gbps", carried)
            tally.post("pinned_tb", carried if s in extent.clusters else 0)
    _open_sites(tally, extent)


def _open_sites(tally: Tally, extent: Extent) -> None:
    limited = [(i, j) for i, j, _, _ in extent.reach if extent.case.services[j].max_sites is not None]
    doors, periods = len(limited), extent.periods
    least = sum(extent.case.services[j].min_share_frac > 0 for _, j in limited)
    tally.variable("service.open_site", doors, integer=True)
    tally.constraint("service.opens_few_sites", len(set(limited)), doors)
    tally.constraint("service.serves_only_if_open", doors, doors * (periods + 1))
    tally.constraint("service.serves_enough_if_open", doors, doors * periods + least)


def batch(tally: Tally, extent: Extent) -> None:
    case, days = extent.case, extent.days
    classes, sites = len(case.batches), len(case.sites)
    assigned, sent = classes * len(case.routes) * days, classes * sites * days
    cells = classes * sum(n * len(extent.slot_ends[h]) for h, n in extent.sites_by_slot.items())
    tally.variable("batch.assign_eflopsh", assigned)
    tally.variable("batch.sent_eflopsh", sent)
    tally.variable("batch.run_eflops", cells)
    tally.variable("batch.queue_eflopsh", cells)
    closes = 0 if case.horizon.after_h else classes * sites
    tally.variable("batch.unfinished_eflopsh", closes)
    served = len({r for r, _ in case.routes})
    tally.constraint("batch.assigns_all_work", classes * served * days, assigned)
    tally.constraint("batch.gathers_what_is_sent", sent, sent + assigned)
    tally.constraint("batch.runs_what_has_arrived", cells, _queue_nonzeros(extent))
    tally.variable("batch.earlier_queue_eflopsh", classes * sites if extent.opened else 0)
    closing = "gives_up_what_is_left" if case.horizon.cyclic else "finishes_or_pays"
    tally.constraint(f"batch.{closing}", closes, 2 * closes)
    _windows(tally, extent)
    moved = sum(b.data_tb_per_eflopsh > 0 for b in case.batches)
    tally.post("compute", classes * sites * extent.hours)
    tally.post("hosted", assigned)
    tally.post("movable_gbps", moved * len(extent.remote) * extent.periods)


def _queue_nonzeros(extent: Extent) -> int:
    """Queue, work done and queue before; what arrives, if anything; what is given up, where the horizon opens."""
    case, count = extent.case, 0
    for length, sites in extent.sites_by_slot.items():
        ends = np.array(extent.slot_ends[length])
        starts = np.maximum(np.append(-1, ends[:-1]), ends // 24 * 24 - 1)
        before = np.where(starts >= ends // 24 * 24, case.arrived_by_frac[:, starts], 0.0)
        arrivals = int(np.count_nonzero(case.arrived_by_frac[:, ends] - before))
        # Where one slot fills the horizon, the queue before is the queue itself, and cancels.
        before_first = case.horizon.cyclic or extent.opened
        fixed = 3 * ends.size - (not before_first) if ends.size > 1 or not case.horizon.cyclic else 1
        count += sites * (arrivals + len(case.batches) * (fixed + case.horizon.cyclic))
    return count


def _windows(tally: Tally, extent: Extent) -> None:
    case, cyclic, last = extent.case, extent.case.horizon.cyclic, extent.hours - 1
    opens, closes = not extent.opened, not case.horizon.after_h
    for b, spec in enumerate(case.batches):
        days_in_window = _days_in_window(extent, b, spec.window_h)
        for length, sites in extent.sites_by_slot.items():
            ends = extent.slot_ends[length]
            watched = [t for t in ends if cyclic or not ((opens and t < spec.window_h) or (closes and t == last))]
            early = 0 if opens else sum(t < spec.window_h for t in watched)
            tally.variable("batch.late_eflopsh", sites * len(watched))
            tally.variable("batch.earlier_allowed_eflopsh", sites * early)
            nonzeros = 2 * len(watched) + int(days_in_window[watched].sum()) + early
            tally.constraint("batch.runs_within_window", sites * len(watched), sites * nonzeros)


def _days_in_window(extent: Extent, b: int, window_h: int) -> Ints:
    """(t,): days some of whose arrivals of class b came in the `window_h` hours up to the end of hour t."""
    hours, days = extent.hours, extent.days
    values = extent.case.arrived_by_frac[b]
    day = np.arange(hours) // 24
    before = np.where(np.arange(hours) % 24 == 0, 0.0, np.roll(values, 1))
    comes = values > before
    # The last hour of a day closes it: whatever is left then has come.
    ends = np.append(np.flatnonzero(np.diff(day)), hours - 1)
    comes[ends] = before[ends] < 1
    came = np.zeros((days, 2 * hours + 1), dtype=np.int64)
    rounds = np.arange(2 * hours) % hours
    came[day[rounds], np.arange(1, 2 * hours + 1)] = comes[rounds]
    came = came.cumsum(axis=1)
    end = np.arange(hours) + (hours if extent.case.horizon.cyclic else 0) + 1
    start = np.maximum(end - window_h, end - hours if extent.case.horizon.cyclic else 0)
    return np.asarray(((came[:, end] - came[:, start]) > 0).sum(axis=0))


def jobs(tally: Tally, extent: Extent) -> None:
    case, hours, starts, count = extent.case, extent.hours, len(extent.options), len(extent.jobs)
    first, end = settled_hours(case)
    all_hours = [all_start_hours(case, job) for job in extent.jobs]
    known = sum(bool(of) and of[0] < first for of in all_hours)
    later = sum(bool(of) and of[-1] >= end for of in all_hours)
    running = len(case.clusters) * hours
    taken_over = running if extent.opened else 0
    tally.variable("jobs.start", starts, integer=True)
    tally.variable("jobs.dropped_frac", count)
    tally.variable("jobs.earlier_waiting_frac", known)
    tally.variable("jobs.waits_frac", later)
    tally.variable("jobs.running_eflops", running)
    tally.variable("jobs.earlier_running_eflops", taken_over)
    tally.constraint("jobs.runs_once_or_is_dropped", count, starts + count + known + later)
    laden = [(job, t) for job, _, t in extent.options if job.eflops]
    changes = sum((t < hours) + (t + job.duration_h < hours) for job, t in laden)
    tally.constraint("jobs.holds_until_done", running, 2 * running - len(case.clusters) + changes)
    tally.post("compute", running + taken_over)
    begun = _begun(extent) if extent.opened else 0
    tally.variable("jobs.earlier_hosted_eflopsh", begun)
    tally.post("hosted", sum(t // 24 < extent.days for _, t in laden) + begun)
    moved = [(job.region, c) for job, c, t in extent.options if job.data_tb and move_period(case, t) >= 0]
    tally.post("movable_gbps", sum(pair in extent.remote for pair in moved))


def _begun(extent: Extent) -> int:
    """Pairs of a region and a cluster whose jobs may have been started before the window, in its first period."""
    case = extent.case
    first = range(case.horizon.period_h)
    regions = {job.region for job in case.jobs if any(t in first for t in all_start_hours(case, job))}
    return sum(r in regions and s in extent.clusters for r, s in case.routes)


def hosting(tally: Tally, extent: Extent) -> None:
    hosted = len(extent.case.routes) * extent.days
    tally.variable("hosting.hosted_eflopsh", hosted)
    tally.constraint("hosting.counts_all_work", hosted, hosted + tally.posted["hosted"])


def cooperation(tally: Tally, extent: Extent) -> None:
    case = extent.case
    terms = case.cooperation
    if terms is None or not extent.guests:
        return
    abroad = [(r, s) for r, s in case.routes if s in extent.clusters and r != case.site_region[s]]
    pairs = group(((r, case.site_hub[s]), s) for r, s in abroad)
    regions, hubs, outsourced = {r for r, _ in pairs}, {h for _, h in pairs}, len(abroad) * extent.days
    rate = terms.fee_kcny_per_eflopsh * terms.local_tax_frac * terms.origin_tax_frac
    cappable = sum(rate * most > terms.tax_cap_kcny for most in most_eflopsh(case, pairs).values())
    count = len(pairs)
    for name in ("outsourced_eflopsh", "transfer_kcny", "tax_kcny"):
        tally.variable(f"cooperation.{name}", count)
    tally.variable("cooperation.agreement", count, integer=True)
    tally.variable("cooperation.capped", cappable, integer=True)
    taxed = count if rate else 0
    kept = outsourced - extent.days * sum(
        terms.fee_kcny_per_eflopsh - terms.cost_kcny_per_eflopsh[s] - terms.margin_kcny_per_eflopsh == 0
        for _, s in abroad
    )
    for name, rows, nonzeros in (
        ("counts_outsourced_work", count, count + outsourced),
        ("agrees_first", count, 2 * count),
        ("reaches_the_least_volume", *((count, 2 * count) if terms.minimum_eflopsh else (0, 0))),
        ("keeps_to_few_partners", len(regions), count),
        ("returns_no_more_than_its_part", count, count + taxed),
        ("returns_its_part_up_to_the_cap", count, count + taxed + cappable),
        ("returns_the_cap_once_reached", cappable, cappable * (2 if terms.tax_cap_kcny else 1)),
        ("compensates", count, count * (2 if terms.compensation_kcny_per_eflopsh else 1)),
        ("pays_within_the_fund", len(regions), count),
        ("hosts_at_no_loss", len(hubs), kept + 2 * count),
    ):
        tally.constraint(f"cooperation.{name}", rows, nonzeros)
