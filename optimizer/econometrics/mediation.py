"""Mediation in linear panels: total c, paths a and b, direct c', with the identity c - c' = sum of a b asserted.

With the same rows, effects and controls in all three equations the identity is exact algebra; a table in which it
fails mixes samples or equations. Intervals come from drawing whole cities; Sobel's z is reported for comparison only.
Effects are causal only if the mediator is as good as random given treatment and controls. Source: Baron and Kenny
1986; Imai et al. 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from optimizer.econometrics.arrays import Floats, as_rows, as_vector, default_names
from optimizer.econometrics.covariance import IID, Covariance, cluster
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import Fit, ols
from optimizer.econometrics.moments import cluster_moments, draw_weights, identified, slopes
from optimizer.econometrics.smallsample import SmallSample

IDENTITY_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Path:
    """One mediator: a (treatment to mediator), b (mediator to outcome), their product with two bootstrap intervals."""

    mediator: str
    a: float
    a_se: float
    b: float
    b_se: float
    indirect: float
    sobel_z: float
    sobel_p: float
    percentile: tuple[float, float]
    bias_corrected: tuple[float, float]
    share_of_total: float


@dataclass(frozen=True)
class Mediation:
    """All paths, the total and direct effects, their fits, and the summed indirect effect with its interval.

    draws counts the draws used; draws_lost those that drew too few distinct cities to identify the slopes.
    """

    paths: tuple[Path, ...]
    total: float
    total_se: float
    direct: float
    direct_se: float
    indirect: float
    indirect_interval: tuple[float, float]
    identity_gap: float
    draws: int
    draws_lost: int
    total_fit: Fit = field(repr=False)
    mediator_fits: tuple[Fit, ...] = field(repr=False)
    outcome_fit: Fit = field(repr=False)


def mediate(
    y: npt.ArrayLike,
    treatment: npt.ArrayLike,
    mediators: npt.ArrayLike,
    controls: npt.ArrayLike | None,
    *,
    clusters: npt.ArrayLike | None = None,
    effects: Effects | None = None,
    names: tuple[str, Sequence[str], Sequence[str]] | None = None,
    ssc: str | SmallSample = "reghdfe",
    draws: int = 5_000,
    seed: int = 0,
    level: float = 0.95,
) -> Mediation:
    """One or several parallel mediators (n, m). Without effects a constant is included; without clusters rows are
    drawn.

    names: treatment, mediators, controls. Raises DesignError when the identity fails (it cannot on sound data).
    """
    outcome = as_vector(y, "outcome")
    n = outcome.size
    block = np.asarray(mediators, dtype=np.float64).reshape(n, -1)
    extra = np.empty((n, 0)) if controls is None else np.asarray(controls, dtype=np.float64).reshape(n, -1)
    labels = names or ("treatment", default_names(block.shape[1], "m"), default_names(extra.shape[1]))
    rows = as_rows(np.column_stack((treatment, block, extra)), (labels[0], *labels[1], *labels[2]), n)
    covariance = IID if clusters is None else cluster(clusters)
    fits = _three_equations(outcome, rows, block.shape[1], labels, effects, covariance, ssc)
    total, mediator_fits, full = fits
    m = block.shape[1]
    a = np.array([fit.beta[0] for fit in mediator_fits])
    b = full.beta[1 : 1 + m]
    gap = float(total.beta[0] - full.beta[0] - a @ b)
    if abs(gap) > IDENTITY_TOLERANCE * max(1.0, abs(float(total.beta[0]))):
        raise DesignError(
            "mediation", f"c - c' differs from the sum of a b by {gap:.3g}", "the identity is exact on one sample",
            "look for nearly collinear controls",
        )  # fmt: skip
    labels_drawn = np.arange(n) if clusters is None else np.asarray(clusters)
    moments = cluster_moments(np.concatenate((outcome[None], rows)), labels_drawn, effects)
    products = _drawn_products(moments.weighted(draw_weights(moments.clusters, draws, seed)), m, extra.shape[1])
    return _assemble(fits, a, products, gap, labels[1], level, draws - products.shape[0])


def _three_equations(
    y: Floats, rows: Floats, m: int, labels: tuple[str, Sequence[str], Sequence[str]], effects: Effects | None,
    covariance: Covariance, ssc: str | SmallSample,
) -> tuple[Fit, tuple[Fit, ...], Fit]:  # fmt: skip
    constant = np.ones((1, y.size)) if effects is None else np.empty((0, y.size))
    tail = np.concatenate((rows[1 + m :], constant)).T
    tail_names = (*labels[2], *(("constant",) if effects is None else ()))

    def fit(target: Floats, head: Floats, head_names: Sequence[str]) -> Fit:
        x = np.column_stack((head.T, tail))
        return ols(target, x, effects=effects, covariance=covariance, ssc=ssc, names=(*head_names, *tail_names))

    total = fit(y, rows[:1], (labels[0],))
    paths = tuple(fit(rows[1 + j], rows[:1], (labels[0],)) for j in range(m))
    return total, paths, fit(y, rows[: 1 + m], (labels[0], *labels[1]))


def _drawn_products(products: Floats, m: int, controls: int) -> Floats:
    """a b of each mediator in each draw, (B, m). Order of variables: outcome, treatment, mediators, controls."""
    tail = list(range(2 + m, 2 + m + controls))
    a = np.column_stack([slopes(products, 2 + j, [1, *tail])[:, 0] for j in range(m)])
    b = slopes(products, 0, [1, *range(2, 2 + m), *tail])[:, 1 : 1 + m]
    return identified(a * b, "mediation")


def _assemble(
    fits: tuple[Fit, tuple[Fit, ...], Fit],
    a: Floats,
    drawn: Floats,
    gap: float,
    names: Sequence[str],
    level: float,
    lost: int,
) -> Mediation:
    total, mediator_fits, full = fits
    paths = []
    for j, name in enumerate(names):
        b, a_se, b_se = float(full.beta[1 + j]), float(mediator_fits[j].se[0]), float(full.se[1 + j])
        indirect = float(a[j]) * b
        z = indirect / float(np.hypot(a[j] * b_se, b * a_se))
        paths.append(
            Path(
                name, float(a[j]), a_se, b, b_se, indirect, z, float(2.0 * stats.norm.sf(abs(z))),
                percentile(drawn[:, j], level), bias_corrected(drawn[:, j], indirect, level),
                indirect / float(total.beta[0]),
            )
        )  # fmt: skip
    return Mediation(
        tuple(paths), float(total.beta[0]), float(total.se[0]), float(full.beta[0]), float(full.se[0]),
        sum(p.indirect for p in paths), percentile(drawn.sum(axis=1), level), gap, drawn.shape[0], lost,
        total, mediator_fits, full,
    )  # fmt: skip


def percentile(drawn: Floats, level: float) -> tuple[float, float]:
    """Equal-tailed percentile interval."""
    low, high = np.quantile(drawn, ((1.0 - level) / 2.0, (1.0 + level) / 2.0))
    return float(low), float(high)


def bias_corrected(drawn: Floats, estimate: float, level: float) -> tuple[float, float]:
    """Efron's bias-corrected percentile interval."""
    share = (float((drawn < estimate).sum()) + 0.5 * float((drawn == estimate).sum())) / drawn.size
    shift = float(stats.norm.ppf(np.clip(share, 0.5 / drawn.size, 1.0 - 0.5 / drawn.size)))
    reach = float(stats.norm.ppf(0.5 + level / 2.0))
    ends = np.asarray(stats.norm.cdf(np.array([2.0 * shift - reach, 2.0 * shift + reach])), dtype=np.float64)
    low, high = np.quantile(drawn, ends)
    return float(low), float(high)


def sobel(a: float, a_se: float, b: float, b_se: float) -> tuple[float, float]:
    """Sobel's z of a b and its two-sided normal p, from published coefficients and errors."""
    z = a * b / float(np.hypot(a * b_se, b * a_se))
    return z, float(2.0 * stats.norm.sf(abs(z)))
