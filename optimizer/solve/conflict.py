"""Why no plan exists: an irreducible set of rules that cannot hold together.

A conflict is found by deletion: take rules out group by group (whole places, whole hours, all sides of one
component; then halves of what could not go), and keep out what leaves the rest still impossible. What is
possible stays possible when rules are taken out, so what remains at the end is irreducible: without any one of
its rules, the others and the accounts can be met together. It need not be the conflict with the fewest rules;
if there is time, two orders are tried and the smaller result is kept. Where the relaxation alone is impossible, the
multipliers of its proof (Farkas) say which rules to begin with, and every trial is a linear programme; else
integrality is a rule like the others and every trial is a mixed-integer feasibility problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Point, Session, SolverError
from optimizer.solve.rules import Mask, Rulebook
from scenarios.case import Floats, Ints

EXACT_GAP = 1e-6
MANY = 200
"""With more rules than this, whole places and whole hours are taken out first."""
TINY = 1e-9
"""A multiplier below this, relative to the largest, is zero."""


@dataclass(frozen=True)
class Conflict:
    """Ids of rules that cannot hold together; `proved` says that none of them can be left out."""

    ids: Ints
    proved: bool


def attempt(program: Program, time_limit_s: float) -> Point:
    """Solve a programme, mixed-integer or not; "undecided" where HiGHS gives up."""
    try:
        session = Session(program)
        if program.integer.any():
            return session.branch_and_bound(None, EXACT_GAP, time_limit_s)
        return session.resolve(time_limit_s)
    except SolverError:
        return Point("undecided", np.inf, None)


def is_possible(program: Program, time_limit_s: float) -> bool | None:
    """Whether some point meets every row, bound and whole number; None if that was not settled in time."""
    if time_limit_s <= 0:
        return None
    point = attempt(program, time_limit_s)
    if point.x is not None:
        return True
    return False if point.status == "infeasible" else None


def find(book: Rulebook, linear: bool, clock: Clock) -> Conflict:
    """An irreducible conflict of an infeasible program; `linear` says that its relaxation is infeasible too."""
    start = book.present.copy()
    if linear:
        start &= ~_wholes(book)
        start = _certified(book, start, clock)
    if np.count_nonzero(start & book.named) > MANY:
        for end in (0, -1):
            start, _ = _shrink(book, start, [book.by_index(start & book.named, end)], clock)
    families = [list(group[:, None]) for group in book.families(start & book.named)]
    found = _conflict(book, *_shrink(book, start, families, clock))
    if clock.elapsed_s < clock.limit_s / 3:
        other = _conflict(book, *_shrink(book, start, families[::-1], Clock(clock.left_s)))
        found = min(found, other, key=lambda conflict: (not conflict.proved, conflict.ids.size))
    return found


def _conflict(book: Rulebook, kept: Mask, settled: bool) -> Conflict:
    return Conflict(np.flatnonzero(kept & book.named), settled)


def accounts_of(book: Rulebook, conflict: Conflict, clock: Clock) -> tuple[str, ...]:
    """Names of the equalities through which the rules meet; a family that is not needed is left out."""
    kept = book.given & book.present
    kept[conflict.ids] = True
    needed = []
    rows = book.touching(np.ones(book.program.rows, dtype=bool), np.zeros(book.program.columns, dtype=bool))
    by_name: dict[str, list[Ints]] = {}
    for group in book.families(book.given & rows):
        by_name.setdefault(book.rule(int(group[0])).name, []).append(group)
    for name, groups in by_name.items():
        trial = kept.copy()
        trial[np.concatenate(groups)] = False
        if is_possible(book.enforce(trial), clock.left_s) is False:
            kept = trial
        else:
            needed.append(name)
    return tuple(needed)


def _wholes(book: Rulebook) -> Mask:
    p = book.program
    return np.concatenate([np.zeros(book.ends[3], dtype=bool), np.ones(p.columns, dtype=bool)])


def _shrink(book: Rulebook, start: Mask, queue: list[list[Ints]], clock: Clock) -> tuple[Mask, bool]:
    """Take units (arrays of ids) out of `start` as long as the rest stays impossible.

    The queue holds lists of units; a list is tried as a whole, then by halves, down to its single units. Also
    says whether every trial was settled in time.
    """
    kept, settled = start.copy(), True
    queue = queue[::-1]
    while queue and clock.left_s > 0:
        units = queue.pop()
        trial = kept.copy()
        trial[np.concatenate(units)] = False
        possible = is_possible(book.enforce(trial), clock.left_s)
        if possible is False:
            kept = trial
        elif len(units) > 1:
            middle = len(units) // 2
            queue += [units[middle:], units[:middle]]
        elif possible is None:
            settled = False
    return kept, settled and not queue


def _certified(book: Rulebook, start: Mask, clock: Clock) -> Mask:
    """The accounts, and the rules that carry a multiplier in a proof of infeasibility; `start` if there is none."""
    program = book.enforce(start)
    rows = np.flatnonzero(np.logical_or(start[: book.ends[0]], start[book.ends[0] : book.ends[1]]))
    multiplier = _farkas(program, clock.left_s / 4)
    if multiplier is None:
        return start
    on_rows = np.zeros(book.program.rows, dtype=bool)
    on_rows[rows] = np.abs(multiplier) > TINY * np.abs(multiplier).max()
    reduced = program.matrix.T @ multiplier
    on_columns = np.abs(reduced) > TINY * np.abs(reduced).max(initial=0.0)
    kept = start & (book.given | book.touching(on_rows, on_columns))
    return kept if is_possible(book.enforce(kept), clock.left_s) is False else start


def _farkas(program: Program, time_limit_s: float) -> Floats | None:
    """Multipliers of the rows whose sum no point within the bounds can meet."""
    try:
        session = Session(program)
        session.highs.setOptionValue("presolve", "off")
        if session.resolve(time_limit_s).status != "infeasible":
            return None
    except SolverError:
        return None
    _, known, ray = session.highs.getDualRay()  # type: ignore[attr-defined]
    return np.asarray(ray, dtype=np.float64) if known and np.abs(ray).max(initial=0.0) > 0 else None
