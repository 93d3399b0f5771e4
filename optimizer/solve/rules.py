"""The named rules of a programme: what may be asked to give way, and what is only how quantities hang together.

Every side of a row, every bound and every whole number is one rule: "at least", "at most" or "whole". Four
kinds of sides are *given*: they take part in every proof and are never named as something to change.

- An equality whose right-hand side is zero is an account: it defines one quantity by others, and holds when
  nothing is done.
- An equality of unit [1] whose right-hand side is one splits a whole into its parts.
- A bound of zero that only fixes a sign: nothing is negative.
- A bound of one on a quantity of unit [1] that is not negative: a part is not larger than its whole, and a switch
  is on or off.

What is left has a number in it that somebody chose or measured (a floor, a connection, an amount of demand), is an
inequality, or asks for whole numbers. So a conflict always holds a named rule, unless the accounts contradict
each other.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.naming import Names, Rule, Side, part_of, split_doc
from scenarios.case import Floats, Ints

Mask = NDArray[np.bool_]


class Rulebook:
    """All sides of a program as one vector: rows at least, rows at most, columns at least, at most, whole."""

    def __init__(self, program: Program) -> None:
        self.program = p = program
        self.names = Names(program)
        self.ends: list[int] = np.cumsum([p.rows, p.rows, p.columns, p.columns, p.columns]).tolist()
        self.present: Mask = np.concatenate(
            [np.isfinite(p.row_lower), np.isfinite(p.row_upper), np.isfinite(p.lower), np.isfinite(p.upper), p.integer]
        )
        self.given: Mask = np.concatenate([*[_accounts(p)] * 2, *_domains(p), np.zeros(p.columns, dtype=bool)])
        self.named: Mask = self.present & ~self.given

    def enforce(self, kept: Mask) -> Program:
        """The program with only these sides, no cost, and no row that says nothing."""
        p = self.program
        at_least, at_most, low, high, whole = np.split(kept, self.ends[:-1])
        row_lower = np.where(at_least, p.row_lower, -np.inf)
        row_upper = np.where(at_most, p.row_upper, np.inf)
        rows = np.flatnonzero(at_least | at_most)
        return Program(
            items=("none",),
            item_cost=sparse.csr_array((1, p.columns)),
            item_offset=np.zeros(1),
            matrix=sparse.csr_array(p.matrix[rows]),
            row_lower=row_lower[rows],
            row_upper=row_upper[rows],
            lower=np.where(low, p.lower, -np.inf),
            upper=np.where(high, p.upper, np.inf),
            integer=p.integer & whole,
            variables=p.variables,
            index=p.index,
            row_keys=tuple(p.row_keys[row] for row in rows.tolist()),
            units=p.units,
        )

    def place(self, rule: int) -> tuple[int, int]:
        """(section, position): sections 0 and 1 are rows, 2 to 4 are columns."""
        section = int(np.searchsorted(self.ends, rule, side="right"))
        return section, rule - (self.ends[section - 1] if section else 0)

    def touching(self, rows: Mask, columns: Mask) -> Mask:
        """The sides of some rows and some columns."""
        sides: Mask = np.concatenate([rows, rows, columns, columns, columns])
        return self.present & sides

    def families(self, mask: Mask) -> list[Ints]:
        """The ids of a mask, grouped by section and component, the largest group first."""
        ids = np.flatnonzero(mask)
        keys = self._family[ids]
        order = np.argsort(keys, kind="stable")
        groups = np.split(ids[order], np.flatnonzero(np.diff(keys[order])) + 1)
        return sorted((group for group in groups if group.size), key=lambda group: -group.size)

    def by_index(self, mask: Mask, end: int) -> list[Ints]:
        """The ids of a mask, grouped by the first (0) or last (-1) part of their index."""
        row_parts = [part_of(member, end) for _, member in self.program.row_keys]
        column_parts = [part_of(member, end) for _, member in self.names.columns]
        parts = [*row_parts, *row_parts, *column_parts, *column_parts, *column_parts]
        groups: dict[Any, list[int]] = {}
        for number in np.flatnonzero(mask).tolist():
            groups.setdefault(parts[number], []).append(number)
        return [np.array(ids, dtype=np.int64) for ids in groups.values()]

    @cached_property
    def _family(self) -> Ints:
        p = self.program
        code: dict[str, int] = {}
        rows = np.array([code.setdefault(name, len(code)) for name, _ in p.row_keys], dtype=np.int64)
        columns = np.full(p.columns, len(code), dtype=np.int64)
        for number, members in enumerate(p.variables.values()):
            columns[members[members >= 0]] = len(code) + 1 + number
        width = len(code) + len(p.variables) + 1
        parts = (rows, rows, columns, columns, columns)
        return np.concatenate([section * width + part for section, part in enumerate(parts)])

    def rule(self, number: int) -> Rule:
        """A rule by its id."""
        p = self.program
        section, position = self.place(number)
        name, member = p.row_keys[position] if section < 2 else self.names.columns[position]
        bounds: tuple[Floats, ...] = (p.row_lower, p.row_upper, p.lower, p.upper)
        side: tuple[Side, ...] = ("at least", "at most", "at least", "at most", "whole")
        unit, claim = split_doc(p.units.get(name, ""), name)
        return Rule(
            name=name,
            member=member,
            side=side[section],
            of_row=section < 2,
            stated=2 <= section < 4 or (section < 2 and p.row_lower[position] == p.row_upper[position]),
            bound=float(bounds[section][position]) if section < 4 else np.nan,
            unit=unit,
            claim=claim,
            place=self.names.where(name, member),
        )


def _accounts(p: Program) -> Mask:
    """Rows that define one quantity by others, or split a whole into its parts."""
    parts = {name for name, doc in p.units.items() if doc.startswith("[1]")}
    whole = np.array([name in parts for name, _ in p.row_keys], dtype=bool)
    same = np.equal(p.row_lower, p.row_upper)
    return np.asarray(same & ((p.row_lower == 0) | ((np.abs(p.row_lower) == 1) & whole)), dtype=bool)


def _domains(p: Program) -> tuple[Mask, Mask]:
    """Lower and upper bounds that say what a quantity is, not how much of it is allowed."""
    part = np.zeros(p.columns, dtype=bool)
    for name, members in p.variables.items():
        part[members[members >= 0]] = p.units.get(name, "").startswith("[1]")
    below = (p.upper == 0) & ~np.isfinite(p.lower)
    return p.lower == 0, below | (part & (p.lower == 0) & (p.upper == 1))
