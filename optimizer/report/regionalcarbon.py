"""Carbon by the region that asked for the work, on both ledgers.

A site's energy and carbon are its customers' in proportion to the work it hosts for them; a site that hosts nothing
(its machines only finish jobs that ran before the horizon) is its own region's. On the market-based ledger a region's
own claims, conveyed to it with its work, come off its energy first; what a cluster still claims, after conveying,
is shared over the energy that is left: so it counts once, and the regions sum to the nation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.report.claims import conveyed
from optimizer.solve.solution import Plan
from scenarios.case import Floats


def regional_carbon(plan: Plan, dispatch: pd.DataFrame, flows: pd.DataFrame) -> pd.DataFrame:
    """region, work_eflopsh, energy_mwh, bought_mwh (claims conveyed to it), location_tco2, market_tco2.

    Claims beyond a region's own energy at a cluster lower that cluster's other customers, never its carbon below zero.
    """
    case = plan.case
    regions = list(dict.fromkeys([*case.regions, *case.site_region.values()]))
    share = _shares(plan, flows, regions)
    columns = ["import_mw", "direct_mw", "new_mw", "carbon_location_tco2", "carbon_market_tco2"]
    site = dispatch.groupby("site")[columns].sum().loc[list(case.sites)]
    energy = share * site[["import_mw", "direct_mw", "new_mw"]].to_numpy().sum(axis=1)
    bought = np.zeros_like(energy)
    for cluster, region, mwh in conveyed(plan).to_numpy():
        bought[regions.index(region), case.sites.index(cluster)] += mwh
    uncovered = np.maximum(0.0, energy - bought)
    left = uncovered.sum(axis=0)
    part = np.divide(uncovered, left, out=share.copy(), where=left > 0)
    table = pd.DataFrame({"region": regions, "work_eflopsh": _work(flows, regions)})
    table["energy_mwh"], table["bought_mwh"] = energy.sum(axis=1), bought.sum(axis=1)
    table["location_tco2"] = share @ site["carbon_location_tco2"].to_numpy()
    table["market_tco2"] = part @ site["carbon_market_tco2"].to_numpy()
    return table


def _work(flows: pd.DataFrame, regions: list[str]) -> Floats:
    asked = flows.groupby("region")["work_eflopsh"].sum().reindex(regions).astype(float).fillna(0.0)
    return np.asarray(asked, dtype=np.float64)


def _shares(plan: Plan, flows: pd.DataFrame, regions: list[str]) -> Floats:
    """(r, s): each region's share of the work a site hosts; a site that hosts none is its own region's."""
    case = plan.case
    work = flows.pivot_table(index="region", columns="site", values="work_eflopsh", aggfunc="sum", fill_value=0.0)
    hosted = np.asarray(work.reindex(index=regions, columns=list(case.sites), fill_value=0.0), dtype=np.float64)
    own = np.array([[float(case.site_region[s] == r) for s in case.sites] for r in regions])
    total = hosted.sum(axis=0)
    shares: Floats = np.divide(hosted, total, out=own, where=total > 0)
    return shares
