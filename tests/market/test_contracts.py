"""Quantities of a contract, and what is wrong with contracts on a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from hubs.errors import InputError
from optimizer.market.contracts import (
    CallOption,
    Collar,
    Contract,
    Difference,
    Forward,
    GreenForward,
    TakeOrPay,
    Terms,
    check,
    position,
    quantity_eflops,
    reserved_eflops,
)
from scenarios.case import Case, Horizon
from tests.cases import two_site_case
from tests.market.agreed import WEEK, contract

FORWARD = Forward(6.0)
CUSTOM = tuple([0.0] * 12 + [3.0] * 6 + [1.0] * 6)


@pytest.fixture
def case() -> Case:
    """Plateau has 25 pods of 0.27 usable EFLOPS: 6.75."""
    return two_site_case()


def today(terms: Terms = FORWARD, **changes: Any) -> Contract:
    """A contract that fits the four hours of the case."""
    return contract(terms, **({"first_day": 0, "last_day": 0} | changes))


def test_a_lot_is_a_tenth_of_an_eflops_day_in_every_shape() -> None:
    for shape in ("baseload", "working-hours", "night", "custom"):
        quantity = quantity_eflops(contract(FORWARD, shape=shape, hours_ratio=CUSTOM), WEEK)
        assert quantity.sum() == pytest.approx(3 * 10 * 2.4, rel=1e-12)
        assert not quantity[:24].any()
        assert not quantity[96:].any()


def test_baseload_is_flat_and_other_shapes_keep_their_hours() -> None:
    flat = quantity_eflops(contract(FORWARD), WEEK)
    assert np.allclose(flat[24:96], 1.0, rtol=1e-14)
    working = quantity_eflops(contract(FORWARD, shape="working-hours"), WEEK)[24:48]
    assert np.flatnonzero(working).tolist() == list(range(9, 18))
    assert working[9] == pytest.approx(24 / 9)
    custom = quantity_eflops(contract(FORWARD, shape="custom", hours_ratio=CUSTOM), WEEK)[24:48]
    assert custom[12] == pytest.approx(3 * custom[20])


def test_hours_of_the_day_are_clock_hours_not_hours_since_the_start() -> None:
    noon = Horizon(datetime(2025, 7, 14, 12), hours=48)
    quantity = quantity_eflops(contract(FORWARD, shape="working-hours", first_day=0, last_day=0), noon)
    assert np.flatnonzero(quantity).tolist() == [0, 1, 2, 3, 4, 5, 21, 22, 23]


def test_what_is_held_back_at_the_seller() -> None:
    band = contract(TakeOrPay(6.0, 0.5, 1.2))
    assert np.array_equal(reserved_eflops(band, WEEK), 1.2 * quantity_eflops(band, WEEK))
    assert not reserved_eflops(contract(Difference(6.0)), WEEK).any()
    assert reserved_eflops(contract(CallOption(6.0, 0.1)), WEEK)[30] == pytest.approx(1.0)


def test_a_physical_contract_becomes_a_position_of_the_dispatch() -> None:
    band = position(contract(TakeOrPay(6.0, 0.5, 1.2)), WEEK, 30.0)
    assert (band.kind, band.low_frac, band.take_frac, band.high_frac) == ("take-or-pay", 0.0, 0.5, 1.2)
    assert (band.region, band.cluster, band.damages_kcny_per_eflopsh) == ("East", "Plateau", 30.0)
    assert position(contract(CallOption(6.0, 0.1)), WEEK, 30.0).kind == "call"
    green = position(contract(GreenForward(6.0, 0.01, 4.0)), WEEK, 30.0)
    assert green.kind == "fixed"
    assert green.quantity_eflops.sum() == pytest.approx(72.0)
    with pytest.raises(InputError, match="it is settled in money; only a physical contract changes the dispatch"):
        position(contract(Collar(5.0, 7.0)), WEEK, 30.0)


def test_sound_contracts_pass(case: Case) -> None:
    sold = [today(name="a", lots=67), today(Difference(6.0), name="b", lots=500), today(Collar(5, 7), name="c", lots=9)]
    check(sold, case)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "region": ({"buyer": "Est"}, "region 'Est' is not known; the buyer is a region of the case. Mend: write 'East'"),
    "cluster": ({"seller": "Plato"}, "cluster 'Plato' is not known; the seller is a cluster of the case"),
    "a local site is no cluster": ({"seller": "East local"}, "cluster 'East local' is not known"),
    "lots": ({"lots": -3}, "lots is -3; at least one lot is traded"),
    "no lots": ({"lots": 0}, "lots is 0; at least one lot is traded"),
    "last day": ({"last_day": 1}, "delivery runs from day 0 to day 1; days count from 0, and the horizon of 4 h ends"),
    "first day": ({"first_day": -1}, "delivery runs from day -1 to day 0"),
    "backwards": ({"first_day": 0, "last_day": -1}, "delivery runs from day 0 to day -1"),
    "custom without hours": ({"shape": "custom"}, "the shape is custom, but hours_ratio does not hold its hours"),
    "23 hours": ({"shape": "custom", "hours_ratio": (1.0,) * 23}, "a custom shape has 24 numbers, none negative"),
    "no hour at all": ({"shape": "custom", "hours_ratio": (0.0,) * 24}, "not all zero"),
    "negative hour": ({"shape": "custom", "hours_ratio": (-1.0, *(1.0,) * 23)}, "none negative"),
    "unknown shape": (
        {"shape": "nigth"},
        "shape 'nigth' is not known; a shape is one of the known ones. Mend: write 'nig",
    ),
    "shape outside the horizon": (
        {"shape": "working-hours"},
        "the shape 'working-hours' has no hour in the days 0 to 0",
    ),
    "over-sold": ({"lots": 68}, "Plateau sold 6.8 EFLOPS in hour 0 ('trial'); its machines can run 6.75 EFLOPS"),
}


@pytest.mark.parametrize(("changes", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_is_named(case: Case, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        check([today(**changes)], case)
    assert "contract 'trial'" in str(error.value)
    assert message in str(error.value)
    assert len(error.value.faults) == 1


def test_clusters_are_over_sold_by_contracts_together_and_by_the_most_of_a_band(case: Case) -> None:
    halves = [today(name="a", lots=40), today(CallOption(6.0, 0.1), name="b", lots=40)]
    with pytest.raises(InputError, match=r"Plateau sold 8 EFLOPS in hour 0 \('a', 'b'\)"):
        check(halves, case)
    with pytest.raises(InputError) as error:
        check([*halves, today(Difference(6.0), name="money")], case)
    assert error.value.faults[0].column == "contracts.b.lots"
    assert "money" not in str(error.value)
    check([halves[0], today(TakeOrPay(6.0, 0.0, 1.1), name="b", lots=25)], case)  # 4.0 + 2.75
    with pytest.raises(InputError, match=r"Plateau sold 6\.875 EFLOPS"):
        check([halves[0], today(TakeOrPay(6.0, 0.0, 1.15), name="b", lots=25)], case)


def test_all_faults_come_at_once_with_file_and_line(case: Case) -> None:
    placed = replace(today(buyer="Est", lots=-3), where="my.toml", rows={"": 4, "lots": 9})
    with pytest.raises(InputError) as error:
        check([placed, today(name="other", last_day=7)], case)
    places = [(fault.where, fault.row, fault.column) for fault in error.value.faults]
    assert places == [
        ("my.toml", 4, "contracts.trial.buyer"),
        ("my.toml", 9, "contracts.trial.lots"),
        ("contracts", None, "contracts.other.last_day"),
    ]


def test_a_name_stands_once_and_a_physical_contract_needs_a_route(case: Case) -> None:
    with pytest.raises(InputError, match="the name stands twice"):
        check([today(), today()], case)
    cut = replace(case, routes={pair: ways for pair, ways in case.routes.items() if pair != ("East", "Plateau")})
    with pytest.raises(InputError, match="no route leads from East to Plateau"):
        check([today()], cut)
    check([today(Difference(6.0))], cut)
