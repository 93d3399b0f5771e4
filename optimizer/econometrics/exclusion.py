"""Plausibly exogenous instruments: what is left of an instrumental estimate if the instrument acts directly a little.

Source: Conley, Hansen and Rossi 2012: the union of intervals over a support of direct effects, and the local-to-zero
approximation with a normal prior on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.instruments import IVFit


@dataclass(frozen=True)
class Bounds:
    """An interval for the treatment's effect allowing the instrument a direct effect; `allowed` is what was allowed."""

    low: float
    high: float
    level: float
    allowed: str


def _slope_of_direct(iv: IVFit) -> float:
    """Shift of the 2SLS estimate per unit of direct effect of the single instrument: -1 / first stage (exactly)."""
    if len(iv.instruments) != 1 or len(iv.treatments) != 1:
        raise DesignError(
            "plausibly exogenous", f"{len(iv.instruments)} instruments", "bounds are for one instrument, one treatment",
            "choose the instrument in doubt",
        )  # fmt: skip
    return -1.0 / float(iv.first_stages[0].beta[0])


def union_of_intervals(iv: IVFit, direct: tuple[float, float], level: float = 0.95, points: int = 41) -> Bounds:
    """Union of the intervals over direct effects in [low, high]; standard errors recomputed at each."""
    slope = _slope_of_direct(iv)
    critical = float(stats.t.ppf(0.5 + level / 2.0, iv.fit.df))
    lows, highs = [], []
    for gamma in np.linspace(*direct, points):
        estimate = float(iv.fit.beta[0]) + slope * gamma
        reach = critical * _se_at(iv, float(gamma))
        lows.append(estimate - reach)
        highs.append(estimate + reach)
    return Bounds(min(lows), max(highs), level, f"direct effect in [{direct[0]:g}, {direct[1]:g}]")


def _se_at(iv: IVFit, gamma: float) -> float:
    """Standard error when y - gamma z is the outcome, scaled as the fit's own (its factors do not move with gamma)."""
    reduced = iv.reduced
    z, x = reduced.z[0], reduced.treatment[0]
    zx = float(z @ x)

    def raw(outcome: Floats) -> float:
        error = outcome - float(z @ outcome) / zx * x
        if reduced.covariance.kind == "iid":
            return float(np.sqrt((error @ error) * (z @ z))) / abs(zx)
        return float(np.sqrt(reduced.meat((z * error)[None, :])[0, 0])) / abs(zx)

    return float(iv.fit.se[0]) * raw(reduced.y - gamma * z) / raw(reduced.y)


def local_to_zero(iv: IVFit, mean: float, sd: float, level: float = 0.95) -> Bounds:
    """Normal direct effect with this mean and sd: variance V + A sd^2 A', centred at beta + A mean."""
    if sd < 0.0:
        raise DesignError("plausibly exogenous", f"sd = {sd:g}", "a standard deviation is not negative", "use its size")
    slope = _slope_of_direct(iv)
    centre = float(iv.fit.beta[0]) + slope * mean
    reach = float(stats.norm.ppf(0.5 + level / 2.0)) * float(np.hypot(iv.fit.se[0], slope * sd))
    return Bounds(centre - reach, centre + reach, level, f"direct effect normal, mean {mean:g}, sd {sd:g}")


def tolerance(iv: IVFit, level: float = 0.95) -> float:
    """The direct effect, in units of the reduced form, at which the interval first includes zero (0 if it does
    already).
    """
    sign = float(np.sign(iv.reduced_form.beta[0]))
    critical = float(stats.t.ppf(0.5 + level / 2.0, iv.fit.df))
    start = float(iv.fit.beta[0])

    def clears(share: float) -> bool:
        gamma = share * float(iv.reduced_form.beta[0])
        estimate = start + _slope_of_direct(iv) * gamma
        return bool(estimate * np.sign(start) > critical * _se_at(iv, gamma))

    if not clears(0.0):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (middle, high) if clears(middle) else (low, middle)
    return sign * low * abs(float(iv.reduced_form.beta[0]))
