"""Wild cluster bootstrap of a slope's t, with the null imposed, and its confidence interval by inversion.

With few clusters every Rademacher pattern is enumerated and p is exact; with many, p = (1 + exceedances)/(draws + 1).
The bootstrap numerator is linear, and the variance quadratic, in the hypothesised value, so a whole interval costs
twice one test. Sources: Cameron, Gelbach and Miller 2008; Webb 2023; MacKinnon and Webb 2018; Davidson and MacKinnon
2010 (WRE).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Floats, Ints, as_codes, group_sums
from optimizer.econometrics.clusterscores import Partial, cluster_scores, signs
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.instruments import IVFit
from optimizer.econometrics.linear import Fit, scaled_inverse

Weights = Literal["rademacher", "webb"]
TIE = 1e-9  # relative width within which two t are one


@dataclass(frozen=True)
class WildTest:
    """t of the slope against `null` (CRV1, the fit's own small-sample factor), its bootstrap p, and the interval.

    p counts the sample itself, and ties, as exceedances; p_strict is the share of draws strictly beyond t, as Stata's
    boottest prints. interval ends are infinite where the test never rejects; None when it was not asked for.
    """

    name: str
    null: float
    t: float
    p: float
    p_strict: float
    draws: int
    enumerated: bool
    weights: Weights
    clusters: int
    level: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class _Draws:
    """Numerators and variances as polynomials in the hypothesised value b: n0 - b n1; d0 - 2 b d1 + b^2 d2; (B,)
    each.
    """

    n0: Floats
    n1: Floats
    d0: Floats
    d1: Floats
    d2: Floats

    def t(self, null: float) -> Floats:
        """|t| of every draw at this null, (B,)."""
        variance = self.d0 - 2.0 * null * self.d1 + null**2 * self.d2
        drawn = np.abs(self.n0 - null * self.n1) / np.sqrt(np.maximum(variance, np.finfo(float).tiny))
        return np.asarray(drawn, dtype=np.float64)


def p_value(drawn: Floats, t: float, enumerated: bool) -> float:
    """Share of |t| draws at least |t|: ties count, whatever the rounding; the sample counts unless it is enumerated."""
    exceeding = float((drawn >= abs(t) * (1.0 - TIE)).sum())
    return exceeding / drawn.size if enumerated else (1.0 + exceeding) / (drawn.size + 1.0)


def p_strict(drawn: Floats, t: float) -> float:
    """Share of |t| draws strictly beyond |t|."""
    return float((drawn > abs(t) * (1.0 + TIE)).mean())


def wild_cluster(
    fit: Fit,
    name: str,
    clusters: npt.ArrayLike,
    *,
    effects: Effects | None = None,
    null: float = 0.0,
    weights: Weights = "rademacher",
    draws: int = 9_999,
    seed: int = 0,
    level: float = 0.95,
    interval: bool = True,
) -> WildTest:
    """Bootstrap test of one slope of a least-squares fit; `effects` are those the fit absorbed.

    Raises DesignError for one cluster or labels of the wrong length.
    """
    codes, groups = _checked(clusters, fit.nobs)
    j = fit.index(name)
    v, enumerated = signs(groups, draws, weights, seed)
    direction = fit.inverse[j] @ fit.x
    drawn = _slope_draws(fit, j, direction, codes, groups, v, effects)
    raw_se = float(np.sqrt((group_sums((direction * fit.residuals)[None], codes, groups) ** 2).sum()))
    estimate = float(fit.beta[j])

    def p_at(b: float) -> float:
        return p_value(drawn.t(b), (estimate - b) / raw_se, enumerated)

    reported = (estimate - null) / (float(fit.se[j]) if fit.covariance == "cluster" else raw_se)
    bounds = invert(p_at, estimate, raw_se, 1.0 - level) if interval else None
    strict = p_strict(drawn.t(null), (estimate - null) / raw_se)
    return WildTest(name, null, reported, p_at(null), strict, v.shape[1], enumerated, weights, groups, level, bounds)


def _checked(clusters: npt.ArrayLike, nobs: int) -> tuple[Ints, int]:
    codes, groups = as_codes(clusters)
    if codes.size != nobs or groups < 2:
        raise DesignError(
            "wild bootstrap", f"{codes.size} labels in {groups} cluster(s) for {nobs} rows",
            "each row has a cluster and there are at least two", "cluster on a finer variable",
        )  # fmt: skip
    return codes, groups


def _slope_draws(
    fit: Fit, j: int, direction: Floats, codes: Ints, groups: int, v: Floats, effects: Effects | None
) -> _Draws:
    others = np.delete(fit.x, j, axis=0)
    restricted = np.stack((fit.y, fit.x[j]))
    if others.shape[0]:
        inverse = scaled_inverse(others @ others.T, tuple(np.delete(np.array(fit.names), j)))
        restricted = restricted - (restricted @ others.T @ inverse) @ others
    partial = Partial(fit.x, fit.inverse, effects)
    parts = [cluster_scores(direction, u, partial, codes, groups) for u in restricted]
    (n0, n1), (c0, c1) = zip(*((part.own @ v, part.at(v)) for part in parts), strict=True)
    return _Draws(n0, n1, _dots(c0, c0), _dots(c0, c1), _dots(c1, c1))


def _dots(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("gb,gb->b", a, b), dtype=np.float64)


def invert(p_at: Callable[[float], float], estimate: float, se: float, alpha: float) -> tuple[float, float]:
    """The ends nearest the estimate at which p falls below alpha; infinite if it never does within 1,000 errors."""
    ends = []
    for side in (-1.0, 1.0):
        near, far = estimate, estimate + side * 2.0 * se
        while p_at(far) >= alpha:
            near, far = far, estimate + 2.0 * (far - estimate)
            if abs(far - estimate) > 1e3 * se:
                far = side * np.inf
                break
        ends.append(_bisect(p_at, near, far, alpha, 1e-7 * se) if np.isfinite(far) else far)
    return ends[0], ends[1]


def _bisect(p_at: Callable[[float], float], inside: float, outside: float, alpha: float, width: float) -> float:
    while abs(outside - inside) > width:
        middle = (inside + outside) / 2.0
        inside, outside = (middle, outside) if p_at(middle) >= alpha else (inside, middle)
    return (inside + outside) / 2.0


def wild_efficient(
    iv: IVFit,
    clusters: npt.ArrayLike,
    *,
    effects: Effects | None = None,
    null: float = 0.0,
    weights: Weights = "rademacher",
    draws: int = 9_999,
    seed: int = 0,
    level: float = 0.95,
    interval: bool = False,
) -> WildTest:
    """Wild restricted efficient bootstrap of the 2SLS t of one treatment: for weak instruments, few clusters."""
    if len(iv.treatments) != 1:
        raise DesignError(
            "WRE", f"{len(iv.treatments)} treatments", "it is for one treatment", "instrument one variable"
        )
    codes, groups = _checked(clusters, iv.fit.nobs)
    v, enumerated = signs(groups, draws, weights, seed)
    exogenous = iv.fit.x[1:]
    inverse = scaled_inverse(exogenous @ exogenous.T, iv.fit.names[1:]) if exogenous.shape[0] else np.empty((0, 0))
    partial = Partial(exogenous, inverse, effects)
    actual, raw_se = _iv_t(iv, codes, groups)

    def p_at(b: float) -> float:
        return p_value(_wre_draws(iv, b, partial, codes, groups, v), (actual - b) / raw_se, enumerated)

    drawn, t = _wre_draws(iv, null, partial, codes, groups, v), (actual - null) / raw_se
    reported = (actual - null) / (float(iv.fit.se[0]) if iv.fit.covariance == "cluster" else raw_se)
    bounds = invert(p_at, actual, raw_se, 1.0 - level) if interval else None
    return WildTest(
        iv.treatments[0], null, reported, p_value(drawn, t, enumerated), p_strict(drawn, t), v.shape[1], enumerated,
        weights, groups, level, bounds,
    )  # fmt: skip


def _iv_t(iv: IVFit, codes: Ints, groups: int) -> tuple[float, float]:
    """The 2SLS estimate and its CRV1 standard error without factors."""
    z, x, y = iv.reduced.z, iv.reduced.treatment[0], iv.reduced.y
    fitted = np.linalg.solve(z @ z.T, z @ x) @ z
    estimate = float(fitted @ y) / float(fitted @ x)
    scores = group_sums((fitted * (y - estimate * x))[None], codes, groups)
    return estimate, float(np.sqrt((scores**2).sum())) / float(fitted @ fitted)


def _wre_draws(iv: IVFit, null: float, partial: Partial, codes: Ints, groups: int, v: Floats) -> Floats:
    """|t*| in each draw, (B,)."""
    z, x, y = iv.reduced.z, iv.reduced.treatment[0], iv.reduced.y
    u1 = y - null * x
    both = np.concatenate((z, u1[None]))  # the efficient first stage conditions on the structural residual
    pi = np.linalg.solve(both @ both.T, both @ x)[:-1]
    u2 = x - pi @ z
    zz = z @ z.T
    by_cluster = np.stack([group_sums(row * z, codes, groups) for row in z])  # (l, l, G): sums of z_a z_b
    x_sums, u_sums = [], []
    for a in range(z.shape[0]):
        x_sums.append((pi @ by_cluster[a])[:, None] + cluster_scores(z[a], u2, partial, codes, groups).at(v))
        u_sums.append(cluster_scores(z[a], u1, partial, codes, groups).at(v))
    zx = np.stack([s.sum(axis=0) for s in x_sums])
    zu = np.stack([s.sum(axis=0) for s in u_sums])
    weights = np.linalg.solve(zz, zx)  # first-stage coefficients of the draw
    shift = np.einsum("lb,lb->b", weights, zu) / np.einsum("lb,lb->b", weights, zx)  # estimate less the null
    scores = np.zeros_like(x_sums[0])
    for a in range(z.shape[0]):
        scores += weights[a] * (u_sums[a] - shift * x_sums[a])
    bread = np.einsum("lb,lm,mb->b", weights, zz, weights)
    return np.asarray(np.abs(shift) * bread / np.sqrt(_dots(scores, scores)), dtype=np.float64)
