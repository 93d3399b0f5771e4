"""Contracts over an ensemble: money is neither made nor lost, a fitting contract removes the risk, prices are fair."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from hubs.errors import InputError
from optimizer.market import lots
from optimizer.market.cashflows import calendar, margin_accounts
from optimizer.market.comparison import buyer_bill_kcny, compare, seller_income_kcny
from optimizer.market.contracts import (
    CallOption,
    Collar,
    Difference,
    Forward,
    GreenForward,
    TakeOrPay,
    Terms,
    quantity_eflops,
)
from optimizer.market.exercise import contract_index_kcny_per_eflopsh, settlements
from optimizer.market.forwardcurve import basis_table, curve_table
from optimizer.market.outcomes import gather
from optimizer.market.portfolio import choose, frontier, losses_kcny
from optimizer.market.riskwords import bearers
from optimizer.market.settlement import Flows, settle
from tests.cases import two_site_case
from tests.market.ensembles import PROBABILITIES, TWO_DAYS, book, contract, member, outcomes

EVERY: tuple[Terms, ...] = (
    Forward(2.0),
    TakeOrPay(2.0, 0.6, 1.2),
    CallOption(2.1, 0.1),
    Difference(1.9, "profile"),
    Difference(1.9, "dispatch"),
    Collar(1.5, 2.5, 0.05),
    GreenForward(2.0, 0.006, 3.0),
)
P = np.array(PROBABILITIES)


@pytest.mark.parametrize("terms", EVERY, ids=lambda terms: type(terms).__name__)
def test_what_one_side_gains_the_other_loses(terms: Terms) -> None:
    (found,) = compare([contract(terms)], outcomes())
    buyer, seller = (side.after_kcny - side.before_kcny for side in (found.buyer, found.seller))
    assert np.abs(buyer).max() > 1e-3
    assert buyer + seller == pytest.approx(np.zeros(3), abs=1e-9)


def test_without_a_contract_a_buyer_pays_and_a_seller_earns_the_index() -> None:
    made = outcomes()
    first = made.members[0]
    west = first.price_kcny_per_eflopsh[:2], first.load_eflops[:2]
    index = {"West": (west[0] * west[1]).sum(axis=0) / west[1].sum(axis=0), "East": first.price_kcny_per_eflopsh[2]}
    paid = sum((index[made.hub_of[c]] * first.work_eflops[0, n]).sum() for n, c in enumerate(made.clusters))
    assert buyer_bill_kcny(made, "North")[0] == pytest.approx(paid, rel=1e-12)
    assert seller_income_kcny(made, "Basin")[0] == pytest.approx(index["West"] @ first.load_eflops[1], rel=1e-12)


def test_a_difference_on_the_dispatch_removes_the_whole_price_risk() -> None:
    """All of the buyer's work at the seller, the same in every member: what is left is strike x work."""
    work = np.zeros((2, 3, TWO_DAYS.hours))
    work[0, 0] = 1.0 + np.arange(TWO_DAYS.hours) % 5
    made = outcomes(*(member(f"m{n}", p, n, work_eflops=work) for n, p in enumerate(PROBABILITIES)))
    (found,) = compare([contract(Difference(2.0, "dispatch"))], made)
    assert found.buyer.before.sd_kcny > 1.0
    assert found.buyer.after_kcny == pytest.approx(np.full(3, 2.0 * work.sum()), rel=1e-12)
    assert found.buyer.effect.variance_removed_frac == pytest.approx(1.0, abs=1e-12)
    assert found.buyer.after.cvar_kcny == pytest.approx(2.0 * work.sum(), rel=1e-12)


def test_the_fair_strike_makes_a_forward_worth_nothing_and_both_sides_may_agree_on_it() -> None:
    made = outcomes()
    (found,) = compare([contract(Forward(2.0))], made)
    fair = found.prices.fair_strike
    index = contract_index_kcny_per_eflopsh(contract(Forward(2.0)), made)
    assert fair == pytest.approx(P @ index.mean(axis=1), rel=1e-12)
    (at_fair,) = compare([contract(Forward(fair))], made)
    assert at_fair.buyer.effect.mean_added_kcny == pytest.approx(0.0, abs=1e-9)
    (neutral,) = compare([contract(Forward(2.0))], made, aversion_frac=0.0)
    ends = neutral.prices.agreeable
    assert [ends.seller_least_kcny_per_eflopsh, ends.buyer_most_kcny_per_eflopsh] == pytest.approx([fair, fair])


@pytest.mark.parametrize("terms", [CallOption(2.1, 0.1), Collar(1.5, 2.5, 0.05)])
def test_the_fair_premium_makes_an_option_worth_nothing(terms: CallOption | Collar) -> None:
    (found,) = compare([contract(terms)], outcomes())
    fair = replace(terms, premium_kcny_per_eflopsh=found.prices.fair_premium)
    (at_fair,) = compare([contract(fair)], outcomes())
    assert found.buyer.effect.mean_added_kcny != pytest.approx(0.0, abs=1e-3)
    assert at_fair.buyer.effect.mean_added_kcny == pytest.approx(0.0, abs=1e-9)


