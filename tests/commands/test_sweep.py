"""`computegrid sweep` and `resume`: results, killed and resumed, two at once, bad members, messages and exit codes."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from hubs.errors import Fault
from optimizer.commands.sweep import cluster, summary
from optimizer.commands.sweep.crew import LocalCrew
from optimizer.commands.sweep.member import Record, Task, solve_member
from optimizer.commands.sweep.meter import Meter, span
from optimizer.commands.sweep.plan import sweep_of
from optimizer.commands.sweep.run import TRIES, solve_all, tasks_of
from optimizer.runs.drafts import stale
from optimizer.runs.store import StoreError, open_run, require_undamaged
from optimizer.workflow import solve
from scenarios.ensemble import read_ensemble
from tests.commands.conftest import Command
from tests.commands.sweepcases import (
    MEMBERS,
    PLANNED,
    ROOT,
    SWEEP,
    content,
    kill,
    runs,
    stamp,
    started,
    sweep_file,
    tables,
    until,
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep solved by two processes from beginning to end."""
    folder = tmp_path_factory.mktemp("undisturbed")
    process = started("sweep", sweep_file(folder), "--out", folder / "out", "--workers", 2, "--json")
    text, err = process.communicate(timeout=240)
    assert process.returncode == 2, err
    (folder / "out" / "said.json").write_text(text, encoding="utf-8")
    return folder / "out"


def test_every_member_has_its_run_or_its_reason(undisturbed: Path) -> None:
    said = json.loads((undisturbed / "said.json").read_text())
    assert said["members"] == MEMBERS
    assert said["status"] == {"solved": PLANNED, "infeasible": 1, "faulty input": 1}
    assert said["solved_now"] == PLANNED
    assert [(r["member"], r["status"]) for r in said["without_plan"]] == [
        ("dark", "infeasible"),
        ("wrong", "faulty input"),
    ]
    reason = said["without_plan"][1]["reason"]
    assert re.match(r"key 'demand\.scael_ratio' is not known.*Mend: write 'scale_ratio'", reason)
    assert len(runs(undisturbed / "runs")) == PLANNED
    for folder in runs(undisturbed / "runs").values():
        require_undamaged(folder)
        assert not (folder / "report.html").exists()
    assert stale(undisturbed) == ()


def test_tables_are_those_of_the_runs(undisturbed: Path) -> None:
    frame = pd.read_parquet(undisturbed / "summary.parquet").set_index("member")
    text = pd.read_csv(undisturbed / "summary.csv").set_index("member")
    assert frame["objective_kcny"].equals(text["objective_kcny"])
    assert frame["probability_frac"].sum() == pytest.approx(1.0)
    changes = pd.read_parquet(undisturbed / "changes.parquet").set_index(["member", "key"])["value"]
    indicators = pd.read_parquet(undisturbed / "indicators.parquet")
    for name, row in frame[frame["run"] != ""].iterrows():
        run = open_run(undisturbed / "runs" / str(row["run"]))
        assert row["objective_kcny"] == run.manifest["objective_kcny"]
        assert row["energy_kcny"] == run.manifest["cost_items"]["energy"]
        assert run.manifest["options"]["changes"] == [f"demand.scale_ratio={changes[(name, 'demand.scale_ratio')]}"]
        energy = run.table("indicators").query("scope == 'nation' and indicator == 'energy'")["value"].item()
        mine = indicators.query("member == @name and indicator == 'energy'")["value"].item()
        assert mine == energy
    assert frame.loc[["dark", "wrong"], "objective_kcny"].isna().all()


def test_a_run_of_a_sweep_is_that_of_solve(undisturbed: Path, tmp_path: Path) -> None:
    run = open_run(next(iter(runs(undisturbed / "runs").values())))
    alone = solve("tiny", tmp_path / "alone", changes=run.manifest["options"]["changes"]).run
    assert alone is not None
    differing = {k for k in run.manifest if k not in ("timing", "run") and run.manifest[k] != alone.manifest[k]}
    assert differing == set()
    assert run.table("dispatch").equals(alone.table("dispatch"))


