"""Cooperative games with transferable money: a value for every coalition, its properties, and rules to share it.

v(S) is what the members of S can have together without the others (here: the value of their best dispatch), more being
better; v of nobody is zero. Coalitions are bitmasks: player i is bit i. Where an optimum is proved only within a gap,
v(S) is known between `low` and `high`, with `value` the best found; results say what holds for all values in between.
Assumed: money moves freely between players and outsiders do not change what a coalition can have.

Sources: Shapley (1953), "A value for n-person games"; Nash (1950), "The bargaining problem".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np

from hubs.errors import Fault, InputError
from scenarios.case import Floats

MOST_PLAYERS = 16


@dataclass(frozen=True, eq=False)
class Game:
    """n players and 2**n coalition values by bitmask, kCNY; `low` <= `value` <= `high`, equal where exact."""

    players: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats

    @property
    def n(self) -> int:
        return len(self.players)

    @property
    def everyone(self) -> int:
        """Bitmask of the grand coalition."""
        return (1 << self.n) - 1

    @property
    def exact(self) -> bool:
        return bool((self.low == self.high).all())

    @property
    def alone(self) -> Floats:
        """(n,) values of standing alone."""
        return np.asarray(self.value[1 << np.arange(self.n)])

    @property
    def total(self) -> float:
        """Value of the grand coalition."""
        return float(self.value[-1])

    def names(self, mask: int) -> tuple[str, ...]:
        """Members of a coalition, in the order of the players."""
        return tuple(player for bit, player in enumerate(self.players) if mask >> bit & 1)


@dataclass(frozen=True)
class Violation:
    """Two coalitions that break a property by `size_kcny`; `certain` if no values within the gaps would mend it."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    size_kcny: float
    gap_kcny: float
    """By how much the size could shrink within the intervals of the coalitions involved."""

    @property
    def certain(self) -> bool:
        return self.size_kcny > self.gap_kcny


def game(players: Sequence[str], values: Mapping[frozenset[str], float | tuple[float, float, float]]) -> Game:
    """A game from a value, or (low, value, high), for every non-empty coalition; that of nobody may be left out.

    InputError for a coalition that is missing or unknown, and as `from_arrays`.
    """
    bits = {player: 1 << bit for bit, player in enumerate(players)}
    known = {frozenset(p for p in players if mask & bits[p]): mask for mask in range(1 << len(players))}
    strange = [sorted(coalition) for coalition in values if coalition not in known]
    absent = [sorted(coalition) for coalition in known if coalition and coalition not in values]
    faults = [_fault(f"coalition {names} is of unknown players", "coalitions are of the players") for names in strange]
    faults += [_fault(f"coalition {names} has no value", "every coalition has a value") for names in absent]
    if faults:
        raise InputError(faults)
    table = np.zeros((3, len(known)))
    for coalition, value in values.items():
        table[:, known[coalition]] = value
    return from_arrays(players, table[1], table[0], table[2])


def from_arrays(players: Sequence[str], value: Floats, low: Floats | None = None, high: Floats | None = None) -> Game:
    """A game from values by bitmask (2**n,), and their intervals if they are not exact.

    InputError for no or too many players, a name used twice, arrays of another length or not finite, an interval that
    does not hold its value, or a value of nobody that is not zero.
    """
    arrays = [np.array(value if array is None else array, dtype=float) for array in (value, low, high)]
    size = (1 << len(players),)
    faults = []
    if not 1 <= len(players) <= MOST_PLAYERS or len(set(players)) < len(players):
        faults.append(_fault(f"the players are {list(players)}", f"there are 1 to {MOST_PLAYERS}, all different"))
    elif any(array.shape != size or not np.isfinite(array).all() for array in arrays):
        shapes = sorted({str(array.shape) for array in arrays})
        faults.append(_fault(f"values have the shapes {', '.join(shapes)}", f"there are {size[0]} finite values"))
    elif any(array[0] for array in arrays):
        faults.append(_fault(f"the value of nobody is {arrays[0][0]:.6g}", "nobody has nothing"))
    elif not ((arrays[1] <= arrays[0]) & (arrays[0] <= arrays[2])).all():
        faults.append(_fault("an interval does not hold its value", "low <= value <= high"))
    if faults:
        raise InputError(faults)
    for array in arrays:
        array.setflags(write=False)
    return Game(tuple(players), *arrays)


