"""Shapley value, bargaining, and properties of games: axioms, textbook numbers, and public packages."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.games import (
    Game,
    equal_gain_kcny,
    from_arrays,
    game,
    monotonicity_violations,
    nash_bargaining_kcny,
    shapley_interval_kcny,
    shapley_kcny,
    superadditivity_violations,
)
from tests.market.textbook import airport, bankruptcy, essential_games, games, glove, permuted, with_dummy


def test_shapley_of_textbook_games() -> None:
    assert np.allclose(shapley_kcny(glove(1, 2)), [2 / 3, 1 / 6, 1 / 6], atol=1e-15)
    costs = np.array([8.0, 11.0, 13.0, 18.0])
    assert np.allclose(costs - shapley_kcny(airport(list(costs))), [2, 3, 4, 9], atol=1e-13)
    # Shapley value of the bankruptcy game: the rule of recursive completion (O'Neill 1982).
    assert np.allclose(shapley_kcny(bankruptcy(200, [100, 200, 300])), [100 / 3, 250 / 3, 250 / 3], atol=1e-12)
    majority = from_arrays("abc", np.array([0.0, 0, 0, 1, 0, 1, 1, 1]))
    assert np.allclose(shapley_kcny(majority), 1 / 3, atol=1e-15)


@given(costs=st.lists(st.floats(0.1, 100), min_size=2, max_size=8))
@settings(max_examples=40, deadline=None)
def test_shapley_of_airports_is_the_sequential_rule(costs: list[float]) -> None:
    """Each stretch of runway is paid equally by those who need it (Littlechild & Owen 1973)."""
    steps, n = sorted(costs), len(costs)
    increments = np.diff(steps, prepend=0.0) / (n - np.arange(n))
    assert np.allclose(np.array(steps) - shapley_kcny(airport(steps)), np.cumsum(increments), atol=1e-9)


@given(one=games(4, 4), other=games(4, 4), factor=st.integers(-3, 3))
@settings(max_examples=60, deadline=None)
def test_shapley_is_efficient_additive_symmetric_and_pays_dummies_their_own(
    one: Game, other: Game, factor: int
) -> None:
    value = shapley_kcny(one)
    assert value.sum() == pytest.approx(one.total, abs=1e-10)
    both = from_arrays(one.players, one.value + factor * other.value)
    assert np.allclose(shapley_kcny(both), value + factor * shapley_kcny(other), atol=1e-10)
    assert np.allclose(shapley_kcny(permuted(one, [2, 0, 3, 1])), value[[2, 0, 3, 1]], atol=1e-10)
    assert np.allclose(shapley_kcny(with_dummy(one, 5.0)), [*value, 5.0], atol=1e-10)


@given(g=games(2, 5))
@settings(max_examples=30, deadline=None)
def test_shapley_is_the_mean_over_all_orders_of_arrival(g: Game) -> None:
    gains = np.zeros(g.n)
    orders = list(permutations(range(g.n)))
    for order in orders:
        mask = 0
        for player in order:
            gains[player] += g.value[mask | 1 << player] - g.value[mask]
            mask |= 1 << player
    assert np.allclose(shapley_kcny(g), gains / len(orders), atol=1e-10)


@given(g=games(2, 5), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_shapley_intervals_hold_every_game_within_the_gaps_and_are_attained(g: Game, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low, high = g.value - rng.uniform(0, 2, g.value.size), g.value + rng.uniform(0, 2, g.value.size)
    low[0] = high[0] = 0.0
    interval = shapley_interval_kcny(from_arrays(g.players, g.value, low, high))
    for _ in range(20):
        inside = shapley_kcny(from_arrays(g.players, rng.uniform(low, high)))
        assert ((interval[:, 0] - 1e-10 <= inside) & (inside <= interval[:, 1] + 1e-10)).all()
    with_first = np.arange(g.value.size) & 1 == 1
    best = shapley_kcny(from_arrays(g.players, np.where(with_first, high, low)))
    assert best[0] == pytest.approx(interval[0, 1], abs=1e-10)


def test_public_packages_find_the_same_shapley_value() -> None:
    coopgame = pytest.importorskip("coopgame", reason="test-only peer: pip install coopgame-py")
    coopgt = pytest.importorskip("coopgt.shapley_value", reason="test-only peer: pip install coopgt")
    rng = np.random.default_rng(11)
    for n in (2, 3, 4, 5):
        value = rng.normal(0, 100, 1 << n)
        value[0] = 0.0
        mine = shapley_kcny(from_arrays("abcde"[:n], value))
        assert np.allclose(mine, coopgame.shapley(coopgame.Game(value[1:].tolist())), atol=1e-9)
        table = {tuple(i + 1 for i in range(n) if mask >> i & 1): float(value[mask]) for mask in range(1 << n)}
        assert np.allclose(mine, coopgt.calculate(table), atol=1e-9)


@given(g=essential_games(), seed=st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_nash_bargaining_maximises_the_product_of_gains(g: Game, seed: int) -> None:
    payoff, surplus = nash_bargaining_kcny(g), g.total - g.alone.sum()
    assert payoff.sum() == pytest.approx(g.total, abs=1e-9)
    assert np.allclose(payoff, equal_gain_kcny(g), atol=1e-9)
    greatest = float(np.prod(payoff - g.alone))
    for other in np.random.default_rng(seed).dirichlet(np.ones(g.n), 50) * surplus:
        assert float(np.prod(other)) <= greatest + 1e-9 * max(1.0, greatest)


def test_weighted_bargaining_is_the_optimum_of_the_weighted_product() -> None:
    g, weight = glove(2, 2), np.array([0.4, 0.3, 0.2, 0.1])
    start = np.array([0.1, -0.2, 0.0, 0.3])
    best = nash_bargaining_kcny(g, start, weight)
    assert best.sum() == pytest.approx(g.total, abs=1e-12)
    # The logarithm of the product is concave: where all slopes agree, no shift between players raises it.
    assert np.ptp(weight / (best - start)) < 1e-12
    for other in np.random.default_rng(0).dirichlet(np.ones(4), 500) * (g.total - start.sum()):
        assert weight @ np.log(other) <= weight @ np.log(best - start) + 1e-12
    assert np.allclose(nash_bargaining_kcny(g, start, 7 * weight), nash_bargaining_kcny(g, start, weight), atol=1e-12)


def test_there_is_no_bargain_without_a_gain() -> None:
    poor = from_arrays("ab", np.array([0.0, 3.0, 4.0, 6.0]))
    with pytest.raises(InputError, match="everyone together has 1 kCNY less than in disagreement"):
        nash_bargaining_kcny(poor)
    assert np.allclose(equal_gain_kcny(poor), [2.5, 3.5])
    with pytest.raises(InputError, match="one number per player"):
        nash_bargaining_kcny(poor, weight_frac=np.ones(3))


@given(g=games(2, 5))
@settings(max_examples=60, deadline=None)
def test_violations_are_those_that_a_search_over_sets_finds(g: Game) -> None:
    values = {frozenset(g.names(mask)): g.value[mask] for mask in range(1 << g.n)}
    sets = [s for s in values if s]
    apart = {
        frozenset([s, t]): values[s] + values[t] - values[s | t]
        for s, t in combinations(sets, 2)
        if not s & t and values[s] + values[t] > values[s | t]
    }
    found = superadditivity_violations(g)
    assert {frozenset([frozenset(v.first), frozenset(v.second)]): v.size_kcny for v in found} == apart
    assert sorted((v.size_kcny for v in found), reverse=True) == [v.size_kcny for v in found]
    monotone = all(values[s] <= values[t] for s in sets for t in sets if s < t)
    assert monotone == (not monotonicity_violations(g))
    assert all(v.certain for v in found)


def test_a_violation_within_the_gaps_is_not_certain() -> None:
    value, both = np.array([0.0, 3.0, 4.0, 6.0]), np.array([0.0, 0.0, 0.0, 1.0])
    low = value - np.array([0, 0.3, 0, 0])
    (wide,) = superadditivity_violations(from_arrays("ab", value, low, value + 0.8 * both))
    assert (wide.first, wide.second) == (("b",), ("a",))
    assert wide.size_kcny == pytest.approx(1.0)
    assert wide.gap_kcny == pytest.approx(1.1)
    assert not wide.certain
    (narrow,) = superadditivity_violations(from_arrays("ab", value, low, value + 0.6 * both))
    assert narrow.certain
    falling = np.array([0.0, 3.0, 4.0, 3.5])
    (drop,) = monotonicity_violations(from_arrays("ab", falling, falling, falling + 0.6 * both))
    assert (drop.first, drop.second, drop.certain) == (("b",), ("a", "b"), False)


def test_games_from_names() -> None:
    a, b, both = frozenset("a"), frozenset("b"), frozenset("ab")
    g = game(("b", "a"), {a: 1.0, b: (1.5, 2.0, 2.5), both: 5.0})
    assert g.value.tolist() == [0, 2, 1, 5]
    assert (g.low[1], g.high[1], g.exact, g.total) == (1.5, 2.5, False, 5.0)
    assert g.names(3) == ("b", "a")
    with pytest.raises(InputError) as error:
        game(("a", "b"), {a: 1.0, frozenset("ac"): 2.0, both: 5.0})
    assert [fault.found for fault in error.value.faults] == [
        "coalition ['a', 'c'] is of unknown players",
        "coalition ['b'] has no value",
    ]


@pytest.mark.parametrize(
    ("players", "value", "low", "message"),
    [
        ("aa", np.zeros(4), None, "all different"),
        ("ab", np.zeros(3), None, "there are 4 finite values"),
        ("ab", np.array([0, 1, np.nan, 2]), None, "there are 4 finite values"),
        ("ab", np.ones(4), None, "nobody has nothing"),
        ("ab", np.array([0.0, 1, 1, 2]), np.array([0.0, 2, 1, 2]), "low <= value <= high"),
        ("", np.zeros(1), None, "there are 1 to 16"),
    ],
)
def test_bad_games_are_refused(players: str, value: np.ndarray, low: np.ndarray | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_arrays(list(players), value, low)
