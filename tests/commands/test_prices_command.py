"""The command `prices`: the smallest case to the last digit, runs priced again, files and faults."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

from optimizer.cli import main
from optimizer.workflow import solve as solve_scenario

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["computegrid", "prices", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        text = capsys.readouterr()
        return int(stopped.value.code or 0), text.out, text.err

    return run


def test_smallest_case_by_hand(command: Command) -> None:
    """Load costs 1.092 per EFLOPS·h; fourteen idle pod-hours at 0.2184 are left to uplift. Divisible pods of half an
    EFLOPS would bear their idle power, 0.4368 per EFLOPS·h, and leave the one pod-hour that is not used."""
    code, out, _ = command("tiny", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["plan_kcny"] == pytest.approx(10.5556)
    assert found["fixed_kcny"] == pytest.approx(10.5556)
    assert found["relaxed_kcny"] == pytest.approx(10.3372)
    assert found["same_plan"] is None
    assert (found["site_hours"], found["identified_fixed"], found["identified_relaxed"]) == (4, 2, 2)
    mean = {hub["kind"]: hub["mean_kcny_per_eflopsh"] for hub in found["hubs"]}
    assert mean == pytest.approx({"fixed": 1.092, "relaxed": 1.092 + 0.4368})
    assert found["uplift_fixed_kcny"] == pytest.approx(14 * 0.2184)
    assert found["uplift_relaxed_kcny"] == pytest.approx(0.2184)
    (certificate,) = (row for row in found["worth"] if row["what"] == "certificate")
    assert certificate["worth_kcny_per_unit"] == pytest.approx(0.01)
    assert sum(row["rent_kcny"] for row in found["rents"]) == pytest.approx(0.0, abs=1e-12)


def test_page_names_kinds_uplift_and_what_is_not_identified(command: Command) -> None:
    code, out, _ = command("tiny")
    assert code == 0
    assert "no spot market for compute exists" in out
    assert "Identified of 4 site-hours: 2 fixed, 2 relaxed" in out
    assert "Uplift (kCNY over the horizon): 3.058 fixed, 0.218 relaxed" in out
    assert "| Guizhou | relaxed |" in out
    assert "| certificate | Guian | MWh  |" in out


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_prices_are_written(command: Command, tmp_path: Path, ending: str) -> None:
    assert command("tiny", "--out", f"prices.{ending}", "--intervals")[0] == 0
    file = tmp_path / f"prices.{ending}"
    table = pd.read_csv(file) if ending == "csv" else pd.read_parquet(file)
    assert len(table) == 4
    guian, local = table[table["site"] == "Guian"], table[table["site"] != "Guian"]
    assert guian["price_fixed_kcny_per_eflopsh"].tolist() == pytest.approx([1.092] * 2)
    assert local["price_fixed_kcny_per_eflopsh"].isna().all()
    assert (local["low_fixed_kcny_per_eflopsh"] < local["high_fixed_kcny_per_eflopsh"]).all()


def test_workbook_holds_every_table(command: Command, tmp_path: Path) -> None:
    assert command("tiny", "--out", "all.xlsx")[0] == 0
    with ZipFile(tmp_path / "all.xlsx") as book:
        sheets = re.findall(r'<sheet name="(\w+)"', book.read("xl/workbook.xml").decode())
    assert sheets == ["prices", "hubs", "uplift", "rents", "worth"]


def test_run_is_priced_by_its_own_plan(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    solve_scenario("tiny", run, changes=["facts.prices.carbon_kcny_per_tco2=0.2"])
    code, out, err = command(str(run), "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["same_plan"] is True
    # 0.05 kCNY of carbon more per MWh, at 2 MW per EFLOPS and a PUE of 1.2.
    mean = {hub["kind"]: hub["mean_kcny_per_eflopsh"] for hub in found["hubs"]}
    assert mean["fixed"] == pytest.approx(1.092 + 2 * 1.2 * 0.05)


def test_run_that_is_not_found_again_is_said_to_be_so(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    solve_scenario("tiny", run)
    file = run / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(manifest | {"objective_kcny": 11.0}), encoding="utf-8")
    code, out, err = command(str(run), "--json")
    assert code == 0
    assert json.loads(out)["same_plan"] is False
    assert "The stored plan (11.0 kCNY) was not found again" in err


def test_run_whose_facts_have_changed_is_refused(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    solve_scenario("tiny", run)
    scenario = run / "scenario.toml"
    text = scenario.read_text(encoding="utf-8")
    changed = text.replace("carbon_kcny_per_tco2 = 0.1", "carbon_kcny_per_tco2 = 0.3")
    assert changed != text
    scenario.write_text(changed, encoding="utf-8")
    code, out, err = command(str(run))
    assert (code, out) == (2, "")
    assert "the facts have changed since this run" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tiny", "--out", "prices.txt"], "the name ends in .csv, .parquet or .xlsx"),
        (["tiny", "--out", "nowhere/prices.csv"], "folder 'nowhere' is missing"),
        (["tinny"], "scenario 'tinny' is not known"),
        ([".", "--set", "seed=2"], "a run is priced as it was solved"),
        (["."], "holds no run"),
    ],
)
def test_faults_are_said_before_anything_is_solved(command: Command, words: list[str], said: str) -> None:
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_no_plan_has_no_prices(command: Command) -> None:
    code, out, err = command("tiny", "--set", "demand.scale_ratio=100", "--json")
    assert (code, out) == (4, "")
    assert "No plan: infeasible" in err
