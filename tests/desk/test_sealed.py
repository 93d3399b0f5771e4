"""Hostile scenarios: whatever key names a file, nothing outside the library and the desk's folder is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubs.errors import InputError
from optimizer.desk.checking import examine
from optimizer.desk.folder import OWN
from optimizer.desk.sealed import SERIES, Outside, gather, lay_out
from optimizer.runs.manifest import to_toml
from scenarios.library import LIBRARY, load
from scenarios.schema import Scenario

CHILD = 'extends = "tiny"\nwhy = "A scenario of the planner\'s own."\n'
JOBS = (LIBRARY / "tiny_jobs.csv").read_text(encoding="utf-8")
OUTSIDE = [
    "../../secret", "../secret", "/etc/passwd", "./own", "a/b", "..", ".", "", "own\\\\..", "secret\\u0000", "~/secret",
    "-rf", "x" * 81, "day.toml", "密",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A desk's folder with a series of its own, and beside it things that are none of its business."""
    folder = tmp_path / "runs"
    (folder / OWN).mkdir(parents=True)
    (folder / OWN / "tiny_jobs.csv").write_text(JOBS, encoding="utf-8")
    (tmp_path / "secret.toml").write_text(CHILD, encoding="utf-8")
    (tmp_path / "secret.csv").write_text(JOBS, encoding="utf-8")
    return folder


def own(folder: Path, name: str, text: str) -> str:
    (folder / OWN / f"{name}.toml").write_text(text, encoding="utf-8")
    return text


def test_an_honest_scenario_is_laid_out_with_its_parents_and_series(folder: Path, tmp_path: Path) -> None:
    own(folder, "parent", CHILD + "[demand]\nscale_ratio = 2\n")
    sealed = gather(folder, "child", 'extends = "parent"\nwhy = "The grandchild of tiny."\n')
    assert list(sealed.texts) == ["child", "parent"]
    assert set(sealed.series) == {"tiny_jobs.csv"}
    (tmp_path / "apart").mkdir()
    path = lay_out(sealed, tmp_path / "apart")
    assert {p.name for p in path.parent.iterdir()} == {"child.toml", "parent.toml", "tiny_jobs.csv"}
    assert load(str(path)).scenario.demand.scale_ratio == 2
    checked = examine(folder, "child", sealed.texts["child"], whole=True)
    assert checked.faults == ()
    assert checked.about["parent"] == "parent"
    assert list(folder.glob(".check-*")) == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_parent_outside_is_refused(folder: Path, name: str) -> None:
    text = f'why = "It reads what it should not."\nextends = "{name}"\n'
    with pytest.raises(Outside) as caught:
        gather(folder, "own", text)
    fault = caught.value.faults[0]
    assert (fault.where, fault.row, fault.column) == ("own.toml", 2, "extends")
    assert examine(folder, "own", text, whole=False).outside


@pytest.mark.parametrize("value", ["5", '["tiny"]', "{ a = 1 }", "true"])
def test_a_parent_that_is_no_name_is_refused(folder: Path, value: str) -> None:
    with pytest.raises(Outside):
        gather(folder, "own", f"extends = {value}\n")


@pytest.mark.parametrize("key", SERIES)
@pytest.mark.parametrize(
    "file",
    ["../secret.csv", "../../secret.csv", "/etc/passwd", "/etc/x.csv", "a/../tiny_jobs.csv", "a\\\\b.csv", ".x.csv",
     "..", "", "own.toml", "/dev/zero", "x\\u0000.csv", "x\\n.csv"],
)  # fmt: skip
def test_a_series_outside_is_refused(folder: Path, key: str, file: str) -> None:
    with pytest.raises(Outside) as caught:
        gather(folder, "own", f'{CHILD}[inputs]\n{key} = "{file}"\n')
    assert [(f.row, f.column) for f in caught.value.faults] == [(4, f"inputs.{key}")]


def test_every_fault_is_told_at_once(folder: Path) -> None:
    text = 'extends = "../secret"\n[inputs]\ndemand = "../secret.csv"\njobs = "/etc/passwd"\n'
    with pytest.raises(Outside) as caught:
        gather(folder, "own", text)
    assert [fault.row for fault in caught.value.faults] == [3, 4, 1]


