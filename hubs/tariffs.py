"""Time-of-use periods and the hourly energy price of a site.

Two conventions, because two kinds of price are known. A **region** has the price of its flat hours
(`tariff_flat_kcny_per_mwh`): price of an hour = that price times the period's ratio, as tariffs are published. A
**cluster** has the price its level load pays on average (`power_kcny_per_mwh`): its hours follow the ratios of its
region, scaled so that a load level over a 365-day year pays exactly that average.

Omits: ratios apply to the whole energy price, although some provinces leave funds and transmission charges out of them;
weekends and holidays are like other days.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hubs.errors import Fault, InputError, unknown_name
from hubs.facts import Facts

FLAT = "flat"
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=float)

Floats = npt.NDArray[np.float64]


def hourly_periods(facts: Facts, region: str, month: int) -> tuple[str, ...]:
    """Period of each of the 24 hours: 'peak', 'critical', 'valley' or 'flat'; month 1 to 12."""
    return _year_of_periods(facts, region)[_checked(month) - 1]


def energy_price_kcny_per_mwh(facts: Facts, site: str, month: int) -> Floats:
    """Energy price of the 24 hours of a day in `month` (1 to 12), shape (24,), for a cluster or a region.

    See the module's head for what the two kinds of site mean by their price. InputError for an unknown site or month.
    """
    return np.asarray(energy_price_by_month(facts, site)[_checked(month) - 1])


def energy_price_by_month(facts: Facts, site: str) -> Floats:
    """The same for every month, shape (12, 24); InputError for an unknown site."""
    if site in facts.clusters.index:
        ratios = ratios_by_month(facts, str(facts.clusters.loc[site, "region"]))
        mean_ratio = float((_DAYS * ratios.mean(axis=1)).sum() / _DAYS.sum())
        price = float(facts.clusters["power_kcny_per_mwh"].loc[site])
        return np.asarray(price / mean_ratio * ratios)
    if site in facts.regions.index:
        flat_price = float(facts.regions["tariff_flat_kcny_per_mwh"].loc[site])
        return np.asarray(flat_price * ratios_by_month(facts, site))
    raise unknown_name("energy_price_kcny_per_mwh", "site", site, [*facts.clusters.index, *facts.regions.index])


def ratios_by_month(facts: Facts, region: str) -> Floats:
    """Price over the flat price, shape (12, 24): month by hour."""
    periods = _year_of_periods(facts, region)
    ratio = {name: float(facts.regions[f"tou_{name}_ratio"].loc[region]) for name in ("peak", "critical", "valley")}
    ratio[FLAT] = 1.0
    return np.array([[ratio[period] for period in day] for day in periods])


def _year_of_periods(facts: Facts, region: str) -> list[tuple[str, ...]]:
    if region not in facts.regions.index:
        raise unknown_name("hourly_periods", "region", region, facts.regions.index)
    year = [[FLAT] * 24 for _ in range(12)]
    table = facts.tariff_periods
    mine = table[table["region"] == region]
    for months, period, hours in zip(mine["months"], mine["period"], mine["hours"], strict=True):
        for month in months:
            for hour in hours:
                year[month - 1][hour] = period
    return [tuple(day) for day in year]


def _checked(month: int) -> int:
    if not 1 <= month <= 12:
        raise InputError(
            [Fault("tariffs", None, "month", f"month is {month}", "months run from 1 to 12", "pass a calendar month")]
        )
    return month
