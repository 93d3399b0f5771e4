"""Divisible batch work: sent to a site by day, run from a queue when power is cheap.

assign_eflopsh[r,b,s,d] sends a day's arrivals of region r to site s. Each site keeps one queue per class:
queue_eflopsh is what has arrived and is not done; it is never negative (no work runs before it arrives) and
never holds more than what arrived within the class's window (the rest would be overdue), except as lateness
at a price. Clusters dispatch their queues by the hour, local sites every local_slot_h hours: a slot is named by its
last hour. The queue is recursive, slot by slot: written-out cumulative sums would make columns as long as
the horizon. On a cyclic horizon what is left in the last slot goes on in the first, less what is given up and charged
as unfinished (and as late in that last slot, if it was); on an open one all that is left is unfinished. A window of
a longer horizon takes over its queues and what of them is not yet due, and hands on what is left.

Reads   arrivals_eflopsh, arrived_by_frac, local_slot_h, Batch windows and prices, routes
Posts   compute (draw), hosted, movable traffic, lateness, unfinished work
Omits   order inside a class (first in, first out is implied), pre-emption cost, what happens inside a slot (work
        that arrives in it may run throughout it)
Source  windows and prices are scenario data (assumed: no public trace has observed deadlines)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import by_index, indexed_set
from scenarios.case import Case

GBPS_PER_TB_PER_H = 8000 / 3600
"""1 TB moved in one hour is 8,000 Gbit / 3,600 s."""


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.batch = pyo.Block(doc=__doc__)
    windows = {b.name: b.window_h for b in case.batches}
    names = list(windows)
    m.classes = pyo.Set(initialize=names)
    m.sites_of = indexed_set(model.regions, {r: [s for q, s in case.routes if q == r] for r in case.regions})
    m.regions_at = indexed_set(model.sites, {s: [r for r, q in case.routes if q == s] for s in case.sites})
    _slots(model, m, case)
    arrives = {
        (b.name, s, t): arriving_frac(case, i, t, m.slot_h[s, t])
        for i, b in enumerate(case.batches)
        for s, t in m.slots
    }
    m.arrives_frac = pyo.Param(m.classes, m.slots, initialize=arrives)
    cyclic, last = case.horizon.cyclic, case.horizon.hours - 1
    opens, closes = not case.horizon.before_h, not case.horizon.after_h
    shares = {
        (b.name, t): recent_shares(case, i, t, b.window_h)
        for i, b in enumerate(case.batches)
        for t in dict.fromkeys(t for _, t in m.slots)
        if cyclic or not ((opens and t < b.window_h) or (closes and t == last))
    }
    m.watched = pyo.Set(initialize=[(s, b, t) for b in names for s, t in m.slots if (b, t) in shares], dimen=3)
    m.window_ends = pyo.Set(initialize=list(shares), dimen=2)
    m.recent_days = indexed_set(m.window_ends, shares)
    m.recent_frac = pyo.Param(
        [(*end, d) for end, recent in shares.items() for d in recent],
        initialize={(*end, d): share for end, recent in shares.items() for d, share in recent.items()},
    )
    m.arrivals_eflopsh = pyo.Param(
        model.regions,
        m.classes,
        model.days,
        initialize=by_index(case.arrivals_eflopsh, model.regions, names, model.days),
    )
    m.late_kcny_per_eflopsh_h = pyo.Param(
        m.classes, initialize={b.name: b.late_kcny_per_eflopsh_h for b in case.batches}
    )
    m.unfinished_kcny_per_eflopsh = pyo.Param(
        m.classes, initialize={b.name: b.unfinished_kcny_per_eflopsh for b in case.batches}
    )
    early = [key for key in m.watched if not opens and key[2] < windows[key[1]]]
    m.early = pyo.Set(initialize=early, dimen=3)
    m.early_ends = indexed_set(m.window_ends, {(b, t): [t] for _, b, t in early})
    m.closing_sites = pyo.Set(initialize=case.sites if closes else [])
    _variables(model, m)
    _queue(model, m, cyclic)
    _post(model, case)


def _slots(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    """Slots of each site, named by their last hour: every hour in clusters, every local_slot_h hours elsewhere."""
    hours, clusters = case.horizon.hours, set(case.clusters)
    length_h = {s: 1 if s in clusters else case.local_slot_h for s in case.sites}
    starts = [(s, t) for s in case.sites for t in range(0, hours, length_h[s])]
    slot_h = {(s, min(t + length_h[s], hours) - 1): min(length_h[s], hours - t) for s, t in starts}
    m.slots = pyo.Set(initialize=list(slot_h), dimen=2)
    m.slot_h = pyo.Param(m.slots, initialize=slot_h)
    m.slot_of = pyo.Param(
        model.sites,
        model.hours,
        initialize={(s, u): t for (s, t), length in slot_h.items() for u in range(t - length + 1, t + 1)},
    )
    m.slot_before = indexed_set(
        m.slots,
        {(s, t): [t - h if t >= h else hours - 1] for (s, t), h in slot_h.items() if t >= h or case.horizon.cyclic},
    )
    first = {(s, t): [s] for (s, t), h in slot_h.items() if t < h}
    m.opening = indexed_set(m.slots, first if case.horizon.cyclic else {})
    m.taking_over = indexed_set(m.slots, first if case.horizon.before_h else {})
    m.earlier_sites = pyo.Set(initialize=case.sites if case.horizon.before_h else [])


def _variables(model: pyo.ConcreteModel, m: pyo.Block) -> None:
    place = (model.sites, m.classes)
    m.offers = pyo.Set(initialize=[(r, b, s) for b in m.classes for r, s in model.pairs], dimen=3)
    m.cells = pyo.Set(initialize=[(s, b, t) for b in m.classes for s, t in m.slots], dimen=3)
    nonnegative: dict[str, Any] = {"within": pyo.NonNegativeReals}
    m.assign_eflopsh = pyo.Var(m.offers, model.days, **nonnegative, doc="[EFLOPS·h] a day's arrivals sent to a site")
    m.sent_eflopsh = pyo.Var(*place, model.days, **nonnegative, doc="[EFLOPS·h] all work sent to a site in a day")
    m.run_eflops = pyo.Var(m.cells, **nonnegative, doc="[EFLOPS] run from the queue throughout a slot")
    m.queue_eflopsh = pyo.Var(m.cells, **nonnegative, doc="[EFLOPS·h] arrived and not done at the end of a slot")
    m.late_eflopsh = pyo.Var(m.watched, **nonnegative, doc="[EFLOPS·h] overdue at the end of a slot")
    m.earlier_queue_eflopsh = pyo.Var(
        m.earlier_sites, m.classes, **nonnegative, doc="[EFLOPS·h] arrived and not done when the window opens"
    )
    m.earlier_allowed_eflopsh = pyo.Var(
        m.early, **nonnegative, doc="[EFLOPS·h] arrived before the window and not yet due at the end of a slot"
    )
    m.unfinished_eflopsh = pyo.Var(*place, **nonnegative, doc="[EFLOPS·h] not done when the horizon ends")


def _queue(model: pyo.ConcreteModel, m: pyo.Block, cyclic: bool) -> None:
    last_hour = model.hours.last()

    def assigns_all_work(_: Any, r: str, b: str, d: int) -> Any:
        return sum(m.assign_eflopsh[r, b, s, d] for s in m.sites_of[r]) == m.arrivals_eflopsh[r, b, d]

    def gathers_what_is_sent(_: Any, s: str, b: str, d: int) -> Any:
        return m.sent_eflopsh[s, b, d] == sum(m.assign_eflopsh[r, b, s, d] for r in m.regions_at[s])

    def runs_what_has_arrived(_: Any, s: str, b: str, t: int) -> Any:
        before = sum(m.queue_eflopsh[s, b, u] for u in m.slot_before[s, t])
        before += sum(m.earlier_queue_eflopsh[q, b] for q in m.taking_over[s, t])
        given_up = sum(m.unfinished_eflopsh[q, b] for q in m.opening[s, t])
        arrives = m.arrives_frac[b, s, t] * m.sent_eflopsh[s, b, model.day_of[t]]
        return m.queue_eflopsh[s, b, t] == before - given_up + arrives - m.slot_h[s, t] * m.run_eflops[s, b, t]

    def runs_within_window(_: Any, s: str, b: str, t: int) -> Any:
        recent = sum(m.recent_frac[b, t, d] * m.sent_eflopsh[s, b, d] for d in m.recent_days[b, t])
        recent += sum(m.earlier_allowed_eflopsh[s, b, u] for u in m.early_ends[b, t])
        return m.queue_eflopsh[s, b, t] - m.late_eflopsh[s, b, t] <= recent

    def finishes_or_pays(_: Any, s: str, b: str) -> Any:
        return m.queue_eflopsh[s, b, last_hour] == m.unfinished_eflopsh[s, b]

    def gives_up_what_is_left(_: Any, s: str, b: str) -> Any:
        return m.unfinished_eflopsh[s, b] <= m.queue_eflopsh[s, b, last_hour]

    place = (model.sites, m.classes)
    m.assigns_all_work = pyo.Constraint(
        model.regions,
        m.classes,
        model.days,
        rule=assigns_all_work,
        doc="[EFLOPS·h] all arrivals of a day are sent somewhere",
    )
    m.gathers_what_is_sent = pyo.Constraint(
        *place, model.days, rule=gathers_what_is_sent, doc="[EFLOPS·h] a site gathers what all regions send to it"
    )
    m.runs_what_has_arrived = pyo.Constraint(
        m.cells, rule=runs_what_has_arrived, doc="[EFLOPS·h] the queue grows by arrivals and shrinks by work done"
    )
    if m.watched:
        m.runs_within_window = pyo.Constraint(
            m.watched, rule=runs_within_window, doc="[EFLOPS·h] only work within its window waits, or it is late"
        )
    if cyclic:
        m.gives_up_what_is_left = pyo.Constraint(
            *place,
            rule=gives_up_what_is_left,
            doc="[EFLOPS·h] no more is given up than is left in the queue at the end",
        )
    elif m.closing_sites:
        m.finishes_or_pays = pyo.Constraint(
            *place, rule=finishes_or_pays, doc="[EFLOPS·h] what is left in the queue at the end is unfinished"
        )


def arriving_frac(case: Case, b: int, t: int, slot_h: int) -> float:
    """Share of its day's arrivals of class b that comes in the slot ending with hour t; slots do not cross days."""
    start = t - slot_h
    before = case.arrived_by_frac[b, start] if start >= 0 and start // 24 == t // 24 else 0.0
    return float(case.arrived_by_frac[b, t] - before)


