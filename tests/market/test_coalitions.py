"""Coalitions: who belongs where, closed borders against cases built without the routes, and savings that never fall."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.coalitions import (
    borders,
    cheapest_part,
    closed,
    closed_bounds,
    closed_costs,
    everywhere,
    saving_game,
    structures,
    territories,
)
from optimizer.market.games import monotonicity_violations
from optimizer.report.work import flow_table
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.case import Case, Route
from scenarios.library import load
from tests.cases import renamed, twice, two_site_case

SMALL = [
    "scope.regions=['Guangdong', 'Guizhou', 'Jiangsu']",
    "scope.clusters=['Guian', 'Wuhu', 'Shaoguan']",
    "horizon.hours=6",
    "jobs.count=2",
]


@pytest.fixture(scope="module")
def small() -> Case:
    """Three hubs, each with one cluster and one region, six hours."""
    return build_case(load("day", SMALL))


def trading_case() -> Case:
    """Two copies of the two-site case, one with cheap power, and routes between them: two territories."""
    case = twice(two_site_case(innovation=None))
    price = case.energy_kcny_per_mwh.copy()
    price[case.sites.index("two Plateau")] *= 0.2
    routes = dict(case.routes)
    routes["one East", "two Plateau"] = (Route(("one trunk",), 30.0),)
    routes["two West", "one Plateau"] = (Route(("two home", "one home"), 31.0),)
    return replace(case, energy_kcny_per_mwh=price, routes=routes)


def without_routes(case: Case, mask: int) -> Case:
    """The case of a coalition built by hand: no route leads across a closed border."""
    lands = territories(case)
    kept = {}
    for (region, site), ways in case.routes.items():
        ends = lands.region[region], lands.site[site]
        if ends[0] == ends[1] or all(mask >> end & 1 for end in ends):
            kept[region, site] = ways
    return replace(case, routes=kept)


def test_a_region_belongs_to_the_hub_it_would_use_if_it_reached_no_other() -> None:
    """Network.reach = 'territory' leaves each region the clusters of one hub: the one it belongs to."""
    nation, bounded = (build_case(load("day", [f"network.reach={reach}"])) for reach in ("nation", "territory"))
    lands = territories(nation)
    assert lands.n == 8
    reached = {(r, bounded.site_hub[s]) for r, s in bounded.routes if s in bounded.site_hub}
    assert reached == {(r, lands.players[lands.region[r]]) for r in nation.regions}
    assert territories(bounded) == lands
    for site in nation.locals:
        assert lands.site[site] == lands.region[nation.site_region[site]]


def test_names_do_not_matter(small: Case) -> None:
    plain, marked = territories(small), territories(renamed(small, "x "))
    assert marked.players == tuple(f"x {player}" for player in plain.players)
    assert marked.names(5) == tuple(f"x {name}" for name in plain.names(5)) == (marked.players[0], marked.players[2])
    assert list(marked.region.values()) == list(plain.region.values())


def test_a_region_without_a_cluster_in_reach_has_no_hub(small: Case) -> None:
    routes = {pair: ways for pair, ways in small.routes.items() if pair[0] != "Jiangsu" or "local" in pair[1]}
    with pytest.raises(InputError, match="region 'Jiangsu' reaches no cluster"):
        territories(replace(small, routes=routes))


@pytest.mark.parametrize("mask", range(8))
def test_the_relaxation_of_a_coalition_is_that_of_a_case_built_without_the_routes(small: Case, mask: int) -> None:
    program, lands = compile_case(small), territories(small)
    one = Session(closed(program, borders(program, small, lands), mask)).relax(60.0)
    other = Session(compile_case(without_routes(small, mask))).relax(60.0)
    assert one.status == other.status == "optimal"
    assert one.objective_kcny == pytest.approx(other.objective_kcny, rel=1e-8)


@pytest.mark.parametrize("mask", [0, 1, 2, 3])
def test_the_optimum_of_a_coalition_is_that_of_a_case_built_without_the_routes(mask: int) -> None:
    case = trading_case()
    program, lands = compile_case(case), territories(case)
    one = optimise(closed(program, borders(program, case, lands), mask), 1e-9, 60.0)
    other = optimise(compile_case(without_routes(case, mask)), 1e-9, 60.0)
    assert one.stop == other.stop == "gap reached"
    assert one.objective_kcny == pytest.approx(other.objective_kcny, rel=2e-9)


def test_no_work_crosses_a_closed_border_and_some_crosses_an_open_one(small: Case) -> None:
    program, lands = compile_case(small), territories(small)
    edges = borders(program, small, lands)
    for mask in structures(3):
        outcome = optimise(closed(program, edges, mask), 0.01, 60.0)
        assert outcome.x is not None
        flows = flow_table(Plan(small, program, outcome.x))
        ends = {(lands.region[r], lands.site[s]) for r, s in zip(flows["region"], flows["site"], strict=True)}
        crossing = {(origin, host) for origin, host in ends if origin != host}
        assert all(mask >> origin & 1 and mask >> host & 1 for origin, host in crossing)
        assert bool(crossing) is (mask != 0)


def test_everyone_together_is_the_programme_as_it_stands(small: Case) -> None:
    program, lands = compile_case(small), territories(small)
    edges = borders(program, small, lands)
    assert np.array_equal(closed(program, edges, 7).upper, program.upper)
    assert np.array_equal(closed(program, edges, 1).upper, closed(program, edges, 0).upper)
    assert (closed(program, edges, 0).upper[edges.columns] == 0).all()
    assert edges.columns.size == np.unique(edges.columns).size > 20


def test_structures_are_all_coalitions_but_single_players() -> None:
    assert structures(3) == [7, 3, 5, 6, 0]
    assert len(structures(8)) == 248
    assert everywhere(2, {0: 9.0, 3: 5.0}).tolist() == [9.0, 9.0, 9.0, 5.0]


@given(seed=st.integers(0, 10_000), n=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_costs_and_bounds_are_closed_over_parts_and_wholes(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    cost, bound = rng.uniform(5, 9, 1 << n), rng.uniform(1, 5, 1 << n)
    least, most = closed_costs(cost), closed_bounds(bound)
    for mask in range(1 << n):
        parts = [part for part in range(1 << n) if part & mask == part]
        wholes = [whole for whole in range(1 << n) if whole & mask == mask]
        assert least[mask] == min(cost[parts])
        assert most[mask] == max(bound[wholes])
        assert cost[cheapest_part(cost, mask)] == least[mask]


def test_a_coalition_keeps_its_own_plan_where_it_is_as_good() -> None:
    assert cheapest_part(np.array([4.0, 4.0, 4.0, 4.0]), 3) == 3
    assert cheapest_part(np.array([4.0, 4.0, 4.0, 4.1]), 3) == 2


@given(seed=st.integers(0, 10_000), n=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_savings_never_fall_and_hold_the_truth(seed: int, n: int) -> None:
    """A true game, seen through plans up to a gap too dear and bounds up to a gap too low."""
    rng = np.random.default_rng(seed)
    edges = {pair: rng.uniform(0, 3) for pair in product(range(n), range(n)) if pair[0] < pair[1]}
    inside = [sum(v for (i, j), v in edges.items() if mask >> i & 1 and mask >> j & 1) for mask in range(1 << n)]
    true_cost = 100 - np.array(inside)
    own = np.array([mask if mask.bit_count() != 1 else 0 for mask in range(1 << n)])
    cost, bound = (true_cost + rng.uniform(0, 1, 1 << n))[own], (true_cost - rng.uniform(0, 1, 1 << n))[own]
    game = saving_game(tuple(f"p{i}" for i in range(n)), cost, bound)
    assert monotonicity_violations(game, 1e-12) == ()
    assert (game.low <= np.array(inside) + 1e-9).all()
    assert (game.high >= np.array(inside) - 1e-9).all()
    alone = [0, *(1 << i for i in range(n))]
    assert not np.stack([game.value, game.low, game.high])[:, alone].any()


def test_costs_without_gaps_give_an_exact_game() -> None:
    cost = np.array([10.0, 10.0, 10.0, 7.0])
    game = saving_game(("a", "b"), cost, cost)
    assert game.exact
    assert game.value.tolist() == [0.0, 0.0, 0.0, 3.0]
