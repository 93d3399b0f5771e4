"""Duals of a programme with its whole numbers held at a plan, and of its relaxation; which of them are unique.

A dual is the slope of the least cost in one right-hand side. Where the cost has a kink there, a solver returns any
slope between that for one unit less and that for one unit more: such a dual is not identified. A dual is sure if
the basis stays the best while the side moves both ways; else two short solves, a little below and above, give both
ends.

Source  one-sided duals frame the dual set: Akgul (1984); Jansen, de Jong, Roos & Terlaky (1997)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.engine import Clock, Columns, Duals, Ranging, Session, SolverError
from scenarios.case import Floats

Mask = np.ndarray[Any, np.dtype[np.bool_]]

COMPUTE = "compute_balances"
LINKS = "network.carries_within_capacity"
CONNECTION = "grid.peak_mw"
CERTIFICATE = "green.certificate_mwh"
STEP = 1e-4
"""EFLOPS, Gbit/s, MW or MWh by which a side is moved to find a one-sided dual: far above HiGHS's tolerance of 1e-7."""
SAME = 1e-6
"""One-sided duals that differ by less, relative to their size or 1 kCNY, are one."""
NOTHING = 1e-6
"""EFLOPS below which a site is idle, and the distance at which a bound is not reached."""
KINDS = ("fixed", "relaxed")


@dataclass(frozen=True)
class Priced:
    """The optimal point of a linear programme with its duals, kCNY per unit of each row or bound.

    `*_low` and `*_high` are the duals for one unit less and one unit more. They are NaN where they were not asked for:
    rows other than compute ledgers and links, columns other than connections (upper bound) and certificates (lower
    bound), and idle sites unless `intervals` was set. Infinite means that no plan is left on that side.
    """

    program: Program
    cost_kcny: float
    x: Floats
    row: Floats
    column: Floats
    row_low: Floats
    row_high: Floats
    column_low: Floats
    column_high: Floats

    def rows_identified(self, rows: Columns) -> Mask:
        return _same(self.row_low[rows], self.row_high[rows])

    def columns_identified(self, columns: Columns) -> Mask:
        return _same(self.column_low[columns], self.column_high[columns])


@dataclass(frozen=True)
class Prices:
    """Both kinds of prices of one programme; `fixed.x` is the plan that the tables speak of."""

    fixed: Priced
    relaxed: Priced

    def of_kind(self, kind: str) -> Priced:
        return {"fixed": self.fixed, "relaxed": self.relaxed}[kind]


def price_plan(
    program: Program,
    x: Floats,
    time_limit_s: float = 600.0,
    intervals: bool = False,
    only: Columns | None = None,
) -> Prices:
    """Prices of the plan `x` (columns,): with its whole numbers held, and of the relaxation.

    `intervals` also finds both ends of the prices of idle sites, two short solves for each site and hour. `only` asks
    for the ends of these ledger or link rows and of nothing else. Raises SolverError if no plan has these whole
    numbers, or time does not suffice.
    """
    clock = Clock(time_limit_s)
    held, relaxed = _held(program, x), Session(program)
    for session in (held, relaxed):
        session.relax(clock.left_s)
    return Prices(_priced(held, clock, intervals, only), _priced(relaxed, clock, intervals, only))


def price_operation(program: Program, x: Floats, time_limit_s: float = 600.0) -> Priced:
    """Prices of the plan `x` (columns,) with its whole numbers held, without those of the relaxation.

    Raises SolverError if no plan has these whole numbers, or time does not suffice.
    """
    clock, held = Clock(time_limit_s), _held(program, x)
    held.relax(clock.left_s)
    return _priced(held, clock, intervals=False)


def _held(program: Program, x: Floats) -> Session:
    session, integers = Session(program), np.flatnonzero(program.integer)
    session.fix(integers, np.round(x[integers]))
    return session


def rows_of(program: Program, name: str) -> Columns:
    """Rows of one constraint, in order; empty if its block is absent."""
    return np.array([row for row, (owner, _) in enumerate(program.row_keys) if owner == name], dtype=np.int64)


def used_columns(program: Program, name: str) -> tuple[Columns, list[Any]]:
    """Columns of one variable and the member of each, without those the model never uses."""
    columns = program.variables.get(name, np.array([], dtype=np.int64))
    used = columns >= 0
    members = [member for member, there in zip(program.index.get(name, ()), used.tolist(), strict=True) if there]
    return columns[used], members


