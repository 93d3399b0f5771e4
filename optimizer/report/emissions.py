"""Carbon on two accounts of the same electricity, which are never added, subtracted or compared across.

Location-based carbon is the grid factor of the place times what is drawn there. Market-based carbon counts claimed
energy as zero and the rest at the residual factor (GHG Protocol Scope 2 Guidance, 2015, chapters 4 and 6). A saving
from one to the other would be the sum of a change in the world and a change of account.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimizer.report.dispatch import by_site_hour, certificates_mwh
from optimizer.solve.solution import Plan

Ledger = Literal["location", "market"]


class LedgersMixed(ValueError):
    """Two accounts of the same electricity were about to be added, subtracted or compared."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(
            f"location-based and market-based carbon are two accounts of the same electricity; {one} and {other} were "
            "about to be put together: choose one ledger for both sides"
        )


@dataclass(frozen=True)
class Emissions:
    """Carbon of a plan, or of a part of one, on one ledger."""

    ledger: Ledger
    tco2: float

    @classmethod
    def of(cls, plan: Plan, ledger: Ledger) -> Emissions:
        """All carbon of a plan over its horizon."""
        case = plan.case
        drawn_mwh = by_site_hour(plan, "grid.import_mw").sum(axis=1)
        if ledger == "location":
            return cls(ledger, float(drawn_mwh @ case.grid_tco2_per_mwh))
        return cls(ledger, float((drawn_mwh - certificates_mwh(plan)) @ case.residual_tco2_per_mwh))

    def __add__(self, other: Emissions) -> Emissions:
        return Emissions(self.ledger, self.tco2 + self._same(other).tco2)

    def __sub__(self, other: Emissions) -> Emissions:
        return Emissions(self.ledger, self.tco2 - self._same(other).tco2)

    def _same(self, other: Emissions) -> Emissions:
        if self.ledger != other.ledger:
            raise LedgersMixed(self.ledger, other.ledger)
        return other


def saving_frac(before: Emissions, after: Emissions) -> float:
    """Share of the carbon before that is saved; NaN if there was none. Raises LedgersMixed."""
    saved = before - after
    return saved.tco2 / before.tco2 if before.tco2 else math.nan


def market_less_location_tco2(plan: Plan) -> float:
    """What market-based carbon is above location-based, by its causes: factors and claims, and nothing else.

    Sum over sites of (residual - grid factor) x import - residual factor x certificates. That it equals the
    difference of the two ledgers is an identity, and is tested.
    """
    case = plan.case
    drawn_mwh = by_site_hour(plan, "grid.import_mw").sum(axis=1)
    factors = (case.residual_tco2_per_mwh - case.grid_tco2_per_mwh) * drawn_mwh
    claims = case.residual_tco2_per_mwh * certificates_mwh(plan)
    return float(np.sum(factors - claims))
