"""Daily settlement: marks, variation margins, initial margin, and quotes held by a daily price limit.

At the end of a day the contract is marked: hours that have passed at the index, hours to come at the day's quote. The
variation margin of a day is the change of the mark, so that all of them add up to the final payoff whatever the quotes
were. Options are marked at intrinsic value (no time value), which the same identity corrects by the end. What a price
limit holds back is not lost: it is carried into the next quotes, and an hour is always settled at the index itself.
Margins bear no interest here. Quotes are the caller's assumption: compute futures do not trade yet.

Source: daily marking to market as in Black (1976), "The pricing of commodity contracts", J. Financial Economics 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.market.contracts import Contract, quantity_eflops
from optimizer.market.settlement import Flows, settle
from scenarios.case import Floats, Horizon


@dataclass(frozen=True)
class Quotes:
    """Settlement prices after tick and limit, and what they still owe the wished ones, each (d,)."""

    quoted_kcny_per_eflopsh: Floats
    carried_kcny_per_eflopsh: Floats
    """Wished price less quote: the move that later days make up for."""


@dataclass(frozen=True)
class MarginAccount:
    """The buyer's account, each (d,); the seller's variation margin is the negative, its initial margin the same."""

    quotes: Quotes
    mark_kcny: Floats
    """Worth of the contract to the buyer at the end of each day; the last one is the final payoff."""
    variation_kcny: Floats
    """Received by the buyer for the day (negative: paid)."""
    initial_kcny: Floats
    """Held from each side during the day, and returned as the quantity is delivered."""


def limited_quotes(contract: Contract, opening_kcny_per_eflopsh: float, wished_kcny_per_eflopsh: Floats) -> Quotes:
    """Quotes (d,) in whole ticks that follow the wished prices (d,) by at most `limit_frac` of the last quote a day.

    The first day moves from the opening price. A move of one tick is always allowed, or a price of zero could never
    rise. Half of a tick rounds to the even one.
    """
    wished = np.asarray(wished_kcny_per_eflopsh, dtype=float)
    if wished.ndim != 1 or not np.isfinite(wished).all() or not np.isfinite(opening_kcny_per_eflopsh):
        rule = "there is one finite settlement price per day, and an opening price"
        found = f"contract '{contract.name}': the prices are {wished.tolist()} from {opening_kcny_per_eflopsh}"
        raise InputError([Fault("limited_quotes", None, "wished", found, rule, "correct the prices")])
    tick = contract.tick_kcny_per_eflopsh
    last = round(opening_kcny_per_eflopsh / tick)
    ticks = []
    for target in np.round(wished / tick).astype(int).tolist():
        # The tolerance keeps a limit that is a whole number of ticks whole: 0.1 x 30 is 3.
        reach = max(1, int(contract.limit_frac * abs(last) + 1e-9))
        last += min(max(target - last, -reach), reach)
        ticks.append(last)
    quoted = tick * np.array(ticks, dtype=float)
    return Quotes(quoted, wished - quoted)


def marks_kcny(
    contract: Contract,
    horizon: Horizon,
    index_kcny_per_eflopsh: Floats,
    quoted_kcny_per_eflopsh: Floats,
    flows: Flows | None = None,
) -> Floats:
    """(d,) worth of the contract to the buyer at the end of each day: index (t,) up to then, the quote (d,) beyond."""
    hour, quoted = np.arange(horizon.hours), np.asarray(quoted_kcny_per_eflopsh, dtype=float)
    if quoted.shape != (horizon.days,):
        found = f"contract '{contract.name}': quotes have the shape {quoted.shape}"
        rule = f"there is one for each of the {horizon.days} days"
        raise InputError([Fault("marks_kcny", None, "quoted", found, rule, "give a quote per day")])
    paths = [np.where(hour < 24 * (day + 1), index_kcny_per_eflopsh, quote) for day, quote in enumerate(quoted)]
    return np.array([settle(contract, horizon, path, flows).buyer_payoff_kcny.sum() for path in paths])


def margin_account(
    contract: Contract,
    horizon: Horizon,
    index_kcny_per_eflopsh: Floats,
    opening_kcny_per_eflopsh: float,
    wished_kcny_per_eflopsh: Floats,
    flows: Flows | None = None,
) -> MarginAccount:
    """Daily margins of a contract: index (t,), opening price, wished settlement prices (d,) before tick and limit."""
    quotes = limited_quotes(contract, opening_kcny_per_eflopsh, wished_kcny_per_eflopsh)
    marks = marks_kcny(contract, horizon, index_kcny_per_eflopsh, quotes.quoted_kcny_per_eflopsh, flows)
    quantity = quantity_eflops(contract, horizon)
    open_eflopsh = np.array([quantity[24 * day :].sum() for day in range(horizon.days)])
    before = np.concatenate([[opening_kcny_per_eflopsh], quotes.quoted_kcny_per_eflopsh[:-1]])
    initial = contract.margin_frac * np.abs(before) * open_eflopsh
    return MarginAccount(quotes, marks, np.diff(marks, prepend=0.0), initial)
