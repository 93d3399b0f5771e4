"""Sharing end to end: books that add up, rules that balance, finances that follow the plan, runs that go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hubs.errors import InputError
from optimizer.cli import main
from optimizer.commands.share.booking import (
    COMMON,
    book,
    cost_by_player_kcny,
    owners,
    site_cost_kcny,
    work_by_origin_eflops,
)
from optimizer.commands.share.projects import (
    CAPITAL,
    break_even_kcny_per_eflopsh,
    finance_table,
    projects,
    under_contract,
)
from optimizer.commands.share.solving import SHARPER, Limits, NoPlan, Optimum, folder_for, read, solve_all
from optimizer.commands.share.solving import write as keep
from optimizer.commands.share.study import RULES, Shared, _rules, share, write
from optimizer.commands.share.tables import _half_difference, equity_table
from optimizer.commands.share.terms import Terms, terms_of
from optimizer.commands.share.words import verdict
from optimizer.market.coalitions import Territories, closed, saving_game, territories
from optimizer.market.coalitions import borders as borders_of
from optimizer.market.finance import HOURS_PER_YEAR, appraise
from optimizer.report.dispatch import dispatch_table
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.library import load
from tests.cases import full_case

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "scope.regions=['Guangdong', 'Guizhou', 'Jiangsu']",
    "scope.clusters=['Guian', 'Wuhu', 'Shaoguan']",
    "horizon.hours=6",
    "jobs.count=2",
]
SET = [word for change in SMALL for word in ("--set", change)]
GAP = 1e-3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("share") / "out"


@pytest.fixture(scope="module")
def shared(folder: Path) -> Shared:
    """Three hubs, solved by the real thing in two processes."""
    done = share("day", folder, 2, GAP, SMALL)
    write(folder, done)
    return done


@pytest.fixture(scope="module")
def terms() -> Terms:
    return terms_of(load("day", SMALL))


@pytest.fixture(scope="module")
def plans() -> tuple[Plan, Plan]:
    """The joint plan and that of everyone alone."""
    case = build_case(load("day", SMALL))
    program, lands = compile_case(case), territories(case)
    edges = borders_of(program, case, lands)
    points = [optimise(closed(program, edges, mask), GAP, 60.0).x for mask in (7, 0)]
    joint, alone = (Plan(case, program, x) for x in points if x is not None)
    return joint, alone


# -- books


def test_every_cost_of_every_block_is_in_somebody_s_books() -> None:
    case = full_case()
    program, lands = compile_case(case), territories(case)
    owner = owners(program, case, lands)
    common = {
        name
        for name, columns in program.variables.items()
        if (owner[columns[columns >= 0]] == COMMON).any() and program.item_cost[:, columns[columns >= 0]].nnz
    }
    assert common == {"network.wavelengths", "expansion.wavelengths"}
    x = Session(program).relax(60.0).x
    assert x is not None
    assert cost_by_player_kcny(Plan(case, program, x), owner, lands.n).sum() == pytest.approx(program.value_kcny(x))


def test_books_add_up_to_the_plans_and_their_saving(plans: tuple[Plan, Plan], terms: Terms) -> None:
    joint, alone = plans
    books = book(joint, alone, territories(joint.case), terms)
    assert books.joint_kcny.sum() == pytest.approx(joint.program.value_kcny(joint.x), rel=1e-9)
    assert books.alone_kcny.sum() == pytest.approx(alone.program.value_kcny(alone.x), rel=1e-9)
    assert books.accounts.booked_kcny == pytest.approx(books.alone_kcny - books.joint_kcny)


def test_work_by_origin_is_all_work_that_sites_run(plans: tuple[Plan, Plan]) -> None:
    for plan in plans:
        work = work_by_origin_eflops(plan, territories(plan.case))
        load_eflops = dispatch_table(plan)["load_eflops"].to_numpy().reshape(work.shape[1:])
        assert np.allclose(work.sum(axis=0), load_eflops, atol=1e-6)
        assert load_eflops.sum() > 10


def test_alone_everyone_works_for_himself_and_together_not(plans: tuple[Plan, Plan], terms: Terms) -> None:
    joint, alone = plans
    lands = territories(joint.case)
    off = ~np.eye(lands.n, dtype=bool)
    traded = [book(plan, alone, lands, terms).accounts.work_eflopsh.sum(axis=2)[off].sum() for plan in (joint, alone)]
    assert traded[0] > 10
    assert traded[1] == 0


def test_hosted_work_bears_all_that_sites_cost(plans: tuple[Plan, Plan], terms: Terms) -> None:
    joint, alone = plans
    lands = territories(joint.case)
    host = book(joint, alone, lands, terms).accounts.host_kcny.sum(axis=0)
    owner = [lands.site[site] for site in joint.case.sites]
    assert host == pytest.approx(np.bincount(owner, weights=site_cost_kcny(joint), minlength=lands.n), rel=1e-9)


# -- rules


def test_all_rules_stand_side_by_side_and_balance(shared: Shared) -> None:
    assert tuple(o.rule for o in shared.outcomes) == RULES
    assert np.allclose([o.balance_kcny for o in shared.outcomes], 0, atol=1e-9)
    shares, transfers = shared.tables["shares"], shared.tables["transfers"]
    paid = transfers.groupby(["rule", "payer"])["kcny"].sum()
    received = transfers.groupby(["rule", "payee"])["kcny"].sum()
    for row in shares.to_dict("records"):
        key = row["rule"], row["player"]
        assert row["transfer_kcny"] == pytest.approx(received.get(key, 0) - paid.get(key, 0), abs=1e-4)
        assert row["gain_low_kcny"] - 1e-9 <= row["gain_kcny"] <= row["gain_high_kcny"] + 1e-9
    assert shares.groupby("rule")["payoff_kcny"].sum().tolist() == pytest.approx([shared.game.total] * len(RULES))
    assert shared.game.total > 100


def test_coalitions_say_what_was_solved_and_whose_plan_they_use(shared: Shared) -> None:
    table = shared.tables["coalitions"].set_index("coalition")
    assert len(table) == 8
    assert (table["cost_kcny"] - table["bound_kcny"] <= GAP * table["cost_kcny"] + 1e-9).all()
    ends = table.iloc[[0, -1]]
    assert (ends["cost_kcny"] - ends["bound_kcny"] <= SHARPER * GAP * ends["cost_kcny"] + 1e-9).all()
    assert table.loc["nobody", "value_kcny"] == 0
    single = table[table["size"] == 1]
    assert (single["processor_s"] == 0).all()
    assert (single["cost_kcny"] == table.loc["nobody", "cost_kcny"]).all()
    assert (table.loc[table["size"] > 1, "processor_s"] > 0).all()
    assert table["low_kcny"].iloc[-1] == pytest.approx(table.loc["nobody", "bound_kcny"] - table["cost_kcny"].iloc[-1])


def test_where_no_price_is_identified_nodal_prices_are_left_out_and_it_is_said(
    plans: tuple[Plan, Plan], terms: Terms, shared: Shared
) -> None:
    books = book(*plans, territories(plans[0].case), terms)
    game = saving_game(
        shared.game.players,
        *(np.array([plan.program.value_kcny(plan.x) for plan in (*[plans[1]] * 7, plans[0])]) for _ in range(2)),
    )
    assert {o.rule for o in _rules(game, books, terms)[0]} == set(RULES)
    price = books.accounts.price_kcny_per_eflopsh.copy()
    price[1, 2] = np.nan
    blank = replace(books, accounts=replace(books.accounts, price_kcny_per_eflopsh=price))
    outcomes, notes = _rules(game, blank, terms)
    assert {o.rule for o in outcomes} == set(RULES) - {"nodal prices"}
    assert notes == [f"No nodal prices: in some hours none is identified in {game.players[1]}."]


def test_verdicts_name_who_would_leave(shared: Shared) -> None:
    by_rule = {o.rule: o for o in shared.outcomes}
    quo = by_rule["status quo"]
    assert quo.core.verdict == "out"
    assert verdict(quo) == (
        f"Not in the core: {' + '.join(quo.core.worst)} would have {quo.core.excess_kcny:,.1f} kCNY more by itself."
    )
    assert verdict(by_rule["nucleolus"]).startswith(("In the core", "Undecided"))
    unsure = replace(quo, core=replace(quo.core, verdict="undecided"))
    assert verdict(unsure).startswith("Undecided: within the gaps")


def test_equity_is_told_before_and_after(shared: Shared, plans: tuple[Plan, Plan], terms: Terms) -> None:
    equity = shared.tables["equity"].set_index("rule")
    assert list(equity.index) == ["standing alone", *RULES]
    assert equity[["gain_gini", "gain_theil"]].iloc[0].tolist() == [0, 0]
    split = equity["cost_theil_between"] + equity["cost_theil_within"]
    assert split.dropna().tolist() == pytest.approx(equity["cost_theil"].dropna().tolist())
    assert equity["cost_half_difference_kcny_per_million"].notna().all()
    # An index of shares exists exactly where no part is negative.
    assert equity["cost_gini"].notna().tolist() == (equity["least_cost_kcny_per_million"] >= 0).tolist()
    case = plans[0].case
    lands = territories(case)
    books = book(*plans, lands, terms)
    even = replace(books, alone_kcny=np.array([case.population_million[r] for r in _by_player(case.regions, lands)]))
    assert equity_table(case, lands, even, ())["cost_gini"].iloc[0] == pytest.approx(0, abs=1e-12)


def _by_player(regions: tuple[str, ...], lands: Territories) -> list[str]:
    return sorted(regions, key=lambda region: lands.region[region])


def test_half_difference_is_that_of_every_pair_of_people() -> None:
    people = np.array([1.0, 2.0, 1.0])
    crowd = np.array([-3.0, 5.0, 5.0, 9.0])
    pairs = [abs(one - other) for one in crowd for other in crowd]
    assert _half_difference(np.array([-3.0, 5.0, 9.0]), people) == pytest.approx(np.mean(pairs) / 2)


def test_terms_need_the_sections_that_price_them() -> None:
    with pytest.raises(InputError, match=r"no \[cooperation\](.|\n)*no \[expansion\]"):
        terms_of(load("tiny"))
    with pytest.raises(InputError, match="a fee holds some cost"):
        terms_of(load("day", ["cooperation.profit_frac=1"]))
    assert terms_of(load("day")).tariffs.margin_frac == pytest.approx(1 / 9)


# -- finances


def test_a_project_costs_in_a_year_what_the_plan_spends_there(plans: tuple[Plan, Plan], terms: Terms) -> None:
    joint, _ = plans
    case = joint.case
    found = projects(joint, terms)
    assert list(found) == list(case.clusters)
    spent = site_cost_kcny(joint, CAPITAL) * HOURS_PER_YEAR / case.horizon.hours
    load_eflops = dispatch_table(joint).groupby("site")["load_eflops"].sum()
    table = finance_table(found, territories(case)).query("situation == 'the plan'").set_index("cluster")
    for cluster in case.clusters:
        row = table.loc[cluster]
        assert row["energy_kcny"] + row["standing_kcny"] == pytest.approx(spent[case.sites.index(cluster)], rel=1e-9)
        income = terms.fee_kcny_per_eflopsh * load_eflops[cluster] * HOURS_PER_YEAR / case.horizon.hours
        assert row["income_kcny"] == pytest.approx(income, rel=1e-9)
        assert 0 < row["energy_kcny"] < row["standing_kcny"] + row["energy_kcny"]
    pods = case.pods_installed + joint.program.values("fleet.lit", joint.x).reshape(case.pods_installed.shape)
    first = pods @ np.array([terms.pod_kcny[g.name] for g in case.generations])
    assert table["outlay_kcny"].tolist() == pytest.approx((1 + terms.building_frac) * first)


def test_more_use_is_worth_more_and_a_contract_pays_for_what_is_not_taken(
    plans: tuple[Plan, Plan], terms: Terms
) -> None:
    found = projects(plans[0], terms)
    table = finance_table(found, territories(plans[0].case))
    for _, part in table.query("situation == 'utilisation'").groupby("cluster"):
        assert (np.diff(part["npv_kcny"]) > 0).all()
    project = replace(next(iter(found.values())), utilisation_frac=0.3)
    full_income = project.price_kcny_per_eflopsh * project.capacity_eflops * HOURS_PER_YEAR
    assert under_contract(project, 0.5).transfer_kcny_per_year == pytest.approx(0.2 * full_income)
    assert under_contract(project, 0.2) == project


def test_at_its_break_even_price_a_cluster_is_worth_nothing(plans: tuple[Plan, Plan], terms: Terms) -> None:
    project = next(iter(projects(plans[0], terms).values()))
    for held in (0.0, 0.9):
        price = break_even_kcny_per_eflopsh(project, held)
        even = appraise(under_contract(replace(project, price_kcny_per_eflopsh=price), held))
        assert abs(even.npv_kcny) < 1e-6 * project.outlay_kcny
    assert break_even_kcny_per_eflopsh(project, 0.9) < break_even_kcny_per_eflopsh(project)
    assert np.isnan(break_even_kcny_per_eflopsh(replace(project, utilisation_frac=0.0)))


# -- what is kept, and going on


def test_a_finished_coalition_is_read_back_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    kept = Optimum(6, "gap reached", 12.5, 12.25, 3.0, 2.0, np.array([0.0, 1.5]))
    keep(tmp_path, kept)
    again = read(tmp_path, 6)
    assert again is not None
    assert replace(again, x=kept.x) == kept
    assert np.array_equal(again.x, kept.x)
    assert read(tmp_path, 5) is None
    path = tmp_path / "00006.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert read(tmp_path, 6) is None
    assert [p.name for p in tmp_path.iterdir()] == ["00006.npz"]


def test_other_input_goes_to_another_folder(tmp_path: Path) -> None:
    case = build_case(load("tiny"))
    other = replace(case, local_slot_h=case.local_slot_h + 1)
    program, limits = compile_case(case), Limits(0.01, 60.0)
    dearer = replace(program, item_cost=2 * program.item_cost)
    folders = {
        folder_for(tmp_path, program, case, limits),
        folder_for(tmp_path, program, case, Limits(0.02, 60.0)),
        folder_for(tmp_path, program, case, Limits(0.01, 61.0)),
        folder_for(tmp_path, program, other, limits),
        folder_for(tmp_path, dearer, case, limits),
    }
    assert len(folders) == 5
    again = build_case(load("tiny"))
    assert folder_for(tmp_path, compile_case(again), again, limits) in folders


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, shared: Shared) -> None:
    words = [sys.executable, "-m", "optimizer.cli", "share", "day", *SET]
    words += ["--gap", str(GAP), "--workers", "1", "--json", "--out", str(tmp_path)]
    first = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (done := _finished(tmp_path)) and time.monotonic() < deadline:
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()  # returns once the workers, who share the pipe, are gone too
    done = _finished(tmp_path)
    assert 0 < len(done) < 5
    second = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    after = _finished(tmp_path)
    assert len(after) == 5
    assert {name: after[name] for name in done} == done
    assert second.stderr.count(" of 5 coalitions") == 5 - len(done)
    found = json.loads(second.stdout)
    assert found["value_kcny"] == pytest.approx(shared.game.total, rel=1e-9)
    assert len(found["shares"]) == 3 * len(RULES)


def _finished(folder: Path) -> dict[str, tuple[int, int]]:
    """Files of finished coalitions, each with what would change if it were written again."""
    return {p.name: (p.stat().st_mtime_ns, p.stat().st_ino) for p in folder.glob("optima-*/[0-9]*.npz")}


def test_a_coalition_that_cannot_be_served_is_named(tmp_path: Path) -> None:
    """Eight times the work, all of which must be served: no machines suffice, with or without one another."""
    loaded = load("day", [*SMALL, "demand.scale_ratio=8", "services.online.served_floor_frac=1.0"])
    case = build_case(loaded)
    program, lands = compile_case(case), territories(case)
    with pytest.raises(NoPlan, match=r"^(Guizhou \+|Yangtze Delta \+|everyone alone).*: infeasible$") as stopped:
        solve_all(program, case, lands, Limits(GAP, 60.0), tmp_path, 1)
    assert stopped.value.stop == "infeasible"


# -- the command


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["computegrid", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(str(stop.value.code))


def test_the_command_takes_up_what_is_solved_and_prints(
    shared: Shared, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["share", "day", *SET, "--gap", str(GAP), "--out", str(folder)]
    assert run([*words, "--method", "Shapley"], monkeypatch) == 0
    printed = capsys.readouterr()
    assert "coalitions," not in printed.err
    assert f"save {shared.game.total:,.1f} kCNY" in printed.out
    assert "| Shapley" in printed.out
    assert "nucleolus:" not in printed.out
    page = (folder / "share.html").read_text(encoding="utf-8")
    for outcome in shared.outcomes:
        assert verdict(outcome) in page
    assert 'id="gains"' in page
    assert not [word for word in ("src=", "@import", 'rel="stylesheet"') if word in page.split("<script>")[0]]
    names = {p.stem for p in (folder / "tables").glob("*.parquet")}
    assert names == set(shared.tables) == {p.stem for p in (folder / "tables").glob("*.csv")}
    kept = pd.read_parquet(folder / "tables" / "shares.parquet")
    pd.testing.assert_frame_equal(kept, shared.tables["shares"], check_dtype=False)


def test_a_rule_that_is_not_known_is_refused_before_anything_is_solved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["share", "day", "--method", "Shaply", "--out", str(tmp_path / "x")], monkeypatch) == 2
    assert "write 'Shapley' if that is meant" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(["share", "day", *SET, "--out", str(tmp_path / "file")], monkeypatch) == 2
    assert "the folder cannot be written (Not a directory)" in capsys.readouterr().err
