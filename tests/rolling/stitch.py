"""The windows' plans put together as one point of the undivided programme, by the name of each variable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.rolling.beside import Here
from optimizer.rolling.journal import Journal
from optimizer.rolling.roll import Roll, Whole
from optimizer.rolling.window import spans
from optimizer.solve.compile import Program
from optimizer.solve.solution import Plan
from scenarios.case import Case, Floats

BY_HOUR = (
    *("fleet.pods_on", "fleet.started", "fleet.load_eflops", "fleet.local_load_eflops"),
    *("grid.import_mw", "renewable.direct_mw", "peak_shaving.shaved_mw"),
    *("storage.charge_mw", "storage.discharge_mw", "storage.stored_mwh"),
    *("batch.run_eflops", "batch.queue_eflopsh", "batch.late_eflopsh", "jobs.start"),
)
BY_PERIOD = (
    *("service.share_frac", "service.unserved_frac"),
    *("network.pinned_gbps", "network.flow_gbps", "network.received_tb_per_h"),
)
BY_DAY = (
    *("batch.assign_eflopsh", "batch.sent_eflopsh", "hosting.hosted_eflopsh"),
    *("delivery.delivered_eflopsh", "delivery.undelivered_eflopsh"),
)
HIGHEST = ("grid.peak_mw", "fleet.lit", "fleet.used")
ONCE = ("service.open_site", "cooperation.agreement", "network.wavelengths", "peak_shaving.enrolled_frac")
ADDED = (
    *("batch.unfinished_eflopsh", "jobs.dropped_frac", "green.certificate_mwh", "green.shortfall_mwh"),
    *("credit.conveyed_mwh", "cooperation.outsourced_eflopsh", "cooperation.transfer_kcny", "delivery.untaken_eflopsh"),
)


def rolled(
    case: Case, window_days: int, ahead_days: int, folder: Path, gap: float = 1e-7, stretch_h: int = 0
) -> tuple[Whole, list[Plan]]:
    """Roll a case in this process, and keep the plans of its windows."""
    plans: list[Plan] = []
    roll = Roll(case, spans(case, window_days, ahead_days), gap, Journal(folder), Here(), stretch_h)
    whole = roll.run(lambda _, plan: plans.append(plan), lambda _: lambda _: None)
    return whole, plans


def stitched(case: Case, program: Program, plans: Sequence[Plan]) -> Floats:
    """A point of the undivided programme, from those of its windows."""
    value: dict[tuple[str, Any], float] = {}
    for plan in plans:
        for name, members in plan.program.index.items():
            for member, amount in zip(members, plan.program.values(name, plan.x).tolist(), strict=True):
                _put(value, name, _moved(name, member, plan.case), amount)
    _running(case, value)
    _tax(case, value)
    _innovation(case, plans, value)
    x = np.zeros(program.columns)
    for name, columns in program.variables.items():
        for member, column in zip(program.index[name], columns.tolist(), strict=True):
            if column >= 0:
                x[column] = value[name, member]
    return x


def _moved(name: str, member: Any, case: Case) -> Any:
    horizon = case.horizon
    step = (
        horizon.before_h
        if name in BY_HOUR
        else horizon.before_h // horizon.period_h
        if name in BY_PERIOD
        else horizon.before_h // 24
        if name in BY_DAY
        else None
    )
    return member if step is None else (*member[:-1], member[-1] + step)


def _put(value: dict[tuple[str, Any], float], name: str, member: Any, amount: float) -> None:
    key = name, member
    if name in ADDED:
        value[key] = value.get(key, 0.0) + amount
    elif name in HIGHEST:
        value[key] = max(value.get(key, 0.0), amount)
    elif name in ONCE:
        assert value.setdefault(key, amount) == amount, key
    elif name in (*BY_HOUR, *BY_PERIOD, *BY_DAY):
        assert key not in value, key
        value[key] = amount


def _running(case: Case, value: dict[tuple[str, Any], float]) -> None:
    jobs = {job.name: job for job in case.jobs}
    starts = [member for (name, member), amount in value.items() if name == "jobs.start" and amount > 0.5]
    for c in case.clusters:
        for t in range(case.horizon.hours):
            load = [jobs[j].eflops for j, at, u in starts if at == c and u <= t < u + jobs[j].duration_h]
            value["jobs.running_eflops", (c, t)] = sum(load)


def _tax(case: Case, value: dict[tuple[str, Any], float]) -> None:
    """The part of the tax that is returned, up to the horizon's cap."""
    terms = case.cooperation
    if terms is None:
        return
    rate = terms.fee_kcny_per_eflopsh * terms.local_tax_frac * terms.origin_tax_frac
    for (name, pair), work in list(value.items()):
        if name == "cooperation.outsourced_eflopsh":
            value["cooperation.tax_kcny", pair] = min(rate * work, terms.tax_cap_kcny)
            value["cooperation.capped", pair] = float(rate * work > terms.tax_cap_kcny)


def _innovation(case: Case, plans: Sequence[Plan], value: dict[tuple[str, Any], float]) -> None:
    """Segments filled in order by the mean over all windows."""
    if case.innovation is None or not plans[0].has("innovation.segment_eflops"):
        return
    hours, mean = case.horizon.hours, {}
    for plan in plans:
        for region, _, eflops in plan.frame("innovation.segment_eflops", "r", "i", value="e").itertuples(index=False):
            mean[region] = mean.get(region, 0.0) + eflops * plan.case.horizon.hours / hours
    ends = (*case.innovation.thresholds_eflops, np.inf)
    for region, eflops in mean.items():
        low = 0.0
        for i, high in enumerate(ends):
            value["innovation.segment_eflops", (region, i)] = min(max(0.0, eflops - low), high - low)
            value["innovation.filled", (region, i)] = float(eflops >= high)
            low = high
