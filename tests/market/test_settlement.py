"""Payoffs of the six types, damages, and the identities that hold whatever happened."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.contracts import (
    CallOption,
    Collar,
    Difference,
    Forward,
    GreenForward,
    TakeOrPay,
    Terms,
    quantity_eflops,
    reserved_eflops,
)
from optimizer.market.settlement import Flows, Settlement, settle
from scenarios.case import Floats
from tests.market.agreed import WEEK, contract

TERMS: dict[str, Terms] = {
    "forward": Forward(6.0),
    "take-or-pay": TakeOrPay(6.0, 0.8, 1.25),
    "call": CallOption(6.0, 0.4),
    "difference": Difference(6.0),
    "dispatched": Difference(6.0, "dispatch"),
    "collar": Collar(5.0, 7.0, 0.1),
    "green": GreenForward(6.0, 0.02, 4.0),
}


def random_flows(terms: Terms, seed: int) -> tuple[Floats, Flows]:
    """An index (t,), and offers, takes, dispatch and certificates within what the contract allows."""
    rng = np.random.default_rng(seed)
    index = rng.uniform(-1, 13, WEEK.hours)
    offered = reserved_eflops(contract(terms), WEEK) * rng.uniform(0, 1, WEEK.hours)
    taken = offered * rng.uniform(0, 1, WEEK.hours)
    owed = 4.0 * taken
    certificates = owed * rng.uniform(0, 1, WEEK.hours)
    market = rng.uniform(0, 0.05, WEEK.hours)
    return index, Flows(offered, taken, rng.uniform(0, 3, WEEK.hours), certificates, market)


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS.keys())
@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_both_sides_sum_to_zero_to_the_last_bit(terms: Terms, seed: int) -> None:
    index, flows = random_flows(terms, seed)
    result = settle(contract(terms), WEEK, index, flows)
    assert not (result.buyer_cash_kcny + result.seller_cash_kcny).any()
    assert not (result.buyer_payoff_kcny + result.seller_payoff_kcny).any()
    assert result.seller_cash_kcny.sum() == -result.buyer_cash_kcny.sum()
    assert result.payment_kcny.any()


def settled(terms: Terms, index: float | Floats, flows: Flows | None = None) -> Settlement:
    return settle(contract(terms), WEEK, np.broadcast_to(np.asarray(index, dtype=float), (WEEK.hours,)), flows)


def test_forward_pays_the_strike_for_what_it_delivers() -> None:
    result = settled(Forward(6.0), 7.5)
    assert result.payment_kcny.sum() == pytest.approx(6.0 * 72)
    assert result.buyer_payoff_kcny.sum() == pytest.approx(1.5 * 72)
    assert result.delivered_eflops.sum() == pytest.approx(72)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_nobody_gains_by_failing_to_deliver_or_to_accept(seed: int) -> None:
    """Damages put the other side where delivery would have put it, and the one that fails is never better off."""
    agreed = contract(Forward(6.0))
    full, rng = quantity_eflops(agreed, WEEK), np.random.default_rng(seed)
    index, less = rng.uniform(0, 12, WEEK.hours), full * rng.uniform(0, 1, WEEK.hours)
    kept = settle(agreed, WEEK, index)
    seller_fails = settle(agreed, WEEK, index, Flows(offered_eflops=less))
    assert (seller_fails.buyer_payoff_kcny >= kept.buyer_payoff_kcny - 1e-12).all()
    dear = index > 6.0
    assert np.allclose(seller_fails.buyer_payoff_kcny[dear], kept.buyer_payoff_kcny[dear], rtol=1e-12)
    buyer_fails = settle(agreed, WEEK, index, Flows(taken_eflops=less))
    assert (buyer_fails.seller_payoff_kcny >= kept.seller_payoff_kcny - 1e-12).all()
    assert np.allclose(buyer_fails.seller_payoff_kcny[~dear], kept.seller_payoff_kcny[~dear], rtol=1e-12)


def test_take_or_pay_settles_the_volume_not_taken_in_the_last_hour() -> None:
    terms = TakeOrPay(6.0, 0.8, 1.25)
    half = 0.5 * quantity_eflops(contract(terms), WEEK)
    result = settled(terms, 7.0, Flows(taken_eflops=half))
    assert result.payment_kcny.sum() == pytest.approx(6.0 * 0.8 * 72)
    assert result.payment_kcny[95] == pytest.approx(6.0 * 0.5 + 6.0 * 0.3 * 72)
    assert np.allclose(result.payment_kcny[24:95], 3.0)
    more = settled(terms, 7.0, Flows(taken_eflops=2.5 * half))
    assert more.payment_kcny.sum() == pytest.approx(6.0 * 1.25 * 72)


def test_take_or_pay_is_not_paid_for_compute_that_was_refused() -> None:
    terms = TakeOrPay(6.0, 1.0, 1.0)
    nothing = np.zeros(WEEK.hours)
    refused = settled(terms, 5.0, Flows(offered_eflops=nothing))
    assert not refused.payment_kcny.any()
    dear = settled(terms, 8.0, Flows(offered_eflops=nothing))
    assert dear.payment_kcny.sum() == pytest.approx(-2.0 * 72)  # the buyer's loss against the index


def test_call_is_exercised_above_the_strike_hour_by_hour() -> None:
    index = np.where(np.arange(WEEK.hours) % 2 == 0, 9.0, 4.0)
    result = settled(CallOption(6.0, 0.4), index)
    assert result.delivered_eflops.sum() == pytest.approx(36)
    assert result.payment_kcny.sum() == pytest.approx(6.0 * 36 + 0.4 * 72)
    assert result.payment_kcny[24] == pytest.approx(6.0 + 0.4 * 72)
    assert result.buyer_payoff_kcny.sum() == pytest.approx(3.0 * 36 - 0.4 * 72)
    kept_closed = settled(CallOption(6.0, 0.4), index, Flows(offered_eflops=np.zeros(WEEK.hours)))
    assert kept_closed.buyer_payoff_kcny.sum() == pytest.approx(result.buyer_payoff_kcny.sum())


def test_collar_pays_beyond_floor_and_cap_only() -> None:
    for index, per_eflopsh in ((9.0, 2.0), (6.0, 0.0), (3.0, -2.0)):
        result = settled(Collar(5.0, 7.0, 0.1), index)
        assert result.buyer_payoff_kcny.sum() == pytest.approx((per_eflopsh - 0.1) * 72)
        assert not result.delivered_eflops.any()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_parities_between_the_types(seed: int) -> None:
    """A collar of equal ends, a difference and a delivered forward are one payoff; long call + short put is too."""
    index = np.random.default_rng(seed).uniform(0, 12, WEEK.hours)
    difference = settled(Difference(6.0), index).buyer_payoff_kcny
    assert np.allclose(settled(Collar(6.0, 6.0), index).buyer_payoff_kcny, difference, atol=1e-12)
    assert np.allclose(settled(Forward(6.0), index).buyer_payoff_kcny, difference, atol=1e-12)
    call = settled(CallOption(6.0, 0.0), index).buyer_payoff_kcny
    short_put = settled(Collar(6.0, 1e6), index).buyer_payoff_kcny
    assert np.allclose(call + short_put, difference, atol=1e-9)


def test_green_forward_hands_over_certificates_and_pays_for_missing_ones() -> None:
    market = np.full(WEEK.hours, 0.05)
    full = settled(GreenForward(6.0, 0.02, 4.0), 7.0, Flows(certificate_kcny_per_mwh=market))
    assert full.certificate_mwh.sum() == pytest.approx(4.0 * 72)
    assert full.payment_kcny.sum() == pytest.approx((6.0 + 4 * 0.02) * 72)
    assert full.buyer_payoff_kcny.sum() == pytest.approx((1.0 + 4 * 0.03) * 72)
    none = Flows(certificate_mwh=np.zeros(WEEK.hours), certificate_kcny_per_mwh=market)
    short = settled(GreenForward(6.0, 0.02, 4.0), 7.0, none)
    assert short.buyer_payoff_kcny.sum() == pytest.approx(full.buyer_payoff_kcny.sum())
    assert short.certificate_mwh.sum() == 0.0


def test_a_difference_on_the_dispatched_profile_removes_the_price_risk_exactly() -> None:
    """Buying the profile at the index and holding the difference costs strike x work in every price scenario."""
    rng = np.random.default_rng(5)
    profile = rng.uniform(0, 4, WEEK.hours)
    indices = rng.gamma(4.0, 2.0, (500, WEEK.hours))
    agreed = contract(Difference(6.3, "dispatch"))
    bare = indices @ profile
    flows = Flows(dispatched_eflops=profile)
    hedged = bare + [settle(agreed, WEEK, index, flows).payment_kcny.sum() for index in indices]
    assert np.var(bare) > 1e3
    assert np.var(hedged) < 1e-9 * 1e-9 * np.var(bare) + 1e-20
    assert np.allclose(hedged, 6.3 * profile.sum(), rtol=1e-13)
    # On the agreed flat profile only the basis of the profile remains.
    flat = bare + [settle(contract(Difference(6.3)), WEEK, index).payment_kcny.sum() for index in indices]
    assert np.var(flat) > 1.0


FAULTS = {
    "index of another length": (Forward(6.0), np.ones(3), Flows(), r"index_kcny_per_eflopsh has the shape \(3,\)"),
    "price not identified": (Forward(6.0), np.full(168, np.nan), Flows(), "holds 168 numbers that are not finite"),
    "taken above offered": (
        Forward(6.0),
        np.ones(168),
        Flows(np.full(168, 0.0), np.full(168, 0.1)),
        "taken_eflops is 0.1 in hour 0; it lies between 0 and 0 there",
    ),
    "offered above the band": (
        TakeOrPay(6.0, 0.5, 1.5),
        np.ones(168),
        Flows(offered_eflops=np.where(np.arange(168) == 30, 1.6, 0.0)),
        "offered_eflops is 1.6 in hour 30; it lies between 0 and 1.5 there",
    ),
    "negative": (Forward(6.0), np.ones(168), Flows(taken_eflops=np.full(168, -0.1)), "taken_eflops is -0.1 in hour 0"),
    "dispatch missing": (Difference(6.0, "dispatch"), np.ones(168), Flows(), "dispatched_eflops is missing"),
    "certificate price missing": (GreenForward(6, 0, 4), np.ones(168), Flows(), "certificate_kcny_per_mwh is missing"),
}


@pytest.mark.parametrize(("terms", "index", "flows", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_bad_series_are_refused(terms: Terms, index: Floats, flows: Flows, message: str) -> None:
    with pytest.raises(InputError, match=message):
        settle(contract(terms), WEEK, index, flows)


def test_two_contracts_of_half_the_lots_are_one_of_the_whole() -> None:
    for terms in TERMS.values():
        index, flows = random_flows(terms, 7)
        flows = Flows(None, None, flows.dispatched_eflops, None, flows.certificate_kcny_per_mwh)
        whole = settle(contract(terms), WEEK, index, flows)
        half_flows = replace(flows, dispatched_eflops=0.5 * np.asarray(flows.dispatched_eflops))
        half = settle(contract(terms, lots=5), WEEK, index, half_flows)
        assert np.allclose(2 * half.payment_kcny, whole.payment_kcny, rtol=1e-12)
