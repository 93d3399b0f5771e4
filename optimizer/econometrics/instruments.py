"""Two-stage least squares with absorbed effects, and the tests of its instruments that need no weak-instrument theory.

With instruments equal to regressors this is least squares exactly; the tests assert it. Source: Baum, Schaffer and
Stillman 2007 for the statistics Stata's ivreg2 prints, which the tests reproduce to 1e-7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from optimizer.econometrics.arrays import Floats, as_rows, as_vector
from optimizer.econometrics.covariance import IID, Covariance, meat
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import Fit, demean, equation, scaled_inverse
from optimizer.econometrics.smallsample import CONVENTIONS, SmallSample, convention

UNADJUSTED = CONVENTIONS["none"]


@dataclass(frozen=True)
class Reduced:
    """The instrumented equation after exogenous regressors and effects are partialled out.

    y (n,), treatment (m, n), z (l, n); parameters = all columns of the first stage, absorbed effects included;
    robust_parameters = those the convention counts (effects nested in clusters are not), for robust first-stage F.
    """

    y: Floats
    treatment: Floats
    z: Floats
    covariance: Covariance
    parameters: int
    robust_parameters: int
    fixed_parameters: int

    @property
    def nobs(self) -> int:
        """Rows."""
        return self.y.size

    def meat(self, scores: Floats) -> Floats:
        """Middle of the sandwich without small-sample factors; iid uses the residual moment, not this."""
        return meat(scores, self.covariance, UNADJUSTED)


@dataclass(frozen=True)
class IVFit:
    """Two-stage least squares: the structural equation `fit` (its r2 can be negative), first stages,
    overidentification.

    first_stages hold every instrument, excluded ones first; overid is (statistic, df, p): Sargan under iid errors,
    Hansen's J of two-step GMM otherwise; None when just identified.
    """

    fit: Fit
    first_stages: tuple[Fit, ...]
    reduced_form: Fit
    treatments: tuple[str, ...]
    instruments: tuple[str, ...]
    overid: tuple[float, int, float] | None
    reduced: Reduced = field(repr=False)


def tsls(
    y: npt.ArrayLike,
    treatment: npt.ArrayLike,
    exogenous: npt.ArrayLike | None,
    instruments: npt.ArrayLike,
    *,
    names: tuple[Sequence[str], Sequence[str], Sequence[str]],
    effects: Effects | None = None,
    covariance: Covariance = IID,
    ssc: str | SmallSample = "reghdfe",
) -> IVFit:
    """2SLS of y (n,) on treatment (n, m) and exogenous (n, k), instruments (n, l), l >= m.

    names: of treatments, exogenous regressors and instruments. Raises DesignError when underidentified or collinear.
    """
    rule = convention(ssc)
    outcome = as_vector(y, "outcome")
    labels = tuple(tuple(part) for part in names)
    if len(labels[2]) < len(labels[0]):
        raise DesignError(
            "instruments", f"{len(labels[2])} for {len(labels[0])} treatment(s)",
            "there is at least one instrument per treatment", "add an instrument",
        )  # fmt: skip
    empty = np.empty((0, outcome.size))
    parts = (
        as_rows(treatment, labels[0], outcome.size),
        as_rows(exogenous, labels[1], outcome.size) if exogenous is not None and labels[1] else empty,
        as_rows(instruments, labels[2], outcome.size),
    )
    everything = demean(
        np.concatenate((outcome[None], *parts)), effects, ("outcome", *labels[0], *labels[1], *labels[2])
    )
    centred = outcome - outcome.mean()
    return _estimate(everything, labels, effects, covariance, rule, float(centred @ centred))


def _estimate(
    data: Floats,
    labels: tuple[tuple[str, ...], ...],
    effects: Effects | None,
    covariance: Covariance,
    rule: SmallSample,
    tss: float,
) -> IVFit:
    m, k = len(labels[0]), len(labels[1])
    y, endogenous, exogenous, excluded = data[0], data[1 : 1 + m], data[1 + m : 1 + m + k], data[1 + m + k :]
    z = np.concatenate((excluded, exogenous))
    names_z = labels[2] + labels[1]
    inverse_z = scaled_inverse(z @ z.T, names_z)
    first = tuple(equation(column, z, z, inverse_z, names_z, effects, covariance, rule, None) for column in endogenous)
    x = np.concatenate((endogenous, exogenous))
    fitted = np.concatenate([*(np.atleast_2d(f.y - f.residuals) for f in first), exogenous])
    names_x = labels[0] + labels[1]
    fit = equation(y, x, fitted, scaled_inverse(fitted @ fitted.T, names_x), names_x, effects, covariance, rule, tss)
    rf = equation(y, z, z, inverse_z, names_z, effects, covariance, rule, tss)
    absorbed = 0 if effects is None else effects.rank
    sizes = (z.shape[0] + absorbed, first[0].counts.parameters(rule), k + absorbed)
    reduced = _partial_out(y, endogenous, exogenous, excluded, covariance, sizes)
    overid = _overidentification(reduced, fit.beta[:m]) if len(labels[2]) > m else None
    return IVFit(fit, first, rf, labels[0], labels[2], overid, reduced)


def _partial_out(
    y: Floats, endogenous: Floats, exogenous: Floats, excluded: Floats,
    covariance: Covariance, sizes: tuple[int, int, int],
) -> Reduced:  # fmt: skip
    rows = np.concatenate((y[None], endogenous, excluded))
    if exogenous.shape[0]:
        names = tuple(f"exogenous {i}" for i in range(exogenous.shape[0]))
        inverse = scaled_inverse(exogenous @ exogenous.T, names)
        for _ in range(2):  # the second pass recovers digits lost by the first
            rows = rows - (rows @ exogenous.T @ inverse) @ exogenous
    m = endogenous.shape[0]
    return Reduced(rows[0], rows[1 : 1 + m], rows[1 + m :], covariance, *sizes)


def _overidentification(reduced: Reduced, beta: Floats) -> tuple[float, int, float]:
    """Sargan (iid) or Hansen's J at the two-step efficient estimate."""
    z, x = reduced.z, reduced.treatment
    residuals = reduced.y - beta @ x
    df = z.shape[0] - x.shape[0]
    if reduced.covariance.kind == "iid":
        weight = z @ z.T * (float(residuals @ residuals) / reduced.nobs)
    else:
        weight = reduced.meat(z * residuals)
        zx, zy = z @ x.T, z @ reduced.y
        solved = np.linalg.solve(weight, zx)
        residuals = reduced.y - np.linalg.solve(zx.T @ solved, solved.T @ zy) @ x
    moment = z @ residuals
    statistic = float(moment @ np.linalg.solve(weight, moment))
    return statistic, df, float(stats.chi2.sf(statistic, df))


