"""From a compiled programme to a proved plan, by the cheapest step that closes the gap.

1. The relaxation, solved once: the bound. Where who may work for whom is to be settled, it is stated with root cuts,
   and settles that at once.
2. Places settled in a dive (where jobs start, what is lit on links); then, with the work of every site held, the
   machines of each site on their own: the first plan. With its integers held, work moves once more to where it is
   cheapest.
3. If the gap is still wide: counts rounded in a dive that may move work, then the sites again.
4. If it still is: HiGHS's branch and bound from the best plan, with these cuts.

Two statuses are kept apart: why we stopped (`stop`) and what we hold (`x`); best, bound and gap are always
stated, and no point leaves without passing our own check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.cuts import tightened
from optimizer.solve.dive import NONE, SMALL, WHOLE, Advised, follow, polish, round_counts, settle_places
from optimizer.solve.engine import Clock, Columns, Point, Session
from optimizer.solve.parts import MACHINES, columns_of, improve
from optimizer.solve.switches import keep_used, relaxation
from optimizer.solve.verify import Verdict, verify
from scenarios.case import Floats

SITE_S = 5.0
"""Seconds that one site's own programme may take."""

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
    hand_over_s: float
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


def optimise(
    program: Program,
    gap: float,
    time_limit_s: float,
    heard: Listener = lambda _: None,
    advised: Advised | None = None,
) -> Outcome:
    """The best plan we can prove within `gap` (a fraction) and the time limit; advice is tried first.

    Raises SolverError if HiGHS fails in a way that says nothing about the model, and ValueError if the
    returned point does not pass our own check.
    """
    clock = Clock(time_limit_s)
    session = Session(program, hot=True)
    hand_over_s = clock.elapsed_s
    heard(Progress("relaxation", clock.elapsed_s, np.inf, -np.inf))
    return prove(session, relaxation(session, clock), advised, gap, clock, hand_over_s, heard)


def prove(
    session: Session,
    relaxed: Point,
    advised: Advised | None,
    gap: float,
    clock: Clock,
    hand_over_s: float = 0.0,
    heard: Listener = lambda _: None,
) -> Outcome:
    """The rest of `optimise`, from a session that stands at its relaxation."""
    program = session.program
    if relaxed.x is None:
        return _nothing(relaxed.status, hand_over_s, clock)
    bound = relaxed.objective_kcny
    best, x = (np.inf, None) if advised is None else _from_advice(session, advised, bound, gap, clock, heard)
    if gap_frac(best, bound) > gap and (x is None or session.program.columns <= SMALL):
        found = search(session, relaxed, gap, clock, heard)
        best, x = found if found[0] < best else (best, x)
    if gap_frac(best, bound) > gap and clock.left_s > 0:
        heard(Progress("cuts", clock.elapsed_s, best, bound))
        tight, bound = (session, bound) if session.cuts else tightened(session, bound, clock)
        if gap_frac(best, bound) > gap and clock.left_s > 0:
            x, best, bound = branch(tight, x, best, bound, gap, clock, heard)
    if x is None:
        stop: Stop = "infeasible" if bound == np.inf else "time limit"
        return Outcome(
            stop, None, np.inf, bound, relaxed.objective_kcny, hand_over_s, clock.elapsed_s - hand_over_s, None
        )
    verdict = verify(program, x)
    if not verdict.holds:
        raise ValueError(f"the plan violates {verdict.worst} by {verdict.max_violation:.2e}")
    best = verdict.objective_kcny
    stop = "gap reached" if gap_frac(best, bound) <= gap else "time limit"
    return Outcome(
        stop, x, best, min(bound, best), relaxed.objective_kcny, hand_over_s, clock.elapsed_s - hand_over_s, verdict
    )


