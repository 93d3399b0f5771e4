"""What waiting is worth: nothing where there is nothing to gain, never less than the bounds say, and told as proved."""

from __future__ import annotations

import json
import math
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import optimizer.commands.flexibility
from optimizer.cli import main
from optimizer.commands.flexibility import NoPlan, page, shares, trace
from optimizer.commands.keyfigures import KeyFigures
from scenarios.build import build_case
from scenarios.library import Loaded, load

SMALL = [
    "scope.regions=['Guangdong', 'Guizhou', 'Jiangsu']",
    "scope.clusters=['Guian', 'Wuhu']",
    "jobs.count=0",
]
KNOWN = {"carbon, location-based": 3.0, "carbon, market-based": 2.0, "Theil of dispatched compute per head": 0.5}


def test_shares_run_evenly_from_none_to_half() -> None:
    assert shares(6) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert shares(2) == [0, 0.5]


def test_what_may_wait_carries_the_same_bytes_and_is_worth_as_much() -> None:
    """The smallest case, by hand: prices are flat and every pod is on in both hours, so waiting changes nothing."""
    frame = trace("tiny", [0.0, 0.5, 1.0], gap_frac=1e-6)
    assert frame["cost_kcny"].tolist() == pytest.approx([10.5556] * 3, abs=1e-6)
    assert frame["moved_eflopsh"].iloc[1:].tolist() == pytest.approx([2.0, 2.0])
    assert frame["decline"].tolist() == ["", "within gaps", "within gaps"]


def test_work_is_neither_lost_nor_made_when_it_may_wait() -> None:
    rigid, flexible = (build_case(load("day", [*SMALL, f"demand.flexible_frac={share}"])) for share in (0.0, 0.3))
    assert flexible.demand_eflops == pytest.approx(0.7 * rigid.demand_eflops)
    waiting = flexible.arrivals_eflopsh[:, len(rigid.batches) :, 0]
    assert waiting == pytest.approx(0.3 * rigid.demand_eflops.sum(axis=2))


def test_cost_falls_as_more_may_wait() -> None:
    frame = trace("day", [0.5, 0.0, 0.25], 24, SMALL, 5e-4)
    assert frame["flexible_frac"].tolist() == [0.0, 0.25, 0.5]
    assert frame["decline"].tolist() == ["", "proved", "proved"]
    assert (frame["gap_frac"] <= 5e-4).all()
    saved = frame["moved_eflopsh"] * frame["marginal_kcny_per_eflopsh"]
    assert np.cumsum(saved[1:]).tolist() == pytest.approx(frame["saving_kcny"].iloc[1:].tolist())
    # The least cost is convex in the share, up to the integers and the gap: the second quarter saves no more.
    assert frame["marginal_low_kcny_per_eflopsh"].iloc[2] <= frame["marginal_high_kcny_per_eflopsh"].iloc[1]


def test_a_longer_wait_reaches_the_next_night() -> None:
    two_days = [*SMALL, "horizon.hours=48"]
    short, long = (trace("day", [0.5], hours, two_days, 5e-4).iloc[0] for hours in (1, 24))
    assert long["cost_kcny"] < short["bound_kcny"]


def figures(cost_kcny: float, bound_kcny: float, service_eflopsh: float, stop: str = "gap reached") -> KeyFigures:
    gap_frac = (cost_kcny - bound_kcny) / cost_kcny
    return KeyFigures("solved", stop, cost_kcny, bound_kcny, gap_frac, service_eflopsh, KNOWN, 1.0)


def answers(monkeypatch: pytest.MonkeyPatch, *solves: KeyFigures) -> None:
    queue = iter(solves)

    def next_one(_: Loaded, __: float, ___: float | None) -> KeyFigures:
        return next(queue)

    monkeypatch.setattr(optimizer.commands.flexibility, "key_figures", next_one)


def test_each_step_says_what_its_bounds_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(
        monkeypatch,
        figures(100.0, 98.0, 50.0),
        figures(97.0, 95.0, 40.0),
        figures(96.0, 94.5, 30.0),
        figures(99.0, 96.5, 20.0),
    )
    frame = trace("tiny", [0.0, 0.2, 0.4, 0.6])
    assert frame["decline"].tolist() == ["", "proved", "within gaps", "a rise is proved"]
    assert frame["saving_kcny"].tolist() == [0.0, 3.0, 4.0, 1.0]
    assert frame["marginal_kcny_per_eflopsh"].iloc[1:].tolist() == pytest.approx([0.3, 0.1, -0.3])
    assert frame["marginal_low_kcny_per_eflopsh"].iloc[1:].tolist() == pytest.approx([0.1, -0.1, -0.45])
    assert frame["marginal_high_kcny_per_eflopsh"].iloc[1:].tolist() == pytest.approx([0.5, 0.25, -0.05])
    text = page(frame, "tiny", 24, date(2026, 1, 2), ["seed=2"])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[2] == ["0%", "100.0", "98.0", "0.0", "–", "–", "–", "3", "2", "0.500"]
    assert rows[3] == ["20%", "97.0", "95.0", "3.0", "0.3000", "0.1000 to 0.5000", "proved", "3", "2", "0.500"]
    assert "`tiny`, `seed=2`, window 24 h." in text


def test_a_share_without_a_plan_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, figures(100.0, 98.0, 50.0), figures(math.inf, math.inf, 40.0, "infeasible"))
    with pytest.raises(NoPlan, match=r"share 0\.5: solved") as without:
        trace("tiny", [0.0, 0.5])
    assert without.value.stop == "infeasible"


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["computegrid", "flexibility", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    assert run("tiny", "--points", "3", "--gap", "1e-6", "--json", "--out", "curve.md") == 0
    text = capsys.readouterr()
    assert [row["flexible_frac"] for row in json.loads(text.out)] == [0.0, 0.25, 0.5]
    assert [line.split(":")[0] for line in text.err.splitlines()] == ["share 0", "share 0.25", "share 0.5"]
    assert Path("curve.md").read_text(encoding="utf-8").startswith("| may wait |")
    assert run("tiny", "--set", "services.inference.mean_eflops=100000") == 4
    assert "No plan: share 0: infeasible" in capsys.readouterr().err
    assert run("tiny", "--out", "curve.xlsx") == 2
