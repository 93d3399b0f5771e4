"""Two-stage least squares: identities, weak-instrument sets, and what they do when the instrument is useless."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from optimizer.econometrics.covariance import IID, cluster, hc
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.exclusion import local_to_zero, tolerance, union_of_intervals
from optimizer.econometrics.instruments import IVFit, durbin_wu_hausman, tsls
from optimizer.econometrics.linear import ols
from optimizer.econometrics.weak import (
    _TF_F,
    STOCK_YOGO_SIZE,
    anderson_rubin,
    effective_f_critical,
    strength,
    tf_factor,
    tf_interval,
)
from tests.econometrics.conftest import Small


def _iv(p: Small, relevance: float, count: int = 1, covariance=None) -> IVFit:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(9)
    z = relevance * p.x[:, :1] + rng.normal(size=(p.y.size, count))
    return tsls(
        p.y, p.x[:, 0], p.x[:, 1:], z, names=(("a",), ("b", "c"), tuple(f"z{i}" for i in range(count))),
        effects=p.effects, covariance=covariance or cluster(p.city),
    )  # fmt: skip


def test_regressors_as_their_own_instruments_is_least_squares(small: Small) -> None:
    names = (("a",), ("b", "c"), ("z",))
    iv = tsls(small.y, small.x[:, 0], small.x[:, 1:], small.x[:, 0], names=names, effects=small.effects,
              covariance=cluster(small.city))  # fmt: skip
    plain = ols(small.y, small.x, effects=small.effects, covariance=cluster(small.city))
    np.testing.assert_allclose(iv.fit.beta, plain.beta, rtol=1e-10)
    np.testing.assert_allclose(iv.fit.vcov, plain.vcov, rtol=1e-9)


def test_one_instrument_is_the_ratio_of_reduced_form_to_first_stage(small: Small) -> None:
    iv = _iv(small, 1.0)
    ratio = iv.reduced_form.beta[0] / iv.first_stages[0].beta[0]
    assert iv.fit.beta[0] == pytest.approx(ratio, rel=1e-10)
    assert iv.overid is None


def test_one_instrument_has_one_strength(small: Small) -> None:
    """rk F, effective F and squared first-stage t agree up to degrees of freedom."""
    for covariance in (IID, hc(1), cluster(small.city)):
        found = strength(_iv(small, 1.0, covariance=covariance))
        squared = float(found.first_stage_t[0] ** 2)
        assert found.effective_f == pytest.approx(squared, rel=1e-9)
        assert found.rk_wald_f == pytest.approx(squared, rel=0.02)


def test_anderson_rubin_set_ends_where_the_reduced_form_t_is_critical(small: Small) -> None:
    iv = _iv(small, 1.0)
    found = anderson_rubin(iv)
    assert found.bounded
    assert len(found.intervals) == 1
    assert float(iv.fit.beta[0]) in found
    for end in found.intervals[0]:
        moved = tsls(
            iv.fit.y - end * iv.fit.x[0], iv.fit.x[0], iv.fit.x[1:].T,
            iv.reduced_form.x[0], names=(("a",), ("b", "c"), ("z",)), covariance=cluster(small.city), ssc="none",
        )  # fmt: skip
        t = float(moved.reduced_form.t[0])
        factor = iv.reduced_form.vcov[0, 0] / _unscaled(iv, small)
        assert t**2 / factor == pytest.approx(stats.f.ppf(0.95, 1, iv.reduced_form.df), rel=1e-6)


def _unscaled(iv: IVFit, p: Small) -> float:
    again = tsls(
        iv.fit.y, iv.fit.x[0], iv.fit.x[1:].T, iv.reduced_form.x[0], names=(("a",), ("b", "c"), ("z",)),
        covariance=cluster(p.city), ssc="none",
    )  # fmt: skip
    return float(again.reduced_form.vcov[0, 0])


def test_useless_instrument_gives_an_unbounded_set(small: Small) -> None:
    iv = _iv(small, 0.0)
    assert strength(iv).rk_wald_f < 4.0
    found = anderson_rubin(iv)
    assert not found.bounded
    low, high = tf_interval(iv)
    assert np.isinf(low)
    assert np.isinf(high)


def test_many_instruments(small: Small) -> None:
    iv = _iv(small, 1.0, count=3)
    assert iv.overid is not None
    assert iv.overid[1] == 2
    assert 0.0 <= iv.overid[2] <= 1.0
    found = strength(iv)
    assert found.stock_yogo == STOCK_YOGO_SIZE[3]
    assert found.effective_f > 10.0
    with pytest.raises(DesignError, match="one instrument"):
        tf_interval(iv)


def test_effective_f_critical_values_for_one_instrument() -> None:
    """Olea and Pflueger 2013: 37.42 and 23.11 at a worst-case bias of 5 and 10 %."""
    assert effective_f_critical(np.eye(1), 0.05) == pytest.approx(37.418, abs=0.001)
    assert effective_f_critical(np.eye(1), 0.10) == pytest.approx(23.109, abs=0.001)


def test_tf_factor_is_monotone_smooth_and_known_at_points() -> None:
    table = np.array(_TF_F)
    assert (np.diff(table) > 0).all()
    assert table.size == 100
    # A misprinted F would break the smoothness of its second difference.
    bends = np.diff(np.log(table - 3.84), n=2)
    assert np.abs(bends).max() < 0.03
    for f, factor in ((4.0, 9.519), (10.253, 1.727), (20.721, 1.315), (104.67, 1.0)):
        assert tf_factor(f) == pytest.approx(factor, abs=0.0015)
    assert tf_factor(1e6) == 1.0
    assert np.isinf(tf_factor(3.9))


def test_durbin_wu_hausman_sees_endogeneity() -> None:
    rng = np.random.default_rng(0)
    n = 2_000
    z, shared = rng.normal(size=n), rng.normal(size=n)
    x = z + shared + rng.normal(size=n)
    names = (("x",), (), ("z",))
    bad = tsls(0.5 * x + shared + rng.normal(size=n), x, None, z, names=names, covariance=hc(1))
    good = tsls(0.5 * x + rng.normal(size=n), x, None, z, names=names, covariance=hc(1))
    assert durbin_wu_hausman(bad)[1] < 1e-6 < 0.01 < durbin_wu_hausman(good)[1]
    # The control-function t is the Hausman contrast of the two estimates under iid errors.
    iid = tsls(0.5 * x + shared, x, None, z, names=names, covariance=IID)
    contrast = iid.fit.beta[0] - ols(0.5 * x + shared, x).beta[0]
    assert contrast < 0.0


def test_plausibly_exogenous_bounds_widen_and_contain() -> None:
    rng = np.random.default_rng(5)
    n = 1_000
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    iv = tsls(0.5 * x + rng.normal(size=n), x, None, z, names=(("x",), (), ("z",)), covariance=hc(1))
    low, high = iv.fit.interval()[0]
    exact = union_of_intervals(iv, (0.0, 0.0), points=1)
    assert (exact.low, exact.high) == pytest.approx((low, high), rel=1e-9)
    wide = union_of_intervals(iv, (-0.1, 0.1))
    assert wide.low < low
    assert wide.high > high
    # Each end is that of a 2SLS with the direct effect taken off the outcome.
    off = tsls(iv.fit.y - 0.1 * z, x, None, z, names=(("x",), (), ("z",)), covariance=hc(1))
    assert wide.low == pytest.approx(off.fit.interval()[0, 0], rel=1e-6)
    assert local_to_zero(iv, 0.0, 0.0).low == pytest.approx(iv.fit.beta[0] - 1.959964 * iv.fit.se[0], rel=1e-6)
    edge = tolerance(iv)
    at_edge = tsls(iv.fit.y - edge * z, x, None, z, names=(("x",), (), ("z",)), covariance=hc(1))
    assert at_edge.fit.interval()[0, 0] == pytest.approx(0.0, abs=1e-6)


def test_refusals() -> None:
    rng = np.random.default_rng(0)
    y, x, z = rng.normal(size=50), rng.normal(size=(50, 2)), rng.normal(size=50)
    with pytest.raises(DesignError, match="at least one instrument per treatment"):
        tsls(y, x, None, z, names=(("a", "b"), (), ("z",)))
    both = tsls(y, x, None, rng.normal(size=(50, 3)), names=(("a", "b"), (), ("p", "q", "r")))
    with pytest.raises(DesignError, match="one treatment"):
        strength(both)
    assert dataclasses.is_dataclass(both)
