"""Ranges of hub loads: where two hubs cost the same the optimum leaves their loads open, and says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.cli import main
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from optimizer.solve.optimum import optimise
from optimizer.solve.ranges import LOCAL, load_ranges, places
from scenarios.case import Case, Floats, Generation, Route
from tests.cases import random_case, two_site_case

WORK_EFLOPS = 2.0


def twins(dearer: float = 0.0) -> Case:
    """One region, two like clusters in two hubs, steady work of 2 EFLOPS for four hours; idle pods draw nothing.

    Every split of the work between the hubs costs the same, unless energy is `dearer` kCNY per MWh in the second.
    """
    base = two_site_case()
    demand = np.full((1, 1, 4), WORK_EFLOPS)
    sites = ("One", "Two", "Home local")
    return replace(
        base,
        blocks=("service", "fleet", "facility", "grid"),
        regions=("Home",),
        zone={"Home": "east"},
        population_million={"Home": 1.0},
        sites=sites,
        clusters=sites[:2],
        site_region=dict.fromkeys(sites, "Home"),
        site_hub={"One": "first", "Two": "second"},
        routes={("Home", s): (Route((), 1.0),) for s in sites},
        services=(replace(base.services[1], lost_kcny_per_eflopsh=100.0, served_floor_frac=1.0),),
        demand_eflops=demand,
        jobs=(),
        running_eflops=np.zeros((2, 4)),
        generations=(Generation("a", 0.5, 0.0, 1.0, 0.0, 0.0),),
        pods_installed=np.array([[3], [4]]),
        pods_vacant=np.zeros((2, 1), dtype=np.int64),
        local_eflops={"Home local": 1.0},
        local_mw_per_eflops=20.0,
        home_reserve_frac=dict.fromkeys(sites[:2], 0.0),
        pue_ratio=np.ones((3, 4)),
        connection_mw=np.full(3, 50.0),
        energy_kcny_per_mwh=np.array([[0.5] * 4, [0.5 + dearer] * 4, [0.5] * 4]),
        demand_charge_kcny_per_mw=np.zeros(3),
        direct_mw=np.zeros((2, 2, 4)),
        green_target_frac=np.zeros(2),
        grid_tco2_per_mwh=np.zeros(3),
        residual_tco2_per_mwh=np.zeros(3),
        innovation=None,
    )


def solved(case: Case) -> tuple[Program, Floats]:
    program = compile_case(case)
    outcome = optimise(program, 1e-7, 30.0)
    assert outcome.x is not None
    return program, outcome.x


def with_all_pods_on(case: Case) -> tuple[Program, Floats]:
    """A plan of the twins in which every pod is on: idle pods are free."""
    program = compile_case(case)
    session, pods = Session(program), program.variables["fleet.pods_on"]
    session.fix(pods, program.upper[pods])
    x = session.relax(30.0).x
    assert x is not None
    return program, x


def test_twins_leave_their_loads_open() -> None:
    """Eight EFLOPS·h in all; the first can carry 6, the second 8, so the first carries 0 to 6 and the second 2 to 8."""
    case = twins()
    program, x = with_all_pods_on(case)
    found = {r.place: r for r in load_ranges(program, x, places(case, program)).places}
    assert list(found) == ["first", "second", LOCAL]
    assert (found["first"].low_eflopsh, found["first"].high_eflopsh) == pytest.approx((0.0, 6.0), abs=1e-6)
    assert (found["second"].low_eflopsh, found["second"].high_eflopsh) == pytest.approx((2.0, 8.0), abs=1e-6)
    assert (found[LOCAL].low_eflopsh, found[LOCAL].high_eflopsh) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert [r.is_determined for r in found.values()] == [False, False, True]


def test_a_price_that_differs_determines_them() -> None:
    case = twins(dearer=0.1)
    program, x = with_all_pods_on(case)
    found = load_ranges(program, x, places(case, program)).places
    assert all(r.is_determined for r in found)
    assert [r.plan_eflopsh for r in found] == pytest.approx([6.0, 2.0, 0.0])


def test_slack_buys_load_at_its_price() -> None:
    """2 MWh an EFLOPS·h, 0.2 kCNY dearer in the second hub: each kCNY of slack moves five EFLOPS·h."""
    case = twins(dearer=0.1)
    program, x = with_all_pods_on(case)
    exact, wider = (load_ranges(program, x, places(case, program), slack) for slack in (0.0, 0.05))
    spent = wider.limit_kcny - exact.limit_kcny
    assert wider.plan_kcny == exact.plan_kcny == pytest.approx(6 * 2 * 0.5 + 2 * 2 * 0.6)
    assert spent == pytest.approx(0.05 * exact.plan_kcny)
    assert wider.places[0].low_eflopsh == pytest.approx(6.0 - 5 * spent)
    assert wider.places[1].high_eflopsh == pytest.approx(2.0 + 5 * spent)


def test_any_plan_frees_the_pods_that_are_held() -> None:
    """With the pods of one plan held, the other hub's pods are off; any plan may light them."""
    case = twins()
    program = compile_case(case)
    session, columns = Session(program), program.variables["fleet.pods_on"].reshape(2, 4)
    session.fix(columns.ravel(), np.array([[0.0] * 4, [4.0] * 4]).ravel())
    x = session.relax(30.0).x
    assert x is not None
    held, free = (load_ranges(program, x, places(case, program), 0.0, over) for over in ("held", "any plan"))
    assert [r.is_determined for r in held.places] == [True, True, True]
    assert [r.plan_eflopsh for r in held.places] == pytest.approx([0.0, 8.0, 0.0], abs=1e-6)
    assert (free.places[0].low_eflopsh, free.places[0].high_eflopsh) == pytest.approx((0.0, 6.0), abs=1e-6)
    assert held.limit_kcny == pytest.approx(free.limit_kcny)


