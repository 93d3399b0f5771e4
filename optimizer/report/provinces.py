"""Computing by province: what a plan dispatches there, and the same beside another dispatch of the same machines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hubs.errors import Fault, InputError
from optimizer.report.tables import dispatch_table
from optimizer.solve.solution import Plan

SAME_FRAC = 1e-9
"""Installed computing of two runs may differ by this much, relative to it, and still be the same machines."""
SHOWN = 5


def province_table(plan: Plan, rival: Plan | None) -> pd.DataFrame:
    """region, zone, installed_eflops, dispatched_eflops, greedy_eflops: one row a region, also those without a site.

    installed_eflops is what the machines installed there can carry; a plan that lights vacant racks may dispatch
    more. dispatched_eflops and greedy_eflops are means over the horizon of the load at the region's sites, under the
    plan and under its rival. Without a rival there is no column greedy_eflops; the manifest's greedy_note says why.
    """
    case = plan.case
    regions = list(dict.fromkeys([*case.regions, *case.site_region.values()]))
    installed = dict.fromkeys(regions, 0.0)
    for site, region in case.site_region.items():
        installed[region] += case.usable_eflops(site)
    table = pd.DataFrame({"region": regions, "zone": [case.zone[r] for r in regions]})
    table["installed_eflops"] = list(installed.values())
    table["dispatched_eflops"] = _mean_eflops(plan, regions)
    if rival is not None:
        table["greedy_eflops"] = _mean_eflops(rival, regions)
    return table


def _mean_eflops(plan: Plan, regions: list[str]) -> list[float]:
    """Mean load over the horizon, by region."""
    load = dispatch_table(plan).groupby("site")["load_eflops"].mean()
    by_region = load.groupby(load.index.map(plan.case.site_region)).sum()
    # A region without sites dispatches nothing; a load below zero is within the engine's tolerance of nothing.
    return by_region.reindex(regions, fill_value=0.0).clip(lower=0.0).tolist()


def against_greedy(provinces: pd.DataFrame) -> pd.DataFrame:
    """province, zone, dispatched_, counterfactual_ and base_eflops_year: the plan beside its run's greedy dispatch.

    A mean held for one year: EFLOPS x 1 year. The base, in both, is what is installed.
    """
    return _beside(provinces, provinces["greedy_eflops"])


def against_other(provinces: pd.DataFrame, other: pd.DataFrame, where: str) -> pd.DataFrame:
    """The same beside the dispatch of another run, found at `where`; its table's rows may stand in any order.

    Raises InputError unless both runs have the same regions, zones and installed machines.
    """
    mine, theirs = provinces.set_index("region"), other.set_index("region")
    strange = sorted(set(mine.index) ^ set(theirs.index))
    if strange:
        raise _other_ground(where, "only one of the two runs has", strange)
    theirs = theirs.loc[mine.index]
    moved = mine.index[mine["zone"] != theirs["zone"]]
    if len(moved):
        raise _other_ground(where, "the zone differs in", list(moved))
    gap = (mine["installed_eflops"] - theirs["installed_eflops"]).abs()
    rebuilt = mine.index[gap > SAME_FRAC * np.maximum(mine["installed_eflops"], theirs["installed_eflops"])]
    if len(rebuilt):
        raise _other_ground(where, "installed computing differs in", list(rebuilt))
    return _beside(provinces, theirs["dispatched_eflops"].reset_index(drop=True))


def _beside(provinces: pd.DataFrame, counterfactual_eflops: pd.Series[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "province": provinces["region"],
            "zone": provinces["zone"],
            "dispatched_eflops_year": provinces["dispatched_eflops"],
            "counterfactual_eflops_year": counterfactual_eflops,
            "base_eflops_year": provinces["installed_eflops"],
        }
    )


def _other_ground(where: str, found: str, regions: list[str]) -> InputError:
    shown = ", ".join(regions[:SHOWN]) + (f" and {len(regions) - SHOWN} more" if len(regions) > SHOWN else "")
    rule = "two dispatches are compared on the same machines"
    return InputError([Fault(where, None, None, f"{found} {shown}", rule, "choose a run of the same facts")])
