"""What compute is worth at every site and hour of a plan, kept with the run so that its report can draw it.

No spot market for compute exists: these are shadow prices of the planner's programme, its whole numbers held at the
plan (`optimizer.market.prices` says what that means). They take one linear programme more: little beside a day's
search, much beside that of a week. So only programmes of up to MOST_COLUMNS are priced with the solve; `computegrid
prices RUN` does it for any.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.market.duals import COMPUTE, price_operation, rows_of
from optimizer.solve.engine import SolverError
from optimizer.solve.solution import Plan

MOST_COLUMNS = 50_000
COLUMNS = ["site", "hour", "price_kcny_per_eflopsh"]


def compute_prices(plan: Plan) -> pd.DataFrame | None:
    """site, hour, price_kcny_per_eflopsh of every site and hour; None for a programme too large or not to be priced.

    The price is NaN where it is not identified: where one unit more and one unit less are worth unlike amounts.
    """
    program = plan.program
    if program.columns > MOST_COLUMNS:
        return None
    try:
        priced = price_operation(program, plan.x)
    except SolverError:
        return None
    rows = rows_of(program, COMPUTE)
    price = np.where(priced.rows_identified(rows), priced.row[rows], np.nan)
    places = [program.row_keys[row][1] for row in rows.tolist()]
    return pd.DataFrame([(*place, kcny) for place, kcny in zip(places, price.tolist(), strict=True)], columns=COLUMNS)
