"""One window solved: relaxed with the hours ahead, settled, run site by site, cut off at its end and verified."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimizer.rolling.ahead import WAITS, joined
from optimizer.rolling.beside import Ticket
from optimizer.rolling.opening import HIGHEST, Opening, closed, opened, paid_for
from optimizer.rolling.seam import Part, handed_on
from optimizer.rolling.worth import LASTING, RUNS_ON, Worth, leaving, worth_of
from optimizer.solve.compile import Program
from optimizer.solve.dive import SMALL, WHOLE, polish
from optimizer.solve.engine import Clock, Point, Session
from optimizer.solve.optimum import Listener, branch, gap_frac, search
from optimizer.solve.solution import Plan
from optimizer.solve.verify import verify
from scenarios.case import Floats


class NoPlan(Exception):
    """A window for which there is no plan, or none was found; the message says which."""


@dataclass(frozen=True)
class Step:
    """A window's plan, the state it leaves, what states are worth at its end, and how good it is on its own."""

    plan: Plan
    opening: Opening
    worth: Worth
    gap_frac: float
    """Of the window with the hours ahead, from its opening: the price of whole numbers alone."""
    max_violation: float


def advance(
    part: Part,
    ahead: Part | None,
    following: Ticket[Part] | None,
    opening: Opening,
    before: Worth | None,
    gap: float,
    heard: Listener,
) -> Step:
    """Solve a window from its opening, with the hours `ahead` of it; `following` is the window that takes over.

    `before` is what states were worth at its opening; where it is None, in the first window, what its own relaxation
    says of its end stands in. The result depends on the case and the opening alone: steps end by gaps and counts, not
    by the clock. Raises NoPlan, and ValueError if the plan does not pass our own check.
    """
    own = opened(part, opening)
    divisible = paid_for(own, part, opening)
    session, relaxed, worth = _relaxed(divisible, part, ahead, before)
    if before is None and ahead and ahead.case.horizon.after_h:
        session, relaxed, worth = _relaxed(divisible, part, ahead, worth)
    whole, clock = session.program, Clock(np.inf)
    bound = relaxed.objective_kcny
    best, x = search(session, relaxed, gap, clock, heard)
    if gap_frac(best, bound) > gap and whole.columns <= SMALL:
        x, best, bound = branch(session, x, best, bound, gap, clock, heard)
    if x is None:
        raise NoPlan(f"{_name(part)}: no whole plan was found")
    mine = _tightened(own, x[: own.columns])
    verdict = verify(own, mine)
    if not verdict.holds:
        # HiGHS holds its tolerance in scaled rows: once more, its integers held, to a tighter one.
        session.be_exact()
        again = polish(session, x, clock).x
        if again is not None:
            mine = _tightened(own, again[: own.columns])
            verdict = verify(own, mine)
    if not verdict.holds:
        raise ValueError(f"{_name(part)}: the plan violates {verdict.worst} by {verdict.max_violation:.2e}")
    later = following.answer() if following else None
    matrix = handed_on(part, later) if later else None
    assert relaxed.x is not None
    needed = _lowered(divisible, relaxed.x[: own.columns].copy())
    after = closed(part, own, opening, later, matrix, mine, needed)
    return Step(Plan(part.case, own, mine), after, worth, gap_frac(best, bound), verdict.max_violation)


def _relaxed(own: Program, part: Part, ahead: Part | None, before: Worth | None) -> tuple[Session, Point, Worth]:
    """A window as opened, with the hours ahead, its integers relaxed; and what states are worth at its end."""
    whole = own
    if ahead:
        first, then = own, ahead
        if before and ahead.case.horizon.after_h:
            first = leaving(own, part, before, RUNS_ON, from_h=ahead.case.horizon.hours)
            then = replace(ahead, program=leaving(ahead.program, ahead, before, LASTING))
        whole = joined(first, part, then, handed_on(part, ahead))
    session = Session(_at_what_is_left(whole, part))
    relaxed = session.relax(np.inf)
    if relaxed.x is None:
        raise NoPlan(f"{_name(part)}: {relaxed.status}")
    return session, relaxed, worth_of(own, ahead, session.duals().row)


def _name(part: Part) -> str:
    horizon = part.case.horizon
    return f"hours {horizon.before_h} to {horizon.before_h + horizon.hours}"


def _at_what_is_left(program: Program, part: Part) -> Program:
    """What is paid by its largest value costs more the less is left of the horizon.

    A higher peak is paid for the whole horizon, and of use only from here on: its charge is spread over what is left,
    so that the first window pays its share and the last one all of it. The plan's own items are not touched.
    """
    horizon = part.case.horizon
    left_h = horizon.hours + horizon.after_h
    factor = np.ones(program.columns)
    for name in HIGHEST:
        columns = program.variables.get(name, np.array([], dtype=np.int64))
        factor[columns[columns >= 0]] = (horizon.before_h + left_h) / left_h
    return replace(program, item_cost=sparse.csr_array(program.item_cost @ sparse.diags_array(factor)))


def _tightened(program: Program, x: Floats) -> Floats:
    """The point without what only the hours ahead asked for: jobs wait if they may, nothing is bought in advance."""
    x = x.copy()
    whole = np.abs(x - np.round(x)) < WHOLE
    x[program.integer & whole] = np.round(x[program.integer & whole])
    dropped = _by_member(program, "jobs.dropped_frac")
    for job, column in _by_member(program, WAITS).items():
        if program.upper[column]:
            x[column] += x[dropped[job]]
            x[dropped[job]] = 0.0
    return _lowered(program, x)


def _lowered(program: Program, x: Floats) -> Floats:
    """The point with all that is paid for by its largest value as low as the rest of the point allows, in place."""
    columns = sparse.csc_array(program.matrix)
    for name in HIGHEST:
        for column in program.variables.get(name, np.array([], dtype=np.int64)).tolist():
            if column >= 0:
                x[column] = max(float(program.lower[column]), x[column])
                x[column] = _least(program, columns, x, column)
    return x


def _by_member(program: Program, name: str) -> dict[str, int]:
    pairs = zip(program.index.get(name, ()), program.variables.get(name, np.array([])).tolist(), strict=True)
    return {member: column for member, column in pairs if column >= 0}


def _least(program: Program, columns: sparse.csc_array, x: Floats, column: int) -> float:
    """The least value of one column for the others as they are; never more than it has."""
    part = slice(columns.indptr[column], columns.indptr[column + 1])
    rows, factors = columns.indices[part], columns.data[part]
    rest = program.matrix[rows] @ x - factors * x[column]
    with np.errstate(invalid="ignore"):
        needs = np.where(
            factors > 0, (program.row_lower[rows] - rest) / factors, (program.row_upper[rows] - rest) / factors
        )
    least = max(float(program.lower[column]), float(np.max(needs, initial=-np.inf)))
    if program.integer[column]:
        least = float(np.ceil(least - WHOLE))
    return min(float(x[column]), least)
