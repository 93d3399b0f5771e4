"""What must not change the optimum, and what may only move it one way."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from hubs import DATA
from optimizer.blocks import BLOCKS
from optimizer.runs.manifest import case_hash
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from optimizer.solve.optimum import optimise
from scenarios import figures
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import load
from tests.cases import halved, priced, random_case, renamed, twice, two_site_case

SMALL = ("horizon.hours=6", 'scope.regions=["Guangdong","Guizhou"]', 'scope.clusters=["Guian","Shaoguan"]')
"""A corner of the national day: two regions, two clusters, one steering period."""
STILL = ("weather.day_sd_c=0", "demand.day_sd_frac=0", "jobs.count=4")
"""No noise drawn by the name of a place."""


def relaxed(case: Case) -> float:
    point = Session(compile_case(case)).relax(60.0)
    assert point.status == "optimal"
    return point.objective_kcny


def best(case: Case) -> float:
    outcome = optimise(compile_case(case), 1e-8, 60.0)
    assert outcome.verdict is not None
    return outcome.objective_kcny


@pytest.fixture
def facts_folder(tmp_path: Path) -> Path:
    shutil.copytree(DATA, tmp_path / "facts")
    return tmp_path / "facts"


@pytest.fixture
def figures_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "figures"
    shutil.copytree(figures.FOLDER, folder)
    monkeypatch.setattr(figures, "FOLDER", folder)
    figures.table.cache_clear()
    yield folder
    figures.table.cache_clear()


def rewrite(path: Path, change: Callable[[list[list[str]]], None]) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])


def shuffle_all(folder: Path, seed: int) -> int:
    changed = 0
    for path in sorted(folder.glob("*.csv")):
        before = path.read_text(encoding="utf-8")
        rewrite(path, Random(f"{seed} {path.name}").shuffle)
        changed += path.read_text(encoding="utf-8") != before
    return changed


def test_shuffled_rows_of_every_table_give_the_same_case(facts_folder: Path, figures_folder: Path) -> None:
    for changes in (SMALL, ()):
        before = build_case(load("day", changes))
        assert shuffle_all(facts_folder, 1) >= 12
        assert shuffle_all(figures_folder, 2) >= 8
        figures.table.cache_clear()
        after = build_case(load("day", changes), facts_folder)
        assert case_hash(after) == case_hash(before)
    small = build_case(load("day", SMALL))
    assert relaxed(build_case(load("day", SMALL), facts_folder)) == relaxed(small)


def test_a_hub_renamed_consistently_gives_the_same_optimum(facts_folder: Path) -> None:
    old, new = "Greater Bay Area", "A Hub by another name"
    before = build_case(load("day", SMALL))
    rewrite(facts_folder / "hubs.csv", lambda rows: _replace(rows, {0: old}, new))
    rewrite(facts_folder / "clusters.csv", lambda rows: _replace(rows, {2: old}, new))
    after = build_case(load("day", SMALL), facts_folder)
    assert new in after.site_hub.values()
    assert old in before.site_hub.values()
    assert relaxed(after) == pytest.approx(relaxed(before), rel=1e-9)


def test_a_cluster_renamed_consistently_gives_the_same_optimum(facts_folder: Path, figures_folder: Path) -> None:
    """Its place in every order changes with the name; only noise drawn by name is left out."""
    old, new = "Shaoguan", "A cluster by another name"
    before = build_case(load("day", (*SMALL, *STILL)))
    for file, columns in (
        ("clusters", (0,)),
        ("cluster_facts", (0,)),
        ("fleet", (0,)),
        ("nodes", (0,)),
        ("links", (0, 1)),
    ):
        rewrite(facts_folder / f"{file}.csv", lambda rows, c=columns: _replace(rows, dict.fromkeys(c, old), new))
    rewrite(figures_folder / "site_climate.csv", lambda rows: _replace(rows, {0: old}, new))
    figures.table.cache_clear()
    changes = (*SMALL[:2], f'scope.clusters=["{new}","Guian"]', *STILL)
    after = build_case(load("day", changes), facts_folder)
    assert after.clusters == (new, "Guian")
    assert relaxed(after) == pytest.approx(relaxed(before), rel=1e-8)
    ends = [optimise(compile_case(case), 1e-4, 30.0).objective_kcny for case in (before, after)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-3)


def _replace(rows: list[list[str]], cells: dict[int, str], new: str) -> None:
    hits = 0
    for row in rows:
        for column, old in cells.items():
            if row[column] == old:
                row[column] = new
                hits += 1
    assert hits


@pytest.mark.parametrize("case", [two_site_case(), random_case(1), random_case(2)], ids=lambda case: case.name)
def test_names_mean_nothing(case: Case) -> None:
    other = renamed(case, "新 ")
    assert not set(other.sites) & set(case.sites)
    assert best(other) == pytest.approx(best(case), rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_money_in_another_unit_is_the_same_plan(seed: int) -> None:
    case = random_case(seed)
    dear = priced(case, 7.0)
    assert best(dear) == pytest.approx(7 * best(case), rel=1e-7)
    one, other = compile_case(case), compile_case(dear)
    np.testing.assert_allclose(other.item_cost.toarray(), 7 * one.item_cost.toarray(), rtol=1e-12)
    assert abs(one.matrix - other.matrix).max() == 0


def looser(case: Case) -> dict[str, Case]:
    """One bound at a time made wider."""
    return {
        "connection": replace(case, connection_mw=1.5 * case.connection_mw),
        "links": replace(case, link_capacity_gbps=2 * case.link_capacity_gbps),
        "pods": replace(case, pods_installed=case.pods_installed + 1),
        "vacancy": replace(case, pods_vacant=case.pods_vacant + 1),
        "local site": replace(case, local_eflops={s: 2 * v for s, v in case.local_eflops.items()}),
        "direct supply": replace(case, direct_mw=2 * case.direct_mw),
        "green target": replace(case, green_target_frac=0.5 * case.green_target_frac),
        "home reserve": replace(case, home_reserve_frac=dict.fromkeys(case.home_reserve_frac, 0.0)),
        "floor": replace(case, services=tuple(replace(k, served_floor_frac=0.0) for k in case.services)),
        "latency": replace(case, services=tuple(replace(k, rtt_limit_ms=99.0) for k in case.services)),
        "window": replace(case, batches=tuple(replace(b, window_h=b.window_h + 1) for b in case.batches)),
        "detour": replace(
            case, routes={pair: ways * 2 if ways[0].links else ways for pair, ways in case.routes.items()}
        ),
    }


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_a_looser_bound_never_costs_more(seed: int) -> None:
    case = random_case(seed)
    case = replace(case, services=tuple(replace(k, served_floor_frac=0.3) for k in case.services))
    cost, cheaper = best(case), set()
    for name, wider in looser(case).items():
        saved = cost - best(wider)
        assert saved >= -1e-6 * cost, name
        if saved > 1e-4 * cost:
            cheaper.add(name)
    assert cheaper, "some bound must bind, else nothing is tested"


def test_a_dearer_input_never_costs_less() -> None:
    case = random_case(4)
    cost = best(case)
    for name in ("carbon_kcny_per_tco2", "certificate_kcny_per_mwh", "transfer_kcny_per_tb"):
        assert best(replace(case, prices=replace(case.prices, **{name: 3 * getattr(case.prices, name) + 0.1}))) >= cost
    assert best(replace(case, energy_kcny_per_mwh=2 * case.energy_kcny_per_mwh)) > cost


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ledger", ["location", "market"])
def test_a_carbon_price_of_zero_is_the_block_left_out(seed: int, ledger: str) -> None:
    case = replace(random_case(seed), carbon_ledger=ledger)
    free = replace(case, prices=replace(case.prices, carbon_kcny_per_tco2=0.0))
    without = replace(case, blocks=tuple(block for block in BLOCKS if block != "carbon"))
    assert best(free) == pytest.approx(best(without), rel=1e-8)
    assert best(case) > best(free)


@pytest.mark.parametrize("seed", range(6))
def test_the_relaxation_is_a_bound(seed: int) -> None:
    case = random_case(seed)
    assert relaxed(case) <= best(case) * (1 + 1e-9)


def test_two_regions_and_clusters_of_half_the_size_cost_the_same() -> None:
    """In the relaxation, where pods and jobs are divisible, size is not a matter of names."""
    case = two_site_case(home_reserve_frac={"Plateau": 0.0}, pods_installed=np.array([[24]]), innovation=None)
    halves = halved(case)
    assert len(halves.sites) == 2 * len(case.sites)
    assert halves.demand_eflops.sum() == pytest.approx(case.demand_eflops.sum())
    assert relaxed(halves) == pytest.approx(relaxed(case), rel=1e-7)


def test_two_systems_that_share_nothing_cost_twice_as_much() -> None:
    for case in (two_site_case(), random_case(1), random_case(7)):
        assert best(twice(case)) == pytest.approx(2 * best(case), rel=1e-6)
        assert relaxed(twice(case)) == pytest.approx(2 * relaxed(case), rel=1e-7)


def test_twice_is_truly_two_systems() -> None:
    one, two = compile_case(two_site_case()), compile_case(twice(two_site_case()))
    assert (two.rows, two.columns, two.matrix.nnz) == (2 * one.rows, 2 * one.columns, 2 * one.matrix.nnz)
    assert not _joined(two)


def _joined(program: Program) -> list[str]:
    """Rows that touch columns of both systems."""
    names = np.array(program.column_names)
    first, second = (np.array([f"{mark}_" in name for name in names]) for mark in ("one", "two"))
    assert (first ^ second).all()
    pattern = abs(program.matrix)
    both = (pattern @ first.astype(float) > 0) & (pattern @ second.astype(float) > 0)
    return [program.row_name(int(row)) for row in np.flatnonzero(both)]
