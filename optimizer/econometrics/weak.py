"""Are the instruments strong enough, and what may be said if not: one treatment, any number of instruments.

Kleibergen-Paap rk LM and Wald F, Cragg-Donald F, Olea-Pflueger effective F, Stock-Yogo critical values, the Anderson-
Rubin test inverted to a confidence set (which may be two rays, or everything), and the tF correction. With one
instrument the rk F, the effective F and the squared first-stage t are one number up to a degrees-of-freedom factor; a
published table in which they differ is wrong. Sources: Kleibergen and Paap 2006; Olea and Pflueger 2013; Stock and
Yogo 2005 (tables); Lee, McCrary, Moreira and Porter 2022 (table 3a).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.instruments import IVFit, Reduced

# Critical values for the Cragg-Donald F, one treatment: instruments -> (10, 15, 20, 25 % maximal size of a 5 % t test).
STOCK_YOGO_SIZE: dict[int, tuple[float, float, float, float]] = {
    1: (16.38, 8.96, 6.66, 5.53), 2: (19.93, 11.59, 8.75, 7.25), 3: (22.30, 12.83, 9.54, 7.80),
    4: (24.58, 13.96, 10.26, 8.31), 5: (26.87, 15.09, 10.98, 8.84), 6: (29.18, 16.23, 11.72, 9.38),
    7: (31.50, 17.38, 12.48, 9.93), 8: (33.84, 18.54, 13.24, 10.50), 9: (36.19, 19.71, 14.01, 11.07),
    10: (38.54, 20.88, 14.78, 11.65),
}  # fmt: skip
# First-stage F of the tF table at 5 %; the factor falls geometrically from 9.519 at F = 4 to 1 at F = 104.67.
_TF_F = (
    4.000, 4.008, 4.015, 4.023, 4.031, 4.040, 4.049, 4.059, 4.068, 4.079, 4.090, 4.101, 4.113, 4.125, 4.138, 4.151,
    4.166, 4.180, 4.196, 4.212, 4.229, 4.247, 4.265, 4.285, 4.305, 4.326, 4.349, 4.372, 4.396, 4.422, 4.449, 4.477,
    4.507, 4.538, 4.570, 4.604, 4.640, 4.678, 4.717, 4.759, 4.803, 4.849, 4.897, 4.948, 5.002, 5.059, 5.119, 5.182,
    5.248, 5.319, 5.393, 5.472, 5.556, 5.644, 5.738, 5.838, 5.944, 6.056, 6.176, 6.304, 6.440, 6.585, 6.741, 6.907,
    7.085, 7.276, 7.482, 7.702, 7.940, 8.196, 8.473, 8.773, 9.098, 9.451, 9.835, 10.253, 10.711, 11.214, 11.766,
    12.374, 13.048, 13.796, 14.631, 15.566, 16.618, 17.810, 19.167, 20.721, 22.516, 24.605, 27.058, 29.967, 33.457,
    37.699, 42.930, 49.495, 57.902, 68.930, 83.823, 104.67,
)  # fmt: skip
_TF_LARGEST = 9.519


@dataclass(frozen=True)
class Strength:
    """Strength of the instruments. p values are of the rk LM test; f_effective_10 is its critical value (bias 10 %)."""

    rk_lm: float
    rk_lm_p: float
    rk_wald_f: float
    cragg_donald_f: float
    effective_f: float
    effective_f_critical_10: float
    stock_yogo: tuple[float, float, float, float] | None
    first_stage_t: Floats
    instruments: int


def _single(iv: IVFit) -> Reduced:
    if len(iv.treatments) != 1:
        raise DesignError(
            "weak instruments", f"{len(iv.treatments)} treatments", "these statistics are for one treatment",
            "instrument one variable at a time",
        )  # fmt: skip
    return iv.reduced


def strength(iv: IVFit) -> Strength:
    """All statistics of first-stage strength. Raises DesignError unless there is one treatment."""
    reduced = _single(iv)
    z, x = reduced.z, reduced.treatment[0]
    count, zx = z.shape[0], z @ x
    inverse = np.linalg.inv(z @ z.T)
    error = x - (inverse @ zx) @ z
    free = reduced.nobs - reduced.parameters
    explained = float(zx @ inverse @ zx)
    cragg_donald = explained / count / (float(error @ error) / free)
    rk_lm, rk_f = _rk(reduced, zx, error, explained, cragg_donald)
    factor = np.linalg.cholesky(inverse)
    fit = iv.first_stages[0]
    # W: covariance of the coefficients on instruments made orthonormal, with the fit's own small-sample factor.
    whitened = np.linalg.solve(factor, np.linalg.solve(factor, fit.vcov[:count, :count]).T)
    critical = effective_f_critical(whitened)
    return Strength(
        rk_lm, float(stats.chi2.sf(rk_lm, count)), rk_f, cragg_donald, explained / float(np.trace(whitened)), critical,
        STOCK_YOGO_SIZE.get(count), fit.t[:count], count,
    )  # fmt: skip


def _rk(reduced: Reduced, zx: Floats, error: Floats, explained: float, cragg_donald: float) -> tuple[float, float]:
    """Kleibergen-Paap rk LM and rk Wald F with Stata's scaling; Anderson's and Cragg-Donald's under iid errors."""
    z, x, n = reduced.z, reduced.treatment[0], reduced.nobs
    if reduced.covariance.kind == "iid":
        return n * explained / float(x @ x), cragg_donald
    lm = float(zx @ np.linalg.solve(reduced.meat(z * x), zx))
    wald = float(zx @ np.linalg.solve(reduced.meat(z * error), zx))
    scale = (n - reduced.robust_parameters) / n
    groups = reduced.covariance.group_count
    if groups is not None and reduced.covariance.clustered:
        scale = (n - reduced.robust_parameters) / (n - 1.0) * (groups - 1.0) / groups
    return lm, wald * scale / z.shape[0]


