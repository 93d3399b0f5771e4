"""One programme after another in one live HiGHS object: only the numbers that differ are changed.

A programme of the same *form* as the first (columns, rows, integers, places of the coefficients) is solved from the
first one's basis and plan. Its bounds and coefficients are changed first and solved by the dual simplex, then its
costs, by the primal: each change leaves the basis feasible for the method that follows. The places of the first plan
are tried before any is settled anew. A programme of another form is solved from nothing, and the reason is told.

Every programme starts from the first, not from the one before it: what is found does not depend on the order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.dive import Advised
from optimizer.solve.engine import Clock, Columns, Point, Session
from optimizer.solve.optimum import Listener, Outcome, optimise, prove
from optimizer.solve.parts import MACHINES, columns_of
from optimizer.solve.switches import relaxation, switched
from scenarios.case import Floats


@dataclass(frozen=True)
class Answer:
    outcome: Outcome
    rebuilt: str | None = None
    """Why the live object could not be used; None if it was."""


class Live:
    """A first programme, solved, and others like it."""

    def __init__(self, program: Program, gap: float, time_limit_s: float) -> None:
        clock = Clock(time_limit_s)
        self.first, self.session = program, Session(program, hot=True)
        relaxed = self.session.relax(clock.left_s)
        self.basis, self.relaxes = self.session.basis(), relaxed.x is not None
        if self.relaxes and switched(program):  # those that follow start from the basis without its cuts
            relaxed = relaxation(self.session, clock)
        self.outcome = prove(self.session, relaxed, None, gap, clock)

    def solve(self, program: Program, gap: float, time_limit_s: float, heard: Listener = lambda _: None) -> Answer:
        """The best plan we can prove within `gap` (a fraction) and the time limit; raises as `optimise` does."""
        why = self._why_not(program)
        if why is not None:
            return Answer(optimise(program, gap, time_limit_s, heard), why)
        clock = Clock(time_limit_s)
        relaxed = self._relaxed(program, clock)
        advised = None if self.outcome.x is None else same_places(program, self.outcome.x)
        return Answer(prove(self.session, relaxed, advised, gap, clock, heard=heard))

    def _why_not(self, program: Program) -> str | None:
        if not self.relaxes:
            return "the first programme has no plan to start from"
        return other_form(self.first, program)

    def _relaxed(self, program: Program, clock: Clock) -> Point:
        session, first = self.session, self.first
        session.update(replace(program, item_cost=first.item_cost, item_offset=first.item_offset, items=first.items))
        session.stand_on(self.basis)
        point = session.resolve(clock.left_s)
        session.update(program)
        return session.reprice(clock.left_s) if point.x is not None else point


def places(program: Program) -> Columns:
    """Integer columns that no machine owns."""
    return np.setdiff1d(np.flatnonzero(program.integer), columns_of(program, MACHINES))


def same_places(program: Program, x: Floats) -> Advised:
    """The places of a plan of a programme of the same form: how good a plan is rests on them, never what is proved."""
    columns = places(program)
    return Advised(columns, np.clip(np.round(x[columns]), program.lower[columns], program.upper[columns]))


def other_form(first: Program, program: Program) -> str | None:
    """In what two programmes differ that no change of numbers can mend; None if in nothing."""
    if len(first.column_names) != len(program.column_names) or first.column_names != program.column_names:
        return f"other columns: {_first_difference(first.column_names, program.column_names)}"
    if first.row_keys != program.row_keys:
        return f"other rows: {_first_difference(first.row_names, program.row_names)}"
    if not np.array_equal(first.integer, program.integer):
        return "other columns are whole numbers"
    one, other = first.matrix, program.matrix
    if not np.array_equal(one.indptr, other.indptr) or not np.array_equal(one.indices, other.indices):
        return "coefficients stand in other places"
    return None


def _first_difference(before: list[str], after: list[str]) -> str:
    gone, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    told = [f"{len(names)} {what} (such as {names[0]})" for names, what in ((new, "new"), (gone, "gone")) if names]
    return ", ".join(told) or "in another order"
