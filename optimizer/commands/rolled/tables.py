"""Tables of a rolled horizon: those by the hour are the windows' own, one after the other; the rest is of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from hubs import load_facts
from optimizer.commands.rolled.totals import whole_plan, write_totals
from optimizer.report.claims import check_claims, claims_table
from optimizer.report.delivery import delivery_table, position_table
from optimizer.report.dispatch import certificates_mwh, dispatch_table
from optimizer.report.expansion import expansion_table
from optimizer.report.fleet import fleet_table
from optimizer.report.green import green_table
from optimizer.report.indicators import indicators
from optimizer.report.links import link_table
from optimizer.report.provinces import province_table
from optimizer.report.regionalcarbon import regional_carbon
from optimizer.report.storage import storage_table
from optimizer.report.tables import site_table
from optimizer.report.transfers import agreement_table, regional_accounts, transfer_table
from optimizer.report.work import batch_table, flow_table, job_table, load_table, steering_table
from optimizer.rolling.whole import Items
from optimizer.solve.solution import Plan
from scenarios.build import changed_facts
from scenarios.case import Case
from scenarios.library import Loaded

TableSet = dict[str, pd.DataFrame]
DATED = {
    "dispatch": dispatch_table,
    "load": load_table,
    "flows": flow_table,
    "steering": steering_table,
    "batch": batch_table,
    "links": link_table,
    "storage": storage_table,
    "delivery": delivery_table,
}
DECIDED = 0.5


def write_window(folder: Path, plan: Plan) -> None:
    """What the tables of the whole need of one window; hours, periods and days are counted from the horizon's first."""
    plan = _with_jobs_taken_over(plan)
    horizon = plan.case.horizon
    shift = {"hour": horizon.before_h, "period": horizon.before_h // horizon.period_h, "day": horizon.before_h // 24}
    for name, build in DATED.items():
        table = build(plan)
        for column, amount in shift.items():
            if column in table and len(table):
                table[column] = table[column].astype("int64") + amount
        table.to_parquet(folder / f"{name}.parquet", index=False)
    _jobs(plan).to_parquet(folder / "jobs.parquet", index=False)
    write_totals(plan, folder)


def _with_jobs_taken_over(plan: Plan) -> Plan:
    """The same plan, whose case counts jobs that were started in earlier windows among those that run already."""
    case, name = plan.case, "jobs.earlier_running_eflops"
    if not plan.has(name) or not plan.program.index[name]:
        return plan
    taken_over = plan.program.values(name, plan.x).reshape(case.running_eflops.shape)
    return replace(plan, case=replace(case, running_eflops=case.running_eflops + taken_over))


def _jobs(plan: Plan) -> pd.DataFrame:
    """The jobs that a window starts or drops; those that wait, or ran before, are not its own."""
    table = job_table(plan)
    dropped = plan.frame("jobs.dropped_frac", "job", value="dropped")
    gone = set(dropped.loc[dropped["dropped"] > DECIDED, "job"])
    started = table["cluster"] != "dropped"
    table.loc[started, ["start_h", "end_h"]] += plan.case.horizon.before_h
    mine: pd.DataFrame = table[started | table["job"].isin(gone)]
    return mine.reset_index(drop=True)


def whole_tables(case: Case, items: Items, folders: Sequence[Path], loaded: Loaded, facts_folder: Path) -> TableSet:
    """Every table of the run, from what the windows left in their folders.

    Raises ArithmeticError if a MWh of green energy is claimed twice.
    """
    tables = {name: _joined(folders, name) for name in (*DATED, "jobs")}
    plan = whole_plan(case, folders)
    tables["dispatch"] = _certified(tables["dispatch"], plan)
    dispatch, flows, delivery = tables["dispatch"], tables["flows"], tables["delivery"]
    tables |= {
        "cost_items": pd.DataFrame(sorted(items.items()), columns=["item", "cost_kcny"]),
        "fleet": fleet_table(plan),
        "expansion": expansion_table(plan),
        "green": green_table(plan, dispatch),
        "claims": claims_table(plan),
        "regional_carbon": regional_carbon(plan, dispatch, flows),
        "agreements": agreement_table(plan),
        "transfers": transfer_table(plan),
        "regional_accounts": regional_accounts(plan),
        "positions": position_table(plan, delivery),
        "sites": site_table(case),
    }
    check_claims(tables["claims"], plan)
    tables["indicators"] = indicators(case, tables)
    tables["provinces"] = province_table(plan, None)
    facts = changed_facts(load_facts(facts_folder), loaded.scenario)
    tables["facts"] = facts.provenance
    tables["nodes"] = facts.nodes.reset_index()[["node", "kind", "lat_deg", "lon_deg"]]
    tables["sources"] = facts.sources.reset_index()
    return tables


def _joined(folders: Sequence[Path], name: str) -> pd.DataFrame:
    parts = [pd.read_parquet(folder / f"{name}.parquet") for folder in folders]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    by = {"dispatch": ["site", "hour"], "load": ["site", "hour", "work"], "links": ["link", "period"]}.get(name)
    return table.sort_values(by, kind="stable", ignore_index=True) if by else table


def _certified(dispatch: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Certificates of the whole, spread over all its hours in proportion to what is drawn, and the carbon left."""
    case = plan.case
    drawn = dispatch.groupby("site")["import_mw"].sum().reindex(case.sites)
    bought = pd.Series(certificates_mwh(plan), index=list(case.sites))
    share = dispatch["site"].map((bought / drawn.where(drawn > 0)).fillna(0.0)).astype(float)
    residual = dispatch["site"].map(pd.Series(case.residual_tco2_per_mwh, index=list(case.sites))).astype(float)
    dispatch["certificate_mwh"] = dispatch["import_mw"] * share
    dispatch["carbon_market_tco2"] = dispatch["import_mw"] * (1 - share) * residual
    return dispatch
