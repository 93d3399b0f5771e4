"""A plan: a case, its programme and a verified point, read back by variable name."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.solve.compile import Program
from scenarios.case import Case, Floats


@dataclass(frozen=True)
class Plan:
    """Everything a report or a market function may ask of a solution; nothing here knows Pyomo."""

    case: Case
    program: Program
    x: Floats

    def has(self, variable: str) -> bool:
        """Whether the block that owns a variable was present."""
        return variable in self.program.variables

    def frame(self, variable: str, *axes: str, value: str) -> pd.DataFrame:
        """A variable as a long table: one column per axis, then `value`; empty if its block was absent."""
        if not self.has(variable):
            return pd.DataFrame(columns=[*axes, value])
        members = self.program.index[variable]
        rows = members if len(axes) > 1 else [(member,) for member in members]
        frame = pd.DataFrame(list(rows), columns=list(axes))
        frame[value] = self.program.values(variable, self.x)
        return frame

    def items_kcny(self) -> dict[str, float]:
        """Cost items, each from its own row of costs; they sum to the objective."""
        program = self.program
        totals = program.item_cost @ self.x + program.item_offset
        return dict(zip(program.items, totals.tolist(), strict=True))
