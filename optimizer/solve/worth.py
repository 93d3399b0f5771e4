"""What binds in a plan, and what it is worth: the duals of the rows and bounds that stop a cheaper plan.

Integers are held where the plan has them; the rest is a linear programme, whose duals say what one more unit of
each rule would save. They hold for small changes and for these integers only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.solve.compile import Program
from optimizer.solve.engine import Session, SolverError
from optimizer.solve.rules import Mask, Rulebook
from scenarios.case import Floats

COLUMNS = (
    "family",
    "label",
    "place",
    "side",
    "unit",
    "claim",
    "saves_kcny_per_unit",
    "amount",
    "worth_kcny",
    "family_worth_kcny",
)
NOTHING = 1e-9
"""kCNY per unit below which a rule does not bind."""


def binding(program: Program, x: Floats, top: int = 3, time_limit_s: float = 600.0) -> pd.DataFrame:
    """Named inequalities and bounds that bind at the plan `x`, and what they are worth.

    One row per rule: `saves_kcny_per_unit` is what giving way by one unit saves (never negative), `amount` is what
    the rule limits (the sum of the positive terms, with its bound, on either side), `worth_kcny` is their product.
    Families come in the order of `family_worth_kcny`, the sum over all their binding rules; of each the `top`
    rules of largest worth are listed.

    Raises SolverError if no plan has these integers, or HiGHS gives up.
    """
    book = Rulebook(program)
    row_dual, column_dual = _duals(program, x, time_limit_s)
    inequality = program.row_lower != program.row_upper
    column_dual[program.integer] = 0.0
    nothing_rows, nothing_columns = np.zeros(program.rows), np.zeros(program.columns)
    saves = np.concatenate(
        [
            np.where(inequality, np.maximum(row_dual, 0.0), nothing_rows),
            np.where(inequality, np.maximum(-row_dual, 0.0), nothing_rows),
            np.maximum(column_dual, 0.0),
            np.maximum(-column_dual, 0.0),
            nothing_columns,
        ]
    )
    amount = _amounts(book, x)
    binds: Mask = book.named & (saves > NOTHING)
    rows = [_line(book, number, saves[number], amount[number]) for number in np.flatnonzero(binds).tolist()]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    table["family_worth_kcny"] = table.groupby(["family", "side"])["worth_kcny"].transform("sum")
    order = ["family_worth_kcny", "family", "side", "worth_kcny", "saves_kcny_per_unit"]
    table = table.sort_values(order, ascending=[False, True, True, False, False], kind="stable")
    return table.groupby(["family", "side"], sort=False).head(top).reset_index(drop=True)


def _line(book: Rulebook, number: int, saves: float, amount: float) -> tuple[str | float, ...]:
    rule = book.rule(number)
    return (
        rule.name,
        rule.label,
        rule.place,
        rule.side,
        rule.unit,
        rule.claim,
        float(saves),
        float(amount),
        float(saves * amount),
    )


def _duals(program: Program, x: Floats, time_limit_s: float) -> tuple[Floats, Floats]:
    """Duals of rows and columns of the least-cost plan with the integers of `x`."""
    integers = np.flatnonzero(program.integer)
    session = Session(program)
    session.fix(integers, np.round(x[integers]))
    status = session.resolve(time_limit_s).status
    if status != "optimal":
        raise SolverError(f"with the integers of the plan held, the programme is not solved: {status}")
    solution = session.highs.getSolution()
    return np.array(solution.row_dual, dtype=np.float64), np.array(solution.col_dual, dtype=np.float64)


def _amounts(book: Rulebook, x: Floats) -> Floats:
    """What each side limits: half the sum of the sizes of all terms and of the bound, which is each side's sum."""
    p = book.program
    sizes = abs(p.matrix) @ np.abs(x)
    rows = [(sizes + np.abs(np.where(np.isfinite(b), b, 0.0))) / 2 for b in (p.row_lower, p.row_upper)]
    columns = [np.abs(np.where(np.isfinite(b), b, 0.0)) for b in (p.lower, p.upper)]
    return np.concatenate([*rows, *columns, np.zeros(p.columns)])
