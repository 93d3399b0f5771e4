"""How a command ends: the code, what is stored, and words instead of a trace, whatever happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import highspy
import numpy as np
import pytest

from optimizer import cli
from optimizer.commands.faults import ASKED
from optimizer.runs.store import open_run
from optimizer.solve import optimum
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session, SolverError
from optimizer.solve.verify import verify
from scenarios.build import build_case
from scenarios.library import load

Ended = tuple[int, str, str]
Command = Callable[..., Ended]
NO_POWER = ("--set", "facts.clusters.Guian.connection_mw=0", "--set", "facts.regions.Guangdong.connection_mw=0")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(ASKED, raising=False)

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["computegrid", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        text = capsys.readouterr()
        return int(stopped.value.code or 0), text.out, text.err

    return run


def assert_plain(ended: Ended, code: int, *words: str) -> None:
    """The code, and the words on one line; no trace of ours, of pybind's or of HiGHS's own log."""
    assert ended[0] == code
    for word in words:
        assert word in ended[2]
    for raw in ("Traceback", "  File ", "HighsStatus", "WARNING", "Running HiGHS"):
        assert raw not in ended[1] + ended[2]


def test_solved_to_the_gap_is_zero(command: Command, tmp_path: Path) -> None:
    assert_plain(command("solve", "tiny", "--out", "run"), 0)
    assert open_run(tmp_path / "run").manifest["stop"] == "gap reached"


def test_a_gap_not_reached_is_three_and_its_plan_is_stored_and_verified(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree has no time: the plan of the dive is kept with the bound of the relaxation, a gap of two per cent."""
    kept: list[np.ndarray] = []

    def without_time(session: Session, x: np.ndarray, best: float, bound: float, *_: object) -> object:
        kept.append(x)
        return x, best, bound

    monkeypatch.setattr(optimum, "branch", without_time)
    ended = command("solve", "tiny", "--gap", "1e-6", "--out", "run", "--json")
    assert_plain(ended, 3)
    said, manifest = json.loads(ended[1]), open_run(tmp_path / "run").manifest
    assert (said["status"], manifest["stop"]) == ("feasible at time limit", "time limit")
    assert manifest["gap_frac"] == pytest.approx((10.5556 - 10.3372) / 10.5556)
    assert (tmp_path / "run" / "report.html").is_file()
    verdict = verify(compile_case(build_case(load("tiny"))), kept[0])
    assert verdict.holds
    assert manifest["max_violation"] == verdict.max_violation
    assert manifest["objective_kcny"] == pytest.approx(verdict.objective_kcny)


def test_no_plan_in_time_is_one_with_the_reason(command: Command, tmp_path: Path) -> None:
    assert_plain(command("solve", "tiny", "--time-limit", "1e-9", "--out", "run"), 1, "no plan found within the time")
    assert list(tmp_path.iterdir()) == []


def test_infeasible_is_four_with_the_reason(command: Command, tmp_path: Path) -> None:
    assert_plain(command("solve", "tiny", *NO_POWER, "--out", "run"), 4, "No plan: infeasible")
    assert list(tmp_path.iterdir()) == []


def test_a_rule_no_plan_could_meet_is_four_with_its_name(command: Command, tmp_path: Path) -> None:
    scope = ('regions=["Jiangsu", "Anhui"]', 'clusters=["Wuhu"]', 'local_sites=["Anhui"]')
    words = [word for key in scope for word in ("--set", f"scope.{key}")]
    ended = command("solve", "day", *words, "--set", "services.nearline.home_floor_frac=1", "--out", "run")
    assert_plain(ended, 4, "No plan: ", "serves_at_home")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "horizon.hours=-1"), "horizon.hours"),
        (("--set", "demand.scael_ratio=2"), "scale_ratio"),
        (("--gap", "2"), "--gap"),
    ],
)
def test_faulty_input_is_two_with_what_to_mend(
    command: Command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    assert_plain(command("solve", "tiny", *words), 2, said)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_two_and_stays_as_it_was(command: Command, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    assert_plain(command("solve", "tiny", "--out", "kept"), 2, "kept: the folder exists already")
    assert list(tmp_path.rglob("*")) == [tmp_path / "kept"]


def test_too_little_memory_is_two_before_anything_is_built(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.workflow.available_mb", lambda: 64.0)
    assert_plain(command("solve", "tiny"), 2, "64 MB are there", "shorten horizon.hours")
    assert list(tmp_path.iterdir()) == []


COMMANDS = (("solve", "tiny", "--out", "run"), ("prices", "tiny"), ("ranges", "tiny"))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_an_error_status_of_highs_is_one_in_words(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(highspy.Highs, "run", lambda _: highspy.HighsStatus.kError)
    ended = command(*words)
    assert_plain(ended, 1, "The solver failed", "HiGHS failed while solving the relaxation", "Nothing was stored")
    assert ended[2].splitlines()[-1].startswith("The solver failed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("error", [RuntimeError("vector::_M_range_check"), MemoryError("std::bad_alloc")])
def test_an_error_raised_inside_highs_is_one_in_words(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], error: Exception
) -> None:
    def fail(_: highspy.Highs) -> highspy.HighsStatus:
        raise error

    monkeypatch.setattr(highspy.Highs, "run", fail)
    ended = command(*words)
    assert_plain(ended, 1, "The solver failed", str(error), "Nothing was stored")
    assert ended[2].splitlines()[-1].startswith("The solver failed")
    assert list(tmp_path.iterdir()) == []


def test_a_status_nobody_asked_for_is_one_in_words(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda _: highspy.HighsModelStatus.kSolveError)
    assert_plain(command("solve", "tiny", "--out", "run"), 1, "The solver failed", "status 'Solve error'")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_our_own_is_one_and_shows_its_trace_if_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError("cost items sum to 1 kCNY, the objective is 2 kCNY")

    monkeypatch.setattr("optimizer.workflow.optimise", fail)
    assert_plain(command("solve", "tiny"), 1, "An error of our own: ArithmeticError: cost items", f"Set {ASKED}=1")
    monkeypatch.setenv(ASKED, "1")
    monkeypatch.setattr(sys, "argv", ["computegrid", "solve", "tiny"])
    with pytest.raises(ArithmeticError):
        cli.main()


def test_solver_errors_name_the_call() -> None:
    program = compile_case(build_case(load("tiny")))
    session = Session(program)
    with pytest.raises(SolverError, match="HiGHS failed while changing bounds"):
        session.bound(np.array([program.columns + 5]), np.zeros(1), np.ones(1))
