"""The algebra that makes threshold regressions fast: every candidate split at once, from cumulative sums.

The split column at g is d_g = z 1(q <= g), demeaned after multiplying. Partial out of it everything that does not
depend on g (effects, controls, z itself). Then for candidates g and h

    A(g, h) = d_g' M d_h = C(min(g, h)) - S_g'S_h / T - (period sums, centred)/n - (controls),   b(g) = d_g' M y

with C, S and the rest cumulative sums in the order of q. SSR(g) = s0 - b(g)^2 / A(g, g), and each further threshold
is a Schur complement. A does not depend on y, so a bootstrap draw costs one pass over the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.linear import scaled_inverse


@dataclass(frozen=True)
class Within:
    """How data are demeaned: unit means; period means too if `periods`; `drop_last` blanks the last period
    afterwards.
    """

    periods: bool
    drop_last: bool = False

    def forward(self, cubes: Floats) -> Floats:
        """(..., n, T) -> (..., n, T)."""
        out = cubes - cubes.mean(axis=-1, keepdims=True)
        if self.periods:
            out = out - out.mean(axis=-2, keepdims=True)
        if self.drop_last:
            out[..., -1] = 0.0
        return np.asarray(out, dtype=np.float64)

    def adjoint(self, cubes: Floats) -> Floats:
        """Transpose of `forward`; both are one symmetric projection unless the last period is dropped."""
        if not self.drop_last:
            return cubes
        return np.asarray(cubes - cubes.mean(axis=-1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True)
class SplitGram:
    """Candidates and their Gram matrix. gram (G, G); below (G,) rows on the lower side; order sorts rows by q.

    base (k, N) are the demeaned controls with z last, cross (k, G) their products with the split columns.
    """

    within: Within
    shape: tuple[int, int]
    candidates: Floats
    below: Ints
    gram: Floats = field(repr=False)
    order: Ints = field(repr=False)
    z_in_order: Floats = field(repr=False)
    base: Floats = field(repr=False)
    base_inverse: Floats = field(repr=False)
    cross: Floats = field(repr=False)

    def moments(self, outcomes: Floats) -> tuple[Floats, Floats]:
        """b (B, G) and s0 (B,) for demeaned outcomes (B, n, T)."""
        flat = outcomes.reshape(outcomes.shape[0], -1)
        on_base = flat @ self.base.T
        loadings = on_base @ self.base_inverse
        s0 = np.einsum("bn,bn->b", flat, flat) - np.einsum("bk,bk->b", on_base, loadings)
        pulled = self.within.adjoint(outcomes).reshape(flat.shape)
        running = np.take(pulled, self.order, axis=1)
        running *= self.z_in_order
        np.cumsum(running, axis=1, out=running)
        return running[:, self.below - 1] - loadings @ self.cross, s0

    def residual(self, outcome: Floats, columns: Floats) -> Floats:
        """Residuals (n, T) of a demeaned outcome (n, T) on controls, z and demeaned split columns (m, n, T)."""
        x = np.concatenate((self.base, columns.reshape(columns.shape[0], outcome.size)))
        inverse = scaled_inverse(x @ x.T, tuple(f"column {i}" for i in range(x.shape[0])))
        flat = outcome.reshape(-1)
        return np.asarray((flat - (inverse @ (x @ flat)) @ x).reshape(self.shape), dtype=np.float64)


def split_gram(
    z: Floats, q: Floats, controls: Floats, names: tuple[str, ...], candidates: Floats, within: Within
) -> SplitGram:
    """From cubes z, q (n, T), controls (k, n, T) with names (k + 1,), z last; candidates ascending (G,).

    A row is on the lower side when q <= g; when q < g under `drop_last` (Hansen's program).
    """
    units, periods = z.shape
    side: Literal["left", "right"] = "right" if within.drop_last else "left"
    first = np.searchsorted(candidates, q, side=side)  # the first candidate at which a row is on the lower side
    base = within.forward(np.concatenate((controls, z[None]))).reshape(-1, z.size)
    inverse = scaled_inverse(base @ base.T, names)
    pulled = within.adjoint(base.reshape(-1, units, periods)).reshape(base.shape)
    sums = _running(z, first, np.arange(units)[:, None], units, candidates.size)
    cross = np.stack([_running(z * row.reshape(z.shape), first, 0, 1, candidates.size)[0] for row in pulled])
    parts = [sums / np.sqrt(periods), np.linalg.cholesky(inverse).T @ cross]
    if within.periods:
        by_period = _running(z, first, np.arange(periods)[None, :], periods, candidates.size)
        parts.append((by_period - by_period.mean(axis=0)) / np.sqrt(units))
    if within.drop_last:
        last = _running(z[:, -1:], first[:, -1:], np.arange(units)[:, None], units, candidates.size)
        parts.append(last - sums / periods)
    squares = _running(z * z, first, 0, 1, candidates.size)[0]
    stacked = np.concatenate(parts)
    gram = np.minimum(squares[:, None], squares) - stacked.T @ stacked
    order = np.argsort(q.reshape(-1), kind="stable")
    below = np.cumsum(np.bincount(first.reshape(-1), minlength=candidates.size + 1)[: candidates.size])
    return SplitGram(
        within,
        (units, periods),
        candidates,
        below.astype(np.int64),
        gram,
        order,
        z.reshape(-1)[order],
        base,
        inverse,
        cross,
    )


def _running(values: Floats, first: Ints, group: Ints | int, groups: int, count: int) -> Floats:
    """Sums of `values` within groups over rows on the lower side of each candidate, (groups, count)."""
    keys = (np.broadcast_to(group, first.shape) * (count + 1) + first).reshape(-1)
    binned = np.bincount(keys, weights=values.reshape(-1), minlength=groups * (count + 1)).reshape(groups, count + 1)
    return np.cumsum(binned[:, :count], axis=1)
