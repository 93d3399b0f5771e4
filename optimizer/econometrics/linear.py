"""Least squares with absorbed effects: one result type for every linear estimator here.

Data are demeaned once, the normal equations are scaled to unit diagonal before they are factorised, and one step of
refinement on the residual recovers the digits that forming X'X loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from optimizer.econometrics.arrays import Floats, as_rows, as_vector, default_names
from optimizer.econometrics.covariance import IID, Covariance, meat
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.jackknife import jackknife_variance
from optimizer.econometrics.smallsample import Counts, SmallSample, convention

COLLINEAR_TOLERANCE = 1e-9  # squared sine of the angle to the other regressors, after scaling


@dataclass(frozen=True)
class Fit:
    """A fitted linear equation. beta (k,), vcov (k, k); r2 of levels, r2_within after effects; df of t (inf = normal).

    x and residuals are after partialling out the effects: (k, n) and (n,).
    """

    names: tuple[str, ...]
    beta: Floats
    vcov: Floats
    nobs: int
    df: float
    df_residual: int
    rss: float
    tss: float
    tss_within: float
    covariance: str
    ssc: str
    clusters: int | None
    counts: Counts
    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    residuals: Floats = field(repr=False)
    inverse: Floats = field(repr=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def se(self) -> Floats:
        """Standard errors (k,)."""
        return np.sqrt(np.diag(self.vcov))

    @property
    def t(self) -> Floats:
        """t statistics (k,)."""
        return self.beta / self.se

    @property
    def p(self) -> Floats:
        """Two-sided p values (k,)."""
        return np.asarray(2.0 * stats.t.sf(np.abs(self.t), self.df), dtype=np.float64)

    @property
    def r2(self) -> float:
        """Share of the outcome's variance fitted, effects included."""
        return 1.0 - self.rss / self.tss

    @property
    def r2_within(self) -> float:
        """Share of what effects leave."""
        return 1.0 - self.rss / self.tss_within

    def index(self, name: str) -> int:
        """Position of a regressor. Raises DesignError listing the names there are."""
        if name not in self.names:
            raise DesignError(
                "fit", f"has no regressor '{name}'", "it has " + ", ".join(self.names), "name one of these"
            )
        return self.names.index(name)

    def interval(self, level: float = 0.95) -> Floats:
        """Confidence intervals, (k, 2)."""
        reach = float(stats.t.ppf(0.5 + level / 2.0, self.df)) * self.se
        return np.column_stack((self.beta - reach, self.beta + reach))

    def wald(self, restrictions: npt.ArrayLike, values: npt.ArrayLike = 0.0) -> tuple[float, float]:
        """F of R b = r and its p; R is (q, k)."""
        r = np.atleast_2d(np.asarray(restrictions, dtype=np.float64))
        gap = r @ self.beta - np.asarray(values, dtype=np.float64)
        f = float(gap @ np.linalg.solve(r @ self.vcov @ r.T, gap)) / r.shape[0]
        p = stats.chi2.sf(f * r.shape[0], r.shape[0]) if np.isinf(self.df) else stats.f.sf(f, r.shape[0], self.df)
        return f, float(p)


def scaled_inverse(gram: Floats, names: Sequence[str]) -> Floats:
    """Inverse of X'X. Raises DesignError naming the columns that are constant or collinear after the effects."""
    size = np.sqrt(np.diag(gram))
    if (size == 0.0).any():
        _refuse_collinear([n for n, s in zip(names, size, strict=True) if s == 0.0])
    scaled = gram / np.outer(size, size)
    try:
        factor = np.linalg.cholesky(scaled)
        bad = [n for n, d in zip(names, np.diag(factor) ** 2, strict=True) if d < COLLINEAR_TOLERANCE]
    except np.linalg.LinAlgError:
        bad = list(names)
    if bad:
        _refuse_collinear(_dependent(scaled, names) or bad)
    half = np.linalg.inv(factor)
    return np.asarray((half.T @ half) / np.outer(size, size), dtype=np.float64)


def _dependent(scaled: Floats, names: Sequence[str]) -> list[str]:
    values, vectors = np.linalg.eigh(scaled)
    weights = np.abs(vectors[:, values < 1e-8]).max(axis=1)
    return [n for n, w in zip(names, weights, strict=True) if w > 1e-3]


def _refuse_collinear(names: Sequence[str]) -> None:
    raise DesignError(
        "regressors",
        f"{', '.join(names)}: no variation is left once the effects and the other regressors are accounted for",
        "each regressor varies on its own",
        "leave out all but one of a collinear set, or any that is constant within the effects",
    )


def demean(rows: Floats, effects: Effects | None, names: Sequence[str]) -> Floats:
    """Partial out effects, and refuse a variable that they explain wholly (its remainder would be rounding noise)."""
    if effects is None:
        return rows
    if effects.nobs != rows.shape[1]:
        raise DesignError(
            "effects",
            f"have {effects.nobs} rows, the data {rows.shape[1]}",
            "they describe the same rows",
            "align them",
        )
    out = effects.demean(rows)
    left = np.einsum("ij,ij->i", out, out)
    full = np.einsum("ij,ij->i", rows, rows)
    constant = [n for n, a, b in zip(names, left, full, strict=True) if a <= 1e-20 * b]
    if constant:
        _refuse_collinear(constant)
    return out


