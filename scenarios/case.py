"""The case: facts x scenario x horizon, as plain arrays and dictionaries.

A `Case` is the only thing the optimizer ever sees. It knows nothing of Pyomo or HiGHS, is built once by
`scenarios.build.build_case` (or by hand in a test) and is never changed. Array axes are named by the
letters of the model page: r regions, k services, b batch classes, j jobs, s sites, c clusters,
g pod generations, f direct-supply carriers, l links, t hours, p steering periods, d days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from scenarios.instruments import (
    Cooperation,
    Expansion,
    Innovation,
    PeakShaving,
    Position,
    Storage,
    Wavelengths,
)
from scenarios.instruments import Floats as Floats
from scenarios.instruments import Ints as Ints

CarbonLedger = Literal["location", "market"]
TB_PER_GBPS_H = 0.45
"""3,600 s/h x 1 Gbit/s / 8 bit / 1,000."""


@dataclass(frozen=True)
class Horizon:
    """`hours` contiguous hours from `start` (Beijing time, UTC+8); hour t is [t, t+1)."""

    start: datetime
    hours: int
    period_h: int = 6
    cyclic: bool = True
    """The hour before the first is the last one (a representative horizon), not a given state."""
    before_h: int = 0
    """Hours of a longer horizon that lie before this one, which is then a window of it."""
    after_h: int = 0
    """Hours of that longer horizon that follow."""

    @property
    def periods(self) -> int:
        return self.hours // self.period_h

    @property
    def days(self) -> int:
        return -(-self.hours // 24)

    @property
    def day_hours(self) -> tuple[int, ...]:
        """Hours of the horizon that fall in each of its days; the last day may be short."""
        return tuple(min(24, self.hours - 24 * d) for d in range(self.days))

    @property
    def year_frac(self) -> float:
        return self.hours / 8760

    @property
    def month_frac(self) -> float:
        return self.hours / 730

    def time(self, hour: int) -> datetime:
        return self.start + timedelta(hours=hour)


@dataclass(frozen=True)
class Service:
    """A latency-bound class of work."""

    name: str
    rtt_limit_ms: float
    traffic_gbps_per_eflops: float
    lost_kcny_per_eflopsh: float
    served_floor_frac: float = 0.0
    home_floor_frac: float = 0.0
    """Share of a region's demand that must be served inside its own province."""
    max_sites: int | None = None
    """At most this many sites serve a region's demand of the class."""
    min_share_frac: float = 0.0
    """A site that is opened for a region's class serves at least this mean share, if max_sites is given."""


@dataclass(frozen=True)
class Batch:
    """A divisible class that may wait `window_h` hours from its arrival."""

    name: str
    window_h: int
    data_tb_per_eflopsh: float
    late_kcny_per_eflopsh_h: float
    unfinished_kcny_per_eflopsh: float


@dataclass(frozen=True)
class Job:
    """An atomic training job: `pods` whole pods for `duration_h` hours without a break.

    `release_h` and `deadline_h` count from the start of the horizon (release may be negative: known and
    its data already sent before the horizon). `eflops` is the load it holds while it runs.
    """

    name: str
    region: str
    pods: int
    eflops: float
    duration_h: int
    release_h: int
    deadline_h: int
    data_tb: float
    value_kcny: float


@dataclass(frozen=True)
class Generation:
    """One pod generation. Load up to `usable_frac * pod_eflops` may run on a lit pod."""

    name: str
    pod_eflops: float
    idle_mw: float
    peak_mw: float
    start_kcny: float
    lighting_kcny: float
    """Capital of one pod put into a vacant rack, annuity pro-rated to the horizon."""
    usable_frac: float = 1.0
    min_up_h: int = 1

    @property
    def usable_eflops(self) -> float:
        return self.usable_frac * self.pod_eflops

    @property
    def slope_mw_per_eflops(self) -> float:
        """Power drawn per EFLOPS of load on top of the idle power."""
        return (self.peak_mw - self.idle_mw) / self.usable_eflops


@dataclass(frozen=True)
class Route:
    """A way from a region to a site over the backbone."""

    links: tuple[str, ...]
    rtt_ms: float


