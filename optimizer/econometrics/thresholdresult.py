"""Results and options of panel threshold regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.linear import Fit

Resample = Literal["cities", "rows"]
DegreesOfFreedom = Literal["n(T-1)", "nT-T", "residual"]


@dataclass(frozen=True)
class Options:
    """How to search and test. candidates None means every distinct value of q between the trimmed ends.

    hansen_program follows Hansen's own code: unit means only, the last period dropped after demeaning, q < g, earlier
    thresholds held fixed in the draws.
    """

    year_effects: bool = True
    most: int = 3
    candidates: int | None = None
    trim_frac: float = 0.05
    draws: int = 300
    seed: int = 0
    resample: Resample = "cities"
    df: DegreesOfFreedom = "n(T-1)"
    hansen_program: bool = False


@dataclass(frozen=True)
class Test:
    """Is one more threshold needed? f with its degrees-of-freedom convention; bootstrap p and critical values 10, 5,
    1 %.
    """

    __test__ = False  # not a test case, whatever a collector thinks of the name

    thresholds: int
    f: float
    df: int
    p: float
    draws: int
    critical: tuple[float, float, float]


@dataclass(frozen=True)
class Set:
    """A confidence set for one threshold: intervals over candidates (a disconnected set has several)."""

    level: float
    critical: float
    intervals: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Profile:
    """One threshold with the others fixed: its estimate, likelihood ratio over candidates, and sets at 90, 95, 99 %."""

    estimate: float
    candidates: Floats = field(repr=False)
    lr: Floats = field(repr=False)
    sets: tuple[Set, ...] = ()


@dataclass(frozen=True)
class Model:
    """The model with m thresholds: ascending thresholds, SSR, profiles, and slopes with errors clustered by city."""

    thresholds: tuple[float, ...]
    ssr: float
    profiles: tuple[Profile, ...]
    fit: Fit = field(repr=False)
    regime_rows: tuple[int, ...] = ()

    @property
    def slopes(self) -> Floats:
        """Slope of z in each regime, low to high."""
        return self.fit.beta[-(len(self.thresholds) + 1) :]


@dataclass(frozen=True)
class ThresholdResult:
    """tests[m-1] tests m thresholds against m - 1; models[m-1] has m thresholds; `selected` by the sequence of tests
    at 5 %.
    """

    ssr: tuple[float, ...]
    tests: tuple[Test, ...]
    models: tuple[Model, ...]
    options: Options
    least_per_regime: int
    df_convention: str

    @property
    def selected(self) -> int:
        """Thresholds accepted, testing one after another until a test fails."""
        for count, test in enumerate(self.tests):
            if test.p > 0.05:
                return count
        return len(self.tests)


def lr_critical(level: float) -> float:
    """Quantile of the limit of the likelihood ratio, -2 ln(1 - sqrt(level)): 5.94, 7.35, 10.59 at 90, 95, 99 %."""
    return float(-2.0 * np.log(1.0 - np.sqrt(level)))
