"""Tables of a plan add up: with one another, with the case, and with the objective."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer.report.tables import plan_tables
from optimizer.solve.solution import Plan

CLOSE = 1e-6


@pytest.fixture(scope="module")
def tables(plan: Plan) -> dict[str, pd.DataFrame]:
    return plan_tables(plan)


def test_load_by_work_sums_to_the_load_dispatched(tables: dict[str, pd.DataFrame]) -> None:
    dispatch = tables["dispatch"].set_index(["site", "hour"])["load_eflops"]
    load = tables["load"].groupby(["site", "hour"])["load_eflops"].sum().reindex(dispatch.index, fill_value=0.0)
    assert dispatch.sum() > 0
    np.testing.assert_allclose(load, dispatch, atol=CLOSE)


def test_every_piece_of_demand_is_in_a_flow_or_lost(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    case, steering, jobs = plan.case, tables["steering"], tables["jobs"]
    lost = steering.loc[steering["site"] == "unserved", "work_eflopsh"].sum()
    ran = jobs[jobs["cluster"] != "dropped"]
    job_work = (ran["load_eflops"] * (ran["end_h"] - ran["start_h"])).sum()
    expected = case.demand_eflops.sum() - lost + case.arrivals_eflopsh.sum() + job_work
    assert tables["flows"]["work_eflopsh"].sum() == pytest.approx(expected, rel=CLOSE)


def test_steering_gives_all_demand_a_place(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    case = plan.case
    steered = tables["steering"].groupby(["region", "class"])["work_eflopsh"].sum()
    demand = pd.DataFrame(case.demand_eflops.sum(axis=2), case.regions, [k.name for k in case.services]).stack()
    np.testing.assert_allclose(steered.reindex(demand.index), demand, rtol=CLOSE)


def test_batch_work_of_each_region_is_assigned(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    assigned = tables["batch"].groupby("region")["work_eflopsh"].sum()
    np.testing.assert_allclose(
        assigned.reindex(plan.case.regions), plan.case.arrivals_eflopsh.sum(axis=(1, 2)), rtol=CLOSE
    )


def test_cost_items_sum_to_the_objective(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    objective = plan.program.cost @ plan.x + plan.program.offset
    assert tables["cost_items"]["cost_kcny"].sum() == pytest.approx(objective, rel=1e-9)


def test_ledger_of_power_and_carbon(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    case, ledger = plan.case, tables["dispatch"].set_index("site")
    np.testing.assert_allclose(ledger["facility_mw"], ledger["import_mw"] + ledger["direct_mw"])
    assert (ledger["facility_mw"] >= ledger["it_mw"] * ledger["pue_ratio"] - CLOSE).all()
    assert (ledger["load_eflops"] + ledger["idle_eflops"] >= ledger["capacity_eflops"] - CLOSE).all()
    drawn = ledger.groupby("site")["import_mw"].sum().loc[list(case.sites)]
    by_site = ledger.groupby("site").sum(numeric_only=True).loc[list(case.sites)]
    np.testing.assert_allclose(by_site["carbon_location_tco2"], drawn * case.grid_tco2_per_mwh)
    unclaimed = drawn - by_site["certificate_mwh"]
    np.testing.assert_allclose(by_site["carbon_market_tco2"], unclaimed * case.residual_tco2_per_mwh, atol=CLOSE)


def test_green_account_meets_its_target_or_names_the_shortfall(tables: dict[str, pd.DataFrame]) -> None:
    green = tables["green"]
    covered = green["direct_mwh"] + green["certificate_mwh"] + green["shortfall_mwh"]
    assert (covered >= green["target_frac"] * green["consumption_mwh"] - CLOSE).all()
    np.testing.assert_allclose(green["green_frac"] * green["consumption_mwh"], covered - green["shortfall_mwh"])


def test_jobs_run_whole_between_release_and_deadline(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    jobs = tables["jobs"].set_index("job")
    assert set(jobs.index) == {job.name for job in plan.case.jobs}
    ran = [job for job in plan.case.jobs if jobs.loc[job.name, "cluster"] != "dropped"]
    assert ran
    for job in ran:
        start, end = jobs.loc[job.name, ["start_h", "end_h"]]
        assert end - start == job.duration_h
        assert max(0, job.release_h) <= start
        assert end <= job.deadline_h


def test_no_link_carries_more_than_it_can(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    links = tables["links"]
    assert len(links) == len(plan.case.links) * plan.case.horizon.periods
    assert links["traffic_gbps"].sum() > 0
    assert (links["traffic_gbps"] <= links["capacity_gbps"] + CLOSE).all()


def test_sites_have_the_capacity_of_the_case(plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    sites = tables["sites"].set_index("site")
    assert dict(sites["kind"]) == {"Plateau": "cluster", "East local": "local"}
    for site in plan.case.sites:
        assert sites.loc[site, "capacity_eflops"] == plan.case.usable_eflops(site)
