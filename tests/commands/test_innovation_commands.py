"""`innovation fit`, `audit`, `panel`, `project` as typed: files, messages, exit codes, JSON, and their arithmetic."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from optimizer.commands.innovation import PUBLISHED, app
from optimizer.econometrics.studies import Study
from optimizer.econometrics.synthetic import DESIGNS, make_panel
from optimizer.report.provinces import province_table
from optimizer.report.tables import dispatch_table, plan_tables, site_table
from optimizer.runs.store import write_run
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Clock
from optimizer.solve.greedy import greedy
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.case import Case, Route
from tests.cases import two_site_case

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PANEL, TABLES = EXAMPLES / "synthetic_panel_80_cities.csv", EXAMPLES / "synthetic_tables_80_cities.toml"
SEED_TABLES = ROOT / ".." / "shared" / "data" / "econometrics" / "seed_tables.toml"
GREEDY = "the greedy dispatch of the same run"


def say(*words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command; a trace is a failure."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def answer(*words: object) -> dict[str, Any]:
    code, out, err = say(*words, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    return found


def refusal(*words: object) -> str:
    code, out, err = say(*words)
    assert (code, out) == (2, "")
    assert "fault" in err
    assert "Mend: " in err
    return err


# -- fit


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("fit") / "study"
    return folder, answer("fit", PANEL, "--out", folder, "--draws", 19, "--seed", 3)


def test_fit_writes_every_table_and_says_what_it_found(study: tuple[Path, dict[str, Any]]) -> None:
    folder, said = study
    assert sorted(path.name for path in folder.iterdir()) == said["files"]
    assert {
        "study.html",
        "tables.toml",
        *(f"table{i}.{end}" for i in range(1, 9) for end in ("csv", "tex", "html")),
    } == set(said["files"])
    assert (said["cities"], said["years"], said["baseline"]["n"]) == (80, [2011, 2022], 960)
    assert said["settings"] == {
        "threshold_draws": 19, "candidates": None, "wild_draws": 19, "mediation_draws": 19, "permutations": 19,
        "seed": 3,
    }  # fmt: skip
    tidy = pd.read_csv(folder / "table2.csv").set_index(["column", "term", "statistic"])["value"]
    assert said["baseline"]["b"] == tidy["(6)", "AI", "b"]
    assert "48 singleton rows of Beijing, Chongqing, Shanghai, Tianjin" in " ".join(said["left_out"])
    assert [path.name for path in folder.parent.iterdir()] == ["study"]  # no draft stays behind


def test_fit_never_overwrites(study: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = study
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert "exists already" in refusal("fit", PANEL, "--out", folder, "--draws", 19)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_fit_in_words_lists_what_is_not_used(tmp_path: Path) -> None:
    frame = pd.read_csv(PANEL).drop(columns=["IV", "lat_deg"]).assign(mood=1.0)
    frame.to_csv(tmp_path / "mine.csv", index=False)
    code, out, err = say("fit", tmp_path / "mine.csv", "--out", tmp_path / "study", "--draws", 19)
    assert (code, err) == (0, "")
    assert "mine.csv: 80 cities, 2011 to 2022, 960 rows" in out
    assert "table4 not made: the panel has no column IV" in out
    assert "columns not used: mood" in out
    assert not (tmp_path / "study" / "table4.csv").exists()


def test_fit_without_out_names_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = answer("fit", PANEL, "--draws", 19)
    assert said["out"].startswith("studies/synthetic_panel_80_cities-")
    assert (tmp_path / said["out"] / "study.html").is_file()


def test_a_bad_panel_is_named_by_line_and_leaves_nothing(tmp_path: Path) -> None:
    lines = PANEL.read_text().splitlines()
    lines[4] = lines[4].replace(lines[4].split(",")[6], "many", 1)
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([*lines, lines[1]]) + "\n")
    told = refusal("fit", bad, "--out", tmp_path / "deep" / "study")
    assert "bad.csv line 5: AI is not a number in 1 row(s) ('many')" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv"]
    assert "there is no such file" in refusal("fit", tmp_path / "absent.csv", "--out", tmp_path / "study")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(_: Study, folder: Path) -> None:
        (folder / "half.csv").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Study, "write", fill)
    told = refusal("fit", PANEL, "--out", tmp_path / "study", "--draws", 19)
    assert "No space left on device" in told
    assert list(tmp_path.iterdir()) == []


# -- audit


def test_audit_of_synthetic_tables_raises_nothing() -> None:
    said = answer("audit", TABLES)
    assert said["wrong"] == 0
    assert said["checks"] == len(said["findings"]) > 40
    assert set(said["findings"][0]) == {"rule", "where", "verdict", "statement", "arithmetic", "holds"}
    code, out, _ = say("audit", TABLES)
    assert code == 0
    assert out.startswith(f"0 of {said['checks']} checks do not hold\n{said['checks']} hold\n")


def test_tables_of_a_fitted_study_are_clean(study: tuple[Path, dict[str, Any]]) -> None:
    assert answer("audit", study[0] / "tables.toml")["wrong"] == 0


def test_audit_shows_the_arithmetic_of_what_is_wrong_and_still_ends_well(tmp_path: Path) -> None:
    tables = tmp_path / "tables.toml"
    ratio = next(line for line in TABLES.read_text().splitlines() if line.startswith("selection_ratio"))
    tables.write_text(TABLES.read_text().replace(ratio, "selection_ratio = 3.1357"))
    code, out, err = say("audit", tables)
    assert (code, err) == (0, "")
    rows = tomllib.loads(TABLES.read_text())["table2"]
    first, last = rows[0]["AI"]["b"], rows[-1]["AI"]["b"]
    assert out.startswith("1 of ")
    assert "[impossible] Altonji ratio, table4: the ratio does not follow from table 2" in out
    assert f"{last:g} / ({first:g} - {last:g}) = {last / (first - last):.3f} against 3.1357" in out


def test_audit_of_the_published_tables() -> None:
    if not SEED_TABLES.is_file():
        pytest.skip("the published tables are not beside this checkout")
    said = answer("audit", SEED_TABLES)
    faulty = [finding["arithmetic"] for finding in said["findings"] if not finding["holds"]]
    assert len(faulty) == said["wrong"]
    for part in ("0.838 against 0.854", "= 4.618 against 3.1357", "14.53^2 = 211.1 against F = 332.769", "127.83"):
        assert any(part in arithmetic for arithmetic in faulty)
    code, out, _ = say("audit", SEED_TABLES)
    assert code == 0
    assert out.startswith(f"{said['wrong']} of {said['checks']} checks do not hold\n")
    assert f"\n{said['checks'] - said['wrong']} hold\n" in out
    assert all(finding["arithmetic"] in out for finding in said["findings"])


def test_audit_of_what_is_no_table(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal("audit", tmp_path / "absent.toml")
    (tmp_path / "odd.toml").write_text("[table9]\nx = 1\n")
    assert "has no [meta]" in refusal("audit", tmp_path / "odd.toml", "--json")
    (tmp_path / "empty.toml").write_text('[meta]\ntreatment = "AI"\ncities = 2\nyears = [2011, 2012]\n')
    assert "No rule applies" in say("audit", tmp_path / "empty.toml")[1]


# -- panel and the examples


def test_panel_is_written_with_its_truth(tmp_path: Path) -> None:
    said = answer("panel", "--out", tmp_path / "synthetic", "--seed", 5)
    assert said["files"] == ["synthetic_panel_5.csv", "synthetic_truth_5.toml"]
    assert said["rows"] == 271 * 12
    written = pd.read_csv(tmp_path / "synthetic" / "synthetic_panel_5.csv")
    pd.testing.assert_frame_equal(written, make_panel(5).frame, check_exact=False, rtol=1e-14, check_dtype=False)
    truth = tomllib.loads((tmp_path / "synthetic" / "synthetic_truth_5.toml").read_text())["truth"]
    assert truth == said["truth"]
    assert "exists already" in refusal("panel", "--out", tmp_path / "synthetic")
    assert "not observed data" in say("panel", "--out", tmp_path / "again")[1]


def test_the_examples_are_what_they_say() -> None:
    made = make_panel(7)
    first = made.frame.drop_duplicates("city").groupby("province").head(3)["city"]
    expected = made.frame[made.frame["city"].isin(first)].reset_index(drop=True)
    example = pd.read_csv(PANEL)
    numbers = expected.columns[3:]
    assert example.drop(columns=numbers).equals(expected.drop(columns=numbers).astype(example.dtypes[:3]))
    np.testing.assert_allclose(example[numbers], expected[numbers], atol=5.1e-5)
    truth = tomllib.loads((EXAMPLES / "synthetic_truth_80_cities.toml").read_text())["truth"]
    assert truth == json.loads(json.dumps(asdict(DESIGNS["published"])))
    assert all("synthetic" in path.read_text().splitlines()[0].lower() for path in EXAMPLES.glob("synthetic_*.toml"))


def test_the_example_tables_are_those_of_the_example_panel(study: tuple[Path, dict[str, Any]]) -> None:
    """All that no bootstrap touches."""
    mine, theirs = (tomllib.loads(path.read_text()) for path in (study[0] / "tables.toml", TABLES))
    for section in ("meta", "table1", "table2", "table3", "table4", "table7"):
        assert mine[section] == theirs[section]


# -- project


def solved(case: Case) -> tuple[Plan, Plan | None]:
    program = compile_case(case)
    outcome = optimise(program, 1e-6, 60.0)
    assert outcome.x is not None
    rival = greedy(case, program, Clock(60.0))
    return Plan(case, program, outcome.x), None if rival is None else Plan(case, program, rival)


def shared() -> Case:
    """The cluster keeps nothing back for its own province, so that the greedy placement can be completed."""
    return two_site_case(name="shared", home_reserve_frac={"Plateau": 0.0})


def stored(folder: Path, plan: Plan, rival: Plan | None, **manifest: object) -> Path:
    tables = plan_tables(plan) | {"provinces": province_table(plan, rival)}
    horizon = plan.case.horizon
    known: dict[str, Any] = {"hours": horizon.hours, "start": horizon.start.isoformat(), "greedy_note": None}
    return write_run(folder, known | manifest, "", tables).folder


@pytest.fixture(scope="module")
def plans() -> tuple[Plan, Plan]:
    plan, rival = solved(shared())
    assert rival is not None
    return plan, rival


@pytest.fixture(scope="module")
def run(plans: tuple[Plan, Plan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("runs") / "shared", *plans)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same places without cooperation: the western cluster serves its own province only; no greedy plan kept."""
    plan, _ = solved(two_site_case(name="alone", home_reserve_frac={"Plateau": 1.0}))
    return stored(tmp_path_factory.mktemp("runs") / "alone", plan, None, greedy_note="no whole plan completes it")


