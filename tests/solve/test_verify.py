"""Our own check finds what is wrong with a point, and names it."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.verify import TOLERANCE, verify
from scenarios.case import Floats
from tests.cases import two_site_case


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_case(two_site_case())


@pytest.fixture(scope="module")
def plan(program: Program) -> Floats:
    x = optimise(program, 1e-6, 60.0).x
    assert x is not None
    return x


def column(program: Program, name: str) -> int:
    return program.column_names.index(name)


def moved(plan: Floats, column: int, value: float) -> Floats:
    x = plan.copy()
    x[column] = value
    return x


def test_a_plan_holds_and_its_items_sum_to_the_objective(program: Program, plan: Floats) -> None:
    verdict = verify(program, plan)
    assert verdict.holds
    assert verdict.max_violation <= TOLERANCE
    assert verdict.objective_kcny == pytest.approx(sum(verdict.items_kcny.values()), rel=1e-12)
    assert list(verdict.items_kcny) == list(program.items)
    assert verdict.items_kcny["energy"] == pytest.approx(
        float((program.item_cost @ plan)[program.items.index("energy")]), rel=1e-12
    )


def test_a_broken_row_is_named(program: Program, plan: Floats) -> None:
    at = column(program, "grid.import_mw[East_local,1]")
    verdict = verify(program, moved(plan, at, plan[at] + 0.5))
    assert not verdict.holds
    assert verdict.worst in ("power_balances[East_local,1]", "grid.draws_within_peak[East_local,1]")
    assert verdict.max_violation == pytest.approx(0.5 / max(1.0, 2 * plan[at] + 0.5), rel=0.5)


@pytest.mark.parametrize("step", [2 * TOLERANCE, 1e-3, 1.0])
def test_a_row_broken_by_little_is_found(program: Program, plan: Floats, step: float) -> None:
    """A cost item without effect on other rows: lost service beyond one."""
    at = column(program, "service.unserved_frac[East,chat,0]")
    assert plan[at] == 0
    verdict = verify(program, moved(plan, at, 3 * step))
    assert not verdict.holds
    assert verdict.worst == "service.steers_all_demand[East,chat,0]"


@pytest.mark.parametrize(("value", "broken"), [(-0.1, True), (30.5, True), (29.0, False)])
def test_a_broken_bound_is_named(program: Program, plan: Floats, value: float, broken: bool) -> None:
    """The peak of the local site is bounded by its connection, 30 MW; a higher peak than needed breaks nothing else."""
    at = column(program, "grid.peak_mw[East_local]")
    verdict = verify(program, moved(plan, at, value))
    assert verdict.holds is not broken
    if value > 0 and broken:
        assert verdict.worst == "grid.peak_mw[East_local]"
        assert verdict.max_violation == pytest.approx(0.5 / 30.5)


def test_a_broken_integer_is_named(program: Program, plan: Floats) -> None:
    """Half a vacant rack lit: no row minds, only wholeness."""
    at = column(program, "fleet.lit[Plateau,a]")
    assert program.integer[at]
    assert verify(program, moved(plan, at, plan[at] + 1)).holds
    verdict = verify(program, moved(plan, at, plan[at] + 0.5))
    assert not verdict.holds
    assert verdict.worst == "fleet.lit[Plateau,a]"
    assert verdict.max_violation == pytest.approx(0.5)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_does_not_hold(program: Program, plan: Floats, value: float) -> None:
    at = column(program, "grid.import_mw[Plateau,1]")
    verdict = verify(program, moved(plan, at, value))
    assert not verdict.holds
    assert verdict.worst == "grid.import_mw[Plateau,1]"


def test_a_point_of_another_length_does_not_hold(program: Program, plan: Floats) -> None:
    verdict = verify(program, plan[:-1])
    assert not verdict.holds
    assert verdict.worst == f"{plan.size - 1} values for {plan.size} columns"


def test_every_perturbed_column_is_found_or_harmless(program: Program, plan: Floats) -> None:
    """Move each column by a quarter: either a row, bound or integer is broken, or the point truly is feasible."""
    found = 0
    for at in range(program.columns):
        x = moved(plan, at, plan[at] + 0.25)
        body = program.matrix @ x
        feasible = (
            (body >= program.row_lower - 1e-9).all()
            and (body <= program.row_upper + 1e-9).all()
            and (x >= program.lower - 1e-9).all()
            and (x <= program.upper + 1e-9).all()
            and not program.integer[at]
        )
        assert verify(program, x).holds is bool(feasible), program.column_names[at]
        found += not feasible
    assert found > program.columns // 2
