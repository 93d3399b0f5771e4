"""Fixed effects partialled out exactly, for any number of effects, balanced or not.

The largest effect (cities, say) is removed by group means. What the other effects add is then a small dense problem in
their levels: with M the city demeaner and D the other dummies, M_D x = M (x - D g), where (D'MD) g = D'Mx. A balanced
two-way grid in row order needs two means and no solve. Nothing iterates, so nothing stops early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Bools, Floats, Ints, as_codes, group_sums
from optimizer.econometrics.errors import DesignError

DENSE_LEVELS_LIMIT = 5_000  # levels of all effects but the largest; their Gram matrix is factorised densely


@dataclass(frozen=True)
class Effects:
    """Effects to absorb. codes[0] is the largest; levels counts each; grid = (cities, periods) if balanced and
    sorted.
    """

    codes: tuple[Ints, ...]
    levels: tuple[int, ...]
    grid: tuple[int, int] | None

    @property
    def nobs(self) -> int:
        """Number of observations."""
        return int(self.codes[0].size)

    @cached_property
    def counts(self) -> Floats:
        """Observations per level of the largest effect."""
        return np.bincount(self.codes[0], minlength=self.levels[0]).astype(np.float64)

    @cached_property
    def _offsets(self) -> Ints:
        return np.concatenate(([0], np.cumsum(self.levels[1:]))).astype(np.int64)

    @cached_property
    def joint_counts(self) -> Floats:
        """Joint counts (levels[0], sum of other levels)."""
        others = int(self._offsets[-1])
        if others > DENSE_LEVELS_LIMIT:
            raise DesignError(
                "fixed effects",
                f"all but the largest have {others} levels",
                f"at most {DENSE_LEVELS_LIMIT} can be solved exactly",
                "absorb coarser groups",
            )
        table = np.zeros((self.levels[0], others))
        for code, offset in zip(self.codes[1:], self._offsets, strict=False):
            np.add.at(table, (self.codes[0], code + offset), 1.0)
        return table

    @cached_property
    def _gram(self) -> Floats:
        """D'MD, shape (others, others)."""
        others = int(self._offsets[-1])
        gram = np.zeros((others, others))
        for a, (first, i) in enumerate(zip(self.codes[1:], self._offsets, strict=False)):
            for second, j in list(zip(self.codes[1:], self._offsets, strict=False))[a:]:
                block = np.zeros((int(first.max()) + 1, int(second.max()) + 1))
                np.add.at(block, (first, second), 1.0)
                gram[i : i + block.shape[0], j : j + block.shape[1]] = block
                gram[j : j + block.shape[1], i : i + block.shape[0]] = block.T
        cross = self.joint_counts
        return gram - cross.T @ (cross / self.counts[:, None])

    @cached_property
    def _inverse(self) -> tuple[Floats, int]:
        """Pseudo-inverse of D'MD and its rank; redundant dummies fall out here."""
        values, vectors = np.linalg.eigh(self._gram)
        keep = values > 1e-9 * max(1.0, float(values[-1]))
        return (vectors[:, keep] / values[keep]) @ vectors[:, keep].T, int(keep.sum())

    @property
    def others_inverse(self) -> Floats:
        """Pseudo-inverse of D'MD for the effects after the first, (others, others)."""
        return self._inverse[0]

    @property
    def rank(self) -> int:
        """Number of independent dummies, all effects together (a constant is among them)."""
        if len(self.codes) == 1:
            return self.levels[0]
        if self.grid is not None:
            return self.grid[0] + self.grid[1] - 1
        return self.levels[0] + self._inverse[1]

    def demean(self, rows: Floats) -> Floats:
        """Residuals of each variable on all effects: (k, n) -> (k, n)."""
        if self.grid is not None:
            return _demean_grid(rows, *self.grid)
        out = self._demean_first(rows)
        if len(self.codes) == 1:
            return out
        sums = np.concatenate(
            [group_sums(out, c, n) for c, n in zip(self.codes[1:], self.levels[1:], strict=True)], axis=1
        )
        shift = sums @ self._inverse[0]
        for code, offset in zip(self.codes[1:], self._offsets, strict=False):
            out -= shift[:, code + offset]
        return self._demean_first(out)

    def _demean_first(self, rows: Floats) -> Floats:
        means = group_sums(rows, self.codes[0], self.levels[0]) / self.counts
        return rows - means[:, self.codes[0]]

    def others_demeaned(self, index: Ints) -> Floats:
        """Rows `index` of M D, shape (len(index), others): the other dummies less their city means."""
        base = self.codes[0][index]
        out = -self.joint_counts[base] / self.counts[base][:, None]
        for code, offset in zip(self.codes[1:], self._offsets, strict=False):
            np.add.at(out, (np.arange(index.size), code[index] + offset), 1.0)
        return out

    def hat_block(self, index: Ints) -> Floats:
        """P_D[index, index], the projection on all dummies restricted to some rows; shape (m, m)."""
        base = self.codes[0][index]
        block = (base[:, None] == base[None, :]) / self.counts[base]
        if len(self.codes) > 1:
            dummies = self.others_demeaned(index)
            block = block + dummies @ self._inverse[0] @ dummies.T
        return np.asarray(block, dtype=np.float64)

    def leverage(self) -> Floats:
        """Diagonal of P_D, shape (n,)."""
        diagonal = 1.0 / self.counts[self.codes[0]]
        if len(self.codes) > 1:
            dummies = self.others_demeaned(np.arange(self.nobs))
            diagonal = diagonal + np.einsum("ij,ij->i", dummies @ self._inverse[0], dummies)
        return diagonal


