"""Risk of an outcome over scenarios with given probabilities: moments, quantiles, CVaR, and what a hedge removes.

An outcome is an array (s,), its probabilities (s,) are positive and sum to one; a scenario that cannot happen is left
out. A *loss* is money one would rather not pay: pass the negative of an income. Nothing is estimated or smoothed: the
scenarios are taken to be all that can happen.

Source: Rockafellar & Uryasev (2000), "Optimization of conditional value-at-risk", J. Risk 2(3); for outcomes with
atoms, as here, Rockafellar & Uryasev (2002), J. Banking & Finance 26.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hubs.errors import Fault, InputError
from scenarios.case import Floats


@dataclass(frozen=True)
class Risk:
    """Distribution of a loss. `cvar_kcny`: mean of the worst `1 - level_frac` of probability."""

    mean_kcny: float
    sd_kcny: float
    low_kcny: float
    """5 % quantile."""
    high_kcny: float
    """95 % quantile."""
    cvar_kcny: float
    level_frac: float


@dataclass(frozen=True)
class HedgeEffect:
    """What a hedge does to a loss. Shares are NaN where there was no variance to remove."""

    variance_removed_frac: float
    cvar_removed_kcny: float
    mean_added_kcny: float
    """What the hedge costs in expectation."""


def probabilities(probability_frac: Floats, scenarios: int) -> Floats:
    """(s,) the probabilities, checked: one for each scenario, positive, and a sum of one within 1e-9 (then made exact).

    InputError if not.
    """
    p = np.asarray(probability_frac, dtype=float)
    if p.shape == (scenarios,) and np.isfinite(p).all() and (p > 0).all() and abs(p.sum() - 1) <= 1e-9:
        return np.asarray(p / p.sum())
    found = f"the probabilities have the shape {p.shape} and the sum {p.sum():.12g}"
    if p.size and not (p > 0).all():
        found = f"a probability is {p.min():.6g}"
    rule = f"there is one for each of the {scenarios} scenarios, all positive, and they sum to 1"
    raise InputError([Fault("probabilities", None, "probability_frac", found, rule, "correct the probabilities")])


def level(level_frac: float) -> float:
    """A CVaR level, checked: from 0 (the mean) to below 1. InputError if not."""
    if not 0 <= level_frac < 1:
        rule = "a level lies in [0, 1): 0.95 looks at the worst 5 %"
        raise InputError([Fault("level", None, "level_frac", f"the level is {level_frac}", rule, "correct the level")])
    return level_frac


def mean_kcny(outcome_kcny: Floats, probability_frac: Floats) -> float:
    """Expectation."""
    outcome = _outcome(outcome_kcny)
    return float(probabilities(probability_frac, outcome.size) @ outcome)


def variance_kcny2(outcome_kcny: Floats, probability_frac: Floats) -> float:
    """Variance over the scenarios (of the whole population: no correction for a sample)."""
    outcome = _outcome(outcome_kcny)
    p = probabilities(probability_frac, outcome.size)
    return float(p @ (outcome - p @ outcome) ** 2)


def quantile_kcny(outcome_kcny: Floats, probability_frac: Floats, share_frac: float) -> float:
    """Smallest outcome that is not exceeded with probability `share_frac` (value at risk, for a loss)."""
    outcome = _outcome(outcome_kcny)
    p, order = probabilities(probability_frac, outcome.size), np.argsort(outcome, kind="stable")
    # Rounding in the sum must not push the quantile to the next outcome.
    place = int(np.searchsorted(np.cumsum(p[order]), share_frac - 1e-12))
    return float(outcome[order[min(place, outcome.size - 1)]])


def cvar_kcny(loss_kcny: Floats, probability_frac: Floats, level_frac: float) -> float:
    """Mean loss in the worst `1 - level_frac` of probability; an atom at the quantile counts with the part that fits.

    It is the minimum over a of a + E[(loss - a)+] / (1 - level), reached at the quantile.
    """
    loss = _outcome(loss_kcny)
    p = probabilities(probability_frac, loss.size)
    a = quantile_kcny(loss, p, level(level_frac))
    return float(a + p @ np.maximum(loss - a, 0.0) / (1 - level_frac))


def risk(loss_kcny: Floats, probability_frac: Floats, level_frac: float = 0.95) -> Risk:
    """The figures one looks at side by side."""
    return Risk(
        mean_kcny=mean_kcny(loss_kcny, probability_frac),
        sd_kcny=float(np.sqrt(variance_kcny2(loss_kcny, probability_frac))),
        low_kcny=quantile_kcny(loss_kcny, probability_frac, 0.05),
        high_kcny=quantile_kcny(loss_kcny, probability_frac, 0.95),
        cvar_kcny=cvar_kcny(loss_kcny, probability_frac, level_frac),
        level_frac=level_frac,
    )


def mean_cvar_kcny(loss_kcny: Floats, probability_frac: Floats, level_frac: float, aversion_frac: float) -> float:
    """(1 - aversion) x mean + aversion x CVaR: a coherent measure, the one `portfolio` minimises.

    Coherent in the sense of Artzner, Delbaen, Eber & Heath (1999); aversion lies in [0, 1].
    """
    if not 0 <= aversion_frac <= 1:
        found, rule = f"the aversion is {aversion_frac}", "aversion lies in [0, 1]: 0 looks at the mean, 1 at the tail"
        raise InputError([Fault("mean_cvar_kcny", None, "aversion_frac", found, rule, "correct it")])
    tail = cvar_kcny(loss_kcny, probability_frac, level_frac)
    return (1 - aversion_frac) * mean_kcny(loss_kcny, probability_frac) + aversion_frac * tail


def hedge_effect(
    unhedged_kcny: Floats, hedged_kcny: Floats, probability_frac: Floats, level_frac: float = 0.95
) -> HedgeEffect:
    """Variance and CVaR that a hedge takes out of a loss (both (s,)), and what it costs on average.

    Source: the share of variance removed is Ederington (1979), "The hedging performance of the new futures markets".
    """
    before, after = variance_kcny2(unhedged_kcny, probability_frac), variance_kcny2(hedged_kcny, probability_frac)
    tail = cvar_kcny(unhedged_kcny, probability_frac, level_frac) - cvar_kcny(hedged_kcny, probability_frac, level_frac)
    added = mean_kcny(hedged_kcny, probability_frac) - mean_kcny(unhedged_kcny, probability_frac)
    return HedgeEffect(1 - after / before if before else float("nan"), tail, added)


def _outcome(outcome_kcny: Floats) -> Floats:
    outcome = np.asarray(outcome_kcny, dtype=float)
    if outcome.ndim == 1 and outcome.size and np.isfinite(outcome).all():
        return outcome
    found = f"the outcome has the shape {outcome.shape} and {int(np.sum(~np.isfinite(outcome)))} numbers not finite"
    raise InputError([Fault("outcome", None, None, found, "it is one finite number per scenario", "correct it")])
