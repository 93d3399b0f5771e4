"""`runs`, `ledger` and `report` as a planner types them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from optimizer.cli import main
from optimizer.runs.store import Run, open_run
from optimizer.workflow import solve

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of `tiny`, one with dearer energy."""
    root = tmp_path_factory.mktemp("solved")
    solve("tiny", root / "runs" / "one")
    solve("tiny", root / "runs" / "deep" / "two", changes=["demand.scale_ratio=0.5"])
    return root


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, solved: Path
) -> Command:
    shutil.copytree(solved, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["computegrid", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        text = capsys.readouterr()
        return int(stopped.value.code or 0), text.out, text.err

    return run


def test_runs_are_listed_and_filtered(command: Command) -> None:
    code, out, _ = command("runs", "list")
    assert code == 0
    assert "deep/two" in out
    code, out, _ = command("runs", "list", "--json")
    listed = {row["run"]: row for row in json.loads(out)}
    assert set(listed) == {"one", "deep/two"}
    costs = {name: row["objective_kcny"] for name, row in listed.items()}
    assert costs["deep/two"] < costs["one"] == open_run(Path("runs/one")).manifest["objective_kcny"]
    code, out, _ = command("runs", "list", "runs", "--where", f"objective_kcny < {costs['one']}", "--json")
    assert [row["run"] for row in json.loads(out)] == ["deep/two"]
    code, _, err = command("runs", "list", "--where", "objektive > 1")
    assert code == 2
    assert "objective_kcny" in err


def test_list_of_nothing_and_of_nowhere(command: Command) -> None:
    Path("empty").mkdir()
    assert command("runs", "list", "empty")[:2] == (0, "empty: no runs\n")
    assert command("runs", "list", "nowhere")[0] == 2
    assert command("runs", "sql", "select 1", "--in", "empty")[0] == 2


def test_sql_answers_prints_and_writes(command: Command) -> None:
    sql = "select run, sum(cost_kcny) as cost_kcny from cost_items group by run order by run"
    code, out, _ = command("runs", "sql", sql, "--json")
    assert code == 0
    answer = {row["run"]: row["cost_kcny"] for row in json.loads(out)}
    for name, cost in answer.items():
        assert cost == pytest.approx(open_run(Path("runs") / name).manifest["objective_kcny"], rel=1e-9)
    code, out, _ = command("runs", "sql", "select * from facts", "--rows", "2")
    assert "2 of " in out
    for ending, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet), (".xlsx", pd.read_excel)):
        assert command("runs", "sql", sql, "--out", f"answer{ending}")[0] == 0
        assert dict(read(f"answer{ending}").to_numpy().tolist()) == pytest.approx(answer)
    assert command("runs", "sql", sql, "--out", "answer.doc")[0] == 2
    code, _, err = command("runs", "sql", "select * from read_csv('answer.csv')")
    assert code == 2
    assert "disabled" in err