@dataclass(frozen=True)
class Prices:
    """Scalars of the scenario, in kCNY."""

    certificate_kcny_per_mwh: float
    green_shortfall_kcny_per_mwh: float
    carbon_kcny_per_tco2: float
    transfer_kcny_per_tb: float
    transfer_mwh_per_tb: float


@dataclass(frozen=True)
class Case:
    name: str
    horizon: Horizon
    blocks: tuple[str, ...]
    """Names of the model blocks that are present: a policy is present or absent, never a switch."""

    # -- places
    regions: tuple[str, ...]
    zone: dict[str, str]
    """region -> east, central or west; also for regions that only host a cluster."""
    population_million: dict[str, float]
    sites: tuple[str, ...]
    clusters: tuple[str, ...]
    """The sites that are national clusters; the others are local sites of their region."""
    site_region: dict[str, str]
    site_hub: dict[str, str]
    """cluster -> hub."""
    routes: dict[tuple[str, str], tuple[Route, ...]]
    """(region, site) -> candidate routes, nearest first; a pair that is absent cannot be used."""
    links: tuple[str, ...]
    link_capacity_gbps: Floats  # (l,)

    # -- work
    services: tuple[Service, ...]
    demand_eflops: Floats  # (r, k, t)
    batches: tuple[Batch, ...]
    arrivals_eflopsh: Floats  # (r, b, d)
    arrived_by_frac: Floats  # (b, t): share of its day's arrivals that is in by the end of hour t
    jobs: tuple[Job, ...]
    start_grid_h: int
    running_eflops: Floats  # (c, t): jobs already running when the horizon opens

    # -- machines
    generations: tuple[Generation, ...]
    pods_installed: Ints  # (c, g)
    pods_vacant: Ints  # (c, g): racks built but empty, that may be lit
    local_eflops: dict[str, float]
    local_mw_per_eflops: float
    local_slot_h: int
    """Local sites dispatch their batch queues in slots of this many hours; clusters by the hour."""
    home_reserve_frac: dict[str, float]

    # -- energy
    pue_ratio: Floats  # (s, t)
    connection_mw: Floats  # (s,)
    energy_kcny_per_mwh: Floats  # (s, t)
    demand_charge_kcny_per_mw: Floats  # (s,): the monthly charge, pro-rated to the horizon
    carriers: tuple[str, ...]
    direct_mw: Floats  # (c, f, t): contracted direct supply available
    direct_kcny_per_mwh: Floats  # (f,)

    # -- policy
    green_target_frac: Floats  # (c,)
    grid_tco2_per_mwh: Floats  # (s,): location-based factor
    residual_tco2_per_mwh: Floats  # (s,): market-based residual factor
    carbon_ledger: CarbonLedger
    prices: Prices

    innovation: Innovation | None = None
    storage: Storage | None = None
    cooperation: Cooperation | None = None
    positions: tuple[Position, ...] = ()
    expansion: Expansion | None = None
    wavelengths: Wavelengths | None = None
    peak_shaving: PeakShaving | None = None
    credit_mwh_per_eflopsh: float = 0.0
    """Green energy whose certificates travel with a unit of hosted work to the buyer region."""
    capital_counted: tuple[str, ...] = ()
    """Clusters whose pods in use are charged their capital, as if they were built for this work."""
    facts: dict[str, dict[str, float]] = field(default_factory=dict)
    """How many facts of each status each table contributed: table -> status -> count."""

    @property
    def locals(self) -> tuple[str, ...]:
        return tuple(s for s in self.sites if s not in set(self.clusters))

    def usable_eflops(self, site: str) -> float:
        """What the machines installed at a site can carry at most."""
        if site in self.local_eflops:
            return self.local_eflops[site]
        row = self.pods_installed[self.clusters.index(site)]
        return float(sum(n * g.usable_eflops for n, g in zip(row, self.generations, strict=True)))

    @property
    def pods_max(self) -> Ints:
        """(c, g): pods that could be on at most: installed, lit in vacant racks, and built where that may be."""
        most = self.pods_installed + self.pods_vacant
        return most + self.expansion.pods_max if self.expansion and "expansion" in self.blocks else most

    def home_site(self, region: str) -> str | None:
        """The local site of a region, if it has one."""
        return next((s for s in self.locals if self.site_region[s] == region), None)
