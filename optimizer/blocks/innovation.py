"""Innovation value: what a province's dispatched compute is worth to its innovation, piecewise linear.

dispatched_eflops[r] is the mean load of a province's sites over the horizon. It fills the segments between
thresholds in order; each segment has its own value per EFLOPS, by zone. Where a later segment is worth more
than an earlier one (a threshold above which compute pays), order is kept by binaries: filled[r,i] is one only
if segment i is full, and only then may the next begin. The value, in index points, times the weight is
subtracted from the cost. Absent unless the weight is above zero.

Reads   thresholds, values by zone, weight; load on machines
Posts   innovation value (a credit)
Omits   delay between compute and patents, spill-overs between provinces, what the fit does not say
Source  regime-dependent slopes of the panel threshold literature; the incremental (delta) formulation of
        piecewise-linear functions (Dantzig 1960; Padberg 2000)
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.blocks.sets import group, indexed_set
from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    value = case.innovation
    if value is None or not value.weight_kcny_per_point:
        return
    m = model.innovation = pyo.Block(doc=__doc__)
    places = tuple(dict.fromkeys(case.site_region.values()))
    widths = value.widths_eflops(most_eflops(case))
    last = len(widths) - 1
    m.places = pyo.Set(initialize=places)
    m.segments = pyo.Set(initialize=range(len(widths)))
    m.steps = pyo.Set(initialize=range(last))
    m.width_eflops = pyo.Param(m.segments, initialize=dict(enumerate(widths)))
    m.points_per_eflops = pyo.Param(
        m.places,
        m.segments,
        initialize={(r, i): value.points_per_eflops[case.zone[r]][i] for r in places for i in m.segments},
    )
    m.clusters_in = indexed_set(m.places, group((case.site_region[c], c) for c in case.clusters))
    m.locals_in = indexed_set(m.places, group((case.site_region[s], s) for s in case.locals))
    m.segment_eflops = pyo.Var(
        m.places,
        m.segments,
        bounds=lambda _, r, i: (0, m.width_eflops[i]),
        doc="[EFLOPS] mean dispatched compute of a province that falls into a segment",
    )
    m.filled = pyo.Var(m.places, m.steps, within=pyo.Binary, doc="[1] a segment is full, so the next may begin")
    _order(m)
    _count(model, m, case)
    weight = value.weight_kcny_per_point
    model.books.charge(
        "innovation_value",
        lambda M: sum(
            -weight * m.points_per_eflops[r, i] * m.segment_eflops[r, i] for r in m.places for i in m.segments
        ),
    )


def most_eflops(case: Case) -> float:
    """What any one province could dispatch, vacant racks lit and new pods built."""
    most = dict.fromkeys(case.site_region.values(), 0.0)
    for s in case.locals:
        most[case.site_region[s]] += case.local_eflops[s]
    for c, pods in zip(case.clusters, case.pods_max, strict=True):
        most[case.site_region[c]] += sum(n * g.usable_eflops for n, g in zip(pods, case.generations, strict=True))
    return max(most.values())


def _order(m: pyo.Block) -> None:
    def fills_before_next(_: Any, r: str, i: int) -> Any:
        return m.segment_eflops[r, i] >= m.width_eflops[i] * m.filled[r, i]

    def begins_after_full(_: Any, r: str, i: int) -> Any:
        return m.segment_eflops[r, i + 1] <= m.width_eflops[i + 1] * m.filled[r, i]

    m.fills_before_next = pyo.Constraint(
        m.places, m.steps, rule=fills_before_next, doc="[EFLOPS] a segment that is called full is full"
    )
    m.begins_after_full = pyo.Constraint(
        m.places, m.steps, rule=begins_after_full, doc="[EFLOPS] a segment begins only when the one before is full"
    )


def _count(model: pyo.ConcreteModel, m: pyo.Block, case: Case) -> None:
    fleet, per_hour = model.fleet, 1 / case.horizon.hours

    def counts_dispatched_compute(_: Any, r: str) -> Any:
        in_clusters = sum(
            per_hour * fleet.load_eflops[c, g, t]
            for c in m.clusters_in[r]
            for g in fleet.generations
            for t in model.hours
        )
        at_local = sum(per_hour * fleet.local_load_eflops[s, t] for s in m.locals_in[r] for t in model.hours)
        return sum(m.segment_eflops[r, i] for i in m.segments) == in_clusters + at_local

    m.counts_dispatched_compute = pyo.Constraint(
        m.places, rule=counts_dispatched_compute, doc="[EFLOPS] segments add up to a province's mean dispatched compute"
    )
