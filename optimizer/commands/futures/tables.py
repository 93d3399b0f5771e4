"""Tables of contracts compared over an ensemble: long, one fact a row, the unit in the column name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.market.cashflows import calendar
from optimizer.market.comparison import Comparison, Side
from optimizer.market.contractfile import TYPES
from optimizer.market.contracts import Contract
from optimizer.market.forwardcurve import basis_table, curve_table
from optimizer.market.outcomes import Outcome, Outcomes
from optimizer.market.portfolio import Choice
from optimizer.market.riskwords import bearers


@dataclass(frozen=True)
class Study:
    """Contracts compared, with the ensemble they were compared over and the portfolios chosen from them."""

    outcomes: Outcomes
    comparisons: tuple[Comparison, ...]
    portfolios: tuple[Choice, ...]

    @property
    def contracts(self) -> tuple[Contract, ...]:
        return tuple(comparison.contract for comparison in self.comparisons)


def study_tables(study: Study) -> dict[str, pd.DataFrame]:
    """Every table of a study, by name."""
    outcomes = study.outcomes
    days = [(c.name, asdict(day)) for c in study.contracts for day in calendar(c, outcomes)]
    return {
        "contracts": contract_table(study.comparisons),
        "distributions": distribution_table(study),
        "risks": pd.DataFrame(
            [(c.contract.name, *sentence.split(": ", 1)) for c in study.comparisons for sentence in bearers(c)],
            columns=["contract", "risk", "borne"],
        ),
        "calendar": pd.DataFrame([{"contract": name} | day for name, day in days]),
        "forward_curve": curve_table(outcomes),
        "basis": basis_table(outcomes),
        "frontier": frontier_table(study.contracts, study.portfolios),
        "members": member_table(outcomes),
        "clusters": cluster_table(outcomes),
        "index": index_table(outcomes),
        "work": work_table(outcomes),
        "deliveries": delivery_table(outcomes),
    }


def kind_of(contract: Contract) -> str:
    """The type as contract files write it."""
    return next(kind for kind, (_, terms) in TYPES.items() if isinstance(contract.terms, terms))


def contract_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """One row a contract: its terms, both sides before and after, what the hedge removes, strikes, basis, delivery."""
    rows = []
    for c in comparisons:
        one, p = c.contract, c.prices
        row: dict[str, Any] = {"contract": one.name, "type": kind_of(one), "buyer": one.buyer, "seller": one.seller}
        row |= {"lots": one.lots, "volume_eflopsh": c.volume_eflopsh}
        row |= _side("buyer", c.buyer) | _side("seller", c.seller)
        row |= {
            "fair_strike_kcny_per_eflopsh": p.fair_strike,
            "fair_premium_kcny_per_eflopsh": p.fair_premium,
            "seller_least_strike_kcny_per_eflopsh": p.agreeable.seller_least_kcny_per_eflopsh,
            "buyer_most_strike_kcny_per_eflopsh": p.agreeable.buyer_most_kcny_per_eflopsh,
            "buyer_break_even_kcny_per_eflopsh": p.buyer_break_even,
            "seller_break_even_kcny_per_eflopsh": p.seller_break_even,
            "basis_mean_kcny_per_eflopsh": p.basis_mean,
            "basis_sd_kcny_per_eflopsh": p.basis_sd,
            "damages_probability_frac": c.damages_probability_frac,
        }
        row |= {f"delivery_{key}": np.nan if c.delivery is None else getattr(c.delivery, key) for key in _DELIVERY}
        rows.append(row)
    return pd.DataFrame(rows)


_DELIVERY = ("cost_kcny", "western_occupancy_frac", "hosted_eflopsh", "not_delivered_eflopsh")


def _side(name: str, side: Side) -> dict[str, float]:
    """Columns of one side; a seller's loss is its income with the sign turned, as the names say."""
    what = {"buyer": "buyer_cost", "seller": "seller_loss"}[name]
    figures: dict[str, float] = {}
    for when, risk in (("before", side.before), ("after", side.after)):
        figures |= {f"{what}_{when}_{key}": value for key, value in asdict(risk).items() if key != "level_frac"}
    return figures | {f"{name}_{key}": value for key, value in asdict(side.effect).items()}


def distribution_table(study: Study) -> pd.DataFrame:
    """contract, side, member, probability_frac, before_kcny, after_kcny: cost of the buyer, income of the seller."""
    rows = []
    for c in study.comparisons:
        for side, of, sign in (("buyer cost", c.buyer, 1.0), ("seller income", c.seller, -1.0)):
            for m, before, after in zip(study.outcomes.members, of.before_kcny, of.after_kcny, strict=True):
                rows.append((c.contract.name, side, m.name, m.probability_frac, sign * before, sign * after))
    columns = ["contract", "side", "member", "probability_frac", "before_kcny", "after_kcny"]
    return pd.DataFrame(rows, columns=columns)


