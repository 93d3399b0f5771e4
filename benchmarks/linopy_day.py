"""The relaxation of one scenario stated twice, here in linopy and in our own blocks, from the same case: both timed.

    python benchmarks/linopy_day.py [--scenario day] [--runs 5]

Each figure is the time from a finished `Case` to a HiGHS object that holds the programme (build and hand-over); the two
take turns in one process. The linopy statement is vectorised over xarray dimensions; it knows the blocks that the plain
national scenarios use and refuses a case that uses more. Both must have the same columns, rows and nonzeros, and the
same optimum to 1e-6.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import Any

import highspy
import linopy
import numpy as np
import xarray as xr

from optimizer.blocks.batch import GBPS_PER_TB_PER_H, arriving_frac, recent_shares
from optimizer.blocks.jobs import move_period, start_hours
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from scenarios.build import build_case
from scenarios.case import TB_PER_GBPS_H, Case
from scenarios.library import load

SAME = 1e-6
INSTRUMENTS = ("cooperation", "delivery", "expansion", "peak_shaving", "storage", "credit")
Data = dict[str, xr.DataArray]


def require_plain(case: Case) -> None:
    """Refuse what the linopy statement leaves out."""
    beyond = [name for name in INSTRUMENTS if name in case.blocks]
    beyond += [k.name for k in case.services if k.max_sites is not None or k.home_floor_frac > 0]
    beyond += [g.name for g in case.generations if g.min_up_h > 1]
    beyond += [f"{r} to {s}" for (r, s), ways in case.routes.items() if len(ways) > 1]
    if (
        beyond
        or case.capital_counted
        or case.wavelengths
        or case.carbon_ledger != "location"
        or not case.horizon.cyclic
    ):
        raise SystemExit(f"{case.name}: the linopy statement knows plain national scenarios only ({beyond})")


def arrays(case: Case) -> Data:
    """The numbers of a case with named dimensions.

    r regions, k services, b batch classes, j jobs, c clusters, l local sites, g generations, f carriers, e links,
    t hours, q slots of local sites, p periods, d days.
    """
    h = case.horizon
    n = len(case.clusters)
    by_period = case.demand_eflops.reshape(*case.demand_eflops.shape[:2], h.periods, -1)
    gbps = np.array([k.traffic_gbps_per_eflops for k in case.services])[None, :, None]
    hours, ends = np.arange(h.hours), np.arange(case.local_slot_h, h.hours + 1, case.local_slot_h) - 1
    spec: dict[str, tuple[tuple[str, ...], Any]] = {
        "demand": (("r", "k", "t"), case.demand_eflops),
        "work": (("r", "k", "p"), by_period.sum(axis=3)),
        "peak_gbps": (("r", "k", "p"), by_period.max(axis=3) * gbps),
        "volume_tb": (("r", "k", "p"), by_period.sum(axis=3) * gbps * TB_PER_GBPS_H),
        "lost_kcny": (("k",), [k.lost_kcny_per_eflopsh for k in case.services]),
        "floor": (("k",), [k.served_floor_frac for k in case.services]),
        "arrivals": (("r", "b", "d"), case.arrivals_eflopsh),
        "late_kcny": (("b",), [b.late_kcny_per_eflopsh_h for b in case.batches]),
        "unfinished_kcny": (("b",), [b.unfinished_kcny_per_eflopsh for b in case.batches]),
        "batch_gbps": (("b",), [b.data_tb_per_eflopsh * GBPS_PER_TB_PER_H for b in case.batches]),
        "day_h": (("d",), list(h.day_hours)),
        "comes_c": (("b", "t"), _shares(case, hours, 1)),
        "comes_l": (("b", "q"), _shares(case, ends, case.local_slot_h)),
        "recent_c": (("b", "t", "d"), _recents(case, hours)),
        "recent_l": (("b", "q", "d"), _recents(case, ends)),
        "job_eflops": (("j",), [j.eflops for j in case.jobs]),
        "job_work": (("j",), [j.eflops * j.duration_h for j in case.jobs]),
        "job_gbps": (("j",), [j.data_tb * GBPS_PER_TB_PER_H / h.period_h for j in case.jobs]),
        "job_kcny": (("j",), [j.value_kcny for j in case.jobs]),
        "carried": (("c", "t"), case.running_eflops),
        "usable": (("g",), [g.usable_eflops for g in case.generations]),
        "idle_mw": (("g",), [g.idle_mw for g in case.generations]),
        "slope_mw": (("g",), [g.slope_mw_per_eflops for g in case.generations]),
        "start_kcny": (("g",), [g.start_kcny for g in case.generations]),
        "lit_kcny": (("g",), [g.lighting_kcny for g in case.generations]),
        "installed": (("c", "g"), case.pods_installed),
        "vacant": (("c", "g"), case.pods_vacant),
        "local_eflops": (("l",), [case.local_eflops[s] for s in case.locals]),
        "direct_mw": (("c", "f", "t"), case.direct_mw),
        "direct_kcny": (("f",), case.direct_kcny_per_mwh),
        "target": (("c",), case.green_target_frac),
        "shared": (("c", "d"), _shared_eflopsh(case)),
    }
    for name, values in (
        ("pue", case.pue_ratio),
        ("price", case.energy_kcny_per_mwh + case.prices.carbon_kcny_per_tco2 * case.grid_tco2_per_mwh[:, None]),
        ("connection", case.connection_mw),
        ("charge", case.demand_charge_kcny_per_mw),
    ):
        dims = ("t",) if values.ndim == 2 else ()
        spec[f"{name}_c"] = (("c", *dims), values[:n])
        spec[f"{name}_l"] = (("l", *dims), values[n:])
    names = {"r": case.regions, "c": case.clusters, "l": case.locals, "e": case.links}
    made = {key: xr.DataArray(np.asarray(values, dtype=float), dims=dims) for key, (dims, values) in spec.items()}
    return {
        key: a.assign_coords({d: list(names[d]) if d in names else np.arange(a.sizes[d]) for d in a.dims})
        for key, a in made.items()
    }


def _shares(case: Case, ends: Any, slot_h: int) -> Any:
    return [[arriving_frac(case, b, int(t), slot_h) for t in ends] for b in range(len(case.batches))]


def _recents(case: Case, ends: Any) -> Any:
    days = range(case.horizon.days)
    found = [[recent_shares(case, i, int(t), b.window_h) for t in ends] for i, b in enumerate(case.batches)]
    return [[[of.get(d, 0.0) for d in days] for of in row] for row in found]


def _shared_eflopsh(case: Case) -> Any:
    free = [(1 - case.home_reserve_frac[c]) * case.usable_eflops(c) for c in case.clusters]
    return np.outer(free, case.horizon.day_hours)


def along(x: Any, dim: str, places: xr.DataArray) -> linopy.LinearExpression:
    """An expression looked up along one dimension, which gives way to that of the places."""
    return (1 * x).sel({dim: places}).drop_vars(dim)


class Statement:
    """The model in linopy: one method per block, in the order of ours."""

    def __init__(self, case: Case) -> None:
        require_plain(case)
        self.case, self.data, self.model = case, arrays(case), linopy.Model()
        h = case.horizon
        self.index = {dim: a.indexes[dim] for a in self.data.values() for dim in a.dims}
        self.hours = self.data["demand"].t
        coords = {"t": self.hours}
        self.period_of = xr.DataArray(np.arange(h.hours) // h.period_h, dims="t", coords=coords)
        self.day_of = xr.DataArray(np.arange(h.hours) // 24, dims="t", coords=coords)
        slots = self.data["comes_l"].q
        self.slot_of = xr.DataArray(np.arange(h.hours) // case.local_slot_h, dims="t", coords=coords)
        self.slot_day = xr.DataArray(slots.values * case.local_slot_h // 24, dims="q", coords={"q": slots})
        self.period_day = xr.DataArray(
            np.arange(h.periods) * h.period_h // 24, dims="p", coords={"p": np.arange(h.periods)}
        )
        self.home = xr.DataArray([case.site_region[s] for s in case.locals], dims="l", coords={"l": list(case.locals)})
        self.cost: list[Any] = []
        self.service()
        self.batch()
        self.jobs()
        self.hosting()
        self.fleet()
        self.power()
        self.green()
        self.network()
        self.coverage()
        self.model.add_objective(linopy.merge(self.cost))

    def var(self, name: str, dims: tuple[str, ...], upper: Any = np.inf, mask: Any = None) -> linopy.Variable:
        """A variable over named dimensions; a mask is an array, or a stack of one, over the first of them."""
        coords = [self.index[dim] for dim in dims]
        if mask is not None:
            mask = np.broadcast_to(mask, [len(index) for index in coords])
            mask = xr.DataArray(mask, dims=dims, coords=dict(zip(dims, coords, strict=True)))
        return self.model.add_variables(lower=0, upper=upper, coords=coords, dims=dims, name=name, mask=mask)

    def rule(self, name: str, left: Any, sign: str, right: Any) -> None:
        self.model.add_constraints(left, sign, right, name=name)

    def service(self) -> None:
        case, D = self.case, self.data
        limit = np.array([k.rtt_limit_ms for k in case.services])
        far = np.array([[case.routes[r, c][0].rtt_ms for c in case.clusters] for r in case.regions])
        near = np.array([case.routes[case.site_region[s], s][0].rtt_ms for s in case.locals])
        reach_c, reach_l = far[:, None, :] <= limit[:, None], near[:, None] <= limit
        self.share_c = self.var("share_c", ("r", "k", "c", "p"), 1.0, reach_c[..., None])
        self.share_l = self.var("share_l", ("l", "k", "p"), 1.0, reach_l[..., None])
        self.unserved = self.var("unserved", ("r", "k", "p"), 1.0)
        self.rule("steers", self.share_c.sum("c") + self._at_home(self.share_l) + self.unserved, "=", 1)
        self.cost.append((D["lost_kcny"] * D["work"] * self.unserved).sum())

    def _at_home(self, x: linopy.Variable) -> linopy.LinearExpression:
        """What a local site does, by its region: every region has one local site, in the order of the regions."""
        return (1 * x).rename(l="r").assign_coords(r=self.data["demand"].r)

    def batch(self) -> None:
        D = self.data
        self.assign_c, self.assign_l = self.var("assign_c", ("r", "b", "c", "d")), self.var("assign_l", ("l", "b", "d"))
        self.rule("assigns", self.assign_c.sum("c") + self._at_home(self.assign_l), "=", D["arrivals"])
        gathered = {"c": self.assign_c.sum("r"), "l": 1 * self.assign_l}
        self.run: dict[str, linopy.Variable] = {}
        for s, t, slot_h, day in (("c", "t", 1, self.day_of), ("l", "q", self.case.local_slot_h, self.slot_day)):
            sent, left = self.var(f"sent_{s}", (s, "b", "d")), self.var(f"unfinished_{s}", (s, "b"))
            run, queue = self.var(f"run_{s}", (s, "b", t)), self.var(f"queue_{s}", (s, "b", t))
            late = self.var(f"late_{s}", (s, "b", t))
            self.run[s] = run
            self.rule(f"gathers_{s}", sent - gathered[s], "=", 0)
            comes = D[f"comes_{s}"] * along(sent, "d", day)
            opens = xr.DataArray((np.arange(D[f"comes_{s}"].sizes[t]) == 0) * 1.0, dims=t)
            flow = queue - queue.roll({t: 1}) + slot_h * run - comes + opens * left
            self.rule(f"runs_{s}", flow, "=", 0)
            self.rule(f"window_{s}", queue - late - (D[f"recent_{s}"] * sent).sum("d"), "<=", 0)
            self.rule(f"gives_up_{s}", left - queue.isel({t: -1}), "<=", 0)
            self.cost.append((slot_h * D["late_kcny"] * late).sum())
            self.cost.append((D["unfinished_kcny"] * left).sum())

    def jobs(self) -> None:
        case, D = self.case, self.data
        may = np.zeros((len(case.jobs), case.horizon.hours), dtype=bool)
        for i, job in enumerate(case.jobs):
            may[i, start_hours(case, job)] = True
        self.start = self.var("start", ("j", "c", "t"), 1.0, may[:, None, :])
        dropped = self.var("dropped", ("j",), 1.0)
        self.running = self.var("running", ("c", "t"))
        self.rule("once", self.start.sum(("c", "t")) + dropped, "=", 1)
        duration = xr.DataArray([job.duration_h for job in case.jobs], dims="j", coords={"j": D["job_eflops"].j})
        before = (self.hours - duration).rename(t="u").drop_vars("u")
        ended = (1 * self.start).isel(t=before.clip(0)).drop_vars("t").where(before >= 0).rename(u="t")
        ends = D["job_eflops"] * ended.assign_coords(t=self.hours)
        starts = (D["job_eflops"] * self.start).sum("j")
        self.rule("holds", self.running - self.running.shift(t=1) - starts + ends.sum("j"), "=", 0)
        self.cost.append((D["job_kcny"] * dropped).sum())

    def _of_region(self, each: linopy.LinearExpression, group: xr.DataArray, name: str) -> linopy.LinearExpression:
        """Sums over jobs of a region and hours of a group."""
        region = xr.DataArray(
            [job.region for job in self.case.jobs], dims="j", coords={"j": each.coords["j"]}, name="r"
        )
        return each.groupby(region).sum().groupby(group.rename(name)).sum()

    def hosting(self) -> None:
        D, days = self.data, self.data["day_h"].d
        self.hosted_c, hosted_l = self.var("hosted_c", ("r", "c", "d")), self.var("hosted_l", ("l", "d"))
        by_day = self.period_day.rename("d")
        served = (D["work"] * self.share_c).sum("k").groupby(by_day).sum()
        placed = self._of_region(D["job_work"] * self.start, self.day_of, "d").reindex(r=D["demand"].r, d=days)
        self.rule("hosts_c", self.hosted_c - served - self.assign_c.sum("b") - placed, "=", 0)
        home_work = D["work"].sel(r=self.home).drop_vars("r")
        at_home = (home_work * self.share_l).sum("k").groupby(by_day).sum()
        self.rule("hosts_l", hosted_l - at_home - self.assign_l.sum("b"), "=", 0)

    def fleet(self) -> None:
        D, place = self.data, ("c", "g", "t")
        most = (D["installed"] + D["vacant"]).expand_dims(t=self.hours, axis=2)
        self.on, self.load = self.var("on", place, most), self.var("load", place)
        started, lit = self.var("started", place), self.var("lit", ("c", "g"), D["vacant"])
        cap = D["local_eflops"].expand_dims(t=self.hours, axis=1)
        self.local_load = self.var("local_load", ("l", "t"), cap)
        self.rule("fits", self.load - D["usable"] * self.on, "<=", 0)
        self.rule("lights", self.on - lit, "<=", D["installed"])
        self.rule("starts", started - self.on + self.on.roll(t=1), ">=", 0)
        asked = (D["demand"] * along(self.share_c, "p", self.period_of)).sum(("r", "k"))
        balance = self.load.sum("g") - asked - self.run["c"].sum("b") - self.running
        self.rule("compute_c", balance, "=", D["carried"])
        home_demand = D["demand"].sel(r=self.home).drop_vars("r")
        asked = (home_demand * along(self.share_l, "p", self.period_of)).sum("k")
        run = along(self.run["l"].sum("b"), "q", self.slot_of)
        self.rule("compute_l", self.local_load - asked - run, "=", 0)
        self.cost.append((D["start_kcny"] * started).sum())
        self.cost.append((D["lit_kcny"] * lit).sum())

    def power(self) -> None:
        case, D = self.case, self.data
        self.direct = self.var("direct", ("c", "f", "t"), D["direct_mw"])
        self.received = self.var("received", ("c", "p"))
        drawn = (D["idle_mw"] * self.on + D["slope_mw"] * self.load).sum("g")
        moved = case.prices.transfer_mwh_per_tb * along(self.received, "p", self.period_of)
        more = {
            "c": self.direct.sum("f") - D["pue_c"] * drawn - moved,
            "l": -case.local_mw_per_eflops * D["pue_l"] * self.local_load,
        }
        self.imports: dict[str, linopy.Variable] = {}
        for s in ("c", "l"):
            imports, peak = self.var(f"import_{s}", (s, "t")), self.var(f"peak_{s}", (s,), D[f"connection_{s}"])
            self.imports[s] = imports
            self.rule(f"power_{s}", imports + more[s], "=", 0)
            self.rule(f"peaks_{s}", imports - peak, "<=", 0)
            self.cost.append((D[f"price_{s}"] * imports).sum())
            self.cost.append((D[f"charge_{s}"] * peak).sum())
        self.cost.append((D["direct_kcny"] * self.direct).sum())

    def green(self) -> None:
        D, prices = self.data, self.case.prices
        certificate, short = self.var("certificate", ("c",)), self.var("short", ("c",))
        drawn = self.imports["c"].sum("t")
        held = (1 - D["target"]) * self.direct.sum(("f", "t"))
        self.rule("green", held + certificate + short - D["target"] * drawn, ">=", 0)
        self.rule("claims", certificate - drawn, "<=", 0)
        self.cost.append(prices.certificate_kcny_per_mwh * certificate.sum())
        self.cost.append(prices.green_shortfall_kcny_per_mwh * short.sum())

    def network(self) -> None:
        case, D, h = self.case, self.data, self.case.horizon
        pinned, flow = self.var("pinned", ("r", "c", "p")), self.var("flow", ("r", "c", "p"))
        self.rule("nearest", pinned - (D["peak_gbps"] * self.share_c).sum("k"), "=", 0)
        by_day = (D["batch_gbps"] / D["day_h"] * self.assign_c).sum("b")
        sent = along(by_day, "d", self.period_day)
        moves = xr.DataArray([move_period(case, t) for t in range(h.hours)], dims="t", coords={"t": self.hours})
        known = self.hours[moves.values >= 0]
        of_jobs = self._of_region(D["job_gbps"] * self.start.sel(t=known), moves.sel(t=known), "p")
        self.rule("route", flow - sent - of_jobs.reindex(r=D["demand"].r, p=D["work"].p), "=", 0)
        over = [(e, r, c) for r in case.regions for c in case.clusters for e in case.routes[r, c][0].links]
        link, region, cluster = (xr.DataArray(list(one), dims="way") for one in zip(*over, strict=True))
        carried = (pinned + flow).sel(r=region, c=cluster).groupby(link.rename("e")).sum()
        capacity = xr.DataArray(case.link_capacity_gbps, dims="e", coords={"e": list(case.links)})
        self.rule("capacity", carried, "<=", capacity.sel(e=carried.coords["e"]))
        volume = (D["volume_tb"] / h.period_h * self.share_c).sum(("r", "k"))
        self.rule("receives", self.received - volume - TB_PER_GBPS_H * flow.sum("r"), "=", 0)
        self.cost.append(case.prices.transfer_kcny_per_tb * h.period_h * self.received.sum())

    def coverage(self) -> None:
        case, D = self.case, self.data
        by_day = self.period_day.rename("d")
        demand = D["work"].groupby(by_day).sum()
        lost = (D["work"] * self.unserved).groupby(by_day).sum()
        self.rule("floor", lost, "<=", (1 - D["floor"]) * demand)
        abroad = np.array([[r != case.site_region[c] for c in case.clusters] for r in case.regions])
        mask = xr.DataArray(abroad, dims=("r", "c"), coords={"r": D["demand"].r, "c": D["installed"].c})
        self.rule("reserve", (1 * self.hosted_c).where(mask).sum("r"), "<=", D["shared"])


def theirs(case: Case) -> highspy.Highs:
    """The case stated in linopy and handed to HiGHS, without the zeros that linopy's own `solve` takes out."""
    model = Statement(case).model
    model.constraints.sanitize_zeros()
    highs = model.to_highspy()
    highs.setOptionValue("output_flag", False)
    return highs


