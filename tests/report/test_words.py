"""Numbers as they are read: never rounded to a stronger claim than the value makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.report.words import bilingual, exact, money, number, percent


@pytest.mark.parametrize(
    ("kcny", "words"),
    [
        (12_866.3, "12.87 million CNY"),
        (2_500_000.0, "2.50 billion CNY"),
        (8.7378, "8.74 thousand CNY"),
        (0.25, "250.00 CNY"),
        (None, "–"),
    ],
)
def test_money_in_its_largest_unit(kcny: float | None, words: str) -> None:
    assert money(kcny) == words


@pytest.mark.parametrize(
    ("frac", "words"),
    [
        (0.464, "46.4 %"),
        (1.0, "100.0 %"),
        (0.99999, "> 99.9 %"),
        (0.0, "0.0 %"),
        (0.00001, "< 0.1 %"),
        (1.2, "120.0 %"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_percent(frac: float | None, words: str) -> None:
    assert percent(frac) == words


@given(st.floats(0, 1 - 1e-6))
def test_less_than_all_is_never_shown_as_all(frac: float) -> None:
    assert percent(frac) != "100.0 %"


@given(st.floats(-1e9, 1e9, allow_nan=False).filter(lambda value: abs(value) > 1e-300))
def test_what_is_not_zero_is_not_shown_as_zero(value: float) -> None:
    assert float(number(value).replace(",", "").replace("−", "-")) != 0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_reads_back_the_same(value: float) -> None:
    assert float(exact(value)) == value


def test_a_negative_zero_is_zero() -> None:
    assert number(-0.0, 2) == "0.00"
    assert percent(-0.0) == "0.0 %"


def test_a_key_of_the_users_own_is_kept() -> None:
    assert bilingual("energy") == "电量电费 energy"
    assert bilingual("my_own_class") == "my own class"