def test_a_parent_of_the_planners_own_cannot_reach_out_either(folder: Path) -> None:
    own(folder, "parent", f'{CHILD}[inputs]\njobs = "../secret.csv"\n')
    with pytest.raises(Outside) as caught:
        gather(folder, "child", 'extends = "parent"\n')
    assert caught.value.faults[0].where == "parent.toml"


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / OWN / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(Outside, match="which is a link"):
        gather(folder, "own", f'{CHILD}[inputs]\njobs = "link.csv"\n')
    (folder / OWN / "parent.toml").symlink_to(tmp_path / "secret.toml")
    with pytest.raises(Outside, match="follows none"):
        gather(folder, "own", 'extends = "parent"\n')
    assert "follows none" in str(examine(folder, "own", 'extends = "parent"\n', whole=False).faults[0])


def test_a_circle_is_told(folder: Path) -> None:
    own(folder, "one", 'extends = "two"\n')
    own(folder, "two", 'extends = "one"\n')
    with pytest.raises(InputError, match="in a circle \\(one -> two -> one\\)"):
        gather(folder, "one", 'extends = "two"\n')
    with pytest.raises(InputError, match="in a circle"):
        gather(folder, "one", 'extends = "one"\n')


def test_a_name_of_the_library_leads_there_from_there(folder: Path) -> None:
    """A scenario called like a parent of the library is not slipped in between the library's own."""
    own(folder, "_national", "extends = 'nonsense'\n")
    assert list(gather(folder, "own", 'extends = "day"\n').texts) == ["own"]
    assert list(gather(folder, "own", 'extends = "_national"\n').texts) == ["own", "_national"]


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "seed = " + "9" * 5000, "a = " + "{b=" * 5000, "x = 1\nx = 2", "\x00", "= 1", "[a\n",
     'why = "a', "a.b = 1\na.b.c = 2", "[[a]]\n[a]", "date = 2025-13-45", "[inputs]\njobs = nan"],
)  # fmt: skip
def test_what_is_no_scenario_is_a_fault_and_no_crash(folder: Path, text: str) -> None:
    checked = examine(folder, "own", text, whole=True)
    assert checked.faults
    assert "its check failed" not in str(checked.faults[0])
    assert checked.faults[0].where == "own.toml"


def test_faults_name_the_planners_files_not_the_copies(folder: Path) -> None:
    (folder / OWN / "jobs.csv").write_text("job,region\n", encoding="utf-8")
    checked = examine(folder, "own", f'{CHILD}[inputs]\njobs = "jobs.csv"\ndemand = "gone.csv"\n', whole=True)
    assert {fault.where for fault in checked.faults} == {"jobs.csv", "gone.csv"}
    assert str(folder) not in str(checked.faults)
    wrong = examine(folder, "own", f'{CHILD}[policy]\ncarbon_ledger = "both"\n', whole=True)
    assert [(fault.where, fault.row) for fault in wrong.faults] == [("own.toml", 4)]


OPENED: list[str] | None = None


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Paths that Python opens while the test runs."""
    global OPENED
    if not hasattr(sys, "_desk_audited"):
        sys._desk_audited = True  # type: ignore[attr-defined]
        sys.addaudithook(_note)
    OPENED = []
    yield OPENED
    OPENED = None


def _note(event: str, given: tuple[Any, ...]) -> None:
    if event == "open" and OPENED is not None and isinstance(given[0], str | bytes | Path):
        OPENED.append(str(given[0]))


def strings(keys: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in keys.items():
        if isinstance(value, dict):
            yield from strings(value, (*path, key))
        elif isinstance(value, str):
            yield (*path, key)


def test_no_key_at_all_reads_a_file_outside(folder: Path, tmp_path: Path, opened: list[str]) -> None:
    """Every text of a scenario that uses every section, one after the other, is made the path of a file outside."""
    keys = load("everything").resolved | {"extends": "tiny", "inputs": dict.fromkeys(SERIES, "tiny_jobs.csv")}
    places = list(strings(keys))
    assert {path[0] for path in places} >= {"extends", "inputs", "services", "jobs", "delivery", "network", "policy"}
    assert set(keys) | {"grid"} >= set(Scenario.model_fields) - {"scope", "facts"}
    canary = tmp_path / "canary.csv"
    canary.write_text("canary", encoding="utf-8")
    opened.clear()
    for path in places:
        spoiled = to_toml(_with(keys, path, str(canary)))
        checked = examine(folder, "own", spoiled, whole=True)
        assert checked.outside == (path[0] in ("extends", "inputs"))
    assert opened
    assert [name for name in opened if "canary" in name] == []


def _with(keys: dict[str, Any], path: tuple[str, ...], value: str) -> dict[str, Any]:
    head, *rest = path
    return keys | {head: _with(keys[head], tuple(rest), value) if rest else value}