def test_break_even_strikes_and_basis_by_hand() -> None:
    made = outcomes()
    (found,) = compare([contract(Forward(2.0))], made)
    assert found.prices.buyer_break_even == pytest.approx(P @ np.array([3.0, 3.1, 3.2]))
    cost = np.array([m.site_cost_kcny[0] for m in made.members])
    load = made.load_eflops[:, 0].sum(axis=1)
    assert found.prices.seller_break_even == pytest.approx((P @ cost) / (P @ load), rel=1e-12)
    bought = buyer_bill_kcny(made, "North") / made.work_eflops[:, 0].sum(axis=(1, 2))
    gap = bought - contract_index_kcny_per_eflopsh(contract(Forward(2.0)), made).mean(axis=1)
    assert found.prices.basis_mean == pytest.approx(P @ gap, rel=1e-9)
    assert found.prices.basis_sd == pytest.approx(np.sqrt(P @ (gap - P @ gap) ** 2), rel=1e-9)


def test_a_buyer_without_local_site_has_no_break_even_rather_than_zero() -> None:
    nan = np.full((2, TWO_DAYS.hours), np.nan)
    made = outcomes(*(replace(m, home_kcny_per_eflopsh=nan) for m in outcomes().members))
    (found,) = compare([contract(Forward(2.0))], made)
    assert np.isnan(found.prices.buyer_break_even)
    assert np.isfinite(found.prices.fair_strike)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_use_of_a_band_is_worth_more(seed: int) -> None:
    terms, made = TakeOrPay(2.2, 0.6, 1.2), outcomes()
    band = contract(terms)
    agreed = quantity_eflops(band, TWO_DAYS)
    index = contract_index_kcny_per_eflopsh(band, made)
    used = [s.buyer_payoff_kcny.sum() for s in settlements(band, made)]
    stream = np.random.default_rng(seed)
    for best, prices in zip(used, index, strict=True):
        for share in (0.0, 1.0, stream.uniform(0, 1, agreed.size)):
            other = settle(band, TWO_DAYS, prices, Flows(taken_eflops=share * terms.most_frac * agreed))
            assert other.buyer_payoff_kcny.sum() <= best + 1e-9


def test_what_is_not_delivered_is_settled_as_damages() -> None:
    cheap = np.full((3, TWO_DAYS.hours), 3.0)
    whole = [member("whole", 0.5, 1, book=book(), price_kcny_per_eflopsh=cheap)]
    made = outcomes(*whole, replace(whole[0], name="short", book=book((0.0, 0.25))))
    delivered, short = settlements(contract(Forward(2.0)), made)
    volume = quantity_eflops(contract(Forward(2.0)), TWO_DAYS).sum()
    assert delivered.delivered_eflops.sum() == pytest.approx(volume)
    assert short.delivered_eflops.sum() == pytest.approx(volume * (1 - 0.25 / 2))
    # Index 3 above strike 2: the damages leave the buyer as well off as delivery would have.
    assert short.buyer_payoff_kcny.sum() == pytest.approx(delivered.buyer_payoff_kcny.sum())
    (found,) = compare([contract(Forward(2.0))], made)
    assert found.damages_probability_frac == pytest.approx(0.5)


def test_an_idle_hub_takes_the_price_of_the_nation() -> None:
    busy = member("busy", 1.0, 4)
    load = busy.load_eflops.copy()
    load[2, 5] = 0.0
    made = outcomes(replace(busy, load_eflops=load))
    east = made.hubs.index("East")
    assert made.quoted[0, east, 5] == 0.0
    assert made.quoted.sum() == 2 * TWO_DAYS.hours - 1
    assert made.index_kcny_per_eflopsh[0, east, 5] == made.national_kcny_per_eflopsh[0, 5]
    priced = busy.price_kcny_per_eflopsh[:2, 5] @ load[:2, 5] / load[:2, 5].sum()
    assert made.national_kcny_per_eflopsh[0, 5] == pytest.approx(priced, rel=1e-12)


def test_an_hour_without_any_load_is_a_named_fault() -> None:
    idle = member("calm", 1.0, 4, load_eflops=np.zeros((3, TWO_DAYS.hours)))
    with pytest.raises(InputError, match=r"member 'calm'.*no cluster runs anything in hour 0"):
        _ = outcomes(idle).index_kcny_per_eflopsh


@pytest.mark.parametrize("terms", EVERY, ids=lambda terms: type(terms).__name__)
def test_daily_margins_add_up_to_the_payoff(terms: Terms) -> None:
    made, traded = outcomes(), contract(terms)
    payoffs = [s.buyer_payoff_kcny.sum() for s in settlements(traded, made)]
    accounts = margin_accounts(traded, made)
    assert [a.variation_kcny.sum() for a in accounts] == pytest.approx(payoffs, abs=1e-9)
    days = calendar(traded, made)
    assert [day.day for day in days] == [0, 1]
    assert sum(day.variation_kcny for day in days) == pytest.approx(P @ np.array(payoffs), abs=1e-9)
    paid = [s.buyer_cash_kcny.sum() for s in settlements(traded, made)]
    assert sum(day.settlement_kcny for day in days) == pytest.approx(P @ np.array(paid), abs=1e-9)


