"""A window whose plan fails the check is solved once more, more exactly; if that does not help, it is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.rolling import step
from optimizer.solve.compile import Program
from optimizer.solve.engine import Session
from optimizer.solve.verify import Verdict, verify
from scenarios.case import Floats
from tests.cases import random_case
from tests.rolling.longer import longer
from tests.rolling.stitch import rolled

WINDOWS = 2


def refusing(monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """Have the check refuse so many points, and tell what happened."""
    told: list[str] = []

    def check(program: Program, x: Floats) -> Verdict:
        told.append("checked")
        found = verify(program, x)
        return replace(found, max_violation=3e-6) if told.count("checked") <= times else found

    exact = Session.be_exact

    def be_exact(session: Session) -> None:
        told.append("exact")
        exact(session)

    monkeypatch.setattr(step, "verify", check)
    monkeypatch.setattr(Session, "be_exact", be_exact)
    return told


def test_it_is_solved_once_more_and_costs_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case = longer(random_case(1), WINDOWS, 1, jobs=2)
    plain, _ = rolled(case, 1, 1, tmp_path / "plain")
    told = refusing(monkeypatch, times=1)
    again, plans = rolled(case, 1, 1, tmp_path / "again")
    assert told == ["checked", "exact", "checked", "checked"]
    assert len(plans) == WINDOWS
    assert again.objective_kcny == pytest.approx(plain.objective_kcny, rel=1e-6)


def test_a_plan_that_stays_wrong_is_no_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = refusing(monkeypatch, times=2)
    with pytest.raises(ValueError, match=r"hours 0 to 24: the plan violates .* by 3\.00e-06"):
        rolled(longer(random_case(1), WINDOWS, 1, jobs=2), 1, 1, tmp_path)
    assert told == ["checked", "exact", "checked"]
