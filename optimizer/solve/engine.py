"""HiGHS, held live: arrays go in, bounds change, points come out.

`Session` owns one `highspy.Highs` with one program in it. It is opened as a linear relaxation (no column is
integer) so that a dive can fix columns and solve again from the last basis; `branch_and_bound` hands the
integers over for HiGHS's own tree, the fallback and the referee.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from scenarios.case import Floats

THREADS = 2
_DUAL, _PRIMAL = 1, 4
"""HiGHS's numbers for its two simplex methods."""
_DEVEX = 1
"""HiGHS's number for weights that start at one (Harris 1973)."""
Columns = np.ndarray[Any, np.dtype[np.integer[Any]]]


class SolverError(Exception):
    """HiGHS stopped with something we did not ask for; the message names the call and its status."""


@dataclass(frozen=True)
class Point:
    """What one solve returned. `status` is one of optimal, infeasible, unbounded, time limit, too dear."""

    status: str
    objective_kcny: float
    x: Floats | None
    bound_kcny: float = -np.inf


@dataclass(frozen=True)
class Duals:
    """What one unit of a row's right-hand side, or of a column's bound, adds to the least cost: kCNY per unit."""

    row: Floats
    column: Floats


@dataclass(frozen=True)
class Ranging:
    """How far the bound at which a row or column stands may move while the basis, and so its dual, stays the same."""

    row_low: Floats
    row_high: Floats
    column_low: Floats
    column_high: Floats


_STATUS = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    highspy.HighsModelStatus.kTimeLimit: "time limit",
    highspy.HighsModelStatus.kObjectiveTarget: "optimal",
    highspy.HighsModelStatus.kObjectiveBound: "too dear",
    highspy.HighsModelStatus.kInterrupt: "time limit",
}


def to_lp(program: Program) -> highspy.HighsLp:
    """The arrays of a program as HiGHS wants them, with every column continuous."""
    for what, numbers in (("cost", program.cost), ("coefficient", program.matrix.data)):
        if not np.isfinite(numbers).all():
            raise SolverError(f"the programme holds a {what} that is no finite number")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.columns, program.rows
    lp.col_cost_, lp.offset_ = program.cost, program.offset
    lp.col_lower_, lp.col_upper_ = program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = program.columns, program.rows
    lp.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = program.matrix.data
    return lp


