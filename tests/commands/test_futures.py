"""`computegrid futures`: members solved anew, folder and page, messages and exit codes, on a part of the nation."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hubs import load_facts
from optimizer.cli import main
from optimizer.commands.futures.command import exit_code
from optimizer.commands.futures.solving import settled, solve_members
from optimizer.commands.futures.tables import Study
from optimizer.market.contractfile import TYPES, load
from optimizer.market.contracts import Contract, check
from optimizer.market.duals import COMPUTE, price_plan, rows_of
from optimizer.market.outcomes import Outcomes
from optimizer.runs.store import open_run
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from scenarios.build import build_case
from scenarios.ensemble import Ensemble, read_ensemble
from scenarios.library import load as load_scenario
from tests.market.ensembles import book, outcomes

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BASE = """extends = "day"
why = "a part of the nation, small enough to be solved in a second"
scope.regions = ["Guangdong", "Guizhou", "Jiangsu", "Ningxia"]
scope.clusters = ["Guian", "Zhongwei", "Wuhu"]
jobs.count = 4
"""
ENSEMBLE = """base = "part.toml"
why = "three versions of a part of the nation"
seed = 5
samples = 2
[factors.demand]
keys = ["demand.scale_ratio"]
distribution = "uniform"
low = 0.8
high = 1.2
[members.dear]
probability = 0.2
set = { "facts.clusters.Guian.power_kcny_per_mwh" = 0.9, "facts.clusters.Zhongwei.power_kcny_per_mwh" = 0.9 }
"""
KEYS = "first_day = 0\nlast_day = 0\nshape = 'baseload'\nlots = 40\n"
CONTRACTS = f"""[contracts.forward]
type = "forward"
buyer = "Guangdong"
seller = "Guian"
strike_kcny_per_eflopsh = 2.0
{KEYS}
[contracts.swap]
type = "difference"
buyer = "Jiangsu"
seller = "Zhongwei"
strike_kcny_per_eflopsh = 2.0
volume = "dispatch"
{KEYS}"""
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("futures")
    for name, text in (("part.toml", BASE), ("ensemble.toml", ENSEMBLE), ("contracts.toml", CONTRACTS)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["computegrid", "futures", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        text = capsys.readouterr()
        return int(stopped.value.code or 0), text.out, text.err

    return run


@pytest.fixture(scope="module")
def listed(files: Path) -> tuple[Contract, ...]:
    return load(files / "contracts.toml", load_facts().prices)


@pytest.fixture(scope="module")
def ensemble(files: Path) -> Ensemble:
    return read_ensemble(files / "ensemble.toml")


@pytest.fixture(scope="module")
def solved(ensemble: Ensemble, listed: tuple[Contract, ...]) -> Outcomes:
    return solve_members(ensemble, listed, 13.0)


def test_a_member_is_solved_priced_and_booked(solved: Outcomes, ensemble: Ensemble) -> None:
    assert [m.name for m in solved.members] == [m.name for m in ensemble.members]
    assert solved.probability_frac.sum() == pytest.approx(1.0)
    for m in solved.members:
        assert m.bound_kcny <= m.cost_kcny <= m.bound_kcny / (1 - 0.005) + 1e-6
        assert m.book is not None
        assert set(m.alone) == {"forward"}
        assert m.book.cost_kcny >= m.bound_kcny - 1e-6
        assert m.alone["forward"].cost_kcny >= -1e-6
    index = solved.index_kcny_per_eflopsh
    assert index.shape == (3, 3, 24)
    assert (index > 0).all()
    dear, plain = index[0].mean(), index[1:].mean(axis=(1, 2))
    assert dear > plain.max()


def test_work_by_the_hour_adds_up_to_what_was_sent(solved: Outcomes, ensemble: Ensemble) -> None:
    """Two buyers cannot run more at a cluster than it carries; over the day nothing sent is lost."""
    work, load_eflops = solved.work_eflops, solved.load_eflops
    assert (work.sum(axis=1) <= load_eflops + 1e-6).all()
    assert work.sum() > 0.3 * load_eflops.sum()
    case = build_case(load_scenario(ensemble.base, ensemble.members[0].changes))
    home = case.sites.index("Guangdong local")
    power = case.local_mw_per_eflops * case.pue_ratio[home]
    carbon = case.prices.carbon_kcny_per_tco2 * case.grid_tco2_per_mwh[home]
    expected = power * (case.energy_kcny_per_mwh[home] + carbon)
    assert solved.members[0].home_kcny_per_eflopsh[0] == pytest.approx(expected, rel=1e-12)


def test_prices_are_those_that_are_identified(ensemble: Ensemble) -> None:
    """Found by interior point and crossover here, by simplex and re-solves there."""
    case = build_case(load_scenario(ensemble.base, ensemble.members[1].changes))
    program = compile_case(case)
    plan = optimise(program, 0.005, 60.0)
    assert plan.x is not None
    cost_kcny, _, dual = settled(program, plan.x, 60.0)
    priced = price_plan(program, plan.x).fixed
    rows = rows_of(program, COMPUTE)
    sure = priced.rows_identified(rows)
    assert sure.sum() > 50
    assert dual[rows][sure] == pytest.approx(priced.row[rows][sure], rel=1e-6, abs=1e-6)
    assert cost_kcny == pytest.approx(priced.cost_kcny, rel=1e-9)


def test_processes_change_nothing(ensemble: Ensemble, listed: tuple[Contract, ...], solved: Outcomes) -> None:
    apart = solve_members(replace(ensemble, members=ensemble.members[:2]), listed[1:], 13.0, workers=2)
    assert [m.name for m in apart.members] == [m.name for m in solved.members[:2]]
    bounds = [[m.bound_kcny for m in made] for made in (apart.members, solved.members[:2])]
    assert bounds[0] == pytest.approx(bounds[1], rel=0.005)
    assert all(m.book is None and not m.alone for m in apart.members)


def test_the_command_writes_tables_and_an_offline_page(command: Command, files: Path, tmp_path: Path) -> None:
    words = (str(files / "contracts.toml"), "--ensemble", str(files / "ensemble.toml"), "--out", "result")
    code, out, err = command(*words)
    assert code == 0, err
    assert "| forward" in out
    assert "Compute futures do not trade" in out
    run = open_run(tmp_path / "result")
    contracts = run.table("contracts").set_index("contract")
    assert contracts.index.tolist() == ["forward", "swap"]
    members = run.table("members")
    assert members["probability_frac"].sum() == pytest.approx(1.0)
    sides = run.table("distributions")
    change = sides["after_kcny"] - sides["before_kcny"]
    # Buyer's cost falls by what the seller's income falls by.
    by_member = change.groupby([sides["contract"], sides["member"], sides["side"]]).sum().unstack()
    assert by_member["buyer cost"].to_numpy() == pytest.approx(by_member["seller income"].to_numpy(), abs=1e-6)
    page = (tmp_path / "result" / "futures.html").read_text(encoding="utf-8")
    outside = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=\"(https?:)?//", outside)
    assert re.findall(r'class="plot" id="([\w-]+)"', page) == ["buyer-risk", "seller-risk", "frontier", "curve"]
    specs = re.search(r'<script type="application/json" id="specs">(.*?)</script>', page, flags=re.DOTALL)
    assert specs is not None
    assert all(np.isfinite(v) for t in json.loads(specs.group(1))["frontier"]["data"] for v in t["x"])
    code, _, err = command(*words)
    assert code == 2
    assert "folder 'result' exists already" in err


def test_json_is_one_object_also_without_physical_contracts(command: Command, files: Path, tmp_path: Path) -> None:
    swap = tmp_path / "swap.toml"
    swap.write_text(CONTRACTS[CONTRACTS.index("[contracts.swap]") :], encoding="utf-8")
    code, out, _ = command(str(swap), "--ensemble", str(files / "ensemble.toml"), "--json")
    result = json.loads(out)
    assert code == 0
    assert [row["contract"] for row in result["comparison"]] == ["swap"]
    assert result["comparison"][0]["delivery_cost_kcny"] is None
    assert result["members"] == 3
    assert "No contract of the file is physical" in (Path(result["run_dir"]) / "futures.html").read_text()


BAD = [
    (CONTRACTS.replace('"Guian"', '"Guain"'), ENSEMBLE, 2, r"contracts\.toml row 4.*'Guain' is not known.*'Guian'"),
    (CONTRACTS.replace("strike_kcny", "strike_cny", 1), ENSEMBLE, 2, r"row 5.*strike_kcny_per_eflopsh"),
    (CONTRACTS.replace("lots = 40", "lots = 40000", 1), ENSEMBLE, 2, r"Guian sold .* its machines can run"),
    (CONTRACTS, ENSEMBLE.replace("0.8", "1.8"), 2, r"ensemble\.toml row 5.*low must lie below high"),
    (CONTRACTS, ENSEMBLE.replace("scale_ratio", "scale"), 2, r"ensemble\.toml row 6.*'demand\.scale' is not known"),
    (CONTRACTS, ENSEMBLE.replace("part.toml", "prt.toml"), 2, r"prt\.toml.*the scenario file is missing"),
]


@pytest.mark.parametrize(("contracts", "members", "code", "message"), BAD)
def test_faulty_input_is_named_before_anything_is_solved(
    command: Command, tmp_path: Path, contracts: str, members: str, code: int, message: str
) -> None:
    for name, text in (("part.toml", BASE), ("ensemble.toml", members), ("contracts.toml", contracts)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found, _, err = command("contracts.toml", "--ensemble", "ensemble.toml", "--out", "none")
    assert found == code
    assert re.search(message, err), err
    assert not (tmp_path / "none").exists()


def test_a_member_without_a_plan_ends_the_command(command: Command, files: Path, tmp_path: Path) -> None:
    """A cluster cut off from the grid cannot run the jobs it already holds."""
    cut = ENSEMBLE.replace(
        '"facts.clusters.Guian.power_kcny_per_mwh" = 0.9', '"facts.clusters.Guian.connection_mw" = 0.0'
    )
    (tmp_path / "part.toml").write_text(BASE, encoding="utf-8")
    (tmp_path / "ensemble.toml").write_text(cut.replace("dear", "dark"), encoding="utf-8")
    code, _, err = command(str(files / "contracts.toml"), "--ensemble", "ensemble.toml")
    assert code == 4
    assert "member 'dark'" in err


def test_exit_code_is_the_gravest_of_plans_and_books() -> None:
    def code(stop: str, of_book: str) -> int:
        made = [replace(m, stop=stop, book=replace(book(), stop=of_book)) for m in outcomes().members]
        return exit_code(Study(outcomes(*made), (), ()))

    assert code("gap reached", "gap reached") == 0
    assert code("time limit", "gap reached") == 3
    assert code("gap reached", "time limit") == 3
    assert code("gap reached", "infeasible") == 4


def test_the_examples_hold_every_type_and_fit_the_base_case() -> None:
    listed = load(EXAMPLES / "contracts.toml", load_facts().prices)
    assert {type(c.terms) for c in listed} == {terms for _, terms in TYPES.values()}
    check(listed, build_case(load_scenario(read_ensemble(EXAMPLES / "ensemble.toml").base)))