def load_eflops(program: Program, x: Floats) -> Floats:
    """Load on the machines of each row of the compute ledger, at a point; (sites x hours,)."""
    columns = np.concatenate(
        [used_columns(program, name)[0] for name in ("fleet.load_eflops", "fleet.local_load_eflops")]
    )
    return np.asarray(program.matrix[rows_of(program, COMPUTE)][:, columns] @ x[columns], dtype=np.float64)


def _same(low: Floats, high: Floats) -> Mask:
    known = np.isfinite(low) & np.isfinite(high)
    gap = np.subtract(high, low, out=np.full(low.shape, np.inf), where=known)
    return np.asarray(known & (gap <= SAME * np.maximum(1.0, np.abs(high))), dtype=bool)


def _priced(session: Session, clock: Clock, intervals: bool, only: Columns | None = None) -> Priced:
    program = session.program
    point = session.resolve(clock.left_s)
    if point.x is None:
        raise SolverError(f"the programme is not solved for prices: {point.status}")
    duals, ranging = session.duals(), session.ranging()
    row_low, row_high = np.full(program.rows, np.nan), np.full(program.rows, np.nan)
    column_low, column_high = np.full(program.columns, np.nan), np.full(program.columns, np.nan)
    for side in _sides(session, point.x, duals, ranging, only):
        low, high = (row_low, row_high) if side.of == "row" else (column_low, column_high)
        if side.is_sure:
            low[side.at] = high[side.at] = side.dual
        elif intervals or not side.is_idle:
            low[side.at], high[side.at] = (_one_sided(session, side, sign, clock) for sign in (-1.0, 1.0))
    found = (duals.row, duals.column, row_low, row_high, column_low, column_high)
    return Priced(program, point.objective_kcny, point.x, *found)


@dataclass(frozen=True)
class _Side:
    """A right-hand side, or a bound of a column, whose dual is asked for."""

    of: Literal["row", "lower", "upper"]
    at: int
    dual: float
    is_sure: bool
    """The same basis stays the best on both sides, or the side is not reached."""
    is_idle: bool = False


def _sides(session: Session, x: Floats, duals: Duals, ranging: Ranging, only: Columns | None) -> Iterator[_Side]:
    p = session.program
    body, ledgers = p.matrix @ x, rows_of(p, COMPUTE)
    asked = np.concatenate([ledgers, rows_of(p, LINKS)]) if only is None else only
    idle = dict(zip(ledgers.tolist(), (load_eflops(p, x) <= NOTHING).tolist(), strict=True))
    reached = _reached(body, p.row_upper) | (p.row_lower == p.row_upper)
    sure = ~reached | _stays(ranging.row_low, p.row_upper, ranging.row_high)
    for row in asked.tolist():
        yield _Side("row", row, float(duals.row[row]), bool(sure[row]), idle.get(row, False))
    if only is not None:
        return
    names: tuple[tuple[str, Literal["lower", "upper"], Floats], ...]
    names = ((CONNECTION, "upper", p.upper), (CERTIFICATE, "lower", p.lower))
    for name, of, bound in names:
        reached = _reached(x, bound)
        sure = ~reached | _stays(ranging.column_low, bound, ranging.column_high)
        for column in used_columns(p, name)[0].tolist():
            dual = float(duals.column[column]) if reached[column] else 0.0
            yield _Side(of, column, dual, bool(sure[column]))


def _reached(value: Floats, bound: Floats) -> Mask:
    return np.asarray(np.abs(value - bound) <= NOTHING, dtype=bool)


def _stays(low: Floats, bound: Floats, high: Floats) -> Mask:
    return np.asarray((low < bound - NOTHING) & (bound + NOTHING < high), dtype=bool)


def _one_sided(session: Session, side: _Side, sign: float, clock: Clock) -> float:
    """The dual a little below or above: cost is convex in a side, so the two frame every dual at the side itself."""
    _move(session, side, sign * STEP)
    status = session.resolve(clock.left_s).status
    if status not in ("optimal", "infeasible"):
        raise SolverError(f"a one-sided price was not found: {status}")
    duals = session.duals()
    found = (duals.row if side.of == "row" else duals.column)[side.at] if status == "optimal" else sign * np.inf
    _move(session, side, 0.0)
    return float(found)


def _move(session: Session, side: _Side, by: float) -> None:
    """Move a right-hand side (both ends of an equality), or one bound of a column, from where the programme has it."""
    p, here = session.program, np.array([side.at])
    if side.of == "row":
        session.bound_rows(here, p.row_lower[here] + by, p.row_upper[here] + by)
    else:
        session.bound(here, p.lower[here] + by * (side.of == "lower"), p.upper[here] + by * (side.of == "upper"))
