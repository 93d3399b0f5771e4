"""Who bears which risk under a contract, in sentences made from the numbers of its comparison."""

from __future__ import annotations

from math import isnan

from optimizer.market.comparison import Comparison, Side
from optimizer.market.contracts import CallOption, Collar, Difference, GreenForward, TakeOrPay

SAME = 0.02
"""A spread that changes by less than this share is said to stay as it is."""


def bearers(comparison: Comparison) -> tuple[str, ...]:
    """Price, volume, basis, delivery and certificate risk, a sentence each where the contract has it."""
    sentences = [_price(comparison), _volume(comparison), _basis(comparison), _delivery(comparison)]
    if isinstance(comparison.contract.terms, GreenForward):
        sentences.append(f"Certificates: {comparison.contract.seller} bears their market price, at a fixed one.")
    return tuple(sentence for sentence in sentences if sentence)


def _price(c: Comparison) -> str:
    buyer, seller, added = _moved(c.buyer), _moved(c.seller), c.buyer.effect.mean_added_kcny
    return (
        f"Price: the spread (sd) of the cost of {c.contract.buyer} {buyer}, that of the income of {c.contract.seller} "
        f"{seller}; on average it {'costs' if added > 0 else 'saves'} the buyer {abs(added):,.1f} kCNY."
    )


def _moved(side: Side) -> str:
    before, after = side.before.sd_kcny, side.after.sd_kcny
    if abs(after - before) <= SAME * before:
        return f"stays near {before:,.1f} kCNY"
    return f"{'falls' if after < before else 'rises'} from {before:,.1f} to {after:,.1f} kCNY"


def _volume(c: Comparison) -> str:
    terms, buyer, seller = c.contract.terms, c.contract.buyer, c.contract.seller
    match terms:
        case TakeOrPay():
            band = f"{buyer} pays for {terms.least_frac:.0%} in any case"
            return f"Volume: {band}; from there to {terms.most_frac:.0%} {seller} stands ready."
        case CallOption():
            return f"Volume: {seller} stands ready for all of it and keeps the premium; {buyer} may leave it."
        case Difference(volume="dispatch"):
            return f"Volume: settled on what is dispatched, so that {seller} bears it."
        case Difference() | Collar():
            return f"Volume: settled on the agreed hours, so that {buyer} bears what it runs above or below them."
    return f"Volume: fixed; {buyer} bears what it needs above or below it."


def _basis(c: Comparison) -> str:
    mean, sd = c.prices.basis_mean, c.prices.basis_sd
    if isnan(mean):
        return f"Basis: {c.contract.buyer} has no work at clusters to compare the index with."
    difference = f"{mean:+.3f} kCNY/EFLOPS·h to the contract's index (sd {sd:.3f})"
    return f"Basis: {c.contract.buyer} buys at {difference} and keeps that difference."


def _delivery(c: Comparison) -> str:
    if not c.contract.physical:
        return "Delivery: none; it is settled in money."
    owed = f"{c.contract.seller} owes damages with a probability of {c.damages_probability_frac:.1%}"
    if c.delivery is None:
        return f"Delivery: {owed}."
    cost = round(c.delivery.cost_kcny, 2) + 0.0  # no minus zero
    return f"Delivery: {owed}; by itself it costs the dispatch {cost:,.2f} kCNY on average, which the operators bear."
