"""The fleet and the batch queue, each written a second time in another form: both forms reach one optimum.

Fleet: the model counts like pods by an integer and bounds the starts of the last hours by that count. The second form
knows every pod by itself, with three binaries an hour (on, start, stop) and "a start at s is on at s + 1, s + 2, ..."
written out. Batch: the model's queue is recursive and ends at slots; the second form holds sums from the first
hour on, work done <= arrived and >= due - late. On a cyclic horizon the model joins the last slot to the first; the
second form lays rounds of like decisions end to end over an opening backlog, until the longest window reaches back no
further than their first hour, and looks at the last of them. Both second forms are built hour by hour from the `Case`
alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np
import pytest
from scipy import sparse

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import THREADS, to_lp
from scenarios.case import Batch, Case, Floats, Horizon, Route, Service
from tests.cases import START, two_site_case

SAME = 1e-8
"""Relative distance within which two optima are one."""
MATTERS = 1e-4
"""Relative change of the optimum from which a rule counts as felt."""


# -- solving: both forms by the same branch and bound, to a gap of nothing


@dataclass(frozen=True)
class Best:
    """An optimum in kCNY, its point, and the optimum of the relaxation."""

    kcny: float
    relaxed_kcny: float
    x: Floats


def _solve(lp: highspy.HighsLp, whole: np.ndarray[Any, np.dtype[np.bool_]]) -> Best:
    """The least point with the columns of `whole` integer; once found, they are rounded and the rest solved again."""
    highs: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {"output_flag": False, "threads": THREADS, "mip_rel_gap": 0.0, "mip_abs_gap": 0.0}
    tolerances = ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance")
    for name, value in {**options, **dict.fromkeys(tolerances, 1e-9)}.items():
        assert highs.setOptionValue(name, value) == highspy.HighsStatus.kOk, name
    assert highs.passModel(lp) == highspy.HighsStatus.kOk
    relaxed = _run(highs)
    columns = np.flatnonzero(whole).astype(np.int32)
    highs.changeColsIntegrality(columns.size, columns, np.full(columns.size, highspy.HighsVarType.kInteger))
    found = _run(highs)
    counts = np.round(np.array(highs.getSolution().col_value)[columns])
    highs.changeColsIntegrality(columns.size, columns, np.full(columns.size, highspy.HighsVarType.kContinuous))
    highs.changeColsBounds(columns.size, columns, counts, counts)
    exact = _run(highs)
    assert exact == pytest.approx(found, rel=1e-7)
    return Best(exact, relaxed, np.array(highs.getSolution().col_value))


def _run(highs: highspy.Highs) -> float:
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)


def _ours(case: Case, held_kcny_per_eflopsh: float = 0.0) -> tuple[Program, Best]:
    program, lp = _priced(case, held_kcny_per_eflopsh)
    return program, _solve(lp, program.integer)


def _relaxed(case: Case, held_kcny_per_eflopsh: float = 0.0) -> float:
    program, lp = _priced(case, held_kcny_per_eflopsh)
    return _solve(lp, np.zeros(program.columns, dtype=bool)).kcny


def _priced(case: Case, held_kcny_per_eflopsh: float) -> tuple[Program, highspy.HighsLp]:
    """The model, and its programme with a price paid for the work that is left at the end and not given up."""
    program = compile_case(case)
    lp = to_lp(program)
    if held_kcny_per_eflopsh:
        cost = program.cost.copy()
        ends = [t == case.horizon.hours - 1 for _, _, t in program.index["batch.queue_eflopsh"]]
        cost[program.variables["batch.queue_eflopsh"][ends]] -= held_kcny_per_eflopsh
        cost[program.variables["batch.unfinished_eflopsh"]] += held_kcny_per_eflopsh
        lp.col_cost_ = cost
    return program, lp


@dataclass
class Sheet:
    """A programme written column by column and row by row, in plain lists."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    sides: list[tuple[float, float]] = field(default_factory=list)
    terms: list[tuple[int, int, float]] = field(default_factory=list)

    def column(self, cost: float = 0.0, upper: float = np.inf) -> int:
        return self._add(cost, upper, whole=False)

    def count(self, cost: float = 0.0, upper: float = 1.0) -> int:
        return self._add(cost, upper, whole=True)

    def _add(self, cost: float, upper: float, whole: bool) -> int:
        self.cost.append(float(cost))
        self.upper.append(float(upper))
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, terms: Iterable[tuple[int, float]], least: float = -np.inf, most: float = np.inf) -> None:
        self.terms += [(len(self.sides), column, factor) for column, factor in terms]
        self.sides.append((least, most))

    def even(self, terms: Iterable[tuple[int, float]], side: float = 0.0) -> None:
        self.row(terms, side, side)

    def solve(self) -> Best:
        rows, columns, factors = zip(*self.terms, strict=True)
        shape = (len(self.sides), len(self.cost))
        matrix = sparse.csc_array((factors, (rows, columns)), shape=shape)
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = shape
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self.cost, [0.0] * shape[1], self.upper
        lp.row_lower_, lp.row_upper_ = [low for low, _ in self.sides], [high for _, high in self.sides]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        return _solve(lp, np.array(self.whole))