def ours(case: Case) -> highspy.Highs:
    """The case built by our blocks and handed to HiGHS."""
    return Session(compile_case(case)).highs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="day")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    case = build_case(load(arguments.scenario))
    seconds: dict[str, list[float]] = {"ours": [], "linopy": []}
    held: dict[str, highspy.Highs] = {}
    for run in range(arguments.runs + 1):  # the first of each is for warmth and is not counted
        for name, build in (("ours", ours), ("linopy", theirs)):
            started = time.perf_counter()
            held[name] = build(case)
            if run:
                seconds[name].append(time.perf_counter() - started)
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    values = {}
    for name, highs in held.items():
        highs.setOptionValue("solver", "ipx")
        highs.run()
        values[name] = highs.getObjectiveValue()
        sizes = f"{highs.getNumCol():,} columns, {highs.getNumRow():,} rows, {highs.getNumNz():,} nonzeros"
        each = ", ".join(f"{s:.2f}" for s in seconds[name])
        print(f"{name:7} {middle[name]:6.2f} s  ({each})  {sizes}, optimum {values[name]:,.6f} kCNY")
    differ = abs(values["ours"] - values["linopy"]) / abs(values["ours"])
    print(
        f"build and hand-over: linopy / ours = {middle['linopy'] / middle['ours']:.2f}; optima differ by {differ:.1e}"
    )
    if differ > SAME:
        raise SystemExit("the two statements are not the same programme")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # linopy tells of a coming change in what a masked variable adds: nothing here
    main()
