"""What the empirical programme returns: every estimate of the tables, unrounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.bootstrap import WildTest
from optimizer.econometrics.exclusion import Bounds
from optimizer.econometrics.heterogeneity import Heterogeneity
from optimizer.econometrics.instruments import IVFit
from optimizer.econometrics.kink import Kink
from optimizer.econometrics.linear import Fit
from optimizer.econometrics.mediation import Mediation
from optimizer.econometrics.panel import Panel
from optimizer.econometrics.sensitivity import OsterBeta, Robustness
from optimizer.econometrics.spatial import Impact, SpatialFit
from optimizer.econometrics.thresholdresult import ThresholdResult
from optimizer.econometrics.weak import ConfidenceSet, Strength


@dataclass(frozen=True)
class Settings:
    """Draws of each bootstrap, candidates of the threshold search (None: all distinct values), and the seed."""

    threshold_draws: int = 300
    candidates: int | None = None
    wild_draws: int = 9_999
    mediation_draws: int = 5_000
    permutations: int = 999
    seed: int = 0


@dataclass(frozen=True)
class Baseline:
    """Controls added one by one, and the last column under other variances and under selection on unobservables."""

    fits: tuple[Fit, ...]
    driscoll_kraay: Fit
    two_way: Fit
    jackknife: Fit
    wild_city: WildTest
    wild_province: WildTest
    altonji: float
    oster_delta: float
    oster: OsterBeta
    robustness: Robustness


@dataclass(frozen=True)
class Variant:
    """One robustness regression; `left_out` lists the rows it does not use and why ('' for none)."""

    name: str
    fit: Fit
    left_out: str = ""


@dataclass(frozen=True)
class Instrument:
    """The instrumental estimate and what may be said of it."""

    iv: IVFit
    strength: Strength
    anderson_rubin: ConfidenceSet
    tf: tuple[float, float]
    wild: WildTest
    exogeneity: tuple[float, float]
    plausible: Bounds
    tolerance: float
    altonji: float


@dataclass(frozen=True)
class Groups:
    """Splits of the cities and corrections over all their comparisons, in order; left_out: splits not made, and why."""

    splits: Mapping[str, Heterogeneity]
    benjamini_hochberg: Floats
    romano_wolf: Floats
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spatial:
    """Lag and Durbin models (Lee-Yu corrected) over the nearest cities, with impacts."""

    lag: SpatialFit
    durbin: SpatialFit
    lag_impacts: tuple[Impact, ...]
    durbin_impacts: tuple[Impact, ...]


@dataclass(frozen=True)
class Results:
    """Everything. `absent` says which tables this panel cannot support, and why."""

    panel: Panel = field(repr=False)
    settings: Settings
    baseline: Baseline
    robustness: tuple[Variant, ...]
    instrument: Instrument | None
    thresholds: Mapping[str, ThresholdResult]
    thresholds_without_years: Mapping[str, ThresholdResult]
    kink: Kink
    mediation: Mapping[str, Mediation]
    groups: Groups
    spatial: Spatial | None
    absent: Mapping[str, str]
