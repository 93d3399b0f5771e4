"""Coalitions of territories: who may use whose sites, and what a coalition saves.

A player is a hub with its territory: its clusters, the regions whose nearest cluster is one of its own, and the local
sites of those regions. Within a coalition work may be sent to every site of a member; all others serve themselves.
Its value is what the nation saves, v(S) = C(nobody) - C(S), C being the least cost of one programme in which the
columns that carry work across a closed border are bounded at zero. One player alone opens no border: v is zero.

A plan of a coalition is a plan of every larger one, and a bound of a coalition holds for every smaller one. Costs and
bounds are closed under both before values are formed, so that values never fall as a coalition grows, gap or no gap.

Assumed: outsiders go on using the shared backbone. Where its links are full, the gains of two coalitions may exclude
one another, and superadditivity may fail for another reason than gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.market.games import MOST_PLAYERS, Game, from_arrays
from optimizer.solve.compile import Program
from optimizer.solve.engine import Columns
from scenarios.case import Case, Floats, Ints

Ends = Callable[[Any], tuple[str, str]]


@dataclass(frozen=True)
class Territories:
    """`players` are the hubs of a case; `region` and `site` say to which of them each belongs, by position."""

    players: tuple[str, ...]
    region: dict[str, int]
    site: dict[str, int]

    @property
    def n(self) -> int:
        return len(self.players)

    def names(self, mask: int) -> tuple[str, ...]:
        """Members of a coalition given as a bitmask."""
        return tuple(player for bit, player in enumerate(self.players) if mask >> bit & 1)


@dataclass(frozen=True)
class Borders:
    """Columns that send work from one territory to another: (b,) columns, and the territory at each end."""

    columns: Columns
    origin: Ints
    host: Ints


def territories(case: Case) -> Territories:
    """The territories of a case: a region belongs to the hub of the cluster with the shortest round trip to it.

    A province that only hosts a cluster belongs to that cluster's hub. InputError for a region that reaches no
    cluster, and for more hubs than a game may have players.
    """
    players = tuple(dict.fromkeys(case.site_hub.values()))
    faults = []
    if not 1 <= len(players) <= MOST_PLAYERS:
        found, rule = f"there are {len(players)} hubs", f"benefits are shared by 1 to {MOST_PLAYERS} hubs"
        faults.append(Fault("scenario", None, "scope.clusters", found, rule, "choose fewer clusters"))
    rank = {hub: position for position, hub in enumerate(players)}
    region = {case.site_region[cluster]: rank[hub] for cluster, hub in case.site_hub.items()}
    for r in case.regions:
        reached = [(case.routes[r, c][0].rtt_ms, c) for c in case.clusters if (r, c) in case.routes]
        if reached:
            region[r] = rank[case.site_hub[min(reached)[1]]]
        else:
            found, rule = f"region '{r}' reaches no cluster", "a region belongs to the hub of its nearest cluster"
            faults.append(Fault("scenario", None, "scope.regions", found, rule, "add a cluster or drop the region"))
    if faults:
        raise InputError(faults)
    site = {s: rank[case.site_hub[s]] if s in case.site_hub else region[case.site_region[s]] for s in case.sites}
    return Territories(players, region, site)


def borders(program: Program, case: Case, lands: Territories) -> Borders:
    """The columns of a programme that send work across the border of two territories."""
    region_of_job = {job.name: job.region for job in case.jobs}
    ends: dict[str, Ends] = {
        "service.share_frac": lambda member: (member[0], member[2]),
        "service.open_site": lambda member: (member[0], member[2]),
        "batch.assign_eflopsh": lambda member: (member[0], member[2]),
        "jobs.start": lambda member: (region_of_job[member[0]], member[1]),
        "hosting.hosted_eflopsh": lambda member: (member[0], member[1]),
    }
    found = []
    for variable, ends_of in ends.items():
        columns = program.variables.get(variable, np.zeros(0, dtype=np.int64))
        for member, column in zip(program.index.get(variable, ()), columns.tolist(), strict=True):
            region, site = ends_of(member)
            if column >= 0 and lands.region[region] != lands.site[site]:
                found.append((column, lands.region[region], lands.site[site]))
    return Borders(*np.array(found, dtype=np.int64).reshape(-1, 3).T)


def closed(program: Program, edges: Borders, mask: int) -> Program:
    """The programme when only the members of a coalition may use one another's sites."""
    is_open = (mask >> edges.origin & 1) & (mask >> edges.host & 1)
    upper = program.upper.copy()
    upper[edges.columns[is_open == 0]] = 0.0
    return replace(program, upper=upper)


def structures(n: int) -> list[int]:
    """Coalitions with programmes of their own: nobody, and all of two or more; the largest first, as they take longest.

    Players alone open no border, so that each of them is as good as nobody.
    """
    return sorted((mask for mask in range(1 << n) if mask.bit_count() != 1), key=lambda mask: (-mask.bit_count(), mask))


def everywhere(n: int, values: dict[int, float]) -> Floats:
    """(2**n,): a number of every structure as one of every coalition; a player alone has that of nobody."""
    return np.array([values[mask if mask.bit_count() != 1 else 0] for mask in range(1 << n)])


def closed_costs(cost_kcny: Floats) -> Floats:
    """(2**n,): the least cost among a coalition and its parts: a plan of a part is a plan of the whole."""
    least = cost_kcny.copy()
    for bit in _bits(least):
        smaller, larger = _halves(least, bit)
        np.minimum(larger, smaller, out=larger)
    return least


def closed_bounds(bound_kcny: Floats) -> Floats:
    """(2**n,): the highest bound among a coalition and those that hold it: it can cost no less than they do."""
    most = bound_kcny.copy()
    for bit in _bits(most):
        smaller, larger = _halves(most, bit)
        np.maximum(smaller, larger, out=smaller)
    return most


def cheapest_part(cost_kcny: Floats, mask: int) -> int:
    """The part of a coalition (itself before others) whose plan costs least."""
    parts = [part for part in range(mask, -1, -1) if part & mask == part]
    return min(parts, key=lambda part: float(cost_kcny[part]))


def saving_game(players: tuple[str, ...], cost_kcny: Floats, bound_kcny: Floats) -> Game:
    """The game of savings, from the best cost found and the proved bound of every coalition (2**n,) each.

    `value` compares the plans found; `low` grants nobody his bound, `high` the coalition its own. Savings are never
    negative, and exactly zero for nobody and for a player alone, whatever the gaps.
    """
    cost = closed_costs(cost_kcny)
    bound = np.minimum(closed_bounds(bound_kcny), cost)
    value, low, high = cost[0] - cost, np.maximum(0.0, bound[0] - cost), cost[0] - bound
    alone = [0, *(1 << bit for bit in range(len(players)))]
    for array in (value, low, high):
        array[alone] = 0.0
    return from_arrays(players, value, low, high)


def _bits(values: Floats) -> Iterable[int]:
    return range(values.size.bit_length() - 1)


def _halves(values: Floats, bit: int) -> tuple[Floats, Floats]:
    """Views of the coalitions without a player and of the same coalitions with him."""
    pairs = values.reshape(-1, 2, 1 << bit)
    return pairs[:, 0], pairs[:, 1]
