"""Searching for thresholds and testing them by resampling whole cities.

A threshold is tested against one fewer with residuals of *that* null; the draw's search is the sample's search, from
the first threshold on; period means are taken out again after drawing. Source: Hansen 1999, with cities for rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.splitgram import SplitGram, Within, split_gram
from optimizer.econometrics.splitsearch import Room, given, search
from optimizer.econometrics.thresholdresult import Options, Test

FEWEST_CANDIDATES = 10


@dataclass(frozen=True)
class Problem:
    """Everything fixed before a search: the demeaned outcome (n, T), the Gram matrix, the room, degrees of freedom."""

    y: Floats
    gram: SplitGram
    room: Room
    df: int
    z: Floats
    q: Floats


def problem(y: Floats, z: Floats, q: Floats, controls: Floats, names: tuple[str, ...], options: Options) -> Problem:
    """Prepare cubes y, z, q (n, T) and controls (k, n, T); names of controls then z."""
    if options.hansen_program and options.year_effects:
        raise DesignError(
            "threshold", "hansen_program with year effects", "Hansen's program removes unit means only",
            "set year_effects=False",
        )  # fmt: skip
    least = max(int(np.ceil(options.trim_frac * y.size)), controls.shape[0] + 2)
    within = Within(options.year_effects, options.hansen_program)
    gram = split_gram(z, q, controls, names, _candidates(q, least, options), within)
    units, periods = y.shape
    residual = units * (periods - 1) - (periods - 1) * options.year_effects - controls.shape[0] - 1
    df = {"n(T-1)": units * (periods - 1), "nT-T": y.size - periods, "residual": residual}[options.df]
    return Problem(within.forward(y[None])[0], gram, Room(gram.below, y.size, least), df, z, q)


def _candidates(q: Floats, least: int, options: Options) -> Floats:
    ordered = np.sort(q, axis=None)
    distinct = np.unique(ordered)
    side: Literal["left", "right"] = "left" if options.hansen_program else "right"
    below = np.searchsorted(ordered, distinct, side=side)
    inside = distinct[(below >= least) & (q.size - below >= least)]
    if inside.size < FEWEST_CANDIDATES:
        raise DesignError(
            "threshold variable",
            f"takes {distinct.size} distinct values, {inside.size} of them leaving {least} rows on both sides",
            f"a threshold is searched over at least {FEWEST_CANDIDATES} values",
            "use a continuous variable, or interact with its categories instead",
        )
    if options.candidates is None or options.candidates >= inside.size:
        return inside
    return inside[np.unique(np.linspace(0, inside.size - 1, options.candidates).round().astype(np.int64))]


def estimate_thresholds(problem_: Problem, most: int) -> tuple[list[Ints], Floats, Floats, Floats]:
    """Picks for 0..most thresholds, SSR (most + 1,), and the moments b (1, G), s0 (1,)."""
    b, s0 = problem_.gram.moments(problem_.y[None])
    path, ssr = search(b, s0, problem_.gram.gram, problem_.room, most)
    return path, ssr[0], b, s0


def _null_residuals(ready: Problem, picks: Ints) -> tuple[Floats, Floats]:
    """Residuals (n, T) of the model with these thresholds, and its split coefficients (m,)."""
    b, _ = ready.gram.moments(ready.y[None])
    chosen = picks[0]
    lower = [_lower(ready, ready.gram.candidates[i]) * ready.z for i in chosen]
    columns = ready.gram.within.forward(np.stack(lower)) if lower else np.empty((0, *ready.y.shape))
    slopes = np.linalg.solve(ready.gram.gram[np.ix_(chosen, chosen)], b[0, chosen]) if lower else np.empty(0)
    return ready.gram.residual(ready.y, columns), slopes


def _lower(ready: Problem, value: float) -> Floats:
    strict = ready.gram.within.drop_last
    return ((ready.q < value) if strict else (ready.q <= value)).astype(np.float64)


def threshold_test(ready: Problem, path: list[Ints], ssr: Floats, m: int, options: Options) -> Test:
    f = float((ssr[m - 1] - ssr[m]) / (ssr[m] / ready.df))
    if f < -1e-8:  # a further regressor cannot raise the sum of squares: an identity, asserted
        raise DesignError("threshold", f"F = {f:g}", "F is not negative", "look for nearly collinear controls")
    if options.draws == 0:
        return Test(m, f, ready.df, np.nan, 0, (np.nan, np.nan, np.nan))
    drawn = bootstrap_f(ready, path[m - 1], m, options)
    p = (1.0 + float((drawn >= f).sum())) / (drawn.size + 1.0)
    tens, fives, ones = np.quantile(drawn, (0.90, 0.95, 0.99))
    return Test(m, f, ready.df, p, drawn.size, (float(tens), float(fives), float(ones)))


def bootstrap_f(ready: Problem, picks: Ints, m: int, options: Options) -> Floats:
    """F of m thresholds against m - 1 in draws from the null with thresholds at picks (1, m - 1); shape (draws,)."""
    residuals, slopes = _null_residuals(ready, picks)
    rng = np.random.default_rng((options.seed, m))
    drawn = ready.gram.within
    errors = _resample(residuals, options, rng, drawn)
    b, s0 = ready.gram.moments(errors)
    chosen = picks[0]
    if chosen.size:  # the null has its own thresholds: add their part, which the search must find again
        rows = ready.gram.gram[chosen]
        s0 = s0 + 2.0 * b[:, chosen] @ slopes + float(slopes @ rows[:, chosen] @ slopes)
        b = b + slopes @ rows
    if options.hansen_program:
        state = given(b, s0, ready.gram.gram, ready.room, np.repeat(picks, b.shape[0], axis=0))
        before = state.ssr
        state.add(state.best())
        return np.asarray((before - state.ssr) / (state.ssr / ready.df), dtype=np.float64)
    _, ssr = search(b, s0, ready.gram.gram, ready.room, m)
    return np.asarray((ssr[:, m - 1] - ssr[:, m]) / (ssr[:, m] / ready.df), dtype=np.float64)


def _resample(residuals: Floats, options: Options, rng: np.random.Generator, within: Within) -> Floats:
    """Draws of residuals, (draws, n, T): whole cities, or single rows (shown only to be wrong under serial
    correlation).
    """
    units = residuals.shape[0]
    if options.resample == "cities":
        drawn = residuals[rng.integers(0, units, (options.draws, units))]
        if within.periods:
            drawn -= drawn.mean(axis=1, keepdims=True)
        return np.asarray(drawn, dtype=np.float64)
    kept = residuals[:, :-1] if within.drop_last else residuals
    shuffled = rng.choice(kept.reshape(-1), size=(options.draws, units, kept.shape[1]))
    if within.drop_last:
        return np.concatenate((shuffled, np.zeros((options.draws, units, 1))), axis=2)
    return within.forward(shuffled)
