"""Independent parts: free some columns, hold the rest, and solve what falls apart one by one.

With the work of every site and hour held, the sites no longer touch one another: how many pods to light, what
to draw and what to claim is one small mixed-integer programme per site. The same function serves any set of
free columns; each part is solved by HiGHS from the held point and may only improve on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Columns, solve_part
from scenarios.case import Floats

MACHINES = (
    "fleet.",
    "grid.",
    "peak_shaving.",
    "renewable.",
    "storage.",
    "green.",
    "innovation.",
    "expansion.pods",
    "expansion.plant_mw",
    "expansion.supply_mw",
    "cooperation.transfer_kcny",
    "cooperation.tax_kcny",
    "cooperation.capped",
)
"""Variables, by how their names begin, that belong to one site or one account once the work of every site is given."""

TINY = 1e-12
"""A row's held part below this is what is left of a subtraction."""


@dataclass(frozen=True)
class Part:
    """Columns and rows that touch one another and nothing else that is free."""

    columns: Columns
    rows: Columns


def columns_of(program: Program, names: tuple[str, ...]) -> Columns:
    """Columns of all variables whose names begin so, in order."""
    owned = [columns[columns >= 0] for name, columns in program.variables.items() if name.startswith(names)]
    return np.sort(np.concatenate(owned)) if owned else np.array([], dtype=np.int64)


def split(program: Program, free: Columns) -> Iterator[Part]:
    """One part per group of free columns that share rows and hold an integer, and one of all that hold none."""
    sub = sparse.csr_array(program.matrix[:, free])
    pairs = sub.tocoo()
    ends = free.size + pairs.row, pairs.col
    graph = sparse.coo_array((np.ones(sub.nnz), ends), shape=(sum(sub.shape),) * 2)
    count, label = csgraph.connected_components(graph.tocsr(), directed=False)
    column_label, row_label = label[: free.size], label[free.size :]
    touched = np.diff(sub.indptr) > 0
    by_column = np.argsort(column_label, kind="stable")
    column_ends = np.searchsorted(column_label[by_column], np.arange(count + 1))
    rows = np.flatnonzero(touched)
    rows = rows[np.argsort(row_label[rows], kind="stable")]
    row_ends = np.searchsorted(row_label[rows], np.arange(count + 1))
    plain_columns: list[Columns] = [np.array([], dtype=np.int64)]
    plain_rows: list[Columns] = [np.array([], dtype=np.int64)]
    for part in range(count):
        columns = free[by_column[column_ends[part] : column_ends[part + 1]]]
        members = rows[row_ends[part] : row_ends[part + 1]]
        if program.integer[columns].any():
            yield Part(columns, np.sort(members))
        else:
            plain_columns.append(columns)
            plain_rows.append(members)
    if sum(map(len, plain_columns)):
        yield Part(np.sort(np.concatenate(plain_columns)), np.sort(np.concatenate(plain_rows)))


def improve(program: Program, x: Floats, free: Columns, gap_frac: float, clock: Clock, part_s: float) -> Floats | None:
    """`x` with the free columns of every part at their best for the held ones; None if a part has no whole point.

    `part_s` bounds the seconds spent on one part. The free columns of `x` may break integrality and rows before;
    they do not after.
    """
    better = x.copy()
    held = program.matrix @ x
    for part in split(program, free):
        sub = sparse.csr_array(program.matrix[part.rows][:, part.columns])
        others = held[part.rows] - sub @ x[part.columns]
        others[np.abs(others) < TINY] = 0.0
        found = solve_part(_part_lp(program, part, sub, others), x[part.columns], gap_frac, min(part_s, clock.left_s))
        if found is None:
            return None
        better[part.columns] = found
    return better


def _part_lp(program: Program, part: Part, sub: sparse.csr_array, others: Floats) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = part.columns.size, part.rows.size
    lp.col_cost_ = program.cost[part.columns]
    lp.col_lower_, lp.col_upper_ = program.lower[part.columns], program.upper[part.columns]
    lp.row_lower_, lp.row_upper_ = program.row_lower[part.rows] - others, program.row_upper[part.rows] - others
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = part.columns.size, part.rows.size
    lp.a_matrix_.start_ = sub.indptr.astype(np.int32)
    lp.a_matrix_.index_ = sub.indices.astype(np.int32)
    lp.a_matrix_.value_ = sub.data
    whole = program.integer[part.columns]
    lp.integrality_ = [highspy.HighsVarType.kInteger if w else highspy.HighsVarType.kContinuous for w in whole]
    return lp
