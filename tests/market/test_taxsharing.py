"""The tax split of the notice: half for three years, two more below the cap, never above it."""

from __future__ import annotations

import numpy as np
import pytest

from hubs.errors import InputError
from hubs.tables import load_facts
from optimizer.market.taxsharing import eligible, local_tax_kcny, split_tax

TAX = np.array([100.0, 200.0, 300.0, 400.0, 500.0, 600.0])


def test_half_for_three_years_and_two_more_below_the_cap() -> None:
    below = split_tax(TAX, 0.5, cap_kcny=1e6)
    assert below.origin_kcny.tolist() == [50, 100, 150, 200, 250, 0]
    assert (below.cap_reached, below.below_cap_kcny) == (False, 1e6 - 750)
    in_third = split_tax(TAX, 0.5, cap_kcny=280.0)
    assert in_third.origin_kcny.tolist() == [50, 100, 130, 0, 0, 0]
    assert (in_third.cap_reached, in_third.below_cap_kcny) == (True, 0.0)
    in_fifth = split_tax(TAX, 0.5, cap_kcny=600.0)
    assert in_fifth.origin_kcny.tolist() == [50, 100, 150, 200, 100, 0]


def test_without_a_cap_there_is_no_extension() -> None:
    assert split_tax(TAX, 0.4).origin_kcny.tolist() == [40, 80, 120, 0, 0, 0]


@pytest.mark.parametrize("cap", [0.0, 40.0, 333.0, 1e9])
def test_both_parts_are_the_tax(cap: float) -> None:
    split = split_tax(TAX, 0.37, cap)
    assert np.allclose(split.origin_kcny + split.destination_kcny, TAX, rtol=1e-15)
    assert split.origin_kcny.sum() <= cap + 1e-9
    assert (split.origin_kcny <= 0.37 * TAX + 1e-9).all()


def test_local_taxes_with_the_facts() -> None:
    prices = load_facts().prices
    shares = (prices["vat_local_share_frac"], prices["income_tax_local_share_frac"])
    tax = local_tax_kcny(np.array([1000.0, 1000.0]), np.array([200.0, -50.0]), 0.06, 0.25, *shares)
    assert tax == pytest.approx([0.06 * 1000 * 0.5 + 0.25 * 200 * 0.4, 30.0])
    assert prices["tax_split_origin_frac"] == 0.5


def test_who_is_covered() -> None:
    assert eligible(20_000.0, government_led=True)
    assert not eligible(19_999.0, government_led=True)
    assert not eligible(1e6, government_led=False)


@pytest.mark.parametrize("terms", [(1.2, 10.0), (-0.1, 10.0), (0.5, -1.0)])
def test_bad_terms_are_refused(terms: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="nothing is negative"):
        split_tax(TAX, *terms)
    with pytest.raises(InputError, match="nothing is negative"):
        split_tax(-TAX, 0.5)
