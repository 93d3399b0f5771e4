"""Every constraint of the model binds somewhere and lets go elsewhere.

Where it binds, a row of it is tight and dropping its rows lowers the optimal cost by more than a stated margin: a
constraint that never does is a redundant row, or one written wrongly. An inequality has a second case, in which
dropping its rows changes nothing: there it forbids only what nobody wants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from scenarios.case import Case, Floats, Ints
from scenarios.instruments import Innovation, Position
from tests.cases import full_case


class Equation(NamedTuple):
    """An equality: a case in which it matters, and what dropping it saves there at least."""

    case: Case
    margin_kcny: float


class Limit(NamedTuple):
    """An inequality: a case in which it binds, what dropping it saves there at least, and one in which it is slack."""

    case: Case
    margin_kcny: float
    slack: Case


class Account(NamedTuple):
    """An inequality that only keeps an account exact: no plan pays to break it until a price pulls on a variable."""

    case: Case
    margin_kcny: float
    slack: Case
    pulled: str
    """Variable that earns 1 kCNY per unit."""


# -- changes to a case, each in the terms of one instrument


def tuned(case: Case, instrument: str, **changes: Any) -> Case:
    return replace(case, **{instrument: replace(getattr(case, instrument), **changes)})


def pod(case: Case, **changes: Any) -> Case:
    return replace(case, generations=(replace(case.generations[0], **changes),))


def chat(case: Case, **changes: Any) -> Case:
    return replace(case, services=(case.services[0], replace(case.services[1], **changes)))


def late(kcny_per_eflopsh_h: float) -> Case:
    return full_case(batches=(replace(BASE.batches[0], late_kcny_per_eflopsh_h=kcny_per_eflopsh_h),))


def owing(kind: Literal["fixed", "take-or-pay", "call"], region: str = "East", **changes: Any) -> Case:
    """One position of 6 EFLOPS in place of the three small ones."""
    return full_case(positions=(Position("one", "Plateau", region, kind, np.full(4, 6.0), 2.0, **changes),))


def worth(threshold_eflops: float, east: tuple[float, float], west: tuple[float, float]) -> Case:
    return full_case(innovation=Innovation(3.0, (threshold_eflops,), {"east": east, "west": west}))


def open_end(case: Case) -> Case:
    return replace(case, horizon=replace(case.horizon, cyclic=False))


BASE = full_case()
OPEN = open_end(BASE)
SMALL_LOCAL = full_case(local_eflops={"East local": 3.0})
"""Services of the east overflow to the plateau."""
FEW_PODS = full_case(pods_installed=np.array([[4]]), capital_counted=(), positions=())
ONE_BUSY_HOUR = replace(
    SMALL_LOCAL, capital_counted=(), demand_eflops=BASE.demand_eflops * np.array([0.1, 1.0, 0.1, 0.1])
)
NARROW = replace(SMALL_LOCAL, link_capacity_gbps=np.array([10.0, 0.0, 0.0, 100.0]), wavelengths=None)
CHEAP_LAST_HOUR = full_case(energy_kcny_per_mwh=np.array([[0.9, 0.9, 0.9, 0.1]] * 2))
DEAR_PLATEAU = full_case(energy_kcny_per_mwh=np.array([[2.0] * 4, [0.5] * 4]), capital_counted=(), expansion=None)
NO_MACHINES = full_case(
    blocks=("batch", "fleet", "facility", "grid"),
    local_eflops={"East local": 0.0},
    pods_installed=np.array([[0]]),
    pods_vacant=np.array([[0]]),
)
"""All batch work is late, and given up."""
POOR_HOST = tuned(
    BASE,
    "cooperation",
    cost_kcny_per_eflopsh={"Plateau": 2.8},
    compensation_kcny_per_eflopsh=0.05,
    administration_frac=0.5,
)
"""Fees do not cover the hub's cost and margin: transfers must, more of them for every returned tax."""
NO_DIRECT = full_case(expansion=None, direct_mw=np.zeros((1, 2, 4)), credit_mwh_per_eflopsh=3.0)
FREE_PLANTS = tuned(
    BASE,
    "expansion",
    direct_kcny_per_mw=np.zeros(2),
    direct_max_mw=np.full((1, 2), 99.0),
    capacity_frac=np.ones((1, 2, 4)),
)
FALLING = worth(1.0, (0.5, 0.3), (0.06, 0.04))
"""Each further unit is worth less: segments fill in order by themselves."""

