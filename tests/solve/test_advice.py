"""Advice changes how a plan is found, never what is proved of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer import workflow
from optimizer.solve.advice import from_smaller, lasting, places, same_places
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.dive import Advised
from optimizer.solve.optimum import Outcome, optimise
from tests.cases import full_case, random_case

GAP, LIMIT_S = 1e-4, 60.0


@pytest.fixture(scope="module")
def solved() -> tuple[Program, Outcome]:
    program = compile_case(full_case())
    return program, optimise(program, GAP, LIMIT_S)


def test_who_follows_its_own_plan_finds_it_again(solved: tuple[Program, Outcome]) -> None:
    program, outcome = solved
    assert outcome.x is not None
    stages: list[str] = []
    again = optimise(program, GAP, LIMIT_S, lambda p: stages.append(p.stage), same_places(program, outcome.x))
    assert again.objective_kcny == pytest.approx(outcome.objective_kcny, rel=2 * GAP)
    assert stages[1] == "advice"
    assert stages[2] == "sites", "nothing was left to settle"


def test_lasting_choices_are_neither_jobs_nor_machines(solved: tuple[Program, Outcome]) -> None:
    program, _ = solved
    names = {program.column_names[column].split("[")[0] for column in lasting(program)}
    assert "cooperation.agreement" in names
    assert not {name for name in names if name.startswith(("jobs.", "fleet."))}
    assert set(lasting(program)) < set(places(program))


def test_a_smaller_plan_speaks_by_name(solved: tuple[Program, Outcome]) -> None:
    program, outcome = solved
    assert outcome.x is not None
    advised = from_smaller(program, outcome.x, program)
    assert advised is not None
    np.testing.assert_array_equal(advised.columns, lasting(program))
    np.testing.assert_array_equal(advised.values, outcome.x[lasting(program)])
    other = compile_case(random_case(0))
    assert from_smaller(other, np.zeros(other.columns), program) is None, "it says nothing of these columns"
    assert from_smaller(program, outcome.x, other) is None or lasting(other).size


def test_bad_advice_costs_time_only(solved: tuple[Program, Outcome]) -> None:
    program, outcome = solved
    columns = lasting(program)
    for values in (program.lower[columns], program.upper[columns]):
        found = optimise(program, GAP, LIMIT_S, advised=Advised(columns, values, near=True))
        assert found.objective_kcny == pytest.approx(outcome.objective_kcny, rel=2 * GAP)
        assert found.verdict is not None
        assert found.verdict.holds


def test_advice_that_cannot_be_followed_is_dropped(solved: tuple[Program, Outcome]) -> None:
    program, _ = solved
    job = np.flatnonzero(program.integer & (program.upper == 1))[:1]
    impossible = replace(program, lower=np.where(np.arange(program.columns) == job, 1.0, program.lower))
    free = optimise(impossible, GAP, LIMIT_S)
    found = optimise(impossible, GAP, LIMIT_S, advised=Advised(job, np.zeros(1) - 1.0, near=True))
    assert found.objective_kcny == pytest.approx(free.objective_kcny, rel=2 * GAP)


@pytest.mark.slow
def test_a_long_horizon_asks_its_first_day(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(workflow, "SMALL", 1_000)
    stages: list[str] = []
    solved = workflow.solve(
        "cooperation",
        out=tmp_path / "run",  # type: ignore[operator]
        gap_frac=0.02,
        changes=["horizon.hours=48"],
        heard=lambda p: stages.append(p.stage),
    )
    assert "first day" in stages
    assert "advice" in stages
    assert solved.outcome.gap_frac <= 0.02