def ols(
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    effects: Effects | None = None,
    covariance: Covariance = IID,
    ssc: str | SmallSample = "reghdfe",
    names: Sequence[str] | None = None,
) -> Fit:
    """Ordinary least squares of y (n,) on x (n, k), effects partialled out; no constant is added.

    Raises DesignError for values that are not finite, collinear columns, or more parameters than rows.
    """
    outcome = as_vector(y, "outcome")
    labels = tuple(names) if names is not None else default_names(np.asarray(x).shape[1] if np.ndim(x) == 2 else 1)
    data = np.concatenate((outcome[None, :], as_rows(x, labels, outcome.size)))
    inner = demean(data, effects, ("outcome", *labels))
    centred = outcome - outcome.mean()
    return solve(inner[0], inner[1:], labels, effects, covariance, convention(ssc), tss=float(centred @ centred))


def solve(
    y: Floats,
    x: Floats,
    names: tuple[str, ...],
    effects: Effects | None,
    covariance: Covariance,
    rule: SmallSample,
    *,
    tss: float | None = None,
) -> Fit:
    """The same from partialled-out y (n,) and x (k, n)."""
    inverse = scaled_inverse(x @ x.T, names)
    return equation(y, x, x, inverse, names, effects, covariance, rule, tss)


def count(slopes: int, effects: Effects | None, covariance: Covariance, nobs: int) -> Counts:
    """Sizes of the parameter vector's parts, and which effects are nested in clusters."""
    if effects is None:
        return Counts(nobs, slopes)
    pairs = list(zip(effects.codes, effects.levels, strict=True))
    groups = covariance.groups if covariance.kind in ("cluster", "jackknife") else ()
    table = [[_nested(codes, levels, group, size) for group, size in groups] for codes, levels in pairs]
    nested = [levels for (_, levels), row in zip(pairs, table, strict=True) if any(row)]
    everywhere = bool(groups) and all(all(row) for row in table)
    naive = sum(effects.levels) - (len(effects.levels) - 1)
    return Counts(nobs, slopes, effects.rank, naive, len(effects.levels), sum(nested), len(nested), everywhere)


def _nested(codes: npt.NDArray[np.int64], levels: int, group: npt.NDArray[np.int64], size: int) -> bool:
    if size > levels:
        return False
    first = np.empty(levels, dtype=np.int64)
    first[codes] = group
    return bool((first[codes] == group).all())


def reference_df(covariance: Covariance, rule: SmallSample, counts: Counts) -> float:
    """Degrees of freedom of t by the convention; infinity for the normal."""
    if rule.reference == "normal":
        return np.inf
    groups = covariance.group_count
    if rule.reference == "clusters" and covariance.clustered and groups is not None:
        return float(groups - 1)
    return float(counts.residual_df(rule))


def sandwich(
    x: Floats,
    residuals: Floats,
    inverse: Floats,
    covariance: Covariance,
    rule: SmallSample,
    counts: Counts,
    effects: Effects | None,
) -> tuple[Floats, tuple[str, ...]]:
    """Covariance of the slopes and notes on it (a two-way variance may need its negative part removed)."""
    kind = covariance.kind
    if kind == "iid":
        divisor = counts.nobs if rule.sigma == "n" else counts.residual_df(rule)
        return inverse * (float(residuals @ residuals) / divisor), ()
    if kind == "jackknife":
        return jackknife_variance(x, residuals, inverse, covariance, effects), ()
    if kind in ("hc2", "hc3"):
        leverage = np.einsum("in,ij,jn->n", x, inverse, x) + (0.0 if effects is None else effects.leverage())
        residuals = residuals / (1.0 - leverage) ** (0.5 if kind == "hc2" else 1.0)
    factor = 1.0 if kind in ("hc0", "hc2", "hc3") else counts.row_factor(rule, clustered=covariance.clustered)
    vcov = inverse @ meat(x * residuals, covariance, rule) @ inverse * factor
    return _positive(vcov)


def _positive(vcov: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Va + Vb - Vab and kernel sums can be indefinite; keep the positive part, and say so, only when a variance
    fails.
    """
    if (np.diag(vcov) > 0.0).all():
        return vcov, ()
    values, vectors = np.linalg.eigh(vcov)
    kept = (vectors * np.clip(values, 0.0, None)) @ vectors.T
    return kept, ("the variance estimate was not positive; its negative part was removed",)


def equation(
    y: Floats, x: Floats, projected: Floats, inverse: Floats, names: tuple[str, ...],
    effects: Effects | None, covariance: Covariance, rule: SmallSample, tss: float | None,
) -> Fit:  # fmt: skip
    """Slopes, refined once, and their variance; `projected` is x itself, or x on the instruments, (k, n) like x."""
    beta = inverse @ (projected @ y)
    beta = beta + inverse @ (projected @ (y - beta @ x))
    residuals = y - beta @ x
    counts = count(x.shape[0], effects, covariance, y.size)
    vcov, notes = sandwich(projected, residuals, inverse, covariance, rule, counts, effects)
    within = float(y @ y)
    return Fit(
        names, beta, vcov, y.size, reference_df(covariance, rule, counts), counts.residual_df(rule),
        float(residuals @ residuals), within if tss is None else tss, within, covariance.kind, rule.name,
        covariance.group_count, counts, x, y, residuals, inverse, notes,
    )  # fmt: skip
