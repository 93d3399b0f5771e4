"""The kink: found where it is, its error by finite differences, no kink not found."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.kink import kink
from optimizer.econometrics.linear import ols


def _panel(seed: int, change: float) -> tuple[Floats, Floats, Ints, Ints]:
    rng = np.random.default_rng(seed)
    unit, time = np.repeat(np.arange(80), 10), np.tile(np.arange(10), 80)
    z = rng.normal(size=80)[unit] + rng.normal(size=800)
    y = (
        rng.normal(size=80)[unit]
        + 0.1 * time
        + 0.2 * z
        + change * np.maximum(z - 0.3, 0.0)
        + 0.4 * rng.normal(size=800)
    )
    return y, z, unit, time


def test_kink_is_found_with_its_slopes() -> None:
    y, z, unit, time = _panel(0, 0.8)
    found = kink(y, z, np.empty((800, 0)), unit, time, draws=99)
    assert found.p == pytest.approx(0.01)
    assert found.interval[0] < 0.3 < found.interval[1]
    assert abs(found.kink - 0.3) < 4 * found.kink_se < 0.4
    assert found.below == pytest.approx(0.2, abs=4 * found.below_se)
    assert found.above == pytest.approx(1.0, abs=4 * found.above_se)


def test_profile_is_a_regression_at_each_candidate() -> None:
    y, z, unit, time = _panel(1, 0.5)
    found = kink(y, z, np.empty((800, 0)), unit, time, candidates=25, draws=0)
    effects = absorb(unit, time)
    direct = [ols(y, np.column_stack((z, np.maximum(z - g, 0.0))), effects=effects).rss for g in found.candidates]
    np.testing.assert_allclose(found.profile, direct, rtol=1e-10)
    assert found.ssr == pytest.approx(min(direct), rel=1e-10)


def test_a_straight_line_has_no_kink() -> None:
    ps = []
    for seed in range(12):
        y, z, unit, time = _panel(seed, 0.0)
        ps.append(kink(y, z, np.empty((800, 0)), unit, time, candidates=60, draws=99).p)
    assert np.mean(np.array(ps) > 0.05) >= 0.75


def test_a_discrete_variable_is_refused() -> None:
    y, z, unit, time = _panel(2, 0.0)
    with pytest.raises(DesignError, match="at least 10 values"):
        kink(y, np.round(z), np.empty((800, 0)), unit, time)
