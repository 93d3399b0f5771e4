"""Basis and strikes: averages by hand, zero expected payoff, and indifference checked from outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.contracts import Forward, quantity_eflops
from optimizer.market.risk import mean_cvar_kcny
from optimizer.market.settlement import settle
from optimizer.market.strikes import (
    basis_kcny_per_eflopsh,
    break_even_strike_kcny_per_eflopsh,
    captured_kcny_per_eflopsh,
    fair_strike_kcny_per_eflopsh,
    shape_basis_kcny_per_eflopsh,
    strike_range,
)
from tests.market.agreed import WEEK, contract

PROFILES = np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 1.0]])


def test_basis_by_hub_and_profile_by_hand() -> None:
    index = np.array([[6.0, 8.0, 4.0]])
    hubs = np.array([[[5.0, 9.0, 4.0], [7.0, 8.0, 6.0]]])
    basis = basis_kcny_per_eflopsh(hubs, index, PROFILES)
    assert basis.shape == (1, 2, 2)
    assert np.allclose(basis, [[[0.0, 0.75], [1.0, 0.5]]])
    assert np.allclose(shape_basis_kcny_per_eflopsh(index, PROFILES), [[0.0, 1.0]])


def test_a_price_that_is_not_identified_is_never_averaged() -> None:
    captured = captured_kcny_per_eflopsh(np.array([np.nan, 8.0, 4.0]), PROFILES)
    assert np.isnan(captured[0])
    assert captured[1] == pytest.approx(7.0)  # the second profile asks for nothing in that hour
    with pytest.raises(InputError, match="a profile holds no quantity"):
        captured_kcny_per_eflopsh(np.ones(3), np.zeros((1, 3)))


def test_the_fair_strike_has_zero_expected_payoff() -> None:
    rng = np.random.default_rng(3)
    index, p = rng.gamma(3, 2, (40, WEEK.hours)), rng.dirichlet(np.ones(40))
    agreed = contract(Forward(0.0), shape="night")
    fair = fair_strike_kcny_per_eflopsh(index, quantity_eflops(agreed, WEEK), p)
    at_fair = contract(Forward(fair), shape="night")
    payoffs = np.array([settle(at_fair, WEEK, path).buyer_payoff_kcny.sum() for path in index])
    assert p @ payoffs == pytest.approx(0.0, abs=1e-9)
    assert payoffs.std() > 1.0


def test_break_even_against_an_alternative() -> None:
    p = np.array([0.25, 0.75])
    strike = break_even_strike_kcny_per_eflopsh(np.array([700.0, 500.0]), np.array([100.0, 60.0]), p)
    assert strike == pytest.approx(550 / 70)
    with pytest.raises(InputError, match="a strike needs a positive volume in every scenario"):
        break_even_strike_kcny_per_eflopsh(np.array([1.0, 1.0]), np.array([0.0, 1.0]), p)


@given(seed=st.integers(0, 10_000), aversion=st.floats(0, 1), firm=st.booleans())
@settings(max_examples=80, deadline=None)
def test_at_its_end_of_the_range_each_side_is_indifferent(seed: int, aversion: float, firm: bool) -> None:
    rng = np.random.default_rng(seed)
    p, level = rng.dirichlet(np.ones(15)), 0.8
    volume = np.full(15, 70.0) if firm else rng.uniform(40, 90, 15)
    price = rng.gamma(4, 2, 15)
    buyer, seller = price * 80 + rng.normal(0, 30, 15), 300 - price * 75
    ends = strike_range(buyer, seller, price * volume, volume, p, level, aversion)

    def measure(loss: np.ndarray) -> float:
        return mean_cvar_kcny(loss, p, level, aversion)

    bought = buyer + (ends.buyer_most_kcny_per_eflopsh - price) * volume
    sold = seller - (ends.seller_least_kcny_per_eflopsh - price) * volume
    assert measure(bought) == pytest.approx(measure(buyer), abs=1e-6)
    assert measure(sold) == pytest.approx(measure(seller), abs=1e-6)
    dearer = buyer + (ends.buyer_most_kcny_per_eflopsh + 0.1 - price) * volume
    assert measure(dearer) > measure(buyer)


def test_without_aversion_both_ends_are_the_fair_strike_and_aversion_opens_room_to_trade() -> None:
    p, price = np.array([0.2, 0.5, 0.3]), np.array([4.0, 6.0, 9.0])
    volume = np.full(3, 10.0)
    buyer, seller = price * 10, -price * 10  # one must buy what the other must sell: both fear the price
    fair = float(p @ price)
    neutral = strike_range(buyer, seller, price * volume, volume, p, 0.9, 0.0)
    assert neutral.seller_least_kcny_per_eflopsh == pytest.approx(fair, rel=1e-12)
    assert neutral.buyer_most_kcny_per_eflopsh == pytest.approx(fair, rel=1e-12)
    averse = strike_range(buyer, seller, price * volume, volume, p, 0.9, 1.0)
    assert averse.buyer_most_kcny_per_eflopsh == pytest.approx(9.0)
    assert averse.seller_least_kcny_per_eflopsh == pytest.approx(4.0)
    assert averse.trade_possible
    bystander = strike_range(np.zeros(3), np.zeros(3), price * volume, volume, p, 0.9, 1.0)  # a bet, no hedge
    assert not bystander.trade_possible
