"""Green claims, MWh by MWh: from which source, and whose. Each is claimed once; a run with a double claim is refused.

A cluster's claims come from certificates, contracted direct supply and plants it built. What it conveys to buyer
regions with hosted work is taken from these sources in proportion and is the buyer's; the rest is the cluster's own.
"""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan

COLUMNS = ["cluster", "source", "claimant", "mwh"]
CERTIFICATES = "certificates"
TOLERANCE_MWH = 1e-5
"""A plan is feasible to 1e-6 in each row; a claim sums a few of them."""
NOTHING_MWH = 1e-9
"""Less than this is the engine's nothing."""


def green_supply(plan: Plan) -> pd.DataFrame:
    """cluster, source, mwh: certificates bought, contracted direct supply taken, and supply of plants built."""
    parts = []
    for variable, name in (("renewable.direct_mw", "contracted"), ("expansion.supply_mw", "new")):
        if plan.has(variable):
            taken = plan.frame(variable, "cluster", "carrier", "hour", value="mwh")
            total = taken.groupby(["cluster", "carrier"], as_index=False)["mwh"].sum()
            parts.append(total.assign(source=[f"{name} {carrier}" for carrier in total["carrier"]]))
    if plan.has("green.certificate_mwh"):
        bought = plan.frame("green.certificate_mwh", "cluster", value="mwh")
        parts.append(bought.assign(source=CERTIFICATES))
    if not parts:
        return pd.DataFrame(columns=["cluster", "source", "mwh"]).astype({"mwh": float})
    table = pd.concat(parts, ignore_index=True)[["cluster", "source", "mwh"]]
    some: pd.DataFrame = table[table["mwh"] > NOTHING_MWH]
    return some.sort_values(["cluster", "source"], ignore_index=True)


def conveyed(plan: Plan) -> pd.DataFrame:
    """cluster, region, mwh: claims that travel with hosted work to the region that bought it; empty without credits."""
    table = plan.frame("credit.conveyed_mwh", "region", "cluster", value="mwh").astype({"mwh": float})
    return table.loc[table["mwh"] > NOTHING_MWH, ["cluster", "region", "mwh"]].reset_index(drop=True)


def claims_table(plan: Plan) -> pd.DataFrame:
    """cluster, source, claimant (the cluster itself or a buyer region), mwh: one row per claim."""
    supply, sold = green_supply(plan), conveyed(plan)
    held = supply.groupby("cluster")["mwh"].sum()
    sold_frac = (sold.groupby("cluster")["mwh"].sum() / held).reindex(held.index).fillna(0.0)
    own = supply.assign(
        claimant=supply["cluster"], mwh=supply["mwh"] * (1 - supply["cluster"].map(sold_frac).astype(float))
    )
    bought = supply.merge(sold, on="cluster", suffixes=("", "_sold")).rename(columns={"region": "claimant"})
    bought["mwh"] *= bought["mwh_sold"] / bought["cluster"].map(held).astype(float)
    table = pd.concat([part[COLUMNS] for part in (own, bought) if len(part)] or [own[COLUMNS]])
    return table[table["mwh"] > 0].sort_values(COLUMNS[:3], ignore_index=True)


def check_claims(claims: pd.DataFrame, plan: Plan) -> None:
    """Refuse claims that no supply stands behind; ArithmeticError names each cluster and its MWh.

    Every MWh of every source is claimed once: no row stands twice or is negative, claims on a source are what the
    source gave, what buyers claim is what was conveyed to them, certificates cover no more than was drawn from the
    grid, and no more is claimed than was consumed.
    """
    faults = [*_rows(claims), *_sources(claims, green_supply(plan)), *_buyers(claims, conveyed(plan))]
    faults += _consumption(claims, plan)
    if faults:
        raise ArithmeticError("green claims do not hold: " + "; ".join(faults))


def _rows(claims: pd.DataFrame) -> list[str]:
    twice = claims[claims.duplicated(COLUMNS[:3])]
    wrong = claims[~(claims["mwh"] >= 0)]
    return [f"{c}: {mwh} MWh of {s} stand twice for {who}" for c, s, who, mwh in twice[COLUMNS].to_numpy()] + [
        f"{c}: {mwh} MWh of {s} for {who} is no amount of energy" for c, s, who, mwh in wrong[COLUMNS].to_numpy()
    ]


def _sources(claims: pd.DataFrame, supply: pd.DataFrame) -> list[str]:
    """Claims on each source against what it gave."""
    faults = []
    for (cluster, source), claimed, given in _side_by_side(claims, supply, ["cluster", "source"]):
        if claimed > given + TOLERANCE_MWH:
            excess = claimed - given
            faults.append(f"{cluster}: {excess} MWh of {source} are claimed twice ({claimed} of {given} MWh)")
        elif claimed < given - TOLERANCE_MWH:
            faults.append(f"{cluster}: {given - claimed} MWh of {source} are claimed by no one")
    return faults


def _buyers(claims: pd.DataFrame, sold: pd.DataFrame) -> list[str]:
    """Claims of each buyer against what was conveyed to it."""
    bought = claims[claims["claimant"] != claims["cluster"]]
    conveyed_to = sold.rename(columns={"region": "claimant"})
    return [
        f"{cluster}: {region} claims {claimed} MWh, {given} MWh were conveyed to it"
        for (cluster, region), claimed, given in _side_by_side(bought, conveyed_to, ["cluster", "claimant"])
        if abs(claimed - given) > TOLERANCE_MWH
    ]


def _consumption(claims: pd.DataFrame, plan: Plan) -> list[str]:
    """Certificates against what was drawn from the grid; all claims against all that was consumed."""
    sites = plan.frame("grid.import_mw", "cluster", "hour", value="mwh")
    grid = sites[sites["cluster"].isin(plan.case.clusters)]
    supply = green_supply(plan)
    consumed = pd.concat([grid, supply[supply["source"] != CERTIFICATES]])
    certified = claims[claims["source"] == CERTIFICATES]
    return [
        f"{cluster}: {claimed} MWh {what}, {given} MWh {of}"
        for what, of, mine, there in (
            ("claimed by certificates", "drawn from the grid", certified, grid),
            ("claimed", "consumed", claims, consumed),
        )
        for (cluster,), claimed, given in _side_by_side(mine, there, ["cluster"])
        if claimed > given + TOLERANCE_MWH
    ]


def _side_by_side(
    claims: pd.DataFrame, given: pd.DataFrame, key: list[str]
) -> list[tuple[tuple[str, ...], float, float]]:
    """(key, MWh claimed, MWh given) of every key on either side."""
    both = pd.concat([claims.assign(side="claimed"), given.assign(side="given")])
    pair = both.pivot_table(index=key, columns="side", values="mwh", aggfunc="sum", fill_value=0.0, dropna=False)
    pair = pair.reindex(columns=["claimed", "given"], fill_value=0.0).reset_index()
    return [(tuple(map(str, names)), float(c), float(g)) for *names, c, g in pair.to_numpy()]
