"""The library side by side: what each scenario changes, which can be compared, and what the table says of costs."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import optimizer.commands.library
from hubs.errors import InputError
from optimizer.cli import main
from optimizer.commands.keyfigures import KeyFigures
from optimizer.commands.library import chosen, exit_code, solve_all, solved
from optimizer.commands.sidebyside import INDICATORS, Entry, page, table
from optimizer.solve.engine import SolverError
from scenarios.library import LIBRARY, load, names
from scenarios.lineage import Difference, differences, in_words, parent_of

EVERYTHING = {
    *(f"blocks.{name}" for name in ("cooperation", "credit", "delivery", "expansion", "peak_shaving", "storage")),
    "services.interactive.max_sites", "services.interactive.min_share_frac", "services.nearline.home_floor_frac",
    "fleet.min_up_h", "network.routes_per_pair", "network.wavelengths_max", "policy.credit_mwh_per_eflopsh",
    "innovation.weight_kcny_per_point", "solve.gap_frac",
    *(
        f"delivery.positions.{name}.{key}"
        for name in ("south", "delta", "capital")
        for key in ("cluster", "region", "kind", "eflops", "damages_kcny_per_eflopsh")
    ),
    *(f"delivery.positions.delta.{key}" for key in ("low_frac", "high_frac", "take_frac")),
}  # fmt: skip
CARBON = "facts.prices.carbon_kcny_per_tco2"
LEDGER = "policy.carbon_ledger"
MAY_CHANGE: dict[str, tuple[str, set[str]]] = {
    "capital_counted": ("day", {"fleet.capital_counted"}),
    "carbon_60_location": ("day", {CARBON}),
    "carbon_60_market": ("day", {CARBON, LEDGER}),
    "carbon_200_location": ("day", {CARBON}),
    "carbon_200_market": ("day", {CARBON, LEDGER}),
    "carbon_500_location": ("day", {CARBON}),
    "carbon_500_market": ("day", {CARBON, LEDGER}),
    "cooperation": ("day", {"blocks.cooperation"}),
    "day": ("_national", set()),
    "demand_surge": ("day", {"demand.scale_ratio"}),
    "efficiency_shock": ("day", {"demand.compute_ratio"}),
    "everything": ("day", EVERYTHING),
    "expansion": ("day", {"blocks.expansion"}),
    "green_80": ("day", {"policy.green_target_frac"}),
    "green_100": ("day", {"policy.green_target_frac"}),
    "heat_wave_east": ("day", {"weather.zone_shift_c.east"}),
    "latency_20ms_one_way": ("latency_20ms_round_trip", {"network.latency_limit"}),
    "latency_20ms_round_trip": ("day", {"services.online.rtt_limit_ms"}),
    "no_cooperation": ("day", {"network.reach"}),
    "peak_shaving": ("day", {"blocks.peak_shaving"}),
    "spot_market": ("day", {"grid.spot_frac"}),
    "storage": ("day", {"blocks.storage"}),
    "trunk_outage": ("day", {"facts.links.Horinger--core Beijing.capacity_gbps"}),
    "vacancy_half_filled": ("day", {"fleet.vacancy_filled_frac"}),
    "week": (
        "_national",
        {"horizon.hours", "jobs.count", "jobs.duration_max_h", "solve.gap_frac", "solve.time_limit_s"},
    ),
    "week_everything": ("week", EVERYTHING - {"network.routes_per_pair", "solve.gap_frac"}),
    "west_price_parity": (
        "day",
        {f"facts.clusters.{c}.power_kcny_per_mwh" for c in ("Guian", "Horinger", "Qingyang", "Tianfu", "Zhongwei")},
    ),
    "year": (
        "_national",
        {
            *(f"horizon.{key}" for key in ("start", "hours", "period_h", "cyclic", "window_days", "look_ahead_days")),
            *("jobs.count", "jobs.duration_max_h", "fleet.local_slot_h", "solve.gap_frac"),
        },
    ),
}
"""Scenario -> its parent, and the keys in which it differs from it: exactly these."""
ALONE = {"tiny"}
"""Scenarios that extend none: they state every key."""


def test_every_scenario_of_the_library_stands_in_the_list() -> None:
    assert set(names()) == set(MAY_CHANGE) | ALONE, "a new scenario states here which keys it changes"
    assert [name for name in names() if parent_of(load(name)) is None] == sorted(ALONE)


@pytest.mark.parametrize("name", sorted(MAY_CHANGE))
def test_a_scenario_changes_what_it_says_and_nothing_else(name: str) -> None:
    loaded = load(name)
    parent, keys = MAY_CHANGE[name]
    assert parent_of(loaded) == parent
    assert {".".join(d.key) for d in differences(loaded)} == keys


@pytest.mark.parametrize("name", [n for n in MAY_CHANGE if re.match(r"carbon_|green_", n)])
def test_the_figures_of_a_scenario_are_those_of_its_name(name: str) -> None:
    policy, facts = (load(name).resolved.get(part, {}) for part in ("policy", "facts"))
    kind, figure, *ledger = name.split("_")
    if kind == "green":
        assert policy["green_target_frac"] == float(figure) / 100
    else:
        assert facts["prices"]["carbon_kcny_per_tco2"] == float(figure) / 1000
        assert policy["carbon_ledger"] == ledger[0]


def test_differences_are_values_that_differ(tmp_path: Path) -> None:
    (tmp_path / "mother.toml").write_text(
        'extends = "tiny"\nwhy = "What the other one starts from."\n[demand]\nscale_ratio = 2\n', encoding="utf-8"
    )
    child = tmp_path / "child.toml"
    child.write_text(
        'extends = "mother"\nwhy = "One key given again, one changed, one new, one of facts."\nseed = 1\n'
        "[demand]\nscale_ratio = 3\ncompute_ratio = 0.5\n[facts.clusters.Guian]\nwind_mw = 0\npue_ratio = 1.3\n",
        encoding="utf-8",
    )
    loaded = load(str(child), ["policy.emission_year=2022"])
    assert parent_of(loaded) == "mother"
    assert set(differences(loaded)) == {
        Difference(("demand", "scale_ratio"), 2, 3),
        Difference(("demand", "compute_ratio"), None, 0.5),
        Difference(("facts", "clusters", "Guian", "pue_ratio"), 1.2, 1.3),
        Difference(("policy", "emission_year"), 2023, 2022),
    }


def test_changes_are_told_in_few_words() -> None:
    assert in_words(differences(load("demand_surge"))) == "demand.scale_ratio 1 → 1.5"
    assert in_words(differences(load("day"))) == ""
    parity = differences(load("west_price_parity"))
    assert in_words(parity) == "clusters.{Guian, Horinger, Qingyang, Tianfu, Zhongwei}.power_kcny_per_mwh = 0.6"
    assert in_words(parity, 1) == "clusters.{Guian, Horinger, 3 more}.power_kcny_per_mwh = 0.6"
    everything = differences(load("everything"))
    assert in_words(everything, 1) == "blocks.{cooperation, delivery, 4 more} false → true; 27 more keys"
    assert in_words(everything).count(";") > 10


def test_only_national_days_stand_beside_the_day(tmp_path: Path) -> None:
    scenarios, left_out = chosen()
    assert scenarios[0] == "day"
    assert set(scenarios) | set(left_out) == set(names())
    assert left_out == {
        "tiny": "2 h, not 24 h", "week": "168 h, not 24 h", "week_everything": "168 h, not 24 h",
        "year": "8760 h, not 24 h"
    }  # fmt: skip
    assert chosen(["storage"]) == (["day", "storage"], {})
    with pytest.raises(InputError, match=r"scenario 'week' covers 168 h, not 24 h; .*leave 'week' out"):
        chosen(["storage", "week"])
    part = tmp_path / "part.toml"
    part.write_text('extends = "day"\nwhy = "A part of it."\n[scope]\nclusters = ["Guian"]\n', encoding="utf-8")
    with pytest.raises(InputError, match="covers a part of the nation"):
        chosen([str(part)])


def entry(
    name: str, cost_kcny: float, bound_kcny: float, status: str = "proved optimal within gap", programme: str = ""
) -> Entry:
    known = dict.fromkeys(INDICATORS.values(), 0.25) if math.isfinite(cost_kcny) else {}
    stop = "gap reached" if known else "infeasible"
    gap_frac = (cost_kcny - bound_kcny) / cost_kcny if known else math.inf
    figures = KeyFigures(status, stop, cost_kcny, bound_kcny, gap_frac, 1.0, known, 1.0, programme or name)
    return Entry(name, f"Why {name} is looked at.", "day", "a.b = 1", "a.b = 1", figures)


def test_a_difference_is_told_only_where_the_intervals_are_apart() -> None:
    entries = [
        entry("day", 1000.0, 990.0),
        entry("dearer", 1020.0, 1001.0),
        entry("cheaper", 989.0, 985.0),
        entry("overlaps_above", 1010.0, 999.0),
        entry("touches_below", 990.0, 980.0),
        entry("alike", 995.0, 990.0, programme="day"),
        entry("none", math.inf, math.inf, "infeasible"),
    ]
    frame = table(entries).set_index("scenario")
    assert list(frame.loc["dearer", ["difference_low_kcny", "difference_high_kcny"]]) == [1.0, 30.0]
    assert (
        frame.loc[["none"], ["cost_kcny", "bound_kcny", "gap_frac", "difference_kcny", "theil"]].isna().to_numpy().all()
    )
    text = page(entries, {"week": "168 h, not 24 h"}, date(2026, 1, 2))
    shown = {row.split("|")[1].strip(): row.split("|")[4].strip() for row in text.splitlines() if row.startswith("|")}
    assert {name: shown[name] for name in frame.index} == {
        "day": "–", "dearer": "+0.020", "cheaper": "-0.011", "overlaps_above": "undecided",
        "touches_below": "undecided", "alike": "none, same model", "none": "–",
    }  # fmt: skip
    assert "`none`: infeasible. Why none is looked at." in text
    assert "Cost of 6 of 7 scenarios" in text
    assert "Left out: `week` (168 h, not 24 h)." in text
    assert re.search(r"computegrid \d+\.\d+\.\d+, HiGHS \d+\.\d+\.\d+, 2026-01-02\.\n$", text)
    assert exit_code(entries) == 4
    assert exit_code(entries[:6]) == 0


def small(folder: Path, name: str, keys: str) -> str:
    file = folder / f"{name}.toml"
    file.write_text(f'extends = "tiny"\nwhy = "A variation of the smallest case."\n{keys}\n', encoding="utf-8")
    shutil.copy(LIBRARY / "tiny_jobs.csv", folder)
    return str(file)


def test_scenarios_are_solved_alike_in_one_process_and_in_two(tmp_path: Path) -> None:
    # The cluster and the local site together do not hold 90 % of so much demand.
    flood = small(tmp_path, "flood", "[services.inference]\nmean_eflops = 100000")
    told: list[str] = []
    entries = solve_all(["tiny", flood], heard=told.append)
    assert entries[0].figures.cost_kcny == pytest.approx(10.5556, abs=1e-6)
    assert entries[1].figures.status.startswith("infeasible")
    assert entries[1].figures.cost_kcny == math.inf
    assert exit_code(entries) == 4
    assert told[0].startswith("1/2 tiny: 0.011 million CNY, gap 0.00%, proved optimal within gap")
    assert [line.split(":")[0] for line in told] == ["1/2 tiny", f"2/2 {flood}"]
    assert table(entries)["same_programme"].tolist() == [True, False]
    again = solved(small(tmp_path, "again", "")).figures
    assert again.programme_sha256 == entries[0].figures.programme_sha256
    without_time = table(entries).drop(columns="wall_s")
    assert table(solve_all(["tiny", flood], workers=2)).drop(columns="wall_s").equals(without_time)


def test_one_failure_of_the_solver_costs_no_other_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> KeyFigures:
        raise SolverError("run: kError")

    monkeypatch.setattr(optimizer.commands.library, "key_figures", fails)
    failed = solved("tiny")
    assert failed.figures.status == "failed: run: kError"
    assert table([entry("day", 2.0, 1.0), failed])["cost_kcny"].isna().tolist() == [False, True]
    assert exit_code([entry("day", 2.0, 1.0), failed]) == 1


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["computegrid", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


def test_the_command_prints_and_keeps_the_table(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("library", "demand_surge", "--gap", "0.05", "--out", "library.csv", "--json") == 0
    text = capsys.readouterr()
    assert [line[:3] for line in text.err.splitlines()] == ["1/2", "2/2"]
    day, surge = json.loads(text.out)
    assert (day["scenario"], surge["scenario"]) == ("day", "demand_surge")
    assert day["difference_kcny"] is None
    assert surge["changes"] == "demand.scale_ratio 1 → 1.5"
    assert surge["difference_low_kcny"] > 0, "half as much demand again costs more"
    assert surge["carbon_location_tco2"] > 1.3 * day["carbon_location_tco2"]
    with open("library.csv", encoding="utf-8", newline="") as file:
        kept = list(csv.DictReader(file))
    assert [float(row["cost_kcny"]) for row in kept] == [day["cost_kcny"], surge["cost_kcny"]]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--out", "library.txt"), "the name ends in .md or .csv"),
        (("--out", "nowhere/library.md"), "folder 'nowhere' is missing"),
        (("tiny",), "scenario 'tiny' covers 2 h, not 24 h"),
        (("stroage",), "scenario 'stroage' is not known"),
    ],
)
def test_faulty_input_is_told_before_anything_is_solved(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], words: tuple[str, ...], fault: str
) -> None:
    assert command("library", *words) == 2
    assert fault in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", chosen()[0])
def test_every_national_day_has_a_proved_plan(name: str) -> None:
    figures = solved(name, 0.02).figures
    assert figures.status == "proved optimal within gap"
    assert figures.gap_frac <= 0.02
    assert figures.bound_kcny <= figures.cost_kcny
    assert set(INDICATORS.values()) <= set(figures.national)
