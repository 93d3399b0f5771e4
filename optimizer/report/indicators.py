"""Indicators of a plan: a few numbers a planner quotes, and inequality between regions.

Theil's T and the Gini coefficient are population-weighted; T splits exactly into inequality between the
zones (east, central, west) and within them (Theil 1967; Cowell 2011, Measuring Inequality, ch. 3).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from scenarios.case import Case, Floats

TableSet = dict[str, pd.DataFrame]


def indicators(case: Case, tables: TableSet) -> pd.DataFrame:
    """scope, indicator, unit, value: national ones, then by zone and by site."""
    dispatch, sites = tables["dispatch"], tables["sites"]
    rows: list[tuple[str, str, str, float]] = [("nation", *row) for row in _national(case, tables)]
    merged = dispatch.merge(sites[["site", "zone"]], on="site")
    for kind, column in (("zone", "zone"), ("site", "site")):
        for name, part in merged.groupby(column):
            used = _ratio(part["load_eflops"].sum(), part["capacity_eflops"].sum())
            rows.append((f"{kind} {name}", "utilisation", "frac", used))
    return pd.DataFrame(rows, columns=["scope", "indicator", "unit", "value"])


def _national(case: Case, tables: TableSet) -> list[tuple[str, str, float]]:
    dispatch, green = tables["dispatch"], tables["green"]
    cluster_rows = dispatch[dispatch["site"].isin(case.clusters)]
    consumption = green["consumption_mwh"].sum()
    claimed = green["direct_mwh"].sum() + green["certificate_mwh"].sum()
    west = [s for s in case.clusters if case.zone.get(case.site_region[s]) == "west"]
    western = dispatch[dispatch["site"].isin(west)]
    rows = [
        ("utilisation", "frac", _ratio(dispatch["load_eflops"].sum(), dispatch["capacity_eflops"].sum())),
        (
            "cluster utilisation",
            "frac",
            _ratio(cluster_rows["load_eflops"].sum(), cluster_rows["capacity_eflops"].sum()),
        ),
        ("western cluster utilisation", "frac", _ratio(western["load_eflops"].sum(), western["capacity_eflops"].sum())),
        ("green share of clusters", "frac", _ratio(claimed, consumption)),
        ("energy", "MWh", float(dispatch["facility_mw"].sum())),
        ("carbon, location-based", "tCO2", float(dispatch["carbon_location_tco2"].sum())),
        ("carbon, market-based", "tCO2", float(dispatch["carbon_market_tco2"].sum())),
        ("served within latency", "frac", served_frac(tables["steering"])),
        ("work sent from the east to the west", "EFLOPS·h", east_west_eflopsh(case, tables["flows"])),
        ("local coverage", "frac", local_coverage_frac(case, tables["flows"])),
    ]
    return rows + _inequality(case, dispatch)


def _ratio(part: float, whole: float) -> float:
    """NaN where there is nothing to take a share of."""
    return float(part / whole) if whole else math.nan


def served_frac(steering: pd.DataFrame) -> float:
    """Share of latency-bound work that is served, and so within its limit; NaN if there is none."""
    total = steering["work_eflopsh"].sum()
    return _ratio(steering.loc[steering["site"] != "unserved", "work_eflopsh"].sum(), total)


def east_west_eflopsh(case: Case, flows: pd.DataFrame) -> float:
    origin = flows["region"].map(case.zone)
    destination = flows["site"].map(case.site_region).map(case.zone)
    return float(flows.loc[(origin == "east") & (destination == "west"), "work_eflopsh"].sum())


def local_coverage_frac(case: Case, flows: pd.DataFrame) -> float:
    """Share of all work that stays in its own province; NaN if there is none."""
    total = flows["work_eflopsh"].sum()
    home = flows["site"].map(case.site_region) == flows["region"]
    return _ratio(flows.loc[home, "work_eflopsh"].sum(), total)


def _inequality(case: Case, dispatch: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Inequality of compute dispatched in a province, per head of its people."""
    by_region = dispatch.assign(region=dispatch["site"].map(case.site_region)).groupby("region")["load_eflops"].sum()
    regions = [r for r in case.regions if r in case.population_million]
    people = np.array([case.population_million[r] for r in regions])
    amount = np.array([float(by_region.get(r, 0.0)) for r in regions])
    between, within = theil(amount, people, [case.zone[r] for r in regions])
    return [
        ("Theil of dispatched compute per head", "1", between + within),
        ("Theil between zones", "1", between),
        ("Theil within zones", "1", within),
        ("Gini of dispatched compute per head", "1", gini(amount, people)),
    ]


def theil(amount: Floats, people: Floats, groups: list[str]) -> tuple[float, float]:
    """Theil's T of amount per head, population-weighted: (between groups, within groups)."""
    total, heads = amount.sum(), people.sum()
    if not total:
        return 0.0, 0.0
    between = within = 0.0
    for group in sorted(set(groups)):
        members = np.array([g == group for g in groups])
        share = amount[members].sum() / total
        if share:
            between += share * float(np.log(share / (people[members].sum() / heads)))
            within += share * _theil_t(amount[members], people[members])
    return between, within


def _theil_t(amount: Floats, people: Floats) -> float:
    share, weight = amount / amount.sum(), people / people.sum()
    some = share > 0
    return float(np.sum(share[some] * np.log(share[some] / weight[some])))


def gini(amount: Floats, people: Floats) -> float:
    """Gini coefficient of amount per head, population-weighted, by the area under the Lorenz curve."""
    if not amount.sum():
        return 0.0
    order = np.argsort(amount / people, kind="stable")
    heads = np.concatenate([[0.0], np.cumsum(people[order]) / people.sum()])
    held = np.concatenate([[0.0], np.cumsum(amount[order]) / amount.sum()])
    return float(1 - np.sum(np.diff(heads) * (held[1:] + held[:-1])))