def test_province_table_adds_up_to_the_dispatch(plans: tuple[Plan, Plan]) -> None:
    plan, rival = plans
    table = province_table(plan, rival)
    assert list(table.columns) == ["region", "zone", "installed_eflops", "dispatched_eflops", "greedy_eflops"]
    assert table.set_index("region")["zone"].to_dict() == {"East": "east", "West": "west"}
    assert table["installed_eflops"].sum() == pytest.approx(site_table(plan.case)["capacity_eflops"].sum())
    for column, each in (("dispatched_eflops", plan), ("greedy_eflops", rival)):
        load = dispatch_table(each).groupby("site")["load_eflops"].sum() / each.case.horizon.hours
        expected = {"East": load["East local"], "West": load["Plateau"]}
        assert table.set_index("region")[column].to_dict() == pytest.approx(expected)
    assert table["dispatched_eflops"].iloc[0] < 0.5 * table["greedy_eflops"].iloc[0]  # the optimum sends work west


def test_province_table_without_a_rival_has_no_column_for_it(plans: tuple[Plan, Plan]) -> None:
    assert "greedy_eflops" not in province_table(plans[0], None).columns


def test_a_province_without_a_site_is_listed() -> None:
    case = two_site_case()
    wider = two_site_case(
        regions=("East", "North", "West"),
        zone=case.zone | {"North": "central"},
        population_million=case.population_million | {"North": 5.0},
        routes=case.routes | {("North", "Plateau"): (Route(("home",), 4.0),)},
        demand_eflops=np.insert(case.demand_eflops, 1, 0.1, axis=0),
        arrivals_eflopsh=np.insert(case.arrivals_eflopsh, 1, 0.1, axis=0),
    )
    table = province_table(solved(wider)[0], None)
    assert table.iloc[1].to_dict() == {
        "region": "North", "zone": "central", "installed_eflops": 0.0, "dispatched_eflops": 0.0,
    }  # fmt: skip
    assert len(table) == 3


