"""Wild bootstraps against running every regression again, exact enumeration, inversion, and size with few clusters."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.arrays import Floats, Ints, as_codes
from optimizer.econometrics.bootstrap import wild_cluster, wild_efficient
from optimizer.econometrics.clusterscores import WEBB, signs
from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.instruments import IVFit, tsls
from optimizer.econometrics.linear import ols
from tests.econometrics.conftest import Small, make_small

DRAWS = 199


def _groups(p: Small, by: str) -> Ints:
    return {"city": p.city, "group": p.city // 4, "year": p.year}[by]


@pytest.mark.parametrize("by", ["city", "group", "year"])
def test_every_draw_is_a_regression(small: Small, by: str) -> None:
    groups = _groups(small, by)
    codes, count = as_codes(groups)
    fit = ols(small.y, small.x, effects=small.effects, covariance=cluster(groups), ssc="none")
    found = wild_cluster(
        fit, "x1", groups, effects=small.effects, null=0.2, weights="webb", draws=DRAWS, interval=False
    )
    v, _ = signs(count, DRAWS, "webb", 0)
    null = ols(small.y - 0.2 * small.x[:, 0], small.x[:, 1:], effects=small.effects)
    drawn = []
    for b in range(DRAWS):
        again = ols(
            null.residuals * v[codes, b], small.x, effects=small.effects, covariance=cluster(groups), ssc="none"
        )
        drawn.append(abs(float(again.t[0])))
    t = abs(float((fit.beta[0] - 0.2) / fit.se[0]))
    assert found.p == pytest.approx((1 + sum(d >= t for d in drawn)) / (DRAWS + 1))
    assert abs(found.t) == pytest.approx(t, rel=1e-10)


@pytest.mark.parametrize("by", ["city", "year"])
@pytest.mark.parametrize("count", [1, 2])
def test_every_efficient_draw_is_a_2sls(small: Small, by: str, count: int) -> None:
    groups = _groups(small, by)
    codes, size = as_codes(groups)
    z = small.x[:, :1] + np.random.default_rng(1).normal(size=(small.y.size, count))
    names = (("a",), ("b", "c"), tuple(f"z{i}" for i in range(count)))

    def fit(y: Floats, x: Floats, instruments: Floats) -> IVFit:
        return tsls(y, x, small.x[:, 1:], instruments, names=names, effects=small.effects,
                    covariance=cluster(groups), ssc="none")  # fmt: skip

    iv = fit(small.y, small.x[:, 0], z)
    found = wild_efficient(iv, groups, effects=small.effects, null=0.1, weights="webb", draws=49)
    v, _ = signs(size, 49, "webb", 0)
    r = iv.reduced
    u1 = r.y - 0.1 * r.treatment[0]
    both = np.vstack((r.z, u1))
    pi = np.linalg.lstsq(both.T, r.treatment[0], rcond=None)[0][:count]
    u2 = r.treatment[0] - pi @ r.z
    drawn = []
    for b in range(49):
        x = pi @ r.z + u2 * v[codes, b]
        again = fit(0.1 * x + u1 * v[codes, b], x, r.z.T)
        drawn.append(abs(float((again.fit.beta[0] - 0.1) / again.fit.se[0])))
    t = abs(float((iv.fit.beta[0] - 0.1) / iv.fit.se[0]))
    assert found.p == pytest.approx((1 + sum(d >= t for d in drawn)) / 50)


@pytest.fixture(scope="module")
def collapsed(reference: Path) -> pd.DataFrame:
    return pd.read_stata(reference / "boottest_collapsed.dta").dropna().astype(float)


def test_eight_clusters_are_enumerated(collapsed: pd.DataFrame) -> None:
    """The insurance example distributed with boottest: t(7) against .04, and p over all 2^8 sign patterns."""
    names = ["selfemployed", "post", "post_self"]
    x = np.column_stack((collapsed[names], np.ones(len(collapsed))))
    y, year = collapsed.hasinsurance.to_numpy(), collapsed.year.to_numpy()
    fit = ols(y, x, covariance=cluster(year), ssc="reghdfe", names=(*names, "constant"))
    found = wild_cluster(fit, "post_self", year, null=0.04)
    assert found.enumerated
    assert found.draws == 256
    assert found.clusters == 8
    assert fit.df == 7

    keep = [0, 1, 3]
    slope = np.linalg.lstsq(x[:, keep], y - 0.04 * x[:, 2], rcond=None)[0]
    fitted = x[:, keep] @ slope
    residual = y - 0.04 * x[:, 2] - fitted
    years = np.unique(year)
    inverse = np.linalg.inv(x.T @ x)

    def t_of(outcome: np.ndarray) -> float:
        beta = inverse @ x.T @ outcome
        error = outcome - x @ beta
        scores = np.array([(x[year == g] * error[year == g, None]).sum(axis=0) for g in years])
        v = inverse @ scores.T @ scores @ inverse * 8 / 7 * (y.size - 1) / (y.size - 4)
        return float((beta[2] - 0.04) / np.sqrt(v[2, 2]))

    actual = t_of(y)
    drawn = [
        abs(t_of(0.04 * x[:, 2] + fitted + residual * np.array(pattern)[np.searchsorted(years, year)]))
        for pattern in itertools.product((1.0, -1.0), repeat=8)
    ]
    assert found.t == pytest.approx(actual, rel=1e-9)
    assert found.p == pytest.approx(np.mean(np.array(drawn) >= abs(actual) * (1 - 1e-9)), abs=1e-12)
    # The sample and its mirror image tie: 18 of 256 without them, 20 with them. boottest's recorded log says 0.0742,
    # which is 19 of 256: rounding puts one of the two ties on either side.
    assert found.p_strict == pytest.approx(np.mean(np.array(drawn) > abs(actual) * (1 + 1e-9)), abs=1e-12)
    assert (found.p_strict, found.p) == (18 / 256, 20 / 256)
    assert (found.p_strict + found.p) / 2 == pytest.approx(0.0742, abs=5e-5)
    assert found.t == pytest.approx(2.0194, abs=5e-5)
    assert found.interval is not None
    low, high = found.interval
    assert (low, high) == pytest.approx((0.0384, 0.07148), abs=5e-4)
    # The ends are where the exact p crosses 5 %.
    for end, step in ((low, 1e-6), (high, -1e-6)):
        assert wild_cluster(fit, "post_self", year, null=end + step, interval=False).p >= 0.05
        assert wild_cluster(fit, "post_self", year, null=end - step, interval=False).p < 0.05


def test_interval_by_inversion_agrees_with_tests_at_its_ends() -> None:
    p = make_small(cities=30)
    fit = ols(p.y, p.x, effects=p.effects, covariance=cluster(p.city))
    found = wild_cluster(fit, "x1", p.city, effects=p.effects, draws=1_999)
    assert found.interval is not None
    for end, inward in zip(found.interval, (1e-4, -1e-4), strict=True):
        at = wild_cluster(fit, "x1", p.city, effects=p.effects, draws=1_999, null=end + inward, interval=False)
        assert at.p == pytest.approx(0.05, abs=0.004)
    plain = fit.interval()[0]
    assert found.interval[0] == pytest.approx(plain[0], abs=0.05)


def test_weights_have_the_moments_they_promise() -> None:
    assert WEBB.mean() == pytest.approx(0.0, abs=1e-15)
    assert (WEBB**2).mean() == pytest.approx(1.0)
    assert (WEBB**3).mean() == pytest.approx(0.0, abs=1e-15)
    v, enumerated = signs(4, 9_999, "rademacher", 0)
    assert enumerated
    assert v.shape == (4, 16)
    assert len({tuple(c) for c in v.T}) == 16
    assert (v[:, 0] == 1.0).all()
    drawn, enumerated = signs(50, 20_000, "rademacher", 0)
    assert not enumerated
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert abs(drawn.mean()) < 0.005


def test_refusals() -> None:
    p = make_small()
    fit = ols(p.y, p.x, effects=p.effects)
    with pytest.raises(DesignError, match="cluster on a finer variable"):
        wild_cluster(fit, "x1", np.zeros(p.y.size), effects=p.effects)
    with pytest.raises(DesignError, match="x1, x2, x3"):
        wild_cluster(fit, "AI", p.city, effects=p.effects)
    with pytest.raises(DesignError, match="rademacher or webb"):
        wild_cluster(fit, "x1", p.city, effects=p.effects, weights="mammen")  # type: ignore[arg-type]


@pytest.mark.slow
def test_size_with_eight_clusters_where_the_t_test_fails() -> None:
    """Treatment in two of eight clusters: the t test rejects far too often, the bootstrap does not."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 20)
    rejected = []
    for _ in range(400):
        x = (groups < 3) * rng.normal(1.0, 1.0, groups.size)
        y = rng.normal(size=8)[groups] * 0.5 + rng.normal(size=groups.size)
        fit = ols(y, np.column_stack((x, np.ones(groups.size))), covariance=cluster(groups), names=("x", "1"))
        rejected.append((fit.p[0] < 0.05, wild_cluster(fit, "x", groups, interval=False).p < 0.05))
    t_test, wild = np.mean(rejected, axis=0)
    assert t_test > 0.08
    assert wild < 0.08
    assert absorb(groups).rank == 8
