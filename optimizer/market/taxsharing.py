"""Sharing the local taxes of hosted work between where it comes from and where it runs.

Source: Ministry of Finance and State Taxation Administration, 财预〔2015〕92号 (2015-06-03), on firms that move within
Beijing, Tianjin and Hebei under government direction: the local parts of value-added and corporate income tax are split
50:50 for three years from the start of production, up to the taxes of the three years before the move; two years more
if that cap is not reached; the firm paid at least 20 million CNY a year.

Assumed: the notice is about firms that move. Work that is dispatched to another province moves no firm, and no rule
shares its taxes today; applying the notice to it is a policy experiment of this project.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hubs.errors import Fault, InputError
from scenarios.case import Floats

YEARS = 3
EXTENSION_YEARS = 2
LEAST_TAX_KCNY_PER_YEAR = 20_000.0


@dataclass(frozen=True)
class TaxSplit:
    """Local taxes of each year (y,) and who keeps them; both parts add up to the tax."""

    origin_kcny: Floats
    destination_kcny: Floats
    cap_reached: bool
    below_cap_kcny: float
    """What the origin is still short of its cap when the term has ended."""


def local_tax_kcny(
    value_added_kcny: Floats,
    profit_kcny: Floats,
    vat_frac: float,
    income_tax_frac: float,
    vat_local_share_frac: float,
    income_tax_local_share_frac: float,
) -> Floats:
    """Local part of both taxes, any shape: rate x local share x tax base. A loss pays no income tax."""
    vat = vat_frac * vat_local_share_frac * np.asarray(value_added_kcny, dtype=float)
    income_tax = income_tax_frac * income_tax_local_share_frac * np.maximum(profit_kcny, 0.0)
    return np.asarray(vat + income_tax)


def eligible(tax_kcny_per_year: float, government_led: bool) -> bool:
    """Whether the notice covers a move: the government led it, and the firm paid enough before."""
    return government_led and tax_kcny_per_year >= LEAST_TAX_KCNY_PER_YEAR


def split_tax(
    local_tax_kcny: Floats,
    origin_frac: float,
    cap_kcny: float = np.inf,
    years: int = YEARS,
    extension_years: int = EXTENSION_YEARS,
) -> TaxSplit:
    """Split of yearly local taxes (y,), counted from the start of production.

    The origin gets `origin_frac` of a year's tax for `years` years, and for `extension_years` more if its cap is not
    reached by then; never more than the cap in all. Without a cap (infinite) there is no extension. InputError for
    shares outside [0, 1] or negative numbers.
    """
    tax = np.asarray(local_tax_kcny, dtype=float)
    if not 0 <= origin_frac <= 1 or cap_kcny < 0 or min(years, extension_years) < 0 or not (tax >= 0).all():
        found = (
            f"origin_frac {origin_frac}, cap_kcny {cap_kcny}, {years} + {extension_years} years, taxes {tax.tolist()}"
        )
        rule = "the origin's part lies in [0, 1] and nothing is negative"
        raise InputError([Fault("split_tax", None, None, found, rule, "correct the terms")])
    # The extension needs no test: once the cap is reached, nothing is left to pay in it.
    open_frac = np.where(
        np.arange(tax.size) < years + (extension_years if np.isfinite(cap_kcny) else 0), origin_frac, 0.0
    )
    paid = np.minimum(np.cumsum(open_frac * tax), cap_kcny)
    origin = np.diff(paid, prepend=0.0)
    total = float(paid[-1]) if tax.size else 0.0
    return TaxSplit(origin, tax - origin, total >= cap_kcny, cap_kcny - total)
