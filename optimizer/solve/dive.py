"""A guided dive: from the relaxation to a plan by fixing integers in rounds, each solved from the last basis.

Choices first (rows that say "exactly one of these binaries"): in each round those that are settled, and the
half of the open ones that is nearest to settled, take their largest member. Then counts (all other
integers, such as pods that are on): in each round those that are whole are fixed and those nearly up to the next whole
number are rounded up; what is left over moves to where it fits. The last solve, with every integer fixed, is
the least-cost plan for those integers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Columns, Point, Session
from scenarios.case import Floats, Ints

WHOLE = 1e-6
ROUND_UP_FROM = (0.75, 0.45, 0.0)
"""In each round of counts, a fraction above this is rounded up; the last round rounds all of them."""


def settle_choices(session: Session, point: Point, clock: Clock, heard: Callable[[str], None]) -> Point:
    """A point with every choice whole, counts still relaxed; or the status that stopped. Leaves choices fixed."""
    program = session.program
    binaries, choice_of = choices(program)
    is_open = np.ones(choice_of.max(initial=-1) + 1, dtype=bool)
    while is_open.any() and point.x is not None:
        leaders, weight = _leaders(point.x[binaries], choice_of, is_open.size)
        settled = is_open & ((weight > 1 - WHOLE) | (weight < WHOLE))
        undecided = np.flatnonzero(is_open & ~settled)
        nearest = undecided[np.argsort(-weight[undecided], kind="stable")][: -(-undecided.size // 2)]
        now = np.concatenate([np.flatnonzero(settled), nearest])
        members = np.isin(choice_of, now)
        chosen = np.zeros(binaries.size)
        chosen[leaders[now[weight[now] >= WHOLE]]] = 1.0
        session.fix(binaries[members], chosen[members])
        is_open[now] = False
        heard(f"{is_open.sum()} choices open")
        if nearest.size or not is_open.any():
            point = session.resolve(clock.left_s)
    return point


def choices(program: Program) -> tuple[Columns, Ints]:
    """The binaries that stand in an "exactly one" row, and the number of that row for each."""
    binaries = np.flatnonzero(program.integer & ((program.upper - program.lower) <= 1))
    ones = sparse.csr_array(program.matrix[:, binaries])
    whole_row = (program.row_lower == 1) & (program.row_upper == 1) & (np.diff(ones.indptr) > 0)
    choice = np.full(binaries.size, -1, dtype=np.int64)
    for number, row in enumerate(np.flatnonzero(whole_row)):
        choice[ones.indices[ones.indptr[row] : ones.indptr[row + 1]]] = number
    return binaries[choice >= 0], choice[choice >= 0]


def _leaders(values: Floats, choice_of: Ints, count: int) -> tuple[Ints, Floats]:
    """The position of the largest member of each choice, and its value."""
    order = np.lexsort((np.arange(values.size), -values, choice_of))
    first = np.unique(choice_of[order], return_index=True)[1]
    leaders = np.zeros(count, dtype=np.int64)
    leaders[choice_of[order[first]]] = order[first]
    return leaders, values[leaders] if values.size else np.zeros(count)


def round_counts(session: Session, point: Point, clock: Clock, heard: Callable[[str], None]) -> Point:
    """A point with every integer whole, from one whose choices are; or the status that stopped. Leaves them fixed."""
    program = session.program
    counts = np.setdiff1d(np.flatnonzero(program.integer), choices(program)[0])
    for threshold in ROUND_UP_FROM:
        if point.x is None:
            return point
        value = point.x[counts]
        fraction = value - np.floor(value + WHOLE)
        now = (fraction <= WHOLE) | (fraction > threshold)
        up = np.minimum(np.ceil(value - WHOLE), program.upper[counts])
        if (fraction <= WHOLE).all():
            break
        session.fix(counts[now], up[now])
        heard(f"{(~now).sum()} counts open")
        point = session.resolve(clock.left_s)
    return _polish(session, point, clock)


def _polish(session: Session, point: Point, clock: Clock) -> Point:
    """Every integer fixed at its whole value: one more solve, and the integers exactly whole."""
    if point.x is None:
        return point
    integers = np.flatnonzero(session.program.integer)
    whole = np.round(point.x[integers])
    session.fix(integers, whole)
    point = session.resolve(clock.left_s)
    if point.x is not None:
        point.x[integers] = whole
    return point
