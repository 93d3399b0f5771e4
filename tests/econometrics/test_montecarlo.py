"""Bias, coverage and size on synthetic truth, small enough for every run; a benchmark runs them at full size."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.instruments import tsls
from optimizer.econometrics.linear import ols
from optimizer.econometrics.panel import CONTROLS
from optimizer.econometrics.synthetic import DESIGNS, make_panel, no_effect
from optimizer.econometrics.threshold import Options, threshold

NAMES = ["AI", *CONTROLS]


def test_two_way_effects_cover_the_truth_and_hold_their_size() -> None:
    truth = DESIGNS["plain"].total
    estimates, covered, rejected = [], [], []
    for seed in range(250):
        for design, expected in (("plain", truth), (no_effect(), 0.0)):
            frame = make_panel(seed, design).frame
            city = frame["city"].to_numpy(dtype=str)
            fit = ols(
                frame["Inn"], frame[NAMES], effects=absorb(city, frame["year"]), covariance=cluster(city), names=NAMES
            )
            low, high = fit.interval()[0]
            if expected:
                estimates.append(float(fit.beta[0]))
                covered.append(low <= expected <= high)
            else:
                rejected.append(float(fit.p[0]) < 0.05)
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - truth) < 3 * error < 0.02 * truth
    assert np.mean(covered) >= 0.92
    assert 0.02 <= np.mean(rejected) <= 0.085


def test_instruments_undo_confounding() -> None:
    truth = DESIGNS["endogenous"].total
    found, naive = [], []
    for seed in range(60):
        frame = make_panel(seed, "endogenous").frame
        city = frame["city"].to_numpy(dtype=str)
        effects = absorb(city, frame["year"])
        iv = tsls(
            frame["Inn"], frame[["AI"]], frame[list(CONTROLS)], frame[["IV"]], names=(("AI",), CONTROLS, ("IV",)),
            effects=effects, covariance=cluster(city),
        )  # fmt: skip
        found.append((iv.fit.beta[0], iv.fit.interval()[0, 0] <= truth <= iv.fit.interval()[0, 1]))
        naive.append(ols(frame["Inn"], frame[NAMES], effects=effects).beta[0])
    estimates, covered = np.array(found).T
    assert abs(estimates.mean() - truth) < 3 * estimates.std() / np.sqrt(60) < 0.1 * truth
    assert covered.mean() >= 0.88
    assert np.mean(naive) > 1.5 * truth


def test_thresholds_are_within_a_grid_step_in_the_median() -> None:
    truth = DESIGNS["threshold"].thresholds
    gaps = []
    for seed in range(15):
        frame = make_panel(seed, "threshold").frame
        ai = frame["AI"].to_numpy()
        result = threshold(
            frame["Inn"], ai, ai, frame[list(CONTROLS)], frame["city"], frame["year"],
            options=Options(candidates=400, draws=0, most=2),
        )  # fmt: skip
        grid = result.models[0].profiles[0].candidates
        gaps.append(np.abs(np.searchsorted(grid, result.models[1].thresholds) - np.searchsorted(grid, truth)))
    assert (np.median(gaps, axis=0) <= 1).all()


@pytest.mark.slow
def test_hansens_test_holds_its_size_with_cities_and_not_with_rows() -> None:
    truth = no_effect()
    hits = {"cities": 0, "rows": 0}
    for seed in range(300):
        frame = make_panel(70_000 + seed, truth).frame
        ai = frame["AI"].to_numpy()
        for how in ("cities", "rows"):
            options = Options(candidates=200, draws=199, most=1, resample=how)
            result = threshold(
                frame["Inn"], ai, ai, frame[list(CONTROLS)], frame["city"], frame["year"], options=options
            )
            hits[how] += result.tests[0].p <= 0.05
    assert 0.02 * 300 <= hits["cities"] <= 0.085 * 300
    assert hits["rows"] >= 0.12 * 300
