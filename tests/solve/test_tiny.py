"""The scenario `tiny` is solved by hand in its own comment; the engine and the greedy plan are held to it."""

from __future__ import annotations

import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Clock
from optimizer.solve.greedy import greedy
from optimizer.solve.optimum import Outcome, optimise
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import load

BY_HAND = {
    "load": 6.5 * 2 * 1.2 * 0.455,
    "idle": 14 * 0.4 * 1.2 * 0.455,
    "transfer": 4 * 0.09 + 2 * 0.02,
}
ENERGY_MWH = 6.5 * 2 * 1.2 + 14 * 0.4 * 1.2
"""All of it is drawn in Guian."""


@pytest.fixture(scope="module")
def solved() -> tuple[Case, Program, Outcome]:
    case = build_case(load("tiny"))
    program = compile_case(case)
    return case, program, optimise(program, 1e-7, 60.0)


def test_optimum(solved: tuple[Case, Program, Outcome]) -> None:
    _, _, outcome = solved
    assert outcome.objective_kcny == pytest.approx(sum(BY_HAND.values()), rel=1e-6)
    assert outcome.objective_kcny == pytest.approx(10.5556, rel=1e-6)
    assert outcome.relaxed_kcny == pytest.approx(10.5556 - 0.2184, rel=1e-6)
    assert outcome.stop == "gap reached"


def test_items(solved: tuple[Case, Program, Outcome]) -> None:
    assert solved[2].verdict is not None
    items = {name: value for name, value in solved[2].verdict.items_kcny.items() if abs(value) > 1e-9}
    assert items == pytest.approx(
        {
            "energy": 0.4 * ENERGY_MWH,
            "carbon": 0.1 * 0.5 * ENERGY_MWH,
            "certificates": 0.5 * 0.01 * ENERGY_MWH,
            "transfer": BY_HAND["transfer"],
        },
        rel=1e-6,
    )


def test_plan(solved: tuple[Case, Program, Outcome]) -> None:
    _, program, outcome = solved
    assert outcome.x is not None
    x = outcome.x
    assert program.values("fleet.pods_on", x).tolist().count(7.0) == 2
    assert program.values("jobs.start", x).sum() == 1.0
    assert program.values("jobs.dropped_frac", x).tolist() == [0.0]
    assert program.values("service.unserved_frac", x).sum() == pytest.approx(0.0)
    assert program.values("grid.import_mw", x).sum() == pytest.approx(ENERGY_MWH)


def test_greedy_is_dearer(solved: tuple[Case, Program, Outcome]) -> None:
    """It serves at the nearest site, which draws more and pays more for it."""
    case, program, outcome = solved
    rival = greedy(case, program, Clock(30.0))
    assert rival is not None
    assert float(program.cost @ rival) > 1.2 * outcome.objective_kcny
