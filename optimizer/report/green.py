"""The green account of each cluster: what it consumes, what covers it, and what it passes on to buyers."""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan


def green_table(plan: Plan, dispatch: pd.DataFrame) -> pd.DataFrame:
    """cluster, consumption_mwh, direct_, new_, certificate_, conveyed_ and shortfall_mwh, green_frac, target_frac.

    consumption_mwh is all that is taken from the grid, direct supply and plants built: batteries' losses are in it.
    green_frac is the cluster's own share: what it claims and does not convey to buyers, over the consumption that
    is not theirs (NaN where none is left); the target is for that share.
    """
    case = plan.case
    columns = {"import_mw": "import_mwh", "direct_mw": "direct_mwh", "new_mw": "new_mwh"}
    energy = dispatch.groupby("site")[[*columns, "certificate_mwh"]].sum().loc[list(case.clusters)]
    energy = energy.rename(columns=columns).rename_axis("cluster").reset_index()
    table = energy[["cluster"]].copy()
    table["consumption_mwh"] = energy["import_mwh"] + energy["direct_mwh"] + energy["new_mwh"]
    table[["direct_mwh", "new_mwh", "certificate_mwh"]] = energy[["direct_mwh", "new_mwh", "certificate_mwh"]]
    conveyed = plan.frame("credit.conveyed_mwh", "region", "cluster", value="mwh").groupby("cluster")["mwh"].sum()
    table["conveyed_mwh"] = table["cluster"].map(conveyed).astype(float).fillna(0.0)
    shortfall = plan.frame("green.shortfall_mwh", "cluster", value="shortfall_mwh")
    table = table.merge(shortfall, on="cluster", how="left") if len(shortfall) else table.assign(shortfall_mwh=0.0)
    own = table["direct_mwh"] + table["new_mwh"] + table["certificate_mwh"] - table["conveyed_mwh"]
    left = table["consumption_mwh"] - table["conveyed_mwh"]
    table["green_frac"] = own / left.where(left > 0)
    table["target_frac"] = case.green_target_frac
    return table
