"""Capacity held to the official total: what clusters report adds up to more than the hubs have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hubs.facts import Facts


def scaled_capacity(facts: Facts) -> pd.DataFrame:
    """Capacity of each cluster, scaled so that the ten together have the hubs' official total.

    Returns [cluster]: reported_eflops, scale_ratio (one factor for all), capacity_eflops. Reports differ in date and
    scope (some cover a whole city or province), which is why they are scaled and not corrected one by one.
    """
    reported = facts.clusters["reported_eflops"]
    scale = facts.national["hub_intelligent_eflops"] / float(reported.sum())
    return pd.DataFrame({"reported_eflops": reported, "scale_ratio": scale, "capacity_eflops": reported * scale})


def reconcile(facts: Facts) -> pd.DataFrame:
    """Totals of the tables beside the official ones.

    Returns [total]: unit, tables, official, difference_frac (of the official).
    """
    clusters, regions, national = facts.clusters, facts.regions, facts.national
    weight = clusters["reported_eflops"] / clusters["reported_eflops"].sum()
    local = float(regions["local_eflops"].sum())
    totals = {
        "hub compute as reported": ("EFLOPS", clusters["reported_eflops"].sum(), national["hub_intelligent_eflops"]),
        "hub compute scaled": (
            "EFLOPS",
            scaled_capacity(facts)["capacity_eflops"].sum(),
            national["hub_intelligent_eflops"],
        ),
        "national compute": ("EFLOPS", national["hub_intelligent_eflops"] + local, national["intelligent_eflops"]),
        "occupancy of the clusters": (
            "frac",
            (weight * clusters["occupancy_frac"]).sum(),
            national["cluster_occupancy_frac"],
        ),
        "local PUE by demand": (
            "ratio",
            (regions["demand_share_frac"] * regions["local_pue_ratio"]).sum(),
            national["pue_ratio"],
        ),
        "gross product": ("billion_CNY", regions["gdp_billion_cny"].sum(), national["gdp_billion_cny"]),
        "population": ("million", regions["population_million"].sum(), national["population_million"]),
    }
    frame = pd.DataFrame(
        [(name, unit, float(tables), official) for name, (unit, tables, official) in totals.items()],
        columns=["total", "unit", "tables", "official"],
    ).set_index("total")
    frame["difference_frac"] = np.asarray(frame["tables"]) / np.asarray(frame["official"]) - 1.0
    return frame
