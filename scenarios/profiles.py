"""Hourly series of a horizon from small tables of figures, by seeded generators.

Every generator draws from its own stream, derived from the scenario's seed and the names of what it draws
for, so that adding a region or shuffling a table does not change the series of the others.
"""

from __future__ import annotations

import zlib

import numpy as np

from scenarios import figures
from scenarios.case import Floats, Horizon


def stream(seed: int, *names: str) -> np.random.Generator:
    """An independent random stream for this seed and these names."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def hours_of_day(horizon: Horizon) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return (horizon.start.hour + np.arange(horizon.hours)) % 24


def months(horizon: Horizon) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Month (0 to 11) of each hour."""
    return np.array([horizon.time(t).month - 1 for t in range(horizon.hours)])


def per_hour(daily: Floats, horizon: Horizon) -> Floats:
    """One value per day, repeated for the hours of that day."""
    return np.repeat(daily, 24)[: horizon.hours]


def demand_eflops(
    mean_eflops: float, shape: str, horizon: Horizon, day_sd_frac: float, rng: np.random.Generator
) -> Floats:
    """(t,): mean x shape of the day x a normal factor per day with mean one, kept above a tenth."""
    factor = np.maximum(0.1, 1 + day_sd_frac * rng.standard_normal(horizon.days))
    return (
        mean_eflops * figures.daily_shape("inference_shape", shape)[hours_of_day(horizon)] * per_hour(factor, horizon)
    )


def anomalies(days: int, sd: float, lag1: float, rng: np.random.Generator) -> Floats:
    """(d,): a stationary first-order autoregression with this standard deviation."""
    noise = rng.standard_normal(days)
    series = np.empty(days)
    series[0] = sd * noise[0]
    for d in range(1, days):
        series[d] = lag1 * series[d - 1] + sd * np.sqrt(1 - lag1**2) * noise[d]
    return series


def capacity_factor(carrier: str, region: str, horizon: Horizon, rng: np.random.Generator) -> Floats:
    """(t,): month x hour mean, scaled by a daily anomaly with the region's spread and memory, within 0 and 1."""
    means = figures.month_hour("renewable_means", region, carrier=carrier)
    row = figures.matching("renewable_variability", region=region, carrier=carrier).iloc[0]
    relative = anomalies(horizon.days, float(row["daily_std"]) / float(row["annual_mean"]), float(row["lag1"]), rng)
    hourly = means[months(horizon), hours_of_day(horizon)]
    return np.clip(hourly * np.maximum(0.0, 1 + per_hour(relative, horizon)), 0.0, 1.0)


def temperature_c(
    site: str, horizon: Horizon, shift_c: float, day_sd_c: float, rng: np.random.Generator
) -> tuple[Floats, float]:
    """(t,) air temperature at a site, and its annual mean before the shift.

    That of the nearest city with published means, plus an offset. InputError for a site without a city.
    """
    climate = figures.matching("site_climate", site=site)
    city, offset_c = str(climate["city"].iloc[0]), float(climate["offset_c"].iloc[0])
    means = figures.month_hour("temperature_means", "temp_c", city=city) + offset_c
    daily = anomalies(horizon.days, day_sd_c, 0.6, rng)
    return means[months(horizon), hours_of_day(horizon)] + per_hour(daily, horizon) + shift_c, float(means.mean())


def pue_ratio(mean_ratio: float, temp_c: Floats, mean_temp_c: float, per_c: float) -> Floats:
    """(t,): the overhead over IT power grows by `per_c` per degree above the site's mean, down to half of it.

    Never below 1, because an overhead is never negative.
    """
    return 1 + (mean_ratio - 1) * np.maximum(0.5, 1 + per_c * (temp_c - mean_temp_c))
