"""Batteries hour by hour: what they take, give back, lose and hold."""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan

COLUMNS = ["cluster", "hour", "charge_mw", "discharge_mw", "loss_mwh", "stored_mwh", "energy_mwh"]


def storage_table(plan: Plan) -> pd.DataFrame:
    """cluster, hour, charge_mw, discharge_mw, loss_mwh, stored_mwh at the hour's end, energy_mwh it can hold.

    Charging loses a share of what is drawn, discharging a share of what is taken out. Empty without batteries.
    """
    battery = plan.case.storage
    if battery is None or not plan.has("storage.stored_mwh"):
        return pd.DataFrame(columns=COLUMNS)
    table = plan.frame("storage.charge_mw", "cluster", "hour", value="charge_mw")
    for name in ("discharge_mw", "stored_mwh"):
        table = table.merge(plan.frame(f"storage.{name}", "cluster", "hour", value=name), on=["cluster", "hour"])
    gain = battery.one_way_frac
    table["loss_mwh"] = (1 - gain) * table["charge_mw"] + (1 / gain - 1) * table["discharge_mw"]
    room = dict(zip(plan.case.clusters, battery.energy_mwh.tolist(), strict=True))
    table["energy_mwh"] = table["cluster"].map(room)
    return table[COLUMNS]
