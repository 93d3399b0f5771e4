"""A kink instead of a jump: the slope of z changes at a point, the fitted line does not break (Hansen 2017).

The threshold model lets the outcome jump at the threshold; where theory says that returns change but levels do not, the
continuous model z, (z - g)+ is the fair alternative. Tested against a straight line with whole cities drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from optimizer.econometrics.arrays import Floats, default_names
from optimizer.econometrics.balance import balanced
from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import ols, scaled_inverse
from optimizer.econometrics.splitgram import Within


@dataclass(frozen=True)
class Kink:
    """Where the slope changes and by how much: slopes below and above, cluster errors that allow for estimating the
    kink.

    f tests a kink against a straight line; p by drawing cities; interval of the kink from its cluster-robust error.
    """

    kink: float
    kink_se: float
    interval: tuple[float, float]
    below: float
    below_se: float
    above: float
    above_se: float
    f: float
    df: int
    p: float
    draws: int
    ssr: float
    candidates: Floats = field(repr=False)
    profile: Floats = field(repr=False)


def kink(
    y: npt.ArrayLike, z: npt.ArrayLike, controls: npt.ArrayLike, unit: npt.ArrayLike, time: npt.ArrayLike, *,
    names: Sequence[str] | None = None, year_effects: bool = True, candidates: int = 400, trim_frac: float = 0.05,
    draws: int = 300, seed: int = 0,
) -> Kink:  # fmt: skip
    """Columns (N,), controls (N, k) or (N, 0), a balanced panel. Raises DesignError when z has too few values."""
    layout = balanced(unit, time)
    block = np.asarray(controls, dtype=np.float64).reshape(layout.order.size, -1)
    labels = tuple(names) if names is not None else default_names(block.shape[1])
    outcome, treatment = layout.cube(y, "outcome"), layout.cube(z, "z")
    held = [layout.cube(block[:, i], label) for i, label in enumerate(labels)]
    points = _points(treatment, candidates, trim_frac)
    within = Within(year_effects)
    base = within.forward(np.stack([*held, treatment])).reshape(len(held) + 1, -1)
    inverse = scaled_inverse(base @ base.T, (*labels, "z"))
    hinges = within.forward(np.maximum(treatment[None] - points[:, None, None], 0.0)).reshape(points.size, -1)
    hinges = hinges - (hinges @ base.T @ inverse) @ base
    a = np.einsum("gn,gn->g", hinges, hinges)
    inner = within.forward(outcome[None])[0].reshape(-1)
    residual = inner - (inverse @ (base @ inner)) @ base
    s0 = float(residual @ residual)
    profile = s0 - (hinges @ residual) ** 2 / a
    best = int(profile.argmin())
    units, periods = layout.shape
    df = units * (periods - 1)
    f = (s0 - float(profile[best])) / (float(profile[best]) / df)
    drawn = _draw_f(residual.reshape(layout.shape), within, base, inverse, hinges, a, draws, seed) * df
    p = (1.0 + float((drawn >= f).sum())) / (draws + 1.0) if draws else np.nan
    slopes = _slopes(outcome, treatment, held, labels, float(points[best]), year_effects)
    reach = float(stats.norm.ppf(0.975)) * slopes[0]
    at = float(points[best])
    return Kink(
        at, slopes[0], (at - reach, at + reach), *slopes[1:], f, df, p, draws, float(profile[best]), points, profile
    )


def _points(z: Floats, candidates: int, trim_frac: float) -> Floats:
    low, high = np.quantile(z, (trim_frac, 1.0 - trim_frac))
    inside = np.unique(z[(z > low) & (z < high)])
    if inside.size < 10:
        raise DesignError(
            "z", f"takes {inside.size} values between its trimmed ends", "a kink is searched over at least 10 values",
            "use a continuous variable",
        )  # fmt: skip
    return inside[np.unique(np.linspace(0, inside.size - 1, candidates).round().astype(np.int64))]


def _draw_f(
    residual: Floats, within: Within, base: Floats, inverse: Floats, hinges: Floats, a: Floats, draws: int, seed: int
) -> Floats:
    """F/df of the best kink in draws of whole cities from the straight-line null."""
    rng = np.random.default_rng(seed)
    errors = residual[rng.integers(0, residual.shape[0], (draws, residual.shape[0]))]
    if within.periods:
        errors = errors - errors.mean(axis=1, keepdims=True)
    flat = errors.reshape(draws, residual.size)
    on_base = flat @ base.T
    s0 = np.einsum("bn,bn->b", flat, flat) - np.einsum("bk,kl,bl->b", on_base, inverse, on_base)
    best = ((flat @ hinges.T) ** 2 / a).max(axis=1) if draws else np.empty(0)
    return np.asarray(best / (s0 - best), dtype=np.float64)


def _slopes(
    y: Floats, z: Floats, held: list[Floats], labels: tuple[str, ...], at: float, year_effects: bool
) -> tuple[float, float, float, float, float]:
    """Errors of (kink, slope below, slope above) from the regression with the kink's own gradient column."""
    units, periods = y.shape
    city, year = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    effects = absorb(city, year) if year_effects else absorb(city)
    hinge = np.maximum(z - at, 0.0).ravel()
    plain = ols(
        y.ravel(), np.column_stack([*(h.ravel() for h in held), z.ravel(), hinge]), effects=effects,
        covariance=cluster(city), names=(*labels, "z", "hinge"),
    )  # fmt: skip
    change = float(plain.beta[-1])
    gradient = -change * (z > at).ravel().astype(np.float64)
    full = ols(
        y.ravel(), np.column_stack([*(h.ravel() for h in held), z.ravel(), hinge, gradient]), effects=effects,
        covariance=cluster(city), names=(*labels, "z", "hinge", "kink"),
    )  # fmt: skip
    v = full.vcov[-3:, -3:]
    above_se = float(np.sqrt(v[0, 0] + v[1, 1] + 2.0 * v[0, 1]))
    below = float(plain.beta[-2])
    return float(np.sqrt(v[2, 2])), below, float(np.sqrt(v[0, 0])), below + change, above_se
