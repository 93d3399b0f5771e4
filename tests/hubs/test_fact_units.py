"""Units: the closed suffix list, and conversion at the boundary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubs import UnitMismatch, convert, unit_of
from hubs.schema import FACTS
from hubs.units import SUFFIXES


@pytest.mark.parametrize(
    ("value", "given_unit", "unit", "expected"),
    [
        (255000, "PFLOPS", "EFLOPS", 255.0),
        (0.48, "CNY/kWh", "kCNY/MWh", 0.48),
        (0.6479, "kgCO2/kWh", "tCO2/MWh", 0.6479),
        (62.36, "CNY/tCO2", "kCNY/tCO2", 0.06236),
        (48, "CNY/kW/month", "kCNY/MW/month", 48.0),
        (1, "certificate", "MWh", 1.0),
        (1, "year", "h", 8760.0),
        (12, "month", "year", 1.0),
        (1.6, "Tbps", "Gbps", 1600.0),
        (1, "Gbps", "TB/h", 0.45),
        (80, "percent", "frac", 0.8),
        (35, "GWh", "MWh", 35000.0),
        (1, "EFLOPS", "EFLOPSh/h", 1.0),
        (-5.5, "degC", "degC", -5.5),
    ],
)
def test_conversion(value: float, given_unit: str, unit: str, expected: float) -> None:
    assert convert(value, given_unit, unit) == expected


@pytest.mark.parametrize(
    ("given_unit", "unit"),
    [("MWh", "MW"), ("frac", "ratio"), ("deg", "frac"), ("million", "frac"), ("CNY", "tCO2"), ("degC", "deg")],
)
def test_another_dimension_is_refused(given_unit: str, unit: str) -> None:
    with pytest.raises(UnitMismatch, match=f"'{given_unit}' cannot be converted to '{unit}'"):
        convert(1.0, given_unit, unit)


@pytest.mark.parametrize("text", ["mwh", "PFLOP", "", "CNY//kWh", "1", "kg", "%", "K", "()"])
def test_an_unknown_unit_is_refused(text: str) -> None:
    with pytest.raises(UnitMismatch):
        convert(1.0, text, "MWh")


@given(st.floats(-1e9, 1e9, allow_subnormal=False))
def test_conversion_there_and_back(value: float) -> None:
    assert convert(convert(value, "PFLOPS", "EFLOPS"), "EFLOPS", "PFLOPS") == pytest.approx(
        value, rel=1e-14, abs=1e-300
    )


def test_the_longest_suffix_counts() -> None:
    assert unit_of("tariff_flat_kcny_per_mwh") == "kCNY/MWh"
    assert unit_of("demand_charge_kcny_per_mw_month") == "kCNY/MW/month"
    assert unit_of("gdp_billion_cny") == "billion_CNY"
    assert unit_of("reported_eflops") == "EFLOPS"
    with pytest.raises(UnitMismatch, match="'capacity' ends in none of the unit suffixes"):
        unit_of("capacity")


def test_every_quantity_of_the_schema_has_a_unit_and_every_suffix_a_valid_expression() -> None:
    for table in FACTS:
        for quantity in table.quantities:
            assert unit_of(quantity.name) in {unit.expression for unit in SUFFIXES.values()}
    for unit in SUFFIXES.values():
        assert convert(1.0, f"1 * {unit.expression}", unit.expression) == 1.0
