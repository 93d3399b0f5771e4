"""Totals that must agree, from tables that were made apart: each with its other side and the difference."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum

import pandas as pd

from optimizer.report.cards import filled
from optimizer.report.headline import national
from optimizer.report.resources import party_table
from optimizer.runs.store import Run

COLUMNS = ["account", "line", "unit", "value", "against", "counted_again_as", "difference", "agrees"]
TOLERANCE_FRAC = 1e-6
"""Sides agree when they differ by no more than this, relative to the larger of one and the account's total."""
Line = tuple[str, float, float, str]
"""Line, its value, the value against it, and how that one was come by."""


def reconciliation(run: Run) -> pd.DataFrame:
    """account, line, unit, value, against, counted_again_as, difference (value - against), agrees: one row a check.

    Cost items against the manifest, their sum against the objective, hourly bills against their items; transfers of
    each party against the payments one by one, and their sum against nothing; green claims of each cluster against its
    supply; energy of each site against what its halls and batteries take, and the sum against the national figure;
    carbon of sites and of regions; work by site against its classes. The differences sum to zero as far as numbers in
    a computer do.
    """
    accounts = (
        ("cost", "kCNY", _costs(run)),
        ("transfers", "kCNY", _transfers(run)),
        ("green claims", "MWh", _claims(run)),
        ("energy", "MWh", _energy(run)),
        ("carbon, location-based", "tCO2", _carbon(run, "location")),
        ("carbon, market-based", "tCO2", _carbon(run, "market")),
        ("work", "EFLOPS·h", _work(run)),
    )
    rows = [row for name, unit, lines in accounts for row in _rows(name, unit, list(lines))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(account: str, unit: str, lines: list[Line]) -> list[tuple[object, ...]]:
    size = max((abs(value) for _, value, _, _ in lines), default=0.0)
    allowed = TOLERANCE_FRAC * max(1.0, size)
    return [
        (account, line, unit, value, against, how, value - against, bool(abs(value - against) <= allowed))
        for line, value, against, how in lines
    ]


def _costs(run: Run) -> Iterable[Line]:
    items, told = run.table("cost_items"), run.manifest["cost_items"]
    for item, cost in zip(items["item"], items["cost_kcny"], strict=True):
        yield str(item), float(cost), float(told.get(item, 0.0)), "cost item in the manifest"
    total = fsum(items["cost_kcny"])
    yield "sum of items", total, float(run.manifest["objective_kcny"]), "objective"
    dispatch, named = run.table("dispatch"), items.set_index("item")["cost_kcny"]
    yield "energy, hour by hour", fsum(dispatch["energy_kcny"]), float(named.get("energy", 0.0)), "cost item energy"
    if "peak_shaving_kcny" in dispatch:
        income = -float(named.get("peak_shaving_income", 0.0))
        yield (
            "peak shaving, hour by hour",
            fsum(dispatch["peak_shaving_kcny"]),
            income,
            "cost item of that name, turned",
        )


def _transfers(run: Run) -> Iterable[Line]:
    parties = party_table(run)
    if parties.empty:
        return
    # A payment goes from a region to a hub, returned tax the other way; a region and a hub may have one name.
    net: dict[tuple[str, str], float] = {}
    for payer, payee, kind, kcny in run.table("transfers")[["payer", "payee", "kind", "kcny"]].to_numpy():
        sides = ("hub", "region") if kind == "returned tax" else ("region", "hub")
        for name, side, sign in ((payer, sides[0], -1.0), (payee, sides[1], 1.0)):
            net[name, side] = net.get((name, side), 0.0) + sign * kcny
    for name, kind, kcny in parties[["party", "kind", "net_kcny"]].to_numpy():
        yield f"{name} ({kind})", float(kcny), net.get((name, kind), 0.0), "payments one by one"
    yield "sum of all parties", fsum(parties["net_kcny"]), 0.0, "nothing: payments move money, they cost none"


def _claims(run: Run) -> Iterable[Line]:
    claims, green = filled(run, "claims"), run.table("green").set_index("cluster")
    if claims is None:
        return
    supply = green[["direct_mwh", "new_mwh", "certificate_mwh"]].sum(axis=1)
    held = claims.groupby("cluster")["mwh"].sum().reindex(green.index, fill_value=0.0)
    for cluster in green.index:
        yield str(cluster), float(held[cluster]), float(supply[cluster]), "direct supply, new plants and certificates"
    sold = claims.loc[claims["claimant"] != claims["cluster"], "mwh"]
    yield "conveyed to buyers", fsum(sold), fsum(green["conveyed_mwh"]), "conveyed with hosted work"
    yield "sum of claims", fsum(claims["mwh"]), fsum(supply), "sum of supply"


def _energy(run: Run) -> Iterable[Line]:
    flows = ["import_mw", "direct_mw", "new_mw", "facility_mw", "charge_mw", "discharge_mw"]
    site = run.table("dispatch").groupby("site", sort=False)[flows].sum()
    supplied = site["import_mw"] + site["direct_mw"] + site["new_mw"]
    taken = site["facility_mw"] + site["charge_mw"] - site["discharge_mw"]
    for name in site.index:
        yield str(name), float(supplied[name]), float(taken[name]), "halls, and charging less discharging"
    yield "sum of sites", fsum(supplied), _nation(run, "energy"), "national indicator"
    green = run.table("green")
    clusters = supplied.reindex(green["cluster"])
    yield "sum of clusters", fsum(clusters), fsum(green["consumption_mwh"]), "consumption in the green account"


def _carbon(run: Run, ledger: str) -> Iterable[Line]:
    sites = run.table("dispatch")[f"carbon_{ledger}_tco2"]
    yield "sum of sites", fsum(sites), _nation(run, f"carbon, {ledger}-based"), "national indicator"
    regions = filled(run, "regional_carbon")
    if regions is not None:
        yield "sum of regions that asked", fsum(regions[f"{ledger}_tco2"]), fsum(sites), "sum of sites"


def _work(run: Run) -> Iterable[Line]:
    load, dispatch = run.table("load"), run.table("dispatch")
    by_site = dispatch.groupby("site", sort=False)["load_eflops"].sum()
    by_work = load.groupby("site")["load_eflops"].sum().reindex(by_site.index, fill_value=0.0)
    for site in by_site.index:
        yield str(site), float(by_site[site]), float(by_work[site]), "sum of its classes of work"
    yield "sum of sites", fsum(dispatch["load_eflops"]), fsum(load["load_eflops"]), "sum of classes of work"


def _nation(run: Run, indicator: str) -> float:
    return national(run.table("indicators"))[indicator]
