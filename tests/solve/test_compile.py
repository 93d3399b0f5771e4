"""Pyomo to arrays: nothing lost, whether rules are kept as templates or written out row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest

import optimizer.blocks as blocks
from optimizer.solve.compile import Program, TriviallyInfeasible, compile_case, compile_model, label
from optimizer.solve.engine import write_mps
from optimizer.solve.optimum import optimise
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import load
from tests.cases import random_case, two_site_case


def write_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build and compile without templates from here on.

    Without them Pyomo wants `Feasible` where a rule says True, as one does at a link that nothing may use.
    """
    constraint = pyo.Constraint

    def tolerant(*sets: Any, rule: Any, **options: Any) -> Any:
        def said(*index: Any) -> Any:
            found = rule(*index)
            return (constraint.Feasible if found else constraint.Infeasible) if isinstance(found, bool) else found

        return constraint(*sets, rule=said, **options)

    def build(case: Case) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(pyo, "Constraint", tolerant)
            return blocks.build_model(case)

    monkeypatch.setattr(blocks.templates, "__enter__", lambda self: None)
    monkeypatch.setattr("optimizer.solve.compile.build_model", build)


def same(one: Program, other: Program) -> None:
    assert one.row_keys == other.row_keys
    assert one.column_names == other.column_names
    assert one.items == other.items
    for name in ("row_lower", "row_upper", "lower", "upper", "integer", "item_offset"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("matrix", "item_cost"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine.nnz == theirs.nnz
        assert abs(mine - theirs).max() <= 1e-12 * abs(mine).max()


CASES = {
    "two sites": two_site_case,
    "market": lambda: two_site_case(carbon_ledger="market"),
    "random": lambda: random_case(1),
    "day": lambda: build_case(load("day")),
    "two days": lambda: build_case(load("day", ["horizon.hours=42", "jobs.count=6"])),
}


@pytest.mark.parametrize("name", CASES)
def test_without_templates_the_programme_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]()
    templated = compile_case(case)
    assert templated.matrix.nnz > templated.rows
    write_out(monkeypatch)
    same(templated, compile_case(case))


def test_the_comparison_sees_a_factor_lost() -> None:
    program = compile_case(two_site_case())
    wrong = program.matrix.copy()
    wrong.data = np.where(np.arange(wrong.nnz) == 7, 1.5 * wrong.data, wrong.data)
    with pytest.raises(AssertionError):
        same(program, replace(program, matrix=wrong))


def test_names_lead_to_rows_and_columns_and_back() -> None:
    program = compile_case(two_site_case())
    assert len(set(program.row_names)) == program.rows
    assert len(set(program.column_names)) == program.columns
    assert all(program.column_names)
    for column in (0, 5, program.columns - 1):
        assert program.column_name(column) == program.column_names[column]
    with pytest.raises(IndexError, match="no column"):
        program.column_name(program.columns)
    assert label("grid.import_mw", ("Chongqing Cluster", 3)) == "grid.import_mw[Chongqing_Cluster,3]"
    assert label("cost", None) == "cost"


def test_values_come_in_the_order_of_the_index_and_unused_members_are_zero() -> None:
    program = compile_case(two_site_case())
    x = np.arange(1.0, program.columns + 1)
    for name, columns in program.variables.items():
        values = program.values(name, x)
        assert values.shape == (len(program.index[name]),)
        np.testing.assert_array_equal(values[columns >= 0], columns[columns >= 0] + 1.0)
        assert not values[columns < 0].any()


def test_a_rule_without_variables_that_does_not_hold_is_named() -> None:
    model = pyo.ConcreteModel()
    model.x = pyo.Var()
    model.cost = pyo.Block()
    model.cost.item = pyo.Objective(expr=model.x)
    model.zero = pyo.Param(initialize=0.0, mutable=True)
    model.reaches_the_moon = pyo.Constraint(expr=model.zero * model.x >= 1)
    with pytest.raises(TriviallyInfeasible, match="reaches_the_moon"):
        compile_model(model)


def test_the_mps_file_holds_the_same_programme(tmp_path: Any) -> None:
    program = compile_case(random_case(3))
    path = tmp_path / "case.mps"
    write_mps(program, str(path))
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.setOptionValue("mip_rel_gap", 1e-9)
    highs.run()
    ours = optimise(program, 1e-9, 60.0)
    assert highs.getObjectiveValue() == pytest.approx(ours.objective_kcny, rel=1e-6)
    assert highs.getLp().col_names_ == program.column_names
    assert highs.getLp().row_names_ == program.row_names


def test_every_kind_of_row_bound_and_cost_comes_through() -> None:
    """A model written here by hand, its arrays too."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(1, None), doc="[MW] a")
    model.y = pyo.Var(within=pyo.Integers, bounds=(-2, 5), doc="[1] b")
    model.unused = pyo.Var([1, 2], doc="[1] c")
    model.at_most = pyo.Constraint(expr=2 * model.x + model.y <= 7)
    model.at_least = pyo.Constraint(expr=model.x - 3 * model.y >= 4)
    model.equal = pyo.Constraint(expr=model.x + model.y == 6)
    model.between = pyo.Constraint(expr=(1, model.x + 5 * model.y, 9))
    model.cost = pyo.Block()
    model.cost.first = pyo.Objective(expr=3 * model.x + 10)
    model.cost.second = pyo.Objective(expr=model.y - model.x)
    program = compile_model(model)
    columns = [int(program.variables[name][0]) for name in ("x", "y")]
    rows = {
        (name, low, high, *program.matrix.toarray()[row, columns])
        for row, ((name, _), low, high) in enumerate(
            zip(program.row_keys, program.row_lower, program.row_upper, strict=True)
        )
    }
    at_least = {("at_least", 4.0, np.inf, 1.0, -3.0)}
    between = {("between", 1.0, np.inf, 1.0, 5.0), ("between", -np.inf, 9.0, 1.0, 5.0)}
    assert rows == {("at_most", -np.inf, 7.0, 2.0, 1.0), *at_least, ("equal", 6.0, 6.0, 1.0, 1.0), *between}
    assert (program.lower[columns].tolist(), program.upper[columns].tolist()) == ([1, -2], [np.inf, 5])
    assert program.integer[columns].tolist() == [False, True]
    assert program.variables["unused"].tolist() == [-1, -1]
    assert program.items == ("first", "second")
    np.testing.assert_array_equal(program.item_cost.toarray()[:, columns], [[3, 0], [-1, 1]])
    assert (program.item_offset.tolist(), program.offset) == ([10.0, 0.0], 10.0)
    np.testing.assert_array_equal(program.cost[columns], [2, 1])
    assert program.units["x"] == "[MW] a"
