"""The terms of the rules and of the clusters' finances: prices, taxes and margins of a scenario and its facts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hubs import DATA, load_facts
from hubs.errors import Fault, InputError
from optimizer.market.sharing import Tariffs
from scenarios.build import changed_facts
from scenarios.library import Loaded

NEEDED = {
    "cooperation": "its vat_frac, profit_frac and income_tax_frac are terms of the cost-plus and tax rules",
    "expansion": "its pod_capital_ratio prices the building of a cluster",
}


@dataclass(frozen=True)
class Terms:
    """What one unit of work is paid, and what is taken of it.

    No tariff between provinces is published: the fee is the wholesale price of compute of the facts, and the rest are
    the scenario's assumptions.
    """

    fee_kcny_per_eflopsh: float
    profit_frac: float
    """Profit in the fee of hosted work."""
    vat_frac: float
    vat_local_share_frac: float
    income_tax_frac: float
    income_tax_local_share_frac: float
    origin_tax_frac: float
    building_frac: float
    """Building, power and cooling of a cluster, over the first cost of its machines."""
    pod_kcny: dict[str, float]
    """generation -> first cost of a pod."""
    pod_life_years: dict[str, float]

    @property
    def tariffs(self) -> Tariffs:
        """Cost-plus adds what leaves the scenario's profit in the fee: profit / (1 - profit)."""
        margin = self.profit_frac / (1 - self.profit_frac)
        return Tariffs(self.fee_kcny_per_eflopsh, margin, self.origin_tax_frac)


def terms_of(loaded: Loaded) -> Terms:
    """The terms of a scenario; its blocks may be off, its sections must stand.

    InputError for a scenario without [cooperation] or [expansion], or whose fee is all profit.
    """
    scenario = loaded.scenario
    coop, expansion = scenario.cooperation, scenario.expansion
    faults = [
        Fault(scenario.name, None, name, f"the scenario has no [{name}]", why, f"add [{name}]; its block may stay off")
        for name, why in NEEDED.items()
        if getattr(scenario, name) is None
    ]
    if coop is not None and coop.profit_frac >= 1:
        found, rule = f"profit_frac is {coop.profit_frac}", "a fee holds some cost"
        faults.append(Fault(scenario.name, None, "cooperation.profit_frac", found, rule, "choose less than 1"))
    if faults or coop is None or expansion is None:
        raise InputError(faults)
    facts = changed_facts(load_facts(DATA), scenario)
    prices, pods = facts.prices, facts.pods
    return Terms(
        fee_kcny_per_eflopsh=prices["compute_wholesale_kcny_per_eflopsh"],
        profit_frac=coop.profit_frac,
        vat_frac=coop.vat_frac,
        vat_local_share_frac=prices["vat_local_share_frac"],
        income_tax_frac=coop.income_tax_frac,
        income_tax_local_share_frac=prices["income_tax_local_share_frac"],
        origin_tax_frac=prices["tax_split_origin_frac"],
        building_frac=expansion.pod_capital_ratio - 1,
        pod_kcny=_by_generation(pods["capital_kcny"]),
        pod_life_years=_by_generation(pods["life_years"]),
    )


def _by_generation(column: pd.Series[float]) -> dict[str, float]:
    return {str(name): float(value) for name, value in column.items()}
