"""Tidy tables of a plan: long, one fact a row, the unit in the column name. Each has its file; here is their list."""

from __future__ import annotations

import pandas as pd

from optimizer.report.claims import claims_table
from optimizer.report.delivery import delivery_table, position_table
from optimizer.report.dispatch import dispatch_table as dispatch_table
from optimizer.report.expansion import expansion_table
from optimizer.report.fleet import fleet_table
from optimizer.report.green import green_table
from optimizer.report.links import link_table
from optimizer.report.regionalcarbon import regional_carbon
from optimizer.report.storage import storage_table
from optimizer.report.transfers import agreement_table, regional_accounts, transfer_table
from optimizer.report.work import batch_table, flow_table, job_table, load_table, steering_table
from optimizer.solve.solution import Plan
from scenarios.case import Case


def plan_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Every table of a run, by name; those of a block that was absent are empty."""
    dispatch, flows, delivery = dispatch_table(plan), flow_table(plan), delivery_table(plan)
    return {
        "cost_items": cost_items(plan),
        "dispatch": dispatch,
        "load": load_table(plan),
        "flows": flows,
        "steering": steering_table(plan),
        "batch": batch_table(plan),
        "jobs": job_table(plan),
        "links": link_table(plan),
        "fleet": fleet_table(plan),
        "storage": storage_table(plan),
        "expansion": expansion_table(plan),
        "green": green_table(plan, dispatch),
        "claims": claims_table(plan),
        "regional_carbon": regional_carbon(plan, dispatch, flows),
        "agreements": agreement_table(plan),
        "transfers": transfer_table(plan),
        "regional_accounts": regional_accounts(plan),
        "delivery": delivery,
        "positions": position_table(plan, delivery),
        "sites": site_table(plan.case),
    }


def cost_items(plan: Plan) -> pd.DataFrame:
    """item, cost_kcny."""
    return pd.DataFrame(sorted(plan.items_kcny().items()), columns=["item", "cost_kcny"])


def site_table(case: Case) -> pd.DataFrame:
    """site, kind, region, zone, hub, capacity_eflops (usable)."""
    rows = [
        (
            s,
            "cluster" if s in case.site_hub else "local",
            r,
            case.zone.get(r, ""),
            case.site_hub.get(s, ""),
            case.usable_eflops(s),
        )
        for s, r in case.site_region.items()
    ]
    return pd.DataFrame(rows, columns=["site", "kind", "region", "zone", "hub", "capacity_eflops"])
