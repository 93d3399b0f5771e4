"""What a plan does at clusters: nothing that was sent is lost on the way to the hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.market.duals import COMPUTE, rows_of
from optimizer.market.placed import (
    cluster_load_eflops,
    cluster_prices_kcny_per_eflopsh,
    home_kcny_per_eflopsh,
    work_eflops,
)
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from tests.cases import two_site_case


@pytest.fixture(scope="module")
def plan() -> Plan:
    case = two_site_case()
    program = compile_case(case)
    outcome = optimise(program, 1e-6, 60.0)
    assert outcome.x is not None
    return Plan(case, program, outcome.x)


def test_work_of_a_day_is_what_was_sent(plan: Plan) -> None:
    work = work_eflops(plan, ("East", "West"))
    hosted = plan.frame("hosting.hosted_eflopsh", "region", "site", "day", value="eflopsh")
    there = hosted[hosted["site"] == "Plateau"]
    sent = [float(there["eflopsh"][there["region"] == r].sum()) for r in ("East", "West")]
    assert work[:, 0].sum(axis=1) == pytest.approx(sent, abs=1e-6)
    assert min(sent) > 1.0
    # What the plateau runs is work sent there and the jobs it already held.
    load = cluster_load_eflops(plan.case, plan.program, plan.x)
    assert load.sum() == pytest.approx(sum(sent) + plan.case.running_eflops.sum(), abs=1e-6)


def test_services_stand_in_their_own_hours(plan: Plan) -> None:
    """Without batch work and jobs the hour of all work is known: it is the load itself."""
    bare = replace(plan.case, arrivals_eflopsh=0 * plan.case.arrivals_eflopsh, jobs=(), running_eflops=np.zeros((1, 4)))
    program = compile_case(bare)
    outcome = optimise(program, 1e-6, 60.0)
    assert outcome.x is not None
    served = Plan(bare, program, outcome.x)
    work = work_eflops(served, ("East", "West"))
    assert work.sum(axis=0) == pytest.approx(cluster_load_eflops(bare, program, outcome.x), abs=1e-6)
    assert np.ptp(work[0, 0]) > 0.1


def test_each_cluster_reads_its_own_duals(plan: Plan) -> None:
    rows = rows_of(plan.program, COMPUTE)
    dual = np.arange(plan.program.rows, dtype=float)
    prices = cluster_prices_kcny_per_eflopsh(plan.case, plan.program, dual)
    expected = {plan.program.row_keys[row][1]: float(row) for row in rows.tolist()}
    assert prices[0].tolist() == [expected["Plateau", hour] for hour in range(4)]


def test_running_at_home_costs_energy_and_carbon_there(plan: Plan) -> None:
    case = plan.case
    local = case.sites.index("East local")
    factor = (case.grid_tco2_per_mwh if case.carbon_ledger == "location" else case.residual_tco2_per_mwh)[local]
    carbon = case.prices.carbon_kcny_per_tco2 * factor
    expected = 3.5 * case.pue_ratio[local] * (case.energy_kcny_per_mwh[local] + carbon)
    assert home_kcny_per_eflopsh(case, "East") == pytest.approx(expected, rel=1e-12)
    assert np.isnan(home_kcny_per_eflopsh(case, "West")).all()
    free = replace(case, blocks=tuple(b for b in case.blocks if b != "carbon"))
    assert (home_kcny_per_eflopsh(free, "East") < expected).all()