Terms = list[tuple[int, float]]


# -- what both second forms share: power at a site is bought by the hour, and its peak over the horizon


def _buys_power(sheet: Sheet, case: Case, site: int, it_mw: list[Terms]) -> None:
    """Charge a site for PUE times the power of its machines, `it_mw` in each hour, and for the largest of it."""
    connection_mw = float(case.connection_mw[site])
    peak = sheet.column(case.demand_charge_kcny_per_mw[site], connection_mw)
    for t, machines in enumerate(it_mw):
        bought = sheet.column(case.energy_kcny_per_mwh[site, t], connection_mw)
        sheet.even([(bought, 1.0), *((column, -case.pue_ratio[site, t] * mw) for column, mw in machines)])
        sheet.row([(peak, 1.0), (bought, -1.0)], least=0.0)


def _local_machines(sheet: Sheet, case: Case, site: int, work: list[Terms]) -> list[Terms]:
    """Hold a local site's work within its machines; their power in each hour."""
    for terms in work:
        sheet.row(terms, most=case.local_eflops[case.sites[site]])
    return [[(column, case.local_mw_per_eflops * eflops) for column, eflops in terms] for terms in work]


# -- the fleet, pod by pod


def pod_by_pod(case: Case, rotates: bool = True) -> Best:
    """The second form of service, fleet, facility and grid. `rotates`: on a cyclic horizon, see `_closes_cycle`."""
    sheet = Sheet()
    work = _steered(sheet, case)
    for site, name in enumerate(case.sites):
        if name in case.clusters:
            it_mw = _pods(sheet, case, case.clusters.index(name), work[site], rotates)
        else:
            it_mw = _local_machines(sheet, case, site, work[site])
        _buys_power(sheet, case, site, it_mw)
    return sheet.solve()


def _steered(sheet: Sheet, case: Case) -> list[list[Terms]]:
    """The work of each site and hour: one share per region, class, site and period; the rest is lost at its value."""
    work: list[list[Terms]] = [[[] for _ in range(case.horizon.hours)] for _ in case.sites]
    for r, k in np.ndindex(case.demand_eflops.shape[:2]):
        kind = case.services[k]
        for first in range(0, case.horizon.hours, case.horizon.period_h):
            hours = range(first, first + case.horizon.period_h)
            demand_eflops = [float(case.demand_eflops[r, k, t]) for t in hours]
            shares = [(sheet.column(kind.lost_kcny_per_eflopsh * sum(demand_eflops)), 1.0)]
            for s, site in enumerate(case.sites):
                ways = case.routes.get((case.regions[r], site), ())
                if ways and ways[0].rtt_ms <= kind.rtt_limit_ms:
                    share = sheet.column()
                    shares.append((share, 1.0))
                    for t, eflops in zip(hours, demand_eflops, strict=True):
                        work[s][t].append((share, eflops))
            sheet.even(shares, 1.0)
    return work


@dataclass(frozen=True)
class Pod:
    """Columns of one pod by the hour: on, switched on, switched off."""

    on: list[int]
    start: list[int]
    stop: list[int]


