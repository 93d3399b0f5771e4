"""What makes a programme numerically doubtful, or without a floor: said before a solver is asked.

`doubts` reads the arrays only. `runaway` asks one small question of HiGHS: the shortest direction in which every
row and bound holds for ever and the cost falls by one; if there is none, the relaxation has a floor, and
so has the programme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.engine import Session
from optimizer.solve.naming import Names, quantity, split_doc
from scenarios.case import Floats, Ints

SMALL, LARGE = 1e-3, 1e4
"""Outside of this range numbers slow HiGHS down, or vanish in its tolerances."""
WIDE = 1e4
"""A switch this much wider than what it guards lets through 1 % of it at a tolerance of 1e-6."""
STILL = 1e-9


@dataclass(frozen=True)
class Runaway:
    """A cost item without a floor, and the column that carries it away."""

    item: str
    column: str
    words: str
    """What the column is, with its place."""
    unit: str
    kcny_per_unit: float
    """Change of the item per unit of the column along the direction; negative."""
    moving: int
    """How many columns move in the direction."""

    @property
    def sentence(self) -> str:
        per = "unit" if self.unit in ("", "1") else self.unit
        return (
            f"The cost has no floor: '{self.item.replace('_', ' ')}' changes by {self.kcny_per_unit:,.6g} kCNY for "
            f"every {per} of {self.words} ({self.column}), and nothing limits it."
        )


def faults(program: Program) -> list[str]:
    """Numbers with which no solver can be asked: not finite where they must be, or not a number."""
    p = program
    cells, costs = p.matrix.tocoo(), p.item_cost.tocoo()
    rows, columns = p.row_name, p.column_name
    found = [
        *_named(cells.coords[0][~np.isfinite(cells.data)], rows, "has a coefficient that is no finite number"),
        *_named(costs.coords[1][~np.isfinite(costs.data)], columns, "has a cost that is no finite number"),
        *_named(np.flatnonzero(~np.isfinite(p.item_offset)), lambda i: p.items[i], "has a constant that is not finite"),
    ]
    for low, high, name in ((p.row_lower, p.row_upper, rows), (p.lower, p.upper, columns)):
        found += _named(np.flatnonzero(np.isnan(low) | np.isnan(high)), name, "has a bound that is no number")
        found += _named(
            np.flatnonzero((low == np.inf) | (high == -np.inf)), name, "is bounded from the wrong side by infinity"
        )
    return found


def doubts(program: Program) -> list[str]:
    """Sentences on what is numerically doubtful: faults, wild ranges, wide switches, costs without a floor."""
    return [*faults(program), *_ranges(program), *_switches(program), *_loose(program)]


def runaway(program: Program, time_limit_s: float) -> Runaway | None:
    """The cost item and the column that fall for ever, or None if the relaxation has a floor (or time ran out)."""
    p, names = program, Names(program)
    found = Session(_directions(p)).resolve(time_limit_s).x
    if found is None:
        return None
    step = found[: p.columns] - found[p.columns :]
    slopes = p.item_cost @ step
    item = int(slopes.argmin())
    carried = np.asarray(p.item_cost[[item]].toarray(), dtype=np.float64)[0] * step
    column = int(carried.argmin())
    name, member = names.columns[column]
    unit, claim = split_doc(p.units.get(name, ""), name)
    place = names.where(name, member)
    return Runaway(
        item=p.items[item],
        column=p.column_name(column),
        words=f"{claim} – for {place}" if place else claim,
        unit=unit,
        kcny_per_unit=float(slopes[item] / abs(step[column])),
        moving=int((np.abs(step) > STILL).sum()),
    )


def _directions(p: Program) -> Program:
    """Ups and downs of every column, least in sum, that break no row ever and lower the cost by one."""

    def cone(low: Floats, high: Floats) -> tuple[Floats, Floats]:
        return np.where(np.isfinite(low), 0.0, -np.inf), np.where(np.isfinite(high), 0.0, np.inf)

    row_lower, row_upper = cone(p.row_lower, p.row_upper)
    down, up = cone(p.lower, p.upper)
    matrix = sparse.vstack([p.matrix, sparse.csr_array(p.cost[None, :])], format="csr")
    return Program(
        items=("length",),
        item_cost=sparse.csr_array(np.ones((1, 2 * p.columns))),
        item_offset=np.zeros(1),
        matrix=sparse.csr_array(sparse.hstack([matrix, -matrix], format="csr")),
        row_lower=np.append(row_lower, -1.0),
        row_upper=np.append(row_upper, -1.0),
        lower=np.zeros(2 * p.columns),
        upper=np.concatenate([up, -down]),
        integer=np.zeros(2 * p.columns, dtype=bool),
        variables={},
        index={},
        row_keys=(*p.row_keys, ("falls", None)),
        units={},
    )


def _ranges(p: Program) -> list[str]:
    """Rows of one constraint, and cost items, with numbers outside of the range."""
    cells, costs = p.matrix.tocoo(), p.item_cost.tocoo()
    names = [name for name, _ in p.row_keys]
    found: dict[str, list[float]] = {}
    for owner, where, data in (
        (names, cells.coords[0], cells.data),
        ([f"cost item {item}" for item in p.items], costs.coords[0], costs.data),
    ):
        size = np.abs(data)
        wild = np.flatnonzero((size > 0) & np.isfinite(size) & ((size < SMALL) | (size > LARGE)))
        for k in wild.tolist():
            found.setdefault(owner[int(where[k])], []).append(float(size[k]))
    return [
        f"{name}: coefficients from {min(sizes):.3g} to {max(sizes):.3g} lie outside of {SMALL:g} to {LARGE:g} "
        f"({len(sizes)} of them); choose other units"
        for name, sizes in found.items()
    ]


def _switches(p: Program) -> list[str]:
    """Constraints in which an integer's coefficient dwarfs the least other one."""
    cells = p.matrix.tocoo()
    row, column, size = cells.coords[0], cells.coords[1], np.abs(cells.data)
    on_integer = p.integer[column]
    least = np.full(p.rows, np.inf)
    np.minimum.at(least, row[~on_integer & (size > 0)], size[~on_integer & (size > 0)])
    switch = np.zeros(p.rows)
    np.maximum.at(switch, row[on_integer], size[on_integer])
    worst: dict[str, float] = {}
    for r in np.flatnonzero((switch > WIDE * least) & np.isfinite(switch)).tolist():
        name = p.row_keys[r][0]
        worst[name] = max(worst.get(name, 0.0), float(switch[r] / least[r]))
    return [
        f"{name}: a whole number counts {quantity(ratio, '')} times what it switches, so that a millionth of it lets "
        f"{quantity(ratio * 1e-6, '')} through; give it the least number that is large enough"
        for name, ratio in worst.items()
    ]


def _loose(p: Program) -> list[str]:
    """Columns in no row whose cost falls for ever."""
    in_rows = np.zeros(p.columns, dtype=bool)
    in_rows[p.matrix.indices[p.matrix.data != 0]] = True
    falls = ((p.cost < 0) & (p.upper == np.inf)) | ((p.cost > 0) & (p.lower == -np.inf))
    return _named(np.flatnonzero(falls & ~in_rows), p.column_name, "is in no row and its cost falls for ever")


def _named(where: Ints, name: Callable[[int], str], what: str) -> list[str]:
    """One sentence on the first of some places, and how many more there are."""
    places: Iterable[int] = dict.fromkeys(where.tolist())
    first = next(iter(places), None)
    if first is None:
        return []
    more = len(set(places)) - 1
    return [f"{name(first)} {what}" + (f", and {more} more" if more else "")]
