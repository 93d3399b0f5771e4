"""Cross-products by cluster: re-estimating on resampled cities without touching the rows again.

Variables and the dummies of every other effect are demeaned by the city effect once; what a regression on
drawn cities needs is then the weighted sum of each city's cross-products. A draw is a row of weights; thousands of
draws are one matrix product. Requires the first effect to be nested in the clusters, so that demeaning does not
depend on the draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import linalg

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError

SINGULAR = 1e-10  # least eigenvalue of a scaled Gram matrix that identifies slopes
CHUNK_ENTRIES = 20_000_000  # doubles held at once while draws are summed (160 MB)


@dataclass(frozen=True)
class ClusterMoments:
    """products (G, p, p) of the variables (first `variables` of p) and of the dummies that follow; labels of
    clusters.
    """

    products: Floats = field(repr=False)
    variables: int
    labels: npt.NDArray[np.generic]

    @property
    def clusters(self) -> int:
        """G."""
        return int(self.products.shape[0])

    def weighted(self, weights: Floats) -> Floats:
        """Cross-products of the variables after the dummies, for weights (B, G): (B, v, v)."""
        size, v = self.products.shape[1], self.variables
        flat = self.products.reshape(self.clusters, -1)
        out = np.empty((weights.shape[0], v, v))
        step = max(1, CHUNK_ENTRIES // size**2)
        for start in range(0, weights.shape[0], step):
            total = (weights[start : start + step] @ flat).reshape(-1, size, size)
            kept = total[:, :v, :v]
            if size > v:
                cross = total[:, v:, :v]
                kept = kept - np.swapaxes(cross, 1, 2) @ _solve_dummies(total[:, v:, v:], cross)
            out[start : start + step] = kept
        return out


def _solve_dummies(gram: Floats, cross: Floats) -> Floats:
    """A draw can miss a level (a province not drawn): its zero row gets a unit pivot and stays out of the answer."""
    diagonal = np.einsum("bii->bi", gram)
    empty = diagonal <= 1e-9
    if empty.any():
        gram = gram.copy()
        np.einsum("bii->bi", gram)[empty] = 1.0
    try:
        return np.asarray(np.linalg.solve(gram, cross), dtype=np.float64)
    except np.linalg.LinAlgError:  # a draw in which some levels became dependent
        return np.asarray(np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ cross, dtype=np.float64)


def cluster_moments(columns: Floats, clusters: npt.ArrayLike, effects: Effects | None) -> ClusterMoments:
    """From variables (v, n) and cluster labels (n,). Without effects a constant is partialled out as a dummy.

    Raises DesignError when cities are not nested in clusters.
    """
    labels, codes = np.unique(np.asarray(clusters), return_inverse=True)
    codes = codes.reshape(-1).astype(np.int64)
    if effects is None:
        data = np.concatenate((columns, np.ones((1, columns.shape[1]))))
    else:
        nested, others = _nested_first(effects, codes)
        first = Effects((nested[0],), (nested[1],), None)
        data = first.demean(columns)
        if others:
            dummies = np.concatenate([_dummies(c, n) for c, n in others])
            data = np.concatenate((data, _independent(first.demean(dummies))))
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(labels.size + 1))
    ordered = data[:, order]
    products = np.empty((labels.size, data.shape[0], data.shape[0]))
    for g in range(labels.size):
        part = ordered[:, starts[g] : starts[g + 1]]
        products[g] = part @ part.T
    return ClusterMoments(products, columns.shape[0], labels)


def _dummies(codes: Ints, levels: int) -> Floats:
    dummies = np.zeros((levels, codes.size))
    dummies[codes, np.arange(codes.size)] = 1.0
    return dummies


def _independent(rows: Floats) -> Floats:
    """A largest independent set of rows: demeaned dummies are dependent (all years of a province sum to nothing)."""
    r, pivots = linalg.qr(rows @ rows.T, mode="r", pivoting=True)
    size = np.abs(np.diag(r))
    return np.asarray(rows[np.sort(pivots[size > 1e-9 * max(1.0, float(size[0]))])], dtype=np.float64)


def _nested_first(effects: Effects, clusters: Ints) -> tuple[tuple[Ints, int], list[tuple[Ints, int]]]:
    """The largest effect whose levels each lie in one cluster, and the other effects."""
    pairs = list(zip(effects.codes, effects.levels, strict=True))
    for at, (codes, levels) in enumerate(pairs):
        home = np.empty(levels, dtype=np.int64)
        home[codes] = clusters
        if (home[codes] == clusters).all():
            return pairs[at], pairs[:at] + pairs[at + 1 :]
    raise DesignError(
        "cluster bootstrap", "every effect has a level that spans two clusters",
        "cities are drawn whole, so each lies in one cluster", "cluster by city or by a group of cities",
    )  # fmt: skip


def draw_weights(clusters: int, draws: int, seed: int) -> Floats:
    """How often each cluster is drawn, with replacement: (draws, clusters), rows summing to `clusters`."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=draws).astype(np.float64)


def slopes(products: Floats, outcome: int, regressors: list[int]) -> Floats:
    """Least-squares slopes from cross-products (B, v, v): (B, len(regressors)); NaN where a draw identifies none."""
    gram = products[:, regressors][:, :, regressors]
    right = products[:, regressors, outcome]
    diagonal = np.einsum("bii->bi", gram)
    # What a degenerate draw leaves is rounding noise, seen only against what the other draws leave.
    present = diagonal > SINGULAR * diagonal.max(axis=0)
    sound = present.all(axis=1)
    safe = np.sqrt(np.where(present, diagonal, 1.0))
    scaled = gram / (safe[:, :, None] * safe[:, None, :])
    sound &= np.linalg.eigvalsh(scaled)[:, 0] > SINGULAR
    scaled[~sound] = np.eye(len(regressors))
    found = np.linalg.solve(scaled, (right / safe)[:, :, None])[:, :, 0] / safe
    found[~sound] = np.nan
    return np.asarray(found, dtype=np.float64)


def identified(drawn: Floats, what: str) -> Floats:
    """Draws (B, ...) without those that identify nothing, whose number the caller reports.

    Raises DesignError when more than half are lost: the sample is too small to be drawn from.
    """
    sound = np.isfinite(drawn.reshape(drawn.shape[0], -1)).all(axis=1)
    if 2 * int(sound.sum()) < drawn.shape[0]:
        raise DesignError(
            what, f"{int((~sound).sum())} of {drawn.shape[0]} draws do not identify the slopes",
            "most draws of cities must", "use more cities or fewer controls",
        )  # fmt: skip
    return drawn[sound]
