"""Outcomes of an ensemble made by hand, for tests: two hubs, three clusters, two buyers, two days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from optimizer.market.contracts import Contract, Terms
from optimizer.market.delivering import Book, Effect
from optimizer.market.outcomes import Outcome, Outcomes
from scenarios.case import Horizon

TWO_DAYS = Horizon(datetime(2025, 7, 14), hours=48)
PROBABILITIES = (0.2, 0.3, 0.5)
NOTHING = Effect(0.0, 0.0, {"trial": 0.0}, 0.0)


def member(name: str, probability_frac: float, seed: int, **changes: Any) -> Outcome:
    """Prices near 2 kCNY per EFLOPS·h, loads and work at random from a seed; no physical contract."""
    stream, hours = np.random.default_rng(seed), TWO_DAYS.hours
    work = stream.uniform(0.5, 2.0, (2, 3, hours))
    plain = Outcome(
        name=name,
        probability_frac=probability_frac,
        start=TWO_DAYS.start,
        stop="gap reached",
        cost_kcny=100.0 + seed,
        bound_kcny=99.0 + seed,
        load_eflops=work.sum(axis=0) + 1.0,
        price_kcny_per_eflopsh=stream.uniform(1.0, 3.0, (3, hours)),
        site_cost_kcny=np.array([50.0, 60.0, 70.0]) + seed,
        work_eflops=work,
        home_kcny_per_eflopsh=np.full((2, hours), 3.0 + 0.1 * seed),
        certificate_kcny_per_mwh=0.005 * (1 + seed),
        western_occupancy_frac=0.5,
        book=None,
        alone={},
        wall_s=1.0,
    )
    return replace(plain, **changes)


def outcomes(*members: Outcome) -> Outcomes:
    """The members given, or three at random."""
    made = members or tuple(member(f"m{n}", p, n) for n, p in enumerate(PROBABILITIES))
    hub_of = {"Plateau": "West", "Basin": "West", "Coast": "East"}
    return Outcomes(tuple(made), TWO_DAYS, ("North", "South"), tuple(hub_of), hub_of)


def contract(terms: Terms, **changes: Any) -> Contract:
    """North buys twenty lots of baseload at Plateau on both days, unless changed."""
    given: dict[str, Any] = {
        "name": "trial",
        "buyer": "North",
        "seller": "Plateau",
        "first_day": 0,
        "last_day": 1,
        "shape": "baseload",
        "lots": 20,
        "margin_frac": 0.12,
        "limit_frac": 0.1,
        "tick_kcny_per_eflopsh": 0.02,
    }
    return Contract(terms=terms, **(given | changes))


def book(missing_frac: tuple[float, float] = (0.0, 0.0)) -> Book:
    """All contracts delivered, but for a share of each day of the contract `trial`."""
    return Book(NOTHING, "gap reached", 101.0, 99.0, 0.6, {"trial": np.array(missing_frac)})
