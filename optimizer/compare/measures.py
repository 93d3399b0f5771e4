"""What is compared of two plans: which amounts of which tables, and what whole each of them is a part of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from optimizer.report.cards import filled
from optimizer.runs.store import Run

Slack = Literal["whole", "money", "own"]
"""Part of the whole that its column sums to; an amount of money; a figure of its own."""
COLUMNS = ["place", "quantity", "unit", "value"]
DAILY = ("kCNY", "MWh", "tCO2", "EFLOPS·h", "TB")
"""Units of amounts that grow with the horizon: compared per day where horizons differ."""
HUBLESS, ZONELESS = "local sites", "no zone"


@dataclass(frozen=True)
class Measure:
    """Amounts that are read from a run as place, quantity, unit, value; None where the run has no such rows."""

    name: str
    zh: str
    en: str
    read: Callable[[Run], pd.DataFrame | None]
    slack: Slack = "whole"
    sparse: bool = True
    """Its tables list what is not zero: what is not listed in a run that has the table is nothing."""


def flows_by_zone(run: Run) -> pd.DataFrame | None:
    """Work sent from zone to zone."""
    flows = filled(run, "flows")
    if flows is None:
        return None
    sites = run.table("sites")
    zones = dict(zip(sites["region"], sites["zone"], strict=True))
    provinces = filled(run, "provinces")
    if provinces is not None:
        zones |= dict(zip(provinces["region"], provinces["zone"], strict=True))
    ends = dict(zip(sites["site"], sites["zone"], strict=True))
    origin, end = flows["region"].map(zones).fillna(ZONELESS), flows["site"].map(ends).fillna(ZONELESS)
    return _summed(origin + " → " + end, flows["work_eflopsh"], "work", "EFLOPS·h")


def flows_to_hubs(run: Run) -> pd.DataFrame | None:
    """Work sent from every region to every hub, and to local sites."""
    flows = filled(run, "flows")
    if flows is None:
        return None
    return _summed(flows["region"] + " → " + flows["site"].map(_hubs(run)), flows["work_eflopsh"], "work", "EFLOPS·h")


def hub_loads(run: Run) -> pd.DataFrame | None:
    """Work done at every hub, and at all local sites together."""
    dispatch = filled(run, "dispatch")
    return None if dispatch is None else _summed(dispatch["site"].map(_hubs(run)), dispatch["load_eflops"], *WORK)


def site_loads(run: Run) -> pd.DataFrame | None:
    """Work done at every site."""
    dispatch = filled(run, "dispatch")
    return None if dispatch is None else _summed(dispatch["site"], dispatch["load_eflops"], *WORK)


def carbon_nation(run: Run) -> pd.DataFrame | None:
    """Carbon of the nation on both ledgers."""
    table = carbon_by_site(run)
    return None if table is None else _totals(table.assign(place="nation"))


def carbon_by_site(run: Run) -> pd.DataFrame | None:
    """Carbon where it arises, on both ledgers."""
    columns = {"carbon_location_tco2": "location-based", "carbon_market_tco2": "market-based"}
    return _columns(filled(run, "dispatch"), ["site"], columns, "tCO2")


def carbon_by_region(run: Run) -> pd.DataFrame | None:
    """Carbon of the work that a region asks for, on both ledgers."""
    columns = {"location_tco2": "location-based", "market_tco2": "market-based"}
    return _columns(filled(run, "regional_carbon"), ["region"], columns, "tCO2")


def accounts(run: Run) -> pd.DataFrame | None:
    """What every region and hub receives and pays."""
    table = filled(run, "regional_accounts")
    if table is None:
        return None
    columns = {c: c.removesuffix("_kcny").replace("_", " ") for c in table.columns if c.endswith("_kcny")}
    return _columns(table, ["kind", "party"], columns, "kCNY")


def transfers(run: Run) -> pd.DataFrame | None:
    """Who pays whom."""
    table = filled(run, "transfers")
    return (
        None
        if table is None
        else _summed(table["payer"] + " → " + table["payee"], table["kcny"], table["kind"], "kCNY")
    )


def indicators(run: Run) -> pd.DataFrame | None:
    """Every indicator of the nation, its zones, regions and sites."""
    table = filled(run, "indicators")
    return None if table is None else _long(table.rename(columns={"scope": "place", "indicator": "quantity"}))


def links(run: Run) -> pd.DataFrame | None:
    """Traffic on every link, mean over the steering periods."""
    table = filled(run, "links")
    if table is None:
        return None
    means = table.groupby("link")["traffic_gbps"].mean()
    return _summed(means.index.to_series(), means, "traffic", "Gbit/s")


def jobs(run: Run) -> pd.DataFrame | None:
    """Where and when every job runs, as the work it does there; a job that is dropped does none anywhere."""
    table = filled(run, "jobs")
    if table is None:
        return None
    place = table["job"] + ": " + table["cluster"] + " from hour " + table["start_h"].astype(str)
    work = table["load_eflops"] * (table["end_h"] - table["start_h"])
    run_ = table["start_h"] >= 0
    return _summed(place[run_], work[run_], *WORK)


def built(run: Run) -> pd.DataFrame | None:
    """What a planning run builds."""
    table = filled(run, "expansion")
    if table is None:
        return None
    return _summed(table["place"], table["built"].astype(float), table["kind"] + " " + table["what"], table["unit"])


WORK = ("work", "EFLOPS·h")
MEASURES = (
    Measure("flows_by_zone", "东中西流向", "Flows between zones", flows_by_zone),
    Measure("flows", "各省至枢纽流向", "Flows from regions to hubs", flows_to_hubs),
    Measure("links", "链路流量", "Traffic of links", links),
    Measure("carbon", "全国碳排放（两种口径）", "Carbon of the nation, both ledgers", carbon_nation, sparse=False),
    Measure("carbon_by_site", "各站点碳排放", "Carbon by site, both ledgers", carbon_by_site, sparse=False),
    Measure(
        "carbon_by_region", "各省用算碳排放", "Carbon of a region's work, both ledgers", carbon_by_region, sparse=False
    ),
    Measure("accounts", "区域账户", "Regional accounts", accounts, "money", sparse=False),
    Measure("transfers", "转移支付", "Who pays whom", transfers, "money"),
    Measure("indicators", "综合指标", "Indicators", indicators, "own", sparse=False),
    Measure("hub_loads", "枢纽负荷", "Load of hubs", hub_loads, sparse=False),
    Measure("site_loads", "站点负荷", "Load of sites", site_loads, sparse=False),
    Measure("jobs", "训练任务安排", "Where jobs run", jobs),
    Measure("built", "新建", "What is built", built, "own"),
)


def _hubs(run: Run) -> dict[str, str]:
    """site -> its hub, or that it is local."""
    sites = run.table("sites")
    return {s: h or HUBLESS for s, h in zip(sites["site"], sites["hub"], strict=True)}


def _summed(places: pd.Series[str], values: pd.Series[float], quantity: object, unit: object) -> pd.DataFrame:
    """Values summed by place and quantity."""
    table = pd.DataFrame({"place": places, "quantity": quantity, "unit": unit, "value": values.astype(float)})
    return _totals(table)


def _totals(table: pd.DataFrame) -> pd.DataFrame:
    """One row by place, quantity and unit."""
    return _long(table.groupby(COLUMNS[:3])["value"].sum().reset_index())


def _columns(table: pd.DataFrame | None, places: list[str], columns: dict[str, str], unit: str) -> pd.DataFrame | None:
    """Columns of a wide table, each a quantity, summed by place."""
    if table is None:
        return None
    place = table[places[0]].astype(str)
    for name in places[1:]:
        place = place + " " + table[name].astype(str)
    return _long(pd.concat([_summed(place, table[c], name, unit) for c, name in columns.items()], ignore_index=True))


def _long(table: pd.DataFrame) -> pd.DataFrame:
    return table[COLUMNS].astype({"place": str, "quantity": str, "unit": str, "value": float})
