"""Switches settled at once: a strong relaxation says which are kept, and a large programme is solved with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from optimizer.solve import dive, optimum
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.cuts import switches_of
from optimizer.solve.engine import Clock, Point, Session
from optimizer.solve.live import Live
from optimizer.solve.optimum import optimise
from optimizer.solve.switches import keep_used, kept, relaxation
from tests.cases import full_case
from tests.solve.warehouses import warehouses

GAP, LIMIT_S = 1e-3, 60.0


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (dive, optimum):
        monkeypatch.setattr(room, "SMALL", 0)


def two_of_three() -> Program:
    """Two customers, three warehouses, two may be open; each customer has one of its own, the third is for both."""
    return warehouses((1.0, 1.0, 1.0), ((0.0, 5.0), (5.0, 0.0), (2.0, 2.0)), most_open=2)


def test_the_strong_relaxation_of_warehouses_is_whole(all_are_large: None) -> None:
    program = two_of_three()
    session = Session(program)
    weak = session.relax(LIMIT_S).objective_kcny
    strong = relaxation(session, Clock(LIMIT_S))
    assert weak == pytest.approx(1.0)
    assert strong.objective_kcny == pytest.approx(2.0)
    assert strong.x is not None
    assert strong.x[:3].tolist() == pytest.approx([1.0, 1.0, 0.0], abs=1e-7)
    assert session.cuts, "the tree still gets them"
    assert session.relax(LIMIT_S).objective_kcny == pytest.approx(weak), "the live object is free of them"


def test_the_most_used_are_kept_within_the_limit() -> None:
    program = two_of_three()
    x = np.zeros(program.columns)
    for used, expected in (((0.9, 0.05, 0.2), (1, 0, 1)), ((0.5, 0.3, 0.4), (1, 0, 1)), ((0.0, 0.0, 0.0), (0, 0, 0))):
        x[:3] = used
        assert kept(program, switches_of(program), x, 0.1, sparing=True)[:3].tolist() == list(expected)


def test_of_one_divided_among_several_the_largest_part_is_kept() -> None:
    program = two_of_three()
    x = np.zeros(program.columns)
    x[:3] = 0.3, 0.35, 0.4
    assert kept(program, switches_of(program), x, 0.1, sparing=True)[:3].tolist() == [0, 0, 1]
    assert kept(program, switches_of(program), x, 0.1, sparing=False)[:3].tolist() == [0, 1, 1], "two may be"
    free = replace(program, item_cost=sparse.csr_array(program.item_cost.toarray() * (np.arange(program.columns) > 2)))
    assert kept(free, switches_of(free), x, 0.1, sparing=True)[:3].tolist() == [0, 1, 1], (
        "what costs nothing may stay divided"
    )


def test_a_switch_that_permits_nothing_any_more_is_dropped_too() -> None:
    """Sites are opened where no agreement lets work be sent: they go with the agreement."""
    program = compile_case(full_case())
    found = switches_of(program)
    names = [program.column_names[column] for column in found.columns]
    sites, agreements = (np.array([n.startswith(p) for n in names]) for p in ("service.open_site", "cooperation.agree"))
    part = (found.ruled[np.flatnonzero(sites)] @ found.ruled[np.flatnonzero(agreements)].T).toarray() > 0
    site = found.columns[sites][part.any(axis=1)][0]
    x = np.zeros(program.columns)
    x[site] = 1.0
    assert not kept(program, found, x, 0.1, sparing=True)[site]
    x[found.columns[agreements]] = 1.0
    assert kept(program, found, x, 0.1, sparing=True)[site]


def test_where_the_sparing_choice_is_too_dear_the_generous_one_is_taken() -> None:
    """One customer, served by halves: one warehouse alone would do by the sum, and cannot."""
    program = warehouses((1.0, 1.0), ((0.0,), (0.0,)), most_open=2)
    halves = replace(program, upper=np.where(np.arange(program.columns) < 4, program.upper, 0.5))
    session = Session(halves)
    strong = relaxation(session, Clock(LIMIT_S))
    assert strong.x is not None
    assert strong.x[:2].tolist() == pytest.approx([0.5, 0.5])
    assert kept(halves, switches_of(halves), strong.x, 0.1, sparing=True)[:2].sum() == 1
    point, decided = keep_used(session, strong, GAP, Clock(LIMIT_S))
    assert decided.tolist() == [0, 1]
    assert point.objective_kcny == pytest.approx(2.0)


def test_of_two_choices_the_cheaper_is_taken_and_stays_fixed() -> None:
    """One warehouse costs 1, both cost 2; neither is within the gap of a bound of zero."""
    program = warehouses((1.0, 1.0), ((0.0,), (0.0,)), most_open=2)
    session = Session(program)
    halves = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    point, decided = keep_used(session, Point("optimal", 0.0, halves), GAP, Clock(LIMIT_S))
    assert point.objective_kcny == pytest.approx(1.0)
    assert point.x is not None
    assert point.x[decided].tolist() == [1, 0]
    assert session.resolve(LIMIT_S).objective_kcny == pytest.approx(1.0)


def test_where_no_kept_switch_leaves_a_point_nothing_is_decided(all_are_large: None) -> None:
    """The third warehouse must work, and the point given does not use it."""
    program = two_of_three()
    lower = program.lower.copy()
    lower[5] = 0.5
    session = Session(replace(program, lower=lower))
    strong = session.relax(LIMIT_S)
    assert strong.x is not None
    strong.x[:3] = (1.0, 1.0, 0.0)
    point, decided = keep_used(session, strong, GAP, Clock(LIMIT_S))
    assert point is strong
    assert not decided.size
    assert session.resolve(LIMIT_S).x is not None, "nothing stays fixed"


def test_a_large_programme_finds_what_a_small_one_does(all_are_large: None) -> None:
    program = compile_case(full_case())
    stages: list[str] = []
    large = optimise(program, GAP, LIMIT_S, lambda p: stages.append(p.stage))
    best = Session(program).branch_and_bound(None, 1e-6, LIMIT_S).objective_kcny
    assert "switches" in stages
    assert large.gap_frac <= GAP
    assert large.bound_kcny <= best * (1 + 1e-6)
    assert large.objective_kcny <= best * (1 + GAP)


def test_a_live_object_forgets_the_cuts_of_the_programme_before(all_are_large: None) -> None:
    """Cuts are scaled by demand: with other demand they would be wrong."""
    case = full_case()
    first = compile_case(case)
    more = compile_case(replace(case, demand_eflops=case.demand_eflops * 1.05))
    live = Live(first, GAP, LIMIT_S)
    assert live.session.cuts
    answer = live.solve(more, GAP, LIMIT_S)
    assert answer.rebuilt is None
    assert not live.session.cuts
    assert answer.outcome.objective_kcny == pytest.approx(optimise(more, GAP, LIMIT_S).objective_kcny, rel=2 * GAP)
