"""What is told of a whole horizon at once, from its windows: sums, means and what was agreed, as the plan of one hour.

Tables of accounts (claims, agreements, carbon by region) read variables by name and add them up over the horizon. They
read the same from a plan whose one hour holds the sums; so each definition stands once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.rolling.opening import AGREED, HIGHEST, Values
from optimizer.solve.compile import Program
from optimizer.solve.solution import Plan
from scenarios.case import Case

FILE = "totals.json"
SUMMED = (
    "green.certificate_mwh",
    "green.shortfall_mwh",
    "credit.conveyed_mwh",
    "cooperation.outsourced_eflopsh",
    "cooperation.transfer_kcny",
    "delivery.untaken_eflopsh",
)
SUMMED_OVER_HOURS = ("grid.import_mw", "renewable.direct_mw", "hosting.hosted_eflopsh")
MEANS = ("fleet.pods_on", "fleet.load_eflops", "fleet.local_load_eflops")
BY_DAY = ("delivery.delivered_eflopsh", "delivery.undelivered_eflopsh")


def write_totals(plan: Plan, folder: Path) -> None:
    """A window's part of the whole."""
    rows = [[name, member, amount] for name, members in _totals(plan).items() for member, amount in members.items()]
    (folder / FILE).write_text(json.dumps(rows, allow_nan=False), encoding="utf-8")


def whole_plan(case: Case, folders: Sequence[Path]) -> Plan:
    """The plan of one hour that stands for the whole horizon; `case` is that of the whole."""
    values: Values = {}
    for folder in folders:
        for name, member, amount in json.loads((folder / FILE).read_text(encoding="utf-8")):
            key, members = tuple(member) if isinstance(member, list) else member, values.setdefault(name, {})
            kept = name in HIGHEST or name in AGREED
            members[key] = amount if kept else members.get(key, 0.0) + amount
    for name in MEANS:
        values[name] = {member: amount / case.horizon.hours for member, amount in values.get(name, {}).items()}
    _tax(case, values)
    hour = replace(
        case,
        horizon=replace(case.horizon, hours=1),
        pue_ratio=case.pue_ratio[:, :1],
        energy_kcny_per_mwh=case.energy_kcny_per_mwh[:, :1],
    )
    return Plan(hour, *_program(values))


def _totals(plan: Plan) -> Values:
    values: Values = {}
    day = plan.case.horizon.before_h // 24
    for name in (*SUMMED, *HIGHEST, *AGREED, *SUMMED_OVER_HOURS, *MEANS, *BY_DAY):
        if not plan.has(name):
            continue
        members = values.setdefault(name, {})
        amounts = plan.program.values(name, plan.x).tolist()
        for member, amount in zip(plan.program.index[name], amounts, strict=True):
            key = member
            if name in (*SUMMED_OVER_HOURS, *MEANS):
                key = (*member[:-1], 0)
            elif name in BY_DAY:
                key = (*member[:-1], member[-1] + day)
            members[key] = members.get(key, 0.0) + amount
    return values


def _tax(case: Case, values: Values) -> None:
    """The origin's part of the tax on all hosted work, up to the cap of the whole horizon."""
    terms = case.cooperation
    if terms is None or "cooperation.outsourced_eflopsh" not in values:
        return
    rate = terms.fee_kcny_per_eflopsh * terms.local_tax_frac * terms.origin_tax_frac
    due = {pair: rate * work for pair, work in values["cooperation.outsourced_eflopsh"].items()}
    values["cooperation.tax_kcny"] = {pair: min(kcny, terms.tax_cap_kcny) for pair, kcny in due.items()}
    values["cooperation.capped"] = {pair: float(kcny > terms.tax_cap_kcny) for pair, kcny in due.items()}


def _program(values: Values) -> tuple[Program, Any]:
    """The values as a programme without rows or costs, and its point."""
    variables, index, start = {}, {}, 0
    for name, members in values.items():
        variables[name] = np.arange(start, start + len(members), dtype=np.int64)
        index[name] = tuple(members)
        start += len(members)
    x = np.array([amount for members in values.values() for amount in members.values()])
    nothing = np.zeros(0)
    program = Program(
        items=(),
        item_cost=sparse.csr_array((0, start)),
        item_offset=nothing,
        matrix=sparse.csr_array((0, start)),
        row_lower=nothing,
        row_upper=nothing,
        lower=x,
        upper=x,
        integer=np.zeros(start, dtype=bool),
        variables=variables,
        index=index,
        row_keys=(),
        units={},
    )
    return program, x
