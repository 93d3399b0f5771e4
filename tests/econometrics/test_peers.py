"""Live agreement with pyfixest and linearmodels under the conventions named after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.covariance import IID, Covariance, cluster, driscoll_kraay, hc, jackknife
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.instruments import tsls
from optimizer.econometrics.linear import ols
from tests.econometrics.conftest import Small

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, not ours


def _frame(p: Small) -> pd.DataFrame:
    d = pd.DataFrame(p.x, columns=["a", "b", "c"])
    # Clusters are copies under other names: pyfixest 0.60 matches names to effects in an order that depends on the
    # hash seed, and then sometimes counts the wrong effect as nested; by value it is always right.
    return d.assign(y=p.y, u=p.city, t=p.year, u2=p.city, t2=p.year, g=p.city // 4)


def _ways(p: Small) -> dict[str, tuple[object, Covariance]]:
    return {
        "iid": ("iid", IID),
        "hetero": ("hetero", hc(1)),
        "city": ({"CRV1": "u2"}, cluster(p.city)),
        "group": ({"CRV1": "g"}, cluster(p.city // 4)),
        "year": ({"CRV1": "t2"}, cluster(p.year)),
        "two-way": ({"CRV1": "u2+t2"}, cluster(p.city, p.year)),
    }


@pytest.mark.parametrize("effects", ["u+t", "u", "t"])
def test_pyfixest(small: Small, effects: str) -> None:
    pf = pytest.importorskip("pyfixest")
    d = _frame(small)
    absorbed = absorb(*(d[name] for name in effects.split("+")))
    for name, (vcov, covariance) in _ways(small).items():
        theirs = pf.feols(f"y ~ a + b + c | {effects}", d, vcov=vcov)
        ours = ols(small.y, small.x, effects=absorbed, covariance=covariance, ssc="pyfixest")
        np.testing.assert_allclose(ours.beta, theirs.coef(), rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(ours.se, theirs.se(), rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(ours.p, theirs.pvalue(), rtol=1e-5, atol=1e-12, err_msg=name)


def test_pyfixest_jackknife(small: Small) -> None:
    """pyfixest multiplies its sum of squares by the CRV1 factors, MacKinnon, Nielsen and Webb's by (G - 1)/G."""
    pf = pytest.importorskip("pyfixest")
    theirs = pf.feols("y ~ a + b + c | u", _frame(small), vcov={"CRV3": "u2"})
    ours = ols(small.y, small.x, effects=absorb(small.city), covariance=jackknife(small.city))
    n, g, k = small.y.size, 40, 3 + 1
    factor = (n - 1) / (n - k) * g / (g - 1) * g / (g - 1)
    np.testing.assert_allclose(ours.vcov * factor, theirs._vcov, rtol=1e-6)


LINEARMODELS: dict[str, tuple[dict[str, Any], Callable[[Small], Covariance], str]] = {
    "unadjusted": ({"cov_type": "unadjusted"}, lambda p: IID, "linearmodels"),
    "robust": ({"cov_type": "robust"}, lambda p: hc(1), "linearmodels"),
    "entity": ({"cov_type": "clustered", "cluster_entity": True}, lambda p: cluster(p.city), "linearmodels"),
    "entity, group": (
        {"cov_type": "clustered", "cluster_entity": True, "group_debias": True},
        lambda p: cluster(p.city),
        "linearmodels-group",
    ),
    "both": (
        {"cov_type": "clustered", "cluster_entity": True, "cluster_time": True},
        lambda p: cluster(p.city, p.year),
        "linearmodels",
    ),
    "kernel": (
        {"cov_type": "kernel", "kernel": "bartlett", "bandwidth": 2},
        lambda p: driscoll_kraay(p.year, 2),
        "linearmodels",
    ),
}


@pytest.mark.parametrize("time_effects", [True, False], ids=["two-way", "one-way"])
@pytest.mark.parametrize("name", list(LINEARMODELS))
def test_linearmodels(small: Small, name: str, time_effects: bool) -> None:
    lm = pytest.importorskip("linearmodels")
    config, covariance, ssc = LINEARMODELS[name]
    d = _frame(small).set_index(["u", "t"])
    theirs = lm.PanelOLS(d.y, d[["a", "b", "c"]], entity_effects=True, time_effects=time_effects).fit(**config)
    effects = small.effects if time_effects else absorb(small.city)
    ours = ols(small.y, small.x, effects=effects, covariance=covariance(small), ssc=ssc)
    np.testing.assert_allclose(ours.beta, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.vcov, theirs.cov, rtol=1e-8)
    np.testing.assert_allclose(ours.p, theirs.pvalues, rtol=1e-6, atol=1e-12)


def test_linearmodels_2sls(small: Small) -> None:
    lm = pytest.importorskip("linearmodels.iv")
    rng = np.random.default_rng(3)
    z = small.x[:, :1] + rng.normal(size=(small.y.size, 2))
    ones = np.ones((small.y.size, 1))
    exogenous = np.column_stack((small.x[:, 1:], ones))
    theirs = lm.IV2SLS(small.y, exogenous, small.x[:, :1], z).fit(cov_type="clustered", clusters=small.city)
    ours = tsls(
        small.y, small.x[:, 0], exogenous, z, names=(("a",), ("b", "c", "1"), ("z1", "z2")),
        covariance=cluster(small.city), ssc="none",
    )  # fmt: skip
    order = [1, 2, 3, 0]  # theirs: exogenous first
    np.testing.assert_allclose(ours.fit.beta[order], theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.fit.vcov[np.ix_(order, order)], theirs.cov, rtol=1e-8)
