"""Risk measures against their definitions, a linear programme, and textbook numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hubs.errors import InputError
from optimizer.market.risk import cvar_kcny, hedge_effect, mean_cvar_kcny, quantile_kcny, risk
from scenarios.case import Floats


@st.composite
def lotteries(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Losses and their probabilities, with ties."""
    size = draw(st.integers(1, 12))
    losses = np.array(draw(st.lists(st.integers(-50, 50), min_size=size, max_size=size)), dtype=float)
    weights = np.array(draw(st.lists(st.integers(1, 20), min_size=size, max_size=size)), dtype=float)
    return losses, weights / weights.sum()


def cvar_by_programme(loss: Floats, p: Floats, level: float) -> float:
    """min a + sum p u / (1 - level), u >= loss - a, u >= 0."""
    n = loss.size
    cost = np.concatenate([[1.0], p / (1 - level)])
    rows = -np.column_stack([np.ones(n), np.eye(n)])
    return float(cost @ linprog(cost, rows, -loss, bounds=[(None, None), *[(0, None)] * n]).x)


@given(lottery=lotteries(), level=st.sampled_from([0.0, 0.1, 0.5, 0.75, 0.9, 0.95, 0.99]))
@settings(max_examples=200, deadline=None)
def test_cvar_is_the_optimum_of_its_programme(lottery: tuple[Floats, Floats], level: float) -> None:
    loss, p = lottery
    assert cvar_kcny(loss, p, level) == pytest.approx(cvar_by_programme(loss, p, level), abs=1e-7)


@given(lottery=lotteries(), level=st.floats(0.0, 0.99))
@settings(max_examples=200, deadline=None)
def test_cvar_is_coherent(lottery: tuple[Floats, Floats], level: float) -> None:
    loss, p = lottery
    tail = cvar_kcny(loss, p, level)
    assert loss @ p - 1e-9 <= tail <= loss.max() + 1e-9
    assert tail >= quantile_kcny(loss, p, level) - 1e-9
    assert cvar_kcny(3 * loss + 7, p, level) == pytest.approx(3 * tail + 7, abs=1e-9)
    other = np.roll(loss, 1)
    assert cvar_kcny(loss + other, p, level) <= tail + cvar_kcny(other, p, level) + 1e-9


def test_cvar_of_ten_equal_outcomes_by_hand() -> None:
    loss, p = np.arange(1.0, 11.0), np.full(10, 0.1)
    assert cvar_kcny(loss, p, 0.8) == pytest.approx(9.5)  # mean of 9 and 10
    assert cvar_kcny(loss, p, 0.75) == pytest.approx((10 + 9 + 0.5 * 8) / 2.5)  # the atom at 8 counts half
    assert cvar_kcny(loss, p, 0.0) == pytest.approx(5.5)
    assert cvar_kcny(loss, p, 0.9) == pytest.approx(10.0)
    assert cvar_kcny(loss, p, 0.99) == pytest.approx(10.0)
    assert quantile_kcny(loss, p, 0.8) == 8.0  # not 9, although eight tenths add up to less than 0.8 by rounding
    assert quantile_kcny(loss, p, 0.81) == 9.0
    assert quantile_kcny(loss, p, 1.0) == 10.0


def test_the_figures_side_by_side() -> None:
    loss, p = np.array([10.0, 0.0, 20.0]), np.array([0.5, 0.3, 0.2])
    figures = risk(loss, p, 0.9)
    assert figures.mean_kcny == pytest.approx(9.0)
    assert figures.sd_kcny == pytest.approx(7.0)  # 0.5 + 24.3 + 24.2 = 49
    assert (figures.low_kcny, figures.high_kcny) == (0.0, 20.0)
    assert figures.cvar_kcny == pytest.approx(20.0)
    assert mean_cvar_kcny(loss, p, 0.9, 0.25) == pytest.approx(0.75 * 9 + 0.25 * 20)


def test_hedges_full_half_and_none() -> None:
    loss, p = np.array([10.0, 0.0, 20.0]), np.array([0.5, 0.3, 0.2])
    full = hedge_effect(loss, np.full(3, 9.5), p, 0.9)
    assert full.variance_removed_frac == pytest.approx(1.0)
    assert full.cvar_removed_kcny == pytest.approx(10.5)
    assert full.mean_added_kcny == pytest.approx(0.5)
    half = hedge_effect(loss, 0.5 * loss + 4.5, p, 0.9)
    assert half.variance_removed_frac == pytest.approx(0.75)
    worse = hedge_effect(loss, 2 * loss, p)
    assert worse.variance_removed_frac == pytest.approx(-3.0)
    assert np.isnan(hedge_effect(np.full(3, 5.0), loss, p).variance_removed_frac)


@pytest.mark.parametrize(
    ("loss", "p", "message"),
    [
        (np.ones(2), np.array([0.5, 0.6]), "the sum 1.1"),
        (np.ones(2), np.array([1.0, 0.0]), "a probability is 0"),
        (np.ones(2), np.array([1.0]), r"have the shape \(1,\)"),
        (np.array([1.0, np.nan]), np.array([0.5, 0.5]), "1 numbers not finite"),
        (np.ones((2, 1)), np.array([0.5, 0.5]), r"has the shape \(2, 1\)"),
    ],
)
def test_bad_lotteries_are_refused(loss: Floats, p: Floats, message: str) -> None:
    with pytest.raises(InputError, match=message):
        risk(loss, p)


def test_bad_levels_are_refused() -> None:
    loss, p = np.ones(2), np.array([0.5, 0.5])
    for level in (-0.1, 1.0, float("nan")):
        with pytest.raises(InputError, match="a level lies in"):
            cvar_kcny(loss, p, level)
    with pytest.raises(InputError, match="aversion lies in"):
        mean_cvar_kcny(loss, p, 0.9, 1.5)
