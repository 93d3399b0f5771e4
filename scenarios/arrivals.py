"""Atomic training jobs drawn from the quantiles of public GPU-cluster traces.

Sizes and durations are drawn by GPU-hour, not by count: nine jobs in ten of a trace are one accelerator for
minutes, but the work is in the large ones. Durations are conditioned on fitting the horizon (longer jobs
are the load that is already running when it opens). Deadlines are assumed: no trace has observed them.
"""

from __future__ import annotations

import numpy as np

from scenarios import figures
from scenarios.case import Floats, Generation, Horizon, Ints, Job
from scenarios.profiles import stream
from scenarios.sections import JobsSection


def draw_jobs(
    spec: JobsSection, regions: dict[str, float], horizon: Horizon, pod: Generation, seed: int, scale_ratio: float
) -> tuple[Job, ...]:
    """`spec.count` x scale jobs: region by demand share, size, duration, release and deadline. Sorted by release."""
    sizes = figures.quantiles("job_quantiles", trace=spec.trace, metric="gpus", weighting="gpu_hour")
    durations = figures.quantiles("job_quantiles", trace=spec.trace, metric="duration_h", weighting="gpu_hour")
    slacks = figures.quantiles("deadline_tolerance", kind=spec.slack)
    names, shares = list(regions), np.array(list(regions.values()))
    by_hour = np.asarray(figures.table("job_arrivals").sort_values("hour")["helios_gpus"], dtype=float)
    longest = min(spec.duration_max_h, horizon.hours)
    reach = _share_below(durations, longest)
    jobs = []
    for number in range(round(spec.count * scale_ratio)):
        rng = stream(seed, "job", str(number))
        region = names[min(int(np.searchsorted(np.cumsum(shares) / shares.sum(), rng.random())), len(names) - 1)]
        pods = int(np.clip(round(_draw(sizes, rng.random()) / sizes[4] * spec.pods_at_median), 1, spec.pods_max))
        duration_h = int(np.clip(np.ceil(_draw(durations, rng.random() * reach)), 2, longest))
        slack = max(1.1, _draw(slacks, rng.random()))
        window_h = int(np.ceil(duration_h * slack)) + horizon.period_h + spec.start_grid_h
        release_h = _release(horizon, window_h, duration_h, spec.start_grid_h, by_hour, rng)
        deadline_h = min(horizon.hours, release_h + window_h)
        eflops, data_tb = pods * pod.usable_eflops, spec.data_tb_per_pod * pods
        value_kcny = spec.value_kcny_per_eflopsh * eflops * duration_h
        name = f"job {number + 1:03d}"
        jobs.append(Job(name, region, pods, eflops, duration_h, release_h, deadline_h, data_tb, value_kcny))
    return tuple(sorted(jobs, key=lambda job: (job.release_h, job.name)))


def earliest_start_h(release_h: int, period_h: int, start_grid_h: int) -> int:
    """First hour of the grid at which a job can start: its data takes a whole steering period, after its release.

    A job released before the horizon has had its data sent ahead and can start at once.
    """
    if release_h < 0:
        return 0
    moved_h = (-(-release_h // period_h) + 1) * period_h
    return -(-moved_h // start_grid_h) * start_grid_h


def _release(
    horizon: Horizon, window_h: int, duration_h: int, start_grid_h: int, by_hour: Floats, rng: np.random.Generator
) -> int:
    """An hour at which jobs are submitted and from which this one can be done; before the horizon if it must be."""
    hours = np.arange(-horizon.period_h, max(0, horizon.hours - window_h) + 1)
    starts = _earliest_starts_h(hours, horizon.period_h, start_grid_h)
    candidates = hours[starts + duration_h <= np.minimum(horizon.hours, hours + window_h)]
    weights = by_hour[(horizon.start.hour + candidates) % 24]
    return int(rng.choice(candidates, p=weights / weights.sum()))


def _earliest_starts_h(release_h: Ints, period_h: int, start_grid_h: int) -> Ints:
    """`earliest_start_h` of many releases."""
    moved_h = (-(-release_h // period_h) + 1) * period_h
    return np.where(release_h < 0, 0, -(-moved_h // start_grid_h) * start_grid_h)


def _draw(points: Floats, u: float) -> float:
    """Inverse distribution: linear between the published quantiles, held at the ends."""
    return float(np.interp(u, figures.QUANTILES, points))


def _share_below(points: Floats, value: float) -> float:
    """Share of the distribution below a value; at least the first published quantile."""
    return float(max(figures.QUANTILES[0], np.interp(value, points, figures.QUANTILES)))
