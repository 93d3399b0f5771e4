"""Divisible batch work: sent to a site by day, run from a queue when power is cheap.

assign_eflopsh[r,b,s,d] sends a day's arrivals of region r to site s. Each site keeps one queue per class:
queue_eflopsh is what has arrived and is not done; it is never negative (no work runs before it arrives) and
never holds more than what arrived within the class's window (the rest would be overdue), except as lateness
at a price. Clusters dispatch their queues by the hour, local sites every local_slot_h hours: a slot is named by its
last hour. The queue is recursive, slot by slot: written-out cumulative sums would make columns as long as
the horizon. What arrives inside the horizon is finished inside it or charged as unfinished.

Reads   arrivals_eflopsh, arrived_by_frac, local_slot_h, Batch windows and prices, routes
Posts   compute (draw), hosted, movable traffic, lateness, unfinished work
Omits   order inside a class (first in, first out is implied), pre-emption cost, what happens inside a slot (work
        that arrives in it may run throughout it)
Source  windows and prices are scenario data (assumed: no public trace has observed deadlines)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.blocks.sets import by_index, indexed_set
from scenarios.case import Case

GBPS_PER_TB_PER_H = 8000 / 3600
"""1 TB moved in one hour is 8,000 Gbit / 3,600 s."""


def build(model: pyo.ConcreteModel, case: Case) -> None:
    m = model.batch = pyo.Block(doc=__doc__)
    names = [b.name for b in case.batches]
    m.classes = pyo.Set(initialize=names)
    m.sites_of = indexed_set(model.regions, {r: [s for q, s in case.routes if q == r] for r in case.regions})
    m.regions_at = indexed_set(model.sites, {s: [r for r, q in case.routes if q == s] for s in case.sites})
    _slots(model, m, case)
    arrives = {
        (b.name, s, t): _arrives(case, i, t, m.slot_h[s, t]) for i, b in enumerate(case.batches) for s, t in m.slots
    }
    m.arrives_frac = pyo.Param(m.classes, m.slots, initialize=arrives)
    last = case.horizon.hours - 1
    recent = {
        (s, b.name, t): _recent(case.arrived_by_frac[i], t, b.window_h)
        for i, b in enumerate(case.batches)
        for s, t in m.slots
        if b.window_h <= t < last
    }
    m.watched = pyo.Set(initialize=list(recent), dimen=3)
    m.recent_days = indexed_set(m.watched, recent)
    m.recent_frac = pyo.Param(
        [(*key, d) for key, shares in recent.items() for d in shares],
        initialize={(*key, d): share for key, shares in recent.items() for d, share in shares.items()},
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
    _variables(model, m)
    _queue(model, m)
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
    m.slot_before = indexed_set(m.slots, {(s, t): [t - h] for (s, t), h in slot_h.items() if t >= h})


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
    m.unfinished_eflopsh = pyo.Var(*place, **nonnegative, doc="[EFLOPS·h] not done when the horizon ends")


def _queue(model: pyo.ConcreteModel, m: pyo.Block) -> None:
    last_hour = model.hours.last()

    def assigns_all_work(_: Any, r: str, b: str, d: int) -> Any:
        return sum(m.assign_eflopsh[r, b, s, d] for s in m.sites_of[r]) == m.arrivals_eflopsh[r, b, d]

    def gathers_what_is_sent(_: Any, s: str, b: str, d: int) -> Any:
        return m.sent_eflopsh[s, b, d] == sum(m.assign_eflopsh[r, b, s, d] for r in m.regions_at[s])

    def runs_what_has_arrived(_: Any, s: str, b: str, t: int) -> Any:
        before = sum(m.queue_eflopsh[s, b, u] for u in m.slot_before[s, t])
        arrives = m.arrives_frac[b, s, t] * m.sent_eflopsh[s, b, model.day_of[t]]
        return m.queue_eflopsh[s, b, t] == before + arrives - m.slot_h[s, t] * m.run_eflops[s, b, t]

    def runs_within_window(_: Any, s: str, b: str, t: int) -> Any:
        recent = sum(m.recent_frac[s, b, t, d] * m.sent_eflopsh[s, b, d] for d in m.recent_days[s, b, t])
        return m.queue_eflopsh[s, b, t] - m.late_eflopsh[s, b, t] <= recent

    def finishes_or_pays(_: Any, s: str, b: str) -> Any:
        return m.queue_eflopsh[s, b, last_hour] == m.unfinished_eflopsh[s, b]

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
    m.finishes_or_pays = pyo.Constraint(
        *place, rule=finishes_or_pays, doc="[EFLOPS·h] what is left in the queue at the end is unfinished"
    )


def _arrives(case: Case, b: int, t: int, slot_h: int) -> float:
    """Share of its day's arrivals of class b that comes in the slot ending with hour t; slots do not cross days."""
    start = t - slot_h
    before = case.arrived_by_frac[b, start] if start >= 0 and start // 24 == t // 24 else 0.0
    return float(case.arrived_by_frac[b, t] - before)


def _recent(arrived_by: np.ndarray[Any, np.dtype[np.float64]], t: int, window_h: int) -> dict[int, float]:
    """Day -> share of its arrivals that came in the `window_h` hours up to the end of hour t."""
    shares = {}
    for day in range((t - window_h) // 24, t // 24 + 1):
        now = arrived_by[t] if day == t // 24 else 1.0
        then = arrived_by[t - window_h] if day == (t - window_h) // 24 else 0.0
        if now - then > 0:
            shares[day] = float(now - then)
    return shares


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
            m.unfinished_kcny_per_eflopsh[b] * m.unfinished_eflopsh[s, b] for s in M.sites for b in m.classes
        ),
    )