class Session:
    def __init__(self, program: Program, hot: bool = False) -> None:
        """`hot` if little is changed after an optimum, often: what HiGHS does against stalling then costs most.

        Exact steepest-edge weights take a solve a row, and its perturbed costs thousands of steps more.
        """
        self.program = program
        self.highs = _quiet()
        if hot:
            self.highs.setOptionValue("simplex_dual_edge_weight_strategy", _DEVEX)
            self.highs.setOptionValue("dual_simplex_cost_perturbation_multiplier", 0.01)
        self.cuts: list[tuple[sparse.csr_array, Floats]] = []
        self._must(self.highs.passModel(to_lp(program)), "passing the model")

    def relax(self, time_limit_s: float) -> Point:
        """Solve the relaxation by interior point, with a basis at the end for the hot starts that follow.

        The basis that crossover gives is primal feasible and hardly ever quite dual feasible: the primal simplex
        mends that in a few steps, the dual would begin anew.
        """
        self._set(solver="ipx", run_crossover="on", simplex_strategy=_PRIMAL, time_limit=time_limit_s)
        return self._run()

    def resolve(self, time_limit_s: float, below_kcny: float = np.inf) -> Point:
        """Solve again from the last basis after bounds have changed; given up once it cannot come in `below_kcny`."""
        self._set(solver="simplex", simplex_strategy=_DUAL, time_limit=time_limit_s)
        self.highs.setOptionValue("objective_bound", below_kcny)
        point = self._run()
        self.highs.setOptionValue("objective_bound", np.inf)
        return point

    def reprice(self, time_limit_s: float) -> Point:
        """Solve again from the last basis after costs have changed, which leave it primal feasible."""
        self._set(solver="simplex", simplex_strategy=_PRIMAL, time_limit=time_limit_s)
        return self._run()

    def bound(self, columns: Columns, lower: Floats, upper: Floats) -> None:
        """Set the bounds of some columns."""
        if columns.size:
            self._must(
                self.highs.changeColsBounds(columns.size, columns.astype(np.int32), lower.copy(), upper.copy()),
                "changing bounds",
            )

    def be_exact(self) -> None:
        """From now on hold rows and bounds a hundred times more exactly than HiGHS does by itself."""
        self.highs.setOptionValue("primal_feasibility_tolerance", 1e-9)

    def basis(self) -> highspy.HighsBasis:
        """The basis of the last point, to stand on again."""
        return self.highs.getBasis()

    def stand_on(self, basis: highspy.HighsBasis) -> None:
        """Start the next `resolve` from a basis of a programme of the same form."""
        self._must(self.highs.setBasis(basis), "setting a basis")

    def update(self, program: Program) -> None:
        """Go over to a programme of the same form: only the vectors and coefficients that differ are changed."""
        old, highs = self.program, self.highs
        self.release()
        columns = np.flatnonzero(old.cost != program.cost)
        self.price(columns, program.cost[columns])
        self._must(highs.changeObjectiveOffset(program.offset), "changing the offset")
        columns = np.flatnonzero((old.lower != program.lower) | (old.upper != program.upper))
        self.bound(columns, program.lower[columns], program.upper[columns])
        rows = np.flatnonzero((old.row_lower != program.row_lower) | (old.row_upper != program.row_upper))
        self.bound_rows(rows, program.row_lower[rows], program.row_upper[rows])
        entries = np.flatnonzero(old.matrix.data != program.matrix.data)
        in_row = np.searchsorted(program.matrix.indptr, entries, side="right") - 1
        for row, entry in zip(in_row.tolist(), entries.tolist(), strict=True):
            column, value = int(program.matrix.indices[entry]), float(program.matrix.data[entry])
            self._must(highs.changeCoeff(row, column, value), "changing a coefficient")
        self.program, self.cuts = program, []  # cuts are true of one programme only

    def fix(self, columns: Columns, values: Floats) -> None:
        self.bound(columns, values, values)

    def price(self, columns: Columns, kcny: Floats) -> None:
        """Set the cost of some columns."""
        self._must(self.highs.changeColsCost(columns.size, columns.astype(np.int32), kcny.copy()), "changing costs")

    def release(self) -> None:
        """Give every column its own bounds back."""
        self.bound(np.arange(self.program.columns), self.program.lower, self.program.upper)

    def bound_rows(self, rows: Columns, lower: Floats, upper: Floats) -> None:
        """Set the sides of some rows."""
        if rows.size:
            self._must(
                self.highs.changeRowsBounds(rows.size, rows.astype(np.int32), lower.copy(), upper.copy()),  # type: ignore[attr-defined]
                "changing rows",
            )

    def cut(self, rows: sparse.csr_array, sides: Floats | float = 0.0) -> None:
        """Add rows `rows x <= sides` that every whole plan of this programme meets; they are no rows of the model."""
        self.cuts.append((rows, np.full(rows.shape[0], sides)))
        self._add(self.highs, *self.cuts[-1])

    def lay_cuts_aside(self) -> None:
        """Take the cuts out of the live object; HiGHS's own tree still gets them."""
        count = sum(sides.size for _, sides in self.cuts)
        rows = np.arange(self.program.rows, self.program.rows + count, dtype=np.int32)
        if count:
            self._must(self.highs.deleteRows(count, rows), "deleting cuts")

    def _add(self, highs: highspy.Highs, rows: sparse.csr_array, sides: Floats) -> None:
        starts, below = rows.indptr[:-1].astype(np.int32), np.full(sides.size, -np.inf)
        entries = rows.nnz, starts, rows.indices.astype(np.int32), rows.data
        self._must(highs.addRows(sides.size, below, sides, *entries), "adding cuts")

    def duals(self) -> Duals:
        """Duals of the last optimal point; positive where one unit more of what is asked for costs more."""
        solution = self.highs.getSolution()
        return Duals(np.array(solution.row_dual, dtype=np.float64), np.array(solution.col_dual, dtype=np.float64))

    def ranging(self) -> Ranging:
        """Ranges of the last optimal basis; SolverError if there is none."""
        status, found = self.highs.getRanging()
        self._must(status, "ranging")
        ends = (found.row_bound_dn, found.row_bound_up, found.col_bound_dn, found.col_bound_up)
        return Ranging(*(np.array(end.value_, dtype=np.float64) for end in ends))

    def response(self, row: int) -> Floats:
        """(columns,): how the last optimal point moves per unit of a row's right-hand side, while its basis stays.

        SolverError if there is no basis.
        """
        asked = np.zeros(self.program.rows)
        asked[row] = 1.0
        found, basic = self.highs.getBasicVariables()  # type: ignore[attr-defined]
        self._must(found, "reading the basis")
        status, values = self.highs.getBasisSolve(asked)[:2]  # type: ignore[attr-defined]
        self._must(status, "solving with the basis")
        places, moved = np.array(basic), np.zeros(self.program.columns)
        moved[places[places >= 0]] = np.array(values)[places >= 0]
        return moved

    def branch_and_bound(
        self,
        start: Floats | None,
        gap_frac: float,
        time_limit_s: float,
        heard: Callable[[float, float], None] | None = None,
    ) -> Point:
        """HiGHS's own tree from a start, until the gap or the time limit; `heard(best, bound)` as it moves."""
        highs = _quiet()
        program = self.program
        self._must(highs.passModel(to_lp(program)), "passing the model")
        for rows, sides in self.cuts:
            self._add(highs, rows, sides)
        integers = np.flatnonzero(program.integer).astype(np.int32)
        kinds = np.full(integers.size, highspy.HighsVarType.kInteger)
        self._must(highs.changeColsIntegrality(integers.size, integers, kinds), "declaring integers")
        highs.setOptionValue("mip_rel_gap", gap_frac)
        highs.setOptionValue("time_limit", max(0.0, time_limit_s))
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            self._must(highs.setSolution(solution), "handing the start over")
        if heard is not None:
            highs.cbMipLogging.subscribe(
                lambda event: heard(event.data_out.mip_primal_bound, event.data_out.mip_dual_bound)
            )
        self._must(highs.run(), "branch and bound")
        info = highs.getInfo()
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        x = np.array(highs.getSolution().col_value) if found else None
        return Point(_status(highs), info.objective_function_value if found else np.inf, x, info.mip_dual_bound)

    def _run(self) -> Point:
        self._must(self.highs.run(), "solving the relaxation")
        status = _status(self.highs)
        solved = status == "optimal"
        x = np.array(self.highs.getSolution().col_value) if solved else None
        return Point(status, self.highs.getObjectiveValue() if solved else np.inf, x)

    def _set(self, **options: Any) -> None:
        limit = options.pop("time_limit")
        # HiGHS counts the time of earlier runs of the same object against the limit.
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(0.0, limit))
        for name, value in options.items():
            self.highs.setOptionValue(name, value)

    @staticmethod
    def _must(status: highspy.HighsStatus, doing: str) -> None:
        if status == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS failed while {doing}")


