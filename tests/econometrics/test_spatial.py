"""Spatial panels against exact maximum likelihood in R, by dummies, finite differences and simulation."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.spatial import impacts, rho_range, spatial_panel
from optimizer.econometrics.weights import inverse_distance, nearest, row_standardise

RTOL = 1e-6


@pytest.fixture(scope="module")
def cigar(reference: Path) -> tuple[pd.DataFrame, np.ndarray]:
    d = pd.read_csv(reference / "cigar.csv")
    d = d.assign(logc=np.log(d.sales), logp=np.log(d.price / d.cpi), logy=np.log(d.ndi / d.cpi))
    return d, row_standardise(pd.read_csv(reference / "usa46_W_binary.csv", index_col=0).to_numpy())


def _printed(path: Path) -> list[dict[str, list[float]]]:
    """The four models in order: unit lag, unit Durbin, two-way lag, two-way Durbin."""
    out: list[dict[str, list[float]]] = []
    number = r"-?\d+\.\d+"
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        if " rho " in line or line.startswith("rho"):
            values = [float(v) for v in re.findall(number, line)]
            slopes = [float(v) for v in re.findall(number, lines[i + 2])]
            rest = [float(v) for v in re.findall(r"\d+\.\d+(?:e-?\d+)?", lines[i + 3].replace("s2", " "))]
            out.append({"rho": values[:1], "rho_se": values[1:2], "beta": slopes, "rest": rest})
    return out


@pytest.mark.parametrize("position", range(4))
def test_cigarettes(cigar: tuple[pd.DataFrame, np.ndarray], reference: Path, position: int) -> None:
    """lagsarlm with state (and year) dummies: rho, slopes, errors, variance, log-likelihood."""
    d, w = cigar
    printed = _printed(reference / "spatialreg_lagsarlm_reference.txt")[position]
    effects = "unit" if position < 2 else "two-way"
    fit = spatial_panel(d.logc, d[["logp", "logy"]], w, d.state, d.year, durbin=position % 2 == 1, effects=effects)  # type: ignore[arg-type]
    assert fit.rho == pytest.approx(printed["rho"][0], rel=RTOL)
    assert fit.rho_se == pytest.approx(printed["rho_se"][0], rel=RTOL)
    np.testing.assert_allclose(fit.beta, printed["beta"], rtol=RTOL, atol=1e-7)
    errors, (s2, loglik) = printed["rest"][:2], printed["rest"][2:]
    np.testing.assert_allclose(fit.se[:2], errors, rtol=RTOL)
    assert fit.sigma2 == pytest.approx(s2, rel=RTOL)
    assert fit.loglik == pytest.approx(loglik, rel=1e-10)


def _simulated(seed: int, rho: float, theta: float = 0.0, n: int = 40, years: int = 8):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    w = nearest(rng.uniform(25, 40, n), rng.uniform(100, 120, n), 4)
    x = rng.normal(size=(n, years))
    fixed = rng.normal(size=(n, 1)) + 0.1 * np.arange(years)
    y = np.linalg.solve(np.eye(n) - rho * w, 0.5 * x + theta * (w @ x) + fixed + 0.5 * rng.normal(size=(n, years)))
    return y.ravel(), x.ravel(), w, np.repeat(np.arange(n), years), np.tile(np.arange(years), n)


def test_likelihood_is_at_its_maximum_and_the_information_is_its_curvature() -> None:
    y, x, w, unit, time = _simulated(0, 0.4, n=100, years=12)
    fit = spatial_panel(y, x, w, unit, time)
    cubes = (y.reshape(100, 12), w @ y.reshape(100, 12), x.reshape(100, 12))
    ys, wys, xs = ((v - v.mean(1, keepdims=True) - v.mean(0) + v.mean()).ravel() for v in cubes)

    def loglik(rho: float) -> float:
        e = ys - rho * wys
        e = e - xs * (xs @ e) / (xs @ xs)
        _, determinant = np.linalg.slogdet(np.eye(100) - rho * w)
        return float(-600 * (np.log(2 * np.pi * (e @ e) / 1200) + 1) + 12 * determinant)

    assert fit.loglik == pytest.approx(loglik(fit.rho), rel=1e-12)
    h = 1e-4
    up, at, down = (loglik(fit.rho + d) for d in (h, 0.0, -h))
    assert abs(up - down) / (2 * h) < 1e-3
    observed = (-(up - 2 * at + down) / h**2) ** -0.5
    assert fit.rho_se == pytest.approx(observed, rel=0.05)


def test_impacts_by_matrix_inversion() -> None:
    y, x, w, unit, time = _simulated(1, 0.4, theta=0.2)
    fit = spatial_panel(y, x, w, unit, time, durbin=True)
    spread = np.linalg.inv(np.eye(40) - fit.rho * w) @ (fit.beta[0] * np.eye(40) + fit.beta[1] * w)
    found = impacts(fit, draws=4_000)[0]
    assert found.direct == pytest.approx(np.trace(spread) / 40, rel=1e-9)
    assert found.total == pytest.approx(spread.sum() / 40, rel=1e-9)
    assert found.indirect == pytest.approx(found.total - found.direct, rel=1e-12)
    assert found.total_interval[0] < found.total < found.total_interval[1]


def test_lee_yu_changes_variance_by_its_factor_with_unit_effects() -> None:
    y, x, w, unit, time = _simulated(2, 0.3)
    plain = spatial_panel(y, x, w, unit, time, effects="unit")
    moved = spatial_panel(y, x, w, unit, time, effects="unit", lee_yu=True)
    assert moved.rho == pytest.approx(plain.rho, rel=1e-9)  # unit effects bias the variance only
    assert moved.sigma2 == pytest.approx(plain.sigma2 * 8 / 7, rel=1e-9)
    assert moved.rho_se == pytest.approx(plain.rho_se * np.sqrt(8 / 7), rel=1e-6)


def test_weights() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(20, 40, 12), rng.uniform(100, 120, 12)
    for w in (nearest(lat, lon, 3), inverse_distance(lat, lon)):
        np.testing.assert_allclose(w.sum(axis=1), 1.0)
        assert not np.diag(w).any()
    assert ((nearest(lat, lon, 3) > 0).sum(axis=1) == 3).all()
    low, high = rho_range(np.linalg.eigvals(nearest(lat, lon, 3)).astype(complex))
    assert low < 0.0 < high == pytest.approx(1.0)
    with pytest.raises(DesignError, match="no neighbour: rows 0"):
        row_standardise(np.array([[0, 0], [1, 0]]))
    with pytest.raises(DesignError, match="own neighbour"):
        row_standardise(np.eye(2))


def test_refusals() -> None:
    y, x, w, unit, time = _simulated(0, 0.2)
    with pytest.raises(DesignError, match="do not sum to one"):
        spatial_panel(y, x, w * 2, unit, time)
    with pytest.raises(DesignError, match="balanced"):
        spatial_panel(y[1:], x[1:], w, unit[1:], time[1:])
