"""Thresholds against regressions on every candidate, stored output of pyxthreg, and the pitfalls of Hansen's test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import ols
from optimizer.econometrics.splitgram import Within
from optimizer.econometrics.threshold import Options, lr_critical, threshold
from optimizer.econometrics.thresholdresult import Profile, ThresholdResult
from optimizer.econometrics.thresholdtest import _resample, bootstrap_f, estimate_thresholds, problem

STORED = Path(__file__).parent / "data" / "pyxthreg_thresholds.csv"


@dataclass(frozen=True)
class Sample:
    """Columns of a simulated threshold panel."""

    y: np.ndarray
    z: np.ndarray
    q: np.ndarray
    x: np.ndarray
    unit: np.ndarray
    time: np.ndarray


def make(
    seed: int,
    cities: int = 80,
    years: int = 10,
    cuts: tuple[float, ...] = (-0.4, 0.7),
    slopes: tuple[float, ...] = (0.2, 0.8, 0.1),
) -> Sample:
    rng = np.random.default_rng(seed)
    unit, time = np.repeat(np.arange(cities), years), np.tile(np.arange(years), cities)
    q = (rng.normal(size=(cities, 1)) + rng.normal(size=(cities, years))).ravel()
    z = (rng.normal(size=(cities, 1)) + rng.normal(size=(cities, years))).ravel()
    x = rng.normal(size=unit.size)
    slope = np.array(slopes)[np.searchsorted(cuts, q)]
    y = rng.normal(size=cities)[unit] + 0.05 * time + 0.3 * x + slope * z + 0.6 * rng.normal(size=unit.size)
    return Sample(y, z, q, x[:, None], unit, time)


def run(s: Sample, **options: Any) -> ThresholdResult:
    return threshold(s.y, s.z, s.q, s.x, s.unit, s.time, options=Options(**({"draws": 0} | options)))


@pytest.mark.parametrize("years", [True, False], ids=["two-way", "one-way"])
def test_every_candidate_is_a_regression(years: bool) -> None:
    s = make(5, cities=30, years=6)
    found = run(s, most=2, candidates=50, year_effects=years)
    effects = absorb(s.unit, s.time) if years else absorb(s.unit)
    profile = found.models[0].profiles[0]
    direct = np.array(
        [ols(s.y, np.column_stack((s.x, s.z, s.z * (s.q <= g))), effects=effects).rss for g in profile.candidates]
    )
    assert found.ssr[0] == pytest.approx(ols(s.y, np.column_stack((s.x, s.z)), effects=effects).rss, rel=1e-11)
    assert found.ssr[1] == pytest.approx(direct.min(), rel=1e-11)
    sigma2 = direct.min() / found.tests[0].df
    np.testing.assert_allclose(profile.lr, (direct - direct.min()) / sigma2, atol=1e-7)
    for model in found.models:  # the SSR of the search is that of the final regression
        assert model.fit.rss == pytest.approx(model.ssr, rel=1e-11)
        assert sum(model.regime_rows) == s.y.size
    f = (found.ssr[0] - found.ssr[1]) / (found.ssr[1] / (30 * 5))
    assert found.tests[0].f == pytest.approx(f, rel=1e-12)


def test_two_thresholds_are_best_given_each_other() -> None:
    s = make(6, cities=30, years=6)
    found = run(s, most=2, candidates=60)
    first, second = found.models[1].thresholds
    assert first < second
    effects = absorb(s.unit, s.time)
    least = found.least_per_regime
    for moving, fixed in ((0, second), (1, first)):
        ssr = []
        for g in found.models[0].profiles[0].candidates:
            low, high = min(g, fixed), max(g, fixed)
            if (np.bincount(np.searchsorted([low, high], s.q), minlength=3) >= least).all():
                columns = np.column_stack((s.x, s.z, s.z * (s.q <= low), s.z * (s.q <= high)))
                ssr.append(ols(s.y, columns, effects=effects).rss)
        assert min(ssr) == pytest.approx(found.ssr[2], rel=1e-10), moving


def _stored_rows() -> list[Any]:
    return list(pd.read_csv(STORED).itertuples(index=False))


def _panel_of(row: Any) -> Sample:
    cuts = tuple(float(v) for v in str(row.cuts).split(";"))
    slopes = tuple(float(v) for v in str(row.slopes).split(";"))
    return make(int(row.seed), int(row.cities), int(row.years), cuts, slopes)


@pytest.mark.parametrize("row", _stored_rows(), ids=lambda r: f"seed {r.seed}, years {r.year_effects}")
def test_pyxthreg_stored(row: Any) -> None:
    """Exhaustive search, 5 % trim: thresholds and SSR printed by pyxthreg 0.0.3 on the same panels."""
    found = run(_panel_of(row), most=2, year_effects=bool(row.year_effects))
    assert found.models[1].thresholds == pytest.approx((row.threshold_1, row.threshold_2), abs=1e-7)
    assert found.ssr[1:] == pytest.approx((row.ssr_1, row.ssr_2), abs=1e-6)


@pytest.mark.slow
def test_pyxthreg_live() -> None:
    theirs = pytest.importorskip("pyxthreg")
    s = make(1)
    frame = pd.DataFrame({"id": s.unit, "year": s.time, "y": s.y, "z": s.z, "q": s.q, "x": s.x[:, 0]})
    model = theirs.ThresholdPanel(frame, "y", ["z"], "q", ["x"])
    model.fit(thnum=2, trim=0.05, grid=0, bs=5, time_fe=False)
    assert run(s, most=2, year_effects=False).models[1].thresholds == pytest.approx(model.results["thresholds"])


def test_hansens_own_program() -> None:
    """Unit means only, the last period dropped after demeaning, q < g: against doing exactly that."""
    s = make(7, cities=40, years=6)
    found = run(s, most=1, candidates=40, year_effects=False, hansen_program=True)

    def transformed(column: np.ndarray) -> np.ndarray:
        cube = column.reshape(40, 6)
        return np.asarray((cube - cube.mean(axis=1, keepdims=True))[:, :-1].ravel())

    ssr = []
    for g in found.models[0].profiles[0].candidates:
        columns = np.column_stack([transformed(c) for c in (s.x[:, 0], s.z, s.z * (s.q < g))])
        beta = np.linalg.lstsq(columns, transformed(s.y), rcond=None)[0]
        ssr.append(float(((transformed(s.y) - columns @ beta) ** 2).sum()))
    assert found.ssr[1] == pytest.approx(min(ssr), rel=1e-10)
    assert found.models[0].thresholds[0] == found.models[0].profiles[0].candidates[int(np.argmin(ssr))]
    drawn = run(s, most=2, candidates=40, year_effects=False, hansen_program=True, draws=99)
    assert drawn.tests[0].p < 0.05
    with pytest.raises(DesignError, match="unit means only"):
        run(s, hansen_program=True)


@pytest.mark.parametrize("m", [1, 2])
def test_a_bootstrap_draw_is_a_whole_search(m: int) -> None:
    """F of a draw, from the Gram matrix, equals building the outcome and searching again from nothing."""
    s = make(8, cities=25, years=6)
    options = Options(candidates=30, draws=6, seed=3, most=2)
    shape = (25, 6)
    controls = s.x[:, 0].reshape(1, *shape)
    z, q = s.z.reshape(shape), s.q.reshape(shape)
    ready = problem(s.y.reshape(shape), z, q, controls, ("x", "z"), options)
    path, _, _, _ = estimate_thresholds(ready, 2)
    drawn = bootstrap_f(ready, path[m - 1], m, options)
    cuts = np.sort(ready.gram.candidates[path[m - 1][0]])
    columns = [s.x, s.z[:, None], *((s.z * (s.q <= c))[:, None] for c in cuts)]
    null = ols(s.y, np.column_stack(columns), effects=absorb(s.unit, s.time))
    fitted = s.y - null.residuals
    rng = np.random.default_rng((3, m))
    which = rng.integers(0, 25, (6, 25))
    for b in range(6):
        outcome = fitted + null.residuals.reshape(shape)[which[b]].ravel()
        again = threshold(outcome, s.z, s.q, s.x, s.unit, s.time, options=Options(candidates=30, draws=0, most=m))
        assert drawn[b] == pytest.approx(again.tests[m - 1].f, rel=1e-7, abs=1e-7)


def test_whole_cities_are_drawn_and_years_taken_out_again() -> None:
    residuals = np.random.default_rng(0).normal(size=(12, 5))
    residuals -= residuals.mean(axis=1, keepdims=True)
    cities = {tuple(np.round(row - row.mean(), 9)) for row in residuals}
    plain = _resample(residuals, Options(draws=20), np.random.default_rng(1), Within(periods=False))
    assert all(tuple(np.round(row, 9)) in cities for draw in plain for row in draw)
    both = _resample(residuals, Options(draws=20), np.random.default_rng(1), Within(periods=True))
    np.testing.assert_allclose(both.mean(axis=1), 0.0, atol=1e-14)
    np.testing.assert_allclose(both, plain - plain.mean(axis=1, keepdims=True), atol=1e-14)
    rows = _resample(residuals, Options(draws=20, resample="rows"), np.random.default_rng(1), Within(periods=False))
    assert not all(tuple(np.round(row, 9)) in cities for draw in rows for row in draw)


def test_p_is_never_zero_and_counts_the_sample() -> None:
    found = run(make(1), most=1, draws=99)
    assert found.tests[0].p == pytest.approx(1 / 100)
    assert found.tests[0].draws == 99


def test_ties_and_winsorised_ends() -> None:
    """With ties, all rows at a candidate are below it, in the search as in the final regression."""
    s = make(9)
    q = np.clip(np.round(s.q, 1), -1.0, 1.0)
    found = threshold(s.y, s.z, q, s.x, s.unit, s.time, options=Options(draws=0, most=2))
    for model in found.models:
        assert set(model.thresholds) <= set(q)
        assert model.fit.rss == pytest.approx(model.ssr, rel=1e-10)
        below = int((q <= model.thresholds[0]).sum())
        assert model.regime_rows[0] == below


def test_regimes_keep_their_least() -> None:
    found = run(make(2), most=3, trim_frac=0.15)
    assert all(rows >= found.least_per_regime for rows in found.models[2].regime_rows)
    assert found.least_per_regime == 120


def test_f_is_not_negative_and_names_its_convention() -> None:
    s = make(10, cuts=(), slopes=(0.3,))
    for rule, df in (("n(T-1)", 720), ("nT-T", 790), ("residual", 720 - 9 - 2)):
        found = run(s, df=rule)
        assert all(test.f >= 0.0 and test.df == df for test in found.tests)
        assert rule in found.df_convention
        assert str(df) in found.df_convention


def test_slopes_are_equal_when_the_threshold_lies_outside() -> None:
    """A regime holding every row gives the linear model's slope: one threshold outside the data changes nothing."""
    s = make(3)
    effects = absorb(s.unit, s.time)
    linear = ols(s.y, np.column_stack((s.x, s.z)), effects=effects)
    outside = ols(s.y, np.column_stack((s.x, s.z * (s.q <= s.q.max()))), effects=effects)
    assert outside.beta[1] == pytest.approx(linear.beta[1], rel=1e-12)


