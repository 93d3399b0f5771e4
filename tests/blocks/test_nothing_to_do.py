"""Blocks that find nothing to act on: no pair uses a link, no work leaves its province."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.blocks import build_model
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from scenarios.case import Case, Route
from tests.cases import full_case


def at_home(case: Case) -> Case:
    """The same case, everything in one place: both regions' work stays where it is, over no link, and none is built."""
    assert case.expansion
    plan = replace(case.expansion, wavelengths_max=np.zeros(len(case.links), dtype=np.int64))
    here = {pair: (Route((), 1.0),) for pair in (("East", "East local"), ("West", "Plateau"))}
    big = {"local_eflops": {"East local": 60.0}, "connection_mw": np.full(2, 400.0)}
    return replace(case, routes=here, positions=(), expansion=plan, **big)


def without(case: Case, block: str) -> Case:
    return replace(case, blocks=tuple(name for name in case.blocks if name != block))


def families(program: Program, block: str) -> list[str]:
    """Variables, constraints and cost items that a block has left in a programme."""
    names = [*program.variables, *(name for name, _ in program.row_keys)]
    return sorted({name for name in names if name.startswith(f"{block}.")})


def best_kcny(program: Program) -> float:
    found = Session(program).branch_and_bound(None, 1e-9, 30.0)
    assert found.status == "optimal"
    return found.objective_kcny


@pytest.mark.parametrize(
    ("block", "items"),
    [("network", {"transfer", "wavelengths"}), ("cooperation", {"agreements", "administration"})],
)
def test_where_all_work_stays_at_home_a_block_leaves_nothing(block: str, items: set[str]) -> None:
    stays, leaves = compile_case(at_home(full_case())), compile_case(full_case())
    assert families(leaves, block)
    assert items <= set(leaves.items)
    assert families(stays, block) == []
    assert not items & set(stays.items)
    other = compile_case(without(at_home(full_case()), block))
    assert (other.columns, other.rows, other.items) == (stays.columns, stays.rows, stays.items)
    np.testing.assert_array_equal(other.matrix.toarray(), stays.matrix.toarray())
    np.testing.assert_array_equal(other.cost, stays.cost)
    assert best_kcny(stays) == pytest.approx(best_kcny(other), rel=1e-9)


def test_a_network_without_remote_pairs_draws_no_power_for_data() -> None:
    """The balances are closed all the same, and no posting of traffic is left open."""
    model = build_model(at_home(full_case()))
    assert model.component("network") is None
    assert len(model.power_balances) == 8
    assert [block for block, _ in model.books.power.postings] == [
        "expansion",
        "facility",
        "grid",
        "renewable",
        "storage",
    ]


def test_agreements_need_another_province_not_another_place() -> None:
    """The cluster that stands in the region itself hosts its work over a link, and still needs no agreement."""
    case = full_case()
    routes = {pair: ways for pair, ways in case.routes.items() if pair != ("East", "Plateau")}
    program = compile_case(replace(case, routes=routes, positions=(), local_eflops={"East local": 60.0}))
    assert families(program, "network")
    assert families(program, "cooperation") == []
    assert families(program, "hosting")
