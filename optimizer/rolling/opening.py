"""What a window finds when it opens, and its programme with that put in.

Four kinds of things cross a seam. States are taken over as they are (`seam`). What is bought for the horizon is paid
for by its largest value (the peak, lit racks, pods ever used): a window may not lower it. What is agreed for the
horizon (agreements, open sites, wavelengths, enrolled halls) is agreed in the first window that can, and kept. And
budgets of the horizon (funds, least volumes, green shares, take-or-pay) are kept at a steady pace at every seam: what
was spared so far may be used later, so that they hold exactly at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.rolling.seam import Part, taken_over
from optimizer.solve.compile import Program
from scenarios.case import Floats, Ints

Values = dict[str, dict[Any, float]]
"""Variable or constraint -> member -> amount."""

HIGHEST = ("fleet.lit", "fleet.used", "grid.peak_mw")
"""Paid for by the largest value over the horizon; in the order in which they are brought down to what is needed."""
AGREED = ("service.open_site", "cooperation.agreement", "network.wavelengths", "peak_shaving.enrolled_frac")
PACED = (
    "service.serves_enough_if_open",
    "cooperation.reaches_the_least_volume",
    "cooperation.compensates",
    "cooperation.pays_within_the_fund",
    "cooperation.hosts_at_no_loss",
    "delivery.takes_or_pays",
    "green.reaches_green_share",
    "green.claims_only_what_is_drawn",
    "green.conveys_only_what_is_claimed",
)
"""Rows of a window that sum over the windows to the row of the horizon."""
DECIDED = "jobs.runs_once_or_is_dropped"
TINY = 1e-9
"""States below this, and what is left of a subtraction, are nothing."""


@dataclass(frozen=True)
class Opening:
    """The state at a seam; empty before the first window."""

    taken: Values = field(default_factory=dict)
    highest: Values = field(default_factory=dict)
    relaxed: Values = field(default_factory=dict)
    """As `highest`, had pods been divisible: what the next relaxation finds paid for."""
    agreed: Values = field(default_factory=dict)
    spared: Values = field(default_factory=dict)


def opened(part: Part, opening: Opening) -> Program:
    """The window's programme with the state in its right-hand sides and bounds; columns keep their places."""
    p = part.program
    state = np.zeros(p.columns)
    columns = earlier_columns(p)
    for name in taken_over(p):
        for member, column in part.column[name].items():
            state[column] = opening.taken.get(name, {}).get(member, 0.0)
    lower, upper = p.lower.copy(), p.upper.copy()
    lower[columns] = upper[columns] = state[columns]
    for column, value in _at(part, HIGHEST, opening.highest):
        lower[column] = min(max(lower[column], value), upper[column])
    for column, value in _at(part, AGREED, opening.agreed):
        lower[column] = upper[column] = value
    given = p.matrix @ state
    spared = _spared(p, opening.spared)
    row_lower, row_upper = _cleaned(p.row_lower - given - spared), _cleaned(p.row_upper - given + spared)
    decided = _columns_of_rows(p, (row_lower == 0) & (row_upper == 0) & _named(p, DECIDED))
    upper[np.setdiff1d(decided, columns)] = 0.0
    return replace(
        p, matrix=without_columns(p.matrix, columns), row_lower=row_lower, row_upper=row_upper, lower=lower, upper=upper
    )


def earlier_columns(program: Program) -> Ints:
    """Columns of all variables that are taken over."""
    parts = [program.variables[name] for name in taken_over(program)]
    columns = np.concatenate(parts) if parts else np.array([], dtype=np.int64)
    return np.asarray(columns[columns >= 0], dtype=np.int64)


def without_columns(matrix: sparse.csr_array, columns: Ints) -> sparse.csr_array:
    """The matrix with these columns empty."""
    kept = np.ones(matrix.shape[1])
    kept[columns] = 0.0
    cut = sparse.csr_array(matrix @ sparse.diags_array(kept))
    cut.eliminate_zeros()
    return cut


def paid_for(program: Program, part: Part, opening: Opening) -> Program:
    """The window's programme with the largest values so far those of the relaxations.

    A plan of whole pods lies above its relaxation. Were the next relaxation free to fill that up, its own plan would
    lie above it again, and peaks would grow by a pod in every window.
    """
    lower = program.lower.copy()
    for column, _ in _at(part, HIGHEST, opening.highest):
        lower[column] = part.program.lower[column]
    for column, value in _at(part, HIGHEST, opening.relaxed):
        lower[column] = min(max(lower[column], value), program.upper[column])
    return replace(program, lower=lower)


def closed(
    part: Part, program: Program, opening: Opening, later: Part | None, matrix: Any, x: Floats, relaxed: Floats
) -> Opening:
    """The state after a window: `program` is the window's with its opening put in, `matrix` what it hands on.

    `relaxed` is the point of its relaxation, `x` that of its plan.
    """
    taken: Values = {}
    if later is not None:
        state = matrix @ x
        state[np.abs(state) < TINY] = 0.0
        for name in taken_over(later.program):
            taken[name] = {member: float(state[column]) for member, column in later.column[name].items()}
    highest = _kept(opening.highest, part, HIGHEST, x)
    divisible = {
        name: {member: float(relaxed[column]) for member, column in part.column.get(name, {}).items()}
        for name in HIGHEST
    }
    agreed = _kept(opening.agreed, part, AGREED, x)
    for name, members in opening.agreed.items():
        agreed[name] = agreed.get(name, {}) | members
    return Opening(taken, highest, divisible, agreed, _slack(program, opening.spared, x))


def _at(part: Part, names: tuple[str, ...], values: Values) -> list[tuple[int, float]]:
    return [
        (part.column[name][member], value)
        for name in names
        for member, value in values.get(name, {}).items()
        if member in part.column.get(name, {})
    ]


def _kept(before: Values, part: Part, names: tuple[str, ...], x: Floats) -> Values:
    whole = part.program.integer
    found: Values = {name: dict(members) for name, members in before.items()}
    for name in names:
        for member, column in part.column.get(name, {}).items():
            value = float(np.round(x[column]) if whole[column] else x[column])
            found.setdefault(name, {})[member] = value
    return found


def _spared(program: Program, spared: Values) -> Floats:
    """(rows,): how much further than the window's pace each paced row may go."""
    amount = np.zeros(program.rows)
    for row, (name, member) in enumerate(program.row_keys):
        if name in PACED:
            amount[row] = spared.get(name, {}).get(member, 0.0)
    return amount


def _slack(program: Program, before: Values, x: Floats) -> Values:
    body = program.matrix @ x
    found: Values = {name: dict(members) for name, members in before.items()}
    for row, (name, member) in enumerate(program.row_keys):
        if name in PACED:
            slack = min(body[row] - program.row_lower[row], program.row_upper[row] - body[row])
            found.setdefault(name, {})[member] = max(0.0, float(slack))
    return found


def _named(program: Program, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([key == name for key, _ in program.row_keys], dtype=bool)


def _columns_of_rows(program: Program, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Ints:
    return np.unique(program.matrix[np.flatnonzero(rows)].indices).astype(np.int64)


def _cleaned(values: Floats) -> Floats:
    return np.where(np.abs(values) < TINY, 0.0, values)