def _pods(sheet: Sheet, case: Case, cluster: int, work: list[Terms], rotates: bool) -> list[Terms]:
    """Carry the work of a cluster on single pods; their power in each hour."""
    hours = range(case.horizon.hours)
    it_mw: list[Terms] = [[] for _ in hours]
    loads: list[Terms] = [[] for _ in hours]
    for g, kind in enumerate(case.generations):
        installed, vacant = int(case.pods_installed[cluster, g]), int(case.pods_vacant[cluster, g])
        pods = [
            Pod(
                [sheet.count() for _ in hours],
                [sheet.count(kind.start_kcny) for _ in hours],
                [sheet.count() for _ in hours],
            )
            for _ in range(installed + vacant)
        ]
        for pod in pods[installed:]:
            lit = sheet.count(kind.lighting_kcny)
            for t in hours:
                sheet.row([(pod.on[t], 1.0), (lit, -1.0)], most=0.0)
        for pod in pods:
            _switches(sheet, pod, kind.min_up_h)
            for t in hours:
                load = sheet.column()
                sheet.row([(load, 1.0), (pod.on[t], -kind.usable_frac * kind.pod_eflops)], most=0.0)
                loads[t].append((load, 1.0))
                slope_mw_per_eflops = (kind.peak_mw - kind.idle_mw) / (kind.usable_frac * kind.pod_eflops)
                it_mw[t] += [(pod.on[t], kind.idle_mw), (load, slope_mw_per_eflops)]
        _opens(sheet, pods, kind.min_up_h, case.horizon.cyclic, rotates)
    for t in hours:
        sheet.even([*loads[t], *((column, -eflops) for column, eflops in work[t])])
    return it_mw


def _switches(sheet: Sheet, pod: Pod, min_up_h: int) -> None:
    """From the second hour on, a change of `on` is a start or a stop; a start lasts, as far as the horizon goes."""
    hours = len(pod.on)
    for t in range(hours):
        sheet.row([(pod.start[t], 1.0), (pod.stop[t], 1.0)], most=1.0)
        for later in range(t + 1, min(t + min_up_h, hours)):
            sheet.row([(pod.on[later], 1.0), (pod.start[t], -1.0)], least=0.0)
        if t:
            sheet.even([(pod.on[t], 1.0), (pod.on[t - 1], -1.0), (pod.start[t], -1.0), (pod.stop[t], 1.0)])


def _opens(sheet: Sheet, pods: list[Pod], min_up_h: int, cyclic: bool, rotates: bool) -> None:
    """What stands before the first hour: every pod off, or on a cyclic horizon the pods as they close it."""
    if cyclic:
        _closes_cycle(sheet, pods, min_up_h, rotates)
        return
    for pod in pods:
        sheet.even([(pod.on[0], 1.0), (pod.start[0], -1.0), (pod.stop[0], 1.0)])


def _closes_cycle(sheet: Sheet, pods: list[Pod], min_up_h: int, rotates: bool) -> None:
    """Each pod opens the horizon as one of its like closes it (`rotates`), or as it closes it itself.

    A cycle repeats the state of the cluster; that the same pod stands in the same place a cycle later is no part of it.
    """
    own = range(len(pods))
    follows = {(i, j): sheet.count(upper=1.0 if rotates or i == j else 0.0) for i in own for j in own}
    for i in own:
        sheet.even(((follows[i, j], 1.0) for j in own), 1.0)
        sheet.even(((follows[j, i], 1.0) for j in own), 1.0)
    for (i, j), place in follows.items():
        opening, closing = pods[i], pods[j]
        change = [(opening.on[0], 1.0), (closing.on[-1], -1.0), (opening.start[0], -1.0), (opening.stop[0], 1.0)]
        sheet.row([*change, (place, 1.0)], most=1.0)
        sheet.row([*change, (place, -1.0)], least=-1.0)
        for back in range(1, min_up_h):
            for t in range(min_up_h - back):
                sheet.row([(opening.on[t], 1.0), (closing.start[-back], -1.0), (place, -1.0)], least=-1.0)


# -- the batch queue, as sums from the first hour on


@dataclass(frozen=True)
class Cumulative:
    best: Best
    late_eflopsh_h: float
    unfinished_eflopsh: float
    opening_eflopsh: float


@dataclass(frozen=True)
class Marks:
    """Columns whose sums a test looks at: lateness of each hour, work given up or left, work the horizon opens with."""

    late: list[int] = field(default_factory=list)
    unfinished: list[int] = field(default_factory=list)
    opening: list[int] = field(default_factory=list)


