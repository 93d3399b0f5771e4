"""The live object: the same answers as from nothing, in any order, and a reason where it could not be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from optimizer.solve.live import Live, other_form
from optimizer.solve.optimum import optimise
from scenarios.case import Case
from tests.cases import random_case

GAP, LIMIT_S = 1e-6, 60.0


def varied(case: Case, seed: int) -> Case:
    """The same places, machines and jobs at other prices and another demand."""
    rng = np.random.default_rng(seed)
    energy, demand, carbon = rng.uniform(0.6, 1.2, 3)
    return replace(
        case,
        energy_kcny_per_mwh=energy * case.energy_kcny_per_mwh * rng.uniform(0.8, 1.2, case.energy_kcny_per_mwh.shape),
        demand_eflops=demand * case.demand_eflops,
        prices=replace(case.prices, carbon_kcny_per_tco2=carbon),
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_live_object_finds_what_a_fresh_one_finds(seed: int) -> None:
    first = random_case(seed)
    live = Live(compile_case(first), GAP, LIMIT_S)
    for change in range(3):
        program = compile_case(varied(first, 10 * seed + change))
        answer, cold = live.solve(program, GAP, LIMIT_S), optimise(program, GAP, LIMIT_S)
        assert answer.rebuilt is None
        assert answer.outcome.relaxed_kcny == pytest.approx(cold.relaxed_kcny, rel=1e-7)
        assert answer.outcome.objective_kcny == pytest.approx(cold.objective_kcny, rel=2 * GAP)


def test_what_is_found_does_not_depend_on_the_order() -> None:
    first = random_case(3)
    programs = [compile_case(varied(first, seed)) for seed in range(4)]
    one, other = (Live(compile_case(first), 1e-3, LIMIT_S) for _ in range(2))
    forward = [one.solve(program, 1e-3, LIMIT_S).outcome.x for program in programs]
    backward = [other.solve(program, 1e-3, LIMIT_S).outcome.x for program in reversed(programs)]
    for a, b in zip(forward, reversed(backward), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-7)


def test_an_updated_session_is_the_fresh_one() -> None:
    first = random_case(1)
    program = compile_case(varied(first, 5))
    session = Session(compile_case(first))
    session.relax(LIMIT_S)
    session.fix(np.flatnonzero(session.program.integer), np.ceil(session.program.lower[session.program.integer]))
    session.update(program)
    held, fresh = session.highs.getLp(), Session(program).highs.getLp()
    for name in ("col_cost_", "col_lower_", "col_upper_", "row_lower_", "row_upper_"):
        np.testing.assert_array_equal(getattr(held, name), getattr(fresh, name), err_msg=name)
    assert held.offset_ == fresh.offset_
    assert session.relax(LIMIT_S).objective_kcny == pytest.approx(Session(program).relax(LIMIT_S).objective_kcny)


def test_another_form_is_solved_from_nothing_and_the_reason_told() -> None:
    first = random_case(2)
    live = Live(compile_case(first), GAP, LIMIT_S)
    job = replace(first.jobs[0], name="one more")
    program = compile_case(replace(first, jobs=(*first.jobs, job)))
    answer = live.solve(program, GAP, LIMIT_S)
    assert answer.rebuilt is not None
    assert "other columns" in answer.rebuilt
    assert "one_more" in answer.rebuilt
    assert answer.outcome.objective_kcny == pytest.approx(optimise(program, GAP, LIMIT_S).objective_kcny, rel=2 * GAP)


def test_a_programme_has_its_own_form() -> None:
    case = random_case(0)
    assert other_form(compile_case(case), compile_case(varied(case, 1))) is None


def test_an_infeasible_first_programme_is_no_start() -> None:
    program = compile_case(random_case(4))
    column, lower = int(np.flatnonzero(np.isfinite(program.upper))[0]), program.lower.copy()
    lower[column] = program.upper[column] + 1.0
    live = Live(replace(program, lower=lower), GAP, LIMIT_S)
    answer = live.solve(program, GAP, LIMIT_S)
    assert answer.rebuilt == "the first programme has no plan to start from"
    assert answer.outcome.x is not None