def test_critical_values_of_the_ratio() -> None:
    """Hansen 1999: 5.94, 7.35 and 10.59."""
    assert [round(lr_critical(level), 2) for level in (0.90, 0.95, 0.99)] == [5.94, 7.35, 10.59]


def test_sets_nest_contain_the_estimate_and_may_be_disconnected() -> None:
    disconnected = False
    for seed in range(6):
        profile: Profile = run(make(seed, cities=30, slopes=(0.2, 0.5, 0.3)), most=1).models[0].profiles[0]
        sizes = []
        for chosen in profile.sets:
            inside = profile.lr <= chosen.critical
            covered = np.zeros_like(inside)
            for low, high in chosen.intervals:
                covered |= (profile.candidates >= low) & (profile.candidates <= high)
            np.testing.assert_array_equal(covered, inside)
            assert any(low <= profile.estimate <= high for low, high in chosen.intervals)
            sizes.append(int(inside.sum()))
            disconnected |= len(chosen.intervals) > 1
        assert sizes == sorted(sizes)
    assert disconnected


def test_row_order_does_not_matter() -> None:
    s = make(4)
    order = np.random.default_rng(0).permutation(s.y.size)
    again = threshold(
        s.y[order], s.z[order], s.q[order], s.x[order], s.unit[order], s.time[order], options=Options(most=1, draws=50)
    )
    assert again.ssr == pytest.approx(run(s, most=1).ssr, rel=1e-12)
    assert again.tests == run(s, most=1, draws=50).tests


