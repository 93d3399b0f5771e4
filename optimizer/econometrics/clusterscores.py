"""Cluster sums of products with re-estimated residuals, for thousands of sign draws at once.

A wild bootstrap multiplies residuals by one random sign per cluster and re-estimates. What its statistics need are,
per cluster g, sums of m_i (M u*)_i, where u* are the signed residuals and M partials out regressors and effects
again. They are v_g s_g less a low-rank map of the signs, so no draw touches the data (Roodman, MacKinnon, Nielsen and
Webb 2019, extended to absorbed effects).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.econometrics.arrays import Floats, Ints, group_sums
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError

MOST_ENUMERATED = 1 << 16
# Webb's six points: mean 0, variance 1, third moment 0.
WEBB = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])


@dataclass(frozen=True)
class Partial:
    """What M partials out: regressors (k, n) with the inverse of their Gram matrix, after the effects."""

    regressors: Floats
    inverse: Floats
    effects: Effects | None


@dataclass(frozen=True)
class ClusterScores:
    """own (G,) and the factors of the low-rank part: sums for signs V (G, B) are own * V - left (right V)."""

    own: Floats
    left: Floats
    right: Floats

    def at(self, signs: Floats) -> Floats:
        """Cluster sums, (G, B)."""
        out = self.left @ (self.right @ signs)
        np.subtract(self.own[:, None] * signs, out, out=out)
        return out


def cluster_scores(m: Floats, u: Floats, partial: Partial, codes: Ints, groups: int) -> ClusterScores:
    """For m (n,) orthogonal to the effects and residuals u (n,)."""
    own = group_sums((m * u)[None], codes, groups)[0]
    left = [group_sums(m * partial.regressors, codes, groups).T @ partial.inverse]
    right = [group_sums(partial.regressors * u, codes, groups)]
    if partial.effects is not None:
        for a, b in _effect_factors(m, u, partial.effects, codes, groups):
            left.append(a)
            right.append(b)
    return ClusterScores(own, np.concatenate(left, axis=1), np.concatenate(right, axis=0))


def _table(values: Floats, rows: Ints, row_count: int, columns: Ints, column_count: int) -> Floats:
    """Sums of values by (row, column)."""
    keys = rows * column_count + columns
    sums = np.bincount(keys, weights=values, minlength=row_count * column_count)
    return np.asarray(sums.reshape(row_count, column_count), dtype=np.float64)


def _effect_factors(m: Floats, u: Floats, effects: Effects, codes: Ints, groups: int) -> list[tuple[Floats, Floats]]:
    first, count = effects.codes[0], effects.levels[0]
    m_first = _table(m, codes, groups, first, count)
    u_first = _table(u, first, count, codes, groups) / effects.counts[:, None]
    # Nested effects drop out: within a cluster, m sums to zero over each city.
    nested = float(np.abs(m_first).max()) <= 1e-9 * float(np.abs(m).max())
    factors = [] if nested else [(m_first, u_first)]
    if len(effects.codes) > 1:
        others = [(c, n) for c, n in zip(effects.codes[1:], effects.levels[1:], strict=True)]
        m_other = np.concatenate([_table(m, codes, groups, c, n) for c, n in others], axis=1)
        u_other = np.concatenate([_table(u, c, n, codes, groups) for c, n in others], axis=0)
        joint = effects.joint_counts
        m_other = m_other - (m_first / effects.counts) @ joint
        u_other = u_other - joint.T @ u_first
        factors.append((m_other, effects.others_inverse @ u_other))
    return factors


def signs(groups: int, draws: int, weights: str, seed: int) -> tuple[Floats, bool]:
    """Cluster weights V (G, B) and whether they are all 2^G patterns (the first is then all ones)."""
    if weights == "rademacher" and groups <= 30 and 2**groups <= min(max(draws, 1), MOST_ENUMERATED):
        patterns = (np.arange(2**groups)[None, :] >> np.arange(groups)[:, None]) & 1
        return 1.0 - 2.0 * patterns.astype(np.float64), True
    rng = np.random.default_rng(seed)
    if weights == "rademacher":
        bits = np.frombuffer(rng.bytes(groups * draws), dtype=np.uint8).reshape(groups, draws) & 1
        return 1.0 - 2.0 * bits.astype(np.float64), False
    if weights == "webb":
        return WEBB[rng.integers(0, 6, (groups, draws))], False
    raise DesignError("weights", f"are '{weights}'", "bootstrap weights are rademacher or webb", "name one of these")
