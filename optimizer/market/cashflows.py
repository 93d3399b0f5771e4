"""When the money of a contract moves: payments and daily margins, as a calendar over an ensemble.

Margins need quotes, and none exist: the contract opens at the ensemble's mean index of its hours, and a day is quoted
at the index that the member showed in the contract's hours of that day. Initial margin is held from each side alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.market.contracts import Contract, quantity_eflops
from optimizer.market.exercise import contract_index_kcny_per_eflopsh, flows, settlements
from optimizer.market.margins import MarginAccount, margin_account
from optimizer.market.outcomes import Outcomes
from optimizer.market.risk import mean_kcny, quantile_kcny
from scenarios.case import Floats


@dataclass(frozen=True)
class CashDay:
    """One day of a contract, the buyer's side: negative is paid. Means and quantiles over the members."""

    day: int
    settlement_kcny: float
    settlement_low_kcny: float
    settlement_high_kcny: float
    variation_kcny: float
    """Variation margin, which anticipates the payoff of days to come."""
    variation_low_kcny: float
    variation_high_kcny: float
    initial_margin_kcny: float


def calendar(contract: Contract, outcomes: Outcomes) -> tuple[CashDay, ...]:
    """Every day of the horizon."""
    days, p = outcomes.horizon.days, outcomes.probability_frac
    paid = np.stack([_by_day(s.buyer_cash_kcny, days) for s in settlements(contract, outcomes)])
    accounts = margin_accounts(contract, outcomes)
    variation = np.stack([account.variation_kcny for account in accounts])
    initial = np.stack([account.initial_kcny for account in accounts])
    return tuple(
        CashDay(d, *_spread(paid[:, d], p), *_spread(variation[:, d], p), mean_kcny(initial[:, d], p))
        for d in range(days)
    )


def margin_accounts(contract: Contract, outcomes: Outcomes) -> tuple[MarginAccount, ...]:
    """One a member; the days' variations of each add up to its payoff."""
    quantity, p = quantity_eflops(contract, outcomes.horizon), outcomes.probability_frac
    index = contract_index_kcny_per_eflopsh(contract, outcomes)
    opening = float(p @ (index @ quantity)) / float(quantity.sum())
    return tuple(
        margin_account(
            contract,
            outcomes.horizon,
            prices,
            opening,
            _quotes(prices, quantity, opening, outcomes.horizon.days),
            flows(contract, outcomes, member, prices),
        )
        for member, prices in zip(outcomes.members, index, strict=True)
    )


def _quotes(index_kcny_per_eflopsh: Floats, quantity_eflops: Floats, opening: float, days: int) -> Floats:
    """(d,) index of each day over the contract's hours; a day without any keeps the quote of the day before."""
    quotes, last = [], opening
    for day in range(days):
        part = slice(24 * day, 24 * (day + 1))
        volume = float(quantity_eflops[part].sum())
        last = float(index_kcny_per_eflopsh[part] @ quantity_eflops[part]) / volume if volume else last
        quotes.append(last)
    return np.array(quotes)


def _by_day(hourly: Floats, days: int) -> Floats:
    return np.array([hourly[24 * day : 24 * (day + 1)].sum() for day in range(days)])


def _spread(outcome: Floats, p: Floats) -> tuple[float, float, float]:
    return mean_kcny(outcome, p), quantile_kcny(outcome, p, 0.05), quantile_kcny(outcome, p, 0.95)
