"""The case of a scenario: facts, changed as it says, with its series, over its horizon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import hubs
from hubs import DATA, Facts, backbone, energy_price_kcny_per_mwh, load_facts, routes, scaled_capacity
from hubs.errors import Fault, InputError, nearest
from scenarios import figures, profiles, series
from scenarios.arrivals import draw_jobs
from scenarios.case import Batch, Case, Floats, Generation, Horizon, Innovation, Ints, Job, Prices, Route, Service
from scenarios.changes import changed
from scenarios.library import Loaded
from scenarios.schema import Scenario

BLOCK_NAMES = (
    "service",
    "batch",
    "jobs",
    "hosting",
    "fleet",
    "facility",
    "grid",
    "renewable",
    "green",
    "carbon",
    "network",
    "coverage",
    "innovation",
)
STANDS_ON = {"coverage": ("service", "hosting")}
NEEDED = ("fleet", "facility", "grid")
"""Without machines, facilities and a grid there is nothing to dispatch."""
CARRIERS = ("wind", "solar")
_POD = ("pod_eflops", "idle_mw", "peak_mw", "start_kcny", "usable_frac")


def build_case(loaded: Loaded, facts_folder: Path = DATA) -> Case:
    """Build the case of a scenario; raises InputError with every fault of the facts, else of the scenario."""
    return _Builder(loaded, load_facts(facts_folder)).case()


def changed_facts(facts: Facts, scenario: Scenario) -> Facts:
    """The facts as a scenario sees them."""
    return changed(facts, scenario.facts, f"scenario '{scenario.name}'")


@dataclass(frozen=True)
class _Builder:
    loaded: Loaded
    base: Facts

    def case(self) -> Case:
        self._check()
        scenario = self.scenario
        generations = self.generations
        installed, vacant = self._pods()
        return Case(
            name=scenario.name,
            horizon=self.horizon,
            blocks=self._blocks(),
            regions=self.regions,
            zone=self._column("regions", "zone", tuple(self.facts.regions.index)),
            population_million=self._column("regions", "population_million", self.regions),
            sites=self.sites,
            clusters=self.clusters,
            site_region={s: self._region_of(s) for s in self.sites},
            site_hub=self._column("clusters", "hub", self.clusters),
            routes=self._routes,
            links=tuple(self.facts.links.index),
            link_capacity_gbps=np.asarray(self.facts.links["capacity_gbps"], dtype=float)
            * scenario.network.usable_frac,
            services=self._services(),
            demand_eflops=self._demand(),
            batches=self._batches(),
            arrivals_eflopsh=self._arrivals(),
            arrived_by_frac=self._arrived_by(),
            jobs=self._jobs(),
            start_grid_h=scenario.jobs.start_grid_h,
            running_eflops=self._running(installed),
            generations=generations,
            pods_installed=installed,
            pods_vacant=vacant,
            local_eflops={local_site(r): float(self.facts.regions["local_eflops"].loc[r]) for r in self.local_regions},
            local_mw_per_eflops=scenario.fleet.local_mw_per_eflops,
            local_slot_h=scenario.fleet.local_slot_h,
            home_reserve_frac=self._column("clusters", "home_reserve_frac", self.clusters),
            pue_ratio=np.array([self._pue(s) for s in self.sites]),
            connection_mw=self._by_site("connection_mw"),
            energy_kcny_per_mwh=self._energy_price(),
            demand_charge_kcny_per_mw=self._region_value("demand_charge_kcny_per_mw_month") * self.horizon.month_frac,
            carriers=CARRIERS,
            direct_mw=self._direct(),
            direct_kcny_per_mwh=np.array([self.facts.prices[f"{f}_ppa_kcny_per_mwh"] for f in CARRIERS]),
            green_target_frac=self._green_target(),
            grid_tco2_per_mwh=self._emission("grid_tco2_per_mwh"),
            residual_tco2_per_mwh=self._emission("residual_tco2_per_mwh"),
            carbon_ledger=scenario.policy.carbon_ledger,
            prices=self._prices(),
            innovation=self._innovation(),
            facts=_status_counts(self.facts.provenance),
        )

    # -- what takes part

    @property
    def scenario(self) -> Scenario:
        return self.loaded.scenario

    @cached_property
    def facts(self) -> Facts:
        return changed(self.base, self.scenario.facts, f"scenario '{self.scenario.name}'", self.loaded.origin.place)

    @cached_property
    def horizon(self) -> Horizon:
        h = self.scenario.horizon
        return Horizon(datetime.combine(h.start, time()), h.hours, h.period_h, h.cyclic)

    @cached_property
    def regions(self) -> tuple[str, ...]:
        return tuple(self.scenario.scope.regions or self.facts.regions.index)

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        return tuple(self.scenario.scope.clusters or self.facts.clusters.index)

    @cached_property
    def local_regions(self) -> tuple[str, ...]:
        return tuple(self.scenario.scope.local_sites or self.regions)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        return (*self.clusters, *(local_site(r) for r in self.local_regions))

    def _blocks(self) -> tuple[str, ...]:
        return tuple(name for name in BLOCK_NAMES if name not in self.scenario.blocks.without)

    # -- faults that no single key shows; all of them at once

    def _check(self) -> None:
        faults = [*self._unknown_names(), *self._wrong_blocks(), *self._unknown_figures()]
        try:
            _ = self.facts
        except InputError as error:
            faults += error.faults
        else:
            faults += self._shares_above_one() if not faults else []
        if not faults:
            faults += [*self._out_of_reach(), *self._faulty_inputs()]
        if faults:
            raise InputError(faults)

    def _fault(self, path: Sequence[str], found: str, rule: str, mend: str) -> Fault:
        where, row = self.loaded.origin.place(path)
        return Fault(where, row, ".".join(path), found, rule, mend)

    def _unknown_names(self) -> Iterator[Fault]:
        scope = self.scenario.scope
        known = {
            "regions": list(self.base.regions.index),
            "clusters": list(self.base.clusters.index),
            "local_sites": list(self.scenario.scope.regions or self.base.regions.index),
        }
        for kind, names in scope.model_dump().items():
            path = ("scope", kind)
            for name, count in Counter(names).items():
                if name not in known[kind]:
                    found = f"scope.{kind} names '{name}'"
                    yield self._fault(path, found, "it must be one that exists", nearest(name, known[kind]))
                if count > 1:
                    found = f"scope.{kind} names '{name}' {count} times"
                    yield self._fault(path, found, "what takes part is named once", "remove the others")

    def _wrong_blocks(self) -> Iterator[Fault]:
        path, without = ("blocks", "without"), self.scenario.blocks.without
        for name in without:
            if name not in BLOCK_NAMES:
                found = f"blocks.without names '{name}'"
                yield self._fault(path, found, "it must be one that exists", nearest(name, BLOCK_NAMES))
            elif name in NEEDED:
                rule = "machines, facilities and the grid are always there"
                yield self._fault(path, f"block '{name}' is left out", rule, "remove it from the list")
        for name, needs in STANDS_ON.items():
            for other in needs:
                if other in without and name not in without:
                    rule = f"block '{name}' stands on block '{other}'"
                    yield self._fault(path, f"block '{other}' is left out", rule, f"leave out '{name}' as well")

    def _unknown_figures(self) -> Iterator[Fault]:
        scenario = self.scenario
        jobs = {"trace": ("job_quantiles", "trace"), "slack": ("deadline_tolerance", "kind")}
        named = [
            *((("services", k, "shape"), v.shape, "inference_shape", None) for k, v in scenario.services.items()),
            *((("batches", b, "shape"), v.shape, "batch_arrivals", None) for b, v in scenario.batches.items()),
            *((("jobs", key), getattr(scenario.jobs, key), *source) for key, source in jobs.items()),
        ]
        for path, name, table, column in named:
            known = figures.shapes(table) if column is None else sorted(set(figures.table(table)[column]))
            if name not in known:
                rule = f"it must stand in scenarios/data/{table}.csv"
                yield self._fault(path, f"{path[-1]} '{name}' is not known", rule, nearest(name, known))

    def _shares_above_one(self) -> Iterator[Fault]:
        total, changed = sum(self._share.values()), self.scenario.facts.get("regions", {})
        if total > 1 + 1e-9 and any("demand_share_frac" in quantities for quantities in changed.values()):
            found = f"demand_share_frac of the {len(self.regions)} regions that take part sums to {total:.6g}"
            rule = "shares of the nation's demand sum to at most 1"
            yield self._fault(("facts", "regions"), found, rule, "lower the shares, or raise demand.scale_ratio")

    def _out_of_reach(self) -> Iterator[Fault]:
        if "service" in self.scenario.blocks.without:
            return
        rule = "every region must have a site within a class's latency limit"
        for name, spec in self.scenario.services.items():
            for region in self.regions:
                rtt_ms = min(ways[0].rtt_ms for (r, _), ways in self._routes.items() if r == region)
                if rtt_ms > spec.rtt_limit_ms:
                    found = f"class '{name}' allows {spec.rtt_limit_ms:g} ms and the nearest site of '{region}' is"
                    mend = "raise the limit, or give the region a local site"
                    yield self._fault(("services", name, "rtt_limit_ms"), f"{found} {rtt_ms:.1f} ms away", rule, mend)

    def _faulty_inputs(self) -> Iterator[Fault]:
        for read in (self._demand, self._jobs, self._energy_price, self._capacity_factor):
            try:
                read()
            except InputError as error:
                yield from error.faults

    # -- places and routes

    def _region_of(self, site: str) -> str:
        return str(self.facts.clusters["region"].loc[site]) if site in self.clusters else site.removesuffix(" local")

    @cached_property
    def _routes(self) -> dict[tuple[str, str], tuple[Route, ...]]:
        graph = backbone(self.facts)
        k = self.scenario.network.routes_per_pair
        one_way = 2.0 if self.scenario.network.latency_limit == "one way" else 1.0
        ways: dict[tuple[str, str], tuple[Route, ...]] = {}
        for region in self.regions:
            found = {cluster: routes(graph, region, cluster, k) for cluster in self.clusters}
            for cluster in self._within_reach({c: way for c, way in found.items() if way}):
                ways[region, cluster] = tuple(Route(way.links, way.rtt_ms / one_way) for way in found[cluster])
            if region in self.local_regions:
                ways[region, local_site(region)] = (Route((), self.facts.network["local_rtt_ms"] / one_way),)
        return ways

    def _within_reach(self, found: dict[str, list[hubs.Route]]) -> list[str]:
        """Clusters of `found` that a region may use under the scenario's reach."""
        if self.scenario.network.reach == "nation" or not found:
            return list(found)
        hub = self.facts.clusters["hub"]
        nearest_hub = hub.loc[min(found, key=lambda c: (found[c][0].rtt_ms, c))]
        return [c for c in found if hub.loc[c] == nearest_hub]

    # -- work

    def _services(self) -> tuple[Service, ...]:
        fields = ("rtt_limit_ms", "traffic_gbps_per_eflops", "lost_kcny_per_eflopsh", "served_floor_frac")
        return tuple(
            Service(name, *(getattr(spec, f) for f in fields)) for name, spec in self.scenario.services.items()
        )

    @cached_property
    def _share(self) -> dict[str, float]:
        return {r: float(self.facts.regions["demand_share_frac"].loc[r]) for r in self.regions}

    def _demand(self) -> Floats:
        scenario, names = self.scenario, list(self.scenario.services)
        path = self._input("demand")
        if path:
            return series.read_series(path, series.DEMAND, (self.regions, names), self.horizon.hours)
        scale, day_sd = scenario.demand.scale_ratio, scenario.demand.day_sd_frac
        return np.array(
            [
                [
                    profiles.demand_eflops(
                        scale * spec.mean_eflops * self._share[r],
                        spec.shape,
                        self.horizon,
                        day_sd,
                        profiles.stream(scenario.seed, "demand", r, k),
                    )
                    for k, spec in scenario.services.items()
                ]
                for r in self.regions
            ]
        ).reshape(len(self.regions), len(names), self.horizon.hours)

    def _batches(self) -> tuple[Batch, ...]:
        fields = ("window_h", "data_tb_per_eflopsh", "late_kcny_per_eflopsh_h", "unfinished_kcny_per_eflopsh")
        return tuple(Batch(name, *(getattr(spec, f) for f in fields)) for name, spec in self.scenario.batches.items())

    def _arrivals(self) -> Floats:
        scenario, day_hours = self.scenario, np.array(self.horizon.day_hours)
        arrivals = np.zeros((len(self.regions), len(scenario.batches), self.horizon.days))
        for i, region in enumerate(self.regions):
            for j, (name, spec) in enumerate(scenario.batches.items()):
                noise = profiles.stream(scenario.seed, "batch", region, name).standard_normal(self.horizon.days)
                factor = np.maximum(0.1, 1 + scenario.demand.day_sd_frac * noise)
                arrivals[i, j] = (
                    scenario.demand.scale_ratio * spec.mean_eflops * self._share[region] * day_hours * factor
                )
        return arrivals

    def _arrived_by(self) -> Floats:
        hours = profiles.hours_of_day(self.horizon)
        rows = []
        for spec in self.scenario.batches.values():
            weights = figures.daily_shape("batch_arrivals", spec.shape)[hours]
            days = [weights[24 * d : 24 * d + n].cumsum() for d, n in enumerate(self.horizon.day_hours)]
            rows.append(np.concatenate([day / day[-1] for day in days]))
        return np.array(rows).reshape(len(self.scenario.batches), self.horizon.hours)

    def _jobs(self) -> tuple[Job, ...]:
        path = self._input("jobs")
        pod = self.generations[0]
        if path:
            installed, vacant = self._pods()
            room = (installed + vacant) @ np.array([g.usable_eflops for g in self.generations])
            return series.read_jobs(
                path, self.regions, self.horizon, pod, self.scenario.jobs.start_grid_h, float(room.max())
            )
        return draw_jobs(
            self.scenario.jobs, self._share, self.horizon, pod, self.scenario.seed, self.scenario.demand.scale_ratio
        )

    def _running(self, installed: Ints) -> Floats:
        spec = self.scenario.jobs
        usable = installed @ np.array([g.usable_eflops for g in self.generations])
        left = np.maximum(0.0, 1 - np.arange(self.horizon.hours) / spec.running_decay_h)
        return np.outer(spec.running_frac * usable, left)

    # -- machines

    @cached_property
    def generations(self) -> tuple[Generation, ...]:
        rate = self.scenario.fleet.discount_frac
        made = []
        for name, row in self.facts.pods.iterrows():
            annuity = rate / (1 - (1 + rate) ** -row["life_years"]) if rate else 1 / row["life_years"]
            lighting = float(row["capital_kcny"] * annuity * self.horizon.year_frac)
            pod_eflops, idle_mw, peak_mw, start_kcny, usable_frac = (float(row[q]) for q in _POD)
            min_up_h = self.scenario.fleet.min_up_h
            made.append(
                Generation(str(name), pod_eflops, idle_mw, peak_mw, start_kcny, lighting, usable_frac, min_up_h)
            )
        return tuple(made)

    def _pods(self) -> tuple[Ints, Ints]:
        capacity = scaled_capacity(self.facts)["capacity_eflops"]
        occupancy = self.facts.clusters["occupancy_frac"]
        installed = np.array(
            [
                [
                    round(capacity.loc[c] * self.facts.fleet.loc[(c, g.name), "share_frac"] / g.pod_eflops)
                    for g in self.generations
                ]
                for c in self.clusters
            ]
        ).reshape(len(self.clusters), len(self.generations))
        empty = np.array([1 / max(occupancy.loc[c], 0.05) - 1 for c in self.clusters])
        return installed, np.floor(installed * empty[:, None]).astype(np.int64)

    # -- energy and policy

    def _pue(self, site: str) -> Floats:
        spec, horizon = self.scenario.weather, self.horizon
        cluster = site in self.clusters
        place = site if cluster else self._region_of(site)
        table, quantity = (self.facts.clusters, "pue_ratio") if cluster else (self.facts.regions, "local_pue_ratio")
        rng = profiles.stream(self.scenario.seed, "temperature", place)
        temp_c, mean_c = profiles.temperature_c(place, horizon, spec.shift_c, spec.day_sd_c, rng)
        return profiles.pue_ratio(float(table[quantity].loc[place]), temp_c, mean_c, spec.pue_per_c)

    def _energy_price(self) -> Floats:
        path = self._input("energy_price")
        if path:
            return series.read_series(path, series.ENERGY_PRICE, (self.sites,), self.horizon.hours)
        months, hours = profiles.months(self.horizon), profiles.hours_of_day(self.horizon)
        rows = []
        for site in self.sites:
            place = site if site in self.clusters else self._region_of(site)
            year = np.array([energy_price_kcny_per_mwh(self.facts, place, month) for month in range(1, 13)])
            rows.append(year[months, hours])
        return np.array(rows)

    def _direct(self) -> Floats:
        contracted = np.array([[self.facts.clusters[f"{f}_mw"].loc[c] for f in CARRIERS] for c in self.clusters])
        return np.asarray(contracted[:, :, None] * self._capacity_factor())

    def _capacity_factor(self) -> Floats:
        path = self._input("capacity_factor")
        if path:
            return series.read_series(path, series.CAPACITY_FACTOR, (self.clusters, CARRIERS), self.horizon.hours)
        return np.array([[self._drawn_factor(f, self._region_of(c)) for f in CARRIERS] for c in self.clusters])

    def _drawn_factor(self, carrier: str, region: str) -> Floats:
        rng = profiles.stream(self.scenario.seed, carrier, region)
        return profiles.capacity_factor(carrier, region, self.horizon, rng)

    def _green_target(self) -> Floats:
        given = self.scenario.policy.green_target_frac
        return np.array(
            [self.facts.clusters["green_target_frac"].loc[c] if given is None else given for c in self.clusters]
        )

    def _emission(self, quantity: str) -> Floats:
        table = self.facts.emissions[quantity]
        return np.array([table.loc[(self._region_of(s), self.scenario.policy.emission_year)] for s in self.sites])

    def _prices(self) -> Prices:
        prices, network = self.facts.prices, self.facts.network
        return Prices(
            certificate_kcny_per_mwh=prices["certificate_kcny_per_mwh"],
            green_shortfall_kcny_per_mwh=self.scenario.policy.green_shortfall_kcny_per_mwh,
            carbon_kcny_per_tco2=prices["carbon_kcny_per_tco2"],
            transfer_kcny_per_tb=network["transfer_kcny_per_tb"],
            transfer_mwh_per_tb=network["energy_mwh_per_tb"],
        )

    def _innovation(self) -> Innovation:
        spec = self.scenario.innovation
        points = {str(zone): tuple(values) for zone, values in spec.points_per_eflops.items()}
        return Innovation(spec.weight_kcny_per_point, tuple(spec.thresholds_eflops), points)

    # -- reading frames

    def _column(self, table: str, column: str, keys: tuple[str, ...]) -> dict[str, Any]:
        return dict(zip(keys, getattr(self.facts, table)[column].loc[list(keys)].tolist(), strict=True))

    def _by_site(self, quantity: str) -> Floats:
        clusters, regions = self.facts.clusters[quantity], self.facts.regions[quantity]
        return np.array(
            [clusters.loc[s] if s in self.clusters else regions.loc[self._region_of(s)] for s in self.sites]
        )

    def _region_value(self, quantity: str) -> Floats:
        return np.array([self.facts.regions[quantity].loc[self._region_of(s)] for s in self.sites])

    def _input(self, name: str) -> Path | None:
        """The user's file for a series: beside the scenario, or in the working folder if `--set` names it."""
        given = getattr(self.scenario.inputs, name)
        here = ("inputs", name) in self.loaded.origin.changes
        return (Path.cwd() if here else self.loaded.folder) / given if given else None


def local_site(region: str) -> str:
    return f"{region} local"


def _status_counts(provenance: pd.DataFrame) -> dict[str, dict[str, float]]:
    counts = provenance.groupby(["table", "status"]).size()
    return {
        table: {str(s): float(n) for s, n in counts.loc[table].items()} for table in sorted(set(provenance["table"]))
    }