def test_projection_by_hand(run: Path) -> None:
    said = answer("project", run)
    (comparison,) = said["comparisons"]
    table = pd.read_parquet(run / "tables" / "provinces.parquet").set_index("region")
    slopes = {row["group"]: row["AI"]["b"] for row in tomllib.loads(PUBLISHED.read_text())["table7"]}
    assert comparison["counterfactual"] == GREEDY
    for row in comparison["provinces"]:
        place = table.loc[row["province"]]
        ours, theirs = (place["installed_eflops"] + place[f"{who}_eflops"] for who in ("dispatched", "greedy"))
        assert row["ai_change_log"] == pytest.approx(0.3 * math.log(ours / theirs))
        assert row["innovation_change_log"] == pytest.approx(slopes[row["zone"]] * row["ai_change_log"])
        assert row["innovation_change_log_low"] < row["innovation_change_log"] < row["innovation_change_log_high"]
        assert row["dispatched_eflops_year"] == pytest.approx(place["dispatched_eflops"])
        assert row["counterfactual_eflops_year"] == pytest.approx(place["greedy_eflops"])
    assert 0.0 < comparison["slope_share_frac"] < 1.0


def test_zones_are_the_sums_of_their_provinces(run: Path, alone: Path) -> None:
    for comparison in answer("project", run, "--against", alone)["comparisons"]:
        provinces = pd.DataFrame(comparison["provinces"])
        zones = pd.DataFrame(comparison["zones"]).set_index("zone")
        assert list(zones.index) == ["east", "west", "all"]
        for column in ("dispatched_eflops_year", "counterfactual_eflops_year"):
            sums = provinces.groupby("zone")[column].sum()
            assert zones[column][["east", "west"]].to_dict() == pytest.approx(sums.to_dict())
            assert zones.loc["all", column] == pytest.approx(provinces[column].sum())
        assert zones.loc["all", "provinces"] == len(provinces) == 2
        assert zones.loc["all", "innovation_change_log"] == pytest.approx(provinces["innovation_change_log"].mean())


