"""Regional accounts on the page: what each province asks for, hosts, draws, emits and, under agreements, pays."""

from __future__ import annotations

import pandas as pd

from optimizer.report.cards import Card, account_table, records
from optimizer.report.resources import party_table
from optimizer.runs.store import Run

COLUMNS = {
    "asked_eflopsh": "work asked for, EFLOPS·h",
    "home_eflopsh": "of it done at home",
    "sent_eflopsh": "sent to others",
    "hosted_eflopsh": "hosted for others",
    "energy_mwh": "energy of its sites, MWh",
    "location_tco2": "t CO₂, location",
    "market_tco2": "t CO₂, market",
}
NET = "net transfers, kCNY"


def region_accounts(run: Run) -> pd.DataFrame:
    """region, the columns of COLUMNS, and net_kcny under agreements if the run has any; by zone and name."""
    sites, flows, dispatch = run.table("sites"), run.table("flows"), run.table("dispatch")
    home = dict(zip(sites["site"], sites["region"], strict=True))
    zone = dict(zip(sites["region"], sites["zone"], strict=True))
    to = flows["site"].map(home)
    own = flows["region"] == to
    work = {
        "asked_eflopsh": flows.groupby("region")["work_eflopsh"].sum(),
        "home_eflopsh": flows[own].groupby("region")["work_eflopsh"].sum(),
        "sent_eflopsh": flows[~own].groupby("region")["work_eflopsh"].sum(),
        "hosted_eflopsh": flows[~own].groupby(to[~own])["work_eflopsh"].sum(),
    }
    where = dispatch["site"].map(home)
    drawn = (dispatch["import_mw"] + dispatch["direct_mw"] + dispatch["new_mw"]).groupby(where).sum()
    carbon = {f"{n}_tco2": dispatch[f"carbon_{n}_tco2"].groupby(where).sum() for n in ("location", "market")}
    regions = sorted({*home.values(), *flows["region"]}, key=lambda name: (zone.get(name, ""), name))
    every = work | {"energy_mwh": drawn} | carbon
    table = pd.DataFrame({name: column.reindex(regions) for name, column in every.items()}).astype(float).fillna(0.0)
    parties = party_table(run)
    if len(parties):
        net = parties[parties["kind"] == "region"].set_index("party")["net_kcny"]
        table["net_kcny"] = net.reindex(regions).astype(float).fillna(0.0).to_numpy()
    return table.rename_axis("region").reset_index()


def region_card(run: Run) -> Card:
    """The accounts with their totals."""
    accounts = region_accounts(run)
    columns = COLUMNS | ({"net_kcny": NET} if "net_kcny" in accounts else {})
    note = "Work by where it is asked for and where it is done, over the horizon. Carbon is that of the sites in the "
    note += "province, whoever they work for. "
    if "net_kcny" in accounts:
        note += (
            "Received is positive; what the regions pay net is what the hubs receive, so that all parties sum to zero."
        )
    else:
        note += "No transfers: this run has no cooperation agreements."
    rows = records(accounts, "region", columns)
    return Card(
        "分省账户",
        "Regional accounts",
        account_table(("region", *columns.values()), rows, total=True),
        note,
        total=True,
    )
