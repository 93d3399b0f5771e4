"""Disks that fill up, folders that turn read-only, tables that are cut: a clear error or a clean recovery."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from optimizer.commands.sweep import summary
from optimizer.commands.sweep.member import Task, solve_member
from optimizer.commands.sweep.plan import Sweep, keep, sweep_of
from optimizer.commands.sweep.run import prepare, tasks_of
from optimizer.runs.drafts import hidden, stale
from optimizer.runs.store import StoreError, require_undamaged, write_run
from tests.commands.sweepcases import content, mounted, runs, started, sweep_file, unwritable

WIDE = {"wide": pd.DataFrame({"x": range(200_000)})}


@pytest.fixture
def swept(tmp_path: Path) -> Sweep:
    return sweep_of(sweep_file(tmp_path))


@pytest.fixture
def tasks(tmp_path: Path, swept: Sweep) -> list[Task]:
    """Of members that have plans."""
    return tasks_of(tmp_path, swept)[2:4]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    with mounted(folder, 400):
        yield folder


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(small_disk: Path) -> None:
    with pytest.raises(StoreError, match="No space left on device"):
        write_run(small_disk / "run", {}, "", WIDE)
    assert list(small_disk.iterdir()) == []
    write_run(small_disk / "run", {}, "", {"narrow": pd.DataFrame({"x": [1.0]})})
    require_undamaged(small_disk / "run")


def test_a_sweep_on_a_disk_that_fills_up_stops_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    """The store holds a few runs at most; with more room the sweep is resumed."""
    out = small_disk / "out"
    process = started("sweep", sweep_file(small_disk), "--out", out, "--workers", 1)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 2, err
    assert "No space left on device" in err
    assert f"To go on: computegrid resume {out}" in err
    assert "Traceback" not in err
    before = content(out / "runs")
    assert 0 < len(before) < 6
    for folder in runs(out / "runs").values():
        require_undamaged(folder)
    assert not (out / "summary.csv").exists()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    process = started("resume", out, "--workers", 1, "--json")
    said = json.loads(process.communicate(timeout=240)[0])
    assert said["found"] == len(before)
    assert said["found"] + said["solved_now"] == 6
    assert content(out / "runs").items() >= before.items()
    assert (out / "summary.csv").exists()
    assert stale(out) == ()


def test_a_read_only_store_is_a_clear_error(tmp_path: Path, swept: Sweep, tasks: list[Task]) -> None:
    store = tasks[0].store
    prepare(store)
    done = solve_member(tasks[0])
    with unwritable(store):
        with pytest.raises(StoreError, match=r"cannot be written \((Operation not permitted|Permission denied)"):
            solve_member(tasks[1])
        with pytest.raises(StoreError, match="make room, or choose another --out"):
            keep(store, swept)
        with pytest.raises(StoreError):
            write_run(store / "run", {}, "", {})
        assert list(runs(store)) == [done.run]
    assert solve_member(tasks[1]).fresh
    assert not solve_member(tasks[0]).fresh


def test_a_truncated_table_is_found_set_aside_and_made_again(tmp_path: Path, swept: Sweep, tasks: list[Task]) -> None:
    first = solve_member(tasks[0])
    assert first.run is not None
    folder = tasks[0].store / first.run
    before = content(tasks[0].store)
    table = folder / "tables" / "dispatch.parquet"
    table.write_bytes(table.read_bytes()[:-40])
    again = solve_member(tasks[0])
    assert again.run == first.run
    assert again.fresh
    assert again.damage == ("tables/dispatch.parquet is not what was written",)
    assert content(tasks[0].store) == before
    require_undamaged(folder)
    assert (hidden(folder, ".damaged") / "tables" / "dispatch.parquet").exists()
    assert not solve_member(tasks[0]).fresh


def test_tables_of_the_sweep_are_whole_or_as_before(small_disk: Path) -> None:
    summary.write(small_disk, {"summary": pd.DataFrame({"x": [1.0]})})
    before = (small_disk / "summary.csv").read_bytes()
    with pytest.raises(StoreError, match="No space left"):
        summary.write(small_disk, {"summary": WIDE["wide"]})
    assert (small_disk / "summary.csv").read_bytes() == before
    assert pd.read_parquet(small_disk / "summary.parquet")["x"].tolist() == [1.0]
