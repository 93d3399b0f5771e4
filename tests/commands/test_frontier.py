"""The frontier: more weight never buys less innovation, and never costs less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.blocks import BLOCKS
from optimizer.commands.frontier import WEIGHTS, points, trace
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.instruments import Innovation
from tests.cases import two_site_case

VALUE = Innovation(4.0, (1.0, 2.5), {"east": (0.3, 0.9, 0.5), "west": (0.1, 0.4, 0.2)})
SMALL = [
    "scope.regions=['Guangdong', 'Guizhou', 'Jiangsu']",
    "scope.clusters=['Guian', 'Wuhu']",
    "horizon.hours=12",
    "jobs.count=4",
]


def test_credited_points_equal_the_piecewise_function_of_the_dispatch() -> None:
    case = two_site_case(innovation=VALUE)
    program = compile_case(case)
    outcome = optimise(program, 1e-6, 60.0)
    assert outcome.x is not None
    assert outcome.verdict is not None
    credited = -outcome.verdict.items_kcny["innovation_value"] / VALUE.weight_kcny_per_point
    assert credited == pytest.approx(points(Plan(case, program, outcome.x)), rel=1e-6)
    assert credited > 0


def test_zero_weight_is_the_model_without_the_block() -> None:
    plain = compile_case(two_site_case(innovation=None))
    weightless = compile_case(two_site_case(innovation=replace(VALUE, weight_kcny_per_point=0.0)))
    absent = compile_case(two_site_case(innovation=VALUE, blocks=tuple(b for b in BLOCKS if b != "innovation")))
    for other in (weightless, absent):
        assert plain.row_keys == other.row_keys
        assert (plain.matrix != other.matrix).nnz == 0
        assert np.array_equal(plain.cost, other.cost)


def test_frontier_trades_cost_for_innovation() -> None:
    assert len(WEIGHTS) >= 8
    frontier = trace("day", (0.0, 50.0, 400.0), [*SMALL, "solve.gap_frac=1e-4"])
    assert frontier["weight_kcny_per_point"].tolist() == [0.0, 50.0, 400.0]
    slack = frontier["gap_kcny"].max()
    assert (np.diff(frontier["cost_kcny"]) >= -slack).all()
    # A plan of weight w is best for cost - w x points, up to its gap: points can only fall by gap over weight.
    steps = frontier["weight_kcny_per_point"].diff()[1:].to_numpy()
    assert (np.diff(frontier["innovation_points"]) >= -2 * slack / steps).all()
    assert frontier["innovation_points"].iloc[-1] > frontier["innovation_points"].iloc[0]
