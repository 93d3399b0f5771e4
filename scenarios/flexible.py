"""Latency-bound demand that may wait: the same work, bytes and value, as batch classes that may run anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenarios.case import TB_PER_GBPS_H, Batch, Floats, Horizon, Service
from scenarios.scope import Scope

LATE_FRAC = 0.02
"""An hour late costs this part of losing the work (assumed)."""


def classes(scope: Scope, services: Sequence[Service]) -> tuple[Batch, ...]:
    """One batch class per service class, none if nothing may wait."""
    demand = scope.scenario.demand
    if not demand.flexible_frac:
        return ()
    return tuple(
        Batch(
            f"{k.name} that may wait",
            demand.flexible_window_h,
            k.traffic_gbps_per_eflops * TB_PER_GBPS_H,
            LATE_FRAC * k.lost_kcny_per_eflopsh,
            k.lost_kcny_per_eflopsh,
        )
        for k in services
    )


def arrivals_eflopsh(scope: Scope, demand_eflops: Floats) -> Floats:
    """(r, k, d): the share of each day's demand (r, k, t) that may wait."""
    starts = range(0, scope.horizon.hours, 24)
    return scope.scenario.demand.flexible_frac * np.add.reduceat(demand_eflops, list(starts), axis=2)


def arrived_by_frac(scope: Scope, demand_eflops: Floats) -> Floats:
    """(k, t): arrivals follow the nation's demand (r, k, t) of the class."""
    return np.array([by_day(row, scope.horizon) for row in demand_eflops.sum(axis=0)])


def by_day(weights: Floats, horizon: Horizon) -> Floats:
    """(t,): hourly weights as the share of their day that is in by the end of each hour."""
    days = [weights[24 * d : 24 * d + n].cumsum() for d, n in enumerate(horizon.day_hours)]
    # A day without weight has nothing to spread: any shape will do.
    return np.concatenate([day / day[-1] if day[-1] > 0 else np.linspace(1 / day.size, 1, day.size) for day in days])
