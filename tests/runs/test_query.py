"""SQL over many runs: right answers, nothing but answers, and a word on what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hubs.errors import InputError
from optimizer.runs.found import find_runs
from optimizer.runs.query import ask, manifests
from optimizer.runs.store import Run, write_run

COSTS = {"a": [1.0, 2.0], "b": [10.0, 20.0], "deep/c": [100.0, 200.0]}


def stored(root: Path, name: str, costs: list[float], **manifest: Any) -> Run:
    tables = {
        "cost_items": pd.DataFrame({"item": ["energy", "carbon"], "cost_kcny": costs}),
        "jobs": pd.DataFrame({"job": ["j"], "pods": [3]}) if name == "a" else pd.DataFrame(columns=["job", "pods"]),
    }
    told = {"scenario": "s", "objective_kcny": sum(costs), "cost_items": {"energy": costs[0]}} | manifest
    return write_run(root / name, told, "x = 1\n", tables)


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Run]:
    for name, costs in COSTS.items():
        stored(tmp_path, name, costs, hours=24)
    return find_runs(tmp_path).runs


def test_each_table_of_every_run_has_the_runs_name_first(runs: dict[str, Run]) -> None:
    rows = ask(runs, "select * from cost_items order by cost_kcny").frame
    assert list(rows.columns) == ["run", "item", "cost_kcny"]
    assert list(rows["run"]) == ["a", "a", "b", "b", "deep/c", "deep/c"]
    assert list(rows["cost_kcny"]) == [1.0, 2.0, 10.0, 20.0, 100.0, 200.0]


def test_questions_across_tables_and_manifests(runs: dict[str, Run]) -> None:
    sql = """
        select r.run, sum(c.cost_kcny) - any_value(r.objective_kcny) as left_kcny
        from runs r join cost_items c using (run) where r.objective_kcny > 5 group by r.run order by r.run
    """
    rows = ask(runs, sql).frame
    assert list(rows["run"]) == ["b", "deep/c"]
    assert (rows["left_kcny"] == 0).all()
    one = ask(runs, "select cost_kcny from cost_items where run = 'b' and item = 'carbon'").frame
    assert one["cost_kcny"].tolist() == [20.0]


def test_a_table_that_is_empty_in_some_runs_keeps_its_types(runs: dict[str, Run]) -> None:
    rows = ask(runs, "select run, sum(pods) as pods from jobs group by run").frame
    assert rows.to_numpy().tolist() == [["a", 3]]


@pytest.mark.parametrize("sql", ["show tables", "select table_name as name from information_schema.tables"])
def test_what_there_is_can_be_asked(sql: str, runs: dict[str, Run]) -> None:
    assert {"runs", "cost_items", "jobs"} <= set(ask(runs, sql).frame["name"])


def test_a_table_is_described(runs: dict[str, Run]) -> None:
    assert list(ask(runs, "describe cost_items").frame["column_name"]) == ["run", "item", "cost_kcny"]


REFUSED = {
    "a file": "select * from read_csv('{file}')",
    "a file by its name": "select * from '{file}'",
    "a Parquet file": "select * from read_parquet('{parquet}')",
    "text of a file": "select content from read_text('{file}')",
    "files found": "select * from glob('{folder}/*')",
    "a Python object": "select * from frame_of_the_caller",
    "a copy out": "copy cost_items to '{folder}/out.csv'",
    "an export": "export database '{folder}/out'",
    "another database": "attach '{folder}/x.duckdb'",
    "an extension": "install httpfs",
    "a loaded extension": "load httpfs",
    "an address": "select * from read_csv('https://example.com/x.csv')",
    "a setting": "set enable_external_access = true",
    "a pragma": "pragma database_list",
    "a new table": "create table t as select 1",
    "a change": "insert into cost_items values ('a', 'b', 1)",
    "a deletion": "delete from runs",
    "a drop": "drop view cost_items",
    "two statements": "select 1; select 2",
    "a second statement that writes": "select 1; drop table runs",
    "no statement": "",
    "no SQL": "selec 1",
    "no such table": "select * from costs",
    "no such column": "select price from runs",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_nothing_but_answers(sql: str, runs: dict[str, Run], tmp_path: Path) -> None:
    frame_of_the_caller = pd.DataFrame({"secret": [1]})
    file = tmp_path / "secret.csv"
    file.write_text("secret\n1\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    parquet = runs["a"].folder / "tables" / "jobs.parquet"
    with pytest.raises(InputError) as caught:
        ask(runs, sql.format(file=file, folder=tmp_path, parquet=parquet))
    assert "a question is one SELECT" in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert len(frame_of_the_caller) == 1


def test_errors_are_one_line_and_name_what_is_meant(runs: dict[str, Run]) -> None:
    with pytest.raises(InputError) as caught:
        ask(runs, "select objectiv_kcny from runs")
    assert "objective_kcny" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("kept", ["start", "nothing", "all but a byte in the middle"])
def test_a_damaged_file_is_named_and_left_out(kept: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run = stored(tmp_path, name, [1.0, 2.0])
        pd.DataFrame({"x": [float(i) for i in range(2000)]}).to_parquet(run.folder / "tables" / "long.parquet")
    path = tmp_path / "a" / "tables" / "long.parquet"
    whole = path.read_bytes()
    cut = {"start": whole[: len(whole) // 2], "nothing": b""}
    path.write_bytes(cut.get(kept, whole[:20] + bytes(64) + whole[84:]))
    found = find_runs(tmp_path)
    answer = ask(found.runs, "select run, count(*) as rows, sum(x) as total from long group by run")
    assert answer.frame["run"].tolist() == ["b"]
    assert answer.frame["total"].tolist() == [1999000.0]
    (words,) = answer.damaged
    assert str(path) in words
    assert ask(found.runs, "select count(*) as n from cost_items").frame["n"].tolist() == [4]
    assert ask(found.runs, "select count(*) as n from cost_items").damaged == ()


def test_damage_in_every_run_is_told_with_the_error(tmp_path: Path) -> None:
    run = stored(tmp_path, "a", [1.0, 2.0])
    path = run.folder / "tables" / "cost_items.parquet"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(InputError, match=r"left out: .*cost_items\.parquet"):
        ask({"a": run}, "select cost_kcny from cost_items")


def test_manifests_are_flat(tmp_path: Path) -> None:
    deep = {"options": {"gap_frac": 0.01, "changes": ["x=1"]}, "greedy_kcny": None, "seed": 1}
    first = stored(tmp_path, "a", [1.0, 2.0], **deep)
    second = stored(tmp_path, "b", [3.0, 4.0], seed="none")
    table = manifests({"a": first, "b": second}).set_index("run")
    assert table.loc["a", "cost_energy_kcny"] == 1.0
    assert table.loc["a", "options_gap_frac"] == 0.01
    assert table.loc["a", "options_changes"] == '["x=1"]'
    assert table["objective_kcny"].tolist() == [3.0, 7.0]
    assert table["seed"].tolist() == ["1", '"none"']
    answer = ask({"a": first, "b": second}, "select run from runs where options_gap_frac is null").frame
    assert answer["run"].tolist() == ["b"]


def test_runs_are_found_at_any_depth_and_drafts_are_not(tmp_path: Path) -> None:
    stored(tmp_path, "x/y/z", [1.0, 2.0])
    stored(tmp_path, "a", [1.0, 2.0])
    stored(tmp_path / "a", "inside", [1.0, 2.0])
    stored(tmp_path, ".draft.run", [1.0, 2.0])
    (tmp_path / "no run").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    found = find_runs(tmp_path)
    assert list(found.runs) == ["a", "x/y/z"]
    assert len(found.damaged) == 1
    assert "broken" in found.damaged[0]
    assert list(find_runs(tmp_path / "a").runs) == ["a"]
    with pytest.raises(InputError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