def _from_advice(
    session: Session, advised: Advised, bound: float, gap: float, clock: Clock, heard: Listener
) -> tuple[float, Floats | None]:
    """The best plan that follows advice; where it is not within the gap, a small session is relaxed again."""
    heard(Progress("advice", clock.elapsed_s, np.inf, bound))
    followed = follow(session, advised, clock)
    best, x = _dive(session, followed, bound, gap, clock, heard, advised.columns)
    if gap_frac(best, bound) > gap:
        session.release()
        if x is None or session.program.columns <= SMALL:
            session.resolve(clock.left_s)
    return best, x


def search(session: Session, relaxed: Point, gap: float, clock: Clock, heard: Listener) -> tuple[float, Floats | None]:
    """The best plan that dives and parts give; (infinity, None) if none."""
    bound, point, decided = relaxed.objective_kcny, relaxed, NONE
    if session.cuts:
        heard(Progress("switches", clock.elapsed_s, np.inf, bound))
        point, decided = keep_used(session, relaxed, gap, clock)
    heard(Progress("places", clock.elapsed_s, np.inf, bound))
    return _dive(session, point, bound, gap, clock, heard, decided)


def _dive(
    session: Session,
    point: Point,
    bound: float,
    gap: float,
    clock: Clock,
    heard: Listener,
    decided: Columns = NONE,
) -> tuple[float, Floats | None]:
    """The best plan that dives from a point and parts give, `decided` columns fixed; (infinity, None) if none."""
    program, best, x = session.program, np.inf, None

    def say(stage: str) -> None:
        heard(Progress(stage, clock.elapsed_s, best, bound))

    machines = columns_of(program, MACHINES)
    settled = settle_places(session, point, machines, clock, lambda what: say(f"places: {what}"), decided)
    if settled.x is not None:
        say("sites")
        best, x = _better(program, best, x, _operate(program, settled.x, gap, clock))
    at_leisure = program.columns <= SMALL and not decided.size
    if x is not None and (at_leisure or gap_frac(best, bound) > gap):
        say("polish")
        counts = machines[program.integer[machines]]
        best, x = _better(program, best, x, polish(session, x, clock).x)
        session.bound(counts, program.lower[counts], program.upper[counts])
    if settled.x is not None and gap_frac(best, bound) > gap and (x is None or program.columns <= SMALL):
        say("counts")
        rounded = round_counts(session, settled, clock, lambda what: say(f"counts: {what}"))
        best, x = _better(program, best, x, rounded.x)
        if rounded.x is not None:
            best, x = _better(program, best, x, _operate(program, rounded.x, gap, clock))
    return best, x


def _operate(program: Program, x: Floats, gap: float, clock: Clock) -> Floats | None:
    """The machines of every site at their best for the work that `x` gives them."""
    start = x.copy()
    near = program.integer & (np.abs(x - np.round(x)) < WHOLE)
    start[near] = np.round(x[near])
    done = improve(program, start, columns_of(program, MACHINES), gap / 10, clock, SITE_S)
    whole = done is not None and not np.abs(done - np.round(done))[program.integer].any()
    return done if whole else None


def _better(program: Program, best: float, x: Floats | None, other: Floats | None) -> tuple[float, Floats | None]:
    if other is None:
        return best, x
    value = program.value_kcny(other)
    return (value, other) if value < best else (best, x)


def branch(
    session: Session, x: Floats | None, best: float, bound: float, gap: float, clock: Clock, heard: Listener
) -> tuple[Floats | None, float, float]:
    """HiGHS's own tree from a plan: (plan, best, bound)."""

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
        exact = session.resolve(max(clock.left_s, 10.0)).x
        if exact is not None:
            exact[integers] = np.round(found.x[integers])
        best, x = _better(session.program, best, x, exact)
    return x, best, max(bound, found.bound_kcny)


def _nothing(status: str, hand_over_s: float, clock: Clock) -> Outcome:
    stop: Stop = {"infeasible": "infeasible", "unbounded": "unbounded"}.get(status, "time limit")  # type: ignore[assignment]
    bound = np.inf if stop == "infeasible" else -np.inf
    return Outcome(stop, None, np.inf, bound, bound, hand_over_s, clock.elapsed_s - hand_over_s, None)
