"""Rules for sharing the gain of joint dispatch, side by side: who pays whom, and who would rather leave.

Two kinds of rule. *Allocations* (equal gain, Shapley, Nash, nucleolus) say what each player has in the end; the
transfers follow. *Tariffs* (uniform rate, cost-plus, tax split, nodal prices) say what hosted work costs; what each
player has in the end follows. All transfers are between the players and sum to zero. The status quo has none.

Assumed: the joint dispatch is carried out whatever the rule (transfers do not change it), money is worth the same to
all, and standing alone is the alternative.

Sources: Shapley (1953), Nash (1950), Schmeidler (1969); nodal prices: Schweppe et al. (1988), "Spot pricing of
electricity"; tax split: 财预〔2015〕92号, see `taxsharing`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.market.core import CoreCheck, core_check, nucleolus
from optimizer.market.games import (
    Game,
    equal_gain_kcny,
    from_arrays,
    nash_bargaining_kcny,
    shapley_kcny,
    shapley_weights,
)
from scenarios.case import Floats

BALANCE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Accounts:
    """The joint dispatch as the players book it, n players in the order of the game, t hours.

    booked_kcny (n,): what each has before any transfer (a cost is negative); in sum v(N). work_eflopsh (n, n, t): work
    of the first player done at the second. host_kcny (n, n): what that work costs the second. local_tax_kcny (n, n):
    local taxes the second collects on it. price_kcny_per_eflopsh (n, t): nodal price at each player, NaN where it is
    not identified.
    """

    booked_kcny: Floats
    work_eflopsh: Floats
    host_kcny: Floats
    local_tax_kcny: Floats
    price_kcny_per_eflopsh: Floats


@dataclass(frozen=True)
class Tariffs:
    """Terms of the tariff rules. `rent_frac` (n,): who gets the congestion rent; None divides it equally."""

    rate_kcny_per_eflopsh: float
    margin_frac: float
    origin_tax_frac: float
    rent_frac: Floats | None = None


@dataclass(frozen=True)
class Outcome:
    """One rule. Players in the order of the game; money in kCNY."""

    rule: str
    payment_kcny: Floats  # (n, n): from the first player to the second, net, none negative
    transfer_kcny: Floats  # (n,): received less paid
    payoff_kcny: Floats  # (n,): booked plus transfer
    gain_kcny: Floats  # (n,): over standing alone
    gain_interval_kcny: Floats  # (n, 2): over all games within the gaps
    interval_exact: bool
    """False for the nucleolus of a game with gaps: then the interval is that of sampled games, a lower estimate."""
    core: CoreCheck

    @property
    def balance_kcny(self) -> float:
        """Sum of the transfers: zero, up to rounding."""
        return float(self.transfer_kcny.sum())

    @property
    def nobody_loses(self) -> bool:
        return bool((self.gain_kcny >= -BALANCE_TOLERANCE).all())


def side_by_side(
    game: Game, accounts: Accounts, tariffs: Tariffs, draws: int = 200, seed: int = 0
) -> tuple[Outcome, ...]:
    """All rules on one game. `draws` sampled games bound the nucleolus where values have gaps.

    InputError where accounts do not fit the game (other shapes, booked values that do not sum to v(N)), where a price
    is not identified although work is charged at it, or where nothing is gained together.
    """
    check_accounts(game, accounts)
    tariff_rules = {
        "status quo": np.zeros((game.n, game.n)),
        "uniform rate": tariffs.rate_kcny_per_eflopsh * accounts.work_eflopsh.sum(axis=2),
        "cost-plus": (1 + tariffs.margin_frac) * accounts.host_kcny,
        "tax split 50:50": 0.5 * accounts.local_tax_kcny.T,
        "tax split of the scenario": tariffs.origin_tax_frac * accounts.local_tax_kcny.T,
        "nodal prices": nodal_payments_kcny(accounts, tariffs.rent_frac),
    }
    outcomes = [_outcome(game, accounts, rule, payments) for rule, payments in tariff_rules.items()]
    equal, shapley = _equal_gain_weights(game.n), shapley_weights(game.n)
    allocations = {
        "equal gain": (equal_gain_kcny(game), _linear_interval(game, equal), True),
        "Shapley": (shapley_kcny(game), _linear_interval(game, shapley), True),
        "nucleolus": (nucleolus(game).payoff_kcny, *_nucleolus_interval(game, draws, seed)),
        "Nash bargaining": (nash_bargaining_kcny(game), _linear_interval(game, equal), True),
    }
    for rule, (payoff, interval, exact) in allocations.items():
        payments = clearing_kcny(payoff - accounts.booked_kcny)
        outcomes.append(_outcome(game, accounts, rule, payments, interval, exact))
    return tuple(outcomes)


def nodal_payments_kcny(accounts: Accounts, rent_frac: Floats | None = None) -> Floats:
    """(n, n) payments when work is paid at the price where it runs and charged at the price where it comes from.

    The difference is the congestion rent. It is collected from the players and handed out by `rent_frac` (equally if
    None), so that the budget balances. Work at home pays nothing.
    """
    n = len(accounts.booked_kcny)
    share = np.full(n, 1 / n) if rent_frac is None else np.asarray(rent_frac, dtype=float)
    if share.shape != (n,) or (share < 0).any() or abs(share.sum() - 1) > 1e-9:
        raise _refusal("rent_frac", f"the parts are {share.tolist()}", "one part per player, in sum 1")
    work = np.where(np.eye(n, dtype=bool)[:, :, None], 0.0, accounts.work_eflopsh)
    price = accounts.price_kcny_per_eflopsh
    hosted = _value_kcny(work, price[None, :, :])
    charged = _value_kcny(work, price[:, None, :])
    rent = (charged - hosted).sum(axis=1)
    return np.asarray(hosted + rent[:, None] * share[None, :])


def clearing_kcny(transfer_kcny: Floats) -> Floats:
    """(n, n) payments that bring about transfers (n,) in sum zero: each payer pays every receiver in proportion."""
    transfer = np.asarray(transfer_kcny, dtype=float)
    received, paid = np.maximum(transfer, 0.0), np.maximum(-transfer, 0.0)
    total = max(received.sum(), paid.sum())
    if abs(transfer.sum()) > BALANCE_TOLERANCE * max(1.0, total):
        raise _refusal("transfer_kcny", f"the transfers sum to {transfer.sum():.6g}", "transfers sum to zero")
    return np.outer(paid, received) / total if total else np.zeros((transfer.size, transfer.size))


def check_accounts(game: Game, accounts: Accounts) -> None:
    """InputError with every misfit of accounts and game."""
    n, hours = game.n, np.shape(accounts.work_eflopsh)[-1] if np.ndim(accounts.work_eflopsh) == 3 else 0
    shapes = {
        "booked_kcny": (n,),
        "work_eflopsh": (n, n, hours),
        "host_kcny": (n, n),
        "local_tax_kcny": (n, n),
        "price_kcny_per_eflopsh": (n, hours),
    }
    faults = []
    for name, shape in shapes.items():
        values = np.asarray(getattr(accounts, name))
        if values.shape != shape or (name != "price_kcny_per_eflopsh" and not np.isfinite(values).all()):
            found, rule = f"{name} has the shape {values.shape}", f"it holds {shape} finite numbers"
            faults.append(Fault("Accounts", None, name, found, rule, f"correct {name}"))
    if not faults:
        booked = float(accounts.booked_kcny.sum())
        size = max(1.0, float(np.abs(accounts.booked_kcny).sum()))
        if abs(booked - game.total) > BALANCE_TOLERANCE * size:
            found = f"the players book {booked:.9g} kCNY in sum, the game gives everyone together {game.total:.9g}"
            mend = "book every cost and income of the joint dispatch to one player"
            faults.append(Fault("Accounts", None, "booked_kcny", found, "both are the joint dispatch", mend))
    if faults:
        raise InputError(faults)


def _outcome(
    game: Game,
    accounts: Accounts,
    rule: str,
    payment_kcny: Floats,
    interval_kcny: Floats | None = None,
    interval_exact: bool = True,
) -> Outcome:
    net = np.maximum(payment_kcny - payment_kcny.T, 0.0)
    transfer = net.sum(axis=0) - net.sum(axis=1)
    payoff = accounts.booked_kcny + transfer
    if interval_kcny is None:  # a tariff: only standing alone is uncertain
        single = 1 << np.arange(game.n)
        interval_kcny = np.column_stack([payoff - game.high[single], payoff - game.low[single]])
    check = core_check(game, payoff, max(1e-6, 1e-9 * float(np.abs(game.value).max())))
    return Outcome(rule, net, transfer, payoff, payoff - game.alone, interval_kcny, interval_exact, check)


def _equal_gain_weights(n: int) -> Floats:
    """(n, 2**n): the equal gain as a linear map of the coalition values."""
    weights, single = np.zeros((n, 1 << n)), 1 << np.arange(n)
    weights[:, single] = np.eye(n) - 1 / n
    weights[:, -1] += 1 / n
    return weights


def _gain_weights(weights: Floats) -> Floats:
    """(n, 2**n): a linear rule less standing alone."""
    single = 1 << np.arange(len(weights))
    gain = weights.copy()
    gain[:, single] -= np.eye(len(weights))
    return gain


def _linear_interval(game: Game, weights: Floats) -> Floats:
    """(n, 2) least and most gain over standing alone of a linear rule, over all games within the gaps."""
    gain = _gain_weights(weights)
    rising, falling = np.maximum(gain, 0.0), np.minimum(gain, 0.0)
    return np.column_stack([rising @ game.low + falling @ game.high, rising @ game.high + falling @ game.low])


def _nucleolus_interval(game: Game, draws: int, seed: int) -> tuple[Floats, bool]:
    """(n, 2) range of gains over corners of the gaps, and whether it is exact (only without gaps).

    The nucleolus is continuous but neither linear nor monotone in the values, so that no corner is the worst for sure.
    Tried are each player's best and worst corner under the Shapley value, and random ones. Corners without imputations
    have no nucleolus and are passed over.
    """
    gains = [nucleolus(game).payoff_kcny - game.alone]
    if game.exact:
        return np.column_stack([gains[0], gains[0]]), True
    favours = _gain_weights(shapley_weights(game.n)) > 0
    random = np.random.default_rng(seed).random((draws, game.value.size)) < 0.5
    for up in (*favours, *~favours, *random):
        corner = from_arrays(game.players, np.where(up, game.high, game.low))
        if corner.alone.sum() <= corner.total:
            gains.append(nucleolus(corner).payoff_kcny - corner.alone)
    return np.column_stack([np.min(gains, axis=0), np.max(gains, axis=0)]), False


def _value_kcny(work_eflopsh: Floats, price_kcny_per_eflopsh: Floats) -> Floats:
    """(n, n): work at prices, summed over hours; a price counts only where there is work."""
    price = np.broadcast_to(price_kcny_per_eflopsh, work_eflopsh.shape)
    blank = (work_eflopsh != 0) & ~np.isfinite(price)
    if blank.any():
        buyer, host, hour = (int(place[0]) for place in np.nonzero(blank))
        found = f"work of player {buyer} at player {host} in hour {hour} has a price that is not identified"
        raise _refusal("price_kcny_per_eflopsh", found, "work is charged at identified prices only")
    return np.asarray(np.where(work_eflopsh != 0, work_eflopsh * price, 0.0).sum(axis=2))


def _refusal(column: str, found: str, rule: str) -> InputError:
    return InputError([Fault("sharing", None, column, found, rule, f"correct {column}")])
