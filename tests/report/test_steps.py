"""Hours of a short horizon, days of a long one: means and sums against plain loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from optimizer.report.steps import LONGEST_H, Steps, by_day, steps_of
from optimizer.runs.store import Run


@pytest.mark.parametrize(("hours", "step_h"), [(1, 1), (LONGEST_H, 1), (LONGEST_H + 1, 24), (8760, 24)])
def test_a_horizon_beyond_two_weeks_is_shown_by_day(write: Callable[..., Run], hours: int, step_h: int) -> None:
    assert steps_of(write({"hours": hours})).step_h == step_h


def test_every_hour_is_in_one_step_and_the_last_may_be_short() -> None:
    steps = Steps("2025-07-14T06:00:00", 50, 24)
    assert steps.edges_h == [0, 24, 48, 50]
    assert steps.lengths_h == [24, 24, 2]
    assert steps.edges == ["2025-07-14 06:00", "2025-07-15 06:00", "2025-07-16 06:00", "2025-07-16 08:00"]
    assert steps.is_daily
    assert "14 days" in steps.note
    assert Steps("2025-07-14T06:00:00", 50, 1).note == ""


def test_means_are_those_of_a_loop() -> None:
    steps = Steps("2025-07-14T00:00:00", 50, 24)
    values = np.random.default_rng(1).normal(size=(3, 50))
    means = steps.means(pd.DataFrame(values, index=list("abc"))).to_numpy()
    for row in range(3):
        for step, (low, high) in enumerate([(0, 24), (24, 48), (48, 50)]):
            assert means[row, step] == pytest.approx(sum(values[row, low:high]) / (high - low))
    hourly = Steps("2025-07-14T00:00:00", 50, 1).means(pd.DataFrame(values))
    assert (hourly.to_numpy() == values).all()


def test_an_hour_that_is_not_known_leaves_its_day_not_known() -> None:
    wide = pd.DataFrame([np.ones(48)])
    wide.iloc[0, 30] = np.nan
    means = Steps("2025-07-14T00:00:00", 48, 24).means(wide).to_numpy()[0]
    assert means[0] == 1.0
    assert np.isnan(means[1])


def test_days_sum_what_adds_up_and_average_the_rest() -> None:
    hours = pd.DataFrame({"site": ["a"] * 30 + ["b"] * 30, "hour": [*range(30)] * 2})
    hours["time"] = [f"t{hour}" for hour in hours["hour"]]
    hours["energy_kcny"], hours["facility_mw"] = np.arange(60.0), np.arange(60.0)
    days = by_day(hours).set_index(["site", "day"])
    assert "hour" not in days
    assert days.loc[("a", 0), "energy_kcny"] == sum(range(24))
    assert days.loc[("a", 0), "facility_mw"] == sum(range(24)) / 24
    assert days.loc[("b", 1), "energy_kcny"] == sum(range(54, 60))
    assert days.loc[("b", 1), "facility_mw"] == sum(range(54, 60)) / 6
    assert days.loc[("b", 1), "time"] == "t24"
