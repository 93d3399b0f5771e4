"""The engine: why it stopped, what it holds, and that HiGHS never speaks raw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Clock, Session, SolverError
from optimizer.solve.greedy import greedy
from optimizer.solve.optimum import Progress, gap_frac, optimise
from optimizer.solve.parts import MACHINES, columns_of, improve, split
from optimizer.solve.verify import verify
from scenarios.case import Case
from tests.cases import random_case, two_site_case


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_case(two_site_case())


def overloaded() -> Program:
    """Every region must be served in full, and no site has the machines for it."""
    case = two_site_case()
    services = tuple(replace(k, served_floor_frac=1.0) for k in case.services)
    return compile_case(replace(case, services=services, demand_eflops=100 * case.demand_eflops))


def test_a_plan_is_proved_within_the_gap(program: Program) -> None:
    heard: list[Progress] = []
    outcome = optimise(program, 1e-6, 60.0, heard.append)
    assert (outcome.stop, outcome.words) == ("gap reached", "proved optimal within gap")
    assert outcome.x is not None
    assert outcome.verdict is not None
    assert outcome.gap_frac <= 1e-6
    assert outcome.relaxed_kcny <= outcome.bound_kcny <= outcome.objective_kcny
    assert outcome.objective_kcny == outcome.verdict.objective_kcny == pytest.approx(float(program.cost @ outcome.x))
    assert heard[0].stage == "relaxation"
    assert heard[0].gap_frac == np.inf
    bounds = [progress.bound_kcny for progress in heard]
    assert bounds == sorted(bounds)


def test_an_infeasible_case_is_said_to_be_so() -> None:
    outcome = optimise(overloaded(), 1e-3, 60.0)
    assert (outcome.stop, outcome.words, outcome.x) == ("infeasible", "infeasible", None)
    assert outcome.verdict is None
    assert outcome.gap_frac == np.inf


def test_infeasible_only_in_whole_numbers_is_infeasible() -> None:
    """One pod may be half on in the relaxation; as a whole one it draws more than the connection gives."""
    case = two_site_case()
    pod = replace(case.generations[0], idle_mw=0.5, peak_mw=0.5)
    tight = replace(
        case,
        generations=(pod,),
        jobs=(),
        blocks=tuple(b for b in case.blocks if b not in ("renewable", "jobs", "batch", "green")),
        running_eflops=np.zeros_like(case.running_eflops),
        demand_eflops=0.01 * case.demand_eflops,
        services=tuple(replace(k, served_floor_frac=1.0) for k in case.services),
        connection_mw=np.array([0.3, 30.0]),
    )
    program = compile_case(tight)
    assert Session(program).relax(10.0).status == "optimal"
    outcome = optimise(program, 1e-3, 60.0)
    assert (outcome.stop, outcome.x) == ("infeasible", None)


def test_no_time_is_a_time_limit(program: Program) -> None:
    outcome = optimise(program, 1e-6, 0.0)
    assert (outcome.stop, outcome.x) == ("time limit", None)
    assert outcome.words == "no plan found within the time limit"
    assert outcome.bound_kcny == -np.inf


def test_a_cost_without_floor_is_unbounded(program: Program) -> None:
    outcome = optimise(replace(program, item_cost=-program.item_cost), 1e-6, 60.0)
    assert (outcome.stop, outcome.x) == ("unbounded", None)


@pytest.mark.parametrize("field", ["lower", "upper", "row_lower", "row_upper"])
def test_what_highs_refuses_is_said_in_words(program: Program, field: str) -> None:
    broken = getattr(program, field).astype(float)
    broken[3] = np.nan
    with pytest.raises(SolverError, match="HiGHS failed while passing the model"):
        Session(replace(program, **{field: broken}))


def test_bounds_change_and_come_back(program: Program) -> None:
    session = Session(program)
    free = session.relax(10.0)
    column = program.column_names.index("grid.peak_mw[East_local]")
    session.bound(np.array([column]), np.array([20.0]), np.array([20.0]))
    dearer = session.resolve(10.0)
    assert dearer.x is not None
    assert dearer.x[column] == pytest.approx(20.0)
    assert dearer.objective_kcny > free.objective_kcny + 1e-3
    session.release()
    assert session.resolve(10.0).objective_kcny == pytest.approx(free.objective_kcny, rel=1e-9)


def test_branch_and_bound_agrees_with_the_engine(program: Program) -> None:
    ours = optimise(program, 1e-7, 60.0)
    found = Session(program).branch_and_bound(None, 1e-7, 60.0)
    assert found.status == "optimal"
    assert found.objective_kcny == pytest.approx(ours.objective_kcny, rel=1e-6)
    assert found.bound_kcny <= ours.objective_kcny * (1 + 1e-7)
    started = Session(program).branch_and_bound(ours.x, 1e-7, 60.0)
    assert started.objective_kcny == pytest.approx(ours.objective_kcny, rel=1e-6)


def test_the_engine_is_deterministic() -> None:
    first, second = (optimise(compile_case(random_case(5)), 1e-4, 60.0) for _ in range(2))
    assert first.objective_kcny == second.objective_kcny
    assert first.x is not None
    np.testing.assert_array_equal(first.x, second.x)


@pytest.mark.parametrize(
    ("best", "bound", "gap"), [(100.0, 99.0, 0.01), (np.inf, 5.0, np.inf), (5.0, -np.inf, np.inf), (3.0, 4.0, 0.0)]
)
def test_gap(best: float, bound: float, gap: float) -> None:
    assert gap_frac(best, bound) == pytest.approx(gap)


def test_clock_counts_down() -> None:
    assert Clock(0.0).left_s == 0.0
    assert 9.0 < Clock(10.0).left_s <= 10.0


def test_parts_share_no_row_and_cover_all_free_columns(program: Program) -> None:
    free = columns_of(program, MACHINES)
    parts = list(split(program, free))
    columns = np.concatenate([part.columns for part in parts])
    assert sorted(columns.tolist()) == free.tolist()
    seen: set[int] = set()
    for part in parts:
        rows = set(part.rows.tolist())
        assert not rows & seen
        seen |= rows
    touched = np.flatnonzero(abs(program.matrix[:, free]) @ np.ones(free.size))
    assert seen == set(touched.tolist())


WITH_GREEDY = tuple(replace(case, innovation=None) for case in (two_site_case(), *map(random_case, range(1, 7))))


@pytest.mark.parametrize("case", WITH_GREEDY, ids=lambda case: case.name)
def test_improving_a_plan_never_makes_it_dearer(case: Case) -> None:
    program = compile_case(case)
    rival = greedy(case, program, Clock(30.0))
    assert rival is not None
    better = improve(program, rival, columns_of(program, MACHINES), 1e-6, Clock(30.0), 10.0)
    assert better is not None
    assert verify(program, better).holds
    assert program.cost @ better <= program.cost @ rival * (1 + 1e-6) + 1e-9


def test_greedy_is_a_plan_and_never_better_than_the_optimum() -> None:
    for case in WITH_GREEDY:
        program = compile_case(case)
        rival = greedy(case, program, Clock(30.0))
        assert rival is not None, case.name
        verdict = verify(program, rival)
        assert verdict.holds, verdict.worst
        best = optimise(program, 1e-6, 60.0)
        assert verdict.objective_kcny >= best.objective_kcny * (1 - 1e-6)


def test_greedy_gives_no_plan_where_its_placement_breaks_a_rule() -> None:
    case = replace(random_case(0), innovation=None)
    program = compile_case(case)
    assert greedy(case, program, Clock(30.0)) is None
    assert optimise(program, 1e-6, 60.0).x is not None
