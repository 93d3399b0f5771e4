"""A horizon rolled in windows: the undivided programme is the judge of every claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.rolling.roll import Whole
from optimizer.rolling.seam import RULES, Part, handed_on, taken_over
from optimizer.rolling.window import window
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from optimizer.solve.solution import Plan
from optimizer.solve.verify import Verdict, verify
from scenarios.case import Case
from tests.cases import full_case, random_case
from tests.rolling.longer import longer
from tests.rolling.stitch import rolled, stitched

DAYS = 4
EXACT = 1e-6


@pytest.fixture(scope="module")
def case() -> Case:
    """Every block but expansion, four days; power is dear on every other, so that jobs wait for the next."""
    case = longer(full_case(expansion=None), DAYS, seed=8, jobs=16)
    dear = np.where(np.arange(case.horizon.hours) // 24 % 2 == 0, 1.5, 1.0)
    return replace(
        case,
        generations=tuple(replace(g, min_up_h=5) for g in case.generations),
        energy_kcny_per_mwh=case.energy_kcny_per_mwh * dear,
    )


@pytest.fixture(scope="module")
def program(case: Case) -> Program:
    return compile_case(case)


@pytest.fixture(scope="module")
def optimum(program: Program) -> float:
    found = Session(program).branch_and_bound(None, 1e-8, 60.0)
    assert found.status == "optimal"
    return found.objective_kcny


@pytest.fixture(scope="module")
def daily(case: Case, tmp_path_factory: pytest.TempPathFactory) -> tuple[Whole, list[Plan]]:
    return rolled(case, 1, 1, tmp_path_factory.mktemp("daily"))


@pytest.fixture(scope="module")
def stitched_verdict(case: Case, program: Program, daily: tuple[Whole, list[Plan]]) -> tuple[Verdict, np.ndarray]:
    x = stitched(case, program, daily[1])
    return verify(program, x), x


def test_a_window_as_long_as_the_horizon_gives_the_undivided_optimum(
    case: Case, optimum: float, program: Program, tmp_path: Path
) -> None:
    whole, plans = rolled(case, DAYS, 0, tmp_path)
    assert len(plans) == 1
    assert whole.objective_kcny == pytest.approx(optimum, rel=EXACT)
    assert whole.bound_kcny == pytest.approx(Session(program).relax(60.0).objective_kcny, rel=EXACT)


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_so_it_does_on_random_cases_of_two_days(seed: int, tmp_path: Path) -> None:
    small = longer(random_case(seed), 2, seed, jobs=2)
    found = Session(compile_case(small)).branch_and_bound(None, 1e-8, 60.0)
    whole, _ = rolled(small, 2, 1, tmp_path)
    assert whole.objective_kcny == pytest.approx(found.objective_kcny, rel=EXACT)


def test_the_windows_together_are_a_point_of_the_undivided_programme(
    daily: tuple[Whole, list[Plan]], stitched_verdict: tuple[Verdict, np.ndarray]
) -> None:
    """Every row and bound of the whole horizon holds, those over seams and the budgets among them."""
    verdict, _ = stitched_verdict
    assert len(daily[1]) == DAYS
    assert verdict.max_violation < 1e-9, verdict.worst


def test_it_costs_there_what_the_roll_says_item_by_item(
    daily: tuple[Whole, list[Plan]], stitched_verdict: tuple[Verdict, np.ndarray]
) -> None:
    verdict, _ = stitched_verdict
    assert daily[0].items_kcny == pytest.approx(verdict.items_kcny, rel=1e-9, abs=1e-9)


def test_the_roll_lies_between_its_bound_and_what_short_sight_may_cost(
    daily: tuple[Whole, list[Plan]], optimum: float
) -> None:
    whole, _ = daily
    assert whole.bound_kcny <= optimum <= whole.objective_kcny
    assert whole.objective_kcny < 1.01 * optimum
    assert whole.bound_kcny > 0.95 * optimum


def test_looking_ahead_pays(case: Case, daily: tuple[Whole, list[Plan]], tmp_path: Path) -> None:
    blind, _ = rolled(case, 1, 0, tmp_path)
    assert blind.objective_kcny > daily[0].objective_kcny
    assert blind.bound_kcny < daily[0].bound_kcny


def test_budgets_hold_exactly_over_the_seams(case: Case, daily: tuple[Whole, list[Plan]]) -> None:
    """Funds, least volumes, least takes and green shares of the horizon, from the windows' own variables."""
    terms, plans = case.cooperation, daily[1]
    assert terms is not None

    def total(variable: str) -> float:
        return sum(float(plan.program.values(variable, plan.x).sum()) for plan in plans)

    assert total("cooperation.transfer_kcny") <= sum(terms.fund_kcny.values()) + EXACT
    assert (
        total("cooperation.transfer_kcny")
        >= terms.compensation_kcny_per_eflopsh * total("cooperation.outsourced_eflopsh") - EXACT
    )
    agreed = plans[0].program.values("cooperation.agreement", plans[0].x).sum()
    assert total("cooperation.outsourced_eflopsh") >= terms.minimum_eflopsh * agreed - EXACT
    band = next(p for p in case.positions if p.kind == "take-or-pay")
    settled = sum(
        plan.frame(f"delivery.{name}", "position", "day", value="v").query("position == 'band'")["v"].sum()
        for plan in plans
        for name in ("delivered_eflopsh", "undelivered_eflopsh")
    )
    assert settled + total("delivery.untaken_eflopsh") >= band.take_frac * band.quantity_eflops.sum() - EXACT
    supplied, conveyed = total("renewable.direct_mw"), total("credit.conveyed_mwh")
    drawn = sum(plan.frame("grid.import_mw", "s", "t", value="v").query("s == 'Plateau'")["v"].sum() for plan in plans)
    own = supplied + total("green.certificate_mwh") - conveyed + total("green.shortfall_mwh")
    assert own >= case.green_target_frac[0] * (drawn + supplied - conveyed) - EXACT
    assert total("green.certificate_mwh") <= drawn + EXACT


