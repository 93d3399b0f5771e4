"""The certified bound: never above the optimum, on cases small enough to solve whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.rolling.dual import dual_bound, implied_upper
from optimizer.rolling.whole import innovation_kcny, innovation_lines
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from scenarios.instruments import Innovation
from tests.cases import random_case, two_site_case
from tests.rolling.longer import longer
from tests.rolling.stitch import rolled

INSTANCES = 50
SECONDS = 20.0


def distance(seed: int, folder: Path) -> tuple[float, float]:
    """How far the bound lies below the best proved lower bound of HiGHS's own tree, and the tree's own gap."""
    case = longer(random_case(seed), 2, seed, jobs=2)
    found = Session(compile_case(case)).branch_and_bound(None, 1e-4, SECONDS)
    whole, _ = rolled(case, 1, 1, folder, gap=0.05)
    size = abs(found.objective_kcny)
    assert whole.bound_kcny <= found.objective_kcny + 1e-6 * size, seed
    assert whole.objective_kcny >= found.bound_kcny - 1e-6 * size, seed
    return (found.objective_kcny - whole.bound_kcny) / size, (found.objective_kcny - found.bound_kcny) / size


@pytest.mark.parametrize("seed", [0, 1, 4, 6])
def test_the_bound_is_never_above_the_optimum(seed: int, tmp_path: Path) -> None:
    below, _ = distance(seed, tmp_path)
    assert below >= -1e-6


@pytest.mark.slow
def test_nor_on_fifty_random_cases_and_its_distance_is_told(
    tmp_path: Path,
) -> None:
    found = np.array([distance(seed, tmp_path / str(seed)) for seed in range(INSTANCES)])
    print(f"\nbound below the optimum: median {np.median(found[:, 0]):.2%}, largest {found[:, 0].max():.2%}")
    assert np.median(found[:, 0]) < 0.05


def test_any_duals_prove_a_bound_and_those_of_the_optimum_prove_it_all() -> None:
    program = compile_case(longer(random_case(2), 2, 2, jobs=0))
    session = Session(program)
    least = session.relax(60.0).objective_kcny
    duals = session.duals().row
    finite = np.isfinite(implied_upper(program))
    assert finite.sum() > 0.5 * finite.size
    bounded = replace(program, upper=np.where(np.isfinite(program.upper), program.upper, 1e4))
    assert dual_bound(bounded, duals) == pytest.approx(least, rel=1e-7)
    rng = np.random.default_rng(0)
    for size in (1e-6, 1e-2, 1.0, 10.0):
        assert dual_bound(bounded, duals + size * rng.standard_normal(duals.size)) <= least + 1e-9
    assert dual_bound(bounded, np.zeros_like(duals)) <= least


@pytest.mark.parametrize("slopes", [(1.0, 3.0, 0.5), (0.2, 0.1, 0.4), (1.0, 1.0, 1.0)])
def test_a_line_above_the_innovation_value_is_above_it_everywhere_and_touches_its_hull(
    slopes: tuple[float, ...],
) -> None:
    case = two_site_case(innovation=Innovation(2.0, (1.0, 3.0), {"east": slopes, "west": slopes, "central": slopes}))
    most = 8.0
    grid = np.linspace(0.0, most, 161)
    worth = np.array([innovation_kcny(case, {"East": mean}) for mean in grid])
    for mean in (0.0, 0.7, 2.5, 7.0):
        line = innovation_lines(case, {"East": mean}, most)["East"]
        above = 2.0 * (line.intercept + line.slope * grid) - worth
        assert above.min() == pytest.approx(0.0, abs=1e-9)
