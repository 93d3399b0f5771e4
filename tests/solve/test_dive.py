"""The dive: which choices there are, and that it leaves every integer whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.dive import choices, limits, round_counts, settle_choices, settle_limits, settle_places
from optimizer.solve.engine import Clock, Session
from optimizer.solve.verify import verify
from scenarios.case import Case, Floats
from tests.cases import full_case, random_case, two_site_case
from tests.solve.warehouses import warehouses


def small_program(rows: list[list[float]], lower: list[float], upper: list[float], cost: list[float]) -> Program:
    """Binary columns x0, x1, … under the rows given."""
    matrix = sparse.csr_array(np.array(rows, dtype=float))
    count = matrix.shape[1]
    return Program(
        items=("all",),
        item_cost=sparse.csr_array(np.array([cost], dtype=float)),
        item_offset=np.zeros(1),
        matrix=matrix,
        row_lower=np.array(lower, dtype=float),
        row_upper=np.array(upper, dtype=float),
        lower=np.zeros(count),
        upper=np.ones(count),
        integer=np.ones(count, dtype=bool),
        variables={"x": np.arange(count)},
        index={"x": tuple(range(count))},
        row_keys=tuple(("row", number) for number in range(len(rows))),
        units={"x": "[1] a choice", "row": "[1] a rule"},
    )


def test_a_choice_is_a_row_of_binaries_that_sum_to_one() -> None:
    program = small_program([[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]], [1, 1, -np.inf], [1, 1, 1], [0] * 5)
    binaries, found = choices(program)
    assert binaries.tolist() == [0, 1, 2, 3], "a binary in no such row is no choice"
    assert found.tolist() == [0, 0, 1, 1]


def test_jobs_are_the_choices_of_a_case() -> None:
    program = compile_case(two_site_case())
    binaries, found = choices(program)
    assert set(binaries) == set(program.variables["jobs.start"])
    job_of = dict(
        zip(program.variables["jobs.start"].tolist(), [job for job, *_ in program.index["jobs.start"]], strict=True)
    )
    jobs = [job_of[column] for column in binaries.tolist()]
    assert len(set(zip(found.tolist(), jobs, strict=True))) == len(set(jobs)) == len(set(found.tolist())) == 2


def test_settling_takes_one_member_of_each_choice() -> None:
    program = small_program([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], [1, 1, -np.inf], [1, 1, 1], [1, 3, 2, 7])
    session = Session(program)
    point = settle_choices(session, session.relax(10.0), Clock(10.0), lambda _: None)
    assert point.x is not None
    np.testing.assert_allclose(point.x, [0, 1, 1, 0], atol=1e-9)
    assert point.objective_kcny == pytest.approx(5.0)


def test_a_dive_ends_in_a_plan_no_cheaper_than_the_relaxation_or_says_there_is_none() -> None:
    plans = 0
    for case in (two_site_case(), *map(random_case, range(8))):
        program = compile_case(case)
        session, clock = Session(program), Clock(30.0)
        relaxed = session.relax(30.0)
        settled = settle_choices(session, relaxed, clock, lambda _: None)
        rounded = round_counts(session, settled, clock, lambda _: None)
        if rounded.x is None:
            assert rounded.status == "infeasible"
            continue
        plans += 1
        assert verify(program, rounded.x).holds
        np.testing.assert_array_equal(rounded.x[program.integer], np.round(rounded.x[program.integer]))
        assert rounded.objective_kcny >= relaxed.objective_kcny * (1 - 1e-9)
    assert plans >= 5


def test_a_dive_that_meets_no_plan_says_so() -> None:
    """Choices that the rows forbid: both binaries wanted, a third rule takes both away."""
    program = small_program([[1, 1], [2, 2]], [1, 1], [1, 1], [1, 1])
    session = Session(replace(program))
    relaxed = session.relax(10.0)
    assert relaxed.status == "infeasible"
    assert settle_choices(session, relaxed, Clock(10.0), lambda _: None).x is None
    assert round_counts(session, relaxed, Clock(10.0), lambda _: None).x is None


def members_of(program: Program) -> dict[frozenset[str], int]:
    return {
        frozenset(program.column_name(column) for column in columns.tolist()): most for columns, most in limits(program)
    }


def test_limits_are_rows_that_let_at_most_so_many_binaries_be_one() -> None:
    program = small_program(
        [[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0], [1, 2, 0, 0, 0], [0, 0, 0, 1, 1], [0, 1, 1, 0, 0]],
        [-np.inf, -np.inf, 1, -np.inf, 0, -np.inf],
        [1, 2, 1, 2, 1, 1.5],
        [0] * 5,
    )
    found = members_of(program)
    assert found == {frozenset({"x[0]", "x[1]", "x[2]"}): 1, frozenset({"x[2]", "x[3]", "x[4]"}): 2}
    whole = np.array([False, True, True, True, True])
    assert members_of(replace(program, integer=whole)) == {frozenset({"x[2]", "x[3]", "x[4]"}): 2}
    assert members_of(replace(program, upper=np.full(5, 2.0))) == {}, "a count is no switch"


def test_the_limits_of_a_full_case_are_its_open_sites_and_its_agreements() -> None:
    assert members_of(compile_case(full_case())) == {
        frozenset({"service.open_site[East,chat,Plateau]", "service.open_site[East,chat,East_local]"}): 1,
        frozenset({"service.open_site[West,chat,Plateau]"}): 1,
        frozenset({"cooperation.agreement[East,West_hub]"}): 1,
    }
    assert members_of(compile_case(two_site_case())) == {}


def settled(program: Program) -> tuple[Session, Floats]:
    session, clock = Session(program), Clock(30.0)
    point = settle_limits(session, settle_choices(session, session.relax(30.0), clock, lambda _: None), clock)
    assert point.x is not None
    return session, point.x


def few_sites(case: Case, most: int) -> Case:
    return replace(case, services=tuple(replace(k, max_sites=most, min_share_frac=0.1) for k in case.services))


TERMS = full_case().cooperation
assert TERMS
LIMITED = {
    "full": full_case(),
    "a dear agreement": full_case(cooperation=replace(TERMS, agreement_kcny=60.0)),
    **{f"random {seed}, {most} sites": few_sites(random_case(seed), most) for seed in (0, 3, 4) for most in (1, 2)},
}


@pytest.mark.parametrize("name", LIMITED)
def test_settled_limits_are_whole_and_kept_and_leave_the_prices_as_they_were(name: str) -> None:
    program = compile_case(LIMITED[name])
    groups = limits(program)
    assert groups
    session, x = settled(program)
    for columns, most in groups:
        np.testing.assert_allclose(x[columns], np.round(x[columns]), atol=1e-9)
        assert x[columns].sum() <= most + 1e-9
    session.release()
    again, fresh = session.resolve(30.0), Session(program).relax(30.0)
    assert again.objective_kcny == pytest.approx(fresh.objective_kcny, rel=1e-9)


def test_the_least_used_members_are_dropped_until_few_enough_are_left() -> None:
    """Six switches, two may be on; each earns less than the one before."""
    program = small_program([[1] * 6, [1, 0, 0, 0, 0, 1]], [-np.inf, -np.inf], [2, 1.9], [-6, -5, -4, -3, -2, -1])
    _, x = settled(program)
    np.testing.assert_allclose(x, [1, 1, 0, 0, 0, 0], atol=1e-9)


def test_a_member_without_which_no_point_is_left_is_kept() -> None:
    """The last switch earns least and is used least, but a row asks for a fifth of it: it takes the only place."""
    program = small_program([[1, 1, 1], [0, 0, 1]], [-np.inf, 0.2], [1, np.inf], [-3, -2, -1])
    relaxed = Session(program).relax(10.0)
    assert relaxed.x is not None
    assert relaxed.x.tolist() == pytest.approx([0.8, 0.0, 0.2], abs=1e-7)
    _, x = settled(program)
    np.testing.assert_allclose(x, [0, 0, 1], atol=1e-9)


def test_a_fixed_cost_gathers_work_on_few_members() -> None:
    """Four members at 1 kCNY each, two may be on; a relaxation pays by the share and leans on all of them a little.

    Work of 1 is shared out by the columns after the switches, at most 0.6 through one; the third is the cheapest.
    """
    use = np.hstack([np.eye(4), np.zeros((4, 4))])
    through = np.hstack([-0.6 * np.eye(4), np.eye(4)])
    rows = np.vstack([use.sum(axis=0), np.hstack([np.zeros(4), np.ones(4)]), through])
    program = small_program(
        rows.tolist(), [-np.inf, 1.0, *[-np.inf] * 4], [2, 1.0, *[0.0] * 4], [1, 1, 1, 1, 0.4, 0.3, 0.1, 0.2]
    )
    program = replace(program, integer=np.arange(8) < 4)
    session, x = settled(program)
    assert x[:4].tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(x[4:], [0, 0, 0.6, 0.4], atol=1e-9)
    assert program.value_kcny(x) == pytest.approx(session.branch_and_bound(None, 1e-9, 10.0).objective_kcny)


def test_limits_that_cannot_be_kept_leave_no_point() -> None:
    """Two of three are asked for by rows of their own, one may be on."""
    rows = [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    program = small_program(rows, [-np.inf, 0.3, 0.3], [1, np.inf, np.inf], [1, 1, 1])
    session, clock = Session(program), Clock(10.0)
    relaxed = session.relax(10.0)
    assert relaxed.x is not None
    point = settle_limits(session, relaxed, clock)
    assert (point.x, point.status) == (None, "infeasible")


def test_without_limits_the_point_stays_as_it_is() -> None:
    session = Session(compile_case(two_site_case()))
    relaxed = session.relax(30.0)
    assert settle_limits(session, relaxed, Clock(30.0)) is relaxed


def test_what_costs_more_than_it_saves_is_given_up() -> None:
    """Slope scaling comes to rest with both warehouses open (8.4); the first alone serves both customers for 6."""
    program = warehouses((3.0, 4.0), ((1.0, 2.0), (9.0, 0.4)), most_open=2)
    session = Session(program)
    point = settle_limits(session, session.relax(10.0), Clock(10.0))
    assert point.x is not None
    assert point.objective_kcny == pytest.approx(6.0)
    assert verify(program, point.x).holds


def test_who_works_for_whom_is_settled_before_jobs_choose() -> None:
    """The relaxation opens a tenth of the far warehouse for the job; had the job chosen, it would pay for the whole."""
    weak = warehouses((0.0, 5.0), ((2.0,), (0.0,)), most_open=2, most_sent=10.0)
    shares = np.arange(weak.columns) >= 4
    program = replace(weak, integer=weak.integer | shares, upper=np.where(shares, 1.0, weak.upper))
    session = Session(program)
    relaxed = session.relax(10.0)
    assert relaxed.x is not None
    assert relaxed.x[5] == pytest.approx(1.0)
    settled = settle_places(session, relaxed, np.array([], dtype=np.int64), Clock(10.0), lambda _: None)
    assert settled.objective_kcny == pytest.approx(2.0)