def test_sql_shows_times_lists_and_nulls(command: Command) -> None:
    code, out, _ = command("runs", "sql", "select date '2025-07-14' as d, [1, 2] as l, null as n", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert str(row["d"]).startswith("2025-07-14")
    assert row["n"] is None


def test_a_truncated_table_is_named_skipped_and_told_by_the_exit_code(command: Command) -> None:
    path = Path("runs/one/tables/dispatch.parquet")
    path.write_bytes(path.read_bytes()[:500])
    code, out, err = command("runs", "sql", "select run, count(*) as n from dispatch group by run", "--json")
    assert code == 2
    assert [row["run"] for row in json.loads(out)] == ["deep/two"]
    assert "left out" in err
    assert "one/tables/dispatch.parquet" in err
    Path("runs/deep/two/manifest.json").write_text("{")
    code, out, err = command("runs", "list", "--json")
    assert code == 2
    assert [row["run"] for row in json.loads(out)] == ["one"]
    assert "deep/two" in err


def test_iamc_is_written_for_one_run_and_for_a_folder(command: Command) -> None:
    assert command("runs", "iamc", "runs", "--out", "all.csv")[0] == 0
    table = pd.read_csv("all.csv")
    assert list(table.columns) == ["model", "scenario", "region", "variable", "unit", "year", "value"]
    assert set(table["scenario"]) == {"tiny (one)", "tiny (deep/two)"}
    assert command("runs", "iamc", "runs/one", "--out", "one.xlsx")[0] == 0
    sheet = pd.read_excel("one.xlsx", sheet_name="data")
    assert set(sheet["scenario"]) == {"tiny"}
    assert command("runs", "iamc", "runs/one", "--out", "one.parquet")[0] == 2
    assert command("runs", "iamc", "nowhere", "--out", "x.csv")[0] == 2


KILLED = """
import os, signal, sys
from pathlib import Path
from optimizer.runs.store import write_run
write_run(Path(sys.argv[1]), {}, "", {}, lambda run: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_drafts_of_killed_solves_are_listed_and_deleted_on_request_only(command: Command) -> None:
    before = {path for path in Path("runs").rglob("*")}
    dead = subprocess.run([sys.executable, "-c", KILLED, "runs/deep/killed"], env=os.environ, check=False)
    assert dead.returncode == -signal.SIGKILL
    left = set(Path("runs").rglob("*")) - before
    assert left
    code, out, _ = command("runs", "list", "--json")
    assert (code, len(json.loads(out))) == (0, 2)
    code, out, _ = command("runs", "clean")
    assert code == 0
    assert "killed" in out
    assert "--yes" in out
    assert set(Path("runs").rglob("*")) - before == left
    code, out, _ = command("runs", "clean", "--yes", "--json")
    assert code == 0
    assert json.loads(out)["deleted"]
    assert {path for path in Path("runs").rglob("*")} == before
    assert command("runs", "clean")[1] == "0 left behind, 0 deleted\n"


def test_ledger_holds_hours_totals_and_parties(command: Command) -> None:
    assert command("ledger", "runs/one", "--out", "ledger.xlsx")[0] == 0
    book = openpyxl.load_workbook("ledger.xlsx")
    assert book.sheetnames == ["ledger", "sites", "parties"]
    assert book["ledger"].freeze_panes == "A2"
    for ending, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        code, out, _ = command("ledger", "runs/one", "--out", f"ledger{ending}", "--json")
        assert code == 0
        table = read(f"ledger{ending}")
        assert len(table) == json.loads(out)["rows"] == 4
        assert table["load_eflops"].sum() == pytest.approx(6.5)
        assert {"capacity_eflops", "idle_eflops", "pue_ratio", "certificate_mwh", "transfer_kcny"} <= set(table)
    assert command("ledger", "runs/one", "--out", "ledger.doc")[0] == 2
    assert command("ledger", "runs/one", "--out", "nowhere/ledger.csv")[0] == 2
    assert command("ledger", "nowhere")[0] == 2


def test_reports_are_written_beside_their_runs_and_the_runs_stay(command: Command) -> None:
    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    assert command("report", "runs/one", "runs/deep/two")[0] == 0
    for run in (Path("runs/one"), Path("runs/deep/two")):
        beside = run.with_name(f"{run.name}-report")
        for name in ("report.html", "workbook.xlsx"):
            assert (beside / name).read_bytes() == (run / name).read_bytes()
        shutil.rmtree(beside)
    assert {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()} == before


def test_reports_go_where_they_are_told(command: Command) -> None:
    assert command("report", "runs/one", "--out", "page.html")[0] == 0
    assert Path("page.html").exists()
    assert Path("page.xlsx").exists()
    assert command("report", "runs/one", "--out", "alone")[0] == 0
    assert sorted(path.name for path in Path("alone").iterdir()) == ["report.html", "workbook.xlsx"]
    code, out, _ = command("report", "runs/one", "runs/deep/two", "--out", "both", "--json")
    assert code == 0
    assert len(json.loads(out)["written"]) == 2
    assert sorted(path.name for path in Path("both").iterdir()) == ["one", "two"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("runs/one", "runs/deep/two", "--out", "x.html"), "one file for 2 runs"),
        (("runs/one", "runs/one"), "two runs would be reported"),
        (("runs/one", "--out", "runs/one"), "lies in a run"),
        (("runs/one", "--out", "runs/one/tables/x.html"), "lies in a run"),
        (("runs/one", "runs/deep/two", "--prices", "p.csv"), "prices belong to one run"),
        (("runs/one", "--prices", "p.txt"), "no file for tables"),
        (("runs/one", "--prices", "nothing.csv"), "cannot be read"),
        (("nowhere",), "holds no run"),
    ],
)
def test_reports_refused_write_nothing(words: tuple[str, ...], told: str, command: Command) -> None:
    before = set(Path().rglob("*"))
    code, _, err = command("report", *words)
    assert code == 2
    assert told in err
    assert set(Path().rglob("*")) == before


def test_prices_of_a_run_can_be_added_to_its_report(command: Command) -> None:
    assert command("prices", "runs/one", "--out", "prices.csv")[0] == 0
    assert command("report", "runs/one", "--prices", "prices.csv", "--out", "priced.html")[0] == 0
    assert Path("priced.html").read_bytes() == (Path("runs/one") / "report.html").read_bytes()
    stripped = Path("runs/one/tables/prices.parquet")
    stripped.unlink()
    assert command("report", "runs/one", "--out", "bare.html")[0] == 0
    assert "computegrid prices RUN" in Path("bare.html").read_text(encoding="utf-8")
    assert command("report", "runs/one", "--prices", "prices.csv", "--out", "again.html")[0] == 0
    assert Path("again.html").read_bytes() == Path("priced.html").read_bytes()


def test_a_run_holds_its_workbook(solved: Path) -> None:
    run: Run = open_run(solved / "runs" / "one")
    assert (run.folder / "workbook.xlsx").stat().st_size > 10_000
    assert "workbook.xlsx" in (run.folder / "SHA256SUMS").read_text(encoding="utf-8")
