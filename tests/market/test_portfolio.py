"""The portfolio programme against enumeration, at both ends of aversion and between them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from hubs.errors import InputError
from optimizer.market.portfolio import Outlook, PortfolioError, choose, frontier, losses_kcny
from optimizer.market.risk import mean_cvar_kcny
from scenarios.case import Floats


def outlook(seed: int, scenarios: int = 6, contracts: int = 3, hours: int = 4, most: float = 3.0) -> Outlook:
    """Scarce and plentiful scenarios; lots cost about what the spot costs."""
    rng = np.random.default_rng(seed)
    buy = rng.gamma(4, 2, (scenarios, 1)) * rng.uniform(0.8, 1.2, (scenarios, hours))
    lot = np.broadcast_to(rng.uniform(0, 2, (contracts, hours)), (scenarios, contracts, hours)).copy()
    lot[:, -1] = 0.0  # the last contract is financial
    fixed = (lot.sum(axis=2) * rng.uniform(6, 10, contracts)).astype(float)
    fixed[:, -1] = 8.0 - buy.mean(axis=1) + rng.normal(0, 0.5)
    return Outlook(
        probability_frac=rng.dirichlet(np.full(scenarios, 3.0)),
        need_eflopsh=rng.uniform(1, 5, (scenarios, hours)),
        buy_kcny_per_eflopsh=buy,
        resell_kcny_per_eflopsh=0.6 * buy,
        lot_eflopsh=lot,
        lot_kcny=fixed,
        most_lots=np.full(contracts, most),
        lot_margin_kcny=rng.uniform(1, 2, contracts),
    )


def enumerated(view: Outlook, aversion: float, level: float, budget: float = np.inf) -> tuple[float, Floats]:
    """Least objective over all whole portfolios."""
    best = (np.inf, np.zeros(len(view.most_lots)))
    for lots in product(*(range(int(most) + 1) for most in view.most_lots)):
        if np.dot(lots, view.lot_margin_kcny) <= budget:
            loss = losses_kcny(view, np.array(lots, dtype=float))
            value = mean_cvar_kcny(loss, view.probability_frac, level, aversion)
            best = min(best, (value, np.array(lots)), key=lambda pair: pair[0])
    return best


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("aversion", [0.0, 0.3, 1.0])
def test_whole_lots_are_the_best_of_all_whole_portfolios(seed: int, aversion: float) -> None:
    view = outlook(seed)
    chosen = choose(view, aversion, 0.8, whole_lots=True)
    value, lots = enumerated(view, aversion, 0.8)
    assert chosen.objective_kcny == pytest.approx(value, abs=1e-6)
    assert np.array_equal(chosen.lots, lots)
    fractional = choose(view, aversion, 0.8)
    assert fractional.objective_kcny <= value + 1e-7


@pytest.mark.parametrize("seed", range(6))
def test_the_optimum_is_the_measure_of_its_own_losses(seed: int) -> None:
    view = outlook(seed)
    for aversion in (0.0, 0.5, 1.0):
        chosen = choose(view, aversion, 0.75)
        measured = mean_cvar_kcny(chosen.loss_kcny, view.probability_frac, 0.75, aversion)
        assert chosen.objective_kcny == pytest.approx(measured, abs=1e-6)
        mix = (1 - aversion) * chosen.mean_kcny + aversion * chosen.cvar_kcny
        assert mix == pytest.approx(measured, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_no_portfolio_nearby_is_better(seed: int) -> None:
    view, rng = outlook(seed), np.random.default_rng(seed)
    chosen = choose(view, 0.6, 0.75)
    for lots in rng.uniform(0, view.most_lots, (300, 3)):
        loss = losses_kcny(view, lots)
        assert mean_cvar_kcny(loss, view.probability_frac, 0.75, 0.6) >= chosen.objective_kcny - 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_zero_aversion_is_the_risk_neutral_answer(seed: int) -> None:
    """Of financial contracts each stands for itself: all of it when its mean cost is negative, else none."""
    view = outlook(seed, contracts=5)
    view = replace(view, lot_eflopsh=np.zeros_like(view.lot_eflopsh), lot_kcny=view.lot_kcny - view.lot_kcny.mean())
    means = view.probability_frac @ view.lot_kcny
    assert np.allclose(choose(view, 0.0).lots, np.where(means < 0, view.most_lots, 0.0))
    assert (means < 0).any()
    assert (means > 0).any()


@pytest.mark.parametrize("seed", range(4))
def test_full_aversion_with_one_tail_scenario_is_the_worst_case_answer(seed: int) -> None:
    view = outlook(seed)
    level = 1 - 0.5 * float(view.probability_frac.min())
    chosen = choose(view, 1.0, level)
    assert chosen.objective_kcny == pytest.approx(chosen.loss_kcny.max(), abs=1e-6)
    whole = choose(view, 1.0, level, whole_lots=True)
    worst = min(
        losses_kcny(view, np.array(lots, dtype=float)).max()
        for lots in product(*(range(int(most) + 1) for most in view.most_lots))
    )
    assert whole.loss_kcny.max() == pytest.approx(worst, abs=1e-6)


def test_the_frontier_trades_mean_for_tail() -> None:
    points = frontier(outlook(1, scenarios=30), [0.0, 0.1, 0.25, 0.5, 0.75, 1.0], 0.9)
    means, tails = [point.mean_kcny for point in points], [point.cvar_kcny for point in points]
    assert (np.diff(means) >= -1e-6).all()
    assert (np.diff(tails) <= 1e-6).all()
    assert means[-1] > means[0] + 0.01
    assert tails[-1] < tails[0] - 0.01
    assert [point.aversion_frac for point in points] == [0.0, 0.1, 0.25, 0.5, 0.75, 1.0]


def test_losses_may_all_be_gains() -> None:
    """A quantile below zero is as good as any: the same choice with an income of 1000 on top."""
    view = outlook(3)
    lot_kcny = np.column_stack([view.lot_kcny, np.full(6, -1000.0)])
    rich = replace(
        view,
        lot_kcny=lot_kcny,
        lot_eflopsh=np.concatenate([view.lot_eflopsh, np.zeros((6, 1, 4))], axis=1),
        most_lots=np.append(view.most_lots, 1.0),
        lot_margin_kcny=np.append(view.lot_margin_kcny, 0.0),
    )
    chosen = choose(rich, 1.0, 0.8)
    assert (chosen.loss_kcny < 0).all()
    assert chosen.objective_kcny == pytest.approx(choose(view, 1.0, 0.8).objective_kcny - 1000.0, abs=1e-6)


def test_a_margin_budget_binds() -> None:
    view = outlook(2)
    free = choose(view, 1.0, 0.8)
    budget = 0.5 * float(free.lots @ view.lot_margin_kcny)
    held = choose(view, 1.0, 0.8, margin_budget_kcny=budget)
    assert held.lots @ view.lot_margin_kcny <= budget + 1e-7
    assert held.objective_kcny > free.objective_kcny
    whole = choose(view, 1.0, 0.8, whole_lots=True, margin_budget_kcny=budget)
    assert whole.objective_kcny == pytest.approx(enumerated(view, 1.0, 0.8, budget)[0], abs=1e-6)
    with pytest.raises(PortfolioError, match="no optimal portfolio"):
        choose(view, 1.0, 0.8, margin_budget_kcny=-1.0)


def test_a_perfect_hedge_is_taken_to_the_end_of_the_risk() -> None:
    """Spot price 4 or 8, need 10: lots of one unit at 6 leave no risk, and cost nothing on average."""
    view = Outlook(
        probability_frac=np.array([0.5, 0.5]),
        need_eflopsh=np.full((2, 1), 10.0),
        buy_kcny_per_eflopsh=np.array([[4.0], [8.0]]),
        resell_kcny_per_eflopsh=np.array([[4.0], [8.0]]),
        lot_eflopsh=np.ones((2, 1, 1)),
        lot_kcny=np.full((2, 1), 6.0),
        most_lots=np.array([100.0]),
        lot_margin_kcny=np.array([0.7]),
    )
    chosen = choose(view, 1.0, 0.5)
    assert chosen.lots[0] == pytest.approx(10.0)
    assert np.allclose(chosen.loss_kcny, 60.0)


def test_bad_outlooks_are_refused_all_at_once() -> None:
    view = outlook(0)
    bad = replace(view, most_lots=np.ones(2), lot_kcny=np.full((6, 3), np.nan))
    with pytest.raises(InputError) as error:
        choose(bad, 2.0)
    assert [fault.column for fault in error.value.faults] == ["lot_kcny", "most_lots", "aversion_frac"]
    with pytest.raises(InputError, match="a resale price lies above the purchase price"):
        choose(replace(view, resell_kcny_per_eflopsh=2 * view.buy_kcny_per_eflopsh), 0.5)
    with pytest.raises(InputError, match="they sum to 1"):
        choose(replace(view, probability_frac=np.full(6, 0.2)), 0.5)
