"""How a plan answers one EFLOPS·h more at a site and hour: work moves until somewhere a machine has room.

With the plan's whole numbers held, the last basis of the programme says how every column moves while it stays the
best. The cost items of that move sum to the dual of the row, which is the price there.

Source  sensitivity of a linear programme by its basis (Dantzig 1963)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Session, SolverError
from scenarios.case import Floats

LOADS = ("fleet.load_eflops", "fleet.local_load_eflops")
NOTHING = 1e-10
"""Smaller changes are left out."""
K = TypeVar("K")


@dataclass(frozen=True)
class Answer:
    """How a plan with its whole numbers held takes one EFLOPS·h more: what each cost item changes by, and each load."""

    items_kcny: dict[str, float]
    loads_eflops: dict[tuple[str, int], float]
    """(site, hour) -> change; they sum to the one that was asked for, unless work is lost or left undone instead."""

    @property
    def kcny(self) -> float:
        return sum(self.items_kcny.values())


def answer(program: Program, x: Floats, row: int, time_limit_s: float = 600.0) -> Answer:
    """How the plan `x` (columns,) answers one unit more in a row of the compute ledger, at its least cost.

    Exact for as long as the same columns stay between their bounds. Raises SolverError if no plan has these whole
    numbers, or time does not suffice.
    """
    session, integers, clock = Session(program), np.flatnonzero(program.integer), Clock(time_limit_s)
    session.fix(integers, np.round(x[integers]))
    session.relax(clock.left_s)
    status = session.resolve(clock.left_s).status
    if status != "optimal":
        raise SolverError(f"with the whole numbers of the plan held, the programme is not solved: {status}")
    moved = session.response(row)
    items = {item: float(kcny) for item, kcny in zip(program.items, program.item_cost @ moved, strict=True)}
    loads: dict[tuple[str, int], float] = {}
    for name in LOADS:
        for member, column in zip(program.index.get(name, ()), program.variables.get(name, ()), strict=True):
            place = (member[0], member[-1])
            loads[place] = loads.get(place, 0.0) + (float(moved[column]) if column >= 0 else 0.0)
    return Answer(_without_nothing(items), _without_nothing(loads))


def _without_nothing(amounts: dict[K, float]) -> dict[K, float]:
    return {key: amount for key, amount in amounts.items() if abs(amount) > NOTHING}