def membership(n: int) -> Floats:
    """(2**n, n): 1 where the player is in the coalition."""
    return np.asarray((np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(float))


def shapley_weights(n: int) -> Floats:
    """(n, 2**n): the Shapley value as a linear map of the coalition values."""
    inside = membership(n)
    size = inside.sum(axis=1).astype(int)
    joins = np.array([factorial(s - 1) * factorial(n - s) / factorial(n) if s else 0.0 for s in range(n + 1)])
    stays_out = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) if s < n else 0.0 for s in range(n + 1)])
    weights = np.where(inside > 0, joins[size][:, None], -stays_out[size][:, None])
    return np.asarray(weights.T)


def shapley_kcny(game: Game) -> Floats:
    """(n,) each player's marginal value, averaged over all orders of arrival. Source: Shapley (1953)."""
    return np.asarray(shapley_weights(game.n) @ game.value)


def shapley_interval_kcny(game: Game) -> Floats:
    """(n, 2) least and most Shapley value of each player over all games within the gaps; exact, as it is linear."""
    weights = shapley_weights(game.n)
    gains, costs = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
    return np.column_stack([gains @ game.low + costs @ game.high, gains @ game.high + costs @ game.low])


def equal_gain_kcny(game: Game) -> Floats:
    """(n,) standing alone, plus an equal part of what everyone together has more than that (or less: then a loss)."""
    return np.asarray(game.alone + (game.total - game.alone.sum()) / game.n)


def nash_bargaining_kcny(
    game: Game, disagreement_kcny: Floats | None = None, weight_frac: Floats | None = None
) -> Floats:
    """(n,) the split of v(N) that maximises the product of gains over disagreement, each to the power of its weight.

    With transferable money and equal weights its solution *is* the equal gain: the frontier is a hyperplane, on which
    the product is greatest where the gains are equal; with weights the gains are in their proportion. Smaller
    coalitions play no part. The disagreement is standing alone unless given. Source: Nash (1950); weighted: Kalai
    (1977). InputError where everyone together has less than in disagreement: then there is nothing to agree on.
    """
    start = game.alone if disagreement_kcny is None else np.asarray(disagreement_kcny, dtype=float)
    weight = np.full(game.n, 1 / game.n) if weight_frac is None else np.asarray(weight_frac, dtype=float)
    if start.shape != (game.n,) or weight.shape != (game.n,) or (weight < 0).any() or weight.sum() <= 0:
        raise InputError([_fault("disagreement or weights do not fit", "one number per player, no weight negative")])
    surplus = game.total - float(start.sum())
    if surplus < 0:
        found = f"everyone together has {-surplus:.6g} kCNY less than in disagreement"
        raise InputError([_fault(found, "a bargain needs something to gain")])
    return np.asarray(start + surplus * weight / weight.sum())


def monotonicity_violations(game: Game, tolerance_kcny: float = 1e-9) -> tuple[Violation, ...]:
    """Every coalition that has less after one more player joins: (coalition, joined coalition), worst first.

    One step at a time suffices: a game that is monotone in single steps is monotone.
    """
    found = []
    for mask in range(1, game.everyone):
        for bit in range(game.n):
            if not mask >> bit & 1:
                joined = mask | 1 << bit
                size = float(game.value[mask] - game.value[joined])
                gap = float(game.value[mask] - game.low[mask] + game.high[joined] - game.value[joined])
                if size > tolerance_kcny:
                    found.append(Violation(game.names(mask), game.names(joined), size, gap))
    return tuple(sorted(found, key=lambda violation: -violation.size_kcny))


def superadditivity_violations(game: Game, tolerance_kcny: float = 1e-9) -> tuple[Violation, ...]:
    """Every pair of disjoint coalitions that has more apart than together, worst first.

    v(S) + v(T) > v(S u T) is impossible for true optima when members may ignore one another, so that a certain
    violation points to a fault of the model, and an uncertain one to a gap that is too wide.
    """
    found = []
    for first, second in _disjoint_pairs(game.everyone):
        both = first | second
        size = float(game.value[first] + game.value[second] - game.value[both])
        if size > tolerance_kcny:
            slack = game.value - game.low
            gap = float(slack[first] + slack[second] + game.high[both] - game.value[both])
            found.append(Violation(game.names(first), game.names(second), size, gap))
    return tuple(sorted(found, key=lambda violation: -violation.size_kcny))


def _disjoint_pairs(everyone: int) -> Iterator[tuple[int, int]]:
    """Each unordered pair of disjoint non-empty coalitions once: the second holds the smaller bitmask."""
    for first in range(1, everyone + 1):
        rest = everyone & ~first
        second = rest
        while second:
            if second < first:
                yield first, second
            second = (second - 1) & rest


def _fault(found: str, rule: str) -> Fault:
    return Fault("game", None, None, found, rule, "correct the game")
