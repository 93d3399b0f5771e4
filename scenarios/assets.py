"""What may be added to the network: batteries, lit wavelengths, and what a planning run may build."""

from __future__ import annotations

import numpy as np

from scenarios.case import Floats
from scenarios.energy import CARRIERS, capacity_frac
from scenarios.instruments import Expansion, Storage, Wavelengths
from scenarios.machines import annuity_frac, generations
from scenarios.scope import Scope

LEAST_CAPACITY_FRAC = 0.01
"""A new plant that yields less than this in an hour yields nothing."""


def storage(scope: Scope) -> Storage | None:
    """Batteries in proportion to each cluster's contracted wind and solar."""
    spec = scope.scenario.storage
    if spec is None or "storage" not in scope.blocks:
        return None
    contracted_mw = np.array([sum(scope.facts.clusters[f"{f}_mw"].loc[c] for f in CARRIERS) for c in scope.clusters])
    power_mw = spec.power_frac * contracted_mw
    one_way_frac = float(np.sqrt(spec.round_trip_frac))
    return Storage(power_mw, spec.duration_h * power_mw, one_way_frac, spec.wear_kcny_per_mwh, spec.start_frac)


def wavelengths(scope: Scope) -> Wavelengths | None:
    """Wavelengths to light: the same limit on every link, each carrying its usable share."""
    network, facts = scope.scenario.network, scope.facts.network
    if not network.wavelengths_max and "expansion" not in scope.blocks:
        return None
    rent_kcny = facts["wavelength_kcny_per_month"] * scope.horizon.month_frac
    limit = np.full(len(scope.facts.links), network.wavelengths_max, dtype=np.int64)
    return Wavelengths(limit, facts["wavelength_gbps"] * network.usable_frac, rent_kcny)


def _worth_counting(frac: Floats) -> Floats:
    """Capacity factors without the traces of dawn and dusk, which only make the model hard to solve exactly."""
    return np.where(frac < LEAST_CAPACITY_FRAC, 0.0, frac)


def expansion(scope: Scope) -> Expansion | None:
    """Build limits and annuities pro-rated to the horizon."""
    spec = scope.scenario.expansion
    if spec is None or "expansion" not in scope.blocks:
        return None
    year_frac, rate = scope.horizon.year_frac, scope.scenario.fleet.discount_frac
    pods = generations(scope)
    may = np.array([spec.pods_max if g.name == spec.generation else 0 for g in pods], dtype=np.int64)
    plant_kcny = np.array([spec.wind_kcny_per_mw, spec.solar_kcny_per_mw])
    return Expansion(
        pods_max=np.tile(may, (len(scope.clusters), 1)),
        pod_kcny=np.array([spec.pod_capital_ratio * g.lighting_kcny for g in pods]),
        direct_max_mw=np.full((len(scope.clusters), len(CARRIERS)), spec.plants_max_mw),
        direct_kcny_per_mw=plant_kcny * annuity_frac(rate, spec.plant_life_years) * year_frac,
        capacity_frac=_worth_counting(capacity_frac(scope)),
        wavelengths_max=np.full(len(scope.facts.links), spec.wavelengths_max, dtype=np.int64),
        wavelength_kcny=spec.wavelength_kcny_per_year * year_frac,
    )
