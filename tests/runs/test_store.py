"""Runs on disk: complete or not there, and a clear word when they are damaged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from hubs.errors import InputError
from optimizer.runs.checksums import SUMS
from optimizer.runs.manifest import case_hash, to_toml
from optimizer.runs.store import Run, StoreError, open_run, require_undamaged, write_run
from optimizer.workflow import solve
from tests.cases import two_site_case

TABLES = {"a": pd.DataFrame({"x": [1.0, 2.0]})}


def test_run_is_read_back(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"status": "ok"}, "x = 1\n", TABLES)
    assert open_run(run.folder).manifest == {"status": "ok"}
    assert run.table("a").equals(TABLES["a"])
    assert {path.name for path in run.folder.iterdir()} == {"manifest.json", "scenario.toml", "tables", SUMS}


def test_failure_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def fail(_: Run) -> None:
        raise RuntimeError("the report broke")

    with pytest.raises(RuntimeError):
        write_run(tmp_path / "run", {}, "", TABLES, fail)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    def fill(_: Run) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left on device"):
        write_run(tmp_path / "run", {}, "", TABLES, fill)
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_run(tmp_path / "run", {"objective_kcny": float("nan")}, "", TABLES)
    assert list(tmp_path.iterdir()) == []


def test_damaged_runs_are_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {}, "", TABLES)
    with pytest.raises(InputError, match="no table 'b'"):
        run.table("b")
    table = run.folder / "tables" / "a.parquet"
    table.write_bytes(table.read_bytes()[:40])
    with pytest.raises(InputError, match="cannot be read"):
        run.table("a")
    (run.folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="manifest cannot be read"):
        open_run(run.folder)
    with pytest.raises(InputError, match="holds no run"):
        open_run(tmp_path)


def test_checksums_find_what_is_read_without_complaint(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"objective_kcny": 10}, "x = 1\n", TABLES)
    listing = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=run.folder, check=False)
    assert listing.returncode == 0
    assert require_undamaged(run.folder).manifest == {"objective_kcny": 10}
    manifest = run.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("10", "11"))
    (run.folder / "scenario.toml").unlink()
    with pytest.raises(InputError) as caught:
        require_undamaged(run.folder)
    found = [fault.found for fault in caught.value.faults]
    assert found == [
        "manifest.json is not what was written",
        "scenario.toml cannot be read (No such file or directory)",
    ]
    (run.folder / SUMS).write_text("")
    with pytest.raises(InputError, match=r"tables/a\.parquet is not listed"):
        require_undamaged(run.folder)
    (run.folder / SUMS).unlink()
    with pytest.raises(InputError, match=f"{SUMS} is missing"):
        require_undamaged(run.folder)


def test_a_run_is_written_once_whoever_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def second(_: Run) -> None:
        # While the first writes, another process has the folder made.
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "theirs").touch()

    with pytest.raises(StoreError, match="cannot be written"):
        write_run(tmp_path / "run", {}, "", TABLES, second)
    with pytest.raises(StoreError, match="exists already"):
        write_run(tmp_path / "run", {}, "", TABLES)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="exists already"):
        write_run(Path("."), {}, "", TABLES)
    with pytest.raises(StoreError, match="exists already"):
        solve("tiny", Path("run"), heard=lambda _: pytest.fail("it was solved first"))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_hash_follows_the_content_of_a_case() -> None:
    case = two_site_case()
    assert case_hash(case) == case_hash(two_site_case())
    reordered = two_site_case(local_eflops=dict(reversed(list(case.local_eflops.items()))))
    assert case_hash(reordered) == case_hash(case)
    assert case_hash(two_site_case(start_grid_h=case.start_grid_h + 1)) != case_hash(case)
    assert case_hash(two_site_case(pue_ratio=case.pue_ratio + 1e-9)) != case_hash(case)


def test_scenario_keys_survive_toml() -> None:
    keys = {
        "why": 'a "quoted" \\ line',
        "n": 3,
        "x": 1e-6,
        "on": True,
        "list": ["a", "b"],
        "facts": {"links": {"A--B c": {"q": 1.5}}},
    }
    assert "[facts.links" in to_toml(keys)
