"""What came out, of plans that use every instrument: blocks that are absent are said to be, tables are never silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from optimizer.compare import Pair, compare
from optimizer.compare.amounts import Section
from optimizer.compare.words import text
from optimizer.runs.casetable import case_table
from optimizer.runs.manifest import field_hashes
from optimizer.runs.store import Run, write_run
from scenarios.case import Case
from tests.cases import full_case
from tests.report.conftest import run_parts

Parts = tuple[dict[str, Any], dict[str, pd.DataFrame]]
CASE = full_case()


def solved(case: Case) -> Parts:
    """Manifest and tables of a solved case, with its own hashes and table."""
    return labelled(run_parts(case), case)


def labelled(parts: Parts, case: Case) -> Parts:
    manifest, tables = parts
    hashes = field_hashes(case)
    inputs = {"case_sha256": "".join(hashes.values())}
    return manifest | {"fields_sha256": hashes, "inputs": inputs}, tables | {"case": case_table(case)}


def stored(folder: Path, parts: Parts, **tables: pd.DataFrame | None) -> Run:
    kept = {name: table for name, table in (parts[1] | tables).items() if table is not None}
    return write_run(folder, parts[0], "seed = 1\n", kept)


@pytest.fixture(scope="module")
def whole() -> Parts:
    return solved(CASE)


@pytest.fixture(scope="module")
def runs(whole: Parts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """All instruments, and all but cooperation."""
    folder = tmp_path_factory.mktemp("results")
    alone = full_case(blocks=tuple(block for block in CASE.blocks if block != "cooperation"))
    return stored(folder / "all", whole), stored(folder / "alone", solved(alone))


@pytest.fixture(scope="module")
def pair(runs: tuple[Run, Run]) -> Pair:
    return compare(runs).pairs[0]


def part(pair: Pair, name: str) -> Section:
    return next(section for section in pair.sections if section.name == name)


def test_an_absent_block_is_named_and_its_tables_are_not_zero(pair: Pair, runs: tuple[Run, Run]) -> None:
    assert [(c.field, c.key, c.before, c.after) for c in pair.inputs.case] == [("blocks", "cooperation", "yes", None)]
    accounts = part(pair, "accounts")
    assert (accounts.amounts, accounts.alone) == ((), "before")
    assert len(runs[0].table("regional_accounts")) > 0
    said = text(compare(runs))
    assert "Regional accounts: only all has any" in said
    assert f"regional_accounts ({len(runs[0].table('regional_accounts'))} rows → empty)" in said


def test_an_item_that_only_one_plan_has_counts_in_the_waterfall(pair: Pair) -> None:
    agreements = next(item for item in pair.costs.items if item.place == "agreements")
    assert (agreements.after, agreements.difference) == (None, -(agreements.before or 0.0))
    assert pair.costs.total is not None
    steps = sum(item.difference or 0.0 for item in pair.costs.items)
    assert steps == pytest.approx(pair.costs.total.difference, abs=1e-6)


def test_sections_agree_with_the_tables_they_are_read_from(runs: tuple[Run, Run], tmp_path: Path) -> None:
    busier = stored(tmp_path / "busier", solved(full_case(demand_eflops=CASE.demand_eflops * 1.2)))
    both, found = (runs[0], busier), compare([runs[0], busier]).pairs[0]
    loads = part(found, "site_loads").amounts
    assert loads
    for one in loads:
        sums = [t.loc[t["site"] == one.place, "load_eflops"].sum() for t in (run.table("dispatch") for run in both)]
        assert (one.before, one.after) == pytest.approx(tuple(sums))
    flows = [run.table("flows")["work_eflopsh"].sum() for run in both]
    for name in ("flows", "flows_by_zone"):
        steps = sum(one.difference or 0.0 for one in part(found, name).amounts)
        assert steps == pytest.approx(flows[1] - flows[0])
    columns = {"location-based": "carbon_location_tco2", "market-based": "carbon_market_tco2"}
    carbon = {one.quantity: (one.before, one.after) for one in part(found, "carbon").amounts}
    assert set(carbon) == set(columns)
    for ledger, column in columns.items():
        assert carbon[ledger] == pytest.approx(tuple(run.table("dispatch")[column].sum() for run in both))
    accounts = [run.table("regional_accounts").set_index(["kind", "party"])["net_kcny"] for run in both]
    nets = {one.place: (one.before, one.after) for one in part(found, "accounts").amounts if one.quantity == "net"}
    assert nets
    for (kind, party), net in accounts[0].items():
        expected = (net, accounts[1][kind, party])
        assert nets.get(f"{kind} {party}", (net, net)) == pytest.approx(expected)


def test_an_old_run_without_its_case_says_so(runs: tuple[Run, Run], whole: Parts, tmp_path: Path) -> None:
    parts = labelled(whole, full_case(blocks=CASE.blocks[:-1]))
    del parts[0]["fields_sha256"]
    found = compare([runs[0], stored(tmp_path / "old", parts, case=None, facts=None)]).pairs[0]
    assert (found.inputs.case, found.inputs.facts) == ((), ())
    assert len(found.inputs.unnamed) == 2
    assert "jobs, links and series are not named" in found.inputs.unnamed[0]
    assert (found.sections, found.tables, found.one_problem) == ((), (), False)


def test_a_table_that_is_missing_is_no_empty_one(runs: tuple[Run, Run], whole: Parts, tmp_path: Path) -> None:
    comparison = compare([runs[0], stored(tmp_path / "lacking", whole, links=None)])
    (change,) = comparison.pairs[0].tables
    assert (change.table, change.rows_after) == ("links", None)
    assert part(comparison.pairs[0], "links").alone == "before"
    assert "rows → no such table)" in text(comparison)


def test_a_field_in_another_order_is_not_passed_over(runs: tuple[Run, Run], whole: Parts, tmp_path: Path) -> None:
    turned = labelled(whole, full_case(jobs=CASE.jobs[::-1]))
    found = compare([runs[0], stored(tmp_path / "turned", turned)]).pairs[0]
    assert found.inputs.case == ()
    assert found.inputs.unnamed == ("case.jobs differs in its order or type",)


def test_what_no_measure_reads_is_found_row_by_row(runs: tuple[Run, Run], whole: Parts, tmp_path: Path) -> None:
    storage = runs[0].table("storage").copy()
    storage.loc[0, "stored_mwh"] += 1.0
    moved = stored(tmp_path / "moved", whole, storage=storage.sample(frac=1.0, random_state=1))
    found = compare([runs[0], moved]).pairs[0]
    assert found.sections == ()
    (change,) = found.tables
    assert (change.table, change.only_before, change.only_after) == ("storage", 1, 1)
