"""What each side pays and what the contract is worth to it, hour by hour, once the index price is known.

Money is that of one contract, not of the compute behind it: `payment_kcny` goes from buyer to seller (a negative
payment goes back). `buyer_payoff_kcny` is what holding the contract is worth to the buyer against buying the same
compute at the index: the index value of what it receives, less what it pays. The seller's payoff is its negative, in
every hour and to the last bit. Without a real market the index is a price of the model (a dual), which is assumed to
be one at which the hour's compute could be had.

Damages follow the clause usual in physical energy contracts (EFET General Agreement, section 8): whoever fails to
deliver or to accept pays the other's loss against the index on the missing quantity, and never earns by failing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.market.contracts import (
    CallOption,
    Collar,
    Contract,
    Difference,
    Forward,
    GreenForward,
    TakeOrPay,
    quantity_eflops,
)
from scenarios.case import Floats, Horizon

TOLERANCE_EFLOPS = 1e-9


@dataclass(frozen=True)
class Flows:
    """What happened under a contract, each (t,); None stands for the plain case named here.

    offered_eflops: made available by the seller (all that may be asked for). taken_eflops: used by the buyer (all that
    is agreed and offered; of a call, all of it where the index is above the strike; never more than is offered).
    dispatched_eflops: work of the buyer at the seller's cluster, asked for by a difference on the dispatch.
    certificate_mwh: green certificates handed over (all that belong to the compute taken).
    certificate_kcny_per_mwh: their market price, asked for by a green forward.
    """

    offered_eflops: Floats | None = None
    taken_eflops: Floats | None = None
    dispatched_eflops: Floats | None = None
    certificate_mwh: Floats | None = None
    certificate_kcny_per_mwh: Floats | None = None


@dataclass(frozen=True)
class Settlement:
    """One contract over a horizon, each (t,)."""

    payment_kcny: Floats
    """From buyer to seller."""
    delivered_eflops: Floats
    certificate_mwh: Floats
    received_kcny: Floats
    """Index value of the compute, and market value of the certificates, that the buyer receives."""

    @property
    def seller_cash_kcny(self) -> Floats:
        return self.payment_kcny

    @property
    def buyer_cash_kcny(self) -> Floats:
        return -self.payment_kcny

    @property
    def buyer_payoff_kcny(self) -> Floats:
        return np.asarray(self.received_kcny - self.payment_kcny)

    @property
    def seller_payoff_kcny(self) -> Floats:
        return -self.buyer_payoff_kcny


def settle(
    contract: Contract, horizon: Horizon, index_kcny_per_eflopsh: Floats, flows: Flows | None = None
) -> Settlement:
    """Settlement of one contract at an index price (t,), given what happened.

    InputError when a series has another length or is no finite number (a price that is not identified must be replaced
    or left out by the caller, it is never read as zero), when more is taken than offered or than the contract allows,
    or when a series that the type asks for is missing.
    """
    flows = flows or Flows()
    agreed = quantity_eflops(contract, horizon)
    index = _series(contract, "index_kcny_per_eflopsh", index_kcny_per_eflopsh, agreed)
    match contract.terms:
        case Forward() | GreenForward():
            return _forward(contract, contract.terms, agreed, index, flows)
        case TakeOrPay():
            return _take_or_pay(contract, contract.terms, agreed, index, flows)
        case CallOption():
            return _call(contract, contract.terms, agreed, index, flows)
        case Difference():
            volume = agreed
            if contract.terms.volume == "dispatch":
                volume = _needed(contract, "dispatched_eflops", flows.dispatched_eflops, agreed)
            return _financial((contract.terms.strike_kcny_per_eflopsh - index) * volume)
        case Collar():
            return _financial(_collar(contract.terms, agreed, index))


def _forward(
    contract: Contract, terms: Forward | GreenForward, agreed: Floats, index: Floats, flows: Flows
) -> Settlement:
    offered, taken = _delivery(contract, agreed, agreed, flows)
    gain = index - terms.strike_kcny_per_eflopsh
    not_delivered, not_accepted = agreed - offered, offered - taken
    payment = terms.strike_kcny_per_eflopsh * taken
    payment = payment - np.maximum(gain, 0.0) * not_delivered + np.maximum(-gain, 0.0) * not_accepted
    if isinstance(terms, Forward):
        return Settlement(payment, taken, np.zeros_like(agreed), index * taken)
    return _with_certificates(contract, terms, Settlement(payment, taken, agreed, index * taken), flows)


def _with_certificates(contract: Contract, terms: GreenForward, compute: Settlement, flows: Flows) -> Settlement:
    """Certificates are owed for the compute taken; a missing one costs the seller what it costs on the market."""
    owed = terms.certificate_mwh_per_eflopsh * compute.delivered_eflops
    market = _needed(contract, "certificate_kcny_per_mwh", flows.certificate_kcny_per_mwh, owed)
    given = owed if flows.certificate_mwh is None else _series(contract, "certificate_mwh", flows.certificate_mwh, owed)
    _within(contract, "certificate_mwh", given, owed)
    price = terms.certificate_kcny_per_mwh
    payment = compute.payment_kcny + price * given - np.maximum(market - price, 0.0) * (owed - given)
    return Settlement(payment, compute.delivered_eflops, given, compute.received_kcny + market * given)


def _take_or_pay(contract: Contract, terms: TakeOrPay, agreed: Floats, index: Floats, flows: Flows) -> Settlement:
    """The volume paid for and not taken is settled in the last hour of delivery.

    Damages count below the agreed quantity only: above it the seller offers what it can, up to the band's end. What it
    failed to offer counts as taken, so that nobody pays for compute that was refused to them.
    """
    offered, taken = _delivery(contract, agreed, terms.most_frac * agreed, flows)
    strike = terms.strike_kcny_per_eflopsh
    not_delivered = np.maximum(agreed - offered, 0.0)
    payment = strike * taken - np.maximum(index - strike, 0.0) * not_delivered
    short_eflopsh = terms.least_frac * agreed.sum() - taken.sum() - not_delivered.sum()
    payment[_hours_of_delivery(agreed)[-1]] += strike * max(0.0, float(short_eflopsh))
    return Settlement(payment, taken, np.zeros_like(agreed), index * taken)


def _call(contract: Contract, terms: CallOption, agreed: Floats, index: Floats, flows: Flows) -> Settlement:
    """The premium falls due in the first hour of delivery; each hour is an option of its own.

    Capacity that is not offered is owed the index above the strike, whether or not it would have been called.
    """
    strike = terms.strike_kcny_per_eflopsh
    called = np.where(index > strike, agreed, 0.0)
    offered, taken = _delivery(contract, called, agreed, flows)
    payment = strike * taken - np.maximum(index - strike, 0.0) * (agreed - offered)
    payment[_hours_of_delivery(agreed)[0]] += terms.premium_kcny_per_eflopsh * agreed.sum()
    return Settlement(payment, taken, np.zeros_like(agreed), index * taken)


def _collar(terms: Collar, agreed: Floats, index: Floats) -> Floats:
    above = np.maximum(index - terms.cap_kcny_per_eflopsh, 0.0)
    below = np.maximum(terms.floor_kcny_per_eflopsh - index, 0.0)
    payment = (below - above) * agreed
    payment[_hours_of_delivery(agreed)[0]] += terms.premium_kcny_per_eflopsh * agreed.sum()
    return np.asarray(payment)


def _financial(payment_kcny: Floats) -> Settlement:
    nothing = np.zeros_like(payment_kcny)
    return Settlement(payment_kcny, nothing, nothing, nothing)


def _hours_of_delivery(agreed: Floats) -> list[int]:
    return np.flatnonzero(agreed).tolist() or [0]


def _delivery(contract: Contract, asked: Floats, most: Floats, flows: Flows) -> tuple[Floats, Floats]:
    """(offered, taken): by default all that may be asked for is offered, and all that is asked for is taken."""
    offered = most if flows.offered_eflops is None else _series(contract, "offered_eflops", flows.offered_eflops, most)
    _within(contract, "offered_eflops", offered, most)
    if flows.taken_eflops is None:
        return offered, np.minimum(asked, offered)
    taken = _series(contract, "taken_eflops", flows.taken_eflops, most)
    _within(contract, "taken_eflops", taken, offered)
    return offered, taken


def _series(contract: Contract, name: str, values: Floats, like: Floats) -> Floats:
    series = np.asarray(values, dtype=float)
    if series.shape == like.shape and np.isfinite(series).all():
        return series
    found = f"{name} holds {int(np.sum(~np.isfinite(series)))} numbers that are not finite"
    if series.shape != like.shape:
        found = f"{name} has the shape {series.shape}"
    raise _refusal(contract, name, found, f"it is one finite number for each of the {like.size} hours")


def _needed(contract: Contract, name: str, values: Floats | None, like: Floats) -> Floats:
    if values is None:
        raise _refusal(contract, name, f"{name} is missing", "a contract of this type is settled on it")
    return _series(contract, name, values, like)


def _within(contract: Contract, name: str, values: Floats, most: Floats) -> None:
    wrong = (values < -TOLERANCE_EFLOPS) | (values > most + TOLERANCE_EFLOPS)
    if wrong.any():
        hour = int(np.flatnonzero(wrong)[0])
        found = f"{name} is {values[hour]:.6g} in hour {hour}"
        raise _refusal(contract, name, found, f"it lies between 0 and {most[hour]:.6g} there")


def _refusal(contract: Contract, name: str, found: str, rule: str) -> InputError:
    return InputError([Fault("settle", None, name, f"contract '{contract.name}': {found}", rule, f"correct {name}")])
