"""Project finance: definitions, closed forms, and a small project by hand."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.market.finance import (
    Project,
    appraise,
    assumptions,
    cash_flow,
    income_tax_kcny,
    irr_frac,
    npv_kcny,
    payback_years,
    sensitivity,
)


def plain(**changes: float) -> Project:
    """100 of machines for five years and 20 of building; earns 80 a year; no debt; unless changed."""
    given: dict[str, float] = {
        "capacity_eflops": 1.0,
        "machines_kcny": 100.0,
        "building_kcny": 20.0,
        "utilisation_frac": 0.5,
        "price_kcny_per_eflopsh": 80 / 4380,
        "energy_kcny_per_eflopsh": 20 / 4380,
        "standing_kcny_per_year": 15.0,
        "transfer_kcny_per_year": -5.0,
        "years": 5,
        "debt_frac": 0.0,
        "debt_years": 4,
        "discount_frac": 0.1,
    }
    return Project(**(given | changes))  # type: ignore[arg-type]


def test_a_small_project_by_hand() -> None:
    """80 income - 20 energy - 15 standing - 5 transfer = 40; depreciation 20 + 1; tax a quarter of 19."""
    flow = cash_flow(plain())
    assert flow.earnings_kcny == pytest.approx([0, *[40.0] * 5])
    assert flow.depreciation_kcny == pytest.approx([0, *[21.0] * 5])
    assert flow.tax_kcny == pytest.approx([0, *[4.75] * 5])
    assert flow.sale_kcny == pytest.approx([0, 0, 0, 0, 0, 15.0])
    assert flow.project_kcny == pytest.approx([-120, 35.25, 35.25, 35.25, 35.25, 50.25])
    result = appraise(plain())
    annuity = (1 - 1.1**-5) / 0.1
    assert result.npv_kcny == pytest.approx(-120 + 35.25 * annuity + 15 / 1.1**5)
    assert result.payback_years == pytest.approx(3 + (120 - 3 * 35.25) / 35.25)
    assert result.irr_frac is not None
    assert npv_kcny(flow.project_kcny, result.irr_frac) == pytest.approx(0.0, abs=1e-9)
    assert result.owners_npv_kcny == pytest.approx(result.npv_kcny)
    assert result.debt_cover_ratio.size == 0


def test_debt_service_cover_by_hand() -> None:
    """A loan of 60 at 5 % over four years: equal payments of 60 x 0.05 / (1 - 1.05^-4)."""
    project = plain(debt_frac=0.5, interest_frac=0.05)
    flow, result = cash_flow(project), appraise(project)
    payment = 60 * 0.05 / (1 - 1.05**-4)
    assert (flow.interest_kcny + flow.principal_kcny)[1:5] == pytest.approx(payment)
    assert flow.principal_kcny[1:].sum() == pytest.approx(60.0)
    assert flow.interest_kcny[1] == pytest.approx(3.0)
    tax = 0.25 * (19 - flow.interest_kcny[1:5])
    assert result.debt_cover_ratio == pytest.approx((40 - tax) / payment)
    assert flow.owners_kcny[0] == pytest.approx(-60.0)
    assert result.npv_kcny == pytest.approx(appraise(plain()).npv_kcny)  # the project does not depend on its funding
    assert result.owners_npv_kcny != pytest.approx(result.npv_kcny)


def test_at_the_loans_own_rate_debt_is_worth_its_tax_shield() -> None:
    """Modigliani & Miller (1963): owners' value exceeds the project's by the saved tax alone."""
    project = plain(debt_frac=0.5, interest_frac=0.1)
    flow, result = cash_flow(project), appraise(project)
    shield = npv_kcny(flow.tax_kcny - flow.tax_with_debt_kcny, 0.1)
    assert shield > 0
    assert result.owners_npv_kcny - result.npv_kcny == pytest.approx(shield)


@given(
    years=st.integers(3, 25),
    life=st.integers(3, 9),
    sold=st.floats(0, 1),
    price=st.floats(0.001, 0.05),
)
@settings(max_examples=60, deadline=None)
def test_what_is_bought_is_depreciated_or_sold(years: int, life: int, sold: float, price: float) -> None:
    project = plain(
        years=years, machine_life_years=life, sale_of_book_frac=sold, price_kcny_per_eflopsh=price, debt_years=3
    )
    flow = cash_flow(project)
    assert flow.depreciation_kcny.sum() + flow.sale_kcny.sum() == pytest.approx(flow.investment_kcny.sum())
    replacements = -(-years // life)
    assert flow.investment_kcny.sum() == pytest.approx(20 + 100 * replacements)
    # Over its whole life, before tax, a project earns its cash: profit and cash are the same sum.
    profit = flow.earnings_kcny - flow.depreciation_kcny
    assert profit.sum() == pytest.approx((flow.project_kcny + flow.tax_kcny).sum())


def test_losses_are_carried_for_five_years_the_oldest_first() -> None:
    profit = np.array([-100.0, -50.0, 30.0, 0.0, 10.0, 20.0, 35.0, 40.0])
    # Year 0's loss covers 30, 10 and 20 and lapses after year 5; year 1's covers 35 in year 6 and lapses after it.
    assert income_tax_kcny(profit, 0.25, 5).tolist() == [0, 0, 0, 0, 0, 0, 0, 10.0]
    assert income_tax_kcny(profit, 0.25, 1).tolist() == [0, 0, 0, 0, 2.5, 5.0, 8.75, 10.0]
    assert income_tax_kcny(profit, 0.25, 0).tolist() == [0, 0, 7.5, 0, 2.5, 5.0, 8.75, 10.0]
    assert income_tax_kcny(np.array([-10.0, 15.0, 15.0]), 0.2, 5).tolist() == [0, 1.0, 3.0]


def test_rates_of_return_with_closed_forms() -> None:
    assert irr_frac(np.array([-100.0, 110.0])) == pytest.approx(0.1, abs=1e-12)
    assert irr_frac(np.array([-100.0, 0.0, 121.0])) == pytest.approx(0.1, abs=1e-12)
    assert irr_frac(np.array([-100.0, 50.0])) == pytest.approx(-0.5, abs=1e-12)
    assert irr_frac(np.array([-100.0, 1.0])) == pytest.approx(-0.99, abs=1e-9)
    assert irr_frac(np.array([-1.0, 5000.0])) == pytest.approx(4999.0, rel=1e-9)
    assert irr_frac(np.array([100.0, -110.0])) == pytest.approx(0.1, abs=1e-12)
    assert irr_frac(np.array([-100.0, -1.0])) is None
    assert irr_frac(np.array([-100.0, 230.0, -132.0])) is None  # both 10 % and 20 %
    assert irr_frac(np.zeros(3)) is None


@given(cash=st.lists(st.floats(1, 100), min_size=1, max_size=15), outlay=st.floats(1, 500))
@settings(max_examples=100, deadline=None)
def test_the_rate_of_return_is_where_present_value_is_zero(cash: list[float], outlay: float) -> None:
    flow = np.array([-outlay, *cash])
    rate = irr_frac(flow)
    assert rate is not None
    scale = float(np.sum(np.abs(flow) / (1 + rate) ** np.arange(flow.size)))
    assert npv_kcny(flow, rate) == pytest.approx(0.0, abs=1e-9 * scale)
    assert (rate > 0) == (sum(cash) > outlay) or sum(cash) == pytest.approx(outlay)


def test_payback() -> None:
    assert payback_years(np.array([-100.0, 40.0, 40.0, 40.0])) == pytest.approx(2.5)
    assert payback_years(np.array([-100.0, 100.0])) == pytest.approx(1.0)
    assert payback_years(np.array([-100.0, 150.0, -80.0, 40.0])) == pytest.approx(2.75)  # it stays paid back only then
    assert payback_years(np.array([-100.0, 40.0])) is None
    assert payback_years(np.array([5.0, 1.0])) == 0.0


def test_sensitivity_agrees_with_single_appraisals_and_rises_with_use_and_price() -> None:
    project = plain(debt_frac=0.5)
    prices = [0.5 * project.price_kcny_per_eflopsh, project.price_kcny_per_eflopsh, 0.03]
    grid = sensitivity(project, [0.3, 0.5, 0.8], prices)
    centre = appraise(project)
    assert grid.npv_kcny[1, 1] == pytest.approx(centre.npv_kcny)
    assert grid.irr_frac[1, 1] == pytest.approx(centre.irr_frac)
    assert grid.least_debt_cover_ratio[1, 1] == pytest.approx(centre.debt_cover_ratio.min())
    assert (np.diff(grid.npv_kcny, axis=0) > 0).all()
    assert (np.diff(grid.npv_kcny, axis=1) > 0).all()
    assert (np.diff(grid.least_debt_cover_ratio, axis=1) > 0).all()
    without_debt = sensitivity(plain(), [0.5], [0.01])
    assert np.isnan(without_debt.least_debt_cover_ratio).all()


def test_every_assumption_has_a_source() -> None:
    listed = assumptions(plain())
    assert [name for name, _, _ in listed] == [item.name for item in fields(Project)]
    assert all(len(source) > 10 for _, _, source in listed)


def test_assumptions_out_of_bounds_are_named_all_at_once() -> None:
    bad = replace(plain(), utilisation_frac=1.2, income_tax_frac=float("nan"), building_life_years=10, debt_years=9)
    with pytest.raises(InputError) as error:
        appraise(bad)
    names = [fault.column for fault in error.value.faults]
    assert names == ["utilisation_frac", "building_life_years", "income_tax_frac", "debt_years"]
    assert "utilisation_frac is 1.2; it lies between 0.0 and 1.0" in str(error.value)