LIMITS: dict[str, Limit] = {
    "service.opens_few_sites": Limit(BASE, 2.0, chat(BASE, max_sites=2)),
    "service.serves_only_if_open": Limit(BASE, 3.0, chat(BASE, max_sites=2, min_share_frac=0.0)),
    "service.serves_enough_if_open": Limit(chat(BASE, max_sites=2, min_share_frac=0.45), 3.0, BASE),
    "batch.runs_within_window": Limit(CHEAP_LAST_HOUR, 0.04, late(0.0)),
    "batch.gives_up_what_is_left": Limit(NO_MACHINES, 1.0, BASE),
    "cooperation.agrees_first": Limit(
        tuned(BASE, "cooperation", agreement_kcny=100.0), 70.0, tuned(BASE, "cooperation", agreement_kcny=0.0)
    ),
    "cooperation.reaches_the_least_volume": Limit(tuned(DEAR_PLATEAU, "cooperation", minimum_eflopsh=4.5), 3.0, BASE),
    "cooperation.keeps_to_few_partners": Limit(tuned(BASE, "cooperation", partners_max=0), 70.0, BASE),
    "cooperation.returns_its_part_up_to_the_cap": Limit(POOR_HOST, 0.08, BASE),
    "cooperation.returns_the_cap_once_reached": Limit(tuned(POOR_HOST, "cooperation", tax_cap_kcny=0.1), 0.049, BASE),
    "cooperation.compensates": Limit(
        tuned(BASE, "cooperation", administration_frac=0.5),
        0.3,
        tuned(POOR_HOST, "cooperation", compensation_kcny_per_eflopsh=0.01),
    ),
    "cooperation.pays_within_the_fund": Limit(tuned(BASE, "cooperation", fund_kcny={"East": 0.1}), 60.0, BASE),
    "cooperation.hosts_at_no_loss": Limit(
        tuned(BASE, "cooperation", cost_kcny_per_eflopsh={"Plateau": 6.0}), 20.0, BASE
    ),
    "delivery.counts_work_once": Limit(owing("fixed"), 35.0, BASE),
    "delivery.delivers_what_is_owed": Limit(owing("fixed"), 35.0, BASE),
    "delivery.takes_or_pays": Limit(owing("take-or-pay", low_frac=0.0, take_frac=0.9), 30.0, BASE),
    "delivery.holds_capacity_back": Limit(
        replace(owing("call", region="West"), pods_vacant=np.array([[0]]), expansion=None), 5.0, BASE
    ),
    "expansion.supplies_what_the_weather_gives": Limit(BASE, 12.0, FREE_PLANTS),
    "fleet.uses_pods_that_are_on": Limit(BASE, 40.0, pod(BASE, lighting_kcny=0.0)),
    "fleet.stays_on": Limit(pod(open_end(ONE_BUSY_HOUR), start_kcny=0.01, min_up_h=3), 1.0, BASE),
    "fleet.fits_on_lit_pods": Limit(BASE, 70.0, pod(BASE, idle_mw=0.0, start_kcny=0.0, lighting_kcny=0.0)),
    "fleet.lights_only_built_pods": Limit(FEW_PODS, 4.0, BASE),
    "fleet.pays_for_starts": Limit(OPEN, 15.9, BASE),
    "grid.draws_within_peak": Limit(BASE, 3.5, full_case(demand_charge_kcny_per_mw=np.zeros(2))),
    "peak_shaving.draws_below_baseline": Limit(BASE, 0.3, tuned(BASE, "peak_shaving", baseline_mw=np.zeros(1))),
    "peak_shaving.is_paid_only_if_enrolled": Limit(
        BASE, 20.0, tuned(BASE, "peak_shaving", baseline_mw=BASE.connection_mw[:1])
    ),
    "storage.ends_as_it_began": Limit(OPEN, 0.5, tuned(OPEN, "storage", start_frac=0.0)),
    "green.reaches_green_share": Limit(
        full_case(green_target_frac=np.ones(1)), 0.04, full_case(green_target_frac=np.zeros(1))
    ),
    "green.claims_only_what_is_drawn": Limit(full_case(credit_mwh_per_eflopsh=30.0), 50.0, BASE),
    "green.conveys_only_what_is_claimed": Limit(tuned(NO_DIRECT, "prices", certificate_kcny_per_mwh=0.5), 4.0, BASE),
    "network.carries_within_capacity": Limit(NARROW, 90.0, BASE),
    "coverage.serves_at_home": Limit(chat(SMALL_LOCAL, home_floor_frac=0.5), 100.0, BASE),
    "coverage.serves_the_floor": Limit(chat(BASE, lost_kcny_per_eflopsh=0.1), 20.0, BASE),
    "coverage.keeps_home_reserve": Limit(full_case(home_reserve_frac={"Plateau": 0.9}), 10.0, BASE),
    "innovation.fills_before_next": Limit(BASE, 0.6, FALLING),
    "innovation.begins_after_full": Limit(worth(9.0, (0.3, 0.5), (0.04, 0.06)), 0.6, FALLING),
}

ACCOUNTS: dict[str, Account] = {
    "cooperation.returns_no_more_than_its_part": Account(
        BASE, 0.5, tuned(BASE, "cooperation", tax_cap_kcny=0.1), "cooperation.tax_kcny"
    ),
}