def test_killed_and_resumed_ends_like_an_undisturbed_one(command: Command, undisturbed: Path, tmp_path: Path) -> None:
    """Killed with -9 alone, then with its workers; resumed with another number of them."""
    out, kept = tmp_path / "out", dict[str, tuple[int, int]]()
    first = ("sweep", sweep_file(tmp_path), "--out", out, "--workers", 2)
    for words, finished, group in ((first, 2, False), (("resume", out, "--workers", 1), 4, True)):
        process = started(*words)
        until(lambda finished=finished: len(runs(out / "runs")) >= finished)  # type: ignore[misc]
        kill(process, group)
        kept |= {name: stamp(path) for name, path in runs(out / "runs").items() if name not in kept}
    assert len(kept) < PLANNED
    code, text, _ = command("resume", out, "--workers", 1, "--json")
    said = json.loads(text)
    assert code == 2
    # A worker may have finished one more before it saw that its parent was gone.
    assert said["found"] >= len(kept)
    assert said["found"] + said["solved_now"] == PLANNED
    assert {name: stamp(out / "runs" / name) for name in kept} == kept, "a finished run was touched"
    assert content(out / "runs") == content(undisturbed / "runs")
    assert tables(out) == tables(undisturbed)
    assert stale(out) == ()


def test_resumed_when_all_is_there_solves_nothing(command: Command, undisturbed: Path) -> None:
    before = tables(undisturbed)
    code, text, err = command("resume", undisturbed, "--workers", 1)
    assert code == 2
    assert f"(0 solved now, {PLANNED} found in the store" in text
    assert "wrong: faulty input: key 'demand.scael_ratio'" in text
    assert f"{MEMBERS}/{MEMBERS}" in err
    assert tables(undisturbed) == before


def test_two_sweeps_in_one_store_share_the_work(undisturbed: Path, tmp_path: Path) -> None:
    file, store = sweep_file(tmp_path), tmp_path / "store"
    both = [
        started("sweep", file, "--out", tmp_path / name, "--store", store, "--workers", 1, "--json") for name in "ab"
    ]
    said = [json.loads(process.communicate(timeout=240)[0]) for process in both]
    assert [process.returncode for process in both] == [2, 2]
    assert [s["solved_now"] + s["found"] for s in said] == [PLANNED, PLANNED]
    assert sum(s["solved_now"] for s in said) == PLANNED, "a run was solved twice"
    assert tables(tmp_path / "a") == tables(tmp_path / "b") == tables(undisturbed)
    assert content(store) == content(undisturbed / "runs")
    assert stale(store) == ()


def test_equal_members_are_solved_once(command: Command, tmp_path: Path) -> None:
    head = SWEEP[: SWEEP.index("[factors")].replace("samples = 6", "samples = 1")
    member = '[members.{}]\nprobability = 0.5\nset = {{ "demand.scale_ratio" = {} }}\n'
    sweep_file(tmp_path, head + member.format("first", "0.9") + member.format("same", "0.90"))
    code, text, _ = command("sweep", "sweep.toml", "--out", "out", "--workers", 1, "--json", "--reports")
    assert code == 0
    assert json.loads(text)["solved_now"] == 1
    frame = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert frame["run"].nunique() == 1
    (folder,) = runs(tmp_path / "out" / "runs").values()
    assert (folder / "report.html").exists()


