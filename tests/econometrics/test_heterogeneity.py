"""Groups: separate equals interacted, permutations against refitting, and the corrections against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.heterogeneity import (
    Comparison,
    benjamini_hochberg,
    by_group,
    holm,
    romano_wolf,
    romano_wolf_differences,
    split_by_city,
)
from optimizer.econometrics.linear import ols
from tests.econometrics.conftest import make_small

NAMES = ("a", "b", "c")


def test_difference_is_the_interaction_of_a_fully_interacted_model() -> None:
    p = make_small(1)
    group = np.where(p.city % 3 == 0, "one", "two")
    found = by_group(p.y, p.x, group, p.city, p.year, names=NAMES, permutations=0, ssc="none")
    first = (group == "one")[:, None]
    stacked = ols(
        p.y, np.column_stack((p.x * first, p.x)), effects=absorb(p.city, p.year + 100 * first[:, 0]),
        covariance=cluster(p.city), ssc="none",
    )  # fmt: skip
    d = found.differences[0]
    assert (d.first, d.second) == ("one", "two")
    assert d.value == pytest.approx(float(stacked.beta[0]), rel=1e-9)
    assert d.se == pytest.approx(float(stacked.se[0]), rel=1e-9)
    assert found.joint_f == pytest.approx((d.value / d.se) ** 2, rel=1e-9)


def test_a_permutation_is_two_regressions() -> None:
    p = make_small(2, cities=10)
    group = np.where(p.city < 4, "x", "y")
    found = by_group(p.y, p.x, group, p.city, p.year, names=NAMES, permutations=19, seed=5)
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(19):
        ours = np.isin(p.city, rng.permutation(np.arange(10))[:4])
        slopes = [float(ols(p.y[m], p.x[m], effects=absorb(p.city[m], p.year[m])).beta[0]) for m in (ours, ~ours)]
        drawn.append(abs(slopes[0] - slopes[1]))
    actual = abs(found.differences[0].value)
    assert found.differences[0].p_permutation == pytest.approx((1 + sum(d >= actual for d in drawn)) / 20)


def test_split_is_fixed_by_city() -> None:
    p = make_small(3)
    above = split_by_city(p.city, p.x[:, 0])
    assert all(np.unique(above[p.city == c]).size == 1 for c in range(40))
    assert above.sum() == 20 * 8


def test_a_moving_city_is_named() -> None:
    p = make_small(3)
    group = np.where((p.city == 7) & (p.year == 2), "b", "a")
    with pytest.raises(DesignError, match="changes within 1 cities: 7"):
        by_group(p.y, p.x, group, p.city, p.year, names=NAMES)


def test_corrections_by_hand() -> None:
    p = np.array([0.0172, 0.755, 0.029, 0.695, 0.459])
    assert benjamini_hochberg(p) == pytest.approx([0.0725, 0.755, 0.0725, 0.755, 0.755], abs=1e-4)
    assert holm(p) == pytest.approx([0.086, 1.0, 0.116, 1.0, 1.0], abs=1e-4)
    assert benjamini_hochberg([0.01]) == pytest.approx([0.01])
    with pytest.raises(DesignError, match="probability"):
        holm([0.2, 1.4])


def test_romano_wolf_stepdown_by_hand() -> None:
    draws = np.array([[0.5, 2.5], [1.5, 0.1], [2.2, 0.3], [0.2, 0.4]])
    # The largest t = 3 faces the row maxima (2.5, 1.5, 2.2, 0.4): none exceeds. The next, 2, faces its own column.
    assert romano_wolf([2.0, 3.0], draws) == pytest.approx([(1 + 1) / 5, 1 / 5])
    # Adjusted p values keep the order of the statistics.
    rng = np.random.default_rng(0)
    t, noise = rng.normal(size=6) * 2, rng.normal(size=(499, 6))
    adjusted = romano_wolf(t, noise)
    assert (np.diff(adjusted[np.argsort(-np.abs(t))]) >= 0).all()
    single = np.array([(1 + (np.abs(noise[:, h]) >= abs(t[h])).sum()) / 500 for h in range(6)])
    assert (adjusted >= single - 1e-12).all()


def test_romano_wolf_differences_estimate_the_differences() -> None:
    p = make_small(4)
    left, low = p.city < 20, p.city % 2 == 0
    questions = [Comparison("half", left, ~left), Comparison("parity", low, ~low)]
    values, adjusted = romano_wolf_differences(p.y, p.x, p.city, p.year, questions, names=NAMES, draws=199)
    direct = by_group(p.y, p.x, np.where(left, "l", "r"), p.city, p.year, names=NAMES, permutations=0)
    assert values[0] == pytest.approx(direct.differences[0].value, rel=1e-8)
    assert ((adjusted > 0) & (adjusted <= 1)).all()
