"""Windows of a horizon: the same case over some of its hours, as a pure slice.

Hourly and daily arrays are cut, hours are counted from the window's first, and money that stands for the whole
horizon (annuities, rents, funds, least volumes, the demand charge) is taken in proportion to the window's hours. What
crosses a seam is no data of a window: it stands in its model as variables named `earlier_...`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.blocks.jobs import all_start_hours, concerns
from scenarios.case import Case, Job

DAY_H = 24


@dataclass(frozen=True)
class Span:
    """Hours of a window from the horizon's first, and how many hours after them are looked at."""

    start_h: int
    hours: int
    ahead_h: int

    @property
    def end_h(self) -> int:
        return self.start_h + self.hours


def spans(case: Case, window_days: int, ahead_days: int) -> tuple[Span, ...]:
    """The windows of a horizon, in order; what is left over at the end belongs to the last.

    Raises InputError where a case cannot be rolled by such windows.
    """
    hours, step = case.horizon.hours, DAY_H * window_days
    if step >= hours:
        return (Span(0, hours, 0),)
    faults = list(_faults(case, step))
    if faults:
        raise InputError(faults)
    starts = list(range(0, hours - step + 1, step))
    ends = [*starts[1:], hours]
    ahead_h = DAY_H * ahead_days
    return tuple(Span(start, end - start, min(ahead_h, hours - end)) for start, end in zip(starts, ends, strict=True))


def window(case: Case, start_h: int, hours: int) -> Case:
    """The case of `hours` hours from `start_h` (both whole days, or up to the end of the horizon)."""
    if start_h == 0 and hours == case.horizon.hours:
        return case
    horizon, t = case.horizon, slice(start_h, start_h + hours)
    days = slice(start_h // DAY_H, -(-(start_h + hours) // DAY_H))
    cut = replace(
        _pro_rated(case, hours / horizon.hours),
        horizon=replace(
            horizon,
            start=horizon.time(start_h),
            hours=hours,
            cyclic=False,
            before_h=horizon.before_h + start_h,
            after_h=horizon.after_h + horizon.hours - start_h - hours,
        ),
        demand_eflops=case.demand_eflops[:, :, t],
        arrivals_eflopsh=case.arrivals_eflopsh[:, :, days],
        arrived_by_frac=case.arrived_by_frac[:, t],
        running_eflops=case.running_eflops[:, t],
        pue_ratio=case.pue_ratio[:, t],
        energy_kcny_per_mwh=case.energy_kcny_per_mwh[:, t],
        direct_mw=case.direct_mw[:, :, t],
        positions=tuple(replace(p, quantity_eflops=p.quantity_eflops[t]) for p in case.positions),
        peak_shaving=case.peak_shaving
        and replace(
            case.peak_shaving, hours=tuple(h - start_h for h in case.peak_shaving.hours if start_h <= h < t.stop)
        ),
    )
    return replace(cut, jobs=tuple(_jobs(cut, case.jobs, start_h)))


def _jobs(cut: Case, jobs: tuple[Job, ...], start_h: int) -> Iterator[Job]:
    """The jobs that a window decides on, and those it finds started in its first period."""
    for job in jobs:
        if job.deadline_h < start_h or job.release_h >= start_h + cut.horizon.hours:
            continue
        moved = replace(job, release_h=job.release_h - start_h, deadline_h=job.deadline_h - start_h)
        hours = all_start_hours(cut, moved)
        if concerns(cut, moved) or any(0 <= t < cut.horizon.period_h for t in hours):
            yield moved


def _pro_rated(case: Case, share: float) -> Case:
    """What stands for the whole horizon, in proportion.

    A cap on returned tax is on the sum over the horizon, however early it is reached: it is applied at the end.
    """
    return replace(
        case,
        generations=tuple(replace(g, lighting_kcny=share * g.lighting_kcny) for g in case.generations),
        demand_charge_kcny_per_mw=share * case.demand_charge_kcny_per_mw,
        innovation=case.innovation
        and replace(case.innovation, weight_kcny_per_point=share * case.innovation.weight_kcny_per_point),
        wavelengths=case.wavelengths and replace(case.wavelengths, rent_kcny=share * case.wavelengths.rent_kcny),
        cooperation=case.cooperation
        and replace(
            case.cooperation,
            agreement_kcny=share * case.cooperation.agreement_kcny,
            minimum_eflopsh=share * case.cooperation.minimum_eflopsh,
            fund_kcny={r: share * fund for r, fund in case.cooperation.fund_kcny.items()},
            tax_cap_kcny=np.inf,
        ),
    )


def _faults(case: Case, step: int) -> Iterator[Fault]:
    horizon = case.horizon

    def fault(found: str, rule: str, mend: str) -> Fault:
        return Fault(f"scenario '{case.name}'", None, "horizon.window_days", found, rule, mend)

    if horizon.cyclic:
        found = "the horizon is cyclic and is to be rolled"
        yield fault(found, "what is rolled has a first hour and a last", "set horizon.cyclic = false")
    if case.expansion is not None and "expansion" in case.blocks:
        found, rule = "block 'expansion' is on", "what is built is decided for the whole horizon at once"
        yield fault(found, rule, "set blocks.expansion = false, or solve the horizon as one window")
    if DAY_H % case.start_grid_h:
        found = f"jobs start every {case.start_grid_h} h"
        yield fault(found, "a window opens at midnight, where jobs may start", "choose a divisor of 24 h")
    longest = {
        **{f"class '{b.name}' may wait": b.window_h for b in case.batches},
        **{f"{job.name} with its data takes": job.duration_h + horizon.period_h - 1 for job in case.jobs},
        **{f"a pod of generation '{g.name}' stays on for": g.min_up_h for g in case.generations},
    }
    name = max(longest, key=lambda key: longest[key], default="")
    if name and longest[name] > step:
        found, rule = f"{name} {longest[name]} h", f"what crosses a seam ends in the next window, of {step} h"
        yield fault(found, rule, f"take windows of {-(-longest[name] // DAY_H)} days")
