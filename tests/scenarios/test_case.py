"""The case of a scenario: shapes, bounds, and facts changed with their provenance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hubs import Facts, load_facts, scaled_capacity
from scenarios.build import build_case, changed_facts
from scenarios.case import Case
from scenarios.changes import changed
from scenarios.library import load


@pytest.fixture(scope="module", params=["tiny", "day", "week"])
def case(request: pytest.FixtureRequest) -> Case:
    return build_case(load(request.param))


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load_facts()


def test_shapes(case: Case) -> None:
    r, k, b, s, c = (len(x) for x in (case.regions, case.services, case.batches, case.sites, case.clusters))
    g, f, t, d = len(case.generations), len(case.carriers), case.horizon.hours, case.horizon.days
    shapes = {
        "link_capacity_gbps": (len(case.links),),
        "demand_eflops": (r, k, t),
        "arrivals_eflopsh": (r, b, d),
        "arrived_by_frac": (b, t),
        "running_eflops": (c, t),
        "pods_installed": (c, g),
        "pods_vacant": (c, g),
        "pue_ratio": (s, t),
        "connection_mw": (s,),
        "energy_kcny_per_mwh": (s, t),
        "demand_charge_kcny_per_mw": (s,),
        "direct_mw": (c, f, t),
        "direct_kcny_per_mwh": (f,),
        "green_target_frac": (c,),
        "grid_tco2_per_mwh": (s,),
        "residual_tco2_per_mwh": (s,),
    }
    assert {name: getattr(case, name).shape for name in shapes} == shapes
    for name in shapes:
        values = getattr(case, name)
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
        assert values.dtype.kind == ("i" if name.startswith("pods") else "f"), name


def test_what_must_hold_of_the_numbers(case: Case) -> None:
    assert (case.pue_ratio >= 1).all()
    assert (case.green_target_frac <= 1).all()
    steps = np.diff(case.arrived_by_frac, axis=1)
    assert (np.delete(steps, np.arange(23, steps.shape[1], 24), axis=1) >= -1e-12).all(), "arrivals only grow in a day"
    ends = [min(24 * (d + 1), case.horizon.hours) - 1 for d in range(case.horizon.days)]
    np.testing.assert_allclose(case.arrived_by_frac[:, ends], 1.0)
    for (region, site), ways in case.routes.items():
        assert region in case.regions
        assert site in case.sites
        assert [way.rtt_ms for way in ways] == sorted(way.rtt_ms for way in ways)
        assert all(link in case.links for way in ways for link in way.links)
    assert case.sites[: len(case.clusters)] == case.clusters
    assert set(case.locals) == set(case.local_eflops)
    assert set(case.site_region) == set(case.sites)
    assert set(case.site_hub) == set(case.clusters) == set(case.home_reserve_frac)


def test_capacity_is_that_of_the_facts_to_a_pod(facts: Facts) -> None:
    case = build_case(load("day"))
    capacity = scaled_capacity(facts)["capacity_eflops"]
    sizes = np.array([g.pod_eflops for g in case.generations])
    for cluster, pods in zip(case.clusters, case.pods_installed, strict=True):
        assert pods @ sizes == pytest.approx(capacity[cluster], abs=0.5 * sizes.sum())
    assert (case.pods_installed @ sizes).sum() == pytest.approx(facts.national["hub_intelligent_eflops"], rel=0.01)


def test_demand_is_the_mean_times_the_share(facts: Facts) -> None:
    loaded = load("day", ["demand.day_sd_frac=0"])
    case = build_case(loaded)
    shares = facts.regions["demand_share_frac"]
    for i, region in enumerate(case.regions):
        for j, spec in enumerate(loaded.scenario.services.values()):
            assert case.demand_eflops[i, j].mean() == pytest.approx(spec.mean_eflops * shares[region])
    means = [spec.mean_eflops for spec in loaded.scenario.batches.values()]
    np.testing.assert_allclose(case.arrivals_eflopsh.sum(axis=(0, 2)), 24 * np.array(means))


def test_a_short_last_day_gets_its_part_of_the_work() -> None:
    whole, part = (
        build_case(load("day", [f"horizon.hours={hours}", "demand.day_sd_frac=0", "jobs.count=1"]))
        for hours in (48, 36)
    )
    assert part.horizon.day_hours == (24, 12)
    np.testing.assert_allclose(part.arrivals_eflopsh[:, :, 1], whole.arrivals_eflopsh[:, :, 1] / 2)
    np.testing.assert_allclose(part.arrived_by_frac[:, -1], 1.0)


def test_horizon_counts() -> None:
    case = build_case(load("week"))
    assert (case.horizon.periods, case.horizon.days) == (28, 7)
    assert case.horizon.year_frac == pytest.approx(168 / 8760)
    monthly = load_facts().regions["demand_charge_kcny_per_mw_month"]
    home = case.sites.index("Beijing local")
    assert case.demand_charge_kcny_per_mw[home] == pytest.approx(monthly["Beijing"] * 168 / 730)


def test_one_way_limits_halve_the_latency() -> None:
    both, one = (build_case(load("day", [f'network.latency_limit="{word}"'])) for word in ("round trip", "one way"))
    for pair, ways in both.routes.items():
        assert one.routes[pair][0].rtt_ms == pytest.approx(ways[0].rtt_ms / 2)


def test_more_routes_per_pair() -> None:
    case = build_case(
        load("day", ["network.routes_per_pair=3", 'scope.regions=["Guangdong"]', 'scope.clusters=["Guian"]'])
    )
    assert len(case.routes["Guangdong", "Guian"]) == 3
    assert len(case.routes["Guangdong", "Guangdong local"]) == 1


def test_changed_facts_reach_the_case_and_their_provenance_says_so(facts: Facts) -> None:
    changes = [
        "facts.prices.carbon_kcny_per_tco2=0.2",
        "facts.clusters.Guian.connection_mw=123",
        "facts.emissions.Guizhou.grid_tco2_per_mwh=0.1",
        'facts.links."Guian--Guizhou".capacity_gbps=800',
        'facts.fleet."Guian/a".share_frac=0.25',
        'facts.fleet."Guian/b".share_frac=0.75',
    ]
    loaded = load("day", changes)
    case, before = build_case(loaded), build_case(load("day"))
    site = case.sites.index("Guian")
    assert case.prices == replace(before.prices, carbon_kcny_per_tco2=0.2)
    assert (case.connection_mw[site], case.grid_tco2_per_mwh[site]) == (123.0, 0.1)
    assert np.flatnonzero(case.connection_mw != before.connection_mw).tolist() == [site]
    link = case.links.index("Guian--Guizhou")
    assert case.link_capacity_gbps[link] == pytest.approx(800 * loaded.scenario.network.usable_frac)
    marked = changed_facts(facts, loaded.scenario).provenance.query("status == 'scenario'")
    assert sorted(zip(marked["table"], marked["key"], marked["quantity"], marked["value"], strict=True)) == [
        ("cluster_facts", "Guian", "connection_mw", 123.0),
        ("emission_factors", "Guizhou/2022", "grid_tco2_per_mwh", 0.1),
        ("emission_factors", "Guizhou/2023", "grid_tco2_per_mwh", 0.1),
        ("fleet", "Guian/a", "share_frac", 0.25),
        ("fleet", "Guian/b", "share_frac", 0.75),
        ("links", "Guian--Guizhou", "capacity_gbps", 800.0),
        ("prices", "", "carbon_kcny_per_tco2", 0.2),
    ]
    assert set(marked["note"]) == {"changed by scenario 'day'"}
    assert case.facts["prices"]["scenario"] == 1


def test_changing_facts_leaves_the_facts_alone(facts: Facts) -> None:
    before = load_facts()
    after = changed(facts, {"prices": {"carbon_kcny_per_tco2": 1}, "pods": {"a": {"idle_mw": 0.1}}}, "a test")
    assert facts.equals(before)
    assert not after.equals(before)
    assert changed(facts, {}, "a test") is facts


def test_blocks_left_out_are_left_out() -> None:
    case = build_case(load("day", ["blocks.carbon=false", "blocks.green=false"]))
    assert not {"carbon", "green"} & set(case.blocks)
    assert {"fleet", "grid", "service"} <= set(case.blocks)


def test_a_green_target_of_the_policy_holds_for_every_cluster(facts: Facts) -> None:
    assert (build_case(load("day", ["policy.green_target_frac=0.3"])).green_target_frac == 0.3).all()
    own = build_case(load("day"))
    expected = [facts.clusters["green_target_frac"][c] for c in own.clusters]
    np.testing.assert_allclose(own.green_target_frac, expected)


def test_tiny_is_what_its_comment_solves_by_hand() -> None:
    case = build_case(load("tiny"))
    assert (case.regions, case.sites, case.horizon.hours) == (("Guangdong",), ("Guian", "Guangdong local"), 2)
    pod = case.generations[0]
    assert (pod.usable_eflops, pod.idle_mw, pod.slope_mw_per_eflops) == pytest.approx((0.5, 0.4, 2.0))
    assert (case.demand_eflops == 2.0).all()
    assert (case.arrivals_eflopsh.sum(), case.jobs[0].eflops) == (2.0, 0.5)
    np.testing.assert_allclose(case.energy_kcny_per_mwh, [[0.4, 0.4], [0.6, 0.6]])
    np.testing.assert_allclose(case.grid_tco2_per_mwh, 0.5)
