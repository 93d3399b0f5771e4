"""The dive: which choices there are, and that it leaves every integer whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.dive import choices, round_counts, settle_choices
from optimizer.solve.engine import Clock, Session
from optimizer.solve.verify import verify
from tests.cases import random_case, two_site_case


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