def test_a_worker_that_is_killed_is_replaced(undisturbed: Path, tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path, sweep_of(sweep_file(tmp_path)))
    killed: list[int] = []
    before = multiprocessing.active_children()

    def heard(_: Record) -> None:
        if not killed:
            worker = [child for child in multiprocessing.active_children() if child not in before][-1]
            killed.append(worker.pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    with LocalCrew(2) as crew:
        records = solve_all(tasks, crew, heard)
    assert killed
    assert [r.status for r in records] == ["infeasible", "faulty input", *["solved"] * PLANNED]
    assert content(tmp_path / "runs") == content(undisturbed / "runs")
    assert [child for child in multiprocessing.active_children() if child not in before] == []


class Doomed:
    """A crew whose process dies on one member, as often as it is tried."""

    room, workers = True, 1

    def __init__(self, member: str) -> None:
        self.member, self.tried = member, 0

    def submit(self, task: Task) -> Future[Record]:
        future: Future[Record] = Future()
        if task.member.name == self.member:
            self.tried += 1
            future.set_exception(BrokenProcessPool("killed"))
        else:
            future.set_result(Record(task.member.name, "solved"))
        return future


def test_a_member_that_kills_its_process_is_tried_twice_and_listed(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path, sweep_of(sweep_file(tmp_path)))
    crew = Doomed("draw-003")
    records = {record.member: record for record in solve_all(tasks, crew)}
    assert crew.tried == TRIES
    assert records.pop("draw-003").reason == "its process died 2 times (killed, or out of memory)"
    assert {record.status for record in records.values()} == {"solved"}


class Full(Doomed):
    def submit(self, task: Task) -> Future[Record]:
        future: Future[Record] = Future()
        future.set_exception(StoreError([Fault("store", None, None, "full", "room", "make room")]))
        return future


def test_a_full_store_ends_the_sweep(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="make room"):
        solve_all(tasks_of(tmp_path, sweep_of(sweep_file(tmp_path))), Full(""))


def test_another_version_on_a_worker_is_refused(tmp_path: Path) -> None:
    task = tasks_of(tmp_path, sweep_of(sweep_file(tmp_path)))[2]
    record = solve_member(replace(task, versions=task.versions | {"highspy": "0.0"}))
    assert record.status == "failed"
    assert "other versions" in record.reason
    assert "highspy" in record.reason


def test_a_member_that_finds_no_plan_in_time_is_tried_again(tmp_path: Path) -> None:
    task = replace(tasks_of(tmp_path, sweep_of(sweep_file(tmp_path)))[2], time_limit_s=1e-9)
    first, second = solve_member(task), solve_member(task)
    assert first.status == second.status == "failed"
    assert first.reason == second.reason == "no plan found within the time limit"
    assert first.fresh
    assert second.fresh


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["solved"], 0),
        (["solved", "gap not reached"], 3),
        (["infeasible", "gap not reached", "solved"], 4),
        (["solved", "faulty input", "infeasible"], 2),
        (["faulty input", "failed", "infeasible"], 1),
    ],
)
def test_exit_code_is_that_of_the_gravest(statuses: list[summary.Status], code: int) -> None:
    assert summary.exit_code([Record(f"m{i}", status) for i, status in enumerate(statuses)]) == code


def test_the_meter_tells_trouble_and_the_time_left(tmp_path: Path) -> None:
    with (tmp_path / "err").open("w") as stream:
        meter = Meter(Console(file=stream), members=3, quiet=False)
        meter.hear(Record("a", "solved", "tiny-1", fresh=True, wall_s=2.0))
        meter.hear(Record("b", "infeasible", reason="no plan"))
        meter.hear(Record("c", "solved", "tiny-2", damage=("tables/x.parquet is not what was written",)))
    text = (tmp_path / "err").read_text()
    assert re.search(r"2/3 b: infeasible \(no plan\); about \d+ s left", text)
    assert "3/3 c: solved; a damaged run was set aside (tables/x.parquet is not what was written)" in text
    assert "a: solved" not in text
    assert [span(s) for s in (40, 400, 40_000)] == ["about 40 s", "about 7 min", "about 11.1 h"]


def test_the_example_is_a_sweep_of_valid_members() -> None:
    path = ROOT / "examples" / "sweep.toml"
    members = sweep_of(path).members
    assert len(members) == 2 + 4 * 3 * 2
    assert members == read_ensemble(path).members


BAD = [
    (SWEEP.replace("scale_ratio", "scale_ration", 1), (), r"sweep\.toml row 6.*'demand\.scale_ration' is not known"),
    (SWEEP.replace('"tiny"', '"tyni"'), (), r"'tyni' is not known"),
    (SWEEP, ("--workers", "2", "--scheduler", "tcp://x:1"), r"both --workers and --scheduler"),
    (SWEEP, ("--workers", "0"), r"workers"),
]


