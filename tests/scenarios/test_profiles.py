"""Generated series: means, bounds and streams that no order, hash seed or neighbour changes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from hubs.errors import InputError
from optimizer.runs.manifest import case_hash
from scenarios import figures, profiles
from scenarios.build import build_case
from scenarios.case import Horizon
from scenarios.library import load

YEAR = Horizon(datetime(2025, 1, 1), 8760)
DAY = Horizon(datetime(2025, 7, 14), 24)
ROOT = Path(__file__).resolve().parents[2]


def rng() -> np.random.Generator:
    return profiles.stream(1, "test")


@pytest.mark.parametrize("table", ["inference_shape", "batch_arrivals"])
def test_shapes_have_mean_one(table: str) -> None:
    for shape in figures.shapes(table):
        values = figures.daily_shape(table, shape)
        assert values.shape == (24,)
        assert values.mean() == pytest.approx(1.0)
        assert (values > 0).all()
    assert np.ptp(figures.daily_shape(table, "flat")) == 0


def test_demand_has_its_mean_over_a_year_and_no_noise_if_none_is_asked_for() -> None:
    still = profiles.demand_eflops(5.0, "online", DAY, 0.0, rng())
    np.testing.assert_allclose(still, 5.0 * figures.daily_shape("inference_shape", "online"))
    noisy = profiles.demand_eflops(5.0, "online", YEAR, 0.05, rng())
    assert noisy.shape == (8760,)
    assert noisy.mean() == pytest.approx(5.0, rel=0.01)
    daily = noisy.reshape(365, 24).mean(axis=1)
    assert daily.std() == pytest.approx(5.0 * 0.05, rel=0.1)
    assert (profiles.demand_eflops(5.0, "online", YEAR, 0.5, rng()) > 0).all()


def test_a_horizon_that_starts_later_in_the_day_takes_the_shape_from_there() -> None:
    noon = replace(DAY, start=datetime(2025, 7, 14, 12))
    shifted = profiles.demand_eflops(1.0, "online", noon, 0.0, rng())
    np.testing.assert_allclose(shifted, np.roll(profiles.demand_eflops(1.0, "online", DAY, 0.0, rng()), -12))


def test_anomalies_have_their_spread_and_memory() -> None:
    series = profiles.anomalies(20_000, 0.3, 0.6, rng())
    assert series.mean() == pytest.approx(0.0, abs=0.02)
    assert series.std() == pytest.approx(0.3, rel=0.05)
    assert np.corrcoef(series[1:], series[:-1])[0, 1] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("carrier", ["wind", "solar"])
@pytest.mark.parametrize("region", ["Gansu", "Guangdong", "Inner Mongolia"])
def test_capacity_factors(carrier: str, region: str) -> None:
    factor = profiles.capacity_factor(carrier, region, YEAR, rng())
    assert factor.shape == (8760,)
    assert ((factor >= 0) & (factor <= 1)).all()
    mean = figures.month_hour("renewable_means", region, carrier=carrier).mean()
    assert factor.mean() == pytest.approx(mean, rel=0.1)
    if carrier == "solar":
        assert factor.reshape(365, 24)[:, [0, 1, 2, 23]].max() == 0


def test_temperature_and_pue() -> None:
    temp_c, mean_c = profiles.temperature_c("Horinger", YEAR, 0.0, 2.0, rng())
    assert temp_c.mean() == pytest.approx(mean_c, abs=0.5)
    warmer, same_mean_c = profiles.temperature_c("Horinger", YEAR, 4.0, 2.0, rng())
    np.testing.assert_allclose(warmer - temp_c, 4.0)
    assert same_mean_c == mean_c
    july, january = temp_c[4800:4900].mean(), temp_c[:100].mean()
    assert july > january + 15
    pue = profiles.pue_ratio(1.2, temp_c, mean_c, 0.02)
    assert (pue >= 1.1).all()
    assert pue[temp_c > mean_c].min() > 1.2
    assert pue.mean() == pytest.approx(1.2, abs=0.02)
    assert (profiles.pue_ratio(1.0, temp_c, mean_c, 0.02) == 1.0).all()
    np.testing.assert_allclose(profiles.pue_ratio(1.2, np.array([mean_c, mean_c + 10]), mean_c, 0.02), [1.2, 1.24])


def test_streams_differ_by_name_and_seed_only() -> None:
    draws = {
        (seed, *names): profiles.stream(seed, *names).random() for seed in (1, 2) for names in (("a", "b"), ("b", "a"))
    }
    assert len(set(draws.values())) == 4
    assert profiles.stream(1, "a", "b").random() == draws[1, "a", "b"]


def test_a_region_keeps_its_series_whoever_else_takes_part() -> None:
    scope = "scope.regions=" + str(["Guizhou", "Guangdong"]).replace("'", '"')
    alone, national = build_case(load("day", [scope, 'scope.clusters=["Guian"]'])), build_case(load("day"))
    for region in alone.regions:
        mine, theirs = alone.regions.index(region), national.regions.index(region)
        np.testing.assert_array_equal(alone.demand_eflops[mine], national.demand_eflops[theirs])
        np.testing.assert_array_equal(alone.arrivals_eflopsh[mine], national.arrivals_eflopsh[theirs])
    site, other = alone.sites.index("Guian"), national.sites.index("Guian")
    np.testing.assert_array_equal(alone.pue_ratio[site], national.pue_ratio[other])
    np.testing.assert_array_equal(alone.direct_mw[0], national.direct_mw[national.clusters.index("Guian")])


def test_another_seed_is_another_day() -> None:
    one, other = (build_case(load("day", [f"seed={seed}"])) for seed in (1, 2))
    assert (one.demand_eflops != other.demand_eflops).all()
    assert one.demand_eflops.sum() == pytest.approx(other.demand_eflops.sum(), rel=0.05)
    assert [job.duration_h for job in one.jobs] != [job.duration_h for job in other.jobs]


def test_the_case_does_not_depend_on_the_hash_seed_of_python() -> None:
    code = (
        "from optimizer.runs.manifest import case_hash; from scenarios.build import build_case; "
        "from scenarios.library import load; print(case_hash(build_case(load('day'))))"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert hashes == {case_hash(build_case(load("day"))) + "\n"}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: figures.daily_shape("inference_shape", "onlin"), "inference_shape.csv: shape 'onlin' is not known"),
        (lambda: profiles.temperature_c("Gian", DAY, 0, 0, rng()), "site_climate.csv: site 'Gian' is not known"),
        (lambda: profiles.capacity_factor("wind", "Tibet", DAY, rng()), "renewable_means.csv: column 'Tibet'"),
        (lambda: profiles.capacity_factor("tide", "Gansu", DAY, rng()), "renewable_means.csv: carrier 'tide'"),
        (lambda: figures.quantiles("job_quantiles", trace="x"), "job_quantiles.csv: trace 'x' is not known"),
    ],
)
def test_a_series_without_figures_is_an_error(ask: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()  # type: ignore[operator]


def test_a_blank_figure_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shape.csv").write_text("hour,a,status,source\n0,1,x,y\n1,,x,y\n", encoding="utf-8")
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    with pytest.raises(
        InputError, match=r"shape.csv row 3: a cell is blank; every figure must stand. Mend: fill it in"
    ):
        figures.table("shape")