def cumulative(case: Case, held_kcny_per_eflopsh: float = 0.0) -> Cumulative:
    """The second form of batch, fleet (least times of one hour), facility and grid; opening work earns `held`."""
    sheet, marks = Sheet(), Marks()
    sent = _sent(sheet, case)
    for s, name in enumerate(case.sites):
        slot_h = 1 if name in case.clusters else case.local_slot_h
        work: list[Terms] = [[] for _ in range(case.horizon.hours)]
        for b in range(len(case.batches)):
            sent_here = [sent[s, b, d] for d in range(case.horizon.days)]
            run = _queue(sheet, case, b, slot_h, sent_here, held_kcny_per_eflopsh, marks)
            for t, column in enumerate(run):
                work[t].append((column, 1.0))
        if name in case.clusters:
            it_mw = _counted_pods(sheet, case, case.clusters.index(name), work)
        else:
            it_mw = _local_machines(sheet, case, s, work)
        _buys_power(sheet, case, s, it_mw)
    best = sheet.solve()
    late, unfinished, opening = (
        float(best.x[columns].sum()) for columns in (marks.late, marks.unfinished, marks.opening)
    )
    return Cumulative(best, late, unfinished, opening)


def _sent(sheet: Sheet, case: Case) -> dict[tuple[int, int, int], Terms]:
    """Work sent to (site, class, day): every region splits each day's arrivals over the sites it has a route to."""
    places = [
        (s, b, d) for s in range(len(case.sites)) for b in range(len(case.batches)) for d in range(case.horizon.days)
    ]
    sent: dict[tuple[int, int, int], Terms] = {place: [] for place in places}
    for r, b, d in np.ndindex(case.arrivals_eflopsh.shape):
        parts = {s: sheet.column() for s, site in enumerate(case.sites) if (case.regions[r], site) in case.routes}
        sheet.even([(part, 1.0) for part in parts.values()], float(case.arrivals_eflopsh[r, b, d]))
        for s, part in parts.items():
            sent[s, b, d].append((part, 1.0))
    return sent


