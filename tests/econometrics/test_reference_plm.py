"""R plm on Grunfeld: coefficients and every printed error, under the convention that plm uses for it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.covariance import IID, Covariance, cluster, driscoll_kraay, hc
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.linear import ols


def _blocks(path: Path) -> dict[str, dict[str, list[float]]]:
    """Model -> printed line label -> numbers."""
    out: dict[str, dict[str, list[float]]] = {}
    for part in path.read_text().split("#### ")[1:]:
        title, *lines = part.strip().splitlines()
        found = {"coefficients": [float(v) for v in lines[1].split()]}
        for line in lines[2:]:
            numbers = re.findall(r"-?\d+\.\d+", line)
            found[line[: line.index(numbers[0])].strip()] = [float(v) for v in numbers]
        out[title.split()[-1]] = found
    return out


def _ways(d: pd.DataFrame) -> dict[str, tuple[Covariance, str]]:
    return {
        "iid se": (IID, "plm"),
        "arellano cluster-group HC0": (cluster(d.firm), "plm"),
        "arellano cluster-group HC1": (cluster(d.firm), "plm-hc1"),
        "white HC0": (hc(0), "plm"),
        "Driscoll-Kraay SCC maxlag 1 HC0": (driscoll_kraay(d.year, 1), "plm"),
        "Driscoll-Kraay SCC maxlag 2 HC0": (driscoll_kraay(d.year, 2), "plm"),
        "Driscoll-Kraay SCC maxlag 3 HC0": (driscoll_kraay(d.year, 3), "plm"),
        "double cluster vcovDC": (cluster(d.firm, d.year), "plm"),
    }


@pytest.mark.parametrize("model", ["individual", "twoways"])
def test_grunfeld(reference: Path, model: str) -> None:
    d = pd.read_csv(reference / "grunfeld.csv")
    printed = _blocks(reference / "grunfeld_plm_reference.txt")[model]
    effects = absorb(d.firm) if model == "individual" else absorb(d.firm, d.year)
    for label, (covariance, ssc) in _ways(d).items():
        fit = ols(d.inv, d[["value", "capital"]], effects=effects, covariance=covariance, ssc=ssc)
        np.testing.assert_allclose(fit.beta, printed["coefficients"], rtol=1e-9)
        np.testing.assert_allclose(fit.se, printed[label], rtol=1e-9, err_msg=label)
        assert fit.rss == pytest.approx(printed["R2"][2], rel=1e-9)
        assert fit.r2_within == pytest.approx(printed["R2"][0], rel=1e-9)


def test_sss_is_the_product_of_both_factors(reference: Path) -> None:
    d = pd.read_csv(reference / "grunfeld.csv")
    x, effects = d[["value", "capital"]], absorb(d.firm)
    plain = ols(d.inv, x, effects=effects, covariance=cluster(d.firm), ssc="plm")
    sss = ols(d.inv, x, effects=effects, covariance=cluster(d.firm), ssc="plm-sss")
    n, groups, k = len(d), 10, 2
    np.testing.assert_allclose(sss.vcov, plain.vcov * groups / (groups - 1) * (n - 1) / (n - k), rtol=1e-12)
