"""Faults of a scenario that no single key shows: against the facts, the figures, the network and the user's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from hubs.errors import Fault, InputError, nearest
from scenarios import figures
from scenarios.agreements import positions
from scenarios.energy import capacity_frac, energy_kcny_per_mwh
from scenarios.machines import generations, pods
from scenarios.scope import BLOCK_NAMES, Scope
from scenarios.work import demand_eflops, jobs

STANDS_ON = {
    "coverage": ("service", "hosting"),
    "cooperation": ("hosting",),
    "delivery": ("hosting",),
    "credit": ("hosting", "green"),
}
SECTIONS = ("storage", "peak_shaving", "cooperation", "expansion")
"""Blocks that need a section of the same name once they are switched on."""
NEEDED = ("fleet", "facility", "grid")
"""Without machines, facilities and a grid there is nothing to dispatch."""
INPUTS: tuple[Callable[[Scope], object], ...] = (demand_eflops, jobs, energy_kcny_per_mwh, capacity_frac)
"""What reads the user's files."""


def check(scope: Scope) -> None:
    """Raise InputError with every fault; those that rest on sound names and facts are sought once these are."""
    faults = [
        *_unknown_names(scope),
        *_wrong_blocks(scope),
        *_unknown_figures(scope),
        *_least_time_beyond_horizon(scope),
    ]
    try:
        _ = scope.facts
    except InputError as error:
        faults += error.faults
    else:
        faults += _shares_above_one(scope) if not faults else []
    if not faults:
        faults += [*_out_of_reach(scope), *_wrong_instruments(scope), *_faulty_inputs(scope)]
    if faults:
        raise InputError(faults)


def _unknown_names(scope: Scope) -> Iterator[Fault]:
    given, base = scope.scenario.scope, scope.base
    known = {
        "regions": list(base.regions.index),
        "clusters": list(base.clusters.index),
        "local_sites": list(given.regions or base.regions.index),
    }
    for kind, names in given.model_dump().items():
        path = ("scope", kind)
        for name, count in Counter(names).items():
            if name not in known[kind]:
                found = f"scope.{kind} names '{name}'"
                yield scope.fault(path, found, "it must be one that exists", nearest(name, known[kind]))
            if count > 1:
                found = f"scope.{kind} names '{name}' {count} times"
                yield scope.fault(path, found, "what takes part is named once", "remove the others")


def _wrong_blocks(scope: Scope) -> Iterator[Fault]:
    given = scope.scenario.blocks
    for name, on in given.items():
        if name not in BLOCK_NAMES:
            rule, mend = "[blocks] switches blocks that exist", nearest(name, BLOCK_NAMES)
            yield scope.fault(("blocks", name), f"block '{name}' is not known", rule, mend)
        elif name in NEEDED and not on:
            rule = "machines, facilities and the grid are always there"
            yield scope.fault(("blocks", name), f"block '{name}' is left out", rule, "remove this key")
        elif on and name in SECTIONS and getattr(scope.scenario, name) is None:
            rule, mend = f"block '{name}' needs its section", f"add [{name}], or inherit it from '_national'"
            yield scope.fault(("blocks", name), f"[{name}] is missing", rule, mend)
    for name, needs in STANDS_ON.items():
        for other in needs:
            if name in scope.blocks and other in BLOCK_NAMES and other not in scope.blocks:
                rule = f"block '{name}' stands on block '{other}'"
                yield scope.fault(
                    ("blocks", other), f"block '{other}' is left out", rule, f"leave out '{name}' as well"
                )


def _least_time_beyond_horizon(scope: Scope) -> Iterator[Fault]:
    min_up_h, horizon = scope.scenario.fleet.min_up_h, scope.horizon
    if horizon.cyclic and min_up_h > horizon.hours:
        found = f"a pod stays on for {min_up_h} h in a cyclic horizon of {horizon.hours} h"
        rule = "a least time fits the horizon that repeats"
        yield scope.fault(
            ("fleet", "min_up_h"), found, rule, "lower it, lengthen the horizon, or set horizon.cyclic = false"
        )


