"""Machines of the clusters: pod generations as the scenario prices them, and how many pods of each stand where."""

from __future__ import annotations

import numpy as np

from hubs import scaled_capacity
from scenarios.case import Generation, Ints
from scenarios.scope import Scope

_POD = ("pod_eflops", "idle_mw", "peak_mw", "start_kcny", "usable_frac")


def generations(scope: Scope) -> tuple[Generation, ...]:
    """Pod generations in the order of the facts, their capital as an annuity pro-rated to the horizon."""
    fleet, rate = scope.scenario.fleet, scope.scenario.fleet.discount_frac
    made = []
    for name, row in scope.facts.pods.iterrows():
        lighting_kcny = float(row["capital_kcny"] * annuity_frac(rate, row["life_years"]) * scope.horizon.year_frac)
        pod_eflops, idle_mw, peak_mw, start_kcny, usable_frac = (float(row[q]) for q in _POD)
        made.append(
            Generation(str(name), pod_eflops, idle_mw, peak_mw, start_kcny, lighting_kcny, usable_frac, fleet.min_up_h)
        )
    return tuple(made)


def annuity_frac(rate: float, years: float) -> float:
    """Yearly payment per unit of capital that repays it with interest over its life."""
    return rate / (1 - (1 + rate) ** -years) if rate else 1 / years


def pods(scope: Scope) -> tuple[Ints, Ints]:
    """(c, g) whole pods installed, and (c, g) vacant racks that may be lit."""
    capacity_eflops = scaled_capacity(scope.facts)["capacity_eflops"]
    occupancy_frac, share_frac = scope.facts.clusters["occupancy_frac"], scope.facts.fleet["share_frac"]
    made = generations(scope)
    installed = np.array(
        [
            [round(capacity_eflops.loc[c] * share_frac.loc[(c, g.name)] / g.pod_eflops) for g in made]
            for c in scope.clusters
        ]
    ).reshape(len(scope.clusters), len(made))
    empty = np.array([1 / max(occupancy_frac.loc[c], 0.05) - 1 for c in scope.clusters])
    vacant = np.floor(installed * empty[:, None]).astype(np.int64)
    filled = np.floor(vacant * scope.scenario.fleet.vacancy_filled_frac).astype(np.int64)
    return installed + filled, vacant - filled


def capital_counted(scope: Scope) -> tuple[str, ...]:
    """Clusters whose installed pods are charged their capital when used."""
    where = scope.scenario.fleet.capital_counted
    return tuple(c for c in scope.clusters if where in ("all", scope.zone_of(c)))
