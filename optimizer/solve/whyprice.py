"""Why a price is what it is: the dual of a row, taken apart into costs and the duals of other rows.

With y the duals of the rows of a linear programme, the reduced cost of a column j is d_j = c_j - sum_i y_i a_ij. So
the dual of any row r in which j stands is

    y_r = (c_j - d_j - sum_{i != r} y_i a_ij) / a_rj,

and d_j is zero if j lies strictly between its bounds: such a column sets the price. Where it stands at a bound, d_j
is what the bound is worth. The identity is applied again to the rows on the right that another column in use sets in
turn (power by what is drawn from the grid, the green share by certificates); what is left are costs, worths of bounds
and duals of rows that are told by their own claim. The parts add up to the dual exactly, whichever column is taken;
that the column is in use is what makes them an explanation.

The other way to say the same is to let the plan answer (`marginal.py`).

Source  complementary slackness; Bohn, Caramanis & Schweppe (1984) for the parts of a locational price
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.naming import Names, split_doc
from scenarios.case import Floats

Order = tuple[tuple[str, tuple[str, ...]], ...]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

COMPUTE, POWER = "compute_balances", "power_balances"
_ENERGY: Order = (
    (
        POWER,
        (
            "grid.import_mw",
            "renewable.direct_mw",
            "expansion.supply_mw",
            "storage.discharge_mw",
            "storage.charge_mw",
        ),
    ),
    ("green.reaches_green_share", ("green.certificate_mwh", "green.shortfall_mwh")),
)
SUPPLY: Order = (
    (COMPUTE, ("fleet.load_eflops", "fleet.local_load_eflops")),
    ("fleet.fits_on_lit_pods", ("fleet.pods_on",)),
    *_ENERGY,
)
"""What carrying one unit more takes: rows in the order in which they are taken apart, and the variables that set them.

