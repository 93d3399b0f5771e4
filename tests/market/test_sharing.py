"""Rules side by side: balance, payments that lead to the payoffs, stability, and a case by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.core import nucleolus
from optimizer.market.games import Game, from_arrays, shapley_interval_kcny, shapley_kcny
from optimizer.market.sharing import Accounts, Outcome, Tariffs, clearing_kcny, nodal_payments_kcny, side_by_side
from tests.market.textbook import convex

RULES = (
    "status quo",
    "uniform rate",
    "cost-plus",
    "tax split 50:50",
    "tax split of the scenario",
    "nodal prices",
    "equal gain",
    "Shapley",
    "nucleolus",
    "Nash bargaining",
)
TARIFFS = Tariffs(rate_kcny_per_eflopsh=2.0, margin_frac=0.1, origin_tax_frac=0.3)


def random_accounts(game: Game, seed: int) -> Accounts:
    rng, n = np.random.default_rng(seed), game.n
    booked = game.alone + rng.normal(0, 5, n)
    return Accounts(
        booked_kcny=booked + (game.total - booked.sum()) / n,
        work_eflopsh=rng.uniform(0, 2, (n, n, 3)) * (rng.random((n, n, 3)) < 0.5),
        host_kcny=rng.uniform(0, 5, (n, n)),
        local_tax_kcny=rng.uniform(0, 1, (n, n)),
        price_kcny_per_eflopsh=rng.uniform(1, 8, (n, 3)),
    )


def by_rule(game: Game, accounts: Accounts, tariffs: Tariffs = TARIFFS) -> dict[str, Outcome]:
    return {outcome.rule: outcome for outcome in side_by_side(game, accounts, tariffs)}


@given(seed=st.integers(0, 10_000), n=st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_every_rule_balances_and_its_payments_lead_to_its_payoffs(seed: int, n: int) -> None:
    game = convex(n, np.random.default_rng(seed))
    accounts = random_accounts(game, seed)
    outcomes = by_rule(game, accounts)
    assert tuple(outcomes) == RULES
    for outcome in outcomes.values():
        assert outcome.balance_kcny == pytest.approx(0.0, abs=1e-9)
        assert (outcome.payment_kcny >= 0).all()
        assert not (outcome.payment_kcny * outcome.payment_kcny.T).any()
        moved = outcome.payment_kcny.sum(axis=0) - outcome.payment_kcny.sum(axis=1)
        assert np.allclose(outcome.payoff_kcny, accounts.booked_kcny + moved, atol=1e-10)
        assert outcome.payoff_kcny.sum() == pytest.approx(game.total, abs=1e-8)
        assert np.allclose(outcome.gain_kcny, outcome.payoff_kcny - game.alone, atol=1e-12)
        assert np.allclose(outcome.gain_interval_kcny, outcome.gain_kcny[:, None], atol=1e-8)
    assert np.allclose(outcomes["Shapley"].payoff_kcny, shapley_kcny(game), atol=1e-8)
    assert np.allclose(outcomes["nucleolus"].payoff_kcny, nucleolus(game).payoff_kcny, atol=1e-8)
    assert np.allclose(outcomes["equal gain"].payoff_kcny, outcomes["Nash bargaining"].payoff_kcny, atol=1e-8)
    # In a convex game both are stable (Shapley 1971); nobody then loses.
    for rule in ("Shapley", "nucleolus"):
        assert outcomes[rule].core.verdict == "in"
        assert outcomes[rule].nobody_loses


def east_and_west() -> tuple[Game, Accounts]:
    """East sends 10 EFLOPS·h west. Apart they have -100 and -20, together -90: East books -50, West -40."""
    game = from_arrays(("East", "West"), np.array([0.0, -100.0, -20.0, -90.0]))
    work = np.zeros((2, 2, 2))
    work[0, 1] = [4.0, 6.0]
    work[0, 0] = [1.0, 1.0]
    host, tax = np.zeros((2, 2)), np.zeros((2, 2))
    host[0, 1], tax[0, 1] = 20.0, 6.0
    accounts = Accounts(np.array([-50.0, -40.0]), work, host, tax, np.array([[9.0, 8.0], [2.0, 3.0]]))
    return game, accounts


def test_a_case_by_hand() -> None:
    outcomes = by_rule(*east_and_west())
    west = {rule: float(outcome.transfer_kcny[1]) for rule, outcome in outcomes.items()}
    nodal = 4 * 2 + 6 * 3 + (4 * 7 + 6 * 5) / 2  # paid in the west, and half of the congestion rent
    assert west == pytest.approx(
        {
            "status quo": 0.0,
            "uniform rate": 20.0,
            "cost-plus": 22.0,
            "tax split 50:50": -3.0,
            "tax split of the scenario": -1.8,
            "nodal prices": nodal,
            "equal gain": 35.0,
            "Shapley": 35.0,
            "nucleolus": 35.0,
            "Nash bargaining": 35.0,
        }
    )
    quo = outcomes["status quo"]
    assert (quo.core.verdict, quo.core.worst) == ("out", ("West",))
    assert quo.core.excess_kcny == pytest.approx(20.0)
    assert quo.gain_kcny == pytest.approx([50.0, -20.0])
    assert not quo.nobody_loses
    assert outcomes["uniform rate"].core.verdict == "in"
    assert outcomes["tax split 50:50"].core.verdict == "out"  # it pays the wrong side: East alone gains
    assert outcomes["cost-plus"].payment_kcny[0, 1] == pytest.approx(22.0)


def test_congestion_rent_goes_where_it_is_said_to() -> None:
    _, accounts = east_and_west()
    to_east = nodal_payments_kcny(accounts, np.array([1.0, 0.0]))
    assert to_east[0, 1] == pytest.approx(26.0)
    to_west = nodal_payments_kcny(accounts, np.array([0.0, 1.0]))
    assert to_west[0, 1] == pytest.approx(4 * 9 + 6 * 8)
    with pytest.raises(InputError, match="one part per player, in sum 1"):
        nodal_payments_kcny(accounts, np.array([0.5, 0.6]))


def test_a_price_that_is_not_identified_is_refused_where_work_is_charged_at_it() -> None:
    _, accounts = east_and_west()
    price = accounts.price_kcny_per_eflopsh.copy()
    idle = replace(accounts, work_eflopsh=np.where(np.arange(2) == 0, 0.0, accounts.work_eflopsh))
    price[:, 0] = np.nan
    assert nodal_payments_kcny(replace(idle, price_kcny_per_eflopsh=price))[0, 1] == pytest.approx(6 * 3 + 6 * 5 / 2)
    with pytest.raises(InputError, match="work of player 0 at player 1 in hour 0 has a price that is not identified"):
        nodal_payments_kcny(replace(accounts, price_kcny_per_eflopsh=price))


@given(seed=st.integers(0, 1000), n=st.integers(2, 4))
@settings(max_examples=10, deadline=None)
def test_intervals_hold_the_gains_of_every_game_within_the_gaps(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    exact = convex(n, rng)
    slack = rng.uniform(0, 0.5, exact.value.size) * (np.arange(exact.value.size) > 0)
    game = from_arrays(exact.players, exact.value, exact.value, exact.value + slack)
    outcomes = by_rule(game, random_accounts(game, seed))
    assert not outcomes["nucleolus"].interval_exact
    assert all(outcome.interval_exact for rule, outcome in outcomes.items() if rule != "nucleolus")
    for _ in range(30):
        other = from_arrays(game.players, rng.uniform(game.low, game.high))
        gain = shapley_kcny(other) - other.alone
        low, high = outcomes["Shapley"].gain_interval_kcny.T
        assert ((low - 1e-9 <= gain) & (gain <= high + 1e-9)).all()
    for outcome in outcomes.values():
        low, high = outcome.gain_interval_kcny.T
        assert ((low - 1e-8 <= outcome.gain_kcny) & (outcome.gain_kcny <= high + 1e-8)).all()
    assert np.ptp(outcomes["nucleolus"].gain_interval_kcny, axis=1).max() > 0
    # The gain cannot be less sure than payoff and standing alone together.
    payoff = np.ptp(shapley_interval_kcny(game), axis=1)
    alone = (game.high - game.low)[1 << np.arange(n)]
    assert (np.ptp(outcomes["Shapley"].gain_interval_kcny, axis=1) <= payoff + alone + 1e-9).all()


def test_clearing_settles_transfers() -> None:
    transfer = np.array([-6.0, 4.0, -2.0, 4.0])
    payments = clearing_kcny(transfer)
    assert np.allclose(payments.sum(axis=0) - payments.sum(axis=1), transfer)
    assert payments[0, 1] == pytest.approx(3.0)
    assert not clearing_kcny(np.zeros(3)).any()
    with pytest.raises(InputError, match="transfers sum to zero"):
        clearing_kcny(np.array([1.0, 2.0]))


def test_accounts_that_do_not_fit_the_game_are_refused() -> None:
    game, accounts = east_and_west()
    with pytest.raises(InputError, match="the players book -89 kCNY in sum, the game gives everyone together -90"):
        side_by_side(game, replace(accounts, booked_kcny=np.array([-50.0, -39.0])), TARIFFS)
    with pytest.raises(InputError) as error:
        side_by_side(game, replace(accounts, host_kcny=np.zeros(3), local_tax_kcny=np.full((2, 2), np.nan)), TARIFFS)
    assert [fault.column for fault in error.value.faults] == ["host_kcny", "local_tax_kcny"]
    poor = from_arrays(game.players, np.array([0.0, -50.0, -20.0, -90.0]))
    with pytest.raises(InputError, match="standing alone is worth 20 kCNY more"):
        side_by_side(poor, accounts, TARIFFS)
