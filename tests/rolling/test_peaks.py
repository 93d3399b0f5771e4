"""What is paid for by its largest value: no plan pays less than what it reached, no relaxation more than it did."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.rolling.beside import Here
from optimizer.rolling.journal import Journal, Record
from optimizer.rolling.opening import HIGHEST, opened, paid_for
from optimizer.rolling.parts import compiled
from optimizer.rolling.roll import Roll
from optimizer.rolling.window import spans
from scenarios.case import Case
from tests.cases import full_case
from tests.rolling.longer import longer


@pytest.fixture(scope="module")
def case() -> Case:
    return longer(full_case(expansion=None), 3, seed=8, jobs=8)


@pytest.fixture(scope="module")
def records(case: Case, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    roll = Roll(case, spans(case, 1, 1), 1e-4, Journal(tmp_path_factory.mktemp("roll")), Here())
    roll.run(lambda *_: None, lambda _: lambda _: None)
    return roll.records


def test_plans_lie_above_their_relaxations_and_neither_ever_falls(records: list[Record]) -> None:
    above = not_filled = 0.0
    for k, record in enumerate(records):
        for name in HIGHEST:
            for member, mw in record.opening.highest[name].items():
                divisible = record.opening.relaxed[name][member]
                above = max(above, mw - divisible)
                if k:
                    not_filled = max(not_filled, records[k - 1].opening.highest[name][member] - divisible)
                    assert mw >= records[k - 1].opening.highest[name][member] - 1e-9
                    assert divisible >= records[k - 1].opening.relaxed[name][member] - 1e-9
    assert above > 0.1, "whole pods should show somewhere"
    assert not_filled > 0.1, "no relaxation fills up what the rounding before it took"


def test_a_relaxation_begins_where_the_last_one_ended_and_its_plan_where_the_last_plan_did(
    case: Case, records: list[Record]
) -> None:
    """Or else each plan would fill what rounding took before, and take the same again."""
    part, opening = compiled(case, 24, 24), records[0].opening
    plan = opened(part, opening)
    divisible = paid_for(plan, part, opening)
    columns = [(name, member, column) for name in HIGHEST for member, column in part.column.get(name, {}).items()]
    for name, member, column in columns:
        assert plan.lower[column] == pytest.approx(opening.highest[name][member], abs=1e-9)
        assert divisible.lower[column] == pytest.approx(opening.relaxed[name][member], abs=1e-9)
    others = np.setdiff1d(np.arange(plan.columns), [column for *_, column in columns])
    assert np.array_equal(plan.lower[others], divisible.lower[others])
    assert np.array_equal(plan.upper, divisible.upper)
