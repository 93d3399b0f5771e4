"""Least squares: identities, covariances by another way, and refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.covariance import IID, Covariance, cluster, conley, driscoll_kraay, hc, jackknife
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import ols
from optimizer.econometrics.smallsample import CONVENTIONS
from tests.econometrics.conftest import Small, dummies, make_small


def test_within_equals_dummies(small: Small) -> None:
    basis = dummies(small.city, small.year)
    full = np.column_stack((small.x, basis))
    expected = np.linalg.lstsq(full, small.y, rcond=None)[0]
    fit = ols(small.y, small.x, effects=small.effects)
    np.testing.assert_allclose(fit.beta, expected[:3], atol=1e-11)
    residuals = small.y - full @ expected
    np.testing.assert_allclose(fit.residuals, residuals, atol=1e-10)
    free = small.y.size - full.shape[1]
    assert fit.df_residual == free
    iid = np.linalg.inv(full.T @ full)[:3, :3] * (residuals @ residuals) / free
    np.testing.assert_allclose(fit.vcov, iid, rtol=1e-9)


@pytest.mark.parametrize("which", [2, 3])
def test_leverage_errors_equal_those_with_dummies(small: Small, which: int) -> None:
    full = np.column_stack((small.x, dummies(small.city, small.year)))
    inverse = np.linalg.inv(full.T @ full)
    residuals = small.y - full @ (inverse @ full.T @ small.y)
    leverage = np.einsum("ij,jk,ik->i", full, inverse, full)
    scaled = residuals / (1.0 - leverage) ** (0.5 if which == 2 else 1.0)
    expected = (inverse @ (full.T * scaled**2) @ full @ inverse)[:3, :3]
    fit = ols(small.y, small.x, effects=small.effects, covariance=hc(which))  # type: ignore[arg-type]
    np.testing.assert_allclose(fit.vcov, expected, rtol=1e-8)


def test_jackknife_equals_leaving_cities_out(small: Small) -> None:
    fit = ols(small.y, small.x, effects=small.effects, covariance=jackknife(small.city))
    changes = []
    for city in np.unique(small.city):
        rest = small.city != city
        without = ols(small.y[rest], small.x[rest], effects=absorb(small.city[rest], small.year[rest]))
        changes.append(without.beta - fit.beta)
    stacked = np.array(changes)
    expected = (len(changes) - 1) / len(changes) * stacked.T @ stacked
    np.testing.assert_allclose(fit.vcov, expected, rtol=1e-8)


def test_kernel_errors_at_their_limits(small: Small) -> None:
    def vcov(covariance: Covariance) -> Floats:
        return ols(small.y, small.x, effects=small.effects, covariance=covariance, ssc="none").vcov

    np.testing.assert_allclose(vcov(driscoll_kraay(small.year, 0)), vcov(cluster(small.year)), rtol=1e-12)
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(20, 40, 40)[small.city], rng.uniform(100, 120, 40)[small.city]
    np.testing.assert_allclose(vcov(conley(lat, lon, small.year, 1e-6)), vcov(hc(0)), rtol=1e-12)
    np.testing.assert_allclose(vcov(conley(lat, lon, small.year, 1e6)), vcov(cluster(small.year)), rtol=1e-12)
    near = vcov(conley(lat, lon, small.year, 500.0, "bartlett"))
    assert not np.allclose(near, vcov(hc(0)), rtol=1e-3)


def test_two_way_cluster_is_va_plus_vb_less_vab(small: Small) -> None:
    def vcov(*labels: Ints) -> Floats:
        return ols(small.y, small.x, effects=small.effects, covariance=cluster(*labels), ssc="none").vcov

    both = small.city * 1000 + small.year
    expected = vcov(small.city) + vcov(small.year) - vcov(both)
    np.testing.assert_allclose(vcov(small.city, small.year), expected, rtol=1e-12)
    np.testing.assert_allclose(vcov(both), ols(
        small.y, small.x, effects=small.effects, covariance=hc(0), ssc="none").vcov, rtol=1e-12)  # fmt: skip


def test_an_indefinite_two_way_variance_is_mended_and_said() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(200):  # three by three clusters: Va + Vb - Vab is often negative
        a, b = np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)
        fit = ols(rng.normal(size=9), rng.normal(size=(9, 2)), covariance=cluster(a, b), ssc="none")
        found.append(bool(fit.notes))
        assert (np.diag(fit.vcov) >= 0.0).all()
    assert any(found)
    assert not all(found)


def test_wald_of_one_slope_is_t_squared(small: Small) -> None:
    fit = ols(small.y, small.x, effects=small.effects, covariance=cluster(small.city), names=("a", "b", "c"))
    f, p = fit.wald([[1.0, 0.0, 0.0]])
    assert f == pytest.approx(float(fit.t[0] ** 2), rel=1e-12)
    assert p == pytest.approx(float(fit.p[0]), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3))
def test_units_do_not_matter(scale: float, shift: float) -> None:
    panel = make_small()
    plain = ols(panel.y, panel.x, effects=panel.effects, covariance=cluster(panel.city))
    other = ols(panel.y, panel.x * scale + shift, effects=panel.effects, covariance=cluster(panel.city))
    np.testing.assert_allclose(other.beta * scale, plain.beta, rtol=1e-6)
    np.testing.assert_allclose(other.t, plain.t, rtol=1e-6)


def test_conventions_change_errors_and_nothing_else(small: Small) -> None:
    fits = {
        name: ols(small.y, small.x, effects=small.effects, covariance=cluster(small.city), ssc=name)
        for name in CONVENTIONS
    }
    for fit in fits.values():
        np.testing.assert_array_equal(fit.beta, fits["none"].beta)
        ratio = fit.vcov / fits["none"].vcov
        assert np.ptp(ratio) < 1e-9  # one factor for the whole matrix
    assert fits["reghdfe"].df == np.unique(small.city).size - 1
    assert np.isinf(fits["ivreg2"].df)


REFUSALS: dict[str, tuple[Callable[[Small], Floats], str]] = {
    "collinear": (lambda p: np.column_stack((p.x, p.x[:, 0] - 2 * p.x[:, 1])), "x1, x2, x4|x4"),
    "constant in city": (lambda p: np.column_stack((p.x, p.city * 1.0)), "x4"),
    "not finite": (lambda p: np.where(np.arange(p.y.size)[:, None] == 7, np.nan, p.x), "x1.*7"),
    "wrong length": (lambda p: p.x[:-1], "one row per observation"),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusals_name_the_variable(fault: str) -> None:
    panel = make_small()
    make, pattern = REFUSALS[fault]
    with pytest.raises(DesignError, match=pattern) as caught:
        ols(panel.y, make(panel), effects=panel.effects)
    assert caught.value.faults[0].mend


def test_one_cluster_and_unknown_convention_are_refused() -> None:
    panel = make_small()
    with pytest.raises(DesignError, match="at least two"):
        cluster(np.zeros(panel.y.size))
    with pytest.raises(DesignError, match="reghdfe"):
        ols(panel.y, panel.x, effects=panel.effects, covariance=IID, ssc="stata")
    with pytest.raises(DesignError, match="more rows than parameters"):
        ols(panel.y[:3], panel.x[:3])
