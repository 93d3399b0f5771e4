"""The commands as a planner types them: results, files, messages and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import highspy
import pandas as pd
import pytest

from optimizer.cli import main
from optimizer.runs.store import open_run
from optimizer.workflow import solve
from scenarios.library import names

ROOT = Path(__file__).resolve().parents[1]
Command = Callable[..., tuple[int, str, str]]
FIELDS = {
    "status", "objective_kcny", "bound_kcny", "gap_frac", "greedy_kcny", "hours", "columns", "rows", "nonzeros",
    "integers", "build_s", "hand_over_s", "solver_s", "wall_s", "peak_rss_mb", "max_violation", "cost_items", "run_dir",
}  # fmt: skip


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["computegrid", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        text = capsys.readouterr()
        return int(stopped.value.code or 0), text.out, text.err

    return run


def test_day_is_solved_stored_and_reported(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("solve", "day", "--json", "--out", "day")
    result = json.loads(out)
    assert code == 0
    assert set(result) == FIELDS
    assert result["status"] == "proved optimal within gap"
    assert result["gap_frac"] <= 0.005
    assert result["bound_kcny"] <= result["objective_kcny"] <= result["greedy_kcny"]
    assert result["max_violation"] <= 1e-6
    assert sum(result["cost_items"].values()) == pytest.approx(result["objective_kcny"], rel=1e-6)
    run = open_run(tmp_path / "day")
    assert run.manifest["objective_kcny"] == result["objective_kcny"]
    assert (tmp_path / "day" / "report.html").stat().st_size > 100_000
    assert run.table("cost_items")["cost_kcny"].sum() == pytest.approx(result["objective_kcny"], rel=1e-9)
    sites = run.table("sites")
    assert len(sites) == 41
    assert (sites["kind"] == "cluster").sum() == 10


@pytest.mark.slow
def test_week_is_solved(command: Command) -> None:
    code, out, _ = command("solve", "week", "--json", "--out", "week")
    result = json.loads(out)
    assert code == 0
    assert set(result) == FIELDS
    assert result["gap_frac"] <= 0.01
    assert result["max_violation"] <= 1e-6
    assert sum(result["cost_items"].values()) == pytest.approx(result["objective_kcny"], rel=1e-6)


@pytest.mark.parametrize(("scenario", "gap"), [("tiny", 1e-6), pytest.param("day", 0.005, marks=pytest.mark.slow)])
def test_exported_model_solved_by_highs_alone_agrees(
    command: Command, tmp_path: Path, scenario: str, gap: float
) -> None:
    assert command("export", scenario, "--mps", "model.mps")[0] == 0
    alone = highspy.Highs()
    alone.setOptionValue("output_flag", False)
    alone.setOptionValue("mip_rel_gap", gap)
    alone.readModel(str(tmp_path / "model.mps"))
    alone.run()
    ours = solve(scenario, tmp_path / "run", gap_frac=gap).outcome
    theirs = alone.getInfo()
    # Each best value is at least the other's bound.
    slack = 1e-6 * abs(ours.objective_kcny)
    assert theirs.mip_dual_bound <= ours.objective_kcny + slack
    assert ours.bound_kcny <= theirs.objective_function_value + slack


def test_tiny_has_the_optimum_worked_by_hand(tmp_path: Path) -> None:
    outcome = solve("tiny", tmp_path / "tiny").outcome
    assert outcome.objective_kcny == pytest.approx(10.5556, abs=1e-9)
    assert outcome.relaxed_kcny == pytest.approx(10.3372, abs=1e-9)
    assert outcome.verdict is not None
    assert outcome.verdict.items_kcny["transfer"] == pytest.approx(0.4, abs=1e-9)


def test_equal_runs_have_equal_manifests_but_for_timing(tmp_path: Path) -> None:
    first, second = (solve("tiny", tmp_path / name).run for name in ("a", "b"))
    assert first is not None
    assert second is not None
    kept = [{k: v for k, v in run.manifest.items() if k not in ("timing", "run")} for run in (first, second)]
    assert kept[0] == kept[1]


def test_resolved_scenario_of_a_run_gives_the_same_run(tmp_path: Path) -> None:
    first = solve("day", tmp_path / "first", changes=["demand.scale_ratio=0.5", "jobs.count=3"]).run
    assert first is not None
    again = solve(str(first.folder / "scenario.toml"), tmp_path / "again").run
    assert again is not None
    assert again.manifest["inputs"] == first.manifest["inputs"]
    assert again.manifest["objective_kcny"] == first.manifest["objective_kcny"]


def test_gap_not_reached_is_exit_three(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("solve", "day", "--gap", "1e-7", "--time-limit", "15", "--json", "--out", "short")
    result = json.loads(out)
    assert code == 3
    assert result["status"] == "feasible at time limit"
    assert result["gap_frac"] > 1e-7
    assert open_run(tmp_path / "short").manifest["status"] == result["status"]


def test_no_plan_in_time_says_so_and_stores_nothing(command: Command, tmp_path: Path) -> None:
    code, _, err = command("solve", "day", "--time-limit", "0.001", "--out", "none")
    assert code == 1
    assert "no plan found within the time limit" in err
    assert not (tmp_path / "none").exists()


def test_infeasible_is_exit_four(command: Command, tmp_path: Path) -> None:
    tight = ["--set", "facts.clusters.Guian.connection_mw=0", "--set", "facts.regions.Guangdong.connection_mw=0"]
    code, _, err = command("solve", "tiny", *tight, "--out", "none")
    assert code == 4
    assert "No plan: infeasible" in err
    assert not (tmp_path / "none").exists()


def test_faulty_input_is_exit_two_with_every_fault(command: Command) -> None:
    code, _, err = command("solve", "day", "--set", "horizon.hours=-1", "--set", "demand.scael_ratio=2")
    assert code == 2
    assert "2 faults" in err
    assert "horizon.hours" in err
    assert "scale_ratio" in err


@pytest.mark.parametrize("words", [("solve",), ("solve", "day", "--gap", "x"), ("nonsense",), ("solve", "dya")])
def test_misused_command_is_exit_two(command: Command, words: tuple[str, ...]) -> None:
    code, _, err = command(*words)
    assert code == 2
    assert err


def test_existing_folder_is_never_overwritten(command: Command, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    code, _, err = command("solve", "tiny", "--out", "kept")
    assert code == 2
    assert "exists already" in err
    assert list((tmp_path / "kept").iterdir()) == []


def test_scenarios_and_facts_are_listed(command: Command) -> None:
    code, out, _ = command("scenarios", "--json")
    assert code == 0
    listed = {row["scenario"]: row for row in json.loads(out)}
    assert set(listed) == set(names()) >= {"tiny", "day", "week"}
    assert all(len(row["why"]) > 20 for row in listed.values())
    code, out, _ = command("facts", "cluster_facts", "--json")
    rows = json.loads(out)
    assert code == 0
    assert {row["status"] for row in rows} <= {"official", "reported", "estimated"}
    assert all(row["unit"] and row["source"] for row in rows)
    assert command("facts")[0] == 0
    code, _, err = command("facts", "cluster_fact")
    assert code == 2
    assert "cluster_facts" in err


def test_check_passes_what_is_right_and_names_what_is_not(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("check", "day")
    assert (code, out.splitlines()[0]) == (0, "day: no faults")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        'extends = "day"\nwhy = "A scenario that is wrong on purpose."\n[policy]\ncarbon_ledger = "both"\n'
    )
    code, _, err = command("check", str(wrong))
    assert code == 2
    assert "wrong.toml row 4" in err
    assert "carbon_ledger" in err


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_ledger_is_written_in_every_format(command: Command, tmp_path: Path, suffix: str) -> None:
    solve("tiny", tmp_path / "tiny")
    assert command("ledger", "tiny", "--out", f"ledger{suffix}")[0] == 0
    if suffix != ".xlsx":
        read = pd.read_csv if suffix == ".csv" else pd.read_parquet
        ledger = read(tmp_path / f"ledger{suffix}")
        assert len(ledger) == 4
        assert ledger["load_eflops"].sum() == pytest.approx(6.5)
    assert command("ledger", "tiny", "--out", "ledger.doc")[0] == 2
    assert command("ledger", "nowhere")[0] == 2


def test_report_is_written_again_and_equal(command: Command, tmp_path: Path) -> None:
    run = solve("tiny", tmp_path / "tiny").run
    assert run is not None
    assert command("report", "tiny", "--out", "again.html")[0] == 0
    assert (tmp_path / "again.html").read_bytes() == (run.folder / "report.html").read_bytes()


def test_model_is_the_same_to_the_byte_whatever_hashes_and_rounds(tmp_path: Path) -> None:
    """Hash seeds order sets and BLAS kernels order sums: neither may reach the matrix."""
    surroundings: list[dict[str, str]] = [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "OPENBLAS_CORETYPE": "Haswell"},
        {"PYTHONHASHSEED": "3", "OPENBLAS_CORETYPE": "Sandybridge", "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX2 FMA3"},
    ]
    written = []
    for number, changes in enumerate(surroundings):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS", "NPY", "PYTHONHASH"))}
        path = tmp_path / f"{number}.mps"
        command = [sys.executable, "-W", "ignore", "-m", "optimizer.cli", "export", "day", "--mps", str(path)]
        subprocess.run(command, env=kept | changes, cwd=ROOT, check=True, capture_output=True)
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]
