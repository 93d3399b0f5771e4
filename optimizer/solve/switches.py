"""Switches settled at once, by what a strong relaxation uses of them.

Who may work for whom and which sites are open could be settled by solving the relaxation again and again
(`settle_limits`); each of these solves takes most of a minute in a week. Here the relaxation is stated with the cuts on
every demand from the start: it pays for nearly whole switches, in nearly the right places, and its cost is a better
bound. Those it uses are kept whole, the others are dropped, and the programme is solved once more.
"""

from __future__ import annotations

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.cuts import Mask, Switches, cuts_on_demands, switches_of
from optimizer.solve.dive import NONE, limits
from optimizer.solve.engine import Clock, Columns, Point, Session
from scenarios.case import Floats

USED_FROM = ((0.1, True), (0.05, False))
"""Kept is a switch of which the strong relaxation uses so much, and whether what it divides is given to one; the more
generous choice where the first leaves no point within the gap."""


def relaxation(session: Session, clock: Clock) -> Point:
    """The relaxation; of a programme with switches the strong one, whose cuts are then laid aside."""
    if switched(session.program):
        rows, sides = cuts_on_demands(session.program)
        if sides.size:
            session.cut(rows, sides)
    point = session.relax(clock.left_s)
    session.lay_cuts_aside()
    return point


def switched(program: Program) -> bool:
    """Whether there are switches to settle: binaries of which a row allows so many."""
    return bool(limits(program))


def keep_used(session: Session, strong: Point, gap: float, clock: Clock) -> tuple[Point, Columns]:
    """The relaxed point with every switch whole, and the switches, which stay fixed; the point given, and none, if
    there is no such point. The first choice that leaves room within the gap is taken, else the cheapest."""
    assert strong.x is not None
    program, switches = session.program, switches_of(session.program)
    columns = np.unique(np.concatenate([members for members, _ in limits(program)]))
    tried: list[tuple[Point, Floats]] = []
    for least, sparing in USED_FROM:
        values = kept(program, switches, strong.x, least, sparing)[columns].astype(float)
        session.fix(columns, values)
        tried.append((session.relax(clock.left_s), values))
        if tried[-1][0].objective_kcny * (1 - gap) <= strong.objective_kcny:
            break
    point, values = min(tried, key=lambda one: one[0].objective_kcny)
    if point.x is None:
        session.release()
        return strong, NONE
    if point is not tried[-1][0]:
        session.fix(columns, values)
        point = session.relax(clock.left_s)
    return point, columns


def kept(program: Program, switches: Switches, x: Floats, least: float, sparing: bool) -> Mask:
    """(columns,): the limited binaries that are kept: used so much, within every limit, the most used first.

    If `sparing`, of those that cost something and are not nearly whole in a row, but together worth one at most, the
    largest is kept alone. One that permits nothing which those dropped do not rule out is dropped with them.
    """
    groups = limits(program)
    limited = np.unique(np.concatenate([members for members, _ in groups]))
    on = np.zeros(program.columns, dtype=bool)
    on[limited] = x[limited] >= least
    for members, _ in groups if sparing else ():
        parts = members[on[members] & (program.cost[members] > 0) & (x[members] < 1 - least)]
        if parts.size and x[parts].sum() <= 1 + least:
            on[parts] = parts == parts[np.argmax(x[parts])]
    on = _without_idle(switches, limited, on)
    for members, most in groups:
        used = members[on[members]]
        on[used[np.argsort(x[used], kind="stable")][: max(0, used.size - most)]] = False
    return _without_idle(switches, limited, on)


def _without_idle(switches: Switches, limited: Columns, on: Mask) -> Mask:
    ours = np.isin(switches.columns, limited)
    off = ours & ~on[switches.columns]
    gone = np.ravel(switches.ruled[np.flatnonzero(off)].sum(axis=0)) > 0
    idle = switches.ruled @ gone.astype(float) == np.diff(switches.ruled.indptr)
    on[switches.columns[idle & ours]] = False
    return on
