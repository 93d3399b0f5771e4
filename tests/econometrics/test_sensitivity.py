"""Sensitivity: Oster's identity on constructed confounders, Cinelli-Hazlett on its published example."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import ols
from optimizer.econometrics.sensitivity import (
    Regressions,
    adjusted_estimate,
    altonji_ratio,
    default_r_max,
    oster_beta,
    oster_delta,
    regressions,
    robustness_value,
)
from tests.econometrics.conftest import make_small


def _confounded(seed: int, beta: float = 0.4):  # type: ignore[no-untyped-def]
    """y = beta x + w1 + w2 exactly, w1 and w2 orthogonal: controls see w1, R_max = 1, delta known from the data."""
    rng = np.random.default_rng(seed)
    n = 500
    w = rng.normal(size=(n, 2))
    w -= w.mean(axis=0)
    w[:, 1] -= w[:, 0] * (w[:, 0] @ w[:, 1]) / (w[:, 0] @ w[:, 0])
    x = w @ rng.uniform(0.2, 0.8, 2) + rng.normal(size=n)
    x -= x.mean()
    y = beta * x + w @ [1.0, 0.7]
    w1, w2 = w[:, 0], 0.7 * w[:, 1]
    delta = (x @ w2 / (w2 @ w2)) / (x @ w1 / (w1 @ w1))
    return y, x, w1, delta, beta


@pytest.mark.parametrize("seed", range(5))
def test_oster_recovers_a_known_confounder(seed: int) -> None:
    y, x, w1, delta, beta = _confounded(seed)
    fit = ols(y, np.column_stack((x, w1)), names=("x", "w"))
    regs = regressions(fit, "x")
    assert oster_delta(regs, r_max=1.0, beta=beta) == pytest.approx(delta, rel=1e-8)
    found = oster_beta(regs, delta=delta, r_max=1.0)
    assert min(abs(root - beta) for root in found.roots) < 1e-8
    assert found.beta in found.roots


def test_delta_and_beta_are_inverse() -> None:
    p = make_small()
    regs = regressions(ols(p.y, p.x, effects=p.effects), "x1")
    for target in (0.0, 0.05):
        delta = oster_delta(regs, beta=target)
        assert min(abs(root - target) for root in oster_beta(regs, delta=delta).roots) < 1e-7
    assert default_r_max(regs) == pytest.approx(1.3 * regs.r2_long)


def test_more_controls_never_lower_r2_and_the_short_regression_is_right() -> None:
    p = make_small()
    regs = regressions(ols(p.y, p.x, effects=p.effects), "x1")
    short = ols(p.y, p.x[:, :1], effects=p.effects)
    assert regs.beta_short == pytest.approx(float(short.beta[0]), rel=1e-10)
    assert regs.r2_short == pytest.approx(short.r2_within, rel=1e-10)
    assert regs.r2_short <= regs.r2_long


def test_published_altonji_ratio() -> None:
    assert altonji_ratio(0.3309, 0.2720) == pytest.approx(4.618, abs=5e-4)
    with pytest.raises(DesignError, match="unbounded"):
        altonji_ratio(0.3, 0.3)


def test_robustness_values_of_the_published_example() -> None:
    """Cinelli and Hazlett 2020, Darfur: t = 4.18 on 783 df: partial R2 2.2 %, 13.9 % and 7.6 %."""
    found = robustness_value(0.097315819 / 0.023256537, 783)
    assert found.partial_r2 == pytest.approx(0.02187, abs=1e-5)
    assert found.value == pytest.approx(0.13878, abs=1e-5)
    assert found.value_significance == pytest.approx(0.07626, abs=1e-5)
    # At the robustness value a confounder takes the estimate exactly to zero.
    moved, _ = adjusted_estimate(0.097315819, 0.023256537, 783, found.value, found.value)
    assert moved == pytest.approx(0.0, abs=1e-9)
    at_edge, se = adjusted_estimate(0.097315819, 0.023256537, 783, found.value_significance, found.value_significance)
    assert at_edge / se == pytest.approx(1.963, abs=2e-3)
    assert robustness_value(0.5, 100).value_significance == 0.0


def test_adjusted_estimate_is_the_regression_with_the_confounder() -> None:
    rng = np.random.default_rng(2)
    n = 300
    u = rng.normal(size=n)
    x = 0.5 * u + rng.normal(size=n)
    y = 0.8 * x + 0.6 * u + rng.normal(size=n)
    ones = np.ones(n)
    short = ols(y, np.column_stack((x, ones)), names=("x", "1"))
    long = ols(y, np.column_stack((x, u, ones)), names=("x", "u", "1"))
    t_u = float(long.t[1])
    r2_y = t_u**2 / (t_u**2 + long.df_residual)
    stage = ols(x, np.column_stack((u, ones)), names=("u", "1"))
    r2_x = float(stage.t[0] ** 2 / (stage.t[0] ** 2 + stage.df_residual))
    found = adjusted_estimate(float(short.beta[0]), float(short.se[0]), short.df_residual, r2_y, r2_x)
    assert found == pytest.approx((float(long.beta[0]), float(long.se[0])), rel=1e-9)


def test_refusals() -> None:
    regs = Regressions(0.5, 0.1, 0.4, 0.3, 1.0, 1.0, 0.8)
    with pytest.raises(DesignError, match="R_max"):
        oster_delta(regs, r_max=0.2)
    with pytest.raises(DesignError, match="two degrees"):
        robustness_value(2.0, 1)
    with pytest.raises(DesignError, match="shares"):
        adjusted_estimate(1.0, 0.1, 50, 1.2, 0.1)
