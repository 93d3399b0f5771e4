"""What states are worth at a seam, and budgets over the horizon: the duals of a window solved with the hours after it.

They enter the certified bound, for which any values are valid and good ones are tight.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.rolling.opening import PACED, Values
from optimizer.rolling.seam import RULES, Part, taken_over
from optimizer.solve.compile import Program
from scenarios.case import Floats

DAY_H = 24
RUNS_ON = ("jobs.earlier_running_eflops",)
LASTING = ("fleet.earlier_pods_on", "storage.earlier_mwh", "batch.earlier_queue_eflopsh", *RUNS_ON)
"""States that say the same at every seam, whatever comes after it."""
LEFT = "worth of what is left"


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


def leaving(program: Program, part: Part, worth: Worth, names: tuple[str, ...], from_h: int = 0) -> Program:
    """A part's programme with what it leaves from `from_h` hours after its end on charged at what it is worth there.

    Without it hours ahead would end as if all that is left undone were gone: queues would be left, and long jobs begun
    late. `from_h` is for states by the hour.
    """
    case = part.case
    after = replace(case, horizon=replace(case.horizon, hours=case.horizon.after_h))
    charge = np.zeros(program.columns)
    for name in names:
        for member, source, origin, factor in RULES[name](case, after, part):
            column = part.column.get(source, {}).get(origin)
            if column is not None and (not from_h or member[-1] >= from_h):
                charge[column] -= factor * worth.of_state(name, member)
    item_cost = sparse.vstack([program.item_cost, sparse.csr_array(charge[None, :])], format="csr")
    return replace(
        program,
        items=(*program.items, LEFT),
        item_cost=sparse.csr_array(item_cost),
        item_offset=np.append(program.item_offset, 0.0),
    )
