"""A run of a year: the page and the workbook stay small, show days, and say so."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.report.page import render
from optimizer.report.workbook import workbook_sheets
from optimizer.runs.store import Run, write_run

HOURS, LENGTH = 8760, 4
TILES = HOURS // LENGTH


def tiled(table: pd.DataFrame, column: str, step: int) -> pd.DataFrame:
    """A table of the short run, once for every piece of the year."""
    parts = [table] * TILES
    year = pd.concat(parts, ignore_index=True)
    year[column] += np.repeat(np.arange(TILES) * step, len(table))
    return year


@pytest.fixture(scope="module")
def year(parts: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    manifest, tables = parts
    jobs = tables["jobs"][tables["jobs"]["start_h"] >= 0]
    many = tiled(jobs, "start_h", LENGTH)
    many["end_h"] = many["start_h"] + np.tile((jobs["end_h"] - jobs["start_h"]).to_numpy(), TILES)
    many["job"] = [f"{name} {i}" for i, name in enumerate(many["job"])]
    long = {name: tiled(tables[name], "hour", LENGTH) for name in ("dispatch", "load", "prices")}
    long |= {name: tiled(tables[name], "period", 2) for name in ("links", "steering")} | {"jobs": many}
    # Load that differs from day to day, and is none on the last.
    day = long["load"]["hour"] // 24
    long["load"]["load_eflops"] *= 1 + day / 365
    long["load"] = long["load"][day < 364]
    folder = tmp_path_factory.mktemp("years") / "year"
    return write_run(folder, manifest | {"hours": HOURS}, "name = 'year'\n", tables | long)


@pytest.fixture(scope="module")
def page(year: Run) -> str:
    return render(year)


def specs(page: str, name: str = "specs") -> Any:
    return json.loads(re.search(rf'id="{name}">(.*?)</script>', page, re.DOTALL)[1])


def test_page_of_a_year_is_small_and_says_that_it_shows_days(page: str) -> None:
    own = len(page) - len(re.search(r"<script>/\*\*.*?</script>", page, re.DOTALL)[0])
    assert own < 1_500_000
    assert page.count("Daily means: the horizon is longer than 14 days") == 5
    assert "Dispatch by day" in page
    assert "Dispatch by hour" not in page


def test_bars_are_means_of_days(page: str, year: Run) -> None:
    drawn = specs(page)["dispatch"]["data"]
    bars = [trace for trace in drawn if trace["type"] == "bar"]
    assert {len(trace["x"]) for trace in bars} == {365}
    load = year.table("load")
    for day in (0, 100, 364):
        mean = load.loc[load["hour"] // 24 == day, "load_eflops"].sum() / 24
        assert sum(trace["y"][day] for trace in bars) == pytest.approx(mean, abs=2e-3)
    series = specs(page, "series")
    assert series["hours"] == [24] * 365
    shown = sum(24 * sum(row) for row in series["sites"][""][:-1])
    assert shown == pytest.approx(load["load_eflops"].sum(), rel=1e-3)


def test_jobs_of_a_year_are_loads_by_day(page: str, year: Run) -> None:
    jobs, drawn = year.table("jobs"), specs(page)["jobs"]["data"]
    assert len(drawn) == jobs["cluster"].nunique()
    ran_h = jobs["end_h"].clip(upper=HOURS) - jobs["start_h"]
    assert 24 * sum(drawn[0]["y"]) == pytest.approx((ran_h * jobs["load_eflops"]).sum(), rel=2e-3)
    assert "Every job stands in the run" in page


def test_workbook_of_a_year_has_days(year: Run) -> None:
    sheets = workbook_sheets(year)
    ledger, dispatch = sheets["ledger"], year.table("dispatch")
    assert len(ledger) == 365 * len(year.table("sites"))
    assert "hour" not in ledger
    assert ledger["energy_kcny"].sum() == pytest.approx(dispatch["energy_kcny"].sum(), rel=1e-9)
    assert ledger["facility_mw"].mean() == pytest.approx(dispatch["facility_mw"].mean(), rel=1e-9)
    assert sheets["about"].set_index("item")["value"]["time"].startswith("days")
