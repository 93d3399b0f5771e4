"""Alternative optima: how far loads may move while the cost stays where it is.

An optimum is one point; others may cost the same. Two sets are looked at. `held`: the plan's integers stay as they
are, and the rest may move as long as the cost is at most that of the least-cost plan with those integers, times
1 + slack. With no slack this is the face of optima. `any plan`: nothing is held and whole numbers may be broken, at a
cost of at most the plan's own times 1 + slack. That set holds every plan as cheap as this one, the optimum too:
outside its ranges there is none, inside there need not be one. Each end of each range is one linear programme, solved
by the primal simplex method from the basis of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import highspy
import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.dive import polish
from optimizer.solve.engine import Clock, Columns, Session, SolverError
from scenarios.case import Case, Floats

Over = Literal["held", "any plan"]
LOCAL = "local sites"
DETERMINED = 1e-6
"""A load whose range is narrower than this, relative to it, is determined: solvers meet rows to about 1e-7."""
PRIMAL = 4
"""HiGHS's name for primal simplex: when the objective alone changes, the last point still holds."""


@dataclass(frozen=True)
class Range:
    """What one place may carry; nan where the time ran out before an end was found."""

    place: str
    plan_eflopsh: float
    low_eflopsh: float
    high_eflopsh: float

    @property
    def width_eflopsh(self) -> float:
        return self.high_eflopsh - self.low_eflopsh

    @property
    def is_determined(self) -> bool:
        return self.width_eflopsh <= DETERMINED * max(1.0, abs(self.plan_eflopsh))


@dataclass(frozen=True)
class Ranges:
    """Loads of all places over one set; `limit_kcny` is the cost that no point of it exceeds."""

    over: Over
    plan_kcny: float
    limit_kcny: float
    places: tuple[Range, ...]


def places(case: Case, program: Program) -> dict[str, Columns]:
    """Columns whose sum (EFLOPS for an hour each) is the load of a hub, or of all local sites."""
    groups: dict[str, list[int]] = {}
    for variable, place in (("fleet.load_eflops", case.site_hub.get), ("fleet.local_load_eflops", lambda _: LOCAL)):
        for index, column in zip(program.index[variable], program.variables[variable].tolist(), strict=True):
            groups.setdefault(str(place(index[0])), []).append(column)
    return {place: np.array(columns, dtype=np.int64) for place, columns in groups.items()}


def load_ranges(
    program: Program,
    x: Floats,
    groups: Mapping[str, Columns],
    slack_frac: float = 0.0,
    over: Over = "held",
    time_limit_s: float = np.inf,
) -> Ranges:
    """Least and largest sum of each group of columns over one of the two sets around the plan `x`.

    The plan that is reported is `x` with everything but its integers at its best; it lies within every range.
    Raises SolverError if HiGHS fails, TimeoutError if not even that plan is found in time.
    """
    clock = Clock(time_limit_s)
    session = Session(program)
    plan = polish(session, x, clock).x
    if plan is None:
        raise TimeoutError("the time ran out before the first range")
    if over == "any plan":
        session.release()
        session.relax(clock.left_s)
    # The better of the two: a solve from anew may end a rounding error above where it came from.
    cost = program.cost
    best = min(float(cost @ plan), float(cost @ x))
    plan = plan if cost @ plan <= best else x
    total = best + program.offset
    limit = total + slack_frac * abs(total)
    _cap(session, limit - program.offset)
    found = [_range(session, place, columns, float(plan[columns].sum()), clock) for place, columns in groups.items()]
    return Ranges(over, total, limit, tuple(found))


def _cap(session: Session, limit_kcny: float) -> None:
    """One more row: the cost stays within a limit."""
    cost = session.program.cost
    priced = np.flatnonzero(cost).astype(np.int32)
    added = session.highs.addRow(-highspy.kHighsInf, limit_kcny, priced.size, priced, cost[priced])
    if added == highspy.HighsStatus.kError:
        raise SolverError("HiGHS failed while adding the row of costs")
    session.highs.setOptionValue("simplex_strategy", PRIMAL)


def _range(session: Session, place: str, columns: Columns, plan_eflopsh: float, clock: Clock) -> Range:
    ends = []
    for sign in (1.0, -1.0):
        direction = np.zeros(session.program.columns)
        direction[columns] = sign
        session.price(np.arange(direction.size), direction)
        point = session.resolve(clock.left_s)
        ends.append(np.nan if point.x is None else float(point.x[columns].sum()))
    # Rows hold to a tolerance: the plan itself is in the set, whatever the last digit says. `minimum` keeps nan.
    low, high = np.minimum(ends[0], plan_eflopsh), np.maximum(ends[1], plan_eflopsh)
    return Range(place, plan_eflopsh, float(low), float(high))
