"""Runs in the long format of the IAMC (model, scenario, region, variable, unit, year, value) that pyam and others read.

Regions are China, its provinces and their sites (`China|Hebei|Zhangjiakou`), and hubs where they receive transfers.
The units are ours (kCNY, MWh, tCO2, EFLOPSh). A value is of the run's horizon, not of a year: `Horizon` gives its
hours, and `year` is the one it lies in. What a run does not know (NaN) has no row.

Source  IAMC template and naming, https://docs.ece.iiasa.ac.at/standards/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pandas as pd

from hubs.units import unit_of
from optimizer.report.regioncard import region_accounts
from optimizer.report.resources import ledger_table, party_table
from optimizer.report.words import english
from optimizer.runs.store import Run

COLUMNS = ["model", "scenario", "region", "variable", "unit", "year", "value"]
NATION = "China"
ENERGY = "Final Energy|Data Centers|Electricity"
BY_SITE = {
    "capacity_eflopsh": "Compute|Available",
    "load_eflopsh": "Compute|Work",
    "consumption_mwh": ENERGY,
    "import_mwh": f"{ENERGY}|Grid",
    "direct_mwh": f"{ENERGY}|Direct Supply",
    "new_mwh": f"{ENERGY}|New Plants",
    "certificate_mwh": "Green Certificates",
    "carbon_location_tco2": "Emissions|CO2|Data Centers|Location-Based",
    "carbon_market_tco2": "Emissions|CO2|Data Centers|Market-Based",
    "energy_kcny": "Expenditure|Electricity|Data Centers|Grid",
}
"""What adds up over hours and places -> its variable."""
BY_PROVINCE = {
    "asked_eflopsh": "Compute|Requested",
    "home_eflopsh": "Compute|Requested|Done At Home",
    "sent_eflopsh": "Compute|Requested|Sent To Other Provinces",
    "hosted_eflopsh": "Compute|Hosted For Other Provinces",
}
Row = tuple[str, str, str, float]
"""Region, variable, unit, value."""


def iamc_table(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Every variable of every run (by name), COLUMNS; of runs of one scenario, `scenario` also names the run."""
    counts = Counter(run.manifest["scenario"] for run in runs.values())
    parts = [_of_run(run, _scenario(name, run, counts)) for name, run in runs.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _scenario(name: str, run: Run, counts: Mapping[str, int]) -> str:
    scenario = str(run.manifest["scenario"])
    return scenario if counts[scenario] == 1 else f"{scenario} ({name})"


def _of_run(run: Run, scenario: str) -> pd.DataFrame:
    rows = [row for part in (_system(run), _sites(run), _work(run), _provinces(run), _transfers(run)) for row in part]
    table = pd.DataFrame(rows, columns=COLUMNS[2:5] + COLUMNS[6:]).dropna(subset="value")
    table.insert(3, "year", int(run.manifest["start"][:4]))
    table.insert(0, "scenario", scenario)
    table.insert(0, "model", f"computegrid {run.manifest['versions'].get('computegrid', '')}".strip())
    return table


def _system(run: Run) -> Iterator[Row]:
    told = run.manifest
    yield NATION, "Horizon", "h", float(told["hours"])
    yield NATION, "Cost|System", "kCNY", float(told["objective_kcny"])
    for item, cost in run.table("cost_items")[["item", "cost_kcny"]].itertuples(index=False):
        yield NATION, f"Cost|System|{_title(english(item))}", "kCNY", float(cost)
    for key, words in (("bound_kcny", "Lower Bound"), ("greedy_kcny", "Greedy Plan")):
        if told[key] is not None:
            yield NATION, f"Cost|{words}", "kCNY", float(told[key])
    national = run.table("indicators").query("scope == 'nation'")
    for name, unit, value in national[["indicator", "unit", "value"]].itertuples(index=False):
        yield NATION, f"Indicator|{_title(name)}", str(unit), float(value)


def _sites(run: Run) -> Iterator[Row]:
    """Each site's sums over the horizon, those of its province, and of the nation."""
    ledger = ledger_table(run)
    power = {f"{name}_mw": f"{name}_mwh" for name in ("import", "direct", "new")}
    work = {f"{name}_eflops": f"{name}_eflopsh" for name in ("capacity", "load")}
    hourly = ledger.rename(columns=power | work)
    yield from _places(hourly, BY_SITE)


def _work(run: Run) -> Iterator[Row]:
    """Work by class, at each site, in each province and in the nation."""
    load = run.table("load").merge(run.table("sites")[["site", "region"]], on="site")
    for work, part in load.groupby("work"):
        variable = f"Compute|Work|{_title(english(str(work)))}"
        yield from _places(part.rename(columns={"load_eflops": "load_eflopsh"}), {"load_eflopsh": variable})


def _places(hourly: pd.DataFrame, variables: Mapping[str, str]) -> Iterator[Row]:
    """Sums of columns (column -> variable) by nation, province and site."""
    province = f"{NATION}|" + hourly["region"].astype(str)
    for places in (pd.Series(NATION, index=hourly.index), province, province + "|" + hourly["site"].astype(str)):
        sums = hourly[list(variables)].groupby(places).sum()
        for column, variable in variables.items():
            for place, value in sums[column].items():
                yield str(place), variable, unit_of(column), float(value)


def _provinces(run: Run) -> Iterator[Row]:
    accounts = region_accounts(run)
    for column, variable in BY_PROVINCE.items():
        for region, value in accounts[["region", column]].itertuples(index=False):
            yield f"{NATION}|{region}", variable, unit_of(column), float(value)
        yield NATION, variable, unit_of(column), float(accounts[column].sum())


def _transfers(run: Run) -> Iterator[Row]:
    for party, kind, net_kcny in party_table(run)[["party", "kind", "net_kcny"]].itertuples(index=False):
        name = f"Hub {party}" if kind == "hub" else str(party)
        yield f"{NATION}|{name}", "Transfers|Net", "kCNY", float(net_kcny)


def _title(words: str) -> str:
    """'data transfer' -> 'Data Transfer'; a bar would begin another level of the tree."""
    return " ".join(word[:1].upper() + word[1:] for word in words.replace("|", "/").split())
