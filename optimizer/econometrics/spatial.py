"""Spatial lag and Durbin panels by exact maximum likelihood, with impacts.

y = rho W y + X b (+ W X theta) + effects + e, for a balanced panel and row-standardised W. The log-determinant comes
from the eigenvalues of W, the slopes and variance are concentrated out, and rho solves one equation. Lee and Yu's
transformation removes the bias of the fixed-effects likelihood. Sources: LeSage and Pace 2009; Elhorst 2014; Lee and
Yu 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from optimizer.econometrics.arrays import Floats, default_names
from optimizer.econometrics.balance import balanced
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import scaled_inverse
from optimizer.econometrics.weights import require_row_standardised

PanelEffects = Literal["unit", "two-way"]


@dataclass(frozen=True)
class Impact:
    """Effect on a city of its own regressor (direct), of the others' (indirect), and their sum; intervals simulated."""

    name: str
    direct: float
    indirect: float
    total: float
    direct_interval: tuple[float, float]
    indirect_interval: tuple[float, float]
    total_interval: tuple[float, float]


@dataclass(frozen=True)
class SpatialFit:
    """names are the regressors (then their spatial lags); vcov of (slopes, rho); loglik of the full or transformed
    data.
    """

    names: tuple[str, ...]
    rho: float
    rho_se: float
    beta: Floats
    se: Floats
    sigma2: float
    loglik: float
    vcov: Floats
    durbin: bool
    effects: PanelEffects
    lee_yu: bool
    eigenvalues: npt.NDArray[np.complex128] = field(repr=False)
    nobs: int = 0

    @property
    def p(self) -> Floats:
        """Two-sided normal p of the slopes."""
        return np.asarray(2.0 * stats.norm.sf(np.abs(self.beta / self.se)), dtype=np.float64)

    @property
    def rho_p(self) -> float:
        """Two-sided normal p of rho."""
        return float(2.0 * stats.norm.sf(abs(self.rho / self.rho_se)))


@dataclass(frozen=True)
class _Sizes:
    """Observations and cross-sections the likelihood counts, and the eigenvalues in its determinant."""

    nobs: int
    periods: int
    eigenvalues: npt.NDArray[np.complex128]


def spatial_panel(
    y: npt.ArrayLike, x: npt.ArrayLike, w: npt.ArrayLike, unit: npt.ArrayLike, time: npt.ArrayLike, *,
    names: Sequence[str] | None = None, durbin: bool = False, effects: PanelEffects = "two-way", lee_yu: bool = False,
) -> SpatialFit:  # fmt: skip
    """Fit by maximum likelihood; w (units, units) in the sorted order of unit labels, rows summing to one.

    Raises DesignError for an unbalanced panel, a weight matrix that is not row-standardised, or collinear regressors.
    """
    layout = balanced(unit, time)
    matrix = require_row_standardised(w, layout.shape[0])
    block = np.asarray(x, dtype=np.float64).reshape(layout.order.size, -1)
    labels = tuple(names) if names is not None else default_names(block.shape[1])
    outcome = layout.cube(y, "outcome")
    columns = [layout.cube(block[:, i], label) for i, label in enumerate(labels)]
    if durbin:
        columns += [matrix @ column for column in columns]
        labels = (*labels, *(f"W {name}" for name in labels))
    data = np.stack([outcome, matrix @ outcome, *columns])
    inner = _demean(data, effects).reshape(data.shape[0], -1)
    eigenvalues = np.linalg.eigvals(matrix).astype(np.complex128)
    sizes = _sizes(layout.shape, eigenvalues, effects, lee_yu)
    return _maximise(inner, labels, matrix, layout.shape, sizes, eigenvalues, durbin, effects, lee_yu)


def _demean(cubes: Floats, effects: PanelEffects) -> Floats:
    out = cubes - cubes.mean(axis=2, keepdims=True)
    if effects == "two-way":
        out = out - out.mean(axis=1, keepdims=True)
    return np.asarray(out, dtype=np.float64)


def _sizes(
    shape: tuple[int, int], eigenvalues: npt.NDArray[np.complex128], effects: PanelEffects, lee_yu: bool
) -> _Sizes:
    units, periods = shape
    if not lee_yu:
        return _Sizes(units * periods, periods, eigenvalues)
    if effects == "unit":
        return _Sizes(units * (periods - 1), periods - 1, eigenvalues)
    # The time transformation removes the constant vector, the eigenvector of eigenvalue one.
    kept = np.delete(eigenvalues, int(np.argmin(np.abs(eigenvalues - 1.0))))
    return _Sizes((units - 1) * (periods - 1), periods - 1, kept)


def rho_range(eigenvalues: npt.NDArray[np.complex128]) -> tuple[float, float]:
    """Open interval of rho on which I - rho W is invertible, around zero."""
    real = eigenvalues.real[np.abs(eigenvalues.imag) < 1e-9]
    low = 1.0 / float(real.min()) if real.min() < 0.0 else -np.inf
    return max(low, -10.0), 1.0 / float(real.max())


