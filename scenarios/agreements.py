"""Promises between parties: cooperation between regions and hubs, forward positions, calls for peak shaving."""

from __future__ import annotations

import numpy as np

from scenarios import energy, profiles
from scenarios.case import Floats
from scenarios.instruments import Cooperation, PeakShaving, Position
from scenarios.machines import generations
from scenarios.scope import Scope

KCNY_PER_BILLION_CNY = 1e6
SHIFTS = {"all": range(24), "working": range(9, 18), "night": (*range(7), 23)}
"""Hours of the day of a position's delivery."""


def cooperation(scope: Scope) -> Cooperation | None:
    """The scenario's terms, pro-rated to the horizon; the fee is the wholesale price of compute."""
    spec = scope.scenario.cooperation
    if spec is None or "cooperation" not in scope.blocks:
        return None
    year_frac, prices = scope.horizon.year_frac, scope.facts.prices
    gdp = scope.column("regions", "gdp_billion_cny", scope.regions)
    value_added = spec.vat_frac * prices["vat_local_share_frac"]
    profit = spec.profit_frac * spec.income_tax_frac * prices["income_tax_local_share_frac"]
    return Cooperation(
        compensation_kcny_per_eflopsh=spec.compensation_kcny_per_eflopsh,
        fee_kcny_per_eflopsh=prices["compute_wholesale_kcny_per_eflopsh"],
        cost_kcny_per_eflopsh=dict(zip(scope.clusters, _hosting_kcny_per_eflopsh(scope).tolist(), strict=True)),
        margin_kcny_per_eflopsh=spec.margin_kcny_per_eflopsh,
        agreement_kcny=spec.agreement_kcny_per_year * year_frac,
        minimum_eflopsh=spec.minimum_eflopsh_per_day * scope.horizon.hours / 24,
        partners_max=spec.partners_max,
        fund_kcny={r: spec.fund_gdp_frac * gdp[r] * KCNY_PER_BILLION_CNY * year_frac for r in scope.regions},
        administration_frac=spec.administration_frac,
        local_tax_frac=value_added + profit,
        origin_tax_frac=prices["tax_split_origin_frac"],
        tax_cap_kcny=spec.tax_cap_kcny_per_year * year_frac,
    )


def _hosting_kcny_per_eflopsh(scope: Scope) -> Floats:
    """(c,): energy of one more unit of work on the cluster's mix of pods, at its mean price and overhead."""
    price = energy.energy_kcny_per_mwh(scope).mean(axis=1)[: len(scope.clusters)]
    pue = energy.pue_ratio(scope).mean(axis=1)[: len(scope.clusters)]
    share = scope.facts.fleet["share_frac"]
    drawn = [
        sum(share.loc[(c, g.name)] * g.peak_mw / g.usable_eflops for g in generations(scope)) for c in scope.clusters
    ]
    return np.asarray(price * pue * np.array(drawn))


def positions(scope: Scope) -> tuple[Position, ...]:
    """Forward positions of the scenario, hour by hour."""
    if "delivery" not in scope.blocks:
        return ()
    hours = profiles.hours_of_day(scope.horizon)
    return tuple(
        Position(
            name,
            spec.cluster,
            spec.region,
            spec.kind,
            spec.eflops * np.isin(hours, list(SHIFTS[spec.hours])).astype(float),
            spec.damages_kcny_per_eflopsh,
            spec.low_frac,
            spec.high_frac,
            spec.take_frac,
        )
        for name, spec in scope.scenario.delivery.positions.items()
    )


def peak_shaving(scope: Scope) -> PeakShaving | None:
    spec = scope.scenario.peak_shaving
    if spec is None or "peak_shaving" not in scope.blocks:
        return None
    hours = np.flatnonzero(np.isin(profiles.hours_of_day(scope.horizon), spec.hours))
    connection_mw = scope.by_site("connection_mw")[: len(scope.clusters)]
    return PeakShaving(tuple(hours.tolist()), spec.baseline_frac * connection_mw, spec.kcny_per_mwh)
