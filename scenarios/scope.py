"""What takes part in a scenario: its facts, horizon, places, blocks and routes, and how facts are read by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import hubs
from hubs import Facts
from hubs.errors import Fault
from scenarios.case import Floats, Horizon, Route
from scenarios.changes import changed
from scenarios.library import Loaded
from scenarios.schema import Scenario

BLOCK_NAMES = (
    "service",
    "batch",
    "jobs",
    "hosting",
    "cooperation",
    "delivery",
    "expansion",
    "fleet",
    "facility",
    "grid",
    "peak_shaving",
    "renewable",
    "storage",
    "credit",
    "green",
    "carbon",
    "network",
    "coverage",
    "innovation",
)


@dataclass(frozen=True)
class Scope:
    """A loaded scenario over the facts it starts from; everything else follows and is worked out once.

    The names in the scenario are taken as they stand: `scenarios.checks.check` says whether they exist.
    """

    loaded: Loaded
    base: Facts
    """The facts before the scenario changes them."""

    @property
    def scenario(self) -> Scenario:
        return self.loaded.scenario

    @cached_property
    def facts(self) -> Facts:
        """The facts as the scenario changes them; raises InputError with every fault of the changes."""
        return changed(self.base, self.scenario.facts, f"scenario '{self.scenario.name}'", self.loaded.origin.place)

    @cached_property
    def horizon(self) -> Horizon:
        h = self.scenario.horizon
        return Horizon(datetime.combine(h.start, time()), h.hours, h.period_h, h.cyclic)

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        return tuple(name for name in BLOCK_NAMES if self.scenario.blocks.get(name, True))

    # -- places

    @cached_property
    def regions(self) -> tuple[str, ...]:
        return tuple(self.scenario.scope.regions or self.facts.regions.index)

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        return tuple(self.scenario.scope.clusters or self.facts.clusters.index)

    @cached_property
    def local_regions(self) -> tuple[str, ...]:
        """Regions that have a local site."""
        return tuple(self.scenario.scope.local_sites or self.regions)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Clusters, then local sites."""
        return (*self.clusters, *(local_site(r) for r in self.local_regions))

    def region_of(self, site: str) -> str:
        return str(self.facts.clusters["region"].loc[site]) if site in self.clusters else site.removesuffix(" local")

    def zone_of(self, site: str) -> str:
        return str(self.facts.regions["zone"].loc[self.region_of(site)])

    def place_of(self, site: str) -> str:
        """What the facts know a site by: a cluster by its own name, a local site by its region."""
        return site if site in self.clusters else self.region_of(site)

    # -- routes

    @cached_property
    def routes(self) -> dict[tuple[str, str], tuple[Route, ...]]:
        """(region, site) -> candidate routes, nearest first; pairs out of reach are absent."""
        graph = hubs.backbone(self.facts)
        k = self.scenario.network.routes_per_pair
        one_way = 2.0 if self.scenario.network.latency_limit == "one way" else 1.0
        ways: dict[tuple[str, str], tuple[Route, ...]] = {}
        for region in self.regions:
            found = {cluster: hubs.routes(graph, region, cluster, k) for cluster in self.clusters}
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

    # -- readings by place

    @cached_property
    def demand_share_frac(self) -> dict[str, float]:
        """region -> its share of the nation's demand."""
        return {r: float(self.facts.regions["demand_share_frac"].loc[r]) for r in self.regions}

    def column(self, table: str, column: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """key -> value of one column of a fact table."""
        return dict(zip(keys, getattr(self.facts, table)[column].loc[list(keys)].tolist(), strict=True))

    def by_site(self, quantity: str) -> Floats:
        """(s,): a quantity that clusters and regions both have, each site's own."""
        clusters, regions = self.facts.clusters[quantity], self.facts.regions[quantity]
        return np.array([clusters.loc[s] if s in self.clusters else regions.loc[self.region_of(s)] for s in self.sites])

    def by_region_of_site(self, quantity: str) -> Floats:
        """(s,): a quantity of the region that each site stands in."""
        return np.array([self.facts.regions[quantity].loc[self.region_of(s)] for s in self.sites])

    # -- the scenario's own files

    def input_path(self, name: str) -> Path | None:
        """The user's file for a series: beside the scenario, or in the working folder if `--set` names it."""
        given = getattr(self.scenario.inputs, name)
        here = ("inputs", name) in self.loaded.origin.changes
        return (Path.cwd() if here else self.loaded.folder) / given if given else None

    def fault(self, path: Sequence[str], found: str, rule: str, mend: str) -> Fault:
        """A fault of the key at `path`, with the file and line it stands on."""
        where, row = self.loaded.origin.place(path)
        return Fault(where, row, ".".join(path), found, rule, mend)


def local_site(region: str) -> str:
    return f"{region} local"
