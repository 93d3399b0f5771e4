"""Root cuts: what a switch rules out, said for every row it bears on.

Many binaries are switches: where y is zero, so is a sum of work (`work <= most * y`), and with it everything that the
accounts add up to that work. The relaxation then pays for a tenth of an agreement when a tenth of the most conceivable
work is done under it, though some class is sent there whole. For any row `sum a x <= b` with nothing negative in it,
and those of its columns that y rules out,

    sum over the ruled-out columns of a x  <=  b y

holds in every whole plan: by the row itself where y is one, by the switch where it is zero. Of these implied cuts
(Padberg, van Roy & Wolsey 1985; the strong form of the uncapacitated facility location problem) only those that the
relaxed point breaks are added, in rounds; they lift the bound and help the tree, and are no rows of the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.dive import SMALL
from optimizer.solve.engine import Clock, Columns, Point, Session
from scenarios.case import Floats

BROKEN = 0.02
"""A cut is added where the relaxed point breaks it by so much of its switch."""
ROUNDS = 12
WORTHWHILE = 1e-4
"""Rounds end when one lifts the bound by less than this, relative to it."""
CHAIN = 4
"""Accounts followed from a switch to the columns that it rules out."""


@dataclass(frozen=True)
class Cuts:
    """All that could be cut: switch i rules out the columns of row i of `ruled`; `rows` are sums of at most one."""

    switches: Columns
    ruled: sparse.csr_array
    rows: sparse.csr_array

    def broken(self, x: Floats) -> sparse.csr_array:
        """(cuts, columns): the cuts `... <= 0` that a point breaks."""
        used = sparse.csr_array(self.ruled @ sparse.diags_array(x))
        filled = sparse.coo_array(used @ self.rows.T)
        over = filled.data - x[self.switches[filled.row]] > BROKEN
        switch, row = filled.row[over], filled.col[over]
        left = self.rows[row].multiply(self.ruled[switch])
        at = (np.arange(switch.size), self.switches[switch])
        return sparse.csr_array(left - sparse.csr_array((np.ones(switch.size), at), shape=left.shape))


def cuts_of(program: Program) -> Cuts:
    """The switches of a programme, the columns each rules out, and the rows that are sums of at most so much."""
    positive = program.lower >= 0
    matrix, upper = _at_most(program)
    switches, ruled = _switched(program, matrix, upper, positive)
    follows = _accounts(program, positive)
    for _ in range(CHAIN):
        ruled = sparse.csr_array(ruled + ruled @ follows)
        ruled.data[:] = 1.0
    negative = np.asarray((matrix < 0).sum(axis=1)).ravel() > 0
    outside = np.asarray(abs(matrix) @ sparse.csr_array((~positive).astype(float)[:, None]).todense()).ravel() > 0
    sums = np.flatnonzero((upper > 0) & np.isfinite(upper) & ~negative & ~outside)
    rows = sparse.csr_array(sparse.diags_array(1 / upper[sums]) @ matrix[sums])
    return Cuts(switches, ruled, rows)


def tightened(session: Session, relaxed: Point, basis: highspy.HighsBasis, clock: Clock) -> tuple[Session, float]:
    """A session with the cuts that the relaxed point breaks, in rounds, and the bound they prove; itself if none is.

    `basis` is that of the relaxed point. The session given is left as it is: what follows it knows nothing of cuts.
    """
    cuts, tight, point, bound = cuts_of(session.program), session, relaxed, relaxed.objective_kcny
    small = session.program.columns <= SMALL
    for _ in range(ROUNDS if small else 1):
        broken = cuts.broken(point.x) if cuts.switches.size and point.x is not None else None
        if broken is None or not broken.shape[0]:
            break
        if tight is session:
            tight = Session(session.program)
            tight.stand_on(basis)
        tight.cut(broken)
        point = tight.resolve(clock.left_s) if small else tight.relax(clock.left_s)
        if point.x is None:
            break
        before, bound = bound, point.objective_kcny
        if bound - before < WORTHWHILE * abs(before):
            break
    return tight, bound


def _at_most(program: Program) -> tuple[sparse.csr_array, Floats]:
    """Every side of every row as `matrix x <= upper`."""
    matrix = sparse.csr_array(program.matrix)
    return (
        sparse.csr_array(sparse.vstack([matrix, -matrix])),
        np.concatenate([program.row_upper, -program.row_lower]),
    )


def _switched(
    program: Program, matrix: sparse.csr_array, upper: Floats, positive: np.ndarray
) -> tuple[Columns, sparse.csr_array]:
    """The binaries y of rows `sum a x - m y <= 0` with nothing negative in the sum, and (switches, columns) the x."""
    binary = program.integer & (program.lower == 0) & (program.upper == 1)
    below = sparse.csr_array(matrix < 0)
    candidates = np.flatnonzero((upper == 0) & (np.asarray(below.sum(axis=1)).ravel() == 1))
    found: dict[int, list[np.ndarray]] = {}
    for row in candidates:
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, values = matrix.indices[part], matrix.data[part]
        (switch,), rest = columns[values < 0], columns[values > 0]
        if binary[switch] and rest.size and positive[rest].all():
            found.setdefault(int(switch), []).append(rest)
    switches = np.array(sorted(found), dtype=np.int64)
    at = [np.unique(np.concatenate(found[int(switch)])) for switch in switches]
    rows = np.repeat(np.arange(switches.size), [columns.size for columns in at])
    columns = np.concatenate(at) if at else np.array([], dtype=np.int64)
    return switches, sparse.csr_array((np.ones(columns.size), (rows, columns)), shape=(switches.size, program.columns))


def _accounts(program: Program, positive: np.ndarray) -> sparse.csr_array:
    """(columns, columns): where the first of an account `z = sum of w x` is zero, so is the second."""
    matrix = sparse.csr_array(program.matrix)
    own = np.flatnonzero((program.row_lower == 0) & (program.row_upper == 0))
    sums: list[int] = []
    parts: list[np.ndarray] = []
    for row in own:
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, values = matrix.indices[part], matrix.data[part]
        for side in (values, -values):
            alone = side > 0
            if alone.sum() == 1 and positive[columns].all():
                sums.append(int(columns[alone][0]))
                parts.append(columns[side < 0])
    rows = np.repeat(np.array(sums, dtype=np.int64), [columns.size for columns in parts])
    columns = np.concatenate(parts) if parts else np.array([], dtype=np.int64)
    return sparse.csr_array((np.ones(columns.size), (rows, columns)), shape=(program.columns,) * 2)
