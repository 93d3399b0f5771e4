"""The facility boundary: what part of a region's latency-bound demand any site could serve at all.

Read from the routes and the latency limits of the classes alone: capacity, cost and the plan are left aside. A region
whose boundary is below one has demand that no plan can serve; one whose own-province boundary is below one depends on
others for some of it.
"""

from __future__ import annotations

import math

import numpy as np

from scenarios.case import Case


def boundary_frac(case: Case, home_only: bool = False) -> dict[str, float]:
    """region -> share of its latency-bound work with some site within the class's round-trip limit.

    B_r = sum_k D_rk [some site s: rtt_rs <= limit_k] / sum_k D_rk, D in EFLOPS·h over the horizon; `home_only` asks for
    a site in the region's own province. NaN where a region asks for no such work.
    """
    work = case.demand_eflops.sum(axis=2)
    reachable = np.zeros((len(case.regions), len(case.services)))
    rank = {region: i for i, region in enumerate(case.regions)}
    for (region, site), ways in case.routes.items():
        if home_only and case.site_region[site] != region:
            continue
        for k, service in enumerate(case.services):
            if ways[0].rtt_ms <= service.rtt_limit_ms:
                reachable[rank[region], k] = 1.0
    return {
        region: float(asked @ within / asked.sum()) if asked.sum() else math.nan
        for region, asked, within in zip(case.regions, work, reachable, strict=True)
    }
