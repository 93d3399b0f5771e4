"""Deliveries: differences of one programme with rows made slack equal those of programmes built without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hubs.errors import InputError
from optimizer.market.contracts import CallOption, Contract, Forward, TakeOrPay, check, quantity_eflops
from optimizer.market.delivering import Undeliverable, deliver, western_occupancy_frac, with_positions
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from optimizer.solve.optimum import optimise
from scenarios.case import Case, Horizon
from tests.cases import START, two_site_case
from tests.market.agreed import contract

DAMAGES_KCNY = 30.0


def sold(name: str, terms: Forward | TakeOrPay | CallOption, **changes: object) -> Contract:
    return contract(terms, name=name, first_day=0, last_day=0, **changes)


BIG = [
    sold("fixed", Forward(2.0), lots=40),
    sold("band", TakeOrPay(2.0, 0.9, 1.1), lots=12, buyer="West"),
    sold("option", CallOption(2.0, 0.1), lots=30, buyer="West"),
]


def relaxed(case: Case) -> float:
    point = Session(compile_case(case)).relax(60.0)
    assert point.x is not None
    return point.objective_kcny


@pytest.fixture(scope="module")
def case() -> Case:
    """A dear plateau: the dispatch sends there as little as it may, so that promises to run there cost something."""
    plain = two_site_case()
    price = plain.energy_kcny_per_mwh.copy()
    price[0] *= 8.0
    return replace(plain, energy_kcny_per_mwh=price, positions=(), horizon=Horizon(START, 4, 2))


def test_each_alone_and_all_together_equal_programmes_built_for_them(case: Case) -> None:
    book, alone = deliver(case, BIG, DAMAGES_KCNY, 1e-6, 60.0)
    without = relaxed(case)
    apart = {c.name: relaxed(with_positions(case, [c], DAMAGES_KCNY)) - without for c in BIG}
    assert {name: effect.cost_kcny for name, effect in alone.items()} == pytest.approx(apart, abs=1e-6)
    assert book.relaxed.cost_kcny == pytest.approx(relaxed(with_positions(case, BIG, DAMAGES_KCNY)) - without, abs=1e-6)
    assert max(apart.values()) > 0.1
    assert min(apart.values()) >= -1e-9
    assert book.relaxed.cost_kcny >= max(apart.values()) - 1e-9


def test_the_book_is_a_whole_plan_whose_missing_part_is_paid_for(case: Case) -> None:
    book, _ = deliver(case, BIG, DAMAGES_KCNY, 1e-6, 60.0)
    program = compile_case(with_positions(case, BIG, DAMAGES_KCNY))
    plan = optimise(program, 1e-6, 60.0)
    assert plan.x is not None
    assert plan.verdict is not None
    assert book.stop == "gap reached"
    assert book.cost_kcny == pytest.approx(plan.objective_kcny, rel=1e-5)
    assert book.bound_kcny <= book.cost_kcny + 1e-9
    assert book.not_delivered_frac["option"].tolist() == [0.0]
    due = quantity_eflops(BIG[0], case.horizon).sum()
    missing = book.not_delivered_frac["fixed"][0] * due
    assert 0 <= missing <= due
    assert DAMAGES_KCNY * missing <= plan.verdict.items_kcny["non_delivery"] + 1e-6


def test_without_damages_nothing_is_kept_and_nothing_costs(case: Case) -> None:
    book, alone = deliver(case, BIG[:1], 0.0, 1e-6, 60.0)
    assert alone["fixed"].cost_kcny == pytest.approx(0.0, abs=1e-7)
    assert book.relaxed.cost_kcny == pytest.approx(0.0, abs=1e-7)


def test_dear_damages_bring_the_work_to_the_seller(case: Case) -> None:
    _, alone = deliver(case, BIG[:1], 500.0, 1e-6, 60.0)
    assert alone["fixed"].hosted_eflopsh["fixed"] > 1.0
    assert alone["fixed"].western_occupancy_frac > 0.0


def test_occupancy_is_load_over_what_machines_can_run(case: Case) -> None:
    program = compile_case(case)
    point = Session(program).relax(60.0)
    assert point.x is not None
    load = program.values("fleet.load_eflops", point.x).sum()
    used = load / (case.usable_eflops("Plateau") * case.horizon.hours)
    assert western_occupancy_frac(case, program, point.x) == pytest.approx(used, rel=1e-12)
    assert 0 < used <= 1
    eastern = replace(case, zone={"East": "east", "West": "east"})
    assert np.isnan(western_occupancy_frac(eastern, program, point.x))


def test_positions_of_the_scenario_stay_and_oversold_contracts_are_refused(case: Case) -> None:
    own = two_site_case().positions
    assert with_positions(replace(case, positions=own), BIG, 1.0).positions[: len(own)] == own
    with pytest.raises(InputError, match="sold"):
        check([sold("all", Forward(2.0), lots=1000)], case)


def test_capacity_held_back_that_others_need_leaves_no_dispatch(case: Case) -> None:
    """All of the plateau is held for the west, but eastern work that may not be lost can run only there."""
    everything = sold("all", CallOption(2.0, 0.1), lots=int(case.usable_eflops("Plateau") * 10), buyer="West")
    strict = tuple(replace(k, served_floor_frac=1.0) for k in case.services)
    packed = replace(case, services=strict, local_eflops={"East local": 0.0})
    with pytest.raises(Undeliverable, match="infeasible with the positions"):
        deliver(packed, [everything], DAMAGES_KCNY, 1e-6, 60.0)
