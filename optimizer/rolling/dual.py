"""A lower bound on a linear programme from any row duals, however rough: weak duality, with every term finite.

For duals y (of the side of each row that their sign points to) and reduced costs d = c - A'y, no feasible point costs
less than  sum y·side + sum min(d·lower, d·upper).  It needs no solver to be right: only that the bounds hold for some
best point. Columns without an upper bound get one that follows from the rows, or from `known`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from scenarios.case import Floats

PASSES = 12


def dual_bound(program: Program, row_dual: Floats) -> float:
    """The largest lower bound that these duals prove; minus infinity if it rests on a column without any bound."""
    up, low = np.maximum(row_dual, 0.0), np.minimum(row_dual, 0.0)
    up[~np.isfinite(program.row_lower)] = 0.0
    low[~np.isfinite(program.row_upper)] = 0.0
    reduced = program.cost - program.matrix.T @ (up + low)
    upper = implied_upper(program)
    sides = np.where(up > 0, program.row_lower, 0.0) @ up + np.where(low < 0, program.row_upper, 0.0) @ low
    with np.errstate(invalid="ignore"):
        least = np.where(reduced >= 0, reduced * program.lower, reduced * upper)
    return float(program.offset + sides + least.sum())


def implied_upper(program: Program) -> Floats:
    """(columns,): upper bounds; where none is given, the tightest that one row at a time implies, in a few passes."""
    upper = program.upper.copy()
    sides = ((program.matrix, program.row_upper), (-program.matrix, -program.row_lower))
    for _ in range(PASSES):
        before = int(np.isinf(upper).sum())
        if not before:
            break
        for matrix, side in sides:
            _tighten(sparse.csr_array(matrix), side, program.lower, upper)
        if int(np.isinf(upper).sum()) == before:
            break
    return upper


def _tighten(matrix: sparse.csr_array, side: Floats, lower: Floats, upper: Floats) -> None:
    """Bounds of columns without one, from rows sum a·x <= side, in place."""
    entries = matrix.tocoo()
    row, column = entries.coords
    a = entries.data
    with np.errstate(invalid="ignore"):
        least = np.where(a > 0, a * lower[column], a * upper[column])
    unbounded = np.bincount(row, np.isinf(least), minlength=side.size) > 0
    total = np.bincount(row, np.where(np.isinf(least), 0.0, least), minlength=side.size)
    useful = (a > 0) & np.isinf(upper[column]) & ~unbounded[row] & np.isfinite(side[row])
    row, column, a = row[useful], column[useful], a[useful]
    np.minimum.at(upper, column, lower[column] + (side[row] - total[row]) / a)
