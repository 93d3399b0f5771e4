"""Balanced panels in row order: what threshold and spatial models need, and a clear error when a panel is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.errors import DesignError


@dataclass(frozen=True)
class Layout:
    """order sorts rows by unit then period; units and periods are the labels in that order."""

    order: Ints
    units: npt.NDArray[np.generic]
    periods: npt.NDArray[np.generic]

    @property
    def shape(self) -> tuple[int, int]:
        """(units, periods)."""
        return self.units.size, self.periods.size

    def cube(self, column: npt.ArrayLike, name: str) -> Floats:
        """A column as (units, periods). Raises DesignError when it is not finite."""
        values = np.asarray(column, dtype=np.float64)
        if values.shape != self.order.shape or not np.isfinite(values).all():
            raise DesignError(
                f"variable '{name}'", "is not finite or has a wrong length", "one number per row", "repair it"
            )
        return np.ascontiguousarray(values[self.order].reshape(self.shape))


def balanced(unit: npt.ArrayLike, time: npt.ArrayLike) -> Layout:
    """Layout of a balanced panel. Raises DesignError naming units with a gap or a repeated period."""
    units, u = np.unique(np.asarray(unit), return_inverse=True)
    periods, t = np.unique(np.asarray(time), return_inverse=True)
    cells = np.zeros((units.size, periods.size), dtype=np.int64)
    np.add.at(cells, (u, t), 1)
    wrong = np.argwhere(cells != 1)
    if wrong.size:
        shown = ", ".join(f"{units[i]} {periods[j]} ({cells[i, j]} rows)" for i, j in wrong[:5])
        raise DesignError(
            "panel",
            f"{len(wrong)} unit-period cell(s) do not hold exactly one row: {shown}",
            "this estimator needs a balanced panel",
            "drop these units, or fill the gaps before estimating",
        )
    return Layout(np.lexsort((t, u)).astype(np.int64), units, periods)
