"""Windows: what is cut, what is taken in proportion, and what cannot be rolled."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from hubs.errors import InputError
from optimizer.blocks.jobs import all_start_hours, concerns, start_hours
from optimizer.rolling.window import Span, spans, window
from scenarios.case import Case
from tests.cases import full_case
from tests.rolling.longer import longer


@pytest.fixture(scope="module")
def case() -> Case:
    return longer(full_case(expansion=None), 5, jobs=24)


def test_windows_cover_the_horizon_once_and_the_last_takes_what_is_left(case: Case) -> None:
    assert spans(case, 2, 1) == (Span(0, 48, 24), Span(48, 72, 0))
    assert spans(case, 1, 2)[-2:] == (Span(72, 24, 24), Span(96, 24, 0))
    assert spans(case, 5, 2) == spans(case, 9, 2) == (Span(0, 120, 0),)


def test_the_whole_horizon_is_its_own_window(case: Case) -> None:
    assert window(case, 0, case.horizon.hours) is case


def test_hourly_figures_of_windows_put_together_are_those_of_the_horizon(case: Case) -> None:
    parts = [window(case, span.start_h, span.hours) for span in spans(case, 2, 0)]
    for field in fields(case):
        whole = getattr(case, field.name)
        if isinstance(whole, np.ndarray) and whole.shape[-1] in (case.horizon.hours, case.horizon.days):
            joined = np.concatenate([getattr(part, field.name) for part in parts], axis=-1)
            assert np.array_equal(joined, whole), field.name
    assert [part.horizon.time(0) for part in parts] == [case.horizon.time(0), case.horizon.time(48)]
    assert [(part.horizon.before_h, part.horizon.after_h) for part in parts] == [(0, 72), (48, 0)]
    called = [h + part.horizon.before_h for part in parts if part.peak_shaving for h in part.peak_shaving.hours]
    assert case.peak_shaving
    assert tuple(called) == case.peak_shaving.hours


def test_what_stands_for_the_horizon_is_shared_by_hours(case: Case) -> None:
    parts = [window(case, span.start_h, span.hours) for span in spans(case, 2, 0)]
    assert case.cooperation
    total = sum(part.cooperation.fund_kcny["East"] for part in parts if part.cooperation)
    assert total == pytest.approx(case.cooperation.fund_kcny["East"], rel=1e-12)
    assert sum(part.demand_charge_kcny_per_mw for part in parts) == pytest.approx(case.demand_charge_kcny_per_mw)
    assert sum(part.generations[0].lighting_kcny for part in parts) == pytest.approx(case.generations[0].lighting_kcny)


def test_every_start_of_every_job_is_settled_in_exactly_one_window(case: Case) -> None:
    parts = [window(case, span.start_h, span.hours) for span in spans(case, 1, 0)]
    found: dict[str, list[int]] = {job.name: [] for job in case.jobs}
    for part in parts:
        for job in part.jobs:
            found[job.name] += [t + part.horizon.before_h for t in start_hours(part, job)]
    assert any(len(hours) > 4 for hours in found.values())
    for job in case.jobs:
        assert found[job.name] == start_hours(case, job) == all_start_hours(case, job), job.name


def test_a_job_that_can_start_nowhere_is_dropped_in_one_window(case: Case) -> None:
    hopeless = replace(case.jobs[0], name="hopeless", release_h=30, deadline_h=31, duration_h=5)
    lone = replace(case, jobs=(hopeless,))
    parts = [window(lone, span.start_h, span.hours) for span in spans(lone, 1, 0)]
    assert [sum(concerns(part, job) for job in part.jobs) for part in parts] == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda case: replace(case, horizon=replace(case.horizon, cyclic=True)), "the horizon is cyclic"),
        (lambda case: replace(case, expansion=full_case().expansion), "block 'expansion' is on"),
        (lambda case: replace(case, start_grid_h=5), "jobs start every 5 h"),
        (
            lambda case: replace(case, batches=(replace(case.batches[0], window_h=30),)),
            "class 'render' may wait 30 h; what crosses a seam ends in the next window, of 24 h. Mend: take windows",
        ),
        (lambda case: replace(case, jobs=(replace(case.jobs[0], duration_h=20),)), "with its data takes 31 h"),
        (
            lambda case: replace(case, generations=(replace(case.generations[0], min_up_h=25),)),
            "a pod of generation 'a' stays on for 25 h",
        ),
    ],
)
def test_what_cannot_be_rolled_is_refused_in_words(case: Case, change: object, said: str) -> None:
    with pytest.raises(InputError) as refused:
        spans(change(case), 1, 1)  # type: ignore[operator]
    assert said in str(refused.value)
    assert "horizon.window_days" in str(refused.value) or "window_days" in repr(refused.value.faults)
