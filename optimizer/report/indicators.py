"""Indicators of a plan: a few numbers a planner quotes, of the nation, its zones, regions and sites."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from optimizer.report.boundary import boundary_frac
from optimizer.report.inequality import gini, theil
from optimizer.report.isolation import isolation_rows
from scenarios.case import Case

TableSet = dict[str, pd.DataFrame]
Row = tuple[str, str, str, float]


def indicators(case: Case, tables: TableSet) -> pd.DataFrame:
    """scope, indicator, unit, value: national ones, then by zone, by region and by site."""
    rows = [*_national(case, tables), *_inequality(case, tables["dispatch"]), *_occupancy(tables["fleet"])]
    rows += [*_by_place(tables), *_by_zone(case, tables), *_boundary(case), *isolation_rows(case, tables)]
    rows.sort(key=lambda row: SCOPES.index(row[0].split()[0]))
    return pd.DataFrame(rows, columns=["scope", "indicator", "unit", "value"])


SCOPES = ("nation", "zone", "region", "site")


def _national(case: Case, tables: TableSet) -> list[Row]:
    dispatch, green = tables["dispatch"], tables["green"]
    clusters = dispatch[dispatch["site"].isin(case.clusters)]
    west = [s for s in case.clusters if case.zone.get(case.site_region[s]) == "west"]
    claimed = green["direct_mwh"].sum() + green["new_mwh"].sum() + green["certificate_mwh"].sum()
    supplied = dispatch["import_mw"] + dispatch["direct_mw"] + dispatch["new_mw"]
    rows = [
        ("utilisation", "frac", _utilisation(dispatch)),
        ("cluster utilisation", "frac", _utilisation(clusters)),
        ("western cluster utilisation", "frac", _utilisation(dispatch[dispatch["site"].isin(west)])),
        ("green share of clusters", "frac", _ratio(claimed, green["consumption_mwh"].sum())),
        ("energy", "MWh", float(supplied.sum())),
        ("carbon, location-based", "tCO2", float(dispatch["carbon_location_tco2"].sum())),
        ("carbon, market-based", "tCO2", float(dispatch["carbon_market_tco2"].sum())),
        ("served within latency", "frac", served_frac(tables["steering"])),
        ("work sent from the east to the west", "EFLOPS·h", east_west_eflopsh(case, tables["flows"])),
        ("local coverage", "frac", local_coverage_frac(case, tables["flows"])),
    ]
    return [("nation", *row) for row in rows]


def _ratio(part: float, whole: float) -> float:
    """NaN where there is nothing to take a share of."""
    return float(part / whole) if whole else math.nan


def _utilisation(dispatch: pd.DataFrame) -> float:
    return _ratio(dispatch["load_eflops"].sum(), dispatch["capacity_eflops"].sum())


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


def _inequality(case: Case, dispatch: pd.DataFrame) -> list[Row]:
    """Inequality of compute dispatched in a province, per head of its people."""
    by_region = dispatch.assign(region=dispatch["site"].map(case.site_region)).groupby("region")["load_eflops"].sum()
    regions = [r for r in case.regions if r in case.population_million]
    people = np.array([case.population_million[r] for r in regions])
    amount = np.array([float(by_region.get(r, 0.0)) for r in regions])
    between, within = theil(amount, people, [case.zone[r] for r in regions])
    return [
        ("nation", "Theil of dispatched compute per head", "1", between + within),
        ("nation", "Theil between zones", "1", between),
        ("nation", "Theil within zones", "1", within),
        ("nation", "Gini of dispatched compute per head", "1", gini(amount, people)),
    ]


def _occupancy(fleet: pd.DataFrame) -> list[Row]:
    """How many of the pods that stand in the clusters are on, and how many of the racks hold a pod."""
    built_in, lit = fleet["pods_installed"].sum(), fleet["pods_lit"].sum()
    standing = built_in + lit + fleet["pods_built"].sum()
    racks = built_in + fleet["pods_vacant"].sum()
    return [
        ("nation", "occupancy of pods", "frac", _ratio(fleet["pods_on"].sum(), standing)),
        ("nation", "occupancy of racks", "frac", _ratio(built_in + lit, racks)),
    ]


def _by_place(tables: TableSet) -> list[Row]:
    """Utilisation by zone and by site."""
    merged = tables["dispatch"].merge(tables["sites"][["site", "zone"]], on="site")
    return [
        (f"{kind} {name}", "utilisation", "frac", _utilisation(part))
        for kind in ("zone", "site")
        for name, part in merged.groupby(kind)
    ]


def _by_zone(case: Case, tables: TableSet) -> list[Row]:
    """Service by where it is asked for; compute dispatched at the sites of a zone, per head of its people."""
    steering, dispatch = tables["steering"], tables["dispatch"]
    origin = steering["region"].map(case.zone)
    region = dispatch["site"].map(case.site_region)
    counted = dispatch[region.isin(case.population_million)]
    mean_eflops = counted.groupby(region.map(case.zone))["load_eflops"].sum() / case.horizon.hours
    rows: list[Row] = []
    for zone in sorted({case.zone[r] for r in case.population_million if r in case.zone}):
        people = sum(case.population_million[r] for r in case.population_million if case.zone.get(r) == zone)
        per_head = _ratio(float(mean_eflops.get(zone, 0.0)), people)
        rows.append((f"zone {zone}", "served within latency", "frac", served_frac(steering[origin == zone])))
        rows.append((f"zone {zone}", "dispatched compute per head", "EFLOPS/million", per_head))
    return rows


def _boundary(case: Case) -> list[Row]:
    """Latency-bound demand within reach of some site, and of one in the region's own province."""
    asked = dict(zip(case.regions, case.demand_eflops.sum(axis=(1, 2)).tolist(), strict=True))
    rows: list[Row] = []
    for name, frac in (
        ("boundary", boundary_frac(case)),
        ("boundary, own province", boundary_frac(case, home_only=True)),
    ):
        whole = sum(frac[r] * work for r, work in asked.items() if work)
        rows.append(("nation", name, "frac", _ratio(whole, sum(asked.values()))))
        rows += [(f"region {region}", name, "frac", value) for region, value in frac.items()]
    return rows
