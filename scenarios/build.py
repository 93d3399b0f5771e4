"""The case of a scenario: facts, changed as it says, with its series, over its horizon."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hubs import DATA, Facts, load_facts
from scenarios import agreements, assets, energy, machines, work
from scenarios.case import Case, Floats
from scenarios.changes import changed
from scenarios.checks import check
from scenarios.instruments import Innovation
from scenarios.library import Loaded
from scenarios.schema import Scenario
from scenarios.scope import Scope, local_site


def build_case(loaded: Loaded, facts_folder: Path = DATA) -> Case:
    """Build the case of a scenario; raises InputError with every fault of the facts, else of the scenario."""
    scope = Scope(loaded, load_facts(facts_folder))
    check(scope)
    return _case(scope)


def changed_facts(facts: Facts, scenario: Scenario) -> Facts:
    """The facts as a scenario sees them; raises InputError with every fault of its changes."""
    return changed(facts, scenario.facts, f"scenario '{scenario.name}'")


def _case(scope: Scope) -> Case:
    scenario, facts = scope.scenario, scope.facts
    installed, vacant = machines.pods(scope)
    return Case(
        name=scenario.name,
        horizon=scope.horizon,
        blocks=scope.blocks,
        regions=scope.regions,
        zone=scope.column("regions", "zone", tuple(facts.regions.index)),
        population_million=scope.column("regions", "population_million", scope.regions),
        sites=scope.sites,
        clusters=scope.clusters,
        site_region={s: scope.region_of(s) for s in scope.sites},
        site_hub=scope.column("clusters", "hub", scope.clusters),
        routes=scope.routes,
        links=tuple(facts.links.index),
        link_capacity_gbps=_link_capacity_gbps(scope),
        services=work.services(scope),
        demand_eflops=work.demand_eflops(scope),
        batches=work.batches(scope),
        arrivals_eflopsh=work.arrivals_eflopsh(scope),
        arrived_by_frac=work.arrived_by_frac(scope),
        jobs=work.jobs(scope),
        start_grid_h=scenario.jobs.start_grid_h,
        running_eflops=work.running_eflops(scope, installed),
        generations=machines.generations(scope),
        pods_installed=installed,
        pods_vacant=vacant,
        local_eflops={local_site(r): float(facts.regions["local_eflops"].loc[r]) for r in scope.local_regions},
        local_mw_per_eflops=scenario.fleet.local_mw_per_eflops,
        local_slot_h=scenario.fleet.local_slot_h,
        home_reserve_frac=scope.column("clusters", "home_reserve_frac", scope.clusters),
        pue_ratio=energy.pue_ratio(scope),
        connection_mw=scope.by_site("connection_mw"),
        energy_kcny_per_mwh=energy.energy_kcny_per_mwh(scope),
        demand_charge_kcny_per_mw=energy.demand_charge_kcny_per_mw(scope),
        carriers=energy.CARRIERS,
        direct_mw=energy.direct_mw(scope),
        direct_kcny_per_mwh=energy.direct_kcny_per_mwh(scope),
        green_target_frac=energy.green_target_frac(scope),
        grid_tco2_per_mwh=energy.emission_tco2_per_mwh(scope, "grid_tco2_per_mwh"),
        residual_tco2_per_mwh=energy.emission_tco2_per_mwh(scope, "residual_tco2_per_mwh"),
        carbon_ledger=scenario.policy.carbon_ledger,
        prices=energy.prices(scope),
        innovation=_innovation(scope),
        storage=assets.storage(scope),
        cooperation=agreements.cooperation(scope),
        positions=agreements.positions(scope),
        expansion=assets.expansion(scope),
        wavelengths=assets.wavelengths(scope),
        peak_shaving=agreements.peak_shaving(scope),
        credit_mwh_per_eflopsh=scenario.policy.credit_mwh_per_eflopsh if "credit" in scope.blocks else 0.0,
        capital_counted=machines.capital_counted(scope),
        facts=_status_counts(facts.provenance),
    )


def _link_capacity_gbps(scope: Scope) -> Floats:
    return np.asarray(scope.facts.links["capacity_gbps"], dtype=float) * scope.scenario.network.usable_frac


def _innovation(scope: Scope) -> Innovation:
    spec = scope.scenario.innovation
    points = {str(zone): tuple(values) for zone, values in spec.points_per_eflops.items()}
    return Innovation(spec.weight_kcny_per_point, tuple(spec.thresholds_eflops), points)


def _status_counts(provenance: pd.DataFrame) -> dict[str, dict[str, float]]:
    """table -> status -> how many of its facts have it."""
    counts = provenance.groupby(["table", "status"]).size()
    return {
        table: {str(s): float(n) for s, n in counts.loc[table].items()} for table in sorted(set(provenance["table"]))
    }
