"""What an ensemble came to, member by member: index prices, loads, work and deliveries, as arrays over scenarios.

The index of a hub in an hour is the mean of the shadow prices of compute at its clusters, weighted by their load. In an
hour in which no cluster of the hub runs anything there is no such price, and the index is that of the nation. Shadow
prices are duals of the planner's programme with its whole numbers held; no spot market for compute exists. Where a dual
at a site that runs is not unique the solver's own is used, one whole set that supports the plan; which are unique
`optimizer.market.duals` tells, at a cost that a single scenario bears and an ensemble does not.

Axes: s members, h hubs, c clusters, b buyers, i physical contracts, d days, t hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hubs.errors import Fault, InputError
from optimizer.market.delivering import Book, Effect
from optimizer.solve.optimum import gap_frac
from scenarios.case import Case, Floats, Horizon

IDLE_EFLOPS = 1e-6


@dataclass(frozen=True)
class Outcome:
    """One member of an ensemble, solved. `stop` says why the engine stopped, as in `optimizer.solve.optimum`."""

    name: str
    probability_frac: float
    start: datetime
    stop: str
    cost_kcny: float
    bound_kcny: float
    load_eflops: Floats  # (c, t)
    price_kcny_per_eflopsh: Floats  # (c, t): duals, of no meaning where nothing runs
    site_cost_kcny: Floats  # (c,): what the plan's cost items charge for the cluster's own machines and energy
    work_eflops: Floats  # (b, c, t): work of each buyer at each cluster
    home_kcny_per_eflopsh: Floats  # (b, t): energy and carbon of running at the buyer's local site; NaN without one
    certificate_kcny_per_mwh: float
    western_occupancy_frac: float
    book: Book | None
    """All physical contracts delivered at once; None if there is none."""
    alone: dict[str, Effect]
    """Each physical contract by itself, in the relaxation."""
    wall_s: float

    @property
    def gap_frac(self) -> float:
        return gap_frac(self.cost_kcny, self.bound_kcny)


@dataclass(frozen=True)
class Outcomes:
    """An ensemble, solved: members in the order of their probabilities, with what they have in common."""

    members: tuple[Outcome, ...]
    horizon: Horizon
    buyers: tuple[str, ...]
    clusters: tuple[str, ...]
    hub_of: dict[str, str]
    """Cluster -> hub."""

    @property
    def hubs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.hub_of[c] for c in self.clusters))

    @property
    def probability_frac(self) -> Floats:
        """(s,)."""
        return np.array([member.probability_frac for member in self.members])

    @property
    def load_eflops(self) -> Floats:
        """(s, c, t)."""
        return np.stack([member.load_eflops for member in self.members])

    @property
    def work_eflops(self) -> Floats:
        """(s, b, c, t)."""
        return np.stack([member.work_eflops for member in self.members])

    @property
    def national_kcny_per_eflopsh(self) -> Floats:
        """(s, t) index of all clusters. InputError for an hour in which none of them runs anything."""
        found = np.stack([_mean(m.price_kcny_per_eflopsh, m.load_eflops) for m in self.members])
        if np.isnan(found).any():
            s, hour = (int(place[0]) for place in np.nonzero(np.isnan(found)))
            what = f"member '{self.members[s].name}': no cluster runs anything in hour {hour}"
            rule, mend = (
                "an index needs a price in every hour",
                "give the ensemble more demand, or leave the member out",
            )
            raise InputError([Fault("ensemble", None, None, what, rule, mend)])
        return found

    @property
    def quoted(self) -> Floats:
        """(s, h, t) one where a hub's own clusters make its index, zero where the nation's stands in."""
        return np.isfinite(self._hub_prices()).astype(float)

    @property
    def index_kcny_per_eflopsh(self) -> Floats:
        """(s, h, t)."""
        own = self._hub_prices()
        return np.where(np.isfinite(own), own, self.national_kcny_per_eflopsh[:, None, :])

    def cluster_index_kcny_per_eflopsh(self) -> Floats:
        """(s, c, t) the index of each cluster's hub."""
        return self.index_kcny_per_eflopsh[:, [self.hubs.index(self.hub_of[c]) for c in self.clusters]]

    def _hub_prices(self) -> Floats:
        parts = {hub: [c for c, name in enumerate(self.clusters) if self.hub_of[name] == hub] for hub in self.hubs}
        return np.stack(
            [
                np.stack([_mean(m.price_kcny_per_eflopsh[part], m.load_eflops[part]) for part in parts.values()])
                for m in self.members
            ]
        )


def gather(members: Sequence[Outcome], case: Case, buyers: Sequence[str]) -> Outcomes:
    """Outcomes of the members of one ensemble; `case` is that of the first. InputError if places or length differ."""
    shape = (len(case.clusters), case.horizon.hours)
    faults = [
        Fault("ensemble", None, None, f"member '{m.name}' has {m.load_eflops.shape} clusters and hours, not {shape}",
              "members share their places and the length of the horizon", "leave scope and horizon.hours alone")
        for m in members if m.load_eflops.shape != shape
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    return Outcomes(tuple(members), case.horizon, tuple(buyers), case.clusters, dict(case.site_hub))


def _mean(price: Floats, load: Floats) -> Floats:
    """(t,) mean over clusters (c, t), weighted by load; NaN where nothing runs."""
    weight = np.where(load > IDLE_EFLOPS, load, 0.0)
    total = weight.sum(axis=0)
    value = np.where(weight > 0, price * weight, 0.0).sum(axis=0)
    return np.asarray(np.divide(value, total, out=np.full(total.shape, np.nan), where=total > 0))