def test_the_curve_of_a_month_uses_the_probabilities_within_it() -> None:
    january = member("winter", 0.5, 9, start=datetime(2025, 1, 13))
    made = outcomes(member("a", 0.2, 1), member("b", 0.3, 2), january)
    curve = curve_table(made)
    assert sorted(set(curve["month"])) == ["2025-01", "2025-07"]
    assert len(curve) == 2 * 2 * (TWO_DAYS.hours + 1)
    west = curve[(curve["hub"] == "West") & (curve["month"] == "2025-07")].set_index("hour")
    index = made.index_kcny_per_eflopsh[:2, 0]
    assert west.loc["7", "mean_kcny_per_eflopsh"] == pytest.approx(0.4 * index[0, 7] + 0.6 * index[1, 7], rel=1e-12)
    assert west.loc["all", "low_kcny_per_eflopsh"] == pytest.approx(index.mean(axis=1).min(), rel=1e-12)
    assert west.loc["all", "mean_kcny_per_eflopsh"] == pytest.approx(
        west.drop("all")["mean_kcny_per_eflopsh"].mean(), rel=1e-12
    )


def test_basis_of_hubs_is_their_price_less_the_nations() -> None:
    made = outcomes()
    table = basis_table(made).set_index(["hub", "profile"])
    gap = (made.index_kcny_per_eflopsh[:, 1] - made.national_kcny_per_eflopsh).mean(axis=1)
    assert table.loc[("East", "baseload"), "mean_kcny_per_eflopsh"] == pytest.approx(P @ gap, rel=1e-9)
    assert len(table) == 6


def test_all_lots_cost_the_desk_what_the_contracts_pay() -> None:
    """With resale at the index, holding every lot is the bill less the payoffs, whatever is left over."""
    traded = [contract(terms, name=f"c{n}", lots=5 + n) for n, terms in enumerate(EVERY)]
    made = outcomes()
    desk = lots.outlook(traded, made, resale_frac=1.0)
    payoffs = sum(np.array([s.buyer_payoff_kcny.sum() for s in settlements(c, made)]) for c in traded)
    bills = buyer_bill_kcny(made, "North") + buyer_bill_kcny(made, "South")
    assert losses_kcny(desk, desk.most_lots) == pytest.approx(bills - payoffs, rel=1e-10)
    assert losses_kcny(desk, np.zeros(len(traded))) == pytest.approx(bills, rel=1e-10)


def test_at_no_aversion_lots_are_held_exactly_where_they_pay() -> None:
    cheap, dear = contract(Difference(1.0), name="cheap"), contract(Difference(3.0), name="dear")
    chosen = choose(lots.outlook([cheap, dear], outcomes()), 0.0)
    assert chosen.lots == pytest.approx([20.0, 0.0], abs=1e-9)


def test_the_frontier_trades_mean_for_tail() -> None:
    traded = [contract(terms, name=f"c{n}") for n, terms in enumerate(EVERY)]
    found = frontier(lots.outlook(traded, outcomes()), lots.AVERSIONS_FRAC, 0.5)
    assert np.all(np.diff([c.mean_kcny for c in found]) >= -1e-7)
    assert np.all(np.diff([c.cvar_kcny for c in found]) <= 1e-7)


def test_sentences_say_what_the_numbers_say() -> None:
    (fixed,) = compare([contract(Forward(2.0))], outcomes(*(replace(m, book=book()) for m in outcomes().members)))
    price, volume, basis, delivery = bearers(fixed)
    assert f"{fixed.buyer.before.sd_kcny:,.1f}" in price
    assert "North bears what it needs above or below it" in volume
    assert f"{fixed.prices.basis_mean:+.3f}" in basis
    assert delivery == "Delivery: Plateau owes damages with a probability of 0.0%."
    (green,) = compare([contract(GreenForward(2.0, 0.006, 3.0))], outcomes())
    assert bearers(green)[-1].startswith("Certificates: Plateau bears")
    (band,) = compare([contract(TakeOrPay(2.0, 0.6, 1.2))], outcomes())
    assert "60%" in bearers(band)[1]
    (swap,) = compare([contract(Difference(2.0, "dispatch"))], outcomes())
    assert "dispatched, so that Plateau bears it" in bearers(swap)[1]


def test_members_of_other_length_are_refused() -> None:
    made = outcomes()
    case = two_site_case()
    with pytest.raises(InputError, match=r"member 'm0' has \(3, 48\) clusters and hours, not \(1, 4\)"):
        gather(made.members, case, ("North",))
