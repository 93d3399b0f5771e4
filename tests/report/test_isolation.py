"""Boundary and isolation: worked by hand, within their bounds, and equal to the overall share when spread evenly."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.report.boundary import boundary_frac
from optimizer.report.indicators import indicators
from optimizer.report.isolation import high_value_classes, hosted_by_class, isolation, isolation_of, isolation_rows
from optimizer.report.tables import plan_tables
from optimizer.solve.solution import Plan
from scenarios.case import Route, Service
from tests.cases import two_site_case

places = st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 100.0)), min_size=1, max_size=12).filter(
    lambda rows: sum(high for high, _ in rows) > 1e-3
)


def test_isolation_by_hand() -> None:
    """3 of 4 at one place, 1 of 6 at another: (3/4)(3/4) + (1/4)(1/6)."""
    assert isolation(np.array([3.0, 1.0]), np.array([4.0, 6.0])) == pytest.approx(9 / 16 + 1 / 24)


def test_isolation_of_two_worlds_is_one_and_of_none_is_unknown() -> None:
    assert isolation(np.array([5.0, 0.0, 2.0]), np.array([5.0, 7.0, 2.0])) == 1.0
    assert isnan(isolation(np.zeros(2), np.array([1.0, 2.0])))
    assert isolation(np.array([2.0, 0.0]), np.array([2.0, 0.0])) == 1.0


@given(places)
def test_isolation_lies_between_the_overall_share_and_one(rows: list[tuple[float, float]]) -> None:
    high, other = (np.array(column) for column in zip(*rows, strict=True))
    total = high + other
    assert high.sum() / total.sum() - 1e-9 <= isolation(high, total) <= 1 + 1e-9


@given(places, st.floats(0.01, 1.0))
def test_isolation_of_work_spread_evenly_is_the_overall_share(rows: list[tuple[float, float]], share: float) -> None:
    total = np.array([high + other for high, other in rows])
    assert isolation(share * total, total) == pytest.approx(share)


@given(places)
def test_parts_have_the_index_of_the_whole_as_their_mean(rows: list[tuple[float, float]]) -> None:
    high, other = (np.array(column) for column in zip(*rows, strict=True))
    first, total = np.where(np.arange(len(high)) % 2, 0.25, 0.75) * high, high + other
    parts = [part for part in (first, high - first) if part.sum() > 0]
    mean = sum(part.sum() * isolation_of(part, high, total) for part in parts) / high.sum()
    assert mean == pytest.approx(isolation(high, total))


def test_high_value_classes_by_hand() -> None:
    """In kCNY per EFLOPS·h control is worth 60, chat 30, render 20, jobs 60 / 1.25 = 48; by work the mean is 35.4."""
    case = two_site_case()
    work = {"control": 5.3, "chat": 12.6, "render": 5.0, "training jobs": 0.5 * 2 + 0.25}
    value = {"control": 60.0, "chat": 30.0, "render": 20.0, "training jobs": 60.0 / 1.25}
    assert case.demand_eflops.sum(axis=(0, 2)) == pytest.approx([work["control"], work["chat"]])
    mean = sum(work[name] * value[name] for name in work) / sum(work.values())
    assert mean == pytest.approx(35.445, abs=1e-3)
    assert high_value_classes(case) == {"control", "training jobs"}


def test_hosted_work_by_class_is_the_work_that_flows(any_plan: Plan) -> None:
    tables = plan_tables(any_plan)
    hosted = hosted_by_class(tables).groupby(["region", "site"])["work_eflopsh"].sum()
    flows = tables["flows"].groupby(["region", "site"])["work_eflopsh"].sum()
    assert flows.sum() > 5
    pd.testing.assert_series_equal(hosted, flows, rtol=1e-6, check_names=False)


def test_isolation_of_a_plan_by_hand(plan: Plan) -> None:
    """Counted again from the tables, class by class."""
    tables = plan_tables(plan)
    hosted = hosted_by_class(tables)
    high = hosted[hosted["class"].isin(["control", "training jobs"])]
    x, t = (table.groupby("site")["work_eflopsh"].sum() for table in (high, hosted))
    beside = (x / t).fillna(0.0)
    rows = {(scope, name): value for scope, name, _, value in isolation_rows(plan.case, tables)}
    chance = sum(x[site] / x.sum() * beside[site] for site in x.index)
    assert rows["nation", "isolation of high-value work, between sites"] == pytest.approx(chance)
    # West has the cluster and East the local site, so zones are sites here.
    assert rows["nation", "isolation of high-value work, between zones"] == pytest.approx(chance)
    assert rows["nation", "share of high-value work"] == pytest.approx(x.sum() / t.sum())
    west = high[high["region"] == "West"].groupby("site")["work_eflopsh"].sum()
    expected = sum(west[site] / west.sum() * beside[site] for site in west.index)
    assert rows["region West", "isolation of high-value work"] == pytest.approx(expected)
    assert x.sum() / t.sum() < chance < 1


def test_all_demand_of_the_small_case_is_within_reach() -> None:
    """East reaches its own site in 1 ms; West has no site within its province but the cluster, 2 ms away."""
    case = two_site_case()
    assert boundary_frac(case) == {"East": 1.0, "West": 1.0}
    assert boundary_frac(case, home_only=True) == {"East": 1.0, "West": 1.0}


def test_boundary_by_hand() -> None:
    """Without its local site East reaches the cluster in 20 ms: soon enough for chat, too late for control."""
    case = two_site_case()
    far = replace(case, routes={pair: ways for pair, ways in case.routes.items() if pair != ("East", "East local")})
    control, chat = case.demand_eflops[0].sum(axis=1)
    assert boundary_frac(far) == {"East": pytest.approx(chat / (control + chat)), "West": 1.0}
    assert boundary_frac(far, home_only=True) == {"East": 0.0, "West": 1.0}


@pytest.mark.parametrize(("rtt_ms", "within"), [(5.0, 1.0), (5.0001, 0.0)])
def test_a_limit_is_met_or_missed(rtt_ms: float, within: float) -> None:
    case = two_site_case(services=(Service("tight", 5.0, 1.0, 1.0),), demand_eflops=np.ones((2, 1, 4)))
    case = replace(case, routes={("East", "East local"): (Route((), rtt_ms), Route(("coast",), 1.0))})
    assert boundary_frac(case) == {"East": within, "West": 0.0}


def test_a_region_that_asks_for_nothing_has_no_boundary() -> None:
    case = two_site_case()
    quiet = replace(case, demand_eflops=case.demand_eflops * np.array([1.0, 0.0])[:, None, None])
    assert isnan(boundary_frac(quiet)["West"])
    assert boundary_frac(quiet)["East"] == 1.0


def test_no_plan_serves_beyond_the_boundary(plan: Plan) -> None:
    tables = plan_tables(plan)
    table = indicators(plan.case, tables).set_index(["scope", "indicator"])["value"]
    steering = tables["steering"]
    for region in plan.case.regions:
        mine = steering[steering["region"] == region]
        served = mine.loc[mine["site"] != "unserved", "work_eflopsh"].sum() / mine["work_eflopsh"].sum()
        assert 0 < served <= table[f"region {region}", "boundary"] + 1e-9
    assert table["nation", "served within latency"] <= table["nation", "boundary"] + 1e-9
