"""From a compiled programme to a proved plan: relax, dive, and only then the tree.

The relaxation is solved once and gives the first bound; the dive gives the first plan. If the gap between
them is wide, HiGHS's branch and bound goes on from that plan. Two statuses are kept apart: why we stopped
(`stop`) and what we hold (`x`), and best, bound and gap are always stated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.dive import dive
from optimizer.solve.engine import Clock, Point, Session
from optimizer.solve.verify import Verdict, verify
from scenarios.case import Floats

Stop = Literal["gap reached", "time limit", "infeasible", "unbounded"]


@dataclass(frozen=True)
class Progress:
    """What is known while the engine works; `best_kcny` is infinite until there is a plan."""

    stage: str
    elapsed_s: float
    best_kcny: float
    bound_kcny: float

    @property
    def gap_frac(self) -> float:
        return gap_frac(self.best_kcny, self.bound_kcny)


@dataclass(frozen=True)
class Outcome:
    """Why we stopped, what we hold, and how good it is proved to be."""

    stop: Stop
    x: Floats | None
    objective_kcny: float
    bound_kcny: float
    relaxed_kcny: float
    solver_s: float
    verdict: Verdict | None

    @property
    def gap_frac(self) -> float:
        return gap_frac(self.objective_kcny, self.bound_kcny)

    @property
    def words(self) -> str:
        if self.x is None:
            return {"time limit": "no plan found within the time limit"}.get(self.stop, self.stop)
        return "proved optimal within gap" if self.stop == "gap reached" else "feasible at time limit"


def gap_frac(best_kcny: float, bound_kcny: float) -> float:
    """(best - bound) / |best|; infinite while one of the two is unknown."""
    if not np.isfinite(best_kcny) or not np.isfinite(bound_kcny):
        return np.inf
    return max(0.0, best_kcny - bound_kcny) / max(abs(best_kcny), 1e-9)


Listener = Callable[[Progress], None]


def optimise(program: Program, gap: float, time_limit_s: float, heard: Listener = lambda _: None) -> Outcome:
    """The best plan we can prove within `gap` (a fraction) and the time limit.

    Raises SolverError if HiGHS fails in a way that says nothing about the model, and ValueError if the
    returned point does not pass our own check.
    """
    clock = Clock(time_limit_s)
    session = Session(program)
    heard(Progress("relaxation", clock.elapsed_s, np.inf, -np.inf))
    relaxed = session.relax(clock.left_s)
    if relaxed.x is None:
        return _nothing(relaxed.status, clock)
    bound = relaxed.objective_kcny
    heard(Progress("dive", clock.elapsed_s, np.inf, bound))
    dived = dive(session, relaxed, clock, lambda what: heard(Progress(f"dive: {what}", clock.elapsed_s, np.inf, bound)))
    best, x = _value(program, dived)
    if gap_frac(best, bound) > gap and clock.left_s > 0:
        x, best, bound = _tree(session, x, best, bound, gap, clock, heard)
    if x is None:
        # The relaxation has a point; only integrality or time can be in the way.
        proved_empty = bound == np.inf
        return Outcome("infeasible" if proved_empty else "time limit", None, np.inf, bound, relaxed.objective_kcny, clock.elapsed_s, None)
    verdict = verify(program, x)
    if not verdict.holds:
        raise ValueError(f"the plan violates {verdict.worst} by {verdict.max_violation:.2e}")
    stop: Stop = "gap reached" if gap_frac(best, bound) <= gap else "time limit"
    return Outcome(stop, x, verdict.objective_kcny, min(bound, verdict.objective_kcny), relaxed.objective_kcny, clock.elapsed_s, verdict)


def _value(program: Program, point: Point) -> tuple[float, Floats | None]:
    return (np.inf, None) if point.x is None else (float(program.cost @ point.x + program.offset), point.x)


def _tree(
    session: Session, x: Floats | None, best: float, bound: float, gap: float, clock: Clock, heard: Listener
) -> tuple[Floats | None, float, float]:
    def tell(tree_best: float, tree_bound: float) -> None:
        heard(Progress("branch and bound", clock.elapsed_s, min(best, tree_best), max(bound, tree_bound)))

    heard(Progress("branch and bound", clock.elapsed_s, best, bound))
    found = session.branch_and_bound(x, gap, clock.left_s, tell)
    if found.status == "infeasible":
        return x, best, np.inf if x is None else bound
    integers = np.flatnonzero(session.program.integer)
    if found.x is not None and found.objective_kcny < best:
        # The tree's integers are whole only to a tolerance: fix them and solve once more.
        session.release()
        session.fix(integers, np.round(found.x[integers]))
        exact, exact_x = _value(session.program, session.resolve(max(clock.left_s, 10.0)))
        if exact_x is not None and exact < best:
            exact_x[integers] = np.round(exact_x[integers])
            x, best = exact_x, exact
    return x, best, max(bound, found.bound_kcny)


def _nothing(status: str, clock: Clock) -> Outcome:
    stop: Stop = {"infeasible": "infeasible", "unbounded": "unbounded"}.get(status, "time limit")  # type: ignore[assignment]
    bound = np.inf if stop == "infeasible" else -np.inf
    return Outcome(stop, None, np.inf, bound, bound, clock.elapsed_s, None)
