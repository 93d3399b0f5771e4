"""Scenarios are found, inherited key by key, and changed on top."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenarios.build import build_case
from scenarios.library import LIBRARY, line_of, load, merge, names, split_key
from tests.scenarios.conftest import SMALL

if TYPE_CHECKING:
    from tests.scenarios.conftest import Desk


def test_the_library() -> None:
    assert set(names()) >= {"day", "week", "tiny"}
    for name in names():
        loaded = load(name)
        assert loaded.scenario.name == name
        assert loaded.scenario.why.endswith((".", "model."))
        assert loaded.folder == LIBRARY


@pytest.mark.parametrize(("name", "hours", "jobs"), [("day", 24, 20), ("week", 168, 60)])
def test_the_national_scenarios_are_as_large_as_promised(name: str, hours: int, jobs: int) -> None:
    case = build_case(load(name))
    assert (len(case.regions), len(case.sites), len(case.clusters)) == (31, 41, 10)
    assert case.horizon.hours == hours
    assert len(case.services) >= 4
    assert len(case.batches) >= 3
    assert len(case.jobs) >= jobs


def test_a_child_inherits_key_by_key(desk: Desk) -> None:
    desk.write(SMALL + "\n[weather]\nshift_c = 3\n[scope]\n".replace("[scope]\n", "") + "", "parent")
    path = desk.write('extends = "parent"\nwhy = "Inherits, and changes one key."\n[weather]\nday_sd_c = 1\n')
    scenario = load(str(path)).scenario
    assert (scenario.name, scenario.weather.shift_c, scenario.weather.day_sd_c) == ("mine", 3, 1)
    assert scenario.scope.clusters == ["Guian"]
    assert scenario.seed == load("day").scenario.seed
    assert "extends" not in load(str(path)).resolved


def test_changes_lie_on_top_and_are_read_as_toml() -> None:
    changes = ["demand.scale_ratio=1.5", "policy.carbon_ledger=market", 'scope.clusters=["Guian"]', "seed = 7"]
    loaded = load("day", [*changes, 'facts.regions."Inner Mongolia".connection_mw=5'])
    scenario = loaded.scenario
    assert (scenario.demand.scale_ratio, scenario.policy.carbon_ledger, scenario.seed) == (1.5, "market", 7)
    assert scenario.scope.clusters == ["Guian"]
    assert scenario.facts == {"regions": {"Inner Mongolia": {"connection_mw": 5}}}
    assert load("day").scenario.demand.scale_ratio == 1.0, "a change does not stay"


def test_the_last_change_of_a_key_counts() -> None:
    assert load("day", ["seed=1", "seed=2"]).scenario.seed == 2


def test_merge_replaces_lists_and_joins_tables() -> None:
    parent = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merge(parent, {"a": {"c": [3]}, "d": {"e": 2}}) == {"a": {"b": 1, "c": [3]}, "d": {"e": 2}}
    assert parent == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("a.b", ["a", "b"]),
        ('facts.fleet."Guian/a".share_frac', ["facts", "fleet", "Guian/a", "share_frac"]),
        ('a."b.c"', ["a", "b.c"]),
        (" a . 'b c' ", ["a", "b c"]),
        ("a..b", ["a", "", "b"]),
    ],
)
def test_split_key(key: str, parts: list[str]) -> None:
    assert split_key(key) == parts


TEXT = """# a comment with a = 1
top = 1
[a]   # a table
x = 1
y.z = 2
[a."b c"]
'q r' = 3
list = [
    "x = 5",
]
[[rows]]
x = 9
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["top"], 2),
        (["a"], 3),
        (["a", "x"], 4),
        (["a", "y", "z"], 5),
        (["a", "b c"], 6),
        (["a", "b c", "q r"], 7),
        (["x"], None),
        (["b"], None),
        (["a", "q r"], None),
    ],
)
def test_line_of(path: list[str], line: int | None) -> None:
    assert line_of(TEXT, path) == line


def test_a_folder_called_like_a_scenario_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day").mkdir()
    assert load("day").scenario.name == "day"
