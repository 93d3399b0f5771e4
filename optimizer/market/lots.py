"""How many lots of which contracts the buyers would hold: the outlook of a mean-CVaR programme over an ensemble.

The buyers of the contracts act as one desk: what they need at the clusters of a hub in an hour is bought at the hub's
index, unless lots bring it. What lots bring beyond that is resold at a discount. At most the lots of the file are on
offer. Each contract is scaled by its lots; a difference on the dispatch covers the same share of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizer.market.contracts import Contract, quantity_eflops
from optimizer.market.exercise import contract_index_kcny_per_eflopsh, settlements
from optimizer.market.outcomes import Outcomes
from optimizer.market.portfolio import Outlook
from scenarios.case import Floats

RESALE_FRAC = 0.9
"""Of the index, for compute that turns out not to be needed (assumed; compute that is not used is lost)."""
AVERSIONS_FRAC = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)


def outlook(contracts: Sequence[Contract], outcomes: Outcomes, resale_frac: float = RESALE_FRAC) -> Outlook:
    """Blocks are hub x hour. The margin of a lot is held at the ensemble's mean price of its hours."""
    p, hubs = outcomes.probability_frac, len(outcomes.hubs)
    s, blocks = p.size, hubs * outcomes.horizon.hours
    index = outcomes.index_kcny_per_eflopsh.reshape(s, blocks)
    brought, paid = np.zeros((s, len(contracts), blocks)), np.zeros((s, len(contracts)))
    margin = np.zeros(len(contracts))
    for c, contract in enumerate(contracts):
        hub = outcomes.hubs.index(outcomes.hub_of[contract.seller])
        part = slice(hub * outcomes.horizon.hours, (hub + 1) * outcomes.horizon.hours)
        prices = contract_index_kcny_per_eflopsh(contract, outcomes)
        for m, settled in enumerate(settlements(contract, outcomes)):
            brought[m, c, part] = settled.delivered_eflops / contract.lots
            extras = settled.received_kcny - prices[m] * settled.delivered_eflops
            paid[m, c] = (settled.payment_kcny - extras).sum() / contract.lots
        quantity = quantity_eflops(contract, outcomes.horizon)
        margin[c] = contract.margin_frac * float(p @ np.abs(prices @ quantity)) / contract.lots
    return Outlook(
        probability_frac=p,
        need_eflopsh=_need_eflops(outcomes).reshape(s, blocks),
        buy_kcny_per_eflopsh=index,
        resell_kcny_per_eflopsh=index - (1 - resale_frac) * np.abs(index),
        lot_eflopsh=brought,
        lot_kcny=paid,
        most_lots=np.array([float(contract.lots) for contract in contracts]),
        lot_margin_kcny=margin,
    )


def _need_eflops(outcomes: Outcomes) -> Floats:
    """(s, h, t) work of all buyers at the clusters of each hub."""
    by_cluster = outcomes.work_eflops.sum(axis=1)
    at = [[outcomes.hub_of[c] == hub for c in outcomes.clusters] for hub in outcomes.hubs]
    return np.asarray(np.einsum("sct,hc->sht", by_cluster, np.array(at, dtype=float)))
