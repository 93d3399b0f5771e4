"""The case as a table: every number of it stands there once, and a change to any one of them is named alone."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from optimizer.compare.cases import case_changes, ranges
from optimizer.runs.casetable import AXES, HOURS, LABELS, NO_HOUR, case_table
from optimizer.runs.manifest import field_hashes
from scenarios.case import Case
from tests.cases import full_case

FULL = full_case()
TABLE = case_table(FULL)


def arrays(value: Any, path: str = "") -> dict[str, np.ndarray[Any, Any]]:
    """Dotted path -> array, of everything in a case but its lists."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    for item in fields(value):
        inner = getattr(value, item.name)
        if isinstance(inner, np.ndarray):
            found[f"{path}{item.name}"] = inner
        elif is_dataclass(inner):
            found |= arrays(inner, f"{path}{item.name}.")
    return found


ARRAYS = arrays(FULL)


def altered(case: Any, path: str, array: np.ndarray[Any, Any]) -> Any:
    head, _, rest = path.partition(".")
    return replace(case, **{head: altered(getattr(case, head), rest, array) if rest else array})


def test_every_number_stands_once() -> None:
    assert not TABLE.duplicated(["field", "key", "hour"]).any()
    for path, array in ARRAYS.items():
        rows = TABLE[TABLE["field"] == path]
        assert rows["value"].tolist() == array.astype(float).ravel().tolist(), path
    assert set(TABLE["field"].str.split(".").str[0]) == {item.name for item in fields(Case)} - set(LABELS)
    assert (TABLE["value"].isna() == (TABLE["text"] != "")).all()


def test_every_array_has_names_for_its_axes() -> None:
    assert set(ARRAYS) | {"positions.quantity_eflops"} == set(AXES)
    assert all(len(AXES[path]) == array.ndim for path, array in ARRAYS.items())


@pytest.mark.parametrize("path", ARRAYS)
def test_one_number_of_an_array_is_named_alone(path: str) -> None:
    place = tuple(size - 1 for size in ARRAYS[path].shape)
    array = ARRAYS[path].copy()
    before = float(array[place])
    array[place] += 1
    case = altered(FULL, path, array)
    (change,) = case_changes(TABLE, case_table(case))
    assert (change.field, change.before, change.after) == (path, before, float(array[place]))
    assert change.hours == (str(array.shape[-1] - 1) if AXES[path][-1] == HOURS else "")
    assert change.key or AXES[path] == (HOURS,)
    mine, theirs = field_hashes(FULL), field_hashes(case)
    assert [field for field in mine if mine[field] != theirs[field]] == [path.split(".")[0]]


@pytest.mark.parametrize(
    ("case", "field", "key", "before", "after"),
    [
        (replace(FULL, start_grid_h=2), "start_grid_h", "", 1.0, 2.0),
        (replace(FULL, carbon_ledger="market"), "carbon_ledger", "", "location", "market"),
        (replace(FULL, horizon=replace(FULL.horizon, cyclic=False)), "horizon.cyclic", "", "true", "false"),
        (replace(FULL, blocks=FULL.blocks[1:]), "blocks", FULL.blocks[0], "yes", None),
        (replace(FULL, site_hub={"Plateau": "other hub"}), "site_hub", "Plateau", "West hub", "other hub"),
        (
            replace(FULL, jobs=(replace(FULL.jobs[0], deadline_h=3), FULL.jobs[1])),
            "jobs.deadline_h",
            "train",
            4.0,
            3.0,
        ),
        (
            replace(FULL, services=(FULL.services[0], replace(FULL.services[1], max_sites=None))),
            "services.max_sites",
            "chat",
            1.0,
            None,
        ),
        (
            replace(
                FULL,
                routes=FULL.routes | {("West", "Plateau"): (replace(FULL.routes["West", "Plateau"][0], rtt_ms=3.0),)},
            ),
            "routes.rtt_ms",
            "West / Plateau / 0",
            2.0,
            3.0,
        ),
    ],
)
def test_one_scalar_is_named_alone(case: Case, field: str, key: str, before: Any, after: Any) -> None:
    (change,) = case_changes(TABLE, case_table(case))
    assert (change.field, change.key, change.before, change.after, change.hours) == (field, key, before, after, "")
    (back,) = case_changes(case_table(case), TABLE)
    assert (back.before, back.after) == (after, before)


def test_the_order_in_which_a_case_stands_is_no_difference() -> None:
    shuffled = TABLE.sample(frac=1.0, random_state=1)
    assert case_changes(TABLE, shuffled) == ()
    assert case_changes(TABLE, case_table(replace(FULL, name="other", facts={}))) == ()


def test_a_scaled_series_is_one_line() -> None:
    case = replace(FULL, demand_eflops=FULL.demand_eflops * 2)
    changes = case_changes(TABLE, case_table(case))
    assert [(c.key, c.hours) for c in changes] == [
        (f"{r} / {k.name}", "0-3") for r in FULL.regions for k in sorted(FULL.services, key=lambda k: k.name)
    ]
    chat = FULL.demand_eflops[0, 1]
    assert changes[0].before == pytest.approx(chat.mean())
    assert (changes[0].least, changes[0].most) == pytest.approx((chat.min(), chat.max()))


def test_hours_in_words() -> None:
    assert ranges([]) == ""
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert NO_HOUR not in range(24)