def effective_f_critical(whitened: Floats, bias: float = 0.10, level: float = 0.05) -> float:
    """Critical value of the effective F for a worst-case relative bias, 2SLS, the conservative closed form."""
    trace = float(np.trace(whitened))
    largest = float(np.linalg.eigvalsh(whitened)[-1])
    x = 1.0 / bias
    squared = float(np.sum(whitened * whitened))
    df = trace**2 * (1.0 + 2.0 * x) / (squared + 2.0 * x * trace * largest)
    return float(stats.ncx2.ppf(1.0 - level, df, df * x)) / df


@dataclass(frozen=True)
class ConfidenceSet:
    """A union of intervals; ends may be infinite, and the union may be empty (every value is rejected)."""

    intervals: tuple[tuple[float, float], ...]
    level: float
    statistic_at_zero: float
    p_at_zero: float

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    @property
    def bounded(self) -> bool:
        """Whether every piece is finite."""
        return all(np.isfinite(end) for piece in self.intervals for end in piece)


def anderson_rubin(iv: IVFit, level: float = 0.95) -> ConfidenceSet:
    """The Anderson-Rubin set: coefficients at which the instruments do not explain y - b x. Valid however weak they
    are.

    Uses the reduced-form covariance, so its test at zero is the joint test of the instruments in the reduced form.
    """
    reduced = _single(iv)
    z = reduced.z
    count = z.shape[0]
    inverse = np.asarray(np.linalg.inv(z @ z.T), dtype=np.float64)
    stack = np.stack((reduced.y, reduced.treatment[0]))
    coefficients = inverse @ (z @ stack.T)
    errors = stack - coefficients.T @ z
    blocks = _joint_covariance(reduced, errors, inverse, iv.reduced_form.vcov[:count, :count])
    df = iv.reduced_form.df
    critical = float(stats.chi2.ppf(level, count) if np.isinf(df) else count * stats.f.ppf(level, count, df))

    def excess(b: float) -> float:
        gap = coefficients[:, 0] - b * coefficients[:, 1]
        omega = blocks[0] - b * blocks[1] + b**2 * blocks[2]
        return float(gap @ np.linalg.solve(omega, gap)) - critical

    at_zero = excess(0.0) + critical
    p = stats.chi2.sf(at_zero, count) if np.isinf(df) else stats.f.sf(at_zero / count, count, df)
    scale = float(iv.fit.se[0])
    return ConfidenceSet(_below_zero(excess, float(iv.fit.beta[0]), scale), level, at_zero, float(p))


def _joint_covariance(
    reduced: Reduced, errors: Floats, inverse: Floats, target: Floats
) -> tuple[Floats, Floats, Floats]:
    """Quadratic in b of the covariance of (reduced form - b first stage), scaled as the fitted reduced form's is."""
    z, count = reduced.z, reduced.z.shape[0]
    if reduced.covariance.kind == "iid":
        cross = errors @ errors.T
        parts = (inverse * cross[0, 0], inverse * 2.0 * cross[0, 1], inverse * cross[1, 1])
    else:
        scores = np.concatenate((z * errors[0], z * errors[1]))
        middle = reduced.meat(scores)
        block = [[inverse @ middle[i : i + count, j : j + count] @ inverse for j in (0, count)] for i in (0, count)]
        parts = (block[0][0], block[0][1] + block[1][0], block[1][1])
    factor = float(target[0, 0] / parts[0][0, 0])  # small-sample factors are common to all blocks
    return parts[0] * factor, parts[1] * factor, parts[2] * factor


def _below_zero(excess: object, centre: float, scale: float) -> tuple[tuple[float, float], ...]:
    """Where a function of b is <= 0, searched over the whole line through b = centre + scale tan(angle)."""
    assert callable(excess)
    angles = np.linspace(-np.pi / 2, np.pi / 2, 4003)[1:-1]

    def at(angle: float) -> float:
        return float(excess(centre + scale * np.tan(angle)))

    values = np.array([at(a) for a in angles])
    inside = values <= 0.0
    cuts = [float(optimize.brentq(at, angles[i], angles[i + 1])) for i in np.flatnonzero(inside[1:] != inside[:-1])]
    ends = [centre + scale * float(np.tan(c)) for c in cuts]
    if inside[0]:
        ends.insert(0, -np.inf)
    if inside[-1]:
        ends.append(np.inf)
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def tf_factor(first_stage_f: float) -> float:
    """Inflation of the 2SLS standard error that makes the 5 % t test valid at this F; infinite below 4 (3.84 in
    theory).

    Between tabulated F the factor of the lower F is used, so the interval is never too short.
    """
    if first_stage_f < _TF_F[0]:
        return np.inf
    position = int(np.searchsorted(_TF_F, first_stage_f, side="right")) - 1
    return float(_TF_LARGEST ** (1.0 - position / (len(_TF_F) - 1)))


def tf_interval(iv: IVFit) -> tuple[float, float]:
    """95 % interval for the treatment by the tF procedure. Raises DesignError unless just identified."""
    _single(iv)
    if len(iv.instruments) != 1:
        raise DesignError(
            "tF",
            f"{len(iv.instruments)} instruments",
            "the tF table is for one instrument",
            "use the Anderson-Rubin set",
        )
    f = float(iv.first_stages[0].t[0] ** 2)
    reach = float(stats.norm.ppf(0.975)) * tf_factor(f) * float(iv.fit.se[0])
    return float(iv.fit.beta[0]) - reach, float(iv.fit.beta[0]) + reach