@pytest.mark.parametrize("seed", range(5))
def test_any_other_optimum_lies_in_the_ranges(seed: int) -> None:
    """What HiGHS's own tree ends at lies within the ranges of any plan, and so do those of the held plan."""
    case = random_case(seed)
    program, x = solved(case)
    held, free = (load_ranges(program, x, places(case, program), 1e-6, over) for over in ("held", "any plan"))
    other = Session(program).branch_and_bound(None, 1e-9, 30.0)
    assert other.x is not None
    for narrow, wide in zip(held.places, free.places, strict=True):
        load = other.x[places(case, program)[wide.place]].sum()
        assert wide.low_eflopsh - 1e-5 <= load <= wide.high_eflopsh + 1e-5
        assert wide.low_eflopsh <= narrow.low_eflopsh + 1e-5
        assert narrow.high_eflopsh <= wide.high_eflopsh + 1e-5
        assert narrow.low_eflopsh <= narrow.plan_eflopsh <= narrow.high_eflopsh


def test_no_end_of_a_range_can_be_passed_at_that_cost() -> None:
    """By another way: held a little outside its range, the load of a hub costs more than the limit."""
    case = random_case(3)
    program, x = solved(case)
    found = load_ranges(program, x, places(case, program), 1e-4)
    integers = np.flatnonzero(program.integer)
    for place in found.places:
        columns = places(case, program)[place.place]
        for end, past, inside in ((place.low_eflopsh, -1e-3, 1e-6), (place.high_eflopsh, 1e-3, -1e-6)):
            for off, dear in ((past, True), (inside, False)):
                session = Session(program)
                session.fix(integers, np.round(x[integers]))
                at = columns.astype(np.int32)
                session.highs.addRow(end + off, end + off, at.size, at, np.ones(at.size))
                least = session.resolve(30.0).objective_kcny
                assert (least > found.limit_kcny + 1e-9) is dear, (place, off, least, found.limit_kcny)


def test_without_time_there_are_no_ranges() -> None:
    case = random_case(1)
    program, x = solved(case)
    with pytest.raises(TimeoutError, match="the time ran out"):
        load_ranges(program, x, places(case, program), time_limit_s=0.0)


def test_a_load_not_found_in_time_is_not_called_determined(monkeypatch: pytest.MonkeyPatch) -> None:
    case = twins()
    program, x = with_all_pods_on(case)
    resolve = Session.resolve
    calls = iter(range(100))

    def slow(session: Session, time_limit_s: float) -> object:
        return resolve(session, 0.0 if next(calls) > 1 else time_limit_s)

    monkeypatch.setattr(Session, "resolve", slow)
    found = load_ranges(program, x, places(case, program))
    first, *others = found.places
    assert first.low_eflopsh == pytest.approx(0.0, abs=1e-6)
    assert np.isnan([first.high_eflopsh, *(r.width_eflopsh for r in others)]).all()
    assert not any(r.is_determined for r in found.places)


def ranges_command(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["computegrid", "ranges", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
    return int(stopped.value.code or 0)


def test_the_command_prints_both_sets_and_keeps_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of `tiny`, 6.5 EFLOPS·h are always done: what the local site takes on, Guizhou loses."""
    file = tmp_path / "ranges.csv"
    assert ranges_command("tiny", "--any-plan", "--slack", "0.01", "--out", str(file)) == 0
    text = capsys.readouterr().out
    assert "| Guizhou" in text
    assert "not those of Guizhou, local sites" in text
    frame = pd.read_csv(file).set_index(["over", "place"])
    assert frame.loc[("any plan", "Guizhou"), "high_eflopsh"] == pytest.approx(6.5)
    for over in ("held", "any plan"):
        hub, local = frame.loc[(over, "Guizhou")], frame.loc[(over, LOCAL)]
        assert hub["plan_eflopsh"] + local["plan_eflopsh"] == pytest.approx(6.5)
        assert hub["low_eflopsh"] + local["high_eflopsh"] == pytest.approx(6.5)


def test_the_command_says_when_all_is_determined(capsys: pytest.CaptureFixture[str]) -> None:
    assert ranges_command("tiny") == 0
    assert "The cost determines the load of every hub." in capsys.readouterr().out
    assert ranges_command("tiny", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["is_determined"] for row in rows] == [True, True]


def test_the_command_without_a_plan_or_time(capsys: pytest.CaptureFixture[str]) -> None:
    tight = ["--set", "facts.clusters.Guian.connection_mw=0", "--set", "facts.regions.Guangdong.connection_mw=0"]
    assert ranges_command("tiny", *tight) == 4
    assert "No plan: infeasible" in capsys.readouterr().err
    assert ranges_command("tiny", "--time-limit", "0") == 1
    assert "No ranges: the time ran out" in capsys.readouterr().err