def _unknown_figures(scope: Scope) -> Iterator[Fault]:
    scenario = scope.scenario
    job_figures = {"trace": ("job_quantiles", "trace"), "slack": ("deadline_tolerance", "kind")}
    named = [
        *((("services", k, "shape"), v.shape, "inference_shape", None) for k, v in scenario.services.items()),
        *((("batches", b, "shape"), v.shape, "batch_arrivals", None) for b, v in scenario.batches.items()),
        *((("jobs", key), getattr(scenario.jobs, key), *source) for key, source in job_figures.items()),
    ]
    for path, name, table, column in named:
        known = figures.shapes(table) if column is None else sorted(set(figures.table(table)[column]))
        if name not in known:
            rule = f"it must stand in scenarios/data/{table}.csv"
            yield scope.fault(path, f"{path[-1]} '{name}' is not known", rule, nearest(name, known))


def _shares_above_one(scope: Scope) -> Iterator[Fault]:
    total, changed = sum(scope.demand_share_frac.values()), scope.scenario.facts.get("regions", {})
    if total > 1 + 1e-9 and any("demand_share_frac" in quantities for quantities in changed.values()):
        found = f"demand_share_frac of the {len(scope.regions)} regions that take part sums to {total:.6g}"
        rule = "shares of the nation's demand sum to at most 1"
        yield scope.fault(("facts", "regions"), found, rule, "lower the shares, or raise demand.scale_ratio")


def _out_of_reach(scope: Scope) -> Iterator[Fault]:
    if "service" not in scope.blocks:
        return
    rule = "every region must have a site within a class's latency limit"
    for name, spec in scope.scenario.services.items():
        for region in scope.regions:
            rtt_ms = min(ways[0].rtt_ms for (r, _), ways in scope.routes.items() if r == region)
            if rtt_ms > spec.rtt_limit_ms:
                found = f"class '{name}' allows {spec.rtt_limit_ms:g} ms and the nearest site of '{region}' is"
                mend = "raise the limit, or give the region a local site"
                yield scope.fault(("services", name, "rtt_limit_ms"), f"{found} {rtt_ms:.1f} ms away", rule, mend)


def _faulty_inputs(scope: Scope) -> Iterator[Fault]:
    for read in INPUTS:
        try:
            read(scope)
        except InputError as error:
            yield from error.faults


def _wrong_instruments(scope: Scope) -> Iterator[Fault]:
    """Names in positions and expansion, and clusters that owe more than their machines can do."""
    scenario = scope.scenario
    if scenario.expansion and scenario.expansion.generation not in scope.facts.pods.index:
        name, rule = scenario.expansion.generation, "a new pod is of a generation that exists"
        mend = nearest(name, [str(g) for g in scope.facts.pods.index])
        yield scope.fault(("expansion", "generation"), f"generation '{name}' is not known", rule, mend)
    sound = True
    for name, spec in scenario.delivery.positions.items():
        here = True
        for kind, given, known in (("cluster", spec.cluster, scope.clusters), ("region", spec.region, scope.regions)):
            if given not in known:
                sound = here = False
                found, rule = (
                    f"{kind} '{given}' is not known",
                    "a position is between a cluster and a region of the scenario",
                )
                yield scope.fault(("delivery", "positions", name, kind), found, rule, nearest(given, known))
        if here and (spec.region, spec.cluster) not in scope.routes:
            found = f"region '{spec.region}' cannot use cluster '{spec.cluster}'"
            rule = "a position is between a region and a cluster it can reach"
            mend = "name another cluster, or set network.reach = 'nation'"
            yield scope.fault(("delivery", "positions", name, "cluster"), found, rule, mend)
    if scenario.delivery.positions and "delivery" not in scope.blocks:
        found, rule = "positions are given and block 'delivery' is off", "what is given is used"
        first = next(iter(scenario.delivery.positions))
        yield scope.fault(
            ("delivery", "positions", first), found, rule, "set blocks.delivery = true, or remove the positions"
        )
    yield from _oversold(scope) if sound else ()


def _oversold(scope: Scope) -> Iterator[Fault]:
    installed, _ = pods(scope)
    made, owed = generations(scope), positions(scope)
    for cluster, row in zip(scope.clusters, installed, strict=True):
        usable = sum(n * g.usable_eflops for n, g in zip(row, made, strict=True))
        sold = [p for p in owed if p.cluster == cluster]
        most = float(np.sum([p.quantity_eflops for p in sold], axis=0).max()) if sold else 0.0
        if most > usable:
            found = f"positions on '{cluster}' add up to {most:g} EFLOPS"
            rule = f"a cluster sells no more than its machines can do ({usable:.4g} EFLOPS)"
            yield scope.fault(("delivery", "positions", sold[-1].name), found, rule, "lower the quantities")
