"""Energy by site and hour, and the policy on it: overhead, tariffs, direct supply, green targets, emissions, prices."""

from __future__ import annotations

import numpy as np

from hubs.tariffs import energy_price_by_month
from scenarios import figures, profiles, series
from scenarios.case import Floats, Prices
from scenarios.scope import Scope

CARRIERS = ("wind", "solar")


def pue_ratio(scope: Scope) -> Floats:
    """(s, t): facility power per machine power, with the weather."""
    return np.array([_pue_ratio(scope, site) for site in scope.sites])


def _pue_ratio(scope: Scope, site: str) -> Floats:
    spec, horizon, place = scope.scenario.weather, scope.horizon, scope.place_of(site)
    facts, cluster = scope.facts, site in scope.clusters
    mean_ratio = facts.clusters["pue_ratio"] if cluster else facts.regions["local_pue_ratio"]
    rng = profiles.stream(scope.scenario.seed, "temperature", place)
    shift_c = spec.shift_c + {str(z): c for z, c in spec.zone_shift_c.items()}.get(scope.zone_of(site), 0.0)
    temp_c, mean_c = profiles.temperature_c(place, horizon, shift_c, spec.day_sd_c, rng)
    return profiles.pue_ratio(float(mean_ratio.loc[place]), temp_c, mean_c, spec.pue_per_c)


def energy_kcny_per_mwh(scope: Scope) -> Floats:
    """(s, t): tariffs by month and hour of day; raises InputError with every fault of the user's file or a tariff."""
    path = scope.input_path("energy_price")
    if path:
        return series.read_series(path, series.ENERGY_PRICE, (scope.sites,), scope.horizon.hours)
    months, hours = profiles.months(scope.horizon), profiles.hours_of_day(scope.horizon)
    rows = []
    for site in scope.sites:
        place = scope.place_of(site)
        year = energy_price_by_month(scope.facts, place)
        rows.append(_with_spot(year, scope.scenario.grid.spot_frac)[months, hours])
    return np.array(rows)


def _with_spot(tariff: Floats, spot_frac: float) -> Floats:
    """(12, 24): a share of the energy bought at a spot price that has the tariff's mean and the market's shape."""
    if not spot_frac:
        return tariff
    spot = figures.month_hour("spot_price", "spot_kcny_per_mwh")
    return np.asarray((1 - spot_frac) * tariff + spot_frac * tariff.mean() * spot / spot.mean())


def demand_charge_kcny_per_mw(scope: Scope) -> Floats:
    """(s,): the monthly charge, pro-rated to the horizon."""
    return scope.by_region_of_site("demand_charge_kcny_per_mw_month") * scope.horizon.month_frac


def direct_mw(scope: Scope) -> Floats:
    """(c, f, t): contracted direct supply available."""
    contracted_mw = np.array([[scope.facts.clusters[f"{f}_mw"].loc[c] for f in CARRIERS] for c in scope.clusters])
    return np.asarray(contracted_mw[:, :, None] * capacity_frac(scope))


def direct_kcny_per_mwh(scope: Scope) -> Floats:
    """(f,): price of direct supply."""
    return np.array([scope.facts.prices[f"{f}_ppa_kcny_per_mwh"] for f in CARRIERS])


def capacity_frac(scope: Scope) -> Floats:
    """(c, f, t): capacity factors; raises InputError with every fault of the user's file."""
    path = scope.input_path("capacity_factor")
    if path:
        return series.read_series(path, series.CAPACITY_FACTOR, (scope.clusters, CARRIERS), scope.horizon.hours)
    return np.array([[_drawn_frac(scope, f, scope.region_of(c)) for f in CARRIERS] for c in scope.clusters])


def _drawn_frac(scope: Scope, carrier: str, region: str) -> Floats:
    rng = profiles.stream(scope.scenario.seed, carrier, region)
    return profiles.capacity_factor(carrier, region, scope.horizon, rng)


def green_target_frac(scope: Scope) -> Floats:
    """(c,): the policy's one target for all if it gives one, else each cluster's own."""
    given = scope.scenario.policy.green_target_frac
    own = scope.facts.clusters["green_target_frac"]
    return np.array([own.loc[c] if given is None else given for c in scope.clusters])


def emission_tco2_per_mwh(scope: Scope, quantity: str) -> Floats:
    """(s,): `grid_tco2_per_mwh` or `residual_tco2_per_mwh` of each site's region in the policy's year."""
    table, year = scope.facts.emissions[quantity], scope.scenario.policy.emission_year
    return np.array([table.loc[(scope.region_of(s), year)] for s in scope.sites])


def prices(scope: Scope) -> Prices:
    given, network = scope.facts.prices, scope.facts.network
    return Prices(
        certificate_kcny_per_mwh=given["certificate_kcny_per_mwh"],
        green_shortfall_kcny_per_mwh=scope.scenario.policy.green_shortfall_kcny_per_mwh,
        carbon_kcny_per_tco2=given["carbon_kcny_per_tco2"],
        transfer_kcny_per_tb=network["transfer_kcny_per_tb"],
        transfer_mwh_per_tb=network["energy_mwh_per_tb"],
    )