def recent_shares(case: Case, b: int, t: int, window_h: int) -> dict[int, float]:
    """Day -> its arrivals of class b that came in the `window_h` hours up to the end of hour t, as a share.

    On a cyclic horizon the hours before the first are those of the round before; a window longer than a round counts
    a day more than once.
    """
    hours = case.horizon.hours
    rounds = range(window_h // hours + 2) if case.horizon.cyclic else range(1)
    shares = {}
    for day in range(case.horizon.days):
        came = sum(
            _arrived_by(case, b, day, t + k * hours) - _arrived_by(case, b, day, t - window_h + k * hours)
            for k in rounds
        )
        if came > 0:
            shares[day] = came
    return shares


def _arrived_by(case: Case, b: int, day: int, hour: int) -> float:
    """Share of a day's arrivals of class b that is in by the end of an hour, which may lie outside the horizon."""
    if hour < 24 * day:
        return 0.0
    last = 24 * day + case.horizon.day_hours[day] - 1
    return float(case.arrived_by_frac[b, hour]) if hour < last else 1.0


def _post(model: pyo.ConcreteModel, case: Case) -> None:
    m, books = model.batch, model.books
    gbps = {b.name: b.data_tb_per_eflopsh * GBPS_PER_TB_PER_H for b in case.batches}
    day_hours = case.horizon.day_hours
    m.gbps_per_eflopsh = pyo.Param(
        m.classes, model.days, initialize={(b, d): gbps[b] / day_hours[d] for b in m.classes for d in model.days}
    )
    m.day_of_period = pyo.Param(model.periods, initialize={p: p * case.horizon.period_h // 24 for p in model.periods})
    books.compute.post("batch", lambda M, s, t: -sum(m.run_eflops[s, b, m.slot_of[s, t]] for b in m.classes))
    books.hosted.post("batch", lambda M, r, s, d: sum(m.assign_eflopsh[r, b, s, d] for b in m.classes))
    books.movable_gbps.post(
        "batch",
        lambda M, r, s, p: sum(
            m.gbps_per_eflopsh[b, m.day_of_period[p]] * m.assign_eflopsh[r, b, s, m.day_of_period[p]] for b in m.classes
        ),
    )
    books.charge(
        "lateness",
        lambda M: sum(m.late_kcny_per_eflopsh_h[b] * m.slot_h[s, t] * m.late_eflopsh[s, b, t] for s, b, t in m.watched),
    )
    books.charge(
        "unfinished_work",
        lambda M: sum(
            m.unfinished_kcny_per_eflopsh[b] * m.unfinished_eflopsh[s, b] for s in m.closing_sites for b in m.classes
        ),
    )
