"""What sharing comes to, as tables: coalitions, rules, shares, transfers, accounts, equity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from optimizer.commands.share.booking import Books
from optimizer.commands.share.solving import Optimum
from optimizer.market.coalitions import Territories, cheapest_part
from optimizer.market.games import Game, superadditivity_violations
from optimizer.market.sharing import Outcome
from optimizer.report.inequality import gini, theil
from scenarios.case import Case, Floats

ALONE = "standing alone"
NOTHING_KCNY = 1e-6


def coalition_table(game: Game, optima: dict[int, Optimum], cost_kcny: Floats) -> pd.DataFrame:
    """One row a coalition: size, cost_kcny, bound_kcny, stop, wall_s, processor_s; value_, low_, high_kcny; plan_of.

    Cost, bound, stop and seconds are of its own programme (that of nobody for a player alone); values are formed after
    plans of parts were used for the whole: `plan_of` names the part whose plan was the cheapest.
    """
    rows = []
    for mask in range(game.everyone + 1):
        found = optima.get(mask, optima[0])
        part = cheapest_part(cost_kcny, mask)
        rows.append(
            {
                "coalition": _together(game.names(mask)),
                "size": mask.bit_count(),
                "cost_kcny": found.cost_kcny,
                "bound_kcny": found.bound_kcny,
                "stop": found.stop,
                "wall_s": found.wall_s if mask in optima else 0.0,
                "processor_s": found.processor_s if mask in optima else 0.0,
                "value_kcny": game.value[mask],
                "low_kcny": game.low[mask],
                "high_kcny": game.high[mask],
                "plan_of": _together(game.names(part)),
            }
        )
    return pd.DataFrame(rows)


def _together(names: Sequence[str]) -> str:
    return " + ".join(names) or "nobody"


def violation_table(game: Game) -> pd.DataFrame:
    """first, second, size_kcny, gap_kcny, explained: disjoint coalitions with more apart than together, worst first.

    `by gaps`: values within the intervals mend it. `not by gaps`: the two compete for something, such as full links.
    """
    rows = [
        (_together(v.first), _together(v.second), v.size_kcny, v.gap_kcny, "not by gaps" if v.certain else "by gaps")
        for v in superadditivity_violations(game, NOTHING_KCNY)
    ]
    return pd.DataFrame(rows, columns=["first", "second", "size_kcny", "gap_kcny", "explained"])


def rule_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """rule, balance_kcny, moved_kcny, nobody_loses, core, worst_coalition, excess_kcny, unshared_kcny."""
    return pd.DataFrame(
        {
            "rule": o.rule,
            "balance_kcny": o.balance_kcny,
            "moved_kcny": float(o.payment_kcny.sum()),
            "nobody_loses": o.nobody_loses,
            "core": o.core.verdict,
            "worst_coalition": _together(o.core.worst),
            "excess_kcny": o.core.excess_kcny,
            "unshared_kcny": o.core.unshared_kcny,
        }
        for o in outcomes
    )


def share_table(game: Game, books: Books, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row a rule and player: alone_, joint_ and booked_kcny, transfer_, payoff_ and gain_kcny with its interval."""
    parts = []
    for o in outcomes:
        columns = {
            "rule": o.rule,
            "player": game.players,
            "alone_kcny": books.alone_kcny,
            "joint_kcny": books.joint_kcny,
            "booked_kcny": books.accounts.booked_kcny,
            "transfer_kcny": o.transfer_kcny,
            "payoff_kcny": o.payoff_kcny,
            "gain_kcny": o.gain_kcny,
            "gain_low_kcny": o.gain_interval_kcny[:, 0],
            "gain_high_kcny": o.gain_interval_kcny[:, 1],
            "interval_exact": o.interval_exact,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def transfer_table(game: Game, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """rule, payer, payee, kcny: every net payment of every rule, the largest of a rule first."""
    rows = [
        (o.rule, payer, payee, float(o.payment_kcny[i, j]))
        for o in outcomes
        for i, payer in enumerate(game.players)
        for j, payee in enumerate(game.players)
        if o.payment_kcny[i, j] > NOTHING_KCNY
    ]
    table = pd.DataFrame(rows, columns=["rule", "payer", "payee", "kcny"])
    order = {o.rule: position for position, o in enumerate(outcomes)}
    table["order"] = table["rule"].map(order)
    return table.sort_values(["order", "kcny"], ascending=[True, False], ignore_index=True).drop(columns="order")


def account_table(game: Game, books: Books) -> pd.DataFrame:
    """origin, host, work_eflopsh, host_kcny, local_tax_kcny of the joint plan; pairs without work are left out."""
    accounts = books.accounts
    work = accounts.work_eflopsh.sum(axis=2)
    rows = [
        (origin, host, work[i, j], accounts.host_kcny[i, j], accounts.local_tax_kcny[i, j])
        for i, origin in enumerate(game.players)
        for j, host in enumerate(game.players)
        if work[i, j] > 0
    ]
    return pd.DataFrame(rows, columns=["origin", "host", "work_eflopsh", "host_kcny", "local_tax_kcny"])


EQUITY = ("gini", "theil", "theil_between", "theil_within")


def equity_table(case: Case, lands: Territories, books: Books, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Inequality among territories before (standing alone, the first row) and after each rule, weighted by people.

    Of the cost of compute per head (booked in the joint plan, less what is received): cost_gini, cost_theil,
    cost_theil_between and _within the zones of the hubs; half the mean difference of two people's cost,
    cost_half_difference_kcny_per_million; least_ and most_cost_kcny_per_million. Of the gain: gain_gini, gain_theil,
    gain_theil_between, gain_theil_within. Gini and Theil are NaN where a part is negative, as shares of such a sum
    mean nothing; the difference is defined throughout. Territories without people are left out.
    """
    people = np.zeros(lands.n)
    for region, million in case.population_million.items():
        people[lands.region[region]] += million
    some = people > 0
    zone_of = {hub: case.zone[case.site_region[cluster]] for cluster, hub in case.site_hub.items()}
    zones = [zone_of[player] for player, there in zip(lands.players, some.tolist(), strict=True) if there]
    payoffs = [(ALONE, np.zeros(lands.n))] + [(o.rule, o.payoff_kcny) for o in outcomes]
    rows = []
    for rule, payoff in payoffs:
        cost, gain = (books.alone_kcny - payoff)[some], payoff[some]
        per_head = cost / people[some]
        rows.append(
            {
                "rule": rule,
                **{f"cost_{name}": value for name, value in _inequality(cost, people[some], zones).items()},
                "cost_half_difference_kcny_per_million": _half_difference(per_head, people[some]),
                "least_cost_kcny_per_million": float(per_head.min()),
                "most_cost_kcny_per_million": float(per_head.max()),
                **{f"gain_{name}": value for name, value in _inequality(gain, people[some], zones).items()},
            }
        )
    return pd.DataFrame(rows)


def _inequality(amount: Floats, people: Floats, zones: list[str]) -> dict[str, float]:
    """Gini and Theil's T of an amount per head; NaN where a part is negative beyond rounding."""
    if (amount < -NOTHING_KCNY).any():
        return dict.fromkeys(EQUITY, np.nan)
    amount = np.maximum(amount, 0.0)
    between, within = theil(amount, people, zones)
    return dict(zip(EQUITY, (gini(amount, people), between + within, between, within), strict=True))


def _half_difference(per_head: Floats, people: Floats) -> float:
    """Half the mean absolute difference between two people drawn at random: the absolute Gini index."""
    share = people / people.sum()
    return float(share @ np.abs(per_head[:, None] - per_head[None, :]) @ share / 2)