def frontier_table(contracts: Sequence[Contract], portfolios: Sequence[Choice]) -> pd.DataFrame:
    """aversion_frac, level_frac, mean_kcny, cvar_kcny, objective_kcny, and the lots of each contract."""
    rows = []
    for choice in portfolios:
        lots = {f"lots {c.name}": float(n) for c, n in zip(contracts, choice.lots, strict=True)}
        keys = ("aversion_frac", "level_frac", "mean_kcny", "cvar_kcny", "objective_kcny")
        rows.append({key: getattr(choice, key) for key in keys} | lots)
    return pd.DataFrame(rows)


def member_table(outcomes: Outcomes) -> pd.DataFrame:
    """One row a member: probability, cost, bound, gap, western occupancy, and what the whole book changed."""
    return pd.DataFrame([_member(member) for member in outcomes.members])


def _member(m: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "member": m.name,
        "probability_frac": m.probability_frac,
        "start": m.start.isoformat(),
        "stop": m.stop,
        "cost_kcny": m.cost_kcny,
        "bound_kcny": m.bound_kcny,
        "gap_frac": m.gap_frac,
        "western_occupancy_frac": m.western_occupancy_frac,
        "wall_s": m.wall_s,
    }
    if m.book is not None:
        row |= {
            "book_stop": m.book.stop,
            "book_relaxed_cost_change_kcny": m.book.relaxed.cost_kcny,
            "book_cost_change_least_kcny": m.book.bound_kcny - m.cost_kcny,
            "book_cost_change_most_kcny": m.book.cost_kcny - m.bound_kcny,
            "book_western_occupancy_frac": m.book.western_occupancy_frac,
            "book_relaxed_western_occupancy_change_frac": m.book.relaxed.western_occupancy_frac,
        }
    return row


def cluster_table(outcomes: Outcomes) -> pd.DataFrame:
    """member, cluster, hub, load_eflopsh, income_kcny at the index, cost_kcny of its own machines and energy."""
    index = outcomes.cluster_index_kcny_per_eflopsh()
    rows = [
        (
            m.name, cluster, outcomes.hub_of[cluster], m.load_eflops[c].sum(), m.load_eflops[c] @ index[s, c],
            m.site_cost_kcny[c],
        )
        for s, m in enumerate(outcomes.members)
        for c, cluster in enumerate(outcomes.clusters)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["member", "cluster", "hub", "load_eflopsh", "income_kcny", "cost_kcny"])


def index_table(outcomes: Outcomes) -> pd.DataFrame:
    """member, hub, hour, index_kcny_per_eflopsh, quoted (the hub's own clusters made it, not the nation's)."""
    axes = ([m.name for m in outcomes.members], outcomes.hubs, range(outcomes.horizon.hours))
    places = pd.MultiIndex.from_product(axes, names=["member", "hub", "hour"])
    values = {
        "index_kcny_per_eflopsh": outcomes.index_kcny_per_eflopsh.ravel(),
        "quoted": outcomes.quoted.ravel() > 0,
    }
    return pd.DataFrame(values, index=places).reset_index()


def work_table(outcomes: Outcomes) -> pd.DataFrame:
    """member, buyer, cluster, hour, work_eflops; rows without work left out."""
    axes = ([m.name for m in outcomes.members], outcomes.buyers, outcomes.clusters, range(outcomes.horizon.hours))
    places = pd.MultiIndex.from_product(axes, names=["member", "buyer", "cluster", "hour"])
    table = pd.DataFrame({"work_eflops": outcomes.work_eflops.ravel()}, index=places).reset_index()
    return table[table["work_eflops"] > 1e-9].reset_index(drop=True)


def delivery_table(outcomes: Outcomes) -> pd.DataFrame:
    """member, contract, and changes against the dispatch without it: cost_kcny, western_occupancy_frac, hosted_eflopsh,
    not_delivered_eflopsh. Of the relaxation, each contract alone.
    """
    rows = [
        (m.name, name, e.cost_kcny, e.western_occupancy_frac, e.hosted_eflopsh[name], e.not_delivered_eflopsh)
        for m in outcomes.members
        for name, e in m.alone.items()
    ]
    return pd.DataFrame(rows, columns=["member", "contract", *_DELIVERY])
