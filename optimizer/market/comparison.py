"""Contracts side by side over an ensemble: what each does to the buyer's cost and the seller's income, and its price.

Without a contract a buyer pays the index for all of its work at clusters, and a seller earns the index on all of its
load. A contract adds its payoff to both, of opposite sign: hub prices are those of the dispatch without it (a price
taker's view; what delivery does to the dispatch stands beside it). Compute cannot be stored, so that no cost of carry
ties a strike to a price of today. Compute futures do not trade: strikes are assumptions and indices are shadow prices.

Source  see `risk`, `strikes` and `settlement`, whose functions these are
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.market.contracts import CallOption, Collar, Contract, quantity_eflops
from optimizer.market.exercise import contract_index_kcny_per_eflopsh, settlements
from optimizer.market.outcomes import Outcomes
from optimizer.market.risk import HedgeEffect, Risk, hedge_effect, mean_kcny, risk
from optimizer.market.settlement import Settlement
from optimizer.market.strikes import (
    StrikeRange,
    break_even_strike_kcny_per_eflopsh,
    captured_kcny_per_eflopsh,
    fair_strike_kcny_per_eflopsh,
    strike_range,
)
from scenarios.case import Floats


@dataclass(frozen=True)
class Side:
    """One side of a contract. A loss is the buyer's cost, or the seller's income with its sign turned; each (s,)."""

    before_kcny: Floats
    after_kcny: Floats
    before: Risk
    after: Risk
    effect: HedgeEffect


@dataclass(frozen=True)
class PriceView:
    """Strikes, premiums and basis, kCNY per EFLOPS·h."""

    fair_strike: float
    """Expected index over the contract's hours."""
    fair_premium: float
    """Premium at which an option or collar is worth nothing on average; NaN for the other types."""
    agreeable: StrikeRange
    """Strikes of a plain forward on these hours that both sides accept, given what else they run."""
    buyer_break_even: float
    """Mean cost of running the same at the buyer's local site (energy and carbon); NaN without one."""
    seller_break_even: float
    """Mean cost of the seller's plan per unit of load."""
    basis_mean: float
    """What the buyer's own work costs at clusters, less the index over the contract's hours."""
    basis_sd: float


@dataclass(frozen=True)
class Delivery:
    """What delivering a physical contract alone does to the dispatch, means over the members (relaxation)."""

    cost_kcny: float
    western_occupancy_frac: float
    hosted_eflopsh: float
    """More work of the buyer at the seller."""
    not_delivered_eflopsh: float


@dataclass(frozen=True)
class Comparison:
    """One contract over an ensemble."""

    contract: Contract
    buyer: Side
    seller: Side
    prices: PriceView
    volume_eflopsh: float
    damages_probability_frac: float
    """Probability of the members in which not all could be delivered."""
    delivery: Delivery | None


def compare(
    contracts: Sequence[Contract], outcomes: Outcomes, level_frac: float = 0.95, aversion_frac: float = 0.5
) -> tuple[Comparison, ...]:
    """Every contract, in order. `aversion_frac` weighs the tail where risk-adjusted strikes are asked for."""
    return tuple(_compare(contract, outcomes, level_frac, aversion_frac) for contract in contracts)


def buyer_bill_kcny(outcomes: Outcomes, buyer: str) -> Floats:
    """(s,) index of all work of a buyer at clusters."""
    work = outcomes.work_eflops[:, outcomes.buyers.index(buyer)]
    return np.asarray((outcomes.cluster_index_kcny_per_eflopsh() * work).sum(axis=(1, 2)))


def seller_income_kcny(outcomes: Outcomes, seller: str) -> Floats:
    """(s,) index of all load of a cluster."""
    at = outcomes.clusters.index(seller)
    return np.asarray((outcomes.cluster_index_kcny_per_eflopsh()[:, at] * outcomes.load_eflops[:, at]).sum(axis=1))


