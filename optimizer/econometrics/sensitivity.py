"""How much unobserved selection would overturn a slope: Altonji's ratio, Oster's delta and beta, Cinelli-Hazlett
values.

All are functions of regressions already run. Oster's identity is solved exactly (a cubic in the bias, a quadratic
when delta = 1), with every real root returned. Sources: Altonji, Elder and Taber 2005; Oster 2019, proposition 3;
Cinelli and Hazlett 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import Fit, scaled_inverse


def altonji_ratio(restricted: float, full: float) -> float:
    """full / (restricted - full): how much stronger than the observed selection on unobservables must be to explain
    all.
    """
    if restricted == full:
        raise DesignError(
            "Altonji ratio", "the two coefficients are equal", "controls move the coefficient",
            "report that they do not; the ratio is then unbounded",
        )  # fmt: skip
    return full / (restricted - full)


@dataclass(frozen=True)
class Regressions:
    """What Oster's formulas need: the slope and R2 without and with controls, and the variances they use.

    y_variance and x_variance are those of outcome and treatment; x_residual is the treatment's variance given controls.
    """

    beta_short: float
    r2_short: float
    beta_long: float
    r2_long: float
    y_variance: float
    x_variance: float
    x_residual: float


def regressions(fit: Fit, name: str) -> Regressions:
    """From a fit with controls; the short regression has the treatment alone (effects stay partialled out of both)."""
    j = fit.index(name)
    x, y, n = fit.x[j], fit.y, fit.nobs
    others = np.delete(fit.x, j, axis=0)
    residual = x
    if others.shape[0]:
        inverse = scaled_inverse(others @ others.T, tuple(np.delete(np.array(fit.names), j)))
        residual = x - (inverse @ (others @ x)) @ others
    xx, yy = float(x @ x), float(y @ y)
    short = float(x @ y) / xx
    return Regressions(
        short, short**2 * xx / yy, float(fit.beta[j]), fit.r2_within, yy / n, xx / n, float(residual @ residual) / n
    )


def default_r_max(regs: Regressions, factor: float = 1.3) -> float:
    """Oster's suggestion, min(1, 1.3 R2)."""
    return min(1.0, factor * regs.r2_long)


def _polynomials(regs: Regressions, r_max: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Numerator and denominator of delta in v = beta_long - beta, ascending powers."""
    if not regs.r2_long < r_max <= 1.0:
        raise DesignError(
            "Oster",
            f"R_max = {r_max:g} with R2 = {regs.r2_long:g}",
            "R2 < R_max <= 1",
            "choose R_max above the fit's R2",
        )
    move = regs.beta_short - regs.beta_long
    explained = (regs.r2_long - regs.r2_short) * regs.y_variance
    room = (r_max - regs.r2_long) * regs.y_variance
    sxx, tau = regs.x_variance, regs.x_residual
    cubic = tau * sxx - tau**2
    square = tau * move * sxx
    top = (0.0, explained * tau + sxx * tau * move**2, 2.0 * square, cubic)
    bottom = (room * move * sxx, room * (sxx - tau), square, cubic)
    return top, bottom


def oster_delta(regs: Regressions, r_max: float | None = None, beta: float = 0.0) -> float:
    """Proportional selection at which the true slope would be `beta`."""
    top, bottom = _polynomials(regs, default_r_max(regs) if r_max is None else r_max)
    v = regs.beta_long - beta
    denominator = float(np.polynomial.polynomial.polyval(v, bottom))
    if denominator == 0.0:
        return np.inf
    return float(np.polynomial.polynomial.polyval(v, top)) / denominator


@dataclass(frozen=True)
class OsterBeta:
    """Bias-adjusted slope: the root on the side of the observed move nearest the long estimate, and every real root."""

    beta: float
    roots: tuple[float, ...]
    delta: float
    r_max: float


def oster_beta(regs: Regressions, delta: float = 1.0, r_max: float | None = None) -> OsterBeta:
    """The slope under proportional selection `delta`, exactly."""
    limit = default_r_max(regs) if r_max is None else r_max
    top, bottom = _polynomials(regs, limit)
    difference = np.array(top) - delta * np.array(bottom)
    scale = np.abs(difference).max()
    trimmed = np.where(np.abs(difference) < 1e-14 * scale, 0.0, difference)
    solutions = np.polynomial.polynomial.polyroots(np.trim_zeros(trimmed, "b"))
    real = np.sort(solutions[np.abs(solutions.imag) < 1e-9 * (1.0 + np.abs(solutions.real))].real)
    roots = tuple(float(regs.beta_long - v) for v in real)
    # Oster's assumption 3: unobservables move the slope in the direction in which the observables moved it.
    along = [
        r for r in roots if (regs.beta_long - r) * np.sign(regs.beta_short - regs.beta_long) * np.sign(delta) >= 0.0
    ]
    pool = along or list(roots)
    return OsterBeta(min(pool, key=lambda r: abs(r - regs.beta_long)), roots, delta, limit)


@dataclass(frozen=True)
class Robustness:
    """Cinelli-Hazlett: partial R2 of treatment with outcome; confounding (of both, equally) that takes the estimate to
    (1 - q) of itself, and that which makes it insignificant at alpha."""

    partial_r2: float
    value: float
    value_significance: float
    q: float
    alpha: float


def robustness_value(t: float, df: float, q: float = 1.0, alpha: float = 0.05) -> Robustness:
    """From a t statistic and its residual degrees of freedom. Raises DesignError for df below 2."""
    if df < 2:
        raise DesignError("robustness value", f"df = {df:g}", "at least two degrees of freedom", "use more rows")
    f = q * abs(t) / np.sqrt(df)
    critical = abs(float(stats.t.ppf(alpha / 2.0, df - 1))) / np.sqrt(df - 1)
    gap = f - critical
    if gap <= 0.0:
        significant = 0.0
    elif f > 1.0 / critical:
        significant = (f**2 - critical**2) / (1.0 + f**2)
    else:
        significant = _equal_strength(gap)
    return Robustness(t**2 / (t**2 + df), _equal_strength(f), significant, q, alpha)


def _equal_strength(f: float) -> float:
    return float(0.5 * (np.sqrt(f**4 + 4.0 * f**2) - f**2))


def adjusted_estimate(
    estimate: float, se: float, df: float, r2_outcome: float, r2_treatment: float
) -> tuple[float, float]:
    """Estimate, moved towards zero, and its error under a confounder of these partial R2s (outcome, treatment)."""
    if not (0.0 <= r2_outcome <= 1.0 and 0.0 <= r2_treatment < 1.0):
        raise DesignError("confounder", f"R2 {r2_outcome:g}, {r2_treatment:g}", "shares lie in [0, 1)", "use shares")
    bias = se * np.sqrt(df) * np.sqrt(r2_outcome * r2_treatment / (1.0 - r2_treatment))
    error = se * np.sqrt((1.0 - r2_outcome) / (1.0 - r2_treatment)) * np.sqrt(df / (df - 1.0))
    return float(np.sign(estimate) * (abs(estimate) - bias)), float(error)


def oster_from_fit(fit: Fit, name: str) -> tuple[float, OsterBeta]:
    """delta for a zero slope and beta at delta = 1, both at R_max = min(1, 1.3 R2)."""
    regs = regressions(fit, name)
    return oster_delta(regs), oster_beta(regs)