Whole numbers that are held set nothing: with the plan's pods held, full pods are a worth of their own.
"""
WORK: Order = (
    (COMPUTE, ("service.share_frac", "batch.run_eflops")),
    ("hosting.counts_all_work", ("hosting.hosted_eflopsh",)),
    ("network.takes_nearest_route", ("network.pinned_gbps",)),
    ("network.finds_a_route", ("network.flow_gbps",)),
    ("network.receives_all_data", ("network.received_tb_per_h",)),
    *_ENERGY,
)
"""What the work that could as well go elsewhere, or wait, is worth: what it would pay."""
USED = 1e-6
"""A column above its lower bound by less is not in use."""
ZERO = 1e-7
"""kCNY per unit: a smaller reduced cost is none."""
NOTHING = 1e-10
"""kCNY per unit of the price: smaller parts are left out of the table and stay in `rest_kcny`."""


@dataclass(frozen=True)
class Part:
    """One term of a price: `amount` units per unit of the row, at `kcny_per_unit` each.

    A part that stands for several rows of one constraint has their sum in `kcny`, and no amount (NaN).
    """

    kind: Literal["cost", "rule", "bound"]
    name: str
    """The cost item, the constraint, or the variable whose bound it is."""
    place: str
    claim: str
    unit: str
    amount: float
    kcny_per_unit: float
    kcny: float


@dataclass(frozen=True)
class Step:
    """A row whose dual was replaced: the column that sets it, and how much of the column one unit of price takes."""

    row: int
    column: int
    variable: str
    member: Any
    place: str
    claim: str
    unit: str
    amount: float
    value: float
    """Of the column, in the plan."""
    between: bool
    """Strictly between its bounds, with a reduced cost of zero."""


@dataclass(frozen=True)
class Chain:
    """A dual, kCNY per unit of its row, the steps that take it apart, and parts that sum to it with `rest_kcny`."""

    kcny: float
    steps: tuple[Step, ...]
    parts: tuple[Part, ...]
    rest_kcny: float


class PriceBook:
    """A linear programme at its optimum: a point, duals of rows, and which columns were free to move."""

    def __init__(self, program: Program, x: Floats, row_dual: Floats, free: Mask) -> None:
        """`x` (columns,), `row_dual` (rows,) in kCNY per unit; `free` (columns,): not held at a whole number."""
        self.program, self.x, self.dual, self.free = program, x, row_dual, free
        self.names = Names(program)
        self.by_column = sparse.csc_array(program.matrix)
        self.by_row = sparse.csr_array(program.matrix)
        self.reduced = np.asarray(program.cost - row_dual @ program.matrix, dtype=np.float64)
        used = x - program.lower > USED
        self.settable: Mask = free & used
        self.between: Mask = self.settable & (program.upper - x > USED) & (np.abs(self.reduced) <= ZERO)

    @cached_property
    def costs(self) -> sparse.csc_array:
        return sparse.csc_array(self.program.item_cost)

    def supply(self, row: int) -> Chain | None:
        """What carrying one unit more in a row of the compute ledger costs; None if nothing is carried there."""
        return self._chain(row, SUPPLY, self._setter(row, SUPPLY[0][1]))

    def work(self, row: int) -> list[Chain]:
        """The same price, from each kind of work there that is strictly between its bounds; the largest first."""
        stands = self._standing(row, WORK[0][1])
        free = [column for column in stands if self.between[column]]
        chains = [self._chain(row, WORK, column) for column in sorted(free, key=lambda j: (-self._load(row, j), j))]
        return [chain for chain in chains if chain is not None]

    def _load(self, row: int, column: int) -> float:
        return float(abs(self.program.matrix[row, column] * self.x[column]))

    def _standing(self, row: int, variables: tuple[str, ...]) -> list[int]:
        """Columns of some variables that stand in a row, the variables in their order."""
        here = self.by_row.indices[self.by_row.indptr[row] : self.by_row.indptr[row + 1]].tolist()
        owner = {column: self.names.columns[column][0] for column in here}
        return [column for name in variables for column in here if owner[column] == name]

    def _setter(self, row: int, variables: tuple[str, ...]) -> int | None:
        """The column in use that sets a row: one between its bounds before one at a bound, then the largest."""
        stands = [column for column in self._standing(row, variables) if self.settable[column]]
        order = {name: place for place, name in enumerate(variables)}
        key = {j: (not self.between[j], order[self.names.columns[j][0]], -self.x[j], j) for j in stands}
        return min(stands, key=key.__getitem__, default=None)

    def _chain(self, row: int, order: Order, first: int | None) -> Chain | None:
        if first is None:
            return None
        taken = _Taken(self, row)
        taken.replace(row, first)
        for family, variables in order[1:]:
            for other in [r for r in taken.weight if self.program.row_keys[r][0] == family and self.dual[r]]:
                column = self._setter(other, variables)
                if column is not None and column not in taken.columns:
                    taken.replace(other, column)
        return taken.chain()


class _Taken:
    """A dual while it is taken apart: weights of rows that still stand, amounts of columns already put in."""

    def __init__(self, book: PriceBook, row: int) -> None:
        self.book, self.row = book, row
        self.weight: dict[int, float] = {row: 1.0}
        self.columns: dict[int, float] = {}
        self.steps: list[Step] = []

    def replace(self, row: int, column: int) -> None:
        """Put cost, worth of the bound and the other rows of a column in the place of a row."""
        book, matrix = self.book, self.book.by_column
        part = slice(matrix.indptr[column], matrix.indptr[column + 1])
        entries = dict(zip(matrix.indices[part].tolist(), matrix.data[part].tolist(), strict=True))
        amount = self.weight.pop(row) / entries.pop(row)
        self.columns[column] = amount
        for other, entry in entries.items():
            self.weight[other] = self.weight.get(other, 0.0) - amount * entry
        variable, member = book.names.columns[column]
        unit, claim = split_doc(book.program.units[variable], variable)
        where, value = book.names.where(variable, member), float(book.x[column])
        between = bool(book.between[column])
        self.steps.append(Step(row, column, variable, member, where, claim, unit, amount, value, between))

    def chain(self) -> Chain:
        parts = [part for part in (*self._costs(), *self._bounds(), *self._rules()) if abs(part.kcny) > NOTHING]
        price = float(self.book.dual[self.row])
        return Chain(price, tuple(self.steps), tuple(parts), price - sum(part.kcny for part in parts))

    def _costs(self) -> list[Part]:
        book, found = self.book, []
        for column, amount in self.columns.items():
            variable, member = book.names.columns[column]
            unit, claim = split_doc(book.program.units[variable], variable)
            part = slice(book.costs.indptr[column], book.costs.indptr[column + 1])
            for item, rate in zip(book.costs.indices[part].tolist(), book.costs.data[part].tolist(), strict=True):
                name, where = book.program.items[item], book.names.where(variable, member)
                found.append(Part("cost", name, where, claim, unit, amount, rate, amount * rate))
        return found

    def _bounds(self) -> list[Part]:
        book, found = self.book, []
        for column, amount in self.columns.items():
            variable, member = book.names.columns[column]
            unit, claim = split_doc(book.program.units[variable], variable)
            worth = -float(book.reduced[column])
            where = book.names.where(variable, member)
            found.append(Part("bound", variable, where, claim, unit, amount, worth, amount * worth))
        return found

    def _rules(self) -> list[Part]:
        """Rows that were not taken apart, those of one constraint together."""
        book = self.book
        families: dict[str, list[int]] = {}
        for row in self.weight:
            if book.dual[row] and self.weight[row]:
                families.setdefault(book.program.row_keys[row][0], []).append(row)
        return [self._rule(name, rows) for name, rows in families.items()]

    def _rule(self, name: str, rows: list[int]) -> Part:
        book = self.book
        unit, claim = split_doc(book.program.units[name], name)
        total = sum(self.weight[row] * float(book.dual[row]) for row in rows)
        if len(rows) > 1:
            return Part("rule", name, f"{len(rows)} rows", claim, unit, np.nan, np.nan, total)
        row = rows[0]
        where = book.names.where(name, book.program.row_keys[row][1])
        return Part("rule", name, where, claim, unit, self.weight[row], float(book.dual[row]), total)
