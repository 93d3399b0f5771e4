"""What it takes to deliver physical contracts: the dispatch solved again with the positions they open.

One programme holds all of them. Its relaxation is solved with every promise taken back (rows made slack), then with
each promise alone, then with all: differences between these are exact for the relaxation and free of the gap that two
whole plans carry. The book of all contracts is solved to a whole plan as well. The contracts' shapes inside a day do
not bind the dispatch: a day's quantity may be run in any hour of the day.

A promise that is not kept is charged at `damages`, the value the planner puts on keeping it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hubs.errors import ComputegridError
from optimizer.market.contracts import Contract, position
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session, SolverError
from optimizer.solve.optimum import optimise
from scenarios.case import Case, Floats


class Undeliverable(ComputegridError):
    """No dispatch is left with the contracts' positions open: capacity held back is needed elsewhere."""


_OWED, _TAKEN, _HELD = "delivery.delivers_what_is_owed", "delivery.takes_or_pays", "delivery.holds_capacity_back"


@dataclass(frozen=True)
class Effect:
    """A dispatch with some promises, less that without any."""

    cost_kcny: float
    western_occupancy_frac: float
    hosted_eflopsh: dict[str, float]
    """Contract -> work of its buyer at its seller."""
    not_delivered_eflopsh: float


@dataclass(frozen=True)
class Book:
    """All physical contracts at once: the relaxation's difference, and a whole plan."""

    relaxed: Effect
    stop: str
    cost_kcny: float
    """Infinite if no plan was found in time; the damages of what is not delivered are in it."""
    bound_kcny: float
    western_occupancy_frac: float
    not_delivered_frac: dict[str, Floats]
    """Contract -> (d,) share of the day's quantity that the plan does not deliver; zero for calls."""


def with_positions(case: Case, contracts: Sequence[Contract], damages_kcny_per_eflopsh: float) -> Case:
    """The case with the positions of its physical contracts open beside those it has."""
    opened = [position(c, case.horizon, damages_kcny_per_eflopsh) for c in contracts if c.physical]
    return replace(case, positions=(*case.positions, *opened), blocks=tuple(dict.fromkeys((*case.blocks, "delivery"))))


def deliver(
    case: Case, contracts: Sequence[Contract], damages_kcny_per_eflopsh: float, gap: float, time_limit_s: float
) -> tuple[Book, dict[str, Effect]]:
    """The book of all physical contracts, and the effect of each alone.

    Raises Undeliverable if no dispatch is left with them, SolverError if HiGHS fails.
    """
    sold = [contract for contract in contracts if contract.physical]
    program = compile_case(with_positions(case, sold, damages_kcny_per_eflopsh))
    effects = _relaxed_effects(case, program, sold, time_limit_s)
    outcome = optimise(program, gap, time_limit_s)
    west, missing = np.nan, {contract.name: np.zeros(case.horizon.days) for contract in sold}
    if outcome.x is not None:
        west = western_occupancy_frac(case, program, outcome.x)
        missing = {contract.name: _missing_frac(case, program, outcome.x, contract) for contract in sold}
    book = Book(effects.pop(""), outcome.stop, outcome.objective_kcny, outcome.bound_kcny, west, missing)
    return book, effects


def western_occupancy_frac(case: Case, program: Program, x: Floats) -> float:
    """Load of the western clusters over what their machines can run; NaN if the case has none."""
    west = [c for c in case.clusters if case.zone[case.site_region[c]] == "west"]
    room = sum(case.usable_eflops(c) for c in west) * case.horizon.hours
    load = program.values("fleet.load_eflops", x).reshape(len(case.clusters), -1)
    return float(load[[case.clusters.index(c) for c in west]].sum() / room) if room else float("nan")


