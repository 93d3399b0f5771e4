"""How many lots of which contracts to hold before the scenarios unfold: a two-stage mean-CVaR programme.

First stage: lots of each contract. Second stage, once the scenario is known: what the contracts do not cover is bought
at the scenario's price, what is left over is resold at its (not higher) resale price. The loss of a scenario is what
the contracts cost plus this recourse; minimised is (1 - aversion) x mean + aversion x CVaR, a linear programme in
Rockafellar and Uryasev's form, mixed-integer for whole lots, solved by HiGHS.

Assumes a price taker: lots do not move the prices. Exercise of options and take within bands are decided beforehand
per scenario (in the payments given), not here. Compute futures do not trade yet; the prices are the model's.

Source: Rockafellar & Uryasev (2000); two-stage programmes: Dantzig (1955), "Linear programming under uncertainty".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from hubs.errors import ComputegridError, Fault, InputError
from optimizer.market.risk import cvar_kcny, level, mean_kcny, probabilities
from scenarios.case import Floats


@dataclass(frozen=True)
class Outlook:
    """What may happen, s scenarios, c contracts, t hours (or blocks of hours: volumes are EFLOPS·h)."""

    probability_frac: Floats  # (s,)
    need_eflopsh: Floats  # (s, t)
    buy_kcny_per_eflopsh: Floats  # (s, t)
    resell_kcny_per_eflopsh: Floats  # (s, t)
    lot_eflopsh: Floats  # (s, c, t): compute that one lot brings; zero for a financial contract
    lot_kcny: Floats  # (s, c): what one lot costs its holder, premium and settlement payments together
    most_lots: Floats  # (c,)
    lot_margin_kcny: Floats  # (c,): initial margin of one lot


@dataclass(frozen=True)
class Choice:
    """Lots (c,) and the losses (s,) they lead to. `objective_kcny` is the optimum of the programme."""

    lots: Floats
    loss_kcny: Floats
    mean_kcny: float
    cvar_kcny: float
    objective_kcny: float
    aversion_frac: float
    level_frac: float


class PortfolioError(ComputegridError):
    """HiGHS found no optimum; the message says how it stopped."""


def losses_kcny(outlook: Outlook, lots: Floats) -> Floats:
    """(s,) loss of each scenario with these lots: payments of the contracts, purchases, less resales."""
    covered = np.einsum("sct,c->st", outlook.lot_eflopsh, lots)
    short = np.maximum(outlook.need_eflopsh - covered, 0.0)
    over = np.maximum(covered - outlook.need_eflopsh, 0.0)
    recourse = outlook.buy_kcny_per_eflopsh * short - outlook.resell_kcny_per_eflopsh * over
    return np.asarray(outlook.lot_kcny @ lots + recourse.sum(axis=1))


def choose(
    outlook: Outlook,
    aversion_frac: float,
    level_frac: float = 0.95,
    whole_lots: bool = False,
    margin_budget_kcny: float | None = None,
) -> Choice:
    """The best lots at an aversion from 0 (the mean alone) to 1 (the tail alone), optionally within a margin budget.

    With one scenario in the tail (level at least 1 less the smallest probability) full aversion minimises the worst
    loss. InputError for arrays that do not fit together or a resale price above the purchase price (which would pay for
    buying without end); PortfolioError if HiGHS does not reach an optimum.
    """
    _check(outlook, aversion_frac)
    s, c = outlook.lot_kcny.shape
    p = probabilities(outlook.probability_frac, s)
    cost, rows = _programme(outlook, p, aversion_frac, level(level_frac))
    if margin_budget_kcny is not None:
        budget = sparse.hstack(
            [sparse.csr_array(outlook.lot_margin_kcny[None, :]), sparse.csr_array((1, cost.size - c))]
        )
        rows = [*rows, LinearConstraint(budget, -np.inf, margin_budget_kcny)]
    upper = np.concatenate([outlook.most_lots, np.full(cost.size - c, np.inf)])
    lower = np.zeros(cost.size)
    lower[-1 - s] = -np.inf  # the quantile may lie anywhere
    integer = np.concatenate([np.full(c, int(whole_lots)), np.zeros(cost.size - c)])
    bounds = Bounds(lower, upper)
    result = milp(cost, integrality=integer, bounds=bounds, constraints=rows, options={"mip_rel_gap": 0.0})
    if result.x is None or result.status != 0:
        raise PortfolioError(f"no optimal portfolio: {result.message}")
    lots = np.clip(np.asarray(result.x[:c]), 0.0, outlook.most_lots)
    lots = np.round(lots) if whole_lots else lots
    loss = losses_kcny(outlook, lots)
    mean, tail = mean_kcny(loss, p), cvar_kcny(loss, p, level_frac)
    return Choice(lots, loss, mean, tail, float(result.fun), aversion_frac, level_frac)


def frontier(
    outlook: Outlook,
    aversions_frac: Sequence[float],
    level_frac: float = 0.95,
    whole_lots: bool = False,
    margin_budget_kcny: float | None = None,
) -> tuple[Choice, ...]:
    """Efficient portfolios, one per aversion: as it rises the mean does not fall and the CVaR does not rise."""
    return tuple(choose(outlook, aversion, level_frac, whole_lots, margin_budget_kcny) for aversion in aversions_frac)


def _programme(
    outlook: Outlook, p: Floats, aversion_frac: float, level_frac: float
) -> tuple[Floats, list[LinearConstraint]]:
    """Costs and rows over [lots (c), bought (s t), resold (s t), quantile, excess (s)].

    A scenario's loss is written out in the row that its excess over the quantile obeys.
    """
    s, c, t = outlook.lot_eflopsh.shape
    buy, resell = outlook.buy_kcny_per_eflopsh, outlook.resell_kcny_per_eflopsh
    mean_weight = (1 - aversion_frac) * p
    cost = np.concatenate(
        [
            mean_weight @ outlook.lot_kcny,
            (mean_weight[:, None] * buy).ravel(),
            -(mean_weight[:, None] * resell).ravel(),
            [aversion_frac],
            aversion_frac * p / (1 - level_frac),
        ]
    )
    lots = sparse.csr_array(outlook.lot_eflopsh.transpose(0, 2, 1).reshape(s * t, c))
    each, none = sparse.eye_array(s * t), sparse.csr_array((s * t, 1 + s))
    need = outlook.need_eflopsh.ravel()
    balance = LinearConstraint(sparse.hstack([lots, each, -each, none], format="csr"), need, need)

    def by_scenario(price: Floats) -> sparse.csr_array:
        return sparse.csr_array(sparse.block_diag([row[None, :] for row in price]))

    quantile, excess = sparse.csr_array(-np.ones((s, 1))), -sparse.eye_array(s)
    loss = [sparse.csr_array(outlook.lot_kcny), by_scenario(buy), -by_scenario(resell), quantile, excess]
    tail = LinearConstraint(sparse.hstack(loss, format="csr"), -np.inf, 0.0)
    return cost, [balance, tail]


def _check(outlook: Outlook, aversion_frac: float) -> None:
    s, c, t = np.shape(outlook.lot_eflopsh) if np.ndim(outlook.lot_eflopsh) == 3 else (0, 0, 0)
    shapes = {
        "lot_eflopsh": (s, c, t),
        "probability_frac": (s,),
        "need_eflopsh": (s, t),
        "buy_kcny_per_eflopsh": (s, t),
        "resell_kcny_per_eflopsh": (s, t),
        "lot_kcny": (s, c),
        "most_lots": (c,),
        "lot_margin_kcny": (c,),
    }
    faults = []
    for name, shape in shapes.items():
        values = np.asarray(getattr(outlook, name), dtype=float)
        if values.shape != shape or 0 in shape or not np.isfinite(values).all():
            found = f"{name} has the shape {values.shape} and {int(np.sum(~np.isfinite(values)))} numbers not finite"
            faults.append(Fault("Outlook", None, name, found, f"it holds {shape} finite numbers", f"correct {name}"))
    if not 0 <= aversion_frac <= 1:
        found, rule = f"the aversion is {aversion_frac}", "aversion lies in [0, 1]"
        faults.append(Fault("choose", None, "aversion_frac", found, rule, "correct it"))
    if not faults and (outlook.resell_kcny_per_eflopsh > outlook.buy_kcny_per_eflopsh).any():
        found, rule = "a resale price lies above the purchase price", "nobody pays more than the price to buy"
        faults.append(Fault("Outlook", None, "resell_kcny_per_eflopsh", found, rule, "lower the resale price"))
    if faults:
        raise InputError(faults)