def _compare(contract: Contract, outcomes: Outcomes, level_frac: float, aversion_frac: float) -> Comparison:
    settled = settlements(contract, outcomes)
    payoff = np.array([s.buyer_payoff_kcny.sum() for s in settled])
    p = outcomes.probability_frac
    bill, income = buyer_bill_kcny(outcomes, contract.buyer), seller_income_kcny(outcomes, contract.seller)
    books = [member.book for member in outcomes.members]
    short = [book is not None and bool(book.not_delivered_frac.get(contract.name, np.zeros(1)).any()) for book in books]
    return Comparison(
        contract=contract,
        buyer=_side(bill, bill - payoff, p, level_frac),
        seller=_side(-income, -income + payoff, p, level_frac),
        prices=_prices(contract, outcomes, settled, bill, income, level_frac, aversion_frac),
        volume_eflopsh=float(quantity_eflops(contract, outcomes.horizon).sum()),
        damages_probability_frac=float(p @ np.array(short, dtype=float)),
        delivery=_delivery(contract, outcomes) if contract.physical else None,
    )


def _side(before: Floats, after: Floats, p: Floats, level_frac: float) -> Side:
    effect = hedge_effect(before, after, p, level_frac)
    return Side(before, after, risk(before, p, level_frac), risk(after, p, level_frac), effect)


def _prices(
    contract: Contract,
    outcomes: Outcomes,
    settled: Sequence[Settlement],
    bill_kcny: Floats,
    income_kcny: Floats,
    level_frac: float,
    aversion_frac: float,
) -> PriceView:
    p, quantity = outcomes.probability_frac, quantity_eflops(contract, outcomes.horizon)
    index, volume = contract_index_kcny_per_eflopsh(contract, outcomes), np.full(p.size, quantity.sum())
    value = index @ quantity
    at, seller = outcomes.buyers.index(contract.buyer), outcomes.clusters.index(contract.seller)
    home = np.array([m.home_kcny_per_eflopsh[at] @ quantity for m in outcomes.members])
    load = outcomes.load_eflops[:, seller].sum(axis=1)
    site_cost = np.array([m.site_cost_kcny[seller] for m in outcomes.members])
    basis = _bought_at(outcomes, contract.buyer) - captured_kcny_per_eflopsh(index, quantity[None])[:, 0]
    known = np.isfinite(basis)
    basis_p = p[known] / p[known].sum() if known.any() else p
    mean = float(basis_p @ basis[known]) if known.any() else np.nan
    return PriceView(
        fair_strike=fair_strike_kcny_per_eflopsh(index, quantity, p),
        fair_premium=_fair_premium(contract, settled, p, float(quantity.sum())),
        agreeable=strike_range(bill_kcny, -income_kcny, value, volume, p, level_frac, aversion_frac),
        buyer_break_even=_break_even(home, volume, p),
        seller_break_even=_break_even(site_cost, load, p) if (load > 0).all() else np.nan,
        basis_mean=mean,
        basis_sd=float(np.sqrt(basis_p @ (basis[known] - mean) ** 2)) if known.any() else np.nan,
    )


def _bought_at(outcomes: Outcomes, buyer: str) -> Floats:
    """(s,) mean index that a buyer pays for its work at clusters; NaN in members in which it has none there."""
    work = outcomes.work_eflops[:, outcomes.buyers.index(buyer)].sum(axis=(1, 2))
    bill = buyer_bill_kcny(outcomes, buyer)
    return np.asarray(np.divide(bill, work, out=np.full(bill.shape, np.nan), where=work > 0))


def _break_even(alternative_kcny: Floats, volume_eflopsh: Floats, p: Floats) -> float:
    if np.isnan(alternative_kcny).any():
        return float("nan")
    return break_even_strike_kcny_per_eflopsh(alternative_kcny, volume_eflopsh, p)


def _fair_premium(contract: Contract, settled: Sequence[Settlement], p: Floats, volume_eflopsh: float) -> float:
    if not isinstance(contract.terms, CallOption | Collar):
        return float("nan")
    worth = mean_kcny(np.array([s.buyer_payoff_kcny.sum() for s in settled]), p) / volume_eflopsh
    return contract.terms.premium_kcny_per_eflopsh + worth


def _delivery(contract: Contract, outcomes: Outcomes) -> Delivery | None:
    effects = [member.alone[contract.name] for member in outcomes.members if contract.name in member.alone]
    if len(effects) < len(outcomes.members):
        return None
    p = outcomes.probability_frac
    return Delivery(
        cost_kcny=float(p @ np.array([e.cost_kcny for e in effects])),
        western_occupancy_frac=float(p @ np.array([e.western_occupancy_frac for e in effects])),
        hosted_eflopsh=float(p @ np.array([e.hosted_eflopsh[contract.name] for e in effects])),
        not_delivered_eflopsh=float(p @ np.array([e.not_delivered_eflopsh for e in effects])),
    )
