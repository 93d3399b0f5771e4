"""Jobs drawn from quantiles: within the trace, feasible, and each with a stream of its own."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import Any

import numpy as np
import pytest

from optimizer.blocks.jobs import start_hours
from scenarios import figures
from scenarios.arrivals import draw_jobs, earliest_start_h
from scenarios.build import build_case
from scenarios.case import Generation, Horizon, Job
from scenarios.library import load
from scenarios.sections import JobsSection
from tests.cases import two_site_case

POD = Generation("a", 0.32, 0.3, 1.0, 1.0, 1.0, usable_frac=0.8)
WEEK = Horizon(datetime(2025, 7, 14), 168)
SHARES = {"East": 0.6, "West": 0.3, "North": 0.1}


def spec(**changes: Any) -> JobsSection:
    return load("week").scenario.jobs.model_copy(update={"count": 400, **changes})


def drawn(horizon: Horizon = WEEK, seed: int = 1, scale: float = 1.0, **changes: Any) -> tuple[Job, ...]:
    return draw_jobs(spec(**changes), SHARES, horizon, POD, seed, scale)


def test_as_many_as_asked_for_sorted_by_release() -> None:
    jobs = drawn()
    assert len(jobs) == len({job.name for job in jobs}) == 400
    assert [job.release_h for job in jobs] == sorted(job.release_h for job in jobs)
    assert len(drawn(scale=1.5)) == 600
    assert drawn(count=0) == ()


def test_numbers_of_a_job_belong_together() -> None:
    section = spec()
    for job in drawn():
        assert job.eflops == pytest.approx(job.pods * POD.usable_eflops)
        assert job.data_tb == pytest.approx(section.data_tb_per_pod * job.pods)
        assert job.value_kcny == pytest.approx(section.value_kcny_per_eflopsh * job.eflops * job.duration_h)
        assert 1 <= job.pods <= section.pods_max
        assert 2 <= job.duration_h <= section.duration_max_h


def test_regions_come_by_their_share() -> None:
    regions = [job.region for job in drawn(count=4000)]
    for region, share in SHARES.items():
        assert regions.count(region) / 4000 == pytest.approx(share, abs=0.03)


def test_durations_are_those_of_the_trace_given_that_they_fit() -> None:
    """The conditional quantiles of the draw are the trace's quantiles below the longest duration, rounded up."""
    points = figures.quantiles("job_quantiles", trace="philly", metric="duration_h", weighting="gpu_hour")
    longest = 60
    reach = np.interp(longest, points, figures.QUANTILES)
    durations = np.array([job.duration_h for job in drawn(count=4000, duration_max_h=longest)])
    for u in (0.25, 0.5, 0.75, 0.9):
        expected = np.interp(u * reach, figures.QUANTILES, points)
        assert np.quantile(durations, u) == pytest.approx(max(2.0, np.ceil(expected)), abs=2.5)
    assert durations.max() <= longest


def test_the_median_job_has_the_pods_asked_for() -> None:
    pods = np.array([job.pods for job in drawn(count=2000, pods_at_median=8, pods_max=10_000)])
    assert np.median(pods) == pytest.approx(8, abs=1)
    assert np.ptp(pods) > 0


def test_a_job_is_the_same_whatever_the_number_of_the_others() -> None:
    few, many = ({job.name: job for job in drawn(count=count)} for count in (10, 400))
    assert all(many[name] == job for name, job in few.items())
    assert drawn(seed=2) != drawn(seed=1)


@pytest.mark.parametrize(
    ("hours", "period_h", "grid_h"),
    [(1, 1, 1), (2, 1, 1), (2, 2, 24), (6, 6, 3), (12, 6, 5), (24, 24, 1), (24, 6, 3), (168, 6, 3)],
)
def test_every_job_can_start_and_end_in_time(hours: int, period_h: int, grid_h: int) -> None:
    horizon = Horizon(datetime(2025, 7, 14), hours, period_h)
    case = two_site_case(horizon=horizon, start_grid_h=grid_h)
    for job in drawn(horizon, start_grid_h=grid_h, count=200):
        assert 1 <= job.duration_h <= hours
        assert job.deadline_h <= hours
        assert job.release_h >= -period_h
        assert start_hours(case, job), job


def test_the_earliest_start_is_that_of_the_model() -> None:
    for release_h, period_h, grid_h in product(range(-7, 20), (1, 2, 3, 6, 12, 24), (1, 2, 3, 5, 7)):
        case = two_site_case(horizon=Horizon(datetime(2025, 7, 14), 120, period_h), start_grid_h=grid_h)
        job = Job("j", "East", 1, 1.0, 1, release_h, 120, 0.0, 0.0)
        assert start_hours(case, job)[0] == earliest_start_h(release_h, period_h, grid_h)


@pytest.mark.parametrize("name", ["tiny", "day", "week"])
def test_every_job_of_the_library_can_start_somewhere(name: str) -> None:
    case = build_case(load(name))
    room = max(case.usable_eflops(c) for c in case.clusters)
    for job in case.jobs:
        assert start_hours(case, job)
        assert job.eflops <= room
        assert any((job.region, c) in case.routes for c in case.clusters)
