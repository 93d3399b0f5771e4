"""Absorbed effects against explicit dummies, their rank, and singletons."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.econometrics.effects import absorb, drop_singletons
from optimizer.econometrics.errors import DesignError
from tests.econometrics.conftest import Small, dummies, make_small


def test_demeaning_is_projection_on_dummies(small: Small) -> None:
    basis = dummies(small.city, small.year)
    rows = small.x.T
    expected = rows - (rows @ basis) @ basis.T
    np.testing.assert_allclose(small.effects.demean(rows), expected, atol=1e-12)
    assert small.effects.rank == basis.shape[1]
    np.testing.assert_allclose(small.effects.leverage(), (basis**2).sum(axis=1), atol=1e-10)
    index = np.array([0, 1, 5, 30])
    np.testing.assert_allclose(small.effects.hat_block(index), (basis @ basis.T)[np.ix_(index, index)], atol=1e-10)


def test_three_effects_and_nested_ones(small: Small) -> None:
    groups = small.city // 5
    effects = absorb(small.city, groups, small.year)
    basis = dummies(small.city, small.year)  # groups of cities add nothing
    rows = small.x.T
    np.testing.assert_allclose(effects.demean(rows), rows - (rows @ basis) @ basis.T, atol=1e-11)
    assert effects.rank == basis.shape[1]


def test_row_order_does_not_matter() -> None:
    panel = make_small()
    shuffled = np.random.default_rng(0).permutation(panel.city.size)
    direct = panel.effects.demean(panel.x.T)
    again = absorb(panel.city[shuffled], panel.year[shuffled]).demean(panel.x[shuffled].T)
    np.testing.assert_allclose(again, direct[:, shuffled], atol=1e-12)


def test_labels_may_be_strings() -> None:
    panel = make_small()
    named = absorb(np.array([f"city {c:03d}" for c in panel.city]), panel.year)
    np.testing.assert_array_equal(named.demean(panel.x.T), panel.effects.demean(panel.x.T))


def test_singletons_are_found_in_chains() -> None:
    # Row 4 is alone in its province-year; without it city "d" has one row left, which goes too.
    city = np.array(["a", "a", "b", "b", "d", "d"])
    cell = np.array([1, 2, 1, 2, 9, 2])
    np.testing.assert_array_equal(drop_singletons(city, cell), [True, True, True, True, False, False])


def test_lengths_must_agree() -> None:
    with pytest.raises(DesignError, match="different lengths"):
        absorb([1, 2, 3], [1, 2])
