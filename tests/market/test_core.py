"""Core, least core and nucleolus: textbook games, certificates, random search and public packages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hubs.errors import InputError
from optimizer.market.core import core_check, excesses_kcny, least_core, nucleolus, prenucleolus
from optimizer.market.games import Game, from_arrays, membership
from scenarios.case import Floats
from tests.market.textbook import (
    airport,
    bankruptcy,
    convex,
    essential_games,
    games,
    glove,
    permuted,
    talmud,
    with_dummy,
)

CLAIMS = [100.0, 200.0, 300.0]


@pytest.mark.parametrize(
    ("estate", "awards"), [(100, [100 / 3, 100 / 3, 100 / 3]), (200, [50, 75, 75]), (300, [50, 100, 150])]
)
def test_the_nucleolus_divides_the_estate_as_the_talmud_does(estate: float, awards: list[float]) -> None:
    assert np.allclose(nucleolus(bankruptcy(estate, CLAIMS)).payoff_kcny, awards, atol=1e-10)


@given(claims=st.lists(st.integers(1, 100), min_size=2, max_size=6), part=st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_the_nucleolus_of_any_bankruptcy_is_the_talmud_rule(claims: list[int], part: float) -> None:
    """Aumann & Maschler (1985), theorem D."""
    owed = np.array(claims, dtype=float)
    estate = part * float(owed.sum())
    found = nucleolus(bankruptcy(estate, owed.tolist())).payoff_kcny
    assert np.allclose(found, talmud(estate, owed), atol=1e-8)


def airport_nucleolus(costs: Floats) -> Floats:
    """Cost shares of aircraft in rising order of cost, by groups (Littlechild 1974)."""
    n, share, start, before = len(costs), np.zeros(len(costs)), 0, 0.0
    while start < n:
        reached = costs[start - 1] if start else 0.0
        rates = [(before + costs[i] - reached) / (i - start + 2) for i in range(start, n - 1)]
        rates.append((before + costs[-1] - reached) / (n - start))
        last = start + max(place for place, rate in enumerate(rates) if rate <= min(rates) + 1e-12)
        before = min(rates)
        share[start : last + 1] = before
        start = last + 1
    return share


@given(costs=st.lists(st.integers(1, 50), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_nucleolus_of_airports(costs: list[int]) -> None:
    rising = np.sort(np.array(costs, dtype=float))
    paid = rising - nucleolus(airport(rising.tolist())).payoff_kcny
    assert np.allclose(paid, airport_nucleolus(rising), atol=1e-8)


def test_glove_games() -> None:
    scarce = glove(1, 2)
    assert np.allclose(nucleolus(scarce).payoff_kcny, [1, 0, 0], atol=1e-10)
    assert core_check(scarce, np.array([1.0, 0, 0])).verdict == "in"
    shapley = core_check(scarce, np.array([2 / 3, 1 / 6, 1 / 6]))
    assert shapley.verdict == "out"
    assert shapley.worst in (("a", "b"), ("a", "c"))
    assert shapley.excess_kcny == pytest.approx(1 / 6)
    assert np.allclose(nucleolus(glove(2, 2)).payoff_kcny, 0.5, atol=1e-10)


def test_the_least_core_of_simple_majority_is_one_third() -> None:
    majority = from_arrays("abc", np.array([0.0, 0, 0, 1, 0, 1, 1, 1]))
    found = least_core(majority)
    assert found.excess_kcny == pytest.approx(1 / 3, abs=1e-9)
    assert np.allclose(found.payoff_kcny, 1 / 3, atol=1e-9)
    assert core_check(majority, found.payoff_kcny).verdict == "out"


@given(g=games())
@settings(max_examples=60, deadline=None)
def test_the_least_core_attains_what_no_division_beats(g: Game) -> None:
    """The dual bound: the best balanced collection of proper coalitions (Bondareva-Shapley)."""
    found = least_core(g)
    proper = slice(1, g.everyone)
    assert found.payoff_kcny.sum() == pytest.approx(g.total, abs=1e-7)
    assert excesses_kcny(g, found.payoff_kcny)[proper].max() == pytest.approx(found.excess_kcny, abs=1e-7)
    rows = membership(g.n)[proper]
    # Weights summing to one whose coalitions cover every player alike: their mean excess is the same for all divisions.
    cover = np.vstack([np.column_stack([rows.T, -np.ones(g.n)]), [*np.ones(len(rows)), 0.0]])
    worth = np.append(g.value[proper], -g.total)
    bound = linprog(-worth, A_eq=cover, b_eq=[*np.zeros(g.n), 1.0])
    assert found.excess_kcny == pytest.approx(worth @ bound.x, abs=1e-7)


def ranked(g: Game, payoff: Floats) -> Floats:
    return np.sort(excesses_kcny(g, payoff)[1 : g.everyone])[::-1]


def precedes(first: Floats, second: Floats, tolerance: float = 1e-7) -> bool:
    """Whether the first sorted excesses are not after the second in dictionary order."""
    apart = np.flatnonzero(np.abs(first - second) > tolerance)
    return not apart.size or bool(first[apart[0]] < second[apart[0]])


@given(g=essential_games(2, 4), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_no_imputation_has_smaller_excesses_in_dictionary_order(g: Game, seed: int) -> None:
    best, rng = nucleolus(g).payoff_kcny, np.random.default_rng(seed)
    assert best.sum() == pytest.approx(g.total, abs=1e-8)
    assert (best >= g.alone - 1e-8).all()
    far = g.alone + rng.dirichlet(np.ones(g.n), 100) * (g.total - g.alone.sum())
    near = best + 10.0 ** rng.uniform(-4, 0, (100, 1)) * (far - best)
    for other in np.concatenate([far, near]):
        assert precedes(ranked(g, best), ranked(g, other))


@given(g=games(2, 4), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_no_division_at_all_beats_the_prenucleolus(g: Game, seed: int) -> None:
    found, rng = prenucleolus(g), np.random.default_rng(seed)
    assert found.rounds <= max(1, g.n - 1)  # each round decides something new
    best = found.payoff_kcny
    steps = rng.normal(0, 1, (200, g.n)) * 10.0 ** rng.uniform(-4, 1, (200, 1))
    for step in steps - steps.mean(axis=1, keepdims=True):
        assert precedes(ranked(g, best), ranked(g, best + step))


def balanced(rows: Floats, tolerance: float = 1e-9) -> bool:
    """Whether all coalitions (rows) take part in covering every player equally, each with a positive weight."""
    n = rows.shape[1]
    for row in range(len(rows)):
        cost = np.zeros(len(rows))
        cost[row] = -1.0
        result = linprog(cost, A_eq=rows.T, b_eq=np.ones(n))
        if result.x is None or result.x[row] <= tolerance:
            return False
    return True


@given(g=games(3, 5))
@settings(max_examples=40, deadline=None)
def test_kohlbergs_certificate_of_the_prenucleolus(g: Game) -> None:
    """Kohlberg (1971): at every level, the coalitions with at least that excess are a balanced collection."""
    excess = excesses_kcny(g, prenucleolus(g).payoff_kcny)[1 : g.everyone]
    rows = membership(g.n)[1 : g.everyone]
    levels = sorted(set(np.round(excess, 7)), reverse=True)
    for level in levels:
        chosen = rows[excess >= level - 1e-6]
        assert balanced(chosen)
        if np.linalg.matrix_rank(chosen) == g.n:
            break


@given(seed=st.integers(0, 10_000), n=st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_the_nucleolus_is_in_the_core_when_there_is_one(seed: int, n: int) -> None:
    g = convex(n, np.random.default_rng(seed))
    found = nucleolus(g)
    assert core_check(g, found.payoff_kcny).verdict == "in"
    assert least_core(g).excess_kcny <= 1e-9
    assert np.allclose(found.payoff_kcny, prenucleolus(g).payoff_kcny, atol=1e-8)
    assert (np.diff(found.levels_kcny) < 1e-9).all()


@given(g=essential_games(2, 5), shift=st.integers(-20, 20), factor=st.integers(1, 1000), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_the_nucleolus_moves_with_the_game(g: Game, shift: int, factor: int, seed: int) -> None:
    """Covariance, anonymity and dummies."""
    best, inside = nucleolus(g).payoff_kcny, membership(g.n)
    gifts = shift * np.arange(1, g.n + 1)
    moved = from_arrays(g.players, factor * g.value + inside @ gifts)
    assert np.allclose(nucleolus(moved).payoff_kcny, factor * best + gifts, atol=1e-7 * factor)
    order = np.random.default_rng(seed).permutation(g.n)
    assert np.allclose(nucleolus(permuted(g, order.tolist())).payoff_kcny, best[order], atol=1e-8)
    assert np.allclose(nucleolus(with_dummy(g, 3.0)).payoff_kcny, [*best, 3.0], atol=1e-8)


def test_a_public_package_finds_the_same_nucleoli() -> None:
    coopgame = pytest.importorskip("coopgame", reason="test-only peer: pip install coopgame-py")
    rng, floors_bind = np.random.default_rng(7), 0
    for trial in range(120):
        n = 2 + trial % 7  # up to eight players
        value = rng.normal(0, 1e4, 1 << n) if trial % 2 else rng.integers(0, 8, 1 << n).astype(float)
        value[0], size = 0.0, max(1.0, float(np.abs(value).max()))
        g = from_arrays("abcdefgh"[:n], value)
        theirs = coopgame.prenucleolus(coopgame.Game(value[1:].tolist()))["allocation"]
        assert np.allclose(prenucleolus(g).payoff_kcny, theirs, atol=1e-8 * size)
        value[-1] = max(g.total, float(g.alone.sum()) + 0.1 * size)
        g = from_arrays("abcdefgh"[:n], value)
        theirs = coopgame.nucleolus(coopgame.Game(value[1:].tolist()))["allocation"]
        assert np.allclose(nucleolus(g).payoff_kcny, theirs, atol=1e-8 * size)
        floors_bind += not np.allclose(prenucleolus(g).payoff_kcny, theirs, atol=1e-6 * size)
    assert floors_bind > 20


def test_an_exact_rational_solver_finds_the_same_nucleolus() -> None:
    coopgame = pytest.importorskip("coopgame", reason="test-only peer: pip install coopgame-py")
    rng = np.random.default_rng(8)
    for _ in range(20):
        value = rng.integers(0, 30, 32)
        value[0], value[-1] = 0, 150
        theirs = coopgame.nucleolus_exact([int(v) for v in value[1:]], "imputation", "binary")["allocation"]
        g = from_arrays("abcde", value.astype(float))
        assert np.allclose(nucleolus(g).payoff_kcny, [float(share) for share in theirs], atol=1e-10)


def test_eight_players_with_values_of_any_size() -> None:
    rng = np.random.default_rng(1)
    g = convex(8, rng)
    small, large = from_arrays(g.players, 1e-6 * g.value), from_arrays(g.players, 1e8 * g.value)
    best = nucleolus(g)
    assert best.rounds <= 7
    assert np.allclose(nucleolus(small).payoff_kcny, 1e-6 * best.payoff_kcny, rtol=1e-9)
    assert np.allclose(nucleolus(large).payoff_kcny, 1e8 * best.payoff_kcny, rtol=1e-9)


def test_games_without_gain_and_games_of_one() -> None:
    alone = np.array([3.0, 4.0, 5.5])
    inessential = from_arrays("abc", membership(3) @ alone)
    assert np.allclose(nucleolus(inessential).payoff_kcny, alone, atol=1e-12)
    single = from_arrays("a", np.array([0.0, 7.0]))
    assert nucleolus(single).payoff_kcny.tolist() == [7.0]
    assert core_check(single, np.array([7.0])).verdict == "in"
    assert core_check(single, np.array([6.0])).verdict == "out"


def test_without_imputations_there_is_only_a_prenucleolus() -> None:
    poor = from_arrays("ab", np.array([0.0, 3.0, 4.0, 6.0]))
    with pytest.raises(InputError, match="standing alone is worth 1 kCNY more in sum than everyone together"):
        nucleolus(poor)
    assert np.allclose(prenucleolus(poor).payoff_kcny, [2.5, 3.5], atol=1e-10)


def test_core_membership_with_gaps() -> None:
    value = np.array([0.0, 1.0, 1.0, 5.0])
    gap = np.array([0, 0.5, 0, 0])
    g = from_arrays("ab", value, value - gap, value + gap)
    assert core_check(g, np.array([2.0, 3.0])).verdict == "in"
    assert core_check(g, np.array([1.2, 3.8])).verdict == "undecided"
    out = core_check(g, np.array([0.4, 4.6]))
    assert (out.verdict, out.worst) == ("out", ("a",))
    assert out.excess_kcny == pytest.approx(0.6)
    unshared = core_check(g, np.array([2.0, 2.0]))
    assert (unshared.verdict, unshared.unshared_kcny) == ("out", 1.0)
