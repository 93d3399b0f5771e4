"""A window and the hours after it as one programme: what the window hands on is what these hours find.

States are put in place of the later variables that take them over; what is bought or agreed for the horizon is one
column for both; a paced row of the hours ahead counts the window's too. The hours ahead are only there so that the
window does not live as if the world ended with it: their integers are relaxed, and nothing of them is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from optimizer.rolling.opening import AGREED, HIGHEST, PACED, earlier_columns, without_columns
from optimizer.rolling.seam import Part
from optimizer.solve.compile import Program
from scenarios.case import Ints

AHEAD = "ahead"
"""Marks members of the hours ahead among those of the window."""
WAITS = "jobs.waits_frac"


def joined(first: Program, part: Part, ahead: Part, matrix: sparse.csr_array) -> Program:
    """`first`, the programme of `part` as opened, with that of `ahead` behind it, in rows and in columns.

    `matrix` is what `part` hands on to `ahead`. No job waits beyond the hours ahead.
    """
    second, place = ahead.program, _places(first, part, ahead)
    own = place >= first.columns
    width = first.columns + int(own.sum())
    taken = earlier_columns(second)
    rows = _wide(without_columns(second.matrix, taken), place, width) + _wide(
        sparse.csr_array(second.matrix @ matrix), np.arange(first.columns), width
    )
    row_lower, row_upper = second.row_lower.copy(), second.row_upper.copy()
    top = _wide(first.matrix, np.arange(first.columns), width)
    behind, before = _paced(first, second)
    if behind.size:
        pick = sparse.csr_array((np.ones(behind.size), (behind, before)), shape=(second.rows, first.rows))
        rows = rows + pick @ top
        row_lower[behind] += first.row_lower[before]
        row_upper[behind] += first.row_upper[before]
    # A rule on what both share is the window's own: it need not stand twice.
    double = _only_shared(second, own)
    rows = sparse.diags_array(np.where(double, 0.0, 1.0)) @ rows
    row_lower[double] = row_upper[double] = 0.0
    lower, upper = second.lower.copy(), second.upper.copy()
    waits = second.variables.get(WAITS, taken)
    closed = np.concatenate([taken, waits[waits >= 0]])
    lower[closed] = upper[closed] = 0.0
    items, item_cost = _items(first, second, place, width)
    return Program(
        items=items,
        item_cost=item_cost,
        item_offset=np.array([_offset(first, i) + _offset(second, i) for i in items]),
        matrix=sparse.csr_array(sparse.vstack([top, rows], format="csr")),
        row_lower=np.concatenate([first.row_lower, row_lower]),
        row_upper=np.concatenate([first.row_upper, row_upper]),
        lower=np.concatenate([first.lower, lower[own]]),
        upper=np.concatenate([first.upper, upper[own]]),
        integer=np.concatenate([first.integer, np.zeros(int(own.sum()), dtype=bool)]),
        variables=_variables(first, second, np.where(own, place, -1)),
        index=_index(first, second),
        row_keys=(*first.row_keys, *((name, (AHEAD, member)) for name, member in second.row_keys)),
        units=second.units | first.units,
    )


def _places(first: Program, part: Part, ahead: Part) -> Ints:
    """Column of the hours ahead -> column of the joined programme."""
    place = np.full(ahead.program.columns, -1, dtype=np.int64)
    for name in (*HIGHEST, *AGREED):
        for member, column in ahead.column.get(name, {}).items():
            place[column] = part.column.get(name, {}).get(member, -1)
    own = place < 0
    place[own] = first.columns + np.arange(own.sum())
    return place


def _only_shared(program: Program, own: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows without a column of their own hours."""
    return np.asarray(abs(program.matrix) @ own.astype(float) == 0)


def _wide(matrix: sparse.csr_array, place: Ints, width: int) -> sparse.csr_array:
    """The same rows over the columns of the joined programme."""
    entries = matrix.tocoo()
    row, column = entries.coords
    return sparse.csr_array((entries.data, (row, place[column])), shape=(matrix.shape[0], width))


def _paced(first: Program, second: Program) -> tuple[Ints, Ints]:
    """Rows of the hours ahead that count on from a row of the window, and these rows."""
    before = {key: row for row, key in enumerate(first.row_keys) if key[0] in PACED}
    pairs = [(row, before[key]) for row, key in enumerate(second.row_keys) if key in before]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _items(first: Program, second: Program, place: Ints, width: int) -> tuple[tuple[str, ...], sparse.csr_array]:
    items = tuple(dict.fromkeys([*first.items, *second.items]))
    rank = {item: i for i, item in enumerate(items)}
    total = sparse.csr_array((len(items), width))
    for program, columns in ((first, np.arange(first.columns)), (second, place)):
        costs = _wide(program.item_cost, columns, width)
        rows = np.array([rank[item] for item in program.items], dtype=np.int64)
        spread = sparse.csr_array((np.ones(rows.size), (rows, np.arange(rows.size))), shape=(len(items), rows.size))
        total = total + spread @ costs
    return items, sparse.csr_array(total)


def _offset(program: Program, item: str) -> float:
    return float(program.item_offset[program.items.index(item)]) if item in program.items else 0.0


def _variables(first: Program, second: Program, place: Ints) -> dict[str, Ints]:
    moved = {name: np.where(columns >= 0, place[columns], -1) for name, columns in second.variables.items()}
    nothing: Ints = np.array([], dtype=np.int64)
    return {
        name: np.concatenate([first.variables.get(name, nothing), moved.get(name, nothing)])
        for name in dict.fromkeys([*first.variables, *second.variables])
    }


def _index(first: Program, second: Program) -> dict[str, tuple[Any, ...]]:
    behind = {name: tuple((AHEAD, member) for member in members) for name, members in second.index.items()}
    return {
        name: (*first.index.get(name, ()), *behind.get(name, ()))
        for name in dict.fromkeys([*first.index, *second.index])
    }
