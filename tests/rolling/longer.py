"""Cases of several days for tests: a small case repeated day after day with its figures shaken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scenarios.case import Case, Floats, Horizon, Job

DAY_H = 24


def longer(case: Case, days: int, seed: int = 0, period_h: int = 12, grid_h: int = 6, jobs: int | None = None) -> Case:
    """`case` over whole days, open at both ends; hourly figures repeat and are shaken by up to a tenth."""
    rng = np.random.default_rng(seed)
    hours, old = DAY_H * days, case.horizon.hours

    def hourly(values: Floats, shake: bool = True) -> Floats:
        tiled = np.resize(np.moveaxis(values, -1, 0), (hours, *values.shape[:-1]))
        return np.moveaxis(tiled * (rng.uniform(0.9, 1.1, tiled.shape) if shake else 1.0), 0, -1)

    def position(values: Floats) -> Floats:
        return np.resize(values, hours)

    arrived = np.tile(np.linspace(1 / DAY_H, 1.0, DAY_H) ** 1.3, (len(case.batches), days))
    made = [_job(case, n, days, period_h, rng) for n in range(len(case.jobs) * days if jobs is None else jobs)]
    changes: dict[str, Any] = {
        "horizon": Horizon(case.horizon.start, hours, period_h, cyclic=False),
        "demand_eflops": hourly(case.demand_eflops),
        "batches": tuple(replace(b, window_h=int(rng.integers(3, 20))) for b in case.batches),
        "arrivals_eflopsh": np.repeat(case.arrivals_eflopsh[:, :, :1] * DAY_H / old, days, axis=2)
        * rng.uniform(0.6, 1.4, (len(case.regions), len(case.batches), days)),
        "arrived_by_frac": arrived,
        "jobs": tuple(sorted(made, key=lambda job: (job.release_h, job.name))),
        "start_grid_h": grid_h,
        "running_eflops": np.maximum(0.0, hourly(case.running_eflops) * np.linspace(1, -3, hours)),
        "local_slot_h": 4,
        "pue_ratio": np.maximum(1.0, hourly(case.pue_ratio)),
        "energy_kcny_per_mwh": hourly(case.energy_kcny_per_mwh),
        "direct_mw": hourly(case.direct_mw),
        "positions": tuple(replace(p, quantity_eflops=position(p.quantity_eflops)) for p in case.positions),
    }
    if case.peak_shaving:
        called = tuple(h for h in range(hours) if h % DAY_H in (18, 19))
        changes["peak_shaving"] = replace(case.peak_shaving, hours=called)
    if case.cooperation:
        by = hours / old
        changes["cooperation"] = replace(
            case.cooperation,
            agreement_kcny=by * case.cooperation.agreement_kcny,
            minimum_eflopsh=by * case.cooperation.minimum_eflopsh,
            fund_kcny={r: by * fund for r, fund in case.cooperation.fund_kcny.items()},
            tax_cap_kcny=by * case.cooperation.tax_cap_kcny,
        )
    return replace(case, **changes)


def _job(case: Case, number: int, days: int, period_h: int, rng: np.random.Generator) -> Job:
    """A job like one of the case's, released some time, of up to twelve hours, with a day or so to be done."""
    like = case.jobs[number % len(case.jobs)]
    duration_h = int(rng.integers(2, 12))
    release_h = int(rng.integers(-period_h, DAY_H * days - 12))
    deadline_h = release_h + duration_h + int(rng.integers(period_h, 40))
    value_kcny = like.value_kcny * duration_h / like.duration_h
    return replace(
        like,
        name=f"job {number}",
        duration_h=duration_h,
        release_h=release_h,
        deadline_h=min(deadline_h, DAY_H * days),
        value_kcny=value_kcny,
    )