def test_the_other_run_stands_beside_the_greedy_dispatch(run: Path, alone: Path) -> None:
    said = answer("project", run, "--against", alone)
    assert [each["counterfactual"] for each in said["comparisons"]] == [GREEDY, f"the dispatch of {alone}"]
    theirs = pd.read_parquet(alone / "tables" / "provinces.parquet").set_index("region")["dispatched_eflops"]
    rows = {row["province"]: row for row in said["comparisons"][1]["provinces"]}
    assert {place: row["counterfactual_eflops_year"] for place, row in rows.items()} == pytest.approx(theirs.to_dict())
    assert rows["East"]["innovation_change_log"] < 0.0 < rows["West"]["innovation_change_log"]


def test_rows_of_the_other_run_may_stand_in_any_order(run: Path, alone: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(alone / "tables" / "provinces.parquet")
    manifest = json.loads((alone / "manifest.json").read_text())
    turned = write_run(tmp_path / "turned", manifest, "", {"provinces": table.iloc[::-1]}).folder
    plain, mixed = (answer("project", run, "--against", each)["comparisons"][1] for each in (alone, turned))
    assert plain["provinces"] == mixed["provinces"]


def test_what_the_numbers_do_not_show_is_said(run: Path) -> None:
    code, out, err = say("project", run)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    (west,) = (line for line in lines if line.startswith("West: the estimated slope"))
    assert "0.039 (t = 0.46), does not differ from zero at 5 %" in west
    assert "not shown to raise innovation" in west
    assert any("0.3 in [0.1, 0.5], is an assumption" in line for line in lines)
    assert any("Zhao & Yang (2025)" in line for line in lines)
    assert any("The mean over the run's 4 h is taken for a year." in line for line in lines)
    assert any("Slopes of east against central: the groups are not shown to differ" in line for line in lines)
    assert sum(line.split()[:1] == ["nation"] for line in lines) == 1
    said = answer("project", run)["statements"]
    assert all(text in lines for text in said)


def test_words_and_json_give_the_same_numbers(run: Path) -> None:
    (comparison,) = answer("project", run)["comparisons"]
    out = say("project", run)[1]
    for row in comparison["provinces"]:
        (line,) = (line for line in out.splitlines() if line.split()[:2] == [row["province"], row["zone"]])
        assert f"{row['dispatched_eflops_year']:,.3f}" in line
        assert f"{row['innovation_change_frac']:+.2%}" in line
        assert f"{row['innovation_change_frac_low']:+.2%} to {row['innovation_change_frac_high']:+.2%}" in line


def test_slopes_of_a_fitted_study_take_the_place_of_the_published(
    run: Path, study: tuple[Path, dict[str, Any]]
) -> None:
    tables = study[0] / "tables.toml"
    said = answer("project", run, "--tables", tables, "--elasticity", 0.8, "--low", 0.8, "--high", 0.8)
    fitted = {row["group"]: row["AI"] for row in tomllib.loads(tables.read_text())["table7"]}
    assert said["slopes_source"] == str(tables)
    assert said["elasticity"] == {"value": 0.8, "low": 0.8, "high": 0.8, "source": "assumption"}
    for zone in ("east", "central", "west"):
        assert said["slopes"][zone]["value"] == fitted[zone]["b"]
        assert said["slopes"][zone]["t"] == pytest.approx(fitted[zone]["t"])
    assert said["comparisons"][0]["slope_share_frac"] == pytest.approx(1.0)
    assert not any(text.startswith("West: the estimated slope") for text in said["statements"])  # here t is above 1.96


def test_doubts_about_other_tables_are_counted(run: Path) -> None:
    if not SEED_TABLES.is_file():
        pytest.skip("the published tables are not beside this checkout")
    faulty = answer("audit", SEED_TABLES)["wrong"]
    said = answer("project", run, "--tables", SEED_TABLES)
    assert any("east against west: the difference does not survive correction" in text for text in said["statements"])
    assert any(text.startswith(f"{faulty - 3} more of ") for text in said["statements"])
    shipped = answer("project", run)
    assert said["comparisons"] == shipped["comparisons"]  # the shipped slopes are the published ones


def test_no_greedy_dispatch_is_said_with_its_reason(run: Path, alone: Path) -> None:
    told = refusal("project", alone)
    assert "The run has no greedy dispatch: no whole plan completes it" in told
    assert "--against" in told
    said = answer("project", alone, "--against", run)
    assert [each["counterfactual"] for each in said["comparisons"]] == [f"the dispatch of {run}"]
    assert "The run has no greedy dispatch: no whole plan completes it." in said["statements"]


@pytest.mark.parametrize(
    ("change", "manifest", "pattern"),
    [
        ({"installed_eflops": [5.0, 9.0]}, {}, "installed computing differs in West"),
        ({"zone": ["east", "central"]}, {}, "the zone differs in West"),
        ({"region": ["East", "North"]}, {}, "only one of the two runs has North, West"),
        ({}, {"hours": 24}, "has 24 h from"),
        ({}, {"start": "2026-01-01T00:00:00"}, "has 4 h from 2026"),
    ],
)
def test_runs_that_cannot_be_compared(
    run: Path, tmp_path: Path, change: dict[str, Any], manifest: dict[str, Any], pattern: str
) -> None:
    table = pd.read_parquet(run / "tables" / "provinces.parquet").assign(**change)
    known = json.loads((run / "manifest.json").read_text()) | manifest
    other = write_run(tmp_path / "other", known, "", {"provinces": table}).folder
    assert pattern in refusal("project", run, "--against", other)


@pytest.mark.parametrize(
    "words",
    [
        ("--elasticity", 0.8),
        ("--low", 0.4),
        ("--high", 0.2),
        ("--elasticity", "nan"),
        ("--high", "inf"),
        ("--low=-inf",),
    ],
)
def test_an_elasticity_lies_in_its_range(run: Path, words: tuple[object, ...]) -> None:
    assert "a finite value lies in its finite range" in refusal("project", run, *words)


def test_runs_and_tables_that_are_not_there(run: Path, tmp_path: Path) -> None:
    assert "holds no run" in refusal("project", tmp_path)
    bare = write_run(tmp_path / "bare", {}, "", {"cost_items": pd.DataFrame({"x": [1.0]})}).folder
    assert "keeps no table 'provinces'" in refusal("project", bare)
    assert "cannot be opened" in refusal("project", run, "--tables", tmp_path / "absent.toml")
    west_only = tmp_path / "west.toml"
    west_only.write_text(PUBLISHED.read_text().replace('"east"', '"coast"'))
    assert "has no group east" in refusal("project", run, "--tables", west_only)


@pytest.mark.parametrize("command", ["fit", "audit", "panel", "project"])
def test_every_command_has_an_example(command: str) -> None:
    code, out, _ = say(command, "--help")
    assert code == 0
    assert f"Example: computegrid innovation {command}" in " ".join(out.split())


def test_usage_errors_are_faulty_input() -> None:
    assert say("fit", PANEL, "--draws", 18)[0] == 2
    assert say("panel")[0] == 2
    assert say("project")[0] == 2
