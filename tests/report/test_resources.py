"""The resource ledger: what it joins, and that its money adds up to the accounts it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hubs import load_facts
from optimizer.report.resources import ledger_table, party_table, site_totals
from optimizer.runs.store import Run
from tests.cases import full_case


@pytest.fixture
def full(write: Callable[..., Run], full_parts: Any) -> Run:
    return write(other=full_parts)


def test_every_site_and_hour_stands_once_with_its_place(run: Run) -> None:
    ledger = ledger_table(run)
    assert len(ledger) == len(run.table("sites")) * run.manifest["hours"]
    assert not ledger.duplicated(["site", "hour"]).any()
    plateau = ledger[ledger["site"] == "Plateau"]
    assert set(plateau["zone"]) == {"west"}
    assert list(plateau["time"])[:2] == ["2025-07-14 00:00", "2025-07-14 01:00"]


def test_supply_is_load_and_idle_and_energy_is_what_is_drawn(full: Run) -> None:
    ledger = ledger_table(full)
    used = ledger["load_eflops"] + ledger["idle_eflops"]
    assert (used >= ledger["capacity_eflops"] - 1e-9).all()
    dispatch = full.table("dispatch")
    drawn = dispatch["import_mw"] + dispatch["direct_mw"] + dispatch["new_mw"]
    assert ledger["consumption_mwh"].sum() == pytest.approx(drawn.sum(), rel=1e-12)
    for column in ("carbon_location_tco2", "carbon_market_tco2", "certificate_mwh", "energy_kcny"):
        assert ledger[column].sum() == pytest.approx(dispatch[column].sum(), rel=1e-12)


def test_hourly_bills_are_the_cost_items(full: Run) -> None:
    ledger, items = ledger_table(full), full.table("cost_items").set_index("item")["cost_kcny"]
    assert ledger["energy_kcny"].sum() == pytest.approx(items["energy"], rel=1e-9)
    assert ledger["peak_shaving_kcny"].sum() == pytest.approx(-items["peak_shaving_income"], rel=1e-9)
    assert ledger["peak_shaving_kcny"].sum() > 0.1
    paid = ledger["import_mw"] * ledger["energy_kcny_per_mwh"]
    np.testing.assert_allclose(paid, ledger["energy_kcny"], atol=1e-12)


def test_income_is_load_at_the_wholesale_price(run: Run, write: Callable[..., Run]) -> None:
    price = load_facts().prices["compute_wholesale_kcny_per_eflopsh"]
    ledger = ledger_table(run)
    np.testing.assert_allclose(ledger["income_wholesale_kcny"], price * ledger["load_eflops"])
    facts = run.table("facts")
    without = write(facts=facts[facts["quantity"] != "compute_wholesale_kcny_per_eflopsh"])
    assert ledger_table(without)["income_wholesale_kcny"].isna().all()


def test_transfers_of_sites_and_regions_sum_to_zero(full: Run) -> None:
    ledger, parties = ledger_table(full), party_table(full)
    received = parties.loc[parties["kind"] == "hub", "net_kcny"].sum()
    assert received > 0.1
    assert ledger["transfer_kcny"].sum() == pytest.approx(received, rel=1e-9)
    assert parties["net_kcny"].sum() == pytest.approx(0.0, abs=1e-9)
    assert (ledger.loc[ledger["kind"] == "local", "transfer_kcny"] == 0).all()


def test_a_transfer_lies_where_and_when_its_work_was_done(write: Callable[..., Run], parts: Any) -> None:
    """10 kCNY for work of which one site did 3 of 4 EFLOPS·h, all in the second of two days."""
    sites = pd.DataFrame(
        [("A", "cluster", "W", "west", "H", 9.0), ("B", "cluster", "W", "west", "H", 9.0)],
        columns=list(parts[1]["sites"].columns),
    )
    dispatch = pd.concat([parts[1]["dispatch"].head(1)] * 96, ignore_index=True)
    dispatch["site"], dispatch["hour"] = ["A"] * 48 + ["B"] * 48, [*range(48)] * 2
    dispatch["load_eflops"] = np.where(dispatch["hour"] == 30, 3.0, 1.0)
    flows = pd.DataFrame(
        [("E", "A", 1, 3.0), ("E", "B", 1, 1.0), ("W", "A", 0, 50.0)],
        columns=["region", "site", "day", "work_eflopsh"],
    )
    terms = {"outsourced_eflopsh": 4.0, "fee_kcny": 8.0, "compensation_kcny": 3.0, "returned_tax_kcny": 1.0}
    agreements = pd.DataFrame([{"region": "E", "hub": "H"} | terms])
    run = write({"hours": 48}, sites=sites, dispatch=dispatch, flows=flows, agreements=agreements)
    ledger = ledger_table(run).set_index(["site", "hour"])["transfer_kcny"]
    assert ledger["A"].sum() == pytest.approx(7.5)
    assert ledger["B"].sum() == pytest.approx(2.5)
    assert (ledger[ledger.index.get_level_values("hour") < 24] == 0).all()
    assert ledger["A", 30] == pytest.approx(7.5 * 3 / 26)
    idle = write_again(run, agreements.assign(region="nobody"))
    assert ledger_table(idle)["transfer_kcny"].nunique() == 1


def write_again(run: Run, agreements: pd.DataFrame) -> Run:
    agreements.to_parquet(run.folder / "tables" / "agreements.parquet")
    return run


def test_totals_of_sites_are_sums_of_their_hours(full: Run) -> None:
    ledger = ledger_table(full)
    total = site_totals(ledger).set_index("site")
    for site, part in ledger.groupby("site"):
        assert total.loc[site, "load_eflopsh"] == pytest.approx(part["load_eflops"].sum())
        assert total.loc[site, "transfer_kcny"] == pytest.approx(part["transfer_kcny"].sum())
        weighed = (part["pue_ratio"] * part["it_mw"]).sum() / part["it_mw"].sum()
        assert total.loc[site, "pue_ratio"] == pytest.approx(weighed)
    off = site_totals(ledger.assign(it_mw=0.0))
    assert off["pue_ratio"].isna().all()


def test_without_cooperation_nobody_pays(run: Run) -> None:
    assert party_table(run).empty
    assert (ledger_table(run)["transfer_kcny"] == 0).all()


@pytest.fixture(scope="module")
def full_parts(solve_parts: Callable[..., Any]) -> Any:
    return solve_parts(full_case())
