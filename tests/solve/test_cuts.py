"""Root cuts: every whole plan meets them, they lift the bound, and who did not ask for them does not notice."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import sparse

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.cuts import cuts_on_demands, switches_of, tightened
from optimizer.solve.engine import Clock, Session
from optimizer.solve.optimum import optimise
from scenarios.case import Floats
from tests.cases import full_case, random_case
from tests.solve.warehouses import warehouses


def lifted(program: Program) -> tuple[float, float, Session]:
    """Bounds of the relaxation without cuts and with them, and the session with them."""
    session = Session(program)
    relaxed = session.relax(60.0)
    tight, bound = tightened(session, relaxed.objective_kcny, Clock(60.0))
    return relaxed.objective_kcny, bound, tight


def test_facilities_become_whole() -> None:
    """Where one warehouse is best for all, the strong form's relaxation is the optimum, counted out by hand."""
    fixed, sent = (3.0, 4.0), ((1.0, 1.0, 1.0), (2.0, 2.0, 0.5))
    best = min(
        sum(f for f, o in zip(fixed, opened, strict=True) if o)
        + sum(min(s[c] for s, o in zip(sent, opened, strict=True) if o) for c in range(3))
        for opened in product((0, 1), repeat=2)
        if any(opened)
    )
    weak, strong, tight = lifted(warehouses(fixed, sent))
    assert weak < 5.9 < strong
    assert strong == pytest.approx(best) == pytest.approx(6.0)
    assert tight.cuts


@pytest.mark.parametrize("seed", range(6))
def test_whole_plans_meet_every_cut(seed: int) -> None:
    """Optima for costs drawn at random reach into all corners of the whole plans."""
    program = compile_case(full_case())
    rng = np.random.default_rng(seed)
    factors = rng.uniform(0.2, 3.0, program.columns)
    drawn = replace(program, item_cost=sparse.csr_array(program.item_cost @ sparse.diags_array(factors)))
    found = optimise(drawn, 1e-3, 60.0)
    assert found.x is not None
    rows, sides = cuts_on_demands(program)
    assert sides.size > 10
    assert (rows @ found.x - sides).max() <= 1e-6


def test_cuts_lift_the_bound_and_not_above_the_optimum() -> None:
    program = compile_case(full_case())
    weak, strong, _ = lifted(program)
    best = optimise(program, 1e-6, 120.0)
    assert weak + 1e-6 < strong <= best.objective_kcny + 1e-6


def test_the_tree_knows_the_cuts_and_finds_the_same_optimum() -> None:
    program = compile_case(full_case())
    *_, tight = lifted(program)
    plain, cut = (s.branch_and_bound(None, 1e-6, 120.0) for s in (Session(program), tight))
    assert tight.cuts
    assert cut.objective_kcny == pytest.approx(plain.objective_kcny, rel=1e-5)


def test_the_session_given_is_left_as_it_is() -> None:
    program = compile_case(full_case())
    session = Session(program)
    relaxed = session.relax(60.0)
    tight, _ = tightened(session, relaxed.objective_kcny, Clock(60.0))
    assert tight is not session
    assert not session.cuts
    assert session.resolve(60.0).objective_kcny == pytest.approx(relaxed.objective_kcny)
    assert session.duals().row.size == program.rows


def test_where_nothing_is_switched_there_is_no_cut() -> None:
    program = compile_case(random_case(0))
    session = Session(program)
    relaxed = session.relax(60.0)
    same, bound = tightened(session, relaxed.objective_kcny, Clock(60.0))
    assert same is session
    assert bound == relaxed.objective_kcny


def test_what_may_be_negative_or_has_a_constant_is_not_ruled_out() -> None:
    """An account with a constant, or with something negative in it, does not say that all its parts are zero."""
    program = warehouses((3.0, 4.0), ((1.0, 1.0, 1.0), (2.0, 2.0, 0.5)))
    assert switches_of(program).ruled[:, 4:].nnz == 6
    below = program.lower.copy()
    below[4] = -1.0
    assert switches_of(replace(program, lower=below)).ruled[:, 4:].nnz == 3, (
        "the first warehouse's account says nothing"
    )
    shifted: tuple[Floats, Floats] = (program.row_lower.copy(), program.row_upper.copy())
    for side in shifted:
        side[0] = -0.5
    assert switches_of(replace(program, row_lower=shifted[0], row_upper=shifted[1])).ruled[:, 4:].nnz == 3


def test_of_a_demand_that_may_be_exceeded_the_rest_must_meet_what_is_ruled_out() -> None:
    """What a closed warehouse would have sent comes from elsewhere: the bound is that of equality."""
    exact = warehouses((3.0, 4.0), ((1.0, 1.0, 1.0), (2.0, 2.0, 0.5)))
    more = replace(exact, row_upper=np.where(exact.row_lower == 1, np.inf, exact.row_upper))
    for program, side in ((exact, 0.0), (more, -1.0)):
        _, sides = cuts_on_demands(program)
        assert sides.tolist() == [side] * 6, "one for each warehouse and customer"
    assert lifted(more)[:2] == pytest.approx(lifted(exact)[:2])
