"""What states are worth at a seam, and budgets over the horizon: the duals of a window solved with the hours after it.

They enter the certified bound, for which any values are valid and good ones are tight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.rolling.opening import PACED, Values
from optimizer.rolling.seam import Part, taken_over
from optimizer.solve.compile import Program
from scenarios.case import Floats

DAY_H = 24


@dataclass(frozen=True)
class Worth:
    """kCNY per unit of each state that the next window takes over, and of each paced row's right-hand side."""

    states: Values = field(default_factory=dict)
    rows: Values = field(default_factory=dict)

    def of_state(self, name: str, member: Any) -> float:
        """The worth of a state; by the hour, that of the same hour of the day where the hours ahead end before."""
        known = self.states.get(name, {})
        while member not in known:
            hour = member[-1] if isinstance(member, tuple) else None
            if not isinstance(hour, int) or hour < DAY_H:
                return 0.0
            member = (*member[:-1], hour - DAY_H)
        return known[member]


def worth_of(first: Program, ahead: Part | None, row_dual: Floats) -> Worth:
    """From the row duals of a window joined with the hours ahead (of the window alone, if there are none)."""
    rows: Values = {}
    keys = (*first.row_keys, *(ahead.program.row_keys if ahead else ()))
    for (name, member), dual in zip(keys, row_dual.tolist(), strict=True):
        if name in PACED:
            found = rows.setdefault(name, {})
            found[member] = found.get(member, 0.0) + dual
    if ahead is None:
        return Worth({}, rows)
    price = sparse.csr_array(ahead.program.matrix.T) @ row_dual[first.rows :]
    states = {
        name: {member: float(price[column]) for member, column in ahead.column[name].items()}
        for name in taken_over(ahead.program)
    }
    return Worth(states, rows)


def on_columns(part: Part, worth: Worth) -> Floats:
    """(columns,): the worth of the states that a window takes over, zero elsewhere."""
    price = np.zeros(part.program.columns)
    for name in taken_over(part.program):
        for member, column in part.column[name].items():
            price[column] = worth.of_state(name, member)
    return price
