"""Isolation: how much high-value work is hosted beside other high-value work.

The isolation index xPx of the segregation literature (Bell 1954, Social Forces 32: 357-364; Massey & Denton 1988,
Social Forces 67: 281-315), with work for people and sites or zones for neighbourhoods. High-value classes are those
whose value, lost if the work is not done, is above the work-weighted mean of all that is asked for; the training jobs
are one class. It depends on the scenario alone, so plans of one scenario are compared on the same classes.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from scenarios.case import Case, Floats

JOBS = "training jobs"


def isolation(high: Floats, total: Floats) -> float:
    """xPx = sum_i (x_i / X) (x_i / t_i): `high` x_i and `total` t_i >= x_i are work at each place i, X = sum_i x_i.

    The chance that work met where a unit of high-value work is hosted is high-value too: from X / T when it is spread
    as all work is, to 1 when no place hosts both kinds. NaN if there is no high-value work.
    """
    return isolation_of(high, high, total)


def isolation_of(mine: Floats, high: Floats, total: Floats) -> float:
    """The same chance for a part of the high-value work: sum_i (m_i / M) (x_i / t_i), `mine` m_i at each place.

    Weighted by M, the parts' indices have the index of the whole as their mean.
    """
    if not mine.sum():
        return math.nan
    beside = np.divide(high, total, out=np.zeros_like(total), where=total > 0)
    return float(mine @ beside / mine.sum())


def high_value_classes(case: Case) -> frozenset[str]:
    """Classes whose value in kCNY per EFLOPS·h is above the work-weighted mean of the work asked for."""
    asked = _asked(case)
    work = sum(amount for amount, _ in asked.values())
    if not work:
        return frozenset()
    mean = sum(amount * value for amount, value in asked.values()) / work
    return frozenset(name for name, (_, value) in asked.items() if value > mean)


def _asked(case: Case) -> dict[str, tuple[float, float]]:
    """class -> (work asked for, EFLOPS·h; value, kCNY per EFLOPS·h), where there is any."""
    service, batch = case.demand_eflops.sum(axis=(0, 2)), case.arrivals_eflopsh.sum(axis=(0, 2))
    asked = {k.name: (float(w), k.lost_kcny_per_eflopsh) for k, w in zip(case.services, service, strict=True)}
    asked |= {b.name: (float(w), b.unfinished_kcny_per_eflopsh) for b, w in zip(case.batches, batch, strict=True)}
    if jobs := sum(job.eflops * job.duration_h for job in case.jobs):
        asked[JOBS] = (jobs, sum(job.value_kcny for job in case.jobs) / jobs)
    return {name: (work, value) for name, (work, value) in asked.items() if work > 0}


def hosted_by_class(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """region, class, site, work_eflopsh: whose work of which class is hosted where over the horizon.

    From the tables steering, batch and jobs; what is not served or dropped is hosted nowhere.
    """
    columns = ["region", "class", "site", "work_eflopsh"]
    steering, jobs = tables["steering"], tables["jobs"]
    ran = jobs[jobs["cluster"] != "dropped"].rename(columns={"cluster": "site"})
    ran["class"] = JOBS
    ran["work_eflopsh"] = ran["load_eflops"] * (ran["end_h"] - ran["start_h"])
    parts = [steering.loc[steering["site"] != "unserved", columns], tables["batch"][columns], ran[columns]]
    table = pd.concat([part for part in parts if len(part)] or parts[:1]).astype({"work_eflopsh": float})
    return table.groupby(columns[:3])["work_eflopsh"].sum().reset_index()


def isolation_rows(case: Case, tables: dict[str, pd.DataFrame]) -> list[tuple[str, str, str, float]]:
    """(scope, indicator, unit, value): the nation by sites and by zones, then the high-value work of each region."""
    hosted, name = hosted_by_class(tables), "isolation of high-value work"
    every = _by_region_and_site(case, hosted)
    high = _by_region_and_site(case, hosted[hosted["class"].isin(high_value_classes(case))])
    x, t = high.sum(axis=0), every.sum(axis=0)
    zones = [case.zone.get(case.site_region[s], "") for s in case.sites]
    in_zone = np.array([[float(zone == z) for z in zones] for zone in sorted(set(zones))])
    return [
        ("nation", "share of high-value work", "frac", float(x.sum() / t.sum()) if t.sum() else math.nan),
        ("nation", f"{name}, between sites", "frac", isolation(x, t)),
        ("nation", f"{name}, between zones", "frac", isolation(in_zone @ x, in_zone @ t)),
        *(
            (f"region {region}", name, "frac", isolation_of(mine, x, t))
            for region, mine in zip(case.regions, high, strict=True)
        ),
    ]


def _by_region_and_site(case: Case, hosted: pd.DataFrame) -> Floats:
    """(r, s), EFLOPS·h."""
    work = hosted.groupby(["region", "site"])["work_eflopsh"].sum()
    index = pd.MultiIndex.from_product([case.regions, case.sites])
    return np.asarray(work.reindex(index, fill_value=0.0), dtype=np.float64).reshape(len(case.regions), -1)
