"""The computing-resource ledger (资源消耗台账) of a stored run: every site in every hour, with its money.

It joins what the run's tables hold; nothing is solved again. Three columns follow a convention and not the plan:
certificates and market-based carbon are spread over the hours as `dispatch_table` says, income is counted at the
wholesale price of the facts, and transfers are those of a site's hub, spread over the work that they pay for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.report.cards import filled, kept
from optimizer.report.figures import times
from optimizer.runs.store import Run
from scenarios.case import Floats

PLACE = ["site", "kind", "region", "zone", "hub"]
FIRST = [*PLACE, "hour", "time"]
LAST = ["income_wholesale_kcny", "price_kcny_per_eflopsh", "transfer_kcny"]


def ledger_table(run: Run) -> pd.DataFrame:
    """One row a site and hour: where, when, supply, load, idle, pods, power, PUE, energy, carbon, money.

    capacity_eflops is supply, load_eflops + idle_eflops what becomes of it; consumption_mwh is all that is taken from
    the grid, direct supply and new plants (facility_mw and what batteries take or give), with carbon on both ledgers
    and certificate_mwh. income_wholesale_kcny is load x the wholesale price of compute in the facts (an estimate: there
    is no market), blank if the run's facts hold none. price_kcny_per_eflopsh is the shadow price, blank where it is not
    known. transfer_kcny is what the hub receives less what it returns, by its agreements; with the regions' side, on
    `party_table`, it sums to zero.
    """
    ledger = run.table("dispatch").merge(run.table("sites")[PLACE], on="site", how="left")
    ledger["time"] = times(run.manifest["start"], ledger["hour"].tolist())
    ledger["consumption_mwh"] = ledger["import_mw"] + ledger["direct_mw"] + ledger["new_mw"]
    ledger["income_wholesale_kcny"] = ledger["load_eflops"] * wholesale_kcny_per_eflopsh(run)
    ledger["price_kcny_per_eflopsh"] = _price(run, ledger)
    ledger["transfer_kcny"] = _transfers(run, ledger)
    middle = [name for name in ledger.columns if name not in (*FIRST, *LAST)]
    return ledger[[*FIRST, *middle, *LAST]]


def site_totals(ledger: pd.DataFrame) -> pd.DataFrame:
    """One row a site over the whole horizon, of a `ledger_table`: work, supply and idle in EFLOPS·h, energy, carbon,
    money; pue_ratio weighs hours by IT power and is blank where no machine is on.
    """
    sums = [name for name in ledger.columns if name.endswith(("_kcny", "_mwh", "_tco2"))]
    hourly = ledger.assign(it_mwh=ledger["it_mw"], weighed=ledger["pue_ratio"] * ledger["it_mw"])
    work = {f"{name}_eflops": f"{name}_eflopsh" for name in ("capacity", "load", "idle")}
    groups = hourly.rename(columns=work).groupby(PLACE, sort=False, dropna=False)
    total = groups[[*work.values(), "it_mwh", "weighed", *sums]].sum(min_count=1).reset_index()
    total.insert(len(PLACE) + 4, "pue_ratio", total.pop("weighed") / total["it_mwh"].where(total["it_mwh"] > 0))
    return total


def party_table(run: Run) -> pd.DataFrame:
    """party, kind, received_kcny, paid_kcny, net_kcny of every region and hub; net_kcny sums to zero. Empty if none."""
    accounts = filled(run, "regional_accounts")
    columns = ["party", "kind", "received_kcny", "paid_kcny", "net_kcny"]
    if accounts is None:
        return pd.DataFrame(columns=columns)
    for side in ("received", "paid"):
        parts = [f"{what}_{side}_kcny" for what in ("fees", "compensation", "tax")]
        accounts[f"{side}_kcny"] = accounts[parts].astype(float).sum(axis=1)
    accounts["net_kcny"] = accounts["received_kcny"] + accounts["paid_kcny"]
    return accounts[columns]


def wholesale_kcny_per_eflopsh(run: Run) -> float:
    """The price of the run's own facts; NaN if they hold none."""
    facts = run.table("facts")
    value = facts.loc[facts["quantity"] == "compute_wholesale_kcny_per_eflopsh", "value"]
    return float(value.iloc[0]) if len(value) else np.nan


def _price(run: Run, ledger: pd.DataFrame) -> pd.Series[float]:
    prices = kept(run, "prices")
    if prices is None:
        return pd.Series(np.nan, index=ledger.index)
    priced = ledger[["site", "hour"]].merge(prices, on=["site", "hour"], how="left")
    return pd.Series(priced["price_kcny_per_eflopsh"].to_numpy(), index=ledger.index)


def _transfers(run: Run, ledger: pd.DataFrame) -> Floats:
    """Each agreement's payment on the sites and days of the work it pays for; in a day, by the site's load.

    An agreement under which nothing is hosted is spread evenly over the hub's sites and hours.
    """
    spread = np.zeros(len(ledger))
    agreements = filled(run, "agreements")
    if agreements is None:
        return spread
    flows = run.table("flows").merge(ledger.drop_duplicates("site")[["site", "hub"]], on="site")
    home = ledger.drop_duplicates("site").set_index("site")["region"]
    flows = flows[flows["site"].map(home) != flows["region"]]
    hours = _day_weights(ledger)
    for row in agreements.to_dict("records"):
        net_kcny = row["fee_kcny"] + row["compensation_kcny"] - row["returned_tax_kcny"]
        work = flows[(flows["region"] == row["region"]) & (flows["hub"] == row["hub"])]
        weight = (ledger["hub"] == row["hub"]).to_numpy(dtype=np.float64)
        if work["work_eflopsh"].sum() > 0:
            hosted = work.groupby(["site", "day"])["work_eflopsh"].sum()
            place = pd.MultiIndex.from_arrays([ledger["site"], ledger["hour"] // 24])
            weight = hosted.reindex(place, fill_value=0.0).to_numpy() * hours
        spread += net_kcny * weight / weight.sum()
    return spread


def _day_weights(ledger: pd.DataFrame) -> Floats:
    """Each hour's share of its site's load of the day; even shares where a site has none."""
    keys = [ledger["site"], ledger["hour"] // 24]
    load = ledger["load_eflops"].clip(lower=0.0)
    total, count = (load.groupby(keys).transform(how) for how in ("sum", "size"))
    return np.where(total > 0, load / total.where(total > 0), 1.0 / count)