def _queue(
    sheet: Sheet, case: Case, b: int, slot_h: int, sent: list[Terms], held_kcny_per_eflopsh: float, marks: Marks
) -> list[int]:
    """Columns of the work run in each hour of a round at one site; lateness, work left and opening work are marked.

    Looked at when a slot of the last round ends, all sums from the first hour of the first round on: what is done or
    was given up at a seam <= opening + arrived, and >= opening + arrived a window before - late. Each round ends with
    what it opened with. An open horizon is one round that opens with nothing, ends with what is unfinished and knows
    no lateness in its last hour. Within a slot the run and the lateness stand still.
    """
    kind, hours, cyclic = case.batches[b], case.horizon.hours, case.horizon.cyclic
    seams = -(-kind.window_h // hours) if cyclic else 0
    run = [sheet.column() for _ in range(hours)]
    left = sheet.column(kind.unfinished_kcny_per_eflopsh)
    opening = [sheet.column(-held_kcny_per_eflopsh)] if cyclic else []
    for t in range(hours):
        if (t + 1) % slot_h and t + 1 < hours:
            sheet.even([(run[t], 1.0), (run[t + 1], -1.0)])
            continue
        now = seams * hours + t
        gone = [*((run[u % hours], 1.0) for u in range(now + 1)), *[(left, 1.0)] * seams, *((o, -1.0) for o in opening)]
        sheet.row([*gone, *_less(_arrived(case, b, sent, now))], most=0.0)
        if cyclic or kind.window_h <= t < hours - 1:
            due = _less(_arrived(case, b, sent, now - kind.window_h))
            for _ in range(t - t % slot_h, t + 1):
                late = sheet.column(kind.late_kcny_per_eflopsh_h)
                sheet.row([*gone, *due, (late, 1.0)], least=0.0)
                marks.late.append(late)
    sheet.even([*((column, 1.0) for column in run), (left, 1.0), *_less(_arrived(case, b, sent, hours - 1))])
    marks.unfinished.append(left)
    marks.opening.extend(opening)
    return run


def _arrived(case: Case, b: int, sent: list[Terms], t: int) -> Terms:
    """All that has come by the end of hour t: rounds and days gone by in full, the share of the day that runs."""
    rounds, hour = divmod(t, case.horizon.hours)
    today = hour // 24
    shares = [rounds + 1.0] * today + [rounds + float(case.arrived_by_frac[b, hour])] + [float(rounds)] * len(sent)
    return [(column, part * share) for share, day in zip(shares, sent, strict=False) for column, part in day if share]


def _less(terms: Terms) -> Terms:
    return [(column, -factor) for column, factor in terms]


def _counted_pods(sheet: Sheet, case: Case, cluster: int, work: list[Terms]) -> list[Terms]:
    """Pods of one generation by number; the hour before the first is the last one, or all dark."""
    (kind,) = case.generations
    assert kind.min_up_h == 1
    most = int(case.pods_installed[cluster, 0])
    on = [sheet.count(upper=most) for _ in work]
    it_mw = []
    for t, terms in enumerate(work):
        start = sheet.column(kind.start_kcny)
        before = [(on[t - 1], 1.0)] if t or case.horizon.cyclic else []
        sheet.row([(start, 1.0), (on[t], -1.0), *before], least=0.0)
        usable_eflops = kind.usable_frac * kind.pod_eflops
        sheet.row([*terms, (on[t], -usable_eflops)], most=0.0)
        slope_mw_per_eflops = (kind.peak_mw - kind.idle_mw) / usable_eflops
        it_mw.append([(on[t], kind.idle_mw), *((column, slope_mw_per_eflops) for column, _ in terms)])
    return it_mw


# -- cases


def _ground(seed: int, horizon: Horizon, clusters: tuple[str, ...], **changes: Any) -> Case:
    """Two regions, some clusters and a local site, with drawn prices, ambient hours and machines."""
    rng = np.random.default_rng(seed)
    sites, regions = (*clusters, "East local"), ("East", "West")
    remote = {(r, c): (Route((f"{r}-{c}",), rtt),) for r, rtt in (("East", 20.0), ("West", 4.0)) for c in clusters}
    base = two_site_case()
    case = replace(
        base,
        name=f"ground {seed}",
        horizon=horizon,
        regions=regions,
        sites=sites,
        clusters=clusters,
        site_region={**dict.fromkeys(clusters, "West"), "East local": "East"},
        site_hub=dict.fromkeys(clusters, "West hub"),
        routes={**remote, ("East", "East local"): (Route((), 1.0),)},
        local_eflops={"East local": 0.6},
        pue_ratio=rng.uniform(1.1, 1.5, (len(sites), horizon.hours)),
        connection_mw=rng.uniform(8.0, 12.0, len(sites)),
        energy_kcny_per_mwh=rng.uniform(0.2, 0.9, (len(sites), horizon.hours)),
        demand_charge_kcny_per_mw=rng.uniform(0.3, 0.8, len(sites)),
    )
    return replace(case, **changes)


@dataclass(frozen=True)
class FleetCase:
    seed: int
    min_up_h: tuple[int, ...]
    """Of each generation."""
    cyclic: bool
    installed: tuple[tuple[int, ...], ...] = ((4,),)
    """By cluster and generation."""
    vacant: tuple[tuple[int, ...], ...] = ((0,),)
    hours: int = 8
    demand_charge: bool = True

    def case(self) -> Case:
        rng = np.random.default_rng(1000 + self.seed)
        generation = two_site_case().generations[0]
        kinds = (
            replace(generation, pod_eflops=0.5, idle_mw=0.6, peak_mw=1.3, start_kcny=0.1, lighting_kcny=0.8),
            replace(generation, name="b", pod_eflops=0.8, idle_mw=1.0, peak_mw=1.7, start_kcny=0.2, lighting_kcny=1.5),
        )
        clusters = ("Plateau", "Valley")[: len(self.installed)]
        case = _ground(
            self.seed,
            Horizon(START, self.hours, period_h=4, cyclic=self.cyclic),
            clusters,
            blocks=("service", "fleet", "facility", "grid"),
            services=(Service("control", 10.0, 0.0, 9.0), Service("chat", 50.0, 0.0, 5.0)),
            demand_eflops=rng.uniform(0.0, 1.0, (2, 2, self.hours)) ** 2 * np.array([0.6, 1.0])[:, None],
            generations=tuple(replace(kind, min_up_h=h) for kind, h in zip(kinds, self.min_up_h, strict=False)),
            pods_installed=np.array(self.installed),
            pods_vacant=np.array(self.vacant),
        )
        if self.demand_charge:
            return case
        return replace(case, demand_charge_kcny_per_mw=np.zeros(len(case.sites)))


FLEETS = {
    "opens dark": FleetCase(41, (2,), cyclic=False),
    "cyclic": FleetCase(42, (3,), cyclic=True),
    "no least time, no demand charge": FleetCase(23, (1,), cyclic=True, demand_charge=False),
    "vacant racks": FleetCase(34, (2,), cyclic=False, installed=((2,),), vacant=((2,),)),
    "two clusters, two generations": FleetCase(5, (2, 3), False, ((1, 1), (1, 1)), ((1, 0), (0, 0))),
    "on to the end once on": FleetCase(11, (8,), cyclic=False),
    "on beyond the end": FleetCase(11, (9,), cyclic=False),
    "two generations, cyclic": FleetCase(36, (3, 2), True, ((1, 1),), ((1, 0),)),
}


@dataclass(frozen=True)
class BatchCase:
    seed: int
    windows_h: tuple[int, ...]
    """Of each class."""
    hours: int
    cyclic: bool = True
    slot_h: int = 2
    arrivals_eflopsh: float = 6.0
    """Mean of a region's day and class."""
    late_kcny_per_eflopsh_h: float = 5.0
    unfinished_kcny_per_eflopsh: float = 40.0
    held_kcny_per_eflopsh: float = 0.0
    """Earned in both forms on the work a round opens with: else no optimum feels a window beyond a round's length."""
    pays: tuple[str, ...] = ()
    """What the optimum is to contain: "late" or "unfinished" work."""

    def case(self) -> Case:
        rng = np.random.default_rng(2000 + self.seed)
        horizon = Horizon(START, self.hours, period_h=6, cyclic=self.cyclic)
        names = ("render", "science", "backup")[: len(self.windows_h)]
        dear = rng.uniform(0.5, 1.5, (2, len(names))) * [
            [self.late_kcny_per_eflopsh_h],
            [self.unfinished_kcny_per_eflopsh],
        ]
        generation = replace(two_site_case().generations[0], pod_eflops=0.6, idle_mw=0.5, peak_mw=1.4, start_kcny=0.2)
        coming = rng.uniform(0.0, 1.0, (len(names), self.hours))
        in_day = [np.cumsum(day, axis=1) for day in np.split(coming, range(24, self.hours, 24), axis=1)]
        shape = (2, len(names), horizon.days)
        ground = _ground(self.seed, horizon, ("Plateau",))
        # Power grows cheaper from hour to hour, on a cyclic horizon across the seam: work waits for as long as it may.
        falling = np.roll(np.linspace(1.6, 0.4, self.hours), self.hours // 2 if self.cyclic else 0)
        return replace(
            ground,
            energy_kcny_per_mwh=ground.energy_kcny_per_mwh * falling,
            blocks=("batch", "fleet", "facility", "grid"),
            batches=tuple(
                Batch(name, window_h, 0.0, late, unfinished)
                for name, window_h, late, unfinished in zip(names, self.windows_h, *dear.tolist(), strict=True)
            ),
            arrivals_eflopsh=self.arrivals_eflopsh * rng.uniform(0.5, 1.5, shape) * np.array(horizon.day_hours) / 24,
            arrived_by_frac=np.hstack([sums / sums[:, -1:] for sums in in_day]),
            generations=(replace(generation, min_up_h=1),),
            pods_installed=np.array([[2]]),
            pods_vacant=np.array([[0]]),
            local_mw_per_eflops=2.7,
            local_slot_h=self.slot_h,
        )


BATCHES = {
    "two days, two windows": BatchCase(31, (2, 5), hours=36, cyclic=False),
    "a short last day cuts a slot": BatchCase(2, (3, 6), hours=42, cyclic=False, slot_h=4),
    "windows across days": BatchCase(3, (30,), hours=60, cyclic=False),
    "lateness pays": BatchCase(4, (1, 3), hours=36, cyclic=False, late_kcny_per_eflopsh_h=0.03, pays=("late",)),
    "work is left": BatchCase(
        35,
        (2, 4),
        hours=36,
        cyclic=False,
        arrivals_eflopsh=8.0,
        late_kcny_per_eflopsh_h=0.2,
        unfinished_kcny_per_eflopsh=1.5,
        pays=("late", "unfinished"),
    ),
    "three classes, local machines by the hour": BatchCase(26, (1, 4, 9), hours=24, cyclic=False, slot_h=1),
    "cyclic, a short last day cuts a slot": BatchCase(1, (3, 6), hours=30, slot_h=4),
    "cyclic, windows longer than the round": BatchCase(2, (30, 55), hours=24, held_kcny_per_eflopsh=0.1),
    "cyclic, a window longer than a round of two days": BatchCase(3, (40,), hours=30, held_kcny_per_eflopsh=0.1),
    "cyclic, lateness pays": BatchCase(4, (1, 3), hours=24, late_kcny_per_eflopsh_h=0.03, pays=("late",)),
    "cyclic, work is given up": BatchCase(
        46,
        (2, 4),
        hours=24,
        arrivals_eflopsh=8.0,
        late_kcny_per_eflopsh_h=0.1,
        unfinished_kcny_per_eflopsh=1.3,
        pays=("late", "unfinished"),
    ),
}


# -- the two forms meet


@pytest.mark.parametrize("name", FLEETS)
def test_pods_by_number_and_pod_by_pod_reach_one_optimum(name: str) -> None:
    fleet = FLEETS[name]
    case = fleet.case()
    program, ours = _ours(case)
    assert pod_by_pod(case).kcny == pytest.approx(ours.kcny, rel=SAME)

    # What the case is there for is felt in its optimum.
    assert ours.relaxed_kcny < ours.kcny * (1 - MATTERS)
    assert program.values("fleet.started", ours.x).sum() > 0.5
    assert program.values("fleet.lit", ours.x).any() == case.pods_vacant.any()
    paid_kcny = dict(zip(program.items, program.item_cost @ ours.x, strict=True))
    assert (paid_kcny["demand_charge"] > MATTERS * ours.kcny) == fleet.demand_charge
    if max(fleet.min_up_h) > 1:
        at_will = replace(case, generations=tuple(replace(kind, min_up_h=1) for kind in case.generations))
        assert _ours(at_will)[1].kcny < ours.kcny * (1 - MATTERS)


def test_a_cycle_repeats_the_count_of_pods_and_not_which_pod_is_which() -> None:
    case = FLEETS["cyclic"].case()
    named = pod_by_pod(case, rotates=False)
    assert named.kcny > pod_by_pod(case).kcny * (1 + MATTERS)


@pytest.mark.parametrize("name", BATCHES)
def test_recursive_queue_and_cumulative_sums_reach_one_optimum(name: str) -> None:
    batch = BATCHES[name]
    case, held = batch.case(), batch.held_kcny_per_eflopsh
    program, ours = _ours(case, held)
    sums = cumulative(case, held)
    assert sums.best.kcny == pytest.approx(ours.kcny, rel=SAME)
    assert sums.best.relaxed_kcny == pytest.approx(ours.relaxed_kcny, rel=SAME)

    # What the case is there for is felt in its optimum.
    assert abs(ours.relaxed_kcny - ours.kcny) > MATTERS * abs(ours.kcny)
    assert program.values("fleet.local_load_eflops", ours.x).sum() > 1.0
    for kind, total in (("late", sums.late_eflopsh_h), ("unfinished", sums.unfinished_eflopsh)):
        mine = program.values(f"batch.{kind}_eflopsh", ours.x).sum()
        assert (total > 1.0, mine > 1.0) == (kind in batch.pays,) * 2
    assert (sums.opening_eflopsh > 0.1) == batch.cyclic
    better_kcny = ours.relaxed_kcny - MATTERS * abs(ours.relaxed_kcny)
    longer = replace(case, batches=tuple(replace(kind, window_h=kind.window_h + 1) for kind in case.batches))
    assert _relaxed(longer, held) < better_kcny
    if batch.slot_h > 1:
        assert _relaxed(replace(case, local_slot_h=1), held) < better_kcny