def _relaxed_effects(
    case: Case, program: Program, contracts: Sequence[Contract], time_limit_s: float
) -> dict[str, Effect]:
    """Contract -> effect alone; the empty name is the book of all."""
    session = Session(program)
    promises = {contract.name: _promise(program, contract, case) for contract in contracts}
    _keep(session, promises, ())
    session.relax(time_limit_s)
    without = _state(case, session, contracts, time_limit_s)
    effects = {}
    for kept in ("", *promises):
        _keep(session, promises, (kept,) if kept else tuple(promises))
        effects[kept] = _less(_state(case, session, contracts, time_limit_s), without)
    return effects


def _promise(program: Program, contract: Contract, case: Case) -> dict[int, float]:
    """Rows by which one position binds -> capacity that the row holds back for it (rows that owe have none)."""
    kind = position(contract, case.horizon, 0.0)
    quantity = _by_day(kind.quantity_eflops, case)
    rows: dict[int, float] = {}
    for row, (name, member) in enumerate(program.row_keys):
        if (name == _OWED and member[0] == contract.name) or (name == _TAKEN and member == contract.name):
            rows[row] = 0.0
        elif name == _HELD and kind.kind == "call" and member[0] == contract.seller:
            rows[row] = float(quantity[member[1]])
    return rows


def _keep(session: Session, promises: Mapping[str, Mapping[int, float]], kept: Sequence[str]) -> None:
    """Only the promises named bind: what others are owed may be any amount, and capacity held for them is free."""
    program = session.program
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    for name, rows in promises.items():
        for row, held in rows.items() if name not in kept else ():
            upper[row] += held
            lower[row] = -np.inf
    touched = np.array(sorted({row for rows in promises.values() for row in rows}), dtype=np.int64)
    session.bound_rows(touched, lower[touched], upper[touched])


def _state(case: Case, session: Session, contracts: Sequence[Contract], time_limit_s: float) -> Effect:
    point = session.resolve(time_limit_s)
    if point.status == "infeasible":
        raise Undeliverable("infeasible with the positions of the contracts open")
    if point.x is None:
        raise SolverError(f"the relaxation with deliveries is not solved: {point.status}")
    program, x = session.program, point.x
    hosted = dict(
        zip(program.index["hosting.hosted_eflopsh"], program.values("hosting.hosted_eflopsh", x).tolist(), strict=True)
    )
    days = range(case.horizon.days)
    sent = {c.name: sum(hosted.get((c.buyer, c.seller, d), 0.0) for d in days) for c in contracts}
    missing = sum(_total(program, x, name) for name in ("delivery.undelivered_eflopsh", "delivery.untaken_eflopsh"))
    return Effect(point.objective_kcny, western_occupancy_frac(case, program, x), sent, missing)


def _less(now: Effect, before: Effect) -> Effect:
    return Effect(
        now.cost_kcny - before.cost_kcny,
        now.western_occupancy_frac - before.western_occupancy_frac,
        {name: now.hosted_eflopsh[name] - before.hosted_eflopsh[name] for name in now.hosted_eflopsh},
        now.not_delivered_eflopsh - before.not_delivered_eflopsh,
    )


def _total(program: Program, x: Floats, variable: str) -> float:
    return float(program.values(variable, x).sum()) if variable in program.variables else 0.0


def _missing_frac(case: Case, program: Program, x: Floats, contract: Contract) -> Floats:
    """(d,) share of a contract's quantity of the day that is not delivered."""
    name, quantity = (
        "delivery.undelivered_eflopsh",
        _by_day(position(contract, case.horizon, 0.0).quantity_eflops, case),
    )
    missing = np.zeros(case.horizon.days)
    if name in program.variables:
        for (who, day), short in zip(program.index[name], program.values(name, x).tolist(), strict=True):
            missing[day] += short if who == contract.name else 0.0
    share = np.divide(missing, quantity, out=np.zeros_like(missing), where=quantity > 0)
    return np.clip(np.where(share > 1e-9, share, 0.0), 0.0, 1.0)


def _by_day(hourly: Floats, case: Case) -> Floats:
    ends = [0, *np.cumsum(case.horizon.day_hours).tolist()]
    return np.array([hourly[a:b].sum() for a, b in pairwise(ends)])
