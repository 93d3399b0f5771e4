"""Contracts made by hand, for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from optimizer.market.contracts import Contract, Terms
from scenarios.case import Horizon

WEEK = Horizon(datetime(2025, 7, 14), hours=168)


def contract(terms: Terms, **changes: Any) -> Contract:
    """East buys at Plateau, ten lots of baseload from day 1 to day 3, unless changed."""
    given: dict[str, Any] = {
        "name": "trial",
        "buyer": "East",
        "seller": "Plateau",
        "first_day": 1,
        "last_day": 3,
        "shape": "baseload",
        "lots": 10,
        "margin_frac": 0.12,
        "limit_frac": 0.1,
        "tick_kcny_per_eflopsh": 0.02,
    }
    return Contract(terms=terms, **(given | changes))
