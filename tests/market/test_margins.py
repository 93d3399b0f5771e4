"""Daily margins add up to the final payoff, whatever the quotes, the type and the price limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.contracts import Difference, Forward, Terms
from optimizer.market.margins import limited_quotes, margin_account, marks_kcny
from optimizer.market.settlement import settle
from tests.market.agreed import WEEK, contract
from tests.market.test_settlement import TERMS, random_flows


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS.keys())
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_variation_margins_sum_to_the_final_payoff(terms: Terms, seed: int) -> None:
    index, flows = random_flows(terms, seed)
    wished = np.random.default_rng(seed + 1).uniform(2, 12, WEEK.days)
    account = margin_account(contract(terms), WEEK, index, 6.0, wished, flows)
    payoff = settle(contract(terms), WEEK, index, flows).buyer_payoff_kcny.sum()
    assert account.variation_kcny.sum() == pytest.approx(payoff, rel=1e-12, abs=1e-9)
    assert account.mark_kcny[-1] == payoff


def test_margins_of_a_forward_by_hand() -> None:
    """Ten lots from day 1 to day 3 at 6.0: 24 EFLOPS·h a day. The index is 7 throughout; quotes rise to 6.4 and 6.8."""
    agreed = contract(Forward(6.0), tick_kcny_per_eflopsh=0.1)
    quotes = np.array([6.4, 6.4, 6.8, 7.0, 7.0, 7.0, 7.0])
    account = margin_account(agreed, WEEK, np.full(168, 7.0), 6.0, quotes)
    assert np.allclose(account.quotes.quoted_kcny_per_eflopsh, quotes)
    marks = [0.4 * 72, 24 * 1.0 + 48 * 0.4, 48 * 1.0 + 24 * 0.8, 72, 72, 72, 72]
    assert np.allclose(account.mark_kcny, marks)
    assert np.allclose(account.variation_kcny, np.diff(marks, prepend=0))
    initial = 0.12 * np.array([6.0 * 72, 6.4 * 72, 6.4 * 48, 6.8 * 24, 0, 0, 0])
    assert np.allclose(account.initial_kcny, initial)


def test_a_move_beyond_the_limit_is_carried_and_nothing_is_lost() -> None:
    agreed = contract(Difference(10.0), tick_kcny_per_eflopsh=0.1, limit_frac=0.1)
    quotes = limited_quotes(agreed, 10.0, np.full(7, 13.0))
    assert np.allclose(quotes.quoted_kcny_per_eflopsh, [11.0, 12.1, 13.0, 13.0, 13.0, 13.0, 13.0])
    assert np.allclose(quotes.carried_kcny_per_eflopsh, [2.0, 0.9, 0, 0, 0, 0, 0])
    held = margin_account(agreed, WEEK, np.full(168, 13.0), 10.0, np.full(7, 13.0))
    free = margin_account(contract(Difference(10.0), limit_frac=1.0), WEEK, np.full(168, 13.0), 10.0, np.full(7, 13.0))
    assert held.variation_kcny[0] == pytest.approx(72 * 1.0)
    assert free.variation_kcny[0] == pytest.approx(72 * 3.0)
    assert held.variation_kcny.sum() == pytest.approx(free.variation_kcny.sum(), rel=1e-13)


@given(
    wished=st.lists(st.floats(0, 50), min_size=1, max_size=12),
    opening=st.floats(0, 50),
    limit=st.floats(0.01, 0.5),
)
@settings(max_examples=200, deadline=None)
def test_quotes_stay_within_the_limit_and_what_they_owe_is_carried(
    wished: list[float], opening: float, limit: float
) -> None:
    tick = 0.02
    agreed = contract(Difference(10.0), limit_frac=limit, tick_kcny_per_eflopsh=tick)
    quotes = limited_quotes(agreed, opening, np.array(wished))
    quoted = quotes.quoted_kcny_per_eflopsh
    before = np.concatenate([[round(opening / tick) * tick], quoted[:-1]])
    assert (np.abs(quoted - before) <= np.maximum(limit * before, tick) + 1e-9).all()
    assert np.allclose(quoted / tick, np.round(quoted / tick), atol=1e-6)
    assert np.allclose(quoted + quotes.carried_kcny_per_eflopsh, wished, atol=1e-12)
    # A move within the limit is followed at once, to the tick.
    near = np.abs(np.array(wished) - before) < np.maximum(limit * before - tick, 0)
    assert (np.abs(quotes.carried_kcny_per_eflopsh[near]) <= tick / 2 + 1e-9).all()


def test_a_price_of_zero_can_rise_again() -> None:
    agreed = contract(Difference(10.0), tick_kcny_per_eflopsh=0.5)
    assert np.allclose(limited_quotes(agreed, 0.0, np.full(3, 5.0)).quoted_kcny_per_eflopsh, [0.5, 1.0, 1.5])


def test_a_limit_of_whole_ticks_is_whole_in_spite_of_rounding() -> None:
    assert 0.29 * 100 < 29
    agreed = contract(Difference(10.0), tick_kcny_per_eflopsh=1.0, limit_frac=0.29)
    assert limited_quotes(agreed, 100.0, np.array([500.0])).quoted_kcny_per_eflopsh.tolist() == [129.0]


def test_quotes_that_do_not_fit_are_refused() -> None:
    agreed = contract(Difference(10.0))
    with pytest.raises(InputError, match="one finite settlement price per day"):
        limited_quotes(agreed, 10.0, np.array([9.0, np.nan]))
    with pytest.raises(InputError, match="there is one for each of the 7 days"):
        marks_kcny(agreed, WEEK, np.ones(168), np.ones(3))
