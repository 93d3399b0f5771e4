"""Instruments a case may hold beside its places, work and machines; each feeds one block of the model.

Axes are those of `scenarios.case`. Money is in kCNY pro-rated to the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Innovation:
    """What a province's mean dispatched compute is worth: points per EFLOPS by zone, in each segment of thresholds."""

    weight_kcny_per_point: float
    thresholds_eflops: tuple[float, ...]
    points_per_eflops: dict[str, tuple[float, ...]]

    def widths_eflops(self, most_eflops: float) -> tuple[float, ...]:
        """Widths of the segments; the last reaches `most_eflops`, at least a little beyond the last threshold."""
        ends = (0.0, *self.thresholds_eflops, max(most_eflops, sum(self.thresholds_eflops[-1:]) + 1.0))
        return tuple(high - low for low, high in pairwise(ends))


@dataclass(frozen=True)
class Storage:
    """A battery at each cluster; `one_way_frac` is the efficiency of charging, and again of discharging."""

    power_mw: Floats  # (c,)
    energy_mwh: Floats  # (c,)
    one_way_frac: float
    wear_kcny_per_mwh: float
    """Wear per MWh discharged."""
    start_frac: float = 0.5
    """Charge when a horizon that is not cyclic opens, and at least when it closes."""


@dataclass(frozen=True)
class Cooperation:
    """Benefit compensation between regions that send work and hubs that host it. Money pro-rated to the horizon."""

    compensation_kcny_per_eflopsh: float
    """The policy's least transfer per unit of outsourced work."""
    fee_kcny_per_eflopsh: float
    """What the sending region's users pay the host's operators."""
    cost_kcny_per_eflopsh: dict[str, float]
    """cluster -> incremental cost of hosting a unit of work."""
    margin_kcny_per_eflopsh: float
    """A hub takes part only if it earns this much above that cost."""
    agreement_kcny: float
    minimum_eflopsh: float
    """Least volume under an agreement."""
    partners_max: int
    """Agreements that one region may hold."""
    fund_kcny: dict[str, float]
    """region -> most it may pay in transfers."""
    administration_frac: float
    """Cost of paying out transfers; the transfers themselves are no national cost."""
    local_tax_frac: float
    """Local tax in the fee of hosted work."""
    origin_tax_frac: float
    """The origin's part of that tax."""
    tax_cap_kcny: float
    """Most tax that one region may receive from one hub."""


@dataclass(frozen=True)
class Position:
    """An open forward position: compute that a cluster owes a buyer region, hour by hour."""

    name: str
    cluster: str
    region: str
    kind: Literal["fixed", "take-or-pay", "call"]
    quantity_eflops: Floats  # (t,)
    damages_kcny_per_eflopsh: float
    low_frac: float = 1.0
    """Least daily delivery of a take-or-pay band, of the quantity."""
    high_frac: float = 1.0
    take_frac: float = 1.0
    """Least delivery of a take-or-pay band over the horizon."""


@dataclass(frozen=True)
class Expansion:
    """What a planning run may build; costs are annuities pro-rated to the horizon."""

    pods_max: Ints  # (c, g)
    pod_kcny: Floats  # (g,)
    direct_max_mw: Floats  # (c, f)
    direct_kcny_per_mw: Floats  # (f,)
    capacity_frac: Floats  # (c, f, t)
    wavelengths_max: Ints  # (l,)
    wavelength_kcny: float


@dataclass(frozen=True)
class Wavelengths:
    """Wavelengths that may be lit on the fibre of each link, at a rent pro-rated to the horizon."""

    limit: Ints  # (l,)
    gbps: float
    rent_kcny: float


@dataclass(frozen=True)
class PeakShaving:
    """Payment for drawing less than a baseline in called hours."""

    hours: tuple[int, ...]
    baseline_mw: Floats  # (c,)
    kcny_per_mwh: float
