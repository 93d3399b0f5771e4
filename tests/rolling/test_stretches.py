"""Windows put together for the bound: each once, fewer seams, and a bound that is the tighter for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.rolling.bound import ROUGH
from optimizer.rolling.certify import Stretch, stretches
from optimizer.rolling.window import Span
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from tests.cases import random_case
from tests.rolling.longer import longer
from tests.rolling.stitch import rolled

WINDOWS = (Span(0, 72, 24), Span(72, 72, 24), Span(144, 72, 24), Span(216, 120, 0))


def test_each_window_is_in_one_stretch_and_all_but_the_last_are_long_enough() -> None:
    assert stretches(WINDOWS, 0) == tuple(Stretch(k, k, span.start_h, span.hours) for k, span in enumerate(WINDOWS))
    assert stretches(WINDOWS, 144) == (Stretch(0, 1, 0, 144), Stretch(2, 3, 144, 192))
    assert stretches(WINDOWS, 200) == (Stretch(0, 2, 0, 216), Stretch(3, 3, 216, 120))
    assert stretches(WINDOWS, 1000) == (Stretch(0, 3, 0, 336),)


@pytest.mark.parametrize("seed", [0, 4])
def test_fewer_seams_give_a_tighter_bound_and_none_that_of_the_relaxation(seed: int, tmp_path: Path) -> None:
    case = longer(random_case(seed), 4, seed, jobs=4)
    bounds = []
    for stretch_h in (0, 48, 96):
        whole, plans = rolled(case, 1, 1, tmp_path / str(stretch_h), gap=0.05, stretch_h=stretch_h)
        assert len(plans) == 4
        bounds.append(whole.bound_kcny)
    rough = 2 * ROUGH * abs(whole.objective_kcny)
    assert bounds[0] <= bounds[1] + rough
    assert bounds[1] <= bounds[2] + rough
    assert bounds[2] == pytest.approx(Session(compile_case(case)).relax(60.0).objective_kcny, rel=1e-6)
