"""A guided dive: from the relaxation to a plan by fixing integers in rounds, each solved from the last basis.

Limits first (rows that say "at most so many of these binaries"), unless they are settled already: the smallest
members are dropped until few enough are left, then those that cost more than they save. Then choices (rows that say
"exactly one of these binaries"): in each round those that are settled, and the half of the open ones that is nearest
to settled, take their largest member. Then counts (all other integers, such as pods that are on): in each round those
that are whole are fixed and those nearly up to the next whole number are rounded up; what is left over moves to where
it fits. The last solve, with every integer fixed, is the least-cost plan for those integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Columns, Point, Session
from scenarios.case import Floats, Ints

WHOLE = 1e-6
WORTHWHILE = 1e-3
"""A limited binary below this is dropped: what little rests on it goes elsewhere."""
SLOPES = 5
"""Rounds of slope scaling; more change little, and the first does most: it alone is made where a solve takes long."""
SMALL = 50_000
"""Up to so many columns the last basis helps after many changes; beyond, interior point is quicker."""
AT_A_TIME = 4
"""So many binaries are given up at once, the least used first."""
AT_ONCE = 8
"""So few open choices are settled in one round where a solve takes long."""
NONE: Columns = np.array([], dtype=np.int64)
"""No columns."""
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
        most = max(-(-undecided.size // 2), AT_ONCE if program.columns > SMALL else 1)
        nearest = undecided[np.argsort(-weight[undecided], kind="stable")][:most]
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


def limits(program: Program) -> list[tuple[Columns, int]]:
    """The binaries of each row that says "at most so many of these", and how many; choices are none of them."""
    binary = program.integer & (program.lower == 0) & (program.upper <= 1)
    matrix = program.matrix
    found: list[tuple[Columns, int]] = []
    upper = program.row_upper
    rows = np.flatnonzero(np.isneginf(program.row_lower) & (upper >= 1) & (np.floor(upper) == upper))
    for row in rows:
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns = matrix.indices[part]
        if columns.size and binary[columns].all() and (matrix.data[part] == 1).all():
            found.append((columns, int(program.row_upper[row])))
    return found


def settle_limits(session: Session, point: Point, clock: Clock) -> Point:
    """A point with every limited binary whole: in each round every row drops its smallest members beyond its limit.

    A member without which no point is left is kept; one that costs more than it saves is not, where solves are quick.
    Leaves all of them fixed.
    """
    groups = limits(session.program)
    if not groups or point.x is None:
        return point
    columns = np.unique(np.concatenate([members for members, _ in groups]))
    state = np.full(session.program.columns, _OPEN)
    point = _concentrate(session, point, columns, clock)
    while point.x is not None:
        smallest = _smallest_beyond(groups, point.x, state)
        if not smallest.size:
            break
        needed, point = _hold(session, smallest, 0.0, clock)
        state[smallest], state[needed] = _DROPPED, _NEEDED
    session.price(columns, session.program.cost[columns])
    if point.x is None:
        return point
    kept = columns[state[columns] != _DROPPED]
    if session.program.columns <= SMALL:
        kept = _worth_keeping(session, kept[np.argsort(point.x[kept], kind="stable")], clock)
    session.fix(kept, np.ones(kept.size))
    point = _afresh(session, clock)
    return point if point.x is not None else _hold(session, kept, 1.0, clock)[1]


def _worth_keeping(session: Session, kept: Columns, clock: Clock) -> Columns:
    """Of binaries in the order of their use, those that are used and without which a plan costs more. Drops the others.

    Those that cost something are given up a few at a time if the rest is cheaper without (the drop heuristic of
    Kuehn & Hamburger 1963); those that are free are kept if work rests on them then.
    """
    paid = kept[session.program.cost[kept] > 0]
    session.fix(paid, np.ones(paid.size))
    point = _afresh(session, clock)
    for first in range(0, paid.size, AT_A_TIME):
        if point.x is None:
            return kept
        point = _give_up(session, paid[first : first + AT_A_TIME], point, clock)
    if point.x is None:
        return kept
    used = kept[point.x[kept] > WHOLE]
    unused = np.setdiff1d(kept, used)
    session.fix(unused, np.zeros(unused.size))
    return used


def _give_up(session: Session, columns: Columns, best: Point, clock: Clock) -> Point:
    """The cheapest point found with some of these binaries, which are at one, at zero: all, else by halves."""
    session.fix(columns, np.zeros(columns.size))
    point = session.resolve(clock.left_s, below_kcny=best.objective_kcny)
    if point.x is not None and point.objective_kcny < best.objective_kcny:
        return point
    session.fix(columns, np.ones(columns.size))
    if columns.size == 1:
        return best
    best = _give_up(session, columns[: columns.size // 2], best, clock)
    return _give_up(session, columns[columns.size // 2 :], best, clock)


def _afresh(session: Session, clock: Clock) -> Point:
    """Solve after much has changed: from the last basis if the programme is small, else by interior point."""
    hot = session.program.columns <= SMALL
    return session.resolve(clock.left_s) if hot else session.relax(clock.left_s)


def _concentrate(session: Session, point: Point, columns: Columns, clock: Clock) -> Point:
    """A relaxed point that uses few of the binaries that cost something; leaves them at raised prices.

    The relaxation pays a fixed cost in proportion to use. Slope scaling (Kim & Pardalos 1999) raises the price of each
    until its use at the last point pays for the whole, and solves again: what is used little is given up.
    """
    cost = session.program.cost[columns]
    slope = cost.copy()
    rounds = SLOPES if session.program.columns <= SMALL else 1
    for _ in range(rounds if cost.any() else 0):
        if point.x is None:
            break
        used = point.x[columns] > WHOLE
        slope[used] = cost[used] / np.maximum(point.x[columns][used], WORTHWHILE)
        session.price(columns, slope)
        point = _afresh(session, clock)
    return point


_OPEN, _DROPPED, _NEEDED = 0, 1, 2


def _smallest_beyond(groups: list[tuple[Columns, int]], x: Floats, state: Ints) -> Columns:
    """Of each row, half of its open members beyond the limit, the smallest first, and all that are worth nothing."""
    smallest = []
    for members, most in groups:
        open_ones = members[state[members] == _OPEN]
        beyond = open_ones.size + int((state[members] == _NEEDED).sum()) - most
        order = open_ones[np.argsort(x[open_ones], kind="stable")]
        drop = max(-(-beyond // 2), int((x[open_ones] <= WORTHWHILE).sum()))
        smallest.append(order[: max(0, drop)])
    return np.concatenate(smallest)


def _hold(session: Session, columns: Columns, value: float, clock: Clock) -> tuple[Columns, Point]:
    """Fix binaries at a value; where that leaves no point, halve to find those that must have the other: returned."""
    session.fix(columns, np.full(columns.size, value))
    point = session.resolve(clock.left_s)
    if point.x is not None or point.status != "infeasible":
        return columns[:0], point
    if columns.size == 1:
        session.fix(columns, np.full(1, 1.0 - value))
        return columns, session.resolve(clock.left_s)
    session.bound(columns, np.zeros(columns.size), session.program.upper[columns])
    first, _ = _hold(session, columns[: columns.size // 2], value, clock)
    second, point = _hold(session, columns[columns.size // 2 :], value, clock)
    return np.concatenate([first, second]), point


def _leaders(values: Floats, choice_of: Ints, count: int) -> tuple[Ints, Floats]:
    """The position of the largest member of each choice, and its value."""
    order = np.lexsort((np.arange(values.size), -values, choice_of))
    first = np.unique(choice_of[order], return_index=True)[1]
    leaders = np.zeros(count, dtype=np.int64)
    leaders[choice_of[order[first]]] = order[first]
    return leaders, values[leaders] if values.size else np.zeros(count)


@dataclass(frozen=True)
class Advised:
    """Integer columns and the values that another plan advises for them."""

    columns: Columns
    values: Floats


def follow(session: Session, advised: Advised, clock: Clock) -> Point:
    """The relaxed point with the advised values fixed."""
    session.fix(advised.columns, advised.values)
    return session.resolve(clock.left_s)


def settle_places(
    session: Session,
    point: Point,
    machines: Columns,
    clock: Clock,
    heard: Callable[[str], None],
    decided: Columns = NONE,
) -> Point:
    """A point in which every integer but those of the machines is whole, so that each site may be run on its own.

    `decided` are columns that are fixed already, or left to others.
    """
    program = session.program
    chosen = choices(program)[0]
    limited = np.concatenate([NONE, *(columns for columns, _ in limits(program))])
    # Limits first: a job that has chosen a far hub needs an agreement there, whatever it costs.
    if not np.isin(limited, decided).all():
        point = settle_limits(session, point, clock)
    if not np.isin(chosen, decided).all():
        point = settle_choices(session, point, clock, heard)
    counts = np.setdiff1d(np.flatnonzero(program.integer), np.concatenate([chosen, machines, limited, decided]))
    return _round_up(session, point, counts, clock, heard) if counts.size else point


def round_counts(session: Session, point: Point, clock: Clock, heard: Callable[[str], None]) -> Point:
    """A point with every integer whole, from one whose places are; or the status that stopped. Leaves them fixed."""
    program = session.program
    counts = np.setdiff1d(np.flatnonzero(program.integer), choices(program)[0])
    point = _round_up(session, point, counts, clock, heard)
    return point if point.x is None else polish(session, point.x, clock)


def _round_up(session: Session, point: Point, counts: Columns, clock: Clock, heard: Callable[[str], None]) -> Point:
    program = session.program
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
    return point


def polish(session: Session, x: Floats, clock: Clock) -> Point:
    """The least-cost point with the integers of `x`, exactly whole. Leaves them fixed."""
    integers = np.flatnonzero(session.program.integer)
    whole = np.round(x[integers])
    session.fix(integers, whole)
    point = _afresh(session, clock)
    if point.x is not None:
        point.x[integers] = whole
    return point
