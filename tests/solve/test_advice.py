"""Advice changes how a plan is found, never what is proved of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.dive import Advised
from optimizer.solve.live import places, same_places
from optimizer.solve.optimum import Outcome, optimise
from tests.cases import full_case

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


def test_bad_advice_costs_time_only(solved: tuple[Program, Outcome]) -> None:
    program, outcome = solved
    columns = places(program)
    for values in (program.lower[columns], program.upper[columns]):
        found = optimise(program, GAP, LIMIT_S, advised=Advised(columns, values))
        assert found.objective_kcny == pytest.approx(outcome.objective_kcny, rel=2 * GAP)
        assert found.verdict is not None
        assert found.verdict.holds


def test_advice_that_cannot_be_followed_is_dropped(solved: tuple[Program, Outcome]) -> None:
    program, _ = solved
    job = np.flatnonzero(program.integer & (program.upper == 1))[:1]
    impossible = replace(program, lower=np.where(np.arange(program.columns) == job, 1.0, program.lower))
    free = optimise(impossible, GAP, LIMIT_S)
    found = optimise(impossible, GAP, LIMIT_S, advised=Advised(job, np.zeros(1) - 1.0))
    assert found.objective_kcny == pytest.approx(free.objective_kcny, rel=2 * GAP)
