"""What a tally of the model is made of: a case's sets, and counts by variable, constraint and ledger.

`Extent` holds the sets that blocks index by, worked out from a case alone; `Tally` collects what each block would add.
Nothing here builds a model.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from optimizer.blocks.jobs import concerns, start_hours
from scenarios.case import Case, Ints, Job

Reach = tuple[int, int, str, str]


@dataclass
class Tally:
    """Columns by variable, rows and nonzeros by constraint; nonzeros of ledgers that some later block closes."""

    columns: Counter[str] = field(default_factory=Counter)
    integers: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    nonzeros: Counter[str] = field(default_factory=Counter)
    posted: Counter[str] = field(default_factory=Counter)
    """Ledger -> nonzeros of everything posted to it."""

    def variable(self, name: str, columns: int, integer: bool = False) -> None:
        self.columns[name] += columns
        self.integers[name] += columns if integer else 0

    def constraint(self, name: str, rows: int, nonzeros: int) -> None:
        self.rows[name] += rows
        self.nonzeros[name] += nonzeros

    def post(self, ledger: str, nonzeros: int) -> None:
        self.posted[ledger] += nonzeros


@dataclass(frozen=True)
class Extent:
    """The sets of a case that more than one block indexes by."""

    case: Case

    @property
    def hours(self) -> int:
        return self.case.horizon.hours

    @property
    def periods(self) -> int:
        return self.case.horizon.periods

    @property
    def days(self) -> int:
        return self.case.horizon.days

    @property
    def opened(self) -> bool:
        """Whether hours of a longer horizon lie before: what they hand over stands in variables named `earlier_...`."""
        return self.case.horizon.before_h > 0

    @cached_property
    def steps(self) -> int:
        """Hours that have an hour before them; on a horizon of one hour it would be that hour itself, and cancel."""
        alone = self.hours == 1 and self.case.horizon.cyclic
        return self.hours if not alone and (self.case.horizon.cyclic or self.opened) else self.hours - 1

    @cached_property
    def clusters(self) -> frozenset[str]:
        return frozenset(self.case.clusters)

    @cached_property
    def remote(self) -> frozenset[tuple[str, str]]:
        """Pairs whose traffic uses a link."""
        return frozenset(pair for pair, ways in self.case.routes.items() if ways[0].links)

    @cached_property
    def guests(self) -> int:
        """Pairs of a region and a cluster outside its province."""
        return sum(s in self.clusters and r != self.case.site_region[s] for r, s in self.case.routes)

    @cached_property
    def reach(self) -> tuple[Reach, ...]:
        """(region's position, class's position, region, site) within the class's limit."""
        row = {region: i for i, region in enumerate(self.case.regions)}
        return tuple(
            (row[r], j, r, s)
            for (r, s), ways in self.case.routes.items()
            for j, k in enumerate(self.case.services)
            if ways[0].rtt_ms <= k.rtt_limit_ms
        )

    @cached_property
    def hours_asked(self) -> Ints:
        """(r, k): hours with demand."""
        return np.asarray(np.count_nonzero(self.case.demand_eflops, axis=2))

    @cached_property
    def asked(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(r, k, p): whether a region asks for a class in a steering period."""
        shape = (len(self.case.regions), len(self.case.services), self.periods, -1)
        return np.asarray((self.case.demand_eflops.reshape(shape) > 0).any(axis=3))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that are decided in this horizon."""
        return tuple(job for job in self.case.jobs if concerns(self.case, job))

    @cached_property
    def options(self) -> tuple[tuple[Job, str, int], ...]:
        """Job, cluster and hour at which it may start."""
        case = self.case
        return tuple(
            (job, c, t)
            for job in self.jobs
            for c in case.clusters
            if (job.region, c) in case.routes
            for t in start_hours(case, job)
        )

    @cached_property
    def slot_ends(self) -> dict[int, list[int]]:
        """Length of a site's slots in hours -> the last hours of those slots."""
        lengths = {1, self.case.local_slot_h}
        return {h: [min(t + h, self.hours) - 1 for t in range(0, self.hours, h)] for h in lengths}

    @cached_property
    def sites_by_slot(self) -> Counter[int]:
        """Length of slots in hours -> sites with such slots."""
        return Counter(1 if s in self.clusters else self.case.local_slot_h for s in self.case.sites)
