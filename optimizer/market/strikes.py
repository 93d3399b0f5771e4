"""Basis, and the strikes at which a contract is worth nothing more and nothing less to somebody.

Compute cannot be stored, so that no cost of carry ties a forward price to today's: a strike rests on the ensemble of
index prices only. Axes: s scenarios, h hubs, p profiles, t hours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from hubs.errors import Fault, InputError
from optimizer.market.risk import mean_cvar_kcny, mean_kcny, probabilities
from scenarios.case import Floats


@dataclass(frozen=True)
class StrikeRange:
    """The seller's lowest and the buyer's highest acceptable strike; they trade where the first is not above."""

    seller_least_kcny_per_eflopsh: float
    buyer_most_kcny_per_eflopsh: float

    @property
    def trade_possible(self) -> bool:
        return self.seller_least_kcny_per_eflopsh <= self.buyer_most_kcny_per_eflopsh


def captured_kcny_per_eflopsh(price_kcny_per_eflopsh: Floats, profiles_eflops: Floats) -> Floats:
    """(..., p): prices (..., t) averaged over profiles (p, t), by quantity.

    NaN (a price that is not identified) in an hour where a profile asks for compute makes that average NaN; in other
    hours it does not matter. InputError for a profile without quantity.
    """
    profiles = np.asarray(profiles_eflops, dtype=float)
    volume = profiles.sum(axis=-1)
    if profiles.ndim != 2 or not np.isfinite(profiles).all() or (profiles < 0).any() or (volume <= 0).any():
        rule = "each profile is a row of quantities, none negative, not all zero"
        raise InputError(
            [Fault("captured", None, "profiles_eflops", "a profile holds no quantity", rule, "correct it")]
        )
    price = np.asarray(price_kcny_per_eflopsh, dtype=float)[..., None, :]
    value = np.where(profiles > 0, price * profiles, 0.0).sum(axis=-1)
    return np.asarray(value / volume)


def basis_kcny_per_eflopsh(
    hub_kcny_per_eflopsh: Floats, index_kcny_per_eflopsh: Floats, profiles_eflops: Floats
) -> Floats:
    """(s, h, p): price captured at a hub less that of the index, on each profile; hub prices (s, h, t), index (s, t).

    It is the price risk that a contract settled on the index leaves with somebody whose compute is at the hub.
    """
    index = np.asarray(index_kcny_per_eflopsh, dtype=float)[..., None, :]
    return captured_kcny_per_eflopsh(np.asarray(hub_kcny_per_eflopsh) - index, profiles_eflops)


def shape_basis_kcny_per_eflopsh(index_kcny_per_eflopsh: Floats, profiles_eflops: Floats) -> Floats:
    """(s, p): index captured by each profile less its plain mean over the hours."""
    index = np.asarray(index_kcny_per_eflopsh, dtype=float)
    return np.asarray(captured_kcny_per_eflopsh(index, profiles_eflops) - index.mean(axis=-1)[..., None])


def break_even_strike_kcny_per_eflopsh(
    alternative_kcny: Floats, volume_eflopsh: Floats, probability_frac: Floats
) -> float:
    """Strike at which paying for the volume costs on average what the alternative does; both (s,).

    The alternative is the caller's: the cost of serving at home for a buyer, the cost of running for a seller.
    """
    volume = _volume(volume_eflopsh)
    return mean_kcny(alternative_kcny, probability_frac) / mean_kcny(volume, probability_frac)


def fair_strike_kcny_per_eflopsh(
    index_kcny_per_eflopsh: Floats, quantity_eflops: Floats, probability_frac: Floats
) -> float:
    """Strike of zero expected payoff: index (s, t) and quantity (t,) or (s, t). The break-even against the index."""
    index = np.asarray(index_kcny_per_eflopsh, dtype=float)
    quantity = np.broadcast_to(np.asarray(quantity_eflops, dtype=float), index.shape)
    return break_even_strike_kcny_per_eflopsh((index * quantity).sum(axis=1), quantity.sum(axis=1), probability_frac)


def strike_range(
    buyer_loss_kcny: Floats,
    seller_loss_kcny: Floats,
    value_kcny: Floats,
    volume_eflopsh: Floats,
    probability_frac: Floats,
    level_frac: float,
    aversion_frac: float,
) -> StrikeRange:
    """Risk-adjusted fair strikes: each side judges by (1 - aversion) x mean + aversion x CVaR, and may walk away.

    All (s,): losses of both sides without the contract, index value of the contract's compute, and its volume. With the
    contract and a strike K the buyer's loss is its own - value + K volume, the seller's its own + value - K volume. At
    zero aversion both ends are the fair strike. Where volume is the same in all scenarios the measure moves one to one
    with K (translation equivariance), else the point of indifference is found by bisection.
    """
    volume, value = _volume(volume_eflopsh), np.asarray(value_kcny, dtype=float)
    p = probabilities(probability_frac, volume.size)

    def measure(loss: Floats) -> float:
        return mean_cvar_kcny(loss, p, level_frac, aversion_frac)

    def buyer_gain(strike: float) -> float:
        return measure(buyer_loss_kcny) - measure(buyer_loss_kcny - value + strike * volume)

    def seller_gain(strike: float) -> float:
        return measure(seller_loss_kcny) - measure(seller_loss_kcny + value - strike * volume)

    return StrikeRange(_root(seller_gain, volume), _root(buyer_gain, volume))


def _root(gain: Callable[[float], float], volume_eflopsh: Floats) -> float:
    """Where a gain that is monotone in the strike crosses zero.

    Its slope lies between the least and the most volume, so that the gain at strike zero brackets the crossing.
    """
    start = gain(0.0)
    if start == 0.0:
        return 0.0
    if np.ptp(volume_eflopsh) == 0.0:
        rising = gain(1.0) > start
        return float(-start / volume_eflopsh[0] if rising else start / volume_eflopsh[0])
    reach = 2 * abs(start) / float(volume_eflopsh.min())
    return float(brentq(gain, -reach, reach, xtol=1e-12, rtol=1e-14))


def _volume(volume_eflopsh: Floats) -> Floats:
    volume = np.asarray(volume_eflopsh, dtype=float)
    if np.isfinite(volume).all() and (volume > 0).all():
        return volume
    found, rule = f"a volume is {volume.min():.6g}", "a strike needs a positive volume in every scenario"
    raise InputError([Fault("strike", None, "volume_eflopsh", found, rule, "leave out scenarios without delivery")])
