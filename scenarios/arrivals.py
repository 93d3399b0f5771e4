"""Atomic training jobs drawn from the quantiles of public GPU-cluster traces.

Sizes and durations are drawn by GPU-hour, not by count: nine jobs in ten of a trace are one accelerator for
minutes, but the work is in the large ones. Durations are conditioned on fitting the horizon (longer jobs
are the load that is already running when it opens). Deadlines are assumed: no trace has observed them.
"""

from __future__ import annotations

import numpy as np

from scenarios import figures
from scenarios.case import Floats, Generation, Horizon, Job
from scenarios.profiles import stream
from scenarios.schema import JobsSection


def draw_jobs(
    spec: JobsSection, regions: dict[str, float], horizon: Horizon, pod: Generation, seed: int, scale_ratio: float
) -> tuple[Job, ...]:
    """`spec.count` x scale jobs: region by demand share, size, duration, release and deadline. Sorted by release."""
    sizes = figures.quantiles("job_quantiles", trace=spec.trace, metric="gpus", weighting="gpu_hour")
    durations = figures.quantiles("job_quantiles", trace=spec.trace, metric="duration_h", weighting="gpu_hour")
    slacks = figures.quantiles("deadline_tolerance", kind=spec.slack)
    names, shares = list(regions), np.array(list(regions.values()))
    by_hour = np.asarray(figures.table("job_arrivals").sort_values("hour")["helios_gpus"], dtype=float)
    longest = min(spec.duration_max_h, horizon.hours - 1)
    reach = _share_below(durations, longest)
    jobs = []
    for number in range(round(spec.count * scale_ratio)):
        rng = stream(seed, "job", str(number))
        region = names[int(np.searchsorted(np.cumsum(shares) / shares.sum(), rng.random()))]
        pods = int(np.clip(round(_draw(sizes, rng.random()) / sizes[4] * spec.pods_at_median), 1, spec.pods_max))
        duration = int(np.clip(np.ceil(_draw(durations, rng.random() * reach)), 2, longest))
        slack = max(1.1, _draw(slacks, rng.random()))
        window = min(horizon.hours, int(np.ceil(duration * slack)) + horizon.period_h + spec.start_grid_h)
        release = _release(horizon, window, by_hour, rng)
        eflops = pods * pod.usable_eflops
        jobs.append(
            Job(f"job {number + 1:03d}", region, pods, eflops, duration, release, release + window, spec.data_tb_per_pod * pods,
                spec.value_kcny_per_eflopsh * eflops * duration)
        )
    return tuple(sorted(jobs, key=lambda job: (job.release_h, job.name)))


def _release(horizon: Horizon, window: int, by_hour: Floats, rng: np.random.Generator) -> int:
    """An hour at which jobs are submitted, early enough for the window to fit; before the horizon if it must be."""
    earliest = -horizon.period_h
    candidates = np.arange(earliest, max(earliest, horizon.hours - window) + 1)
    weights = by_hour[(horizon.start.hour + candidates) % 24]
    return int(rng.choice(candidates, p=weights / weights.sum()))


def _draw(points: Floats, u: float) -> float:
    """Inverse distribution: linear between the published quantiles, held at the ends."""
    return float(np.interp(u, figures.QUANTILES, points))


def _share_below(points: Floats, value: float) -> float:
    """Share of the distribution below a value; at least the first published quantile."""
    return float(max(figures.QUANTILES[0], np.interp(value, points, figures.QUANTILES)))