def test_a_budget_that_binds_is_spent_to_the_end_and_no_further(case: Case, tmp_path: Path) -> None:
    terms = case.cooperation
    assert terms is not None
    # Nine tenths of what unbound compensation comes to.
    free, plans = rolled(case, 2, 1, tmp_path / "free")
    paid = sum(float(p.program.values("cooperation.transfer_kcny", p.x).sum()) for p in plans)
    tight = replace(case, cooperation=replace(terms, fund_kcny=dict.fromkeys(terms.fund_kcny, 0.9 * paid)))
    bound, plans = rolled(tight, 1, 1, tmp_path / "tight")
    spent = sum(float(p.program.values("cooperation.transfer_kcny", p.x).sum()) for p in plans)
    program = compile_case(tight)
    assert spent == pytest.approx(0.9 * paid, rel=1e-6)
    assert verify(program, stitched(tight, program, plans)).max_violation < 1e-9
    assert bound.objective_kcny > free.objective_kcny


def test_whatever_a_window_takes_over_has_a_rule_that_says_where_it_comes_from(case: Case) -> None:
    first, second = (Part(cut, compile_case(cut)) for cut in (window(case, 0, 48), window(case, 48, 48)))
    assert set(taken_over(second.program)) == set(RULES)
    matrix = handed_on(first, second)
    for name in RULES:
        columns = second.program.variables[name]
        assert np.diff(matrix.indptr)[columns[columns >= 0]].any(), name


def test_every_kind_of_seam_is_crossed(daily: tuple[Whole, list[Plan]]) -> None:
    """So that the other tests are about something: each state is handed on with a value at some seam."""
    crossed = {
        name
        for plan in daily[1]
        for name in plan.program.variables
        if ".earlier_" in name and np.abs(plan.program.values(name, plan.x)).max(initial=0.0) > EXACT
    }
    assert crossed == {
        "fleet.earlier_pods_on",
        "fleet.earlier_started",
        "storage.earlier_mwh",
        "batch.earlier_queue_eflopsh",
        "batch.earlier_allowed_eflopsh",
        "jobs.earlier_running_eflops",
        "jobs.earlier_hosted_eflopsh",
        "jobs.earlier_waiting_frac",
    }
