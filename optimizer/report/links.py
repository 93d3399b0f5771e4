"""What the backbone carries, and what it can carry with the wavelengths that were lit or built."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.solve.solution import Plan
from scenarios.case import Floats

COLUMNS = ["link", "period", "traffic_gbps", "base_gbps", "wavelengths", "capacity_gbps"]


def link_table(plan: Plan) -> pd.DataFrame:
    """link, period, traffic_gbps, base_gbps, wavelengths, capacity_gbps; empty without the network block.

    capacity_gbps is base_gbps and that of the wavelengths lit for a rent or built; pinned traffic counts at the
    period's busiest hour, movable traffic at its mean.
    """
    case = plan.case
    if not plan.has("network.pinned_gbps"):
        return pd.DataFrame(columns=COLUMNS)
    index = pd.MultiIndex.from_product([case.links, range(case.horizon.periods)], names=["link", "period"])
    table = pd.DataFrame({"traffic_gbps": _traffic(plan).ravel()}, index=index).reset_index()
    wavelengths = wavelengths_lit(plan)
    gbps = case.wavelengths.gbps if case.wavelengths else 0.0
    table["base_gbps"] = np.repeat(case.link_capacity_gbps, case.horizon.periods)
    table["wavelengths"] = np.repeat(wavelengths, case.horizon.periods)
    table["capacity_gbps"] = np.repeat(case.link_capacity_gbps + gbps * wavelengths, case.horizon.periods)
    return table


def _traffic(plan: Plan) -> Floats:
    """(l, p)."""
    case, program = plan.case, plan.program
    traffic = np.zeros((len(case.links), case.horizon.periods))
    rank = {link: i for i, link in enumerate(case.links)}
    pinned = zip(program.index["network.pinned_gbps"], program.values("network.pinned_gbps", plan.x), strict=True)
    for (r, s, p), gbps in pinned:
        for link in case.routes[r, s][0].links:
            traffic[rank[link], p] += gbps
    movable = zip(program.index["network.flow_gbps"], program.values("network.flow_gbps", plan.x), strict=True)
    for (r, s, q, p), gbps in movable:
        for link in case.routes[r, s][q].links:
            traffic[rank[link], p] += gbps
    return traffic


def wavelengths_lit(plan: Plan) -> Floats:
    """Wavelengths lit for a rent or built on each link beyond its base capacity, (l,)."""
    lit = np.zeros(len(plan.case.links))
    rank = {link: i for i, link in enumerate(plan.case.links)}
    for variable in ("network.wavelengths", "expansion.wavelengths"):
        if plan.has(variable):
            places = [rank[link] for link in plan.program.index[variable]]
            np.add.at(lit, places, plan.program.values(variable, plan.x))
    return lit
