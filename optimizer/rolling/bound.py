"""A certified lower bound on the whole horizon from windows that do not touch one another.

Proof, in five steps. (1) The whole programme is the windows' programmes with "what is taken over = what was handed on";
give each such equation a multiplier and move it into the cost: for any multipliers the minimum is not above the
optimum, and it is a sum of minima over windows. (2) What is paid by its largest value over the horizon is at least its
share-weighted sum over the windows; what is agreed once may differ between windows: both only add points. (3) A row
that sums over windows is priced the same way, with one multiplier of the right sign for all windows. (4) The innovation
value is at most any line above its concave hull, which is linear in each window's load; rows on a cap of returned tax
are left out. (5) Whole numbers are relaxed, and of each window only a dual value counts (`dual`): it holds for any
row duals. Multipliers come from windows solved with the hours after them; they decide how tight the bound is, not
whether it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimizer.rolling.dual import dual_bound
from optimizer.rolling.opening import PACED, Values
from optimizer.rolling.seam import Part, handed_on, never_fed
from optimizer.rolling.worth import Worth, on_columns
from optimizer.solve.compile import Program
from optimizer.solve.engine import Session, SolverError
from scenarios.case import Case, Floats

OF_THE_WHOLE = (
    "cooperation.returns_its_part_up_to_the_cap",
    "cooperation.returns_the_cap_once_reached",
    "innovation.fills_before_next",
    "innovation.begins_after_full",
)
"""Rows that say nothing about a window alone."""
ROUGH = 1e-3
"""Of a detached window: the last digits take a third of the time, and seams cost the bound more than they do."""


@dataclass(frozen=True)
class Side:
    """A seam: what crosses it (`handed_on`), and what each column of the later window that takes over is priced at."""

    matrix: sparse.csr_array
    price: Floats


def side(earlier: Part, later: Part, worth: Worth) -> Side:
    """The seam between two windows, its states priced at their worth at the end of the earlier one."""
    return Side(handed_on(earlier, later), on_columns(later, worth))


def detached(
    part: Part, before: Side | None, after: Side | None, rows: Values, slopes: dict[str, float], came: Floats
) -> Program:
    """A window on its own: states free within what they can be and priced, budgets priced at `rows`.

    A side is None at an end of the horizon. `slopes` is points per EFLOPS of each province (`innovation_lines`), `came`
    (s, b) the work of each class that can have come to a site by the end of the window.
    """
    p = part.program
    cost = p.cost.copy()
    lower, upper = p.lower.copy(), np.minimum(p.upper, _most(part, came))
    if before is not None:
        cost += before.price
        upper[never_fed(before.matrix, p)] = 0.0
    if after is not None:
        cost -= after.matrix.T @ after.price
    _linear_value(part, slopes, cost, upper)
    free = np.array([name in OF_THE_WHOLE or name in PACED for name, _ in p.row_keys], dtype=bool)
    price = _row_prices(p, rows)
    sides = np.where(price > 0, p.row_lower, np.where(price < 0, p.row_upper, 0.0))
    return replace(
        p,
        items=("detached",),
        item_cost=sparse.csr_array((cost - p.matrix.T @ price)[None, :]),
        item_offset=np.array([p.offset + float(sides @ price)]),
        row_lower=np.where(free, -np.inf, p.row_lower),
        row_upper=np.where(free, np.inf, p.row_upper),
        lower=lower,
        upper=upper,
        integer=np.zeros(p.columns, dtype=bool),
    )


def relaxed(part: Part, came: Floats) -> Program:
    """A window that is the whole horizon, with divisible everything."""
    p = part.program
    return replace(p, upper=np.minimum(p.upper, _most(part, came)), integer=np.zeros(p.columns, dtype=bool))


def least_kcny(program: Program, tolerance: float = 1e-8) -> float:
    """A lower bound on a linear programme, from the duals of an interior point: no vertex is needed for it.

    The interior point ends when its own gap is within `tolerance` (a fraction); what is proved does not rest on it.
    """
    session = Session(program)
    session.highs.setOptionValue("solver", "ipx")
    session.highs.setOptionValue("run_crossover", "off")
    session.highs.setOptionValue("ipm_optimality_tolerance", tolerance)
    session.highs.run()
    duals = session.duals().row
    if duals.size != program.rows:
        raise SolverError("HiGHS returned no duals of a detached window")
    return dual_bound(program, duals)


def _row_prices(p: Program, rows: Values) -> Floats:
    """(rows,): the price of each paced row, of the sign that its side allows."""
    price = np.array([rows.get(name, {}).get(member, 0.0) if name in PACED else 0.0 for name, member in p.row_keys])
    at_least, at_most = np.isfinite(p.row_lower), np.isfinite(p.row_upper)
    return np.asarray(np.where(at_least, np.maximum(price, 0.0), 0.0) + np.where(at_most, np.minimum(price, 0.0), 0.0))


def _most(part: Part, came: Floats) -> Floats:
    """(columns,): values that some best plan does not exceed, for variables without a bound of their own."""
    case, most = part.case, np.full(part.program.columns, np.inf)
    sites = {s: i for i, s in enumerate(case.sites)}
    classes = {b.name: i for i, b in enumerate(case.batches)}
    pods = {
        (c, g.name): float(case.pods_max[i, j])
        for i, c in enumerate(case.clusters)
        for j, g in enumerate(case.generations)
    }
    owed = {p.name: p.high_frac * float(p.quantity_eflops.sum()) for p in case.positions}
    for name in (
        "queue_eflopsh",
        "late_eflopsh",
        "unfinished_eflopsh",
        "earlier_queue_eflopsh",
        "earlier_allowed_eflopsh",
    ):
        for (s, b, *_), column in part.column.get(f"batch.{name}", {}).items():
            most[column] = came[sites[s], classes[b]]
    for name in ("started", "used"):
        for (c, g, *_), column in part.column.get(f"fleet.{name}", {}).items():
            most[column] = pods[c, g]
    for (i, _), column in part.column.get("delivery.undelivered_eflopsh", {}).items():
        most[column] = owed[i]
    for i, column in part.column.get("delivery.untaken_eflopsh", {}).items():
        most[column] = owed[i]
    for c, column in part.column.get("green.shortfall_mwh", {}).items():
        i = case.clusters.index(c)
        hours = case.horizon.hours
        most[column] = hours * case.connection_mw[case.sites.index(c)] + case.direct_mw[i].sum()
    return most


def _linear_value(part: Part, slopes: dict[str, float], cost: Floats, upper: Floats) -> None:
    """The innovation value as a line in each province's load, in place."""
    value, p = part.case.innovation, part.program
    columns = part.column.get("innovation.segment_eflops", {})
    if value is None or not columns:
        return
    width: dict[str, float] = {}
    for (r, _), column in columns.items():
        width[r] = width.get(r, 0.0) + float(p.upper[column])
    price = value.weight_kcny_per_point
    for (r, i), column in columns.items():
        cost[column] += price * (value.points_per_eflops[part.case.zone[r]][i] - slopes[r])
        upper[column] = width[r]


def work_come(case: Case, end_h: int) -> Floats:
    """(s, b): batch work of the regions that may use each site, from the first hour to `end_h`."""
    total = case.arrivals_eflopsh[:, :, : -(-end_h // 24)].sum(axis=2)
    reach = np.array([[float((r, s) in case.routes) for r in case.regions] for s in case.sites])
    return np.asarray(reach @ total)
