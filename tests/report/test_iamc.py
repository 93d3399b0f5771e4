"""The IAMC export: its shape, and that nation, provinces and sites agree with one another and with the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from optimizer.report.iamc import COLUMNS, iamc_table
from optimizer.runs.store import Run
from tests.cases import full_case


def test_shape_and_no_row_twice(run: Run) -> None:
    table = iamc_table({"a": run})
    assert list(table.columns) == ["model", "scenario", "region", "variable", "unit", "year", "value"] == COLUMNS
    assert not table.duplicated(COLUMNS[:-1]).any()
    assert table["value"].notna().all()
    assert set(table["year"]) == {2025}
    assert set(table["model"]) == {"computegrid 0.1.0"}
    assert set(table["scenario"]) == {"two-site"}
    assert (table["unit"].str.len() > 0).all()


def test_nation_is_the_sum_of_its_provinces_and_these_of_their_sites(run: Run) -> None:
    table = iamc_table({"a": run})
    deep = table["region"].str.count(r"\|")
    variables = [v for v in set(table.loc[deep == 2, "variable"]) if v]
    assert "Emissions|CO2|Data Centers|Market-Based" in variables
    assert len(variables) >= 12
    for variable in variables:
        rows = table[table["variable"] == variable]
        nation, provinces, sites = (rows.loc[deep[rows.index] == level, "value"].sum() for level in range(3))
        assert provinces == pytest.approx(nation, rel=1e-9, abs=1e-9)
        assert sites == pytest.approx(nation, rel=1e-9, abs=1e-9)


def test_figures_are_those_of_the_tables(run: Run) -> None:
    table = iamc_table({"a": run})
    nation = table[table["region"] == "China"].set_index("variable")["value"]
    dispatch = run.table("dispatch")
    assert nation["Cost|System"] == run.manifest["objective_kcny"]
    items = nation[nation.index.str.startswith("Cost|System|")]
    assert items.sum() == pytest.approx(nation["Cost|System"], rel=1e-9)
    assert nation["Horizon"] == run.manifest["hours"]
    assert nation["Emissions|CO2|Data Centers|Location-Based"] == pytest.approx(dispatch["carbon_location_tco2"].sum())
    parts = [nation[f"Final Energy|Data Centers|Electricity|{p}"] for p in ("Grid", "Direct Supply", "New Plants")]
    assert sum(parts) == pytest.approx(nation["Final Energy|Data Centers|Electricity"])
    assert nation["Final Energy|Data Centers|Electricity"] == pytest.approx(nation["Indicator|Energy"])
    work = nation[nation.index.str.startswith("Compute|Work|")]
    assert work.sum() == pytest.approx(nation["Compute|Work"], rel=1e-6)
    asked = [nation[f"Compute|Requested|{p}"] for p in ("Done At Home", "Sent To Other Provinces")]
    assert sum(asked) == pytest.approx(nation["Compute|Requested"])
    assert asked[1] == pytest.approx(nation["Compute|Hosted For Other Provinces"])


def test_transfers_sum_to_zero(write: Callable[..., Run], solve_parts: Callable[..., Any]) -> None:
    table = iamc_table({"a": write(other=solve_parts(full_case()))})
    net = table.loc[table["variable"] == "Transfers|Net", "value"]
    assert net.abs().sum() > 1
    assert net.sum() == pytest.approx(0.0, abs=1e-9)


def test_runs_of_one_scenario_are_told_apart(run: Run) -> None:
    table = iamc_table({"x/a": run, "x/b": run})
    assert set(table["scenario"]) == {"two-site (x/a)", "two-site (x/b)"}
    assert not table.duplicated(COLUMNS[:-1]).any()