EQUATIONS: dict[str, Equation] = {
    "compute_balances": Equation(BASE, 100.0),
    "power_balances": Equation(BASE, 70.0),
    "service.steers_all_demand": Equation(BASE, 70.0),
    "batch.assigns_all_work": Equation(BASE, 15.0),
    "batch.gathers_what_is_sent": Equation(BASE, 20.0),
    "batch.runs_what_has_arrived": Equation(BASE, 20.0),
    "batch.finishes_or_pays": Equation(OPEN, 15.0),
    "jobs.runs_once_or_is_dropped": Equation(BASE, 7.0),
    "jobs.holds_until_done": Equation(BASE, 7.0),
    "hosting.counts_all_work": Equation(full_case(home_reserve_frac={"Plateau": 0.9}), 10.0),
    "cooperation.counts_outsourced_work": Equation(BASE, 0.5),
    "storage.holds_what_is_left": Equation(BASE, 2.0),
    "credit.travels_with_the_work": Equation(full_case(credit_mwh_per_eflopsh=30.0), 50.0),
    "network.takes_nearest_route": Equation(NARROW, 90.0),
    "network.finds_a_route": Equation(BASE, 0.04),
    "network.receives_all_data": Equation(BASE, 0.1),
    "innovation.counts_dispatched_compute": Equation(BASE, 7.0),
}


# -- what is asked of them


@dataclass(frozen=True, eq=False)
class Solved:
    """A programme and its proved optimum."""

    program: Program
    cost_kcny: float
    x: Floats


SOLVED: dict[int, tuple[Case, Solved]] = {}


def solved(case: Case) -> Solved:
    """One of the cases above, compiled and solved once."""
    if id(case) not in SOLVED:
        SOLVED[id(case)] = (case, solve(compile_case(case)))
    return SOLVED[id(case)][1]


def solve(program: Program) -> Solved:
    found = Session(program).branch_and_bound(None, 1e-9, 30.0)
    assert found.status == "optimal"
    assert found.x is not None
    return Solved(program, found.objective_kcny, found.x)


def rows_of(program: Program, constraint: str) -> Ints:
    rows = np.array([row for row, (name, _) in enumerate(program.row_keys) if name == constraint], dtype=np.int64)
    assert rows.size, f"the case has no row of {constraint}"
    return rows


def saving_kcny(held: Solved, constraint: str) -> float:
    """What the optimum falls by when every row of a constraint is dropped."""
    program, rows = held.program, rows_of(held.program, constraint)
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    lower[rows], upper[rows] = -np.inf, np.inf
    return held.cost_kcny - solve(replace(program, row_lower=lower, row_upper=upper)).cost_kcny


def nearest(held: Solved, constraint: str) -> float:
    """How far the nearest row of a constraint is from its side at the optimum."""
    program, rows = held.program, rows_of(held.program, constraint)
    body = (program.matrix @ held.x)[rows]
    sides = np.stack([program.row_lower[rows], program.row_upper[rows]])
    return float(np.abs(sides - body).min())


def pulling(program: Program, variable: str) -> Program:
    """The same programme, in which every unit of a variable earns 1 kCNY."""
    cost = program.item_cost.tolil()
    cost[0, program.variables[variable]] = -1.0
    return replace(program, item_cost=cost.tocsr())


def kinds() -> dict[str, set[bool]]:
    """Every constraint of the compiled models -> whether its rows are equalities; both where it has rows of both."""
    found: dict[str, set[bool]] = {}
    for program in (solved(BASE).program, solved(OPEN).program):
        equal = (program.row_lower == program.row_upper).tolist()
        for (name, _), is_equal in zip(program.row_keys, equal, strict=True):
            found.setdefault(name, set()).add(is_equal)
    return found


def test_every_constraint_of_the_model_stands_in_a_table() -> None:
    found = kinds()
    assert {name for name, equal in found.items() if equal == {False}} == {*LIMITS, *ACCOUNTS}
    assert {name for name, equal in found.items() if equal == {True}} == {*EQUATIONS}
    assert all(len(equal) == 1 for equal in found.values())


BINDING: dict[str, Limit | Equation] = {**LIMITS, **EQUATIONS}


@pytest.mark.parametrize("constraint", BINDING)
def test_dropping_a_constraint_where_it_binds_makes_the_plan_cheaper(constraint: str) -> None:
    held = solved(BINDING[constraint].case)
    assert saving_kcny(held, constraint) > BINDING[constraint].margin_kcny
    assert nearest(held, constraint) < 1e-6, "no row is tight at the optimum"


@pytest.mark.parametrize("constraint", LIMITS)
def test_dropping_an_inequality_where_it_is_slack_changes_nothing(constraint: str) -> None:
    held = solved(LIMITS[constraint].slack)
    assert abs(saving_kcny(held, constraint)) < 1e-7 * abs(held.cost_kcny)


@pytest.mark.parametrize("constraint", ACCOUNTS)
def test_what_keeps_an_account_exact_binds_once_something_pulls_on_it(constraint: str) -> None:
    case, margin_kcny, slack, pulled = ACCOUNTS[constraint]
    held, free = solve(pulling(solved(case).program, pulled)), solve(pulling(solved(slack).program, pulled))
    assert abs(saving_kcny(solved(case), constraint)) < 1e-7 * solved(case).cost_kcny, "without a pull it saves nothing"
    assert saving_kcny(held, constraint) > margin_kcny
    assert nearest(held, constraint) < 1e-6
    assert abs(saving_kcny(free, constraint)) < 1e-7 * abs(free.cost_kcny)