def _demean_grid(rows: Floats, units: int, periods: int) -> Floats:
    count = rows.shape[0]
    flat = rows.reshape(count * units, periods)
    unit_means = (flat @ np.full(periods, 1.0 / periods)).reshape(count, units, 1)
    cube = rows.reshape(count, units, periods) - unit_means
    weights = np.full(units, 1.0 / units)
    for plane in cube:
        plane -= weights @ plane
    return np.asarray(cube.reshape(count, units * periods), dtype=np.float64)


def absorb(*labels: npt.ArrayLike) -> Effects:
    """Effects from one label column each (strings or integers). Raises DesignError if lengths differ."""
    coded = [as_codes(column) for column in labels]
    if len({codes.size for codes, _ in coded}) != 1:
        raise DesignError(
            "fixed effects", "columns of different lengths", "every effect has one label per row", "pass equal lengths"
        )
    coded.sort(key=lambda pair: -pair[1])
    codes = tuple(pair[0] for pair in coded)
    levels = tuple(pair[1] for pair in coded)
    return Effects(codes, levels, _as_grid(codes, levels))


def _as_grid(codes: Sequence[Ints], levels: Sequence[int]) -> tuple[int, int] | None:
    if len(codes) != 2 or codes[0].size != levels[0] * levels[1]:
        return None
    units, periods = levels
    by_unit = codes[0].reshape(units, periods)
    by_time = codes[1].reshape(units, periods)
    in_order = (by_unit == np.arange(units)[:, None]).all() and (by_time == np.arange(periods)).all()
    return (units, periods) if in_order else None


def drop_singletons(*labels: npt.ArrayLike) -> Bools:
    """Rows to keep after removing, until none is left, rows that are alone in a level of some effect.

    A singleton is fitted exactly by its own dummy: it says nothing on the slopes but inflates the degrees of freedom.
    """
    columns = [as_codes(column)[0] for column in labels]
    keep = np.ones(columns[0].size, dtype=np.bool_)
    while True:
        before = int(keep.sum())
        for codes in columns:
            counts = np.bincount(codes[keep], minlength=int(codes.max()) + 1)
            keep &= counts[codes] > 1
        if int(keep.sum()) == before:
            return keep
