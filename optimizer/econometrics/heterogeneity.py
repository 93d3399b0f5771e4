"""Do groups of cities differ? Slopes by group, tests of their equality, and corrections for looking many times.

Groups are fixed by city: a city that changes group would sit on both sides of the comparison. Two coefficients with
stars on one and not on the other are not thereby different; the difference itself is tested, by its cluster-robust
error and by permuting group labels over cities. Sources: Benjamini and Hochberg 1995; Romano and Wolf 2005.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from optimizer.econometrics.arrays import Bools, Floats, as_rows, as_vector
from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import Fit, ols
from optimizer.econometrics.moments import ClusterMoments, cluster_moments, draw_weights, identified, slopes
from optimizer.econometrics.smallsample import SmallSample


@dataclass(frozen=True)
class GroupFit:
    """One group's regression, with its own year effects and controls."""

    group: str
    cities: int
    fit: Fit = field(repr=False)


@dataclass(frozen=True)
class Difference:
    """Slope of the first group less the second's: its error, two-sided p, and permutation p (nan when not drawn)."""

    first: str
    second: str
    value: float
    se: float
    p: float
    p_permutation: float


@dataclass(frozen=True)
class Heterogeneity:
    """Slopes by group, all pairwise differences, and the joint test (F, df, p) that all groups are equal."""

    groups: tuple[GroupFit, ...]
    differences: tuple[Difference, ...]
    joint_f: float
    joint_df: int
    joint_p: float


def fixed_groups(unit: npt.ArrayLike, group: npt.ArrayLike, what: str = "group") -> None:
    """Raise DesignError naming cities that are in more than one group."""
    cities, codes = np.unique(np.asarray(unit), return_inverse=True)
    labels = np.asarray(group).astype(str)
    pairs = np.unique(np.stack((codes.astype(str), labels)), axis=1)
    repeated, counts = np.unique(pairs[0], return_counts=True)
    moving = [str(cities[int(c)]) for c in repeated[counts > 1]]
    if moving:
        raise DesignError(
            what, f"changes within {len(moving)} cities: {', '.join(moving[:5])}", "a group is fixed by city",
            "split by the city's mean or its first year",
        )  # fmt: skip


def split_by_city(unit: npt.ArrayLike, measure: npt.ArrayLike) -> Bools:
    """True for rows of cities whose mean of `measure` is above the median city's: a split no city can cross."""
    _, codes = np.unique(np.asarray(unit), return_inverse=True)
    means = np.bincount(codes, weights=as_vector(measure, "measure")) / np.bincount(codes)
    return np.asarray((means > np.median(means))[codes], dtype=np.bool_)


def by_group(
    y: npt.ArrayLike, x: npt.ArrayLike, group: npt.ArrayLike, unit: npt.ArrayLike, time: npt.ArrayLike, *,
    names: Sequence[str], order: Sequence[str] | None = None, permutations: int = 999, seed: int = 0,
    ssc: str | SmallSample = "reghdfe",
) -> Heterogeneity:  # fmt: skip
    """Two-way effects by group, errors clustered by city; the slope compared is that of the first column of x (n, k).

    Raises DesignError when a city changes group or a group has fewer than two cities.
    """
    labels = np.asarray(group).astype(str)
    units, times = np.asarray(unit), np.asarray(time)
    fixed_groups(units, labels)
    outcome = as_vector(y, "outcome")
    rows = as_rows(x, tuple(names), outcome.size)
    chosen = tuple(order) if order is not None else tuple(str(g) for g in np.unique(labels))
    fits = tuple(_one(outcome, rows, labels == g, g, units, times, names, ssc) for g in chosen)
    moments = _moments(outcome, rows, units, times)
    homes = _homes(moments, units, labels)
    differences = tuple(
        _difference(fits[i], fits[j], moments, homes, rows.shape[0], permutations, seed)
        for i in range(len(fits))
        for j in range(i + 1, len(fits))
    )
    return Heterogeneity(fits, differences, *_joint(fits))


def _one(
    y: Floats, rows: Floats, here: Bools, group: str, units: npt.NDArray[np.generic], times: npt.NDArray[np.generic],
    names: Sequence[str], ssc: str | SmallSample,
) -> GroupFit:  # fmt: skip
    cities = np.unique(units[here]).size
    if cities < 2:
        raise DesignError(
            f"group '{group}'", f"has {cities} cities", "a group has at least two cities", "merge it with another"
        )
    effects = absorb(units[here], times[here])
    fit = ols(y[here], rows[:, here].T, effects=effects, covariance=cluster(units[here]), ssc=ssc, names=names)
    return GroupFit(group, cities, fit)


def _moments(y: Floats, rows: Floats, units: npt.NDArray[np.generic], times: npt.NDArray[np.generic]) -> ClusterMoments:
    return cluster_moments(np.concatenate((y[None], rows)), units, absorb(units, times))


def _homes(
    moments: ClusterMoments, units: npt.NDArray[np.generic], labels: npt.NDArray[np.str_]
) -> npt.NDArray[np.str_]:
    home = np.empty(moments.clusters, dtype=labels.dtype)
    home[np.searchsorted(moments.labels, units)] = labels
    return home


