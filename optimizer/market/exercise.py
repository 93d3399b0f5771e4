"""What happens under a contract in each member of an ensemble: offered, taken, dispatched, and its settlement.

Holders use what they hold with the whole day's index before them: a call is exercised hour by hour where the index is
above the strike; a take-or-pay buyer takes all it may in such hours, and of what it must pay for anyway the hours in
which the index is highest. That is the most a holder could get, not a forecast of what one would do.
"""

from __future__ import annotations

import numpy as np

from optimizer.market.contracts import Contract, Difference, TakeOrPay, quantity_eflops
from optimizer.market.outcomes import Outcome, Outcomes
from optimizer.market.settlement import Flows, Settlement, settle
from scenarios.case import Floats, Horizon


def settlements(contract: Contract, outcomes: Outcomes) -> tuple[Settlement, ...]:
    """One a member, on the index of the seller's hub."""
    index = contract_index_kcny_per_eflopsh(contract, outcomes)
    return tuple(
        settle(contract, outcomes.horizon, prices, flows(contract, outcomes, member, prices))
        for member, prices in zip(outcomes.members, index, strict=True)
    )


def contract_index_kcny_per_eflopsh(contract: Contract, outcomes: Outcomes) -> Floats:
    """(s, t) index of the seller's hub."""
    return outcomes.index_kcny_per_eflopsh[:, outcomes.hubs.index(outcomes.hub_of[contract.seller])]


def flows(contract: Contract, outcomes: Outcomes, member: Outcome, index_kcny_per_eflopsh: Floats) -> Flows:
    """What was offered, taken and dispatched under a contract in one member."""
    hours = outcomes.horizon.hours
    if isinstance(contract.terms, Difference):
        at = outcomes.buyers.index(contract.buyer), outcomes.clusters.index(contract.seller)
        return Flows(dispatched_eflops=member.work_eflops[at])
    if not contract.physical:
        return Flows()
    most_frac = contract.terms.most_frac if isinstance(contract.terms, TakeOrPay) else 1.0
    offered = most_frac * quantity_eflops(contract, outcomes.horizon)
    if member.book is not None:
        day = np.arange(hours) // 24
        offered = offered * (1 - member.book.not_delivered_frac[contract.name])[day]
    certificate = np.full(hours, member.certificate_kcny_per_mwh)
    taken = _taken(contract, contract.terms, outcomes.horizon, offered, index_kcny_per_eflopsh)
    return Flows(offered_eflops=offered, taken_eflops=taken, certificate_kcny_per_mwh=certificate)


def _taken(
    contract: Contract, terms: object, horizon: Horizon, offered_eflops: Floats, index_kcny_per_eflopsh: Floats
) -> Floats | None:
    """What a take-or-pay buyer takes; None for the other types, whose settlement knows."""
    if not isinstance(terms, TakeOrPay):
        return None
    taken = np.where(index_kcny_per_eflopsh > terms.strike_kcny_per_eflopsh, offered_eflops, 0.0)
    due_eflopsh = terms.least_frac * float(quantity_eflops(contract, horizon).sum())
    for hour in np.argsort(-index_kcny_per_eflopsh, kind="stable").tolist():
        more = min(offered_eflops[hour] - taken[hour], due_eflopsh - taken.sum())
        taken[hour] += max(0.0, more) if index_kcny_per_eflopsh[hour] > 0 else 0.0
    return np.asarray(np.minimum(taken, offered_eflops))