def solve_part(lp: highspy.HighsLp, start: Floats, gap_frac: float, time_limit_s: float) -> Floats | None:
    """The best point of a small mixed-integer programme; integers exactly whole; None if none was found.

    `start` need not be whole: its integers, rounded up, are handed over for HiGHS to complete.
    """
    highs = _quiet()
    highs.passModel(lp)
    integers = np.flatnonzero([kind == highspy.HighsVarType.kInteger for kind in lp.integrality_]).astype(np.int32)
    highs.setSolution(
        integers.size, integers, np.minimum(np.ceil(start[integers] - 1e-6), np.array(lp.col_upper_)[integers])
    )
    highs.setOptionValue("mip_rel_gap", gap_frac)
    highs.setOptionValue("time_limit", max(0.0, time_limit_s))
    highs.run()
    if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    x = np.array(highs.getSolution().col_value)
    whole = np.round(x[integers])
    if np.abs(x[integers] - whole).max(initial=0.0) > 0:
        # Whole to a tolerance only: fix the integers and let the rest follow exactly.
        highs.changeColsIntegrality(integers.size, integers, np.full(integers.size, highspy.HighsVarType.kContinuous))
        highs.changeColsBounds(integers.size, integers, whole, whole)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        x = np.array(highs.getSolution().col_value)
        x[integers] = whole
    return x


def write_mps(program: Program, path: str) -> None:
    """Write the whole mixed-integer programme, with readable names, as an MPS file."""
    lp = to_lp(program)
    lp.integrality_ = [
        highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous for whole in program.integer
    ]
    lp.col_names_, lp.row_names_ = program.column_names, program.row_names
    highs = _quiet()
    Session._must(highs.passModel(lp), "passing the model")
    Session._must(highs.writeModel(path), f"writing {path}")


def _quiet() -> highspy.Highs:
    highs: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", THREADS)
    highs.setOptionValue("random_seed", 0)
    return highs


def _status(highs: highspy.Highs) -> str:
    status = highs.getModelStatus()
    if status not in _STATUS:
        raise SolverError(f"HiGHS stopped with status '{highs.modelStatusToString(status)}'")
    return _STATUS[status]


class Clock:
    """Time left of a limit, in seconds."""

    def __init__(self, limit_s: float) -> None:
        self.started = time.perf_counter()
        self.limit_s = limit_s

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    @property
    def left_s(self) -> float:
        return max(0.0, self.limit_s - self.elapsed_s)
