"""On small cases every integer choice is tried, each with its own LP in scipy: the least of them is our optimum."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.optimum import optimise
from scenarios.case import Floats
from tests.cases import random_case


def integer_choices(program: Program) -> Iterator[Floats]:
    """Every value of the integer columns within their bounds that no row of integers alone forbids.

    A job starts at most once (its row says so, the share dropped being at least zero), so starts are taken job by job.
    """
    integers = np.flatnonzero(program.integer)
    by_job: dict[str, list[int]] = {}
    for (job, *_), column in zip(program.index["jobs.start"], program.variables["jobs.start"].tolist(), strict=True):
        by_job.setdefault(job, []).append(column)
    starts = [column for columns in by_job.values() for column in columns]
    counts = [column for column in integers.tolist() if column not in starts]
    ranges = [range(int(program.lower[c]), int(program.upper[c]) + 1) for c in counts]
    place = {column: position for position, column in enumerate(integers.tolist())}
    only_integers = np.flatnonzero((abs(program.matrix[:, ~program.integer]) @ np.ones((~program.integer).sum())) == 0)
    rows = program.matrix[only_integers][:, integers].toarray()
    low, high = program.row_lower[only_integers], program.row_upper[only_integers]
    for chosen in product(*([None, *columns] for columns in by_job.values())):
        for values in product(*ranges):
            x = np.zeros(integers.size)
            x[[place[c] for c in counts]] = values
            x[[place[c] for c in chosen if c is not None]] = 1.0
            body = rows @ x
            if (body >= low - 1e-9).all() and (body <= high + 1e-9).all():
                yield x


def least_cost(program: Program) -> tuple[float, int]:
    """Least cost over all integer choices, and how many there were; each LP is solved by scipy."""
    integers, rest = np.flatnonzero(program.integer), np.flatnonzero(~program.integer)
    matrix = program.matrix.toarray()
    equal = program.row_lower == program.row_upper
    upper, lower = ~equal & np.isfinite(program.row_upper), ~equal & np.isfinite(program.row_lower)
    a_ub = sparse.csr_array(np.vstack([matrix[upper], -matrix[lower]])[:, rest])
    a_eq = sparse.csr_array(matrix[equal][:, rest])
    bounds = np.column_stack([program.lower, program.upper])[rest]
    best, tried = np.inf, 0
    for x in integer_choices(program):
        body = matrix[:, integers] @ x
        b_ub = np.concatenate([(program.row_upper - body)[upper], (body - program.row_lower)[lower]])
        b_eq = (program.row_upper - body)[equal]
        found = linprog(program.cost[rest], a_ub, b_ub, a_eq, b_eq, bounds, method="highs-ds")
        tried += 1
        if found.status == 0:
            best = min(best, found.fun + float(program.cost[integers] @ x) + program.offset)
        else:
            assert found.status == 2, found.message
    return best, tried


@pytest.mark.parametrize("seed", range(10))
def test_optimum_is_the_least_over_all_integer_choices(seed: int) -> None:
    program = compile_case(random_case(seed))
    best, tried = least_cost(program)
    outcome = optimise(program, 1e-9, 60.0)
    assert tried >= 20
    assert np.isfinite(best)
    assert outcome.verdict is not None
    assert outcome.objective_kcny == pytest.approx(best, rel=1e-6)
    assert outcome.bound_kcny <= best * (1 + 1e-6)
    assert outcome.relaxed_kcny <= best * (1 + 1e-9)


def test_some_of_these_cases_have_an_integrality_gap() -> None:
    """Else the enumeration would only compare linear programmes."""
    gaps = []
    for seed in range(10):
        outcome = optimise(compile_case(random_case(seed)), 1e-9, 60.0)
        gaps.append(outcome.objective_kcny / outcome.relaxed_kcny - 1)
    assert sum(gap > 1e-3 for gap in gaps) >= 5
