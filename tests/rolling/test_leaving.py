"""What the hours ahead leave to those after them: charged at what the seams before said it is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.rolling.parts import compiled
from optimizer.rolling.seam import Part, handed_on
from optimizer.rolling.worth import LASTING, LEFT, RUNS_ON, Worth, leaving, on_columns
from scenarios.case import Case
from tests.cases import full_case
from tests.rolling.longer import longer

DAY_H = 24


@pytest.fixture(scope="module")
def case() -> Case:
    case = longer(full_case(expansion=None), 6, seed=8, jobs=30)
    whole_h = case.horizon.hours
    longer_jobs = (
        replace(job, duration_h=job.duration_h + 20, deadline_h=min(job.deadline_h + 30, whole_h)) for job in case.jobs
    )
    return replace(case, jobs=tuple(longer_jobs))


def worth_of_all(part: Part) -> Worth:
    """A worth for every lasting state that a part takes over; by the hour, the same on every day."""
    rng = np.random.default_rng(3)
    states: dict[str, dict[object, float]] = {}
    for name in LASTING:
        for member in part.column.get(name, {}):
            if name not in RUNS_ON or member[-1] < DAY_H:
                states.setdefault(name, {})[member] = float(rng.uniform(-3.0, 3.0))
    return Worth(states, {})


def test_the_charge_is_the_worth_of_what_the_next_window_would_take_over(case: Case) -> None:
    """By the matrix of the seam itself, for any point."""
    ahead, following = compiled(case, 24, 24), compiled(case, 48, 96)
    worth = worth_of_all(following)
    assert set(worth.states) == set(LASTING)
    program = leaving(ahead.program, ahead, worth, LASTING)
    x = np.random.default_rng(0).uniform(0.0, 2.0, program.columns)
    charged = float((program.item_cost @ x)[program.items.index(LEFT)])
    assert charged == pytest.approx(-float(on_columns(following, worth) @ (handed_on(ahead, following) @ x)), rel=1e-12)
    assert charged != 0.0
    assert program.value_kcny(x) == pytest.approx(ahead.program.value_kcny(x) + charged, rel=1e-12)


def test_a_window_is_charged_for_jobs_only_beyond_the_hours_ahead(case: Case) -> None:
    """What runs on through the hours ahead is paid for there."""
    first, following = compiled(case, 0, 24), compiled(case, 24, 120)
    worth = worth_of_all(following)
    whole, beyond = (leaving(first.program, first, worth, RUNS_ON, from_h=hour) for hour in (0, DAY_H))
    x = np.random.default_rng(1).uniform(0.0, 1.0, whole.columns)
    state = handed_on(first, following) @ x
    price = on_columns(following, worth)
    later = np.zeros_like(price)
    for (c, t), column in following.column[RUNS_ON[0]].items():
        later[column] = price[column] if t >= DAY_H else 0.0
        assert price[column] == worth.states[RUNS_ON[0]][c, t % DAY_H]
    left = beyond.items.index(LEFT)
    assert float((beyond.item_cost @ x)[left]) == pytest.approx(-float(later @ state), rel=1e-12)
    assert 0 < abs(beyond.item_cost[[left]]).sum() < abs(whole.item_cost[[left]]).sum()
