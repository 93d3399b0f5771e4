"""Panel threshold regression (Hansen 1999): one to three thresholds, tested by resampling whole cities.

The model is y = effects + controls + sum over regimes r of slope_r z 1(q in r) + e. A threshold is tested against one
fewer with residuals of *that* null; a draw takes all years of a city together, so that dependence within cities is
kept; period means are taken out again after drawing; p = (1 + exceedances)/(draws + 1). Confidence sets invert the
likelihood ratio and may be disconnected. Sources: Hansen 1999, 2000; Bai 1997 for the refinement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Floats, Ints, default_names
from optimizer.econometrics.balance import Layout, balanced
from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.linear import ols
from optimizer.econometrics.splitsearch import given
from optimizer.econometrics.thresholdresult import Model, Options, Profile, Set, ThresholdResult, lr_critical
from optimizer.econometrics.thresholdtest import Problem, estimate_thresholds, problem, threshold_test


def threshold(
    y: npt.ArrayLike, z: npt.ArrayLike, q: npt.ArrayLike, controls: npt.ArrayLike,
    unit: npt.ArrayLike, time: npt.ArrayLike, *,
    options: Options | None = None, names: Sequence[str] | None = None, z_name: str = "z",
) -> ThresholdResult:  # fmt: skip
    """Estimate and test thresholds in q for the slope of z; columns (N,), controls (N, k) or (N, 0).

    Raises DesignError for an unbalanced panel, a threshold variable with too few values, or no room for a threshold.
    """
    chosen = options or Options()
    layout = balanced(unit, time)
    block = np.asarray(controls, dtype=np.float64).reshape(layout.order.size, -1)
    labels = tuple(names) if names is not None else default_names(block.shape[1])
    cubes = [layout.cube(v, n) for v, n in ((y, "outcome"), (z, z_name), (q, "threshold variable"))]
    held = [layout.cube(block[:, i], label) for i, label in enumerate(labels)]
    stacked = np.stack(held) if held else np.empty((0, *layout.shape))
    ready = problem(cubes[0], cubes[1], cubes[2], stacked, (*labels, z_name), chosen)
    path, ssr, b, s0 = estimate_thresholds(ready, chosen.most)
    tests = tuple(threshold_test(ready, path, ssr, m, chosen) for m in range(1, chosen.most + 1))
    models = tuple(
        _model(ready, cubes[0], stacked, labels, z_name, path[m], float(ssr[m]), b, s0, layout, chosen)
        for m in range(1, chosen.most + 1)
    )
    convention = f"F = (SSR0 - SSR1)/(SSR1/df), df = {chosen.df} = {ready.df}"
    return ThresholdResult(tuple(float(s) for s in ssr), tests, models, chosen, ready.room.least, convention)


def _model(
    ready: Problem, y: Floats, controls: Floats, labels: tuple[str, ...], z_name: str, picks: Ints, ssr: float,
    b: Floats, s0: Floats, layout: Layout, options: Options,
) -> Model:  # fmt: skip
    ordered = np.sort(picks[0])
    values = ready.gram.candidates[ordered]
    profiles = tuple(_profile(ready, ordered, j, b, s0, ssr) for j in range(ordered.size))
    side: Literal["left", "right"] = "right" if options.hansen_program else "left"
    regime = np.searchsorted(values, ready.q, side=side)
    columns = [
        *(c.reshape(-1) for c in controls),
        *((ready.z * (regime == r)).reshape(-1) for r in range(values.size + 1)),
    ]
    names = (*labels, *(f"{z_name} in regime {r + 1}" for r in range(values.size + 1)))
    units, periods = y.shape
    city = np.repeat(np.arange(units), periods)
    year = np.tile(np.arange(periods), units)
    effects = absorb(city, year) if options.year_effects else absorb(city)
    fit = ols(y.reshape(-1), np.column_stack(columns), effects=effects, covariance=cluster(city), names=names)
    rows = tuple(int(c) for c in np.bincount(regime.reshape(-1), minlength=values.size + 1))
    return Model(tuple(float(v) for v in values), ssr, profiles, fit, rows)


def _profile(ready: Problem, picks: Ints, j: int, b: Floats, s0: Floats, ssr: float) -> Profile:
    state = given(b, s0, ready.gram.gram, ready.room, np.delete(picks, j)[None, :])
    gains = state.gains()[0]
    allowed = np.isfinite(gains)
    fitted = state.ssr[0] - gains[allowed]
    lr = (fitted - fitted.min()) / (ssr / ready.df)
    candidates = ready.gram.candidates[allowed]
    sets = tuple(_set(candidates, lr, level) for level in (0.90, 0.95, 0.99))
    return Profile(float(ready.gram.candidates[picks[j]]), candidates, lr, sets)


def _set(candidates: Floats, lr: Floats, level: float) -> Set:
    critical = lr_critical(level)
    inside = np.concatenate(([False], lr <= critical, [False]))
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    pieces = zip(edges[::2], edges[1::2], strict=True)
    return Set(level, critical, tuple((float(candidates[i]), float(candidates[k - 1])) for i, k in pieces))


__all__ = ["Options", "ThresholdResult", "lr_critical", "threshold"]
