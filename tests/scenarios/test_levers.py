"""Levers of a scenario: each moves what its name says, and conserves what it must."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hubs import load_facts
from scenarios.assets import LEAST_CAPACITY_FRAC
from scenarios.build import build_case
from scenarios.case import TB_PER_GBPS_H, Case, Floats
from scenarios.energy import capacity_frac, energy_kcny_per_mwh
from scenarios.library import load
from scenarios.scope import Scope
from tests.scenarios.conftest import Desk

SCOPE = (
    'scope.regions=["Guangdong", "Guizhou", "Zhejiang", "Hubei"]',
    'scope.clusters=["Guian", "Shaoguan", "Wuhu"]',
    "jobs.count=5",
)
"""Three zones, three clusters."""


FACTS = load_facts()


def scope(*changes: str) -> Scope:
    return Scope(load("day", [*SCOPE, *changes]), FACTS)


@cache
def case(*changes: str) -> Case:
    return build_case(load("day", [*SCOPE, *changes]))


def month_hours(spot_frac: float) -> Floats:
    """(12, s, 24): prices of the first day of every month."""
    changes = ('scope.regions=["Guizhou"]', 'scope.clusters=["Guian"]', f"grid.spot_frac={spot_frac}")
    days = [f"horizon.start=2025-{month:02d}-01" for month in range(1, 13)]
    return np.array([energy_kcny_per_mwh(scope(*changes, day)) for day in days])


def test_a_spot_share_keeps_every_sites_mean_price_and_moves_its_hours() -> None:
    tariff, half, spot = (month_hours(frac) for frac in (0.0, 0.5, 1.0))
    for prices in (half, spot):
        np.testing.assert_allclose(prices.mean(axis=(0, 2)), tariff.mean(axis=(0, 2)), rtol=1e-12)
        assert (np.abs(prices - tariff).max(axis=(0, 2)) > 0.05 * tariff.mean(axis=(0, 2))).all()
    np.testing.assert_allclose(half, (tariff + spot) / 2, rtol=1e-12)
    shape = spot / spot.mean(axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(shape[:, 0], shape[:, 1], rtol=1e-12, err_msg="one market, one shape")


def work_eflopsh(of: Case) -> Floats:
    """(r, k, d): latency-bound work of each region, class and day."""
    starts = list(range(0, of.horizon.hours, 24))
    return np.asarray(np.add.reduceat(of.demand_eflops, starts, axis=2))


@pytest.mark.parametrize("share", [0.1, 0.35, 1.0])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_demand_that_may_wait_is_the_same_work_bytes_and_value(share: float, ratio: float) -> None:
    common = ("horizon.hours=48", f"demand.compute_ratio={ratio}")
    before, after = case(*common), case(*common, f"demand.flexible_frac={share}", "demand.flexible_window_h=30")
    given, classes = len(before.batches), len(before.services)
    assert after.batches[:given] == before.batches
    np.testing.assert_array_equal(after.arrivals_eflopsh[:, :given], before.arrivals_eflopsh)
    waiting, waits = after.batches[given:], after.arrivals_eflopsh[:, given:]
    assert len(waiting) == classes
    assert {b.window_h for b in waiting} == {30}
    stays, all_work = work_eflopsh(after), work_eflopsh(before)
    np.testing.assert_allclose(waits, share * all_work, rtol=1e-12)
    np.testing.assert_allclose(stays + waits, all_work, rtol=1e-12, atol=1e-12)
    tb = np.array([k.traffic_gbps_per_eflops * TB_PER_GBPS_H for k in before.services])
    waiting_tb = np.array([b.data_tb_per_eflopsh for b in waiting])
    kcny = np.array([k.lost_kcny_per_eflopsh for k in before.services])
    waiting_kcny = np.array([b.unfinished_kcny_per_eflopsh for b in waiting])
    for unit, waiting_unit in ((tb, waiting_tb), (kcny, waiting_kcny)):
        moved = np.einsum("rkd,k->rd", stays, unit) + np.einsum("rkd,k->rd", waits, waiting_unit)
        np.testing.assert_allclose(moved, np.einsum("rkd,k->rd", all_work, unit), rtol=1e-12)
    ends = [23, 47]
    np.testing.assert_allclose(after.arrived_by_frac[:, ends], 1.0)
    assert (np.diff(after.arrived_by_frac[given:, :24]) > 0).all(), "it arrives as the demand did, hour by hour"


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_a_compute_ratio_changes_the_work_and_keeps_its_traffic_and_value(ratio: float) -> None:
    before, after = case(), case(f"demand.compute_ratio={ratio}")
    np.testing.assert_allclose(after.demand_eflops, ratio * before.demand_eflops, rtol=1e-12)
    for one, other in zip(before.services, after.services, strict=True):
        assert other.traffic_gbps_per_eflops * ratio == pytest.approx(one.traffic_gbps_per_eflops, rel=1e-12)
        assert other.lost_kcny_per_eflopsh * ratio == pytest.approx(one.lost_kcny_per_eflopsh, rel=1e-12)
        same = {"traffic_gbps_per_eflops": 0.0, "lost_kcny_per_eflopsh": 0.0}
        assert replace(one, **same) == replace(other, **same), "limits and floors stay"
    assert (after.batches, after.jobs) == (before.batches, before.jobs)
    np.testing.assert_array_equal(after.arrivals_eflopsh, before.arrivals_eflopsh)


def test_filling_vacant_racks_conserves_racks() -> None:
    before = case()
    racks = before.pods_installed + before.pods_vacant
    assert before.pods_vacant.sum() > 20
    for share in (0.3, 0.5, 1.0):
        after = case(f"fleet.vacancy_filled_frac={share}")
        np.testing.assert_array_equal(after.pods_installed + after.pods_vacant, racks)
        filled = after.pods_installed - before.pods_installed
        np.testing.assert_array_equal(filled, np.floor(share * before.pods_vacant))
        assert after.generations == before.generations
    assert not case("fleet.vacancy_filled_frac=1.0").pods_vacant.any()


@pytest.mark.parametrize("zone", ["east", "central", "west"])
def test_weather_of_one_zone_changes_the_halls_of_that_zone_only(zone: str) -> None:
    before, after = case(), case(f"weather.zone_shift_c.{zone}=6")
    there = np.array([before.zone[before.site_region[s]] == zone for s in before.sites])
    assert there.any()
    assert not there.all()
    np.testing.assert_array_equal(after.pue_ratio[~there], before.pue_ratio[~there])
    assert (after.pue_ratio[there] >= before.pue_ratio[there]).all()
    assert (after.pue_ratio[there].mean(axis=1) > before.pue_ratio[there].mean(axis=1)).all()
    both = case(*(f"weather.zone_shift_c.{z}=6" for z in ("east", "central", "west")))
    np.testing.assert_array_equal(both.pue_ratio, case("weather.shift_c=6").pue_ratio)


def test_capital_is_counted_where_the_scenario_says() -> None:
    for where, counted in (
        ("none", ()),
        ("west", ("Guian",)),
        ("all", ("Guian", "Shaoguan", "Wuhu")),
    ):
        assert case(f"fleet.capital_counted={where}").capital_counted == counted


@pytest.mark.parametrize("word", ["wset", "West", "east"])
def test_zones_of_counted_capital_are_checked(desk: Desk, word: str) -> None:
    (said,) = desk.said(f'extends = "day"\nwhy = "A zone that is not one."\n[fleet]\ncapital_counted = "{word}"\n')
    assert said.startswith(f"mine.toml row 4: fleet.capital_counted is '{word}'; it must be 'none', 'west' or 'all'")


def test_new_plants_do_not_count_the_traces_of_dawn(desk: Desk) -> None:
    """Contracted plants keep every trace; what a planning run builds yields nothing below a hundredth."""
    least = LEAST_CAPACITY_FRAC
    yields = [0.0, least / 10, np.nextafter(least, 0), least, 0.2, 1.0]
    rows = [
        f"{cluster},{carrier},{hour},{frac!r}"
        for cluster in ("Guian",)
        for carrier in ("wind", "solar")
        for hour, frac in enumerate(map(float, yields))
    ]
    desk.table("yields.csv", "cluster,carrier,hour,capacity_frac", rows)
    changes = ['scope.regions=["Guizhou"]', 'scope.clusters=["Guian"]', "horizon.hours=6", "blocks.expansion=true"]
    path = desk.write('extends = "day"\nwhy = "Yields of its own."\n[inputs]\ncapacity_factor = "yields.csv"\n')
    built = build_case(load(str(path), [*changes, "facts.clusters.Guian.solar_mw=100"]))
    assert built.expansion is not None
    np.testing.assert_array_equal(built.expansion.capacity_frac[0], [[0.0, 0.0, 0.0, least, 0.2, 1.0]] * 2)
    np.testing.assert_array_equal(built.direct_mw[0, 1], 100 * np.array(yields))


def test_drawn_yields_have_such_traces_and_lose_them_when_built() -> None:
    drawn = capacity_frac(scope("blocks.expansion=true"))
    assert ((drawn > 0) & (drawn < LEAST_CAPACITY_FRAC)).any()
    built = case("blocks.expansion=true").expansion
    assert built is not None
    np.testing.assert_array_equal(built.capacity_frac, np.where(drawn < LEAST_CAPACITY_FRAC, 0.0, drawn))


def test_no_route_of_the_trunk_outage_uses_the_dead_link() -> None:
    dead = "Horinger--core Beijing"
    north = ('scope.regions=["Beijing", "Tianjin", "Liaoning", "Guangdong"]', 'scope.clusters=["Horinger", "Zhongwei"]')
    before, after = (build_case(load(name, north)) for name in ("day", "trunk_outage"))

    def over_dead(of: Case) -> set[tuple[str, str]]:
        return {pair for pair, ways in of.routes.items() for way in ways if dead in way.links}

    assert over_dead(before)
    assert over_dead(after) == set()
    assert set(after.routes) == set(before.routes), "everyone is still reached, by other ways"
    for pair, (first, *_) in after.routes.items():
        if pair in over_dead(before):
            assert first.rtt_ms > before.routes[pair][0].rtt_ms
        else:
            assert first == before.routes[pair][0]
    assert after.link_capacity_gbps[after.links.index(dead)] == 0
