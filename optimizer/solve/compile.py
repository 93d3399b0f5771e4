"""Compile a Pyomo model to arrays, once: everything after this file is numpy and HiGHS.

`Program` is the mixed-integer linear programme  min sum_i C[i]·x + offset,  lower <= A x <= upper,
x within bounds, some x integer, with the names needed to speak about its rows and columns. One row of
C per cost item, so that every item of a plan is C[i]·x, by construction of the same matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.common.gc_manager import PauseGC
from pyomo.common.log import LoggingIntercept
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy import sparse

from optimizer.blocks import build_model, templates
from scenarios.case import Case, Floats, Ints


class TriviallyInfeasible(Exception):
    """A constraint without variables that does not hold; its name says which rule."""


@dataclass(frozen=True)
class Program:
    items: tuple[str, ...]
    item_cost: sparse.csr_array
    """(items, columns), kCNY per unit."""
    item_offset: Floats
    matrix: sparse.csr_array
    """(rows, columns)."""
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: np.ndarray[Any, np.dtype[np.bool_]]
    variables: dict[str, Ints]
    """Variable -> column of each member, in the order of `index[variable]`; -1 where the model never uses it."""
    index: dict[str, tuple[Any, ...]]
    row_keys: tuple[tuple[str, Any], ...]
    """(constraint, index) of each row."""
    units: dict[str, str]
    """Variable or constraint -> its doc, `[unit] sentence`."""

    @cached_property
    def cost(self) -> Floats:
        return np.asarray(np.ones(len(self.items)) @ self.item_cost, dtype=np.float64)

    def value_kcny(self, x: Floats) -> float:
        """The objective at a point: the sum of its cost items."""
        return float((self.item_cost @ x + self.item_offset).sum())

    @property
    def offset(self) -> float:
        return float(self.item_offset.sum())

    @property
    def columns(self) -> int:
        return self.lower.size

    @property
    def rows(self) -> int:
        return self.row_lower.size

    @cached_property
    def column_names(self) -> list[str]:
        names = [""] * self.columns
        for variable, columns in self.variables.items():
            for member, column in zip(self.index[variable], columns.tolist(), strict=True):
                if column >= 0:
                    names[column] = label(variable, member)
        return names

    @cached_property
    def row_names(self) -> list[str]:
        return [label(name, member) for name, member in self.row_keys]

    def row_name(self, row: int) -> str:
        return label(*self.row_keys[row])

    def column_name(self, column: int) -> str:
        for variable, columns in self.variables.items():
            where = np.flatnonzero(columns == column)
            if where.size:
                return label(variable, self.index[variable][int(where[0])])
        raise IndexError(f"no column {column}")

    def values(self, variable: str, x: Floats) -> Floats:
        """Values of one variable at a point, in the order of its index; unused members are zero."""
        columns = self.variables[variable]
        return np.where(columns >= 0, x[columns], 0.0)


def label(name: str, member: Any) -> str:
    """`grid.import_mw[Guian,3]` as one word for solvers: blanks and marks become underscores."""
    if member is None:
        return name
    parts = member if isinstance(member, tuple) else (member,)
    return f"{name}[{','.join(str(part) for part in parts)}]".replace(" ", "_")


def compile_case(case: Case) -> Program:
    """Build the model of a case and compile it."""
    with PauseGC():
        return compile_model(build_model(case))


def compile_model(model: pyo.ConcreteModel) -> Program:
    """Compile a model whose objectives are cost items; raises TriviallyInfeasible."""
    try:
        # Pyomo 6.10 warns of its own deprecated call on every compile.
        with templates(), LoggingIntercept(module="pyomo.core.base.param"):
            form = LinearStandardFormCompiler().write(model, mixed_form=True)
    except InfeasibleConstraintException as error:
        raise TriviallyInfeasible(str(error)) from error
    column_of = {id(var): position for position, var in enumerate(form.columns)}
    variables, index, units = _variables(model, column_of)
    lower, upper = _bounds(form.columns)
    senses = np.array([kind for _, kind in form.rows])
    rhs = np.asarray(form.rhs, dtype=float)
    for constraint in model.component_objects(pyo.Constraint):
        units[constraint.name] = constraint.doc or ""
    return Program(
        items=tuple(objective.local_name for objective in form.objectives),
        item_cost=sparse.csr_array(form.c),
        item_offset=np.asarray(form.c_offset, dtype=float),
        matrix=sparse.csr_array(form.A),
        row_lower=np.where(senses <= 0, rhs, -np.inf),
        row_upper=np.where(senses >= 0, rhs, np.inf),
        lower=lower,
        upper=upper,
        integer=np.array([not var.is_continuous() for var in form.columns], dtype=bool),
        variables=variables,
        index=index,
        row_keys=_row_keys(form.rows),
        units=units,
    )


def _row_keys(rows: list[Any]) -> tuple[tuple[str, Any], ...]:
    """(constraint, index) of each row; a name is long to find, so each is looked up once."""
    parents = [row.parent_component() for row, _ in rows]
    names = {id(parent): parent.name for parent in {id(parent): parent for parent in parents}.values()}
    return tuple((names[id(parent)], row.index()) for parent, (row, _) in zip(parents, rows, strict=True))


def _variables(
    model: pyo.ConcreteModel, column_of: dict[int, int]
) -> tuple[dict[str, Ints], dict[str, tuple[Any, ...]], dict[str, str]]:
    columns, index, units = {}, {}, {}
    for variable in model.component_objects(pyo.Var):
        columns[variable.name] = np.array([column_of.get(id(v), -1) for v in variable.values()], dtype=np.int64)
        index[variable.name] = tuple(variable.keys())
        units[variable.name] = variable.doc or ""
    return columns, index, units


def _bounds(columns: list[Any]) -> tuple[Floats, Floats]:
    bounds = [var.bounds for var in columns]
    lower = np.array([-np.inf if low is None else low for low, _ in bounds], dtype=float)
    upper = np.array([np.inf if high is None else high for _, high in bounds], dtype=float)
    return lower, upper
