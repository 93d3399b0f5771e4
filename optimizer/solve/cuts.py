"""Root cuts: what a switch rules out, said for every demand that it has a part in.

Many binaries are switches: where y is zero, so is a sum of work (`work <= most * y`), and with it everything that the
accounts add up to that work. The relaxation then pays for a tenth of an agreement when a tenth of the most conceivable
work is done under it, though some class is sent there whole. For any demand `sum a x = b` with nothing negative in it,
and those of its columns that y rules out,

    sum over the ruled-out columns of a x  <=  b y

holds in every whole plan: by the demand itself where y is one, by the switch where it is zero. For a demand that may be
exceeded, `sum a x >= b`, the same is said of what is left: the columns not ruled out meet `b (1 - y)`. These implied
cuts (Padberg, van Roy & Wolsey 1985; the strong form of the uncapacitated facility location problem) lift the bound,
make switches nearly whole and help the tree; they are no rows of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Columns, Session
from scenarios.case import Floats

CHAIN = 4
"""Accounts followed from a switch to the columns that it rules out."""
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Switches:
    """Binary columns, and (switches, columns): one where a switch at zero rules a column out."""

    columns: Columns
    ruled: sparse.csr_array


def switches_of(program: Program) -> Switches:
    """The switches of a programme and what each rules out."""
    follows = _follows(program)
    binary = program.integer & (program.lower == 0) & (program.upper == 1)
    columns = np.flatnonzero(binary & (np.diff(follows.indptr) > 0))
    ruled = follows[columns]
    for _ in range(CHAIN):
        ruled = sparse.csr_array(ruled + ruled @ follows)
        ruled.data[:] = 1.0
    return Switches(columns, ruled)


def cuts_on_demands(program: Program) -> tuple[sparse.csr_array, Floats]:
    """The cuts `rows x <= sides`, one for every switch and every demand that it has a part in."""
    switches, positive = switches_of(program), program.lower >= 0
    asked = _nothing_negative(program.matrix, positive) & (program.row_lower > 0) & np.isfinite(program.row_lower)
    exact = np.flatnonzero(asked & (program.row_upper == program.row_lower))
    least = np.flatnonzero(asked & (program.row_upper > program.row_lower))
    _, ruled, switch = _parts(program, switches, exact)
    filling = ruled - switch
    met, ruled, switch = _parts(program, switches, least)
    left = ruled - met - switch
    sides = np.concatenate([np.zeros(filling.shape[0]), np.full(left.shape[0], -1.0)])
    return sparse.csr_array(sparse.vstack([filling, left])), sides


def tightened(session: Session, bound: float, clock: Clock) -> tuple[Session, float]:
    """A session with all cuts and the bound it proves, `bound` at least; the session given if there are none.

    The session given is left as it is: what follows it knows nothing of cuts.
    """
    rows, sides = cuts_on_demands(session.program)
    if not sides.size:
        return session, bound
    tight = Session(session.program)
    tight.cut(rows, sides)
    point = tight.relax(clock.left_s)
    return tight, bound if point.x is None else max(bound, point.objective_kcny)


def _parts(
    program: Program, switches: Switches, rows: Columns
) -> tuple[sparse.csr_array, sparse.csr_array, sparse.csr_array]:
    """For every pair of a switch and one of these rows in which it rules something out: the row as a multiple of what
    it asks for, the part of it that is ruled out, and the switch; each (pairs, columns)."""
    shares = sparse.csr_array(sparse.diags_array(1 / program.row_lower[rows]) @ program.matrix[rows])
    switch, row = sparse.coo_array(switches.ruled @ shares.T).coords
    met = shares[row]
    at = (np.arange(switch.size), switches.columns[switch])
    return met, met.multiply(switches.ruled[switch]), sparse.csr_array((np.ones(switch.size), at), shape=met.shape)


def _nothing_negative(matrix: sparse.csr_array, positive: Mask) -> Mask:
    """(rows,): whether neither a coefficient nor a column of a row can be negative."""
    below = np.asarray((matrix < 0).sum(axis=1)).ravel()
    free = np.asarray(abs(matrix) @ (~positive).astype(float)).ravel()
    return np.asarray((below == 0) & (free == 0))


def _follows(program: Program) -> sparse.csr_array:
    """(columns, columns): one where the first at zero forces the second to zero.

    These are read off the sides `sum a x - m z <= 0` with nothing negative in the sum: limits, and accounts that define
    z as a sum.
    """
    matrix = sparse.csr_array(program.matrix)
    entries = sparse.coo_array(sparse.vstack([matrix, -matrix]))
    upper = np.concatenate([program.row_upper, -program.row_lower])
    row, column = entries.coords
    below, above = entries.data < 0, entries.data > 0
    alone = (upper == 0) & (np.bincount(row, below, upper.size) == 1)
    alone &= np.bincount(row, above & (program.lower[column] < 0), upper.size) == 0
    leader = np.zeros(upper.size, dtype=np.int64)
    leader[row[below]] = column[below]
    member = alone[row] & above
    pairs = (leader[row[member]], column[member])
    return sparse.csr_array((np.ones(member.sum()), pairs), shape=(program.columns,) * 2)
