"""A roll that is killed goes on from its last finished window, and ends as one that was left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hubs.errors import InputError
from optimizer.commands.rolled import flow
from optimizer.rolling.beside import Beside, Here
from optimizer.rolling.journal import Journal, Record
from optimizer.rolling.opening import Opening
from optimizer.rolling.whole import Account
from optimizer.rolling.window import spans
from optimizer.rolling.worth import Worth
from optimizer.runs.drafts import claim
from optimizer.runs.store import open_run
from scenarios.build import build_case
from scenarios.library import load

SCENARIO = """
name = "fourdays"
extends = "tiny"
why = "Four days of two sites, rolled day by day."
[horizon]
hours = 96
period_h = 6
cyclic = false
window_days = 1
look_ahead_days = 1
[inputs]
jobs = "jobs.csv"
[jobs]
start_grid_h = 3
[demand]
day_sd_frac = 0.1
[batches.rendering]
window_h = 12
[fleet]
min_up_h = 2
local_slot_h = 4
[solve]
gap_frac = 0.03
"""
JOBS = """job,region,pods,duration_h,release_h,deadline_h,data_tb,value_kcny
one,Guangdong,1,8,2,40,1.0,90
two,Guangdong,1,9,14,50,1.0,90
three,Guangdong,2,10,20,70,1.0,150
four,Guangdong,1,6,40,90,1.0,60
five,Guangdong,1,5,60,96,1.0,60
"""
HOURS = {"one": 8, "two": 9, "three": 10, "four": 6, "five": 5}
PATIENCE_S = 600.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "fourdays.toml").write_text(SCENARIO, encoding="utf-8")
    (folder / "jobs.csv").write_text(JOBS, encoding="utf-8")
    return folder


def start(desk: Path, out: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "optimizer.cli", "solve", "fourdays.toml", "--out", out, "--json"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen(command, cwd=desk, env=environment, stdout=subprocess.PIPE, text=True)


def killed_after(desk: Path, out: str, windows: int) -> None:
    """Start a roll and kill -9 it as soon as so many windows are finished."""
    process, until = start(desk, out), time.monotonic() + PATIENCE_S
    while len(finished(desk / out)) < windows:
        assert process.poll() is None, "the roll ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def finished(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob(".fourdays-*.rolling/window-*"))


def written(folder: Path) -> list[int]:
    """When each finished window was written."""
    return [(path / "state.json").stat().st_mtime_ns for path in finished(folder)]


def ended(desk: Path, out: str) -> dict[str, Any]:
    process = start(desk, out)
    text, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    summary: dict[str, Any] = json.loads(text)
    return summary


@pytest.fixture(scope="module")
def alone(desk: Path) -> dict[str, Any]:
    return ended(desk, "alone/run")


def test_killed_twice_and_taken_up_again_it_ends_as_if_left_alone(desk: Path, alone: dict[str, Any]) -> None:
    killed_after(desk, "killed/run", 1)
    kept = written(desk / "killed/run")
    killed_after(desk, "killed/run", 3)
    # What the first process finished was not done again.
    assert written(desk / "killed/run")[: len(kept)] == kept
    again = ended(desk, "killed/run")
    assert again["windows_resumed"] >= 3
    assert alone["windows_resumed"] == 0
    for name in ("objective_kcny", "bound_kcny", "cost_items", "gap_frac", "status"):
        assert again[name] == alone[name], name
    one, other = open_run(desk / "alone/run"), open_run(desk / "killed/run")
    for path in sorted((one.folder / "tables").glob("*.parquet")):
        pd.testing.assert_frame_equal(one.table(path.stem), other.table(path.stem), check_exact=True)
    assert not finished(desk / "killed/run"), "the journal goes when the run is stored"


def test_the_tables_of_the_whole_agree_with_its_cost(desk: Path, alone: dict[str, Any]) -> None:
    run = open_run(desk / "alone/run")
    dispatch, items = run.table("dispatch"), alone["cost_items"]
    assert sorted(dispatch["hour"].unique()) == list(range(96))
    assert dispatch["energy_kcny"].sum() == pytest.approx(items["energy"], rel=1e-9)
    assert dispatch["carbon_location_tco2"].sum() * 0.1 == pytest.approx(items["carbon"], rel=1e-9)
    assert sum(items.values()) == pytest.approx(alone["objective_kcny"], rel=1e-12)
    jobs = run.table("jobs").set_index("job")
    assert sorted(jobs.index) == ["five", "four", "one", "three", "two"]
    ran = jobs[jobs["cluster"] != "dropped"]
    assert len(ran) >= 3
    assert (ran["end_h"] - ran["start_h"]).to_dict() == {job: HOURS[job] for job in ran.index}
    assert (ran["start_h"] >= 0).all()
    assert (ran["end_h"] <= 96).all()
    load = run.table("load")
    total = load.groupby(["site", "hour"])["load_eflops"].sum().reset_index()
    both = dispatch.merge(total, on=["site", "hour"], suffixes=("", "_work"))
    assert (both["load_eflops"] - both["load_eflops_work"]).abs().max() < 1e-6
    assert (run.folder / "report.html").is_file()


def test_a_roll_takes_no_time_limit_no_taken_folder_and_no_second_process(desk: Path) -> None:
    scenario = str(desk / "fourdays.toml")
    assert flow.is_rolled(scenario)
    assert not flow.is_rolled(scenario, ["horizon.window_days=4"])
    with pytest.raises(InputError, match="a roll that is cut off goes on when called again"):
        flow.solve_rolled(scenario, desk / "new", time_limit_s=5.0)
    with pytest.raises(InputError, match="the folder exists already"):
        flow.solve_rolled(scenario, desk)
    case = build_case(load(scenario))
    key = flow.roll_key(case, spans(case, 1, 1), 0.03)
    with claim(desk / f".fourdays-{key}.rolling") as mine:
        assert mine
        with pytest.raises(InputError, match="another process is solving the same case"):
            flow.solve_rolled(scenario, desk / "new")


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    record = Record(
        Account(24, {"energy": 0.1 + 0.2}, {"East": 1 / 3}, {"columns": 3}, 1e-9),
        Opening({"a": {("x", -1): 1 / 7, "y": 2.0}}, {"b": {("x", "y"): 3.0}}, {}, {}, {"c": {"z": 1e-17}}),
        Worth({"a": {("x", -1): -1 / 3}}, {}),
        1e-3,
    )
    journal = Journal(tmp_path / "journal")
    journal.keep(0, record, lambda folder: None)
    journal.keep_bound(0, 1 / 3)
    again = Journal(tmp_path / "journal")
    assert again.finished() == [record]
    assert again.bound_kcny(0) == 1 / 3
    assert again.bound_kcny(1) is None


def test_a_window_that_is_not_whole_does_not_count(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    (journal.place(0)).mkdir()
    (journal.folder / ".draft-x").mkdir()
    again = Journal(tmp_path / "journal")
    assert again.finished() == []
    assert not (journal.folder / ".draft-x").exists()


def double(number: int) -> int:
    return 2 * number


def refuse(_: int) -> int:
    raise ValueError("no")


def long(size: int, filling: bytes) -> bytes:
    return filling + bytes(size)


def test_neither_process_waits_for_the_other_to_listen() -> None:
    """Questions and answers larger than any pipe holds, all asked before the first is answered."""
    with Beside() as beside:
        tickets = [beside.ask(long, 5_000_000, bytes(5_000_000)) for _ in range(4)]
        assert [len(ticket.answer()) for ticket in tickets] == [10_000_000] * 4


def test_a_second_process_that_dies_is_missed() -> None:
    with Beside() as beside:
        with pytest.raises(RuntimeError, match="the second process ended before its work was done"):
            beside.ask(os._exit, 3).answer()
        with pytest.raises(RuntimeError, match="the second process ended"):
            beside.ask(double, 3).answer()


def test_a_second_process_answers_in_any_order_and_hands_errors_over() -> None:
    with Beside() as beside:
        for worker in (beside, Here()):
            first, wrong, third = (worker.ask(task, n) for n, task in enumerate((double, refuse, double)))
            assert third.answer() == 4
            with pytest.raises(ValueError, match="no"):
                wrong.answer()
            assert first.answer() == 0
            assert third.answer() == 4
