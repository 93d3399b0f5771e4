"""Check a point against the compiled programme, without trusting the solver that returned it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.solve.compile import Program
from scenarios.case import Floats

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Verdict:
    """Largest violations of a point; each relative to the size of what is compared, at least one."""

    max_violation: float
    worst: str
    """The row or column with the largest violation, by name."""
    objective_kcny: float
    items_kcny: dict[str, float]

    @property
    def holds(self) -> bool:
        return self.max_violation <= TOLERANCE


def verify(program: Program, x: Floats) -> Verdict:
    """Re-check every row, bound and integer at `x`, and price every cost item from its own row of costs."""
    if x.shape != program.lower.shape or not np.isfinite(x).all():
        bad = np.flatnonzero(~np.isfinite(x)).tolist() if x.shape == program.lower.shape else []
        worst = program.column_name(bad[0]) if bad else f"{x.size} values for {program.columns} columns"
        return Verdict(np.inf, worst, np.nan, dict.fromkeys(program.items, np.nan))
    body = program.matrix @ x
    size = np.maximum(1.0, abs(program.matrix) @ np.abs(x))
    rows = np.maximum(program.row_lower - body, body - program.row_upper) / size
    columns = np.maximum(program.lower - x, x - program.upper) / np.maximum(1.0, np.abs(x))
    whole = np.where(program.integer, np.abs(x - np.round(x)), 0.0)
    columns = np.maximum(columns, whole)
    row, column = (int(part.argmax()) if part.size else -1 for part in (rows, columns))
    row_worst = max(0.0, float(rows[row])) if row >= 0 else 0.0
    column_worst = max(0.0, float(columns[column])) if column >= 0 else 0.0
    worst = program.row_name(row) if row_worst >= column_worst and row >= 0 else program.column_name(column)
    items = program.item_cost @ x + program.item_offset
    return Verdict(
        max_violation=max(row_worst, column_worst),
        worst=worst,
        objective_kcny=program.value_kcny(x),
        items_kcny=dict(zip(program.items, items.tolist(), strict=True)),
    )
