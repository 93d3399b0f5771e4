"""Forward positions: what was owed, delivered and not delivered, by day and over the horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.solve.solution import Plan
from scenarios.instruments import Position

DAILY = ["position", "day", "owed_eflopsh", "delivered_eflopsh", "undelivered_eflopsh"]
WHOLE = [
    "position",
    "kind",
    "cluster",
    "region",
    "quantity_eflopsh",
    *DAILY[2:],
    "untaken_eflopsh",
    "damages_kcny",
]


def delivery_table(plan: Plan) -> pd.DataFrame:
    """position, day, owed_eflopsh, delivered_eflopsh, undelivered_eflopsh; empty without positions.

    A fixed position owes its quantity each day, a take-or-pay band its least daily share of it, a call nothing.
    """
    if not plan.has("delivery.delivered_eflopsh"):
        return pd.DataFrame(columns=DAILY)
    table = plan.frame("delivery.delivered_eflopsh", "position", "day", value="delivered_eflopsh")
    owed = {(p.name, d): _owed_frac(p) * q for p in plan.case.positions for d, q in enumerate(_daily(plan, p))}
    table["owed_eflopsh"] = [owed[key] for key in zip(table["position"], table["day"], strict=True)]
    short = (table["owed_eflopsh"] - table["delivered_eflopsh"]).clip(lower=0.0)
    # The model may settle a band's least take of the horizon by the day: beyond the day's debt that is not taken.
    table["undelivered_eflopsh"] = np.minimum(short, _settled(plan, table))
    return table[DAILY]


def _settled(plan: Plan, table: pd.DataFrame) -> pd.Series[float]:
    """What the model pays for by the day; a call owes nothing, so it has no such row there."""
    paid = plan.frame("delivery.undelivered_eflopsh", "position", "day", value="paid")
    return table.merge(paid, on=["position", "day"], how="left")["paid"].astype(float).fillna(0.0)


def position_table(plan: Plan, delivery: pd.DataFrame) -> pd.DataFrame:
    """One row per position over the horizon; damages_kcny is paid for what is undelivered and untaken.

    untaken_eflopsh is what is paid for beyond the days' debts: short of a band's least take of the whole horizon.
    """
    if not plan.has("delivery.delivered_eflopsh"):
        return pd.DataFrame(columns=WHOLE)
    positions = plan.case.positions
    table = pd.DataFrame({"position": [p.name for p in positions]})
    for name in ("kind", "cluster", "region"):
        table[name] = [getattr(p, name) for p in positions]
    table["quantity_eflopsh"] = [float(p.quantity_eflops.sum()) for p in positions]
    total = delivery.groupby("position")[DAILY[2:]].sum().reset_index()
    table = table.merge(total, on="position", how="left")
    by_day = _settled(plan, delivery).groupby(delivery["position"]).sum()
    whole = plan.frame("delivery.untaken_eflopsh", "position", value="paid").set_index("position")["paid"]
    paid = by_day.add(whole.astype(float), fill_value=0.0)
    settled = table["position"].map(paid).astype(float)
    table["untaken_eflopsh"] = (settled - table["undelivered_eflopsh"]).clip(lower=0.0)
    price = np.array([p.damages_kcny_per_eflopsh for p in positions])
    table["damages_kcny"] = price * settled
    return table[WHOLE]


def _owed_frac(position: Position) -> float:
    return {"fixed": 1.0, "take-or-pay": position.low_frac, "call": 0.0}[position.kind]


def _daily(plan: Plan, position: Position) -> list[float]:
    """The position's quantity in each day of the horizon, EFLOPS·h."""
    starts = [24 * d for d in range(plan.case.horizon.days)]
    return [float(q) for q in np.add.reduceat(position.quantity_eflops, starts)]
