"""The pods of each cluster: installed, vacant, lit, built, and how many are on."""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan


def fleet_table(plan: Plan) -> pd.DataFrame:
    """cluster, generation, pods_installed, pods_vacant (racks without a pod), pods_lit of them, pods_built, pods_on.

    pods_on is the mean over the horizon; the others are counts that stand for all of it.
    """
    case = plan.case
    names = [g.name for g in case.generations]
    index = pd.MultiIndex.from_product([case.clusters, names], names=["cluster", "generation"])
    table = pd.DataFrame({"pods_installed": case.pods_installed.ravel()}, index=index)
    table["pods_vacant"] = case.pods_vacant.ravel()
    table["pods_lit"] = plan.program.values("fleet.lit", plan.x)
    table["pods_built"] = plan.program.values("expansion.pods", plan.x) if plan.has("expansion.pods") else 0.0
    on = plan.program.values("fleet.pods_on", plan.x)
    table["pods_on"] = on.reshape(len(table), case.horizon.hours).mean(axis=1)
    return table.reset_index()