def _maximise(
    inner: Floats, names: tuple[str, ...], w: Floats, shape: tuple[int, int], sizes: _Sizes,
    eigenvalues: npt.NDArray[np.complex128], durbin: bool, effects: PanelEffects, lee_yu: bool,
) -> SpatialFit:  # fmt: skip
    y, wy, x = inner[0], inner[1], inner[2:]
    inverse = scaled_inverse(x @ x.T, names)
    loadings = inverse @ (x @ inner[:2].T)
    e0, e1 = y - loadings[:, 0] @ x, wy - loadings[:, 1] @ x
    a, b, c = float(e0 @ e0), float(e0 @ e1), float(e1 @ e1)

    def concentrated(rho: float) -> float:
        rss = a - 2.0 * rho * b + rho**2 * c
        determinant = float(np.log(np.abs(1.0 - rho * sizes.eigenvalues)).sum())
        return -0.5 * sizes.nobs * (float(np.log(2.0 * np.pi * rss / sizes.nobs)) + 1.0) + sizes.periods * determinant

    def slope(rho: float) -> float:
        rss = a - 2.0 * rho * b + rho**2 * c
        determinant = float((sizes.eigenvalues / (1.0 - rho * sizes.eigenvalues)).real.sum())
        return sizes.nobs * (b - rho * c) / rss - sizes.periods * determinant

    low, high = rho_range(eigenvalues)
    grid = np.linspace(low, high, 202)[1:-1]
    best = int(np.argmax([concentrated(float(r)) for r in grid]))
    bracket = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    if slope(bracket[0]) * slope(bracket[1]) > 0.0:
        raise DesignError(
            "spatial", "rho lies at the edge of its range", "an interior maximum exists", "check the weights"
        )
    rho = float(optimize.brentq(slope, *bracket, xtol=1e-14, rtol=8.9e-16))
    beta = loadings[:, 0] - rho * loadings[:, 1]
    sigma2 = (a - 2.0 * rho * b + rho**2 * c) / sizes.nobs
    vcov = _information(x, beta, rho, sigma2, w, shape, sizes, effects)
    se = np.sqrt(np.diag(vcov))
    return SpatialFit(
        names, rho, float(se[-1]), beta, se[:-1], sigma2, concentrated(rho), vcov, durbin, effects, lee_yu, eigenvalues,
        sizes.nobs,
    )  # fmt: skip


def _information(
    x: Floats, beta: Floats, rho: float, sigma2: float, w: Floats, shape: tuple[int, int], sizes: _Sizes,
    effects: PanelEffects,
) -> Floats:  # fmt: skip
    """Inverse of the expected information for (slopes, rho), the variance of e concentrated out."""
    g = w @ np.linalg.inv(np.eye(w.shape[0]) - rho * w)
    if sizes.eigenvalues.size < w.shape[0]:  # Lee-Yu two-way: traces on the complement of the constant vector
        g = g - g.mean(axis=0, keepdims=True)
        g = g - g.mean(axis=1, keepdims=True)
    spread = _demean((g @ (beta @ x).reshape(shape))[None], effects).reshape(-1)
    k = x.shape[0]
    info = np.zeros((k + 2, k + 2))
    info[:k, :k] = x @ x.T / sigma2
    info[:k, k] = info[k, :k] = x @ spread / sigma2
    trace, squares = float(np.trace(g)), float(np.sum(g * g.T) + np.sum(g * g))
    info[k, k] = sizes.periods * squares + float(spread @ spread) / sigma2
    info[k, k + 1] = info[k + 1, k] = sizes.periods * trace / sigma2
    info[k + 1, k + 1] = sizes.nobs / (2.0 * sigma2**2)
    return np.asarray(np.linalg.inv(info)[: k + 1, : k + 1], dtype=np.float64)


def impacts(fit: SpatialFit, draws: int = 10_000, seed: int = 0, level: float = 0.95) -> tuple[Impact, ...]:
    """Average direct, indirect and total impacts; intervals from draws of (slopes, rho) inside the valid range of
    rho.
    """
    rng = np.random.default_rng(seed)
    low, high = rho_range(fit.eigenvalues)
    centre = np.append(fit.beta, fit.rho)
    drawn = rng.multivariate_normal(centre, fit.vcov, size=draws)
    drawn = drawn[(drawn[:, -1] > low) & (drawn[:, -1] < high)]
    everything = np.vstack((centre, drawn))
    plain, lagged = _traces(everything[:, -1], fit.eigenvalues)
    count = len(fit.names) // 2 if fit.durbin else len(fit.names)
    out = []
    for j in range(count):
        own = everything[:, j]
        lag = everything[:, count + j] if fit.durbin else np.zeros(own.size)
        direct = own * plain + lag * lagged
        total = (own + lag) / (1.0 - everything[:, -1])
        parts = (direct, total - direct, total)
        ends = [_ends(p[1:], level) for p in parts]
        out.append(Impact(fit.names[j], float(direct[0]), float(parts[1][0]), float(total[0]), *ends))
    return tuple(out)


def _ends(values: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, ((1.0 - level) / 2.0, (1.0 + level) / 2.0))
    return float(low), float(high)


def _traces(rho: Floats, eigenvalues: npt.NDArray[np.complex128]) -> tuple[Floats, Floats]:
    """tr(S^-1)/n and tr(S^-1 W)/n for each rho, S = I - rho W."""
    inverse = 1.0 / (1.0 - rho[:, None] * eigenvalues[None, :])
    return inverse.real.mean(axis=1), (inverse * eigenvalues).real.mean(axis=1)
