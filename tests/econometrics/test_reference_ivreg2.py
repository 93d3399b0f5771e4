"""Stata ivreg2 on card and wagepan: coefficients, variances, rk LM, rk F, Cragg-Donald, J, to 1e-7."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.covariance import IID, Covariance, cluster, driscoll_kraay, hc
from optimizer.econometrics.instruments import IVFit, tsls
from optimizer.econometrics.weak import anderson_rubin, strength

RTOL = 1e-7
EXOGENOUS = ("exper", "expersq", "black", "south", "_cons")
INSTRUMENTS = {"just_id": ("nearc4",), "overid": ("nearc2", "nearc4")}


@pytest.fixture(scope="module")
def card(reference: Path) -> pd.DataFrame:
    d = pd.read_csv(reference / "ivreg2_card" / "card_data.csv")
    # Stata holds lwage in single precision; the file prints eight digits of it.
    return d.assign(lwage=d.lwage.astype("float32").astype(float), _cons=1.0)


def _fit(d: pd.DataFrame, model: str, covariance: Covariance, small: bool, weight: pd.Series | None = None) -> IVFit:
    z = INSTRUMENTS[model]
    root = np.ones(len(d)) if weight is None else np.sqrt(weight / weight.mean()).to_numpy()

    def scaled(names: tuple[str, ...]) -> np.ndarray:
        return np.asarray(d[list(names)].to_numpy(float) * root[:, None])

    return tsls(
        scaled(("lwage",))[:, 0], scaled(("educ",)), scaled(EXOGENOUS), scaled(z), names=(("educ",), EXOGENOUS, z),
        covariance=covariance, ssc="ivreg2-small" if small else "ivreg2",
    )  # fmt: skip


def _check_coefficients(fit: IVFit, folder: Path, stem: str, tail: str) -> None:
    printed = pd.read_csv(folder / f"{stem}_coef_{tail}.csv")
    assert list(printed.term) == list(fit.fit.names)
    np.testing.assert_allclose(fit.fit.beta, printed.estimate, rtol=RTOL)
    np.testing.assert_allclose(fit.fit.se, printed.std_error, rtol=RTOL)
    vcov = pd.read_csv(folder / f"{stem}_vcov_{tail}.csv").select_dtypes("number").to_numpy()
    scale = np.sqrt(np.outer(np.diag(vcov), np.diag(vcov)))
    np.testing.assert_allclose(fit.fit.vcov / scale, vcov / scale, atol=RTOL)


@pytest.mark.parametrize("small", [False, True], ids=["large", "small"])
@pytest.mark.parametrize("errors", ["iid", "hc1"])
@pytest.mark.parametrize("model", list(INSTRUMENTS))
def test_card(card: pd.DataFrame, reference: Path, model: str, errors: str, small: bool) -> None:
    folder, tail = reference / "ivreg2_card", errors + ("_small" if small else "")
    fit = _fit(card, model, IID if errors == "iid" else hc(1), small)
    _check_coefficients(fit, folder, f"card_{model}", tail)
    printed = pd.read_csv(folder / f"card_{model}_diagnostics_{tail}.csv").iloc[0]
    found = strength(fit)
    assert found.rk_lm == pytest.approx(printed.idstat, rel=RTOL)
    assert found.rk_lm_p == pytest.approx(printed.idp, rel=1e-6)
    assert found.rk_wald_f == pytest.approx(printed.widstat, rel=RTOL)
    assert found.cragg_donald_f == pytest.approx(printed.cdf, rel=RTOL)
    assert fit.fit.rss == pytest.approx(printed.rss, rel=RTOL)
    assert fit.fit.r2 == pytest.approx(printed.r2, rel=RTOL)
    if model == "overid":
        assert fit.overid is not None
        assert fit.overid[0] == pytest.approx(printed.j, rel=RTOL)
        assert fit.overid[2] == pytest.approx(printed.jp, rel=1e-6)
    if not small:  # ivreg2's AR chi-squared is the Wald test of the instruments without small-sample factors
        assert anderson_rubin(fit).statistic_at_zero == pytest.approx(printed.archi2, rel=RTOL)


@pytest.mark.parametrize("small", [False, True], ids=["large", "small"])
@pytest.mark.parametrize("model", list(INSTRUMENTS))
def test_card_clustered(card: pd.DataFrame, reference: Path, model: str, small: bool) -> None:
    """Two clusters (smsa66) with dofminus(1): one more parameter wherever ivreg2 counts rows."""
    folder, tail = reference / "ivreg2_card", "cl" + ("_small" if small else "")
    fit = _fit(card, model, cluster(card.smsa66), small)
    printed = pd.read_csv(folder / f"card_{model}_dofminus_coef_{tail}.csv")
    k, n = len(printed), len(card)
    dofminus = np.sqrt((n - k) / (n - k - 1)) if small else 1.0
    np.testing.assert_allclose(fit.fit.beta, printed.estimate, rtol=RTOL)
    np.testing.assert_allclose(fit.fit.se * dofminus, printed.std_error, rtol=RTOL)
    if model == "just_id":  # with two instruments and two clusters the meat is singular
        d = pd.read_csv(folder / f"card_{model}_dofminus_diagnostics_{tail}.csv").iloc[0]
        reduced = dataclasses.replace(
            fit.reduced, parameters=fit.reduced.parameters + 1, robust_parameters=fit.reduced.robust_parameters + 1
        )
        found = strength(dataclasses.replace(fit, reduced=reduced))
        assert found.rk_lm == pytest.approx(d.idstat, rel=RTOL)
        assert found.rk_wald_f == pytest.approx(d.widstat, rel=RTOL)
        free = n - k  # ivreg2 takes dofminus off twice in its Cragg-Donald F
        plain = strength(fit).cragg_donald_f
        assert plain * (free - 2) / free == pytest.approx(d.cdf, rel=RTOL)


@pytest.mark.parametrize("errors", ["iid", "hc1"])
def test_card_weighted(card: pd.DataFrame, reference: Path, errors: str) -> None:
    """Analytic weights are least squares on scaled rows."""
    fit = _fit(card, "just_id", IID if errors == "iid" else hc(1), small=False, weight=card.weight)
    printed = pd.read_csv(reference / "ivreg2_card" / f"card_just_id_weighted_coef_{errors}.csv")
    np.testing.assert_allclose(fit.fit.beta, printed.estimate, rtol=RTOL)
    np.testing.assert_allclose(fit.fit.se, printed.std_error, rtol=RTOL)


def test_reduced_form(card: pd.DataFrame, reference: Path) -> None:
    fit = _fit(card, "overid", hc(1), small=False)
    printed = pd.read_csv(reference / "ivreg2_card" / "card_overid_rf_hc1.csv").set_index("term")
    ours = dict(zip(fit.reduced_form.names, fit.reduced_form.beta, strict=True))
    for term, row in printed.iterrows():
        assert ours[str(term)] == pytest.approx(row.estimate, rel=RTOL)


WAGEPAN = {
    "bar3_justid": (("educ",), 2.0, "bartlett", False),
    "bar3_overid": (("educ", "black"), 2.0, "bartlett", False),
    "bar3_overid_small": (("educ", "black"), 2.0, "bartlett", True),
    "par4_overid": (("educ", "black"), 4.0, "parzen", False),
    "tru2_overid": (("educ", "black"), 2.0, "truncated", False),
}


@pytest.mark.parametrize("name", list(WAGEPAN))
def test_wagepan_driscoll_kraay(reference: Path, name: str) -> None:
    folder = reference / "ivreg2_wagepan"
    d = pd.read_csv(folder / "wagepan_data.csv")
    d = d.assign(lwage=d.lwage.astype("float32").astype(float), _cons=1.0)
    z, lags, kernel, small = WAGEPAN[name]
    exogenous = ("exper", "expersq", "married", "union", "_cons")

    def fit(covariance: Covariance) -> IVFit:
        return tsls(
            d.lwage, d[["hours"]], d[list(exogenous)], d[list(z)], names=(("hours",), exogenous, z),
            covariance=covariance, ssc="ivreg2-small" if small else "ivreg2",
        )  # fmt: skip

    found = fit(driscoll_kraay(d.year, lags, kernel))  # type: ignore[arg-type]
    _check_coefficients(found, folder, "wp_dk", name)
    printed = pd.read_csv(folder / f"wp_dk_diagnostics_{name}.csv").iloc[0]
    if found.overid is not None and np.isfinite(printed.overid_stat):
        assert found.overid[0] == pytest.approx(printed.overid_stat, rel=RTOL)
    # ivreg2 passes its rank test the bandwidth but not the kernel: the printed rk statistics are Bartlett's.
    bandwidth = lags + 1 if kernel == "bartlett" else lags
    rank = strength(fit(driscoll_kraay(d.year, bandwidth - 1, "bartlett")))
    assert rank.rk_lm == pytest.approx(printed.underid_stat, rel=RTOL)
    assert rank.rk_wald_f == pytest.approx(printed.weak_id_kp_f, rel=RTOL)
    assert rank.cragg_donald_f == pytest.approx(printed.weak_id_cd_f, rel=RTOL)
