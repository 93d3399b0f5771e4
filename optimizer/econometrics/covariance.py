"""One vocabulary of covariances for every estimator: iid, HC0-3, cluster (one- or two-way), jackknife, Driscoll-
Kraay, Conley.

A covariance is described once (`cluster(city)`) and used by least squares, instruments and their tests alike. `meat`
maps scores to the middle of the sandwich; small-sample factors come from `smallsample`, never from here. Sources:
White 1980; Cameron, Gelbach and Miller 2011; Driscoll and Kraay 1998; Conley 1999; MacKinnon, Nielsen and Webb 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Floats, Ints, as_codes, group_sums
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.smallsample import SmallSample

Kind = Literal["iid", "hc0", "hc1", "hc2", "hc3", "cluster", "jackknife", "driscoll-kraay", "conley"]
Kernel = Literal["bartlett", "parzen", "truncated", "uniform"]
EARTH_RADIUS_KM = 6371.0088  # IUGG mean radius


@dataclass(frozen=True)
class Covariance:
    """What the errors may do. groups: cluster codes with their sizes; kernel and bandwidth for the kernel estimators.

    positions: (n, 2) latitude and longitude in degrees (Conley).
    """

    kind: Kind
    groups: tuple[tuple[Ints, int], ...] = ()
    kernel: Kernel = "bartlett"
    bandwidth: float = 0.0
    positions: Floats | None = None

    @property
    def clustered(self) -> bool:
        """Whether the row factor and reference are those of clusters (periods, for Driscoll-Kraay)."""
        return self.kind in ("cluster", "jackknife", "driscoll-kraay")

    @property
    def group_count(self) -> int | None:
        """The smallest number of clusters, None when there are none."""
        return min((levels for _, levels in self.groups), default=None)


IID = Covariance("iid")


def hc(which: Literal[0, 1, 2, 3] = 1) -> Covariance:
    """Heteroskedasticity-robust. HC0 takes no small-sample factor, HC1 the convention's, HC2 and HC3 the leverage."""
    kinds: dict[int, Kind] = {0: "hc0", 1: "hc1", 2: "hc2", 3: "hc3"}
    return Covariance(kinds[which])


def _group(labels: npt.ArrayLike, what: str) -> tuple[Ints, int]:
    codes, levels = as_codes(labels)
    if levels < 2:
        raise DesignError(
            what, "has one cluster", "a cluster variance needs at least two", "cluster on a finer variable"
        )
    return codes, levels


def cluster(*labels: npt.ArrayLike) -> Covariance:
    """Clustered by one variable, or by two (Va + Vb - Vab)."""
    if not 1 <= len(labels) <= 2:
        raise DesignError(
            "cluster", f"has {len(labels)} variables", "one or two are supported", "pass one or two columns"
        )
    return Covariance("cluster", tuple(_group(column, "cluster variable") for column in labels))


def jackknife(labels: npt.ArrayLike) -> Covariance:
    """CRV3: each cluster left out in turn, effects re-estimated without it."""
    return Covariance("jackknife", (_group(labels, "cluster variable"),))


def driscoll_kraay(time: npt.ArrayLike, lags: float, kernel: Kernel = "bartlett") -> Covariance:
    """Robust to dependence across cities and over `lags` periods. Stata's bandwidth is lags + 1 for the Bartlett
    kernel.
    """
    bandwidth = lags + 1.0 if kernel == "bartlett" else float(lags)
    return Covariance("driscoll-kraay", (_group(time, "time variable"),), kernel, bandwidth)


def conley(
    lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, time: npt.ArrayLike, cutoff_km: float, kernel: Kernel = "uniform"
) -> Covariance:
    """Spatial dependence within `cutoff_km` in the same period (uniform, or Bartlett declining to zero at the
    cutoff).
    """
    positions = np.column_stack((np.asarray(lat_deg, float), np.asarray(lon_deg, float)))
    if not np.isfinite(positions).all() or cutoff_km <= 0:
        raise DesignError(
            "conley",
            "has a position that is not finite or a cutoff not above zero",
            "every row has a place",
            "repair it",
        )
    return Covariance("conley", (as_codes(time),), kernel, cutoff_km, positions)


def intersection(first: tuple[Ints, int], second: tuple[Ints, int]) -> tuple[Ints, int]:
    """Codes of the crossing of two groupings."""
    return as_codes(first[0] * second[1] + second[0])


def meat(scores: Floats, covariance: Covariance, rule: SmallSample) -> Floats:
    """Middle of the sandwich from scores (k, n), with the convention's G/(G-1) inside (it differs between ways)."""
    if covariance.kind == "cluster":
        return _cluster_meat(scores, covariance, rule)
    if covariance.kind == "driscoll-kraay":
        codes, periods = covariance.groups[0]
        return _kernel_meat(group_sums(scores, codes, periods), covariance) * group_factor(rule, periods, periods)
    if covariance.kind == "conley":
        return _conley_meat(scores, covariance)
    return scores @ scores.T


def group_factor(rule: SmallSample, own: int, smallest: int) -> float:
    """G/(G-1) by the convention."""
    if rule.groups == "none":
        return 1.0
    count = own if rule.groups == "own" else smallest
    return count / (count - 1.0)


def _cluster_meat(scores: Floats, covariance: Covariance, rule: SmallSample) -> Floats:
    ways = [(group, 1.0) for group in covariance.groups]
    if len(ways) == 2:
        ways.append((intersection(covariance.groups[0], covariance.groups[1]), -1.0))
    smallest = min(levels for _, levels in covariance.groups)
    total = np.zeros((scores.shape[0], scores.shape[0]))
    for (codes, levels), sign in ways:
        sums = group_sums(scores, codes, levels)
        total += sign * group_factor(rule, levels, smallest) * (sums @ sums.T)
    return total


def kernel_weight(distance: float, bandwidth: float, kernel: Kernel) -> float:
    """Weight at lag `distance`: Bartlett 1 - d/b, Parzen, or one up to and including b (truncated, uniform)."""
    x = distance / bandwidth if bandwidth > 0 else np.inf
    if kernel == "bartlett":
        return max(0.0, 1.0 - x)
    if kernel == "parzen":
        if x <= 0.5:
            return 1.0 - 6.0 * x**2 + 6.0 * x**3
        return 2.0 * (1.0 - x) ** 3 if x <= 1.0 else 0.0
    return 1.0 if x <= 1.0 else 0.0


def _kernel_meat(by_period: Floats, covariance: Covariance) -> Floats:
    total = by_period @ by_period.T
    for lag in range(1, by_period.shape[1]):
        weight = kernel_weight(lag, covariance.bandwidth, covariance.kernel)
        if weight > 0.0:
            step = by_period[:, lag:] @ by_period[:, :-lag].T
            total = total + weight * (step + step.T)
    return total


def great_circle_km(positions: Floats) -> Floats:
    """Pairwise great-circle distances, (m, 2) degrees -> (m, m) km."""
    lat, lon = np.radians(positions[:, 0]), np.radians(positions[:, 1])
    half = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))), dtype=np.float64)


def _conley_meat(scores: Floats, covariance: Covariance) -> Floats:
    assert covariance.positions is not None  # by construction in `conley`
    codes, periods = covariance.groups[0]
    total = np.zeros((scores.shape[0], scores.shape[0]))
    for period in range(periods):
        here = np.flatnonzero(codes == period)
        distance = great_circle_km(covariance.positions[here])
        near = distance <= covariance.bandwidth
        weight = near * (1.0 - distance / covariance.bandwidth) if covariance.kernel == "bartlett" else near
        part = scores[:, here]
        total += part @ weight @ part.T
    return total
