"""A block that has nothing to do costs nothing: it may as well be left out.

For every block one or more cases in which it is present and neutral, each against the same case without the block: both
have the same optimal cost. A block whose absence costs something else has left a trace outside its own file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optimizer.blocks import BLOCKS
from optimizer.solve.compile import compile_case
from optimizer.solve.engine import Session
from scenarios.case import Case
from scenarios.checks import NEEDED
from tests.cases import full_case

ALWAYS_THERE = {
    "fleet": "without machines nothing is dispatched",
    "facility": "a PUE of one is a perfect hall, not an absent one: IT power is only drawn through it",
    "grid": "without a supply no machine runs",
}
FREE_PRICES = {"transfer_kcny_per_tb": 0.0, "transfer_mwh_per_tb": 0.0}


def tuned(case: Case, instrument: str, **changes: Any) -> Case:
    return replace(case, **{instrument: replace(getattr(case, instrument), **changes)})


def without(case: Case, *blocks: str) -> Case:
    return replace(case, blocks=tuple(name for name in case.blocks if name not in blocks))


FULL = full_case()
NO_COVERAGE, NO_CREDIT = without(FULL, "coverage"), without(FULL, "credit")
UNCOUNTED = without(FULL, "coverage", "cooperation", "delivery", "credit")
"""Nothing that stands on the account of who works for whom."""
SILENT = tuple(replace(p, damages_kcny_per_eflopsh=0.0) for p in FULL.positions if p.kind != "call")
NO_FLOORS = tuple(replace(k, served_floor_frac=0.0, home_floor_frac=0.0) for k in FULL.services)
assert FULL.innovation
FREE_TERMS = {
    "compensation_kcny_per_eflopsh": 0.0,
    "cost_kcny_per_eflopsh": {"Plateau": 0.0},
    "margin_kcny_per_eflopsh": 0.0,
    "agreement_kcny": 0.0,
    "minimum_eflopsh": 0.0,
    "partners_max": 9,
    "fund_kcny": {"East": 1e6, "West": 1e6},
    "administration_frac": 0.0,
    "local_tax_frac": 0.0,
}
NOTHING_TO_BUILD = {
    "pods_max": np.array([[0]]),
    "direct_max_mw": np.zeros((1, 2)),
    "wavelengths_max": np.zeros(4, dtype=np.int64),
}

NEUTRAL: dict[str, tuple[Case, ...]] = {
    "service": (replace(NO_COVERAGE, demand_eflops=np.zeros((2, 2, 4))),),
    "batch": (full_case(arrivals_eflopsh=np.zeros((2, 1, 1))),),
    "jobs": (full_case(jobs=(), running_eflops=np.zeros((1, 4))),),
    "hosting": (UNCOUNTED,),
    "cooperation": (tuned(FULL, "cooperation", **FREE_TERMS), full_case(cooperation=None)),
    "delivery": (full_case(positions=()), full_case(positions=SILENT)),
    "expansion": (tuned(FULL, "expansion", **NOTHING_TO_BUILD), full_case(expansion=None)),
    "peak_shaving": (
        tuned(FULL, "peak_shaving", kcny_per_mwh=0.0),
        tuned(FULL, "peak_shaving", baseline_mw=np.zeros(1)),
        tuned(FULL, "peak_shaving", hours=()),
    ),
    "renewable": (full_case(direct_mw=np.zeros((1, 2, 4))), full_case(direct_kcny_per_mwh=np.full(2, 99.0))),
    "storage": (
        full_case(storage=None),
        tuned(FULL, "storage", power_mw=np.zeros(1)),
        tuned(FULL, "storage", energy_mwh=np.zeros(1)),
        tuned(FULL, "storage", wear_kcny_per_mwh=99.0),
    ),
    "credit": (full_case(credit_mwh_per_eflopsh=0.0),),
    "green": (replace(NO_CREDIT, green_target_frac=np.zeros(1)),),
    "carbon": (
        tuned(FULL, "prices", carbon_kcny_per_tco2=0.0),
        tuned(full_case(carbon_ledger="market"), "prices", carbon_kcny_per_tco2=0.0),
    ),
    "network": (tuned(full_case(link_capacity_gbps=np.full(4, 1e4)), "prices", **FREE_PRICES),),
    "coverage": (full_case(services=NO_FLOORS, home_reserve_frac={"Plateau": 0.0}),),
    "innovation": (
        full_case(innovation=None),
        tuned(FULL, "innovation", weight_kcny_per_point=0.0),
        tuned(FULL, "innovation", points_per_eflops={"east": (0.0, 0.0), "west": (0.0, 0.0)}),
    ),
}


def cost_kcny(case: Case) -> float:
    found = Session(compile_case(case)).branch_and_bound(None, 1e-9, 30.0)
    assert found.status == "optimal"
    return found.objective_kcny


def test_every_block_is_neutral_somewhere_or_always_there() -> None:
    assert set(NEUTRAL) | set(ALWAYS_THERE) == set(BLOCKS)
    assert set(ALWAYS_THERE) == set(NEEDED)


@pytest.mark.parametrize(
    ("block", "number"), [(block, number) for block, cases in NEUTRAL.items() for number in range(len(cases))]
)
def test_a_neutral_block_may_as_well_be_left_out(block: str, number: int) -> None:
    case = NEUTRAL[block][number]
    assert block in case.blocks
    assert cost_kcny(case) == pytest.approx(cost_kcny(without(case, block)), rel=1e-7)


def test_an_account_alone_changes_nothing() -> None:
    """Hosting counts who works for whom; it stands in the programme, and takes nothing from it."""
    program = compile_case(UNCOUNTED)
    assert (program.variables["hosting.hosted_eflopsh"] >= 0).all()
    assert not program.cost[program.variables["hosting.hosted_eflopsh"]].any()