def durbin_wu_hausman(iv: IVFit) -> tuple[float, float]:
    """Exogeneity of the treatments: t or F of the first-stage residuals added to the structural equation; (F, p).

    The control-function form: robust to whatever the covariance allows. Uses normal or F reference as the fit does.
    """
    m = len(iv.treatments)
    x = np.concatenate((iv.reduced.treatment, *(np.atleast_2d(_first_residual(iv, j)) for j in range(m))))
    inverse = scaled_inverse(x @ x.T, tuple(f"column {i}" for i in range(2 * m)))
    beta = inverse @ (x @ iv.reduced.y)
    residuals = iv.reduced.y - beta @ x
    if iv.reduced.covariance.kind == "iid":
        vcov = inverse * (float(residuals @ residuals) / (iv.reduced.nobs - iv.reduced.fixed_parameters - 2 * m))
    else:
        vcov = inverse @ iv.reduced.meat(x * residuals) @ inverse
    gap = beta[m:]
    f = float(gap @ np.linalg.solve(vcov[m:, m:], gap)) / m
    df = iv.fit.df
    return f, float(stats.chi2.sf(f * m, m) if np.isinf(df) else stats.f.sf(f, m, df))


def _first_residual(iv: IVFit, j: int) -> Floats:
    z, column = iv.reduced.z, iv.reduced.treatment[j]
    return np.asarray(column - np.linalg.solve(z @ z.T, z @ column) @ z, dtype=np.float64)
