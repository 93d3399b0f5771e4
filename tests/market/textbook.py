"""Games whose solutions stand in textbooks, and random ones, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from optimizer.market.games import Game, from_arrays, membership
from scenarios.case import Floats


def from_function(n: int, value: Callable[[list[int]], float]) -> Game:
    """A game of players 'a', 'b' ... from a function of the members."""
    values = [0.0, *(value([i for i in range(n) if mask >> i & 1]) for mask in range(1, 1 << n))]
    return from_arrays("abcdefghijkl"[:n], np.array(values))


def glove(left: int, right: int) -> Game:
    """A pair of gloves is worth 1; the first players hold left ones."""
    return from_function(left + right, lambda s: float(min(sum(i < left for i in s), sum(i >= left for i in s))))


def airport(costs: Sequence[float]) -> Game:
    """Savings of sharing one runway that suits the largest aircraft."""
    return from_function(len(costs), lambda s: sum(costs[i] for i in s) - max(costs[i] for i in s))


def bankruptcy(estate: float, claims: Sequence[float]) -> Game:
    """What the others leave of the estate when they are paid in full."""
    return from_function(
        len(claims), lambda s: max(0.0, estate - sum(claim for i, claim in enumerate(claims) if i not in s))
    )


def talmud(estate: float, claims: Floats) -> Floats:
    """The rule of the Talmud: equal awards up to half of the claims, then equal losses (Aumann & Maschler 1985)."""
    half = claims / 2
    if estate <= half.sum():
        return equal_awards(estate, half)
    return np.asarray(claims - equal_awards(claims.sum() - estate, half))


def equal_awards(estate: float, claims: Floats) -> Floats:
    """min(claim, level) with the level at which all of the estate is given out."""
    order, given, left = np.argsort(claims), np.zeros_like(claims), estate
    for place, player in enumerate(order):
        given[player] = min(claims[player], left / (len(claims) - place))
        left -= given[player]
    return given


def convex(n: int, rng: np.random.Generator) -> Game:
    """A convex game: non-negative dividends of coalitions of two and more (its core is never empty)."""
    dividends = np.where(membership(n).sum(axis=1) > 1, rng.integers(0, 5, 1 << n), rng.integers(-3, 4, 1 << n))
    dividends[0] = 0
    masks = np.arange(1 << n)
    inside = (masks[:, None] & masks[None, :]) == masks[None, :]
    return from_arrays("abcdefgh"[:n], inside.astype(float) @ dividends)


@st.composite
def games(draw: st.DrawFn, least: int = 2, most: int = 5) -> Game:
    """Small whole values, so that ties are common."""
    n = draw(st.integers(least, most))
    values = draw(st.lists(st.integers(-10, 20), min_size=(1 << n) - 1, max_size=(1 << n) - 1))
    return from_arrays("abcdefgh"[:n], np.array([0, *values], dtype=float))


@st.composite
def essential_games(draw: st.DrawFn, least: int = 2, most: int = 5) -> Game:
    """Games in which everyone together has at least what all have alone."""
    game = draw(games(least, most))
    value = game.value.copy()
    value[-1] = max(value[-1], game.alone.sum())
    return from_arrays(game.players, value)


def permuted(game: Game, order: Sequence[int]) -> Game:
    """The same game with player order[i] in place i."""
    value = np.zeros_like(game.value)
    for mask in range(1 << game.n):
        old = sum(1 << order[i] for i in range(game.n) if mask >> i & 1)
        value[mask] = game.value[old]
    return from_arrays([game.players[i] for i in order], value)


def with_dummy(game: Game, alone_kcny: float) -> Game:
    """One more player, who brings `alone_kcny` to every coalition and nothing else."""
    return from_arrays([*game.players, "dummy"], np.concatenate([game.value, game.value + alone_kcny]))