def _difference(
    first: GroupFit,
    second: GroupFit,
    moments: ClusterMoments,
    homes: npt.NDArray[np.str_],
    k: int,
    draws: int,
    seed: int,
) -> Difference:
    value = float(first.fit.beta[0] - second.fit.beta[0])
    se = float(np.hypot(first.fit.se[0], second.fit.se[0]))  # cities are independent across groups
    p = float(2.0 * stats.t.sf(abs(value / se), first.cities + second.cities - 2))
    p_permuted = np.nan
    if draws:
        drawn = _permuted(moments, homes, first.group, second.group, k, draws, seed)
        p_permuted = (1.0 + float((np.abs(drawn) >= abs(value) * (1.0 - 1e-9)).sum())) / (drawn.size + 1.0)
    return Difference(first.group, second.group, value, se, p, p_permuted)


def _permuted(
    moments: ClusterMoments, homes: npt.NDArray[np.str_], first: str, second: str, k: int, draws: int, seed: int
) -> Floats:
    """Differences under random reassignment of the two groups' cities, sizes kept; (draws,)."""
    members = np.flatnonzero((homes == first) | (homes == second))
    size = int((homes == first).sum())
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, moments.clusters))
    for row in weights:
        row[rng.permutation(members)[:size]] = 1.0
    everyone = np.zeros(moments.clusters)
    everyone[members] = 1.0
    columns = list(range(1, 1 + k))
    ours = slopes(moments.weighted(weights), 0, columns)[:, 0]
    theirs = slopes(moments.weighted(everyone - weights), 0, columns)[:, 0]
    return identified(ours - theirs, f"permutation of {first} and {second}")


def _joint(fits: Sequence[GroupFit]) -> tuple[float, int, float]:
    """Wald test that independent slopes are equal: weighted squares about their precision-weighted mean."""
    beta = np.array([g.fit.beta[0] for g in fits])
    precision = np.array([1.0 / g.fit.vcov[0, 0] for g in fits])
    mean = float(precision @ beta / precision.sum())
    df = len(fits) - 1
    f = float(precision @ (beta - mean) ** 2) / df
    free = sum(g.cities for g in fits) - len(fits)
    return f, df, float(stats.f.sf(f, df, free))


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Adjusted p values controlling the false discovery rate."""
    values = _as_p(p)
    order = np.argsort(values)[::-1]
    ranks = np.arange(values.size, 0, -1)
    adjusted = np.empty(values.size)
    adjusted[order] = np.minimum.accumulate(values[order] * values.size / ranks)
    return np.minimum(adjusted, 1.0)


def holm(p: npt.ArrayLike) -> Floats:
    """Adjusted p values controlling the chance of any false rejection."""
    values = _as_p(p)
    order = np.argsort(values)
    adjusted = np.empty(values.size)
    adjusted[order] = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    return np.minimum(adjusted, 1.0)


def _as_p(p: npt.ArrayLike) -> Floats:
    values = np.atleast_1d(np.asarray(p, dtype=np.float64))
    if values.ndim != 1 or values.size == 0 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise DesignError("p values", "are not all in [0, 1]", "a p value is a probability", "check the list")
    return values


def romano_wolf(t: npt.ArrayLike, draws: npt.ArrayLike) -> Floats:
    """Stepdown adjusted p: t (h,) and draws of t under the null (B, h), drawn jointly so dependence is kept."""
    actual = np.abs(np.asarray(t, dtype=np.float64))
    drawn = np.abs(np.asarray(draws, dtype=np.float64))
    order = np.argsort(-actual)
    adjusted = np.empty(actual.size)
    highest = 0.0
    for step, h in enumerate(order):
        most = drawn[:, order[step:]].max(axis=1)
        highest = max(highest, (1.0 + float((most >= actual[h]).sum())) / (drawn.shape[0] + 1.0))
        adjusted[h] = highest
    return adjusted


@dataclass(frozen=True)
class Comparison:
    """A question asked of the data: do these two sets of cities (masks over rows) have one slope?"""

    name: str
    first: Bools = field(repr=False)
    second: Bools = field(repr=False)


def romano_wolf_differences(
    y: npt.ArrayLike, x: npt.ArrayLike, unit: npt.ArrayLike, time: npt.ArrayLike, comparisons: Sequence[Comparison], *,
    names: Sequence[str], draws: int = 999, seed: int = 0,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Differences (h,) and Romano-Wolf p (h,) for many splits of the same cities, drawn whole and jointly."""
    outcome = as_vector(y, "outcome")
    rows = as_rows(x, tuple(names), outcome.size)
    units = np.asarray(unit)
    moments = _moments(outcome, rows, units, np.asarray(time))
    weights = np.concatenate((np.ones((1, moments.clusters)), draw_weights(moments.clusters, draws, seed)))
    columns = list(range(1, 1 + rows.shape[0]))
    estimates = []
    for comparison in comparisons:
        sides = []
        for mask in (comparison.first, comparison.second):
            inside = np.isin(moments.labels, units[mask]).astype(np.float64)
            sides.append(slopes(moments.weighted(weights * inside), 0, columns)[:, 0])
        estimates.append(sides[0] - sides[1])
    table = np.column_stack(estimates)
    drawn = identified(table[1:], "Romano-Wolf")
    spread = drawn.std(axis=0, ddof=1)
    return table[0], romano_wolf(table[0] / spread, (drawn - table[0]) / spread)