def test_refusals_name_what_is_wrong() -> None:
    s = make(1)
    with pytest.raises(DesignError, match="takes 5 distinct values"):
        threshold(s.y, s.z, np.round(np.clip(s.q, -2, 2)), s.x, s.unit, s.time)
    kept = ~((s.unit == 0) & (s.time == 3))
    with pytest.raises(DesignError, match=r"0 3 \(0 rows\)"):
        threshold(s.y[kept], s.z[kept], s.q[kept], s.x[kept], s.unit[kept], s.time[kept])
    with pytest.raises(DesignError, match="each regime keeps at least"):
        run(s, most=3, trim_frac=0.3)


@pytest.mark.slow
def test_size_holds_under_serial_correlation_only_with_cities() -> None:
    rng = np.random.default_rng(0)
    rejected = {"cities": 0, "rows": 0}
    for _ in range(200):
        cities, years = 60, 10
        error = rng.normal(size=(cities, years))
        q = rng.normal(size=(cities, 1)) + 0.3 * rng.normal(size=(cities, years)).cumsum(axis=1)
        for t in range(1, years):
            error[:, t] = 0.8 * error[:, t - 1] + 0.6 * error[:, t]
        unit, time = np.repeat(np.arange(cities), years), np.tile(np.arange(years), cities)
        for how in ("cities", "rows"):
            options = Options(most=1, draws=99, candidates=60, resample=how)
            found = threshold(error.ravel(), q.ravel(), q.ravel(), np.empty((600, 0)), unit, time, options=options)
            rejected[how] += found.tests[0].p <= 0.05
    assert rejected["cities"] <= 0.09 * 200
    assert rejected["rows"] >= 0.15 * 200
