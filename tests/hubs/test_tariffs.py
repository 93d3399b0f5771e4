"""Time-of-use periods and hourly prices."""

from __future__ import annotations

import calendar

import numpy as np
import pytest

from hubs import Facts, InputError, energy_price_kcny_per_mwh, hourly_periods
from hubs.periods import parse_hours, parse_months
from hubs.tariffs import ratios_by_month


def test_guangdong_as_in_its_notice(facts: Facts) -> None:
    """Peak 10-12 and 14-19, valley 0-8; from July to September 11-12 and 15-17 are critical."""
    winter, summer = hourly_periods(facts, "Guangdong", 1), hourly_periods(facts, "Guangdong", 8)
    assert [hour for hour in range(24) if winter[hour] == "peak"] == [10, 11, 14, 15, 16, 17, 18]
    assert [hour for hour in range(24) if winter[hour] == "valley"] == list(range(8))
    assert "critical" not in winter
    assert winter.count("flat") == 9
    assert [hour for hour in range(24) if summer[hour] == "critical"] == [11, 15, 16]
    assert [hour for hour in range(24) if summer[hour] == "peak"] == [10, 14, 17, 18]


def test_shanghai_has_a_summer_afternoon_peak(facts: Facts) -> None:
    assert hourly_periods(facts, "Shanghai", 7)[13] == "peak"
    assert hourly_periods(facts, "Shanghai", 6)[13] == "flat"


def test_inner_mongolia_is_cheap_at_midday(facts: Facts) -> None:
    assert set(hourly_periods(facts, "Inner Mongolia", 3)[10:15]) == {"valley"}
    assert hourly_periods(facts, "Inner Mongolia", 7)[18:20] == ("critical", "critical")


def test_every_region_has_dear_and_cheap_hours_in_every_month(facts: Facts) -> None:
    for region in facts.regions.index:
        for month in range(1, 13):
            assert {"peak", "valley", "flat"} <= set(hourly_periods(facts, region, month))


def test_a_region_pays_its_flat_price_times_the_ratio(facts: Facts) -> None:
    price = energy_price_kcny_per_mwh(facts, "Guangdong", 8)
    assert price.shape == (24,)
    assert price[9] == pytest.approx(0.66)
    assert price[10] == pytest.approx(0.66 * 1.7)
    assert price[11] == pytest.approx(0.66 * 1.7 * 1.25)
    assert price[0] == pytest.approx(0.66 * 0.38)


def test_a_level_load_of_a_cluster_pays_its_average_price_over_the_year(facts: Facts) -> None:
    for cluster in facts.clusters.index:
        paid = sum(calendar.monthrange(2025, month)[1] * energy_price_kcny_per_mwh(facts, cluster, month).sum()
                   for month in range(1, 13))  # fmt: skip
        assert paid / 8760 == pytest.approx(facts.clusters["power_kcny_per_mwh"][cluster], rel=1e-12)


def test_a_cluster_has_the_shape_of_its_region(facts: Facts) -> None:
    for cluster, region in facts.clusters["region"].items():
        mine = energy_price_kcny_per_mwh(facts, str(cluster), 7)
        theirs = energy_price_kcny_per_mwh(facts, region, 7)
        np.testing.assert_allclose(mine / mine[0], theirs / theirs[0], rtol=1e-12)


def test_ratios(facts: Facts) -> None:
    ratios = ratios_by_month(facts, "Ningxia")
    assert ratios.shape == (12, 24)
    assert set(ratios.ravel()) == {0.5, 1.0, 1.5}


def test_the_west_is_cheaper(facts: Facts) -> None:
    east = energy_price_kcny_per_mwh(facts, "YangtzeDelta", 4).mean()
    assert energy_price_kcny_per_mwh(facts, "Zhongwei", 4).mean() < 0.65 * east


@pytest.mark.parametrize("month", [0, 13])
def test_no_such_month(facts: Facts, month: int) -> None:
    with pytest.raises(InputError, match=f"month is {month}; months run from 1 to 12"):
        hourly_periods(facts, "Gansu", month)
    with pytest.raises(InputError, match="months run from 1 to 12"):
        energy_price_kcny_per_mwh(facts, "Guian", month)


def test_no_such_site(facts: Facts) -> None:
    with pytest.raises(InputError, match=r"region 'Gansoo' is not known.*Mend: write 'Gansu'"):
        hourly_periods(facts, "Gansoo", 1)
    with pytest.raises(InputError, match=r"site 'Guiann' is not known.*Mend: write 'Guian'"):
        energy_price_kcny_per_mwh(facts, "Guiann", 1)


def test_spans() -> None:
    assert parse_hours("10-12,14-16") == (10, 11, 14, 15)
    assert parse_hours("22-24,0-2") == (0, 1, 22, 23)
    assert parse_months("all") == tuple(range(1, 13))
    assert parse_months("1-2,7,11-12") == (1, 2, 7, 11, 12)