@pytest.mark.parametrize(("text", "words", "message"), BAD)
def test_a_faulty_sweep_is_refused_before_anything_is_solved(
    command: Command, tmp_path: Path, text: str, words: tuple[str, ...], message: str
) -> None:
    sweep_file(tmp_path, text)
    code, _, err = command("sweep", "sweep.toml", "--out", "out", *words)
    assert code == 2
    assert re.search(message, err), err
    assert not (tmp_path / "out").exists()


def test_a_folder_holds_one_sweep(command: Command, undisturbed: Path, tmp_path: Path) -> None:
    before = (undisturbed / "sweep.json").read_bytes()
    code, _, err = command("sweep", sweep_file(tmp_path), "--out", undisturbed, "--gap", "0.5")
    assert code == 2
    assert "holds another sweep (gap_frac differ)" in err
    assert (undisturbed / "sweep.json").read_bytes() == before
    code, _, err = command("resume", tmp_path)
    assert code == 2
    assert "holds no sweep" in err
    (tmp_path / "sweep.json").write_text('{"members": 3}')
    code, _, err = command("resume", tmp_path)
    assert code == 2
    assert "cannot be read" in err


def test_a_cluster_needs_its_packages_and_a_scheduler(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("sweep", sweep_file(tmp_path), "--out", "out", "--scheduler", "tcp://127.0.0.1:9")
    monkeypatch.setattr(cluster, "CONNECT_S", 0.3)
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    code, _, err = command(*words)
    assert code == 2
    assert "the scheduler 'tcp://127.0.0.1:9' cannot be reached" in err
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = command(*words)
    assert code == 2
    assert "pip install 'computegrid[cluster]'" in err


def test_a_cluster_that_loses_a_worker_ends_complete(command: Command, undisturbed: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
    ) as made:
        pids = list(distributed.Client(made, set_as_default=False).run(os.getpid).values())
        out = tmp_path / "out"
        process = started("sweep", sweep_file(tmp_path), "--out", out, "--scheduler", made.scheduler_address, "--json")
        until(lambda: len(runs(out / "runs")) >= 1)
        os.kill(pids[0], signal.SIGKILL)
        text, err = process.communicate(timeout=240)
    assert process.returncode == 2, err
    assert json.loads(text)["status"] == {"solved": PLANNED, "infeasible": 1, "faulty input": 1}
    assert content(out / "runs") == content(undisturbed / "runs")
    assert tables(out) == tables(undisturbed)
    assert stale(out) == ()


LIVE = """base = "tiny"
why = "two members of the base scenario's form and one of another"
seed = 5
samples = 1
[members.dearer]
probability = 0.3
set = { "facts.prices.carbon_kcny_per_tco2" = 0.2 }
[members.busier]
probability = 0.3
set = { "demand.scale_ratio" = 1.05 }
[members.longer]
probability = 0.4
set = { "horizon.hours" = 48 }
"""


def test_a_live_sweep_says_what_it_had_to_build_anew(command: Command, tmp_path: Path) -> None:
    file = sweep_file(tmp_path, LIVE)
    words = ("--workers", 1, "--gap", 1e-4, "--json")
    code, _, _ = command("sweep", file, "--out", tmp_path / "live", "--live", *words)
    assert code == 0
    code, _, _ = command("sweep", file, "--out", tmp_path / "cold", *words)
    assert code == 0
    found = {
        name: {run.name: open_run(run).manifest for run in runs(tmp_path / name / "runs").values()}
        for name in ("live", "cold")
    }
    assert not set(found["live"]) & set(found["cold"]), "a live run starts elsewhere: it is another run"
    cost = {way: sorted(m["objective_kcny"] for m in manifests.values()) for way, manifests in found.items()}
    assert cost["live"] == pytest.approx(cost["cold"], rel=2e-4)
    told = [m["rebuilt"] for m in found["live"].values()]
    assert sum(reason is None for reason in told) == 2
    assert any("other columns" in reason for reason in told if reason)
    assert all("rebuilt" not in m for m in found["cold"].values())
