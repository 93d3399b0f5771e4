"""Prices against what they claim to be: the change of cost when one unit more is asked for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from optimizer.market.duals import COMPUTE, LINKS, Prices, load_eflops, price_plan, rows_of
from optimizer.market.prices import hub_table, prices_table
from optimizer.market.rents import arc_table, rents_table, worth_table
from optimizer.market.uplift import POWER, owned_columns, uplift_table
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from optimizer.solve.optimum import optimise
from optimizer.solve.verify import verify
from scenarios.build import build_case
from scenarios.case import Batch, Case, Floats, Generation, Route, Service
from scenarios.instruments import Storage
from scenarios.library import load
from tests.cases import full_case, random_case, two_site_case

KINDS = ("fixed", "relaxed")


def solved(case: Case, gap: float = 1e-6) -> tuple[Program, Floats]:
    program = compile_case(case)
    outcome = optimise(program, gap, 60.0)
    assert outcome.x is not None, outcome.words
    return program, outcome.x


def priced(case: Case, gap: float = 1e-6, intervals: bool = False) -> Prices:
    return price_plan(*solved(case, gap), intervals=intervals)


def held(program: Program, x: Floats) -> Session:
    session, integers = Session(program), np.flatnonzero(program.integer)
    session.fix(integers, np.round(x[integers]))
    return session


def cost_change(session: Session, row: int, low: float, high: float) -> float:
    """Least cost with a row moved by `high`, less that with it moved by `low`, summed without cancellation."""
    p, here = session.program, np.array([row])
    points = []
    for by in (low, high):
        session.bound_rows(here, p.row_lower[here] + by, p.row_upper[here] + by)
        x = session.resolve(60.0).x
        assert x is not None
        points.append(x)
    session.bound_rows(here, p.row_lower[here], p.row_upper[here])
    return math.fsum((p.cost * (points[1] - points[0])).tolist())


def tight_trunk() -> Case:
    """Batch work that overfills the trunk: some goes by coast and valley, which are full too."""
    case = two_site_case()
    heavy = Batch("render", 1, 4.0, 1.0, 20.0)
    links = np.array([18.0, 4.0, 4.0, 100.0])
    return replace(case, batches=(heavy,), local_eflops={"East local": 2.0}, link_capacity_gbps=links)


def one_cluster(idle_mw: float, load_eflops: float) -> Case:
    """One region with one cluster and flat work; nothing but grid energy costs anything, a start is free."""
    case = two_site_case()
    flat = np.ones((1, 1, 4))
    return replace(
        case,
        blocks=("service", "fleet", "facility", "grid", "network"),
        regions=("West",),
        zone={"West": "west"},
        population_million={"West": 10.0},
        sites=("Plateau",),
        site_region={"Plateau": "West"},
        routes={("West", "Plateau"): (Route(("home",), 2.0),)},
        services=(Service("chat", 50.0, 5.0, 30.0, 0.5),),
        demand_eflops=load_eflops * flat,
        batches=(),
        arrivals_eflopsh=np.zeros((1, 0, 1)),
        arrived_by_frac=np.zeros((0, 4)),
        jobs=(),
        running_eflops=np.zeros((1, 4)),
        generations=(Generation("a", 0.5, idle_mw, idle_mw + 1.0, 0.0, 5.0),),
        local_eflops={},
        pue_ratio=1.25 * np.ones((1, 4)),
        connection_mw=np.array([40.0]),
        energy_kcny_per_mwh=np.array([[0.3, 0.5, 0.4, 0.2]]),
        demand_charge_kcny_per_mw=np.zeros(1),
        grid_tco2_per_mwh=np.array([0.6]),
        residual_tco2_per_mwh=np.array([0.7]),
        innovation=None,
    )


# The national day


@pytest.fixture(scope="module")
def day() -> tuple[Case, Program, Prices]:
    loaded = load("day")
    case = build_case(loaded)
    program, x = solved(case, loaded.scenario.solve.gap_frac)
    return case, program, price_plan(program, x)


@pytest.mark.parametrize("kind", KINDS)
def test_prices_of_the_day_equal_central_differences_of_its_cost(day: tuple[Case, Program, Prices], kind: str) -> None:
    """Sixty site-hours where machines run at an identified price, drawn by lot."""
    _, program, prices = day
    of, rows = prices.of_kind(kind), rows_of(program, COMPUTE)
    active = rows[(load_eflops(program, of.x) > 1e-6) & of.rows_identified(rows)]
    drawn = np.random.default_rng(1).choice(active, 60, replace=False)
    session, step = held(program, of.x) if kind == "fixed" else Session(program), 1e-4
    session.relax(60.0)
    slopes = [cost_change(session, row, -step, step) / (2 * step) for row in drawn.tolist()]
    assert of.row[drawn] == pytest.approx(slopes, rel=1e-6)


def test_prices_of_the_day_are_identified_where_machines_run(day: tuple[Case, Program, Prices]) -> None:
    case, _, prices = day
    table = prices_table(prices, case)
    assert len(table) == len(case.sites) * case.horizon.hours
    active = table["load_eflops"] > 1e-6
    assert not table.loc[~active, "identified_fixed"].any()
    assert table.loc[active, "identified_fixed"].mean() > 0.9
    for kind in KINDS:
        price = table[f"price_{kind}_kcny_per_eflopsh"]
        assert price.notna().tolist() == table[f"identified_{kind}"].tolist()
        assert price.min() > 0
    # Work that is served nowhere costs 20 kCNY and more per EFLOPS·h; nothing is lost on this day.
    assert table["price_fixed_kcny_per_eflopsh"].max() < min(k.lost_kcny_per_eflopsh for k in case.services)


def test_the_plan_that_is_priced_keeps_the_whole_numbers_and_costs_no_more(day: tuple[Case, Program, Prices]) -> None:
    _, program, prices = day
    given = optimise(program, load("day").scenario.solve.gap_frac, 60.0)
    assert given.x is not None
    assert (prices.fixed.x[program.integer] == given.x[program.integer]).all()
    assert prices.relaxed.cost_kcny <= prices.fixed.cost_kcny <= given.objective_kcny * (1 + 1e-12)
    assert verify(program, prices.fixed.x).holds


def test_hub_prices_weigh_load_and_leave_out_what_is_not_identified(day: tuple[Case, Program, Prices]) -> None:
    case, _, prices = day
    table = prices_table(prices, case)
    hubs = hub_table(table, case)
    assert sorted(hubs["hub"].unique()) == sorted(set(case.site_hub.values()))
    blanked = table.copy()
    first = table.index[table["site"] == "Guian"][:3]
    blanked.loc[first, "identified_fixed"] = False
    blanked.loc[first, "price_fixed_kcny_per_eflopsh"] = np.nan
    guizhou = hub_table(blanked, case).query("hub == 'Guizhou' and kind == 'fixed'").iloc[0]
    left = table[table["site"] == "Guian"].drop(first)
    price, load = left["price_fixed_kcny_per_eflopsh"], left["load_eflops"]
    assert guizhou["identified"] == len(left) == 21
    assert guizhou["mean_kcny_per_eflopsh"] == pytest.approx(np.average(price, weights=load))
    tariff = pd.Series(case.energy_kcny_per_mwh[case.sites.index("Guian")])
    dear = left["hour"].map(tariff) == tariff.max()
    assert guizhou["peak_kcny_per_eflopsh"] == pytest.approx(np.average(price[dear], weights=load[dear]))
    assert guizhou["min_kcny_per_eflopsh"] == price.min()


def test_rents_and_uplift_of_the_day(day: tuple[Case, Program, Prices]) -> None:
    case, _, prices = day
    rents, arcs = rents_table(prices.fixed), arc_table(prices.fixed)
    assert rents["rent_kcny"].sum() == pytest.approx(arcs["rent_kcny"].sum(), rel=1e-9)
    assert (rents["rent_kcny"] >= -1e-9).all()
    uplift = uplift_table(prices, case)
    assert uplift["site"].tolist() == list(case.sites)
    assert (uplift[["uplift_fixed_kcny", "uplift_relaxed_kcny"]] >= 0).all(axis=None)
    # A local site is continuous: at the prices of the fixed plan it never loses.
    assert uplift.loc[uplift["hub"] == "", "uplift_fixed_kcny"].max() < 1e-9


# Sign, and ends where a price is not identified


def test_price_is_what_more_carried_load_costs() -> None:
    """End to end: the case itself carries a little more work that was running before, and its plan costs more."""
    case = two_site_case()
    program, x = solved(case)
    prices = price_plan(program, x)
    rows = rows_of(program, COMPUTE)
    integers = np.flatnonzero(program.integer)
    at = {program.row_keys[row][1]: row for row in rows.tolist()}
    known = [t for t in range(4) if prices.fixed.rows_identified(np.array([at["Plateau", t]]))[0]]
    assert known
    for t in known:
        more = case.running_eflops.copy()
        more[0, t] += 1e-4
        other = compile_case(replace(case, running_eflops=more))
        session = Session(other)
        session.fix(integers, np.round(x[integers]))
        rise = session.resolve(60.0).objective_kcny - prices.fixed.cost_kcny
        assert rise > 0
        assert rise / 1e-4 == pytest.approx(prices.fixed.row[at["Plateau", t]], rel=1e-5)


@pytest.mark.parametrize("build", [two_site_case, full_case, *(lambda s=s: random_case(s) for s in range(4))])
def test_ends_frame_the_dual_and_are_one_sided_slopes(build: object) -> None:
    assert callable(build)
    program, x = solved(build())
    fixed = price_plan(program, x, intervals=True).fixed
    rows = np.concatenate([rows_of(program, COMPUTE), rows_of(program, LINKS)])
    low, high, dual = fixed.row_low[rows], fixed.row_high[rows], fixed.row[rows]
    assert not np.isnan(low).any()
    assert not np.isnan(high).any()
    assert (low <= dual + 1e-7).all()
    assert (dual <= high + 1e-7).all()
    session, step = held(program, x), 5e-5
    for row, left, right in zip(rows.tolist(), low.tolist(), high.tolist(), strict=True):
        if np.isfinite(left):
            assert cost_change(session, row, -step, 0.0) / step == pytest.approx(left, abs=1e-5)
        if np.isfinite(right):
            assert cost_change(session, row, 0.0, step) / step == pytest.approx(right, abs=1e-5)


def test_idle_site_has_two_ends_and_no_price() -> None:
    """No work is bound to the east: the local site asks more than any work would pay there."""
    demand = two_site_case().demand_eflops.copy()
    demand[0, 0] = 0.0
    case = two_site_case(demand_eflops=demand, innovation=None)
    prices = priced(case, intervals=True)
    table = prices_table(prices, case).query("site == 'East local' and load_eflops < 1e-9")
    assert len(table)
    assert not table["identified_fixed"].any()
    assert table["price_fixed_kcny_per_eflopsh"].isna().all()
    assert (table["low_fixed_kcny_per_eflopsh"] < table["high_fixed_kcny_per_eflopsh"]).all()
    without = prices_table(priced(case), case).query("site == 'East local' and load_eflops < 1e-9")
    assert without["low_fixed_kcny_per_eflopsh"].isna().all()
    assert not without["identified_fixed"].any()


def test_side_without_a_plan_is_no_price() -> None:
    """Every EFLOPS must be served and every pod is full: one unit more has no plan, so its price has no upper end."""
    case = one_cluster(0.4, 2.0)
    service = replace(case.services[0], served_floor_frac=1.0)
    case = replace(
        case,
        blocks=(*case.blocks, "hosting", "coverage"),
        services=(service,),
        pods_installed=np.array([[4]]),
        pods_vacant=np.array([[0]]),
        home_reserve_frac={"Plateau": 0.0},
    )
    table = prices_table(priced(case), case)
    assert np.isposinf(table["high_fixed_kcny_per_eflopsh"]).all()
    assert not table["identified_fixed"].any()


# Uplift


def test_uplift_by_hand() -> None:
    """Pods of 0.45 EFLOPS, idle 0.4 MW, carry 1.2: three run, the third part-loaded.

    One more unit costs (1.0/0.45 MW per EFLOPS) x PUE 1.25 x energy: the idle power is left uncovered. Divisible pods
    would cover all of it but for the share of the third pod that is idle: 3 - 1.2/0.45 = 1/3 of a pod.
    """
    case = one_cluster(0.4, 1.2)
    case = replace(case, generations=(replace(case.generations[0], usable_frac=0.9),))
    prices = priced(case)
    table, uplift = prices_table(prices, case), uplift_table(prices, case).iloc[0]
    energy = case.energy_kcny_per_mwh[0]
    assert table["price_fixed_kcny_per_eflopsh"].tolist() == pytest.approx((1.25 * energy / 0.45).tolist())
    assert table["price_relaxed_kcny_per_eflopsh"].tolist() == pytest.approx((1.25 * energy * 1.4 / 0.45).tolist())
    assert uplift["uplift_fixed_kcny"] == pytest.approx(1.25 * 0.4 * 3 * energy.sum())
    assert uplift["uplift_relaxed_kcny"] == pytest.approx(1.25 * 0.4 * energy.sum() / 3)


def test_no_uplift_where_the_relaxation_is_whole() -> None:
    """Work that fills whole pods: the relaxation has whole numbers, so its prices support the plan."""
    case = one_cluster(0.4, 1.5)
    prices = priced(case)
    integer = prices.relaxed.program.integer
    assert np.abs(prices.relaxed.x - np.round(prices.relaxed.x))[integer].max() < 1e-9
    uplift = uplift_table(prices, case)
    assert uplift["cost_kcny"].iloc[0] > 0
    assert uplift["uplift_relaxed_kcny"].tolist() == pytest.approx([0.0], abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_uplift_is_what_own_rules_and_bounds_do_not_earn(seed: int) -> None:
    """Revenue less cost of a site is the rent of its own rules and bounds, the whole numbers held among them."""
    case = random_case(seed) if seed else full_case()
    prices = priced(case)
    program = prices.fixed.program
    uplift = uplift_table(prices, case).set_index("site")
    for site, own in owned_columns(program).items():
        mine = program.matrix[:, own]
        count = np.diff(mine.indptr)
        inside = np.flatnonzero((count > 0) & (count == np.diff(program.matrix.indptr)))
        line = uplift.loc[site]
        for kind in KINDS:
            of = prices.of_kind(kind)
            rent = of.row[inside] @ (mine[inside] @ prices.fixed.x[own]) + of.column[own] @ prices.fixed.x[own]
            margin = line[f"revenue_{kind}_kcny"] - line["cost_kcny"]
            assert margin == pytest.approx(-rent, abs=1e-7)
            assert line[f"uplift_{kind}_kcny"] == max(0.0, -margin)


def test_costs_of_sites_are_the_cost_items_of_their_columns() -> None:
    case = two_site_case(storage=Storage(np.array([2.0]), np.array([4.0]), 0.95, 0.01), innovation=None)
    prices = priced(case)
    program, x = prices.fixed.program, prices.fixed.x
    items = dict(zip(program.items, program.item_cost @ x, strict=True))
    elsewhere = {"transfer", "lost_service", "lateness", "unfinished_work", "dropped_jobs"}
    assert elsewhere < set(items)
    of_sites = sum(v for item, v in items.items() if item not in elsewhere)
    uplift = uplift_table(prices, case)
    assert uplift["cost_kcny"].sum() == pytest.approx(of_sites)
    power = rows_of(program, POWER)
    received = program.values("network.received_tb_per_h", x)
    drawn = {p: case.prices.transfer_mwh_per_tb * received[p] for p in range(case.horizon.periods)}
    price = {program.row_keys[row][1]: prices.fixed.row[row] for row in power.tolist()}
    paid = sum(drawn[t // 2] * price["Plateau", t] for t in range(4))
    assert paid > 0
    assert uplift.set_index("site").loc["Plateau", "data_energy_fixed_kcny"] == pytest.approx(paid)


# Rents and worths


@pytest.mark.parametrize("build", [tight_trunk, full_case])
@pytest.mark.parametrize("kind", KINDS)
def test_price_differences_times_flows_are_the_rents_of_links(build: object, kind: str) -> None:
    assert callable(build)
    case: Case = build()
    of = priced(case).of_kind(kind)
    program, rents, arcs = of.program, rents_table(of), arc_table(of)
    rent = {(link, p): r for link, p, r in zip(rents["link"], rents["period"], _rents(rents), strict=True)}
    total = 0.0
    ways = dict(zip(program.index["network.flow_gbps"], program.values("network.flow_gbps", of.x), strict=True))
    pinned = dict(zip(program.index["network.pinned_gbps"], program.values("network.pinned_gbps", of.x), strict=True))
    for line in arcs.itertuples():
        difference = (line.price_kcny_per_gbps - line.transfer_kcny_per_gbps) * line.flow_gbps
        routes = case.routes[line.region, line.site]
        if line.traffic == "movable":
            on = [(way.links, ways[line.region, line.site, q, line.period]) for q, way in enumerate(routes)]
        else:
            on = [(routes[0].links, pinned[line.region, line.site, line.period])]
        earned = sum(flow * rent[link, line.period] for links, flow in on for link in links)
        assert difference == pytest.approx(earned, abs=1e-8)
        assert line.rent_kcny == pytest.approx(earned, abs=1e-8)
        assert line.flow_gbps == pytest.approx(sum(flow for _, flow in on))
        total += difference
    assert total == pytest.approx(rents["rent_kcny"].sum())
    full = rents["lit_gbps"] - rents["used_gbps"] < 1e-6
    assert (rents["rent_kcny"] >= -1e-9).all()
    assert (rents.loc[~full, "rent_kcny"].abs() < 1e-9).all()
    if build is tight_trunk:
        assert total > 0.1


def _rents(rents: pd.DataFrame) -> list[float]:
    return np.divide(
        rents["rent_kcny"], rents["used_gbps"], out=np.zeros(len(rents)), where=(rents["used_gbps"] > 0).to_numpy()
    ).tolist()


def cost_held(case: Case, x: Floats) -> float:
    return held(compile_case(case), x).resolve(60.0).objective_kcny


@pytest.mark.parametrize("connection_mw", [(10.0, 9.0), (20.0, 9.0)])
def test_worth_of_links_and_connections_is_what_more_of_them_saves(connection_mw: tuple[float, float]) -> None:
    """Both connections full and no link, then one connection and the trunk; coast and valley are full in series."""
    case = replace(tight_trunk(), connection_mw=np.array(connection_mw))
    program, x = solved(case)
    worth = worth_table(price_plan(program, x).fixed, case).set_index(["what", "place"])
    base, step = cost_held(case, x), 1e-4
    checked = 0
    for n, link in enumerate(case.links):
        more = case.link_capacity_gbps + step * (np.arange(len(case.links)) == n)
        saved = (base - cost_held(replace(case, link_capacity_gbps=more), x)) / step
        if worth.loc[("link", link), "identified"]:
            assert worth.loc[("link", link), "worth_kcny_per_unit"] == pytest.approx(saved, abs=1e-6)
            checked += saved > 1e-3
    for n, site in enumerate(case.sites):
        wider = case.connection_mw + step * (np.arange(len(case.sites)) == n)
        saved = (base - cost_held(replace(case, connection_mw=wider), x)) / step
        if worth.loc[("connection", site), "identified"]:
            assert worth.loc[("connection", site), "worth_kcny_per_unit"] == pytest.approx(saved, abs=1e-6)
            checked += saved > 1e-3
    assert checked >= 2
    links = worth.loc["link", "identified"]
    assert links["trunk"]
    assert links["coast"] == links["valley"] == (connection_mw[0] == 10.0)


@pytest.mark.parametrize("green_target_frac", [0.0, 0.8])
def test_certificate_is_worth_its_price_where_some_are_bought_and_less_where_none(green_target_frac: float) -> None:
    case = two_site_case(green_target_frac=np.array([green_target_frac]), innovation=None)
    prices = priced(case)
    bought = prices.fixed.program.values("green.certificate_mwh", prices.fixed.x)[0]
    worth = worth_table(prices.fixed, case).query("what == 'certificate'").iloc[0]
    assert worth["identified"]
    assert (bought > 1e-6) == (green_target_frac > 0)
    expected = case.prices.certificate_kcny_per_mwh if bought > 1e-6 else 0.0
    assert worth["worth_kcny_per_unit"] == pytest.approx(expected, abs=1e-9)
