"""Draws of uncertain numbers: distributions as quantile functions, and Latin hypercube samples of them.

A sample of n draws puts one into each of n slices of equal probability, so that few draws already fill a distribution;
slices are paired between numbers at random. Each number has a stream of its own, from the seed and its name: adding
another one changes none of the others.

Source  McKay, Beckman & Conover (1979), Technometrics 21(2)
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from scipy import stats

from scenarios.case import Floats

Distribution = Literal["normal", "lognormal", "uniform", "triangular"]
PARAMETERS: dict[Distribution, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "lognormal": ("median", "log_sd"),
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
}
"""Parameters that a distribution needs; `low` and `high` may also cut a normal or lognormal one off."""


def slices(seed: int, name: str, draws: int) -> Floats:
    """(draws,) probabilities between 0 and 1, one in each slice of width 1 / draws, in random order."""
    stream = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return np.asarray((stream.permutation(draws) + stream.uniform(size=draws)) / draws)


def quantiles(kind: Distribution, parameters: Mapping[str, float], probability_frac: Floats) -> Floats:
    """Numbers below which a distribution has these probabilities; a cut-off distribution is renormalised.

    `parameters` holds those of PARAMETERS; for a normal or lognormal one it may also hold low or high.
    """
    frozen = _frozen(kind, parameters)
    first, last = 0.0, 1.0
    if kind in ("normal", "lognormal"):
        first = float(frozen.cdf(parameters["low"])) if "low" in parameters else 0.0
        last = float(frozen.cdf(parameters["high"])) if "high" in parameters else 1.0
    return np.asarray(frozen.ppf(first + (last - first) * probability_frac), dtype=np.float64)


def picks(values: Sequence[Any], value_frac: Sequence[float], probability_frac: Floats) -> list[Any]:
    """Of a list with probabilities, the value in whose range each probability falls."""
    ends = list(accumulate(value_frac))[:-1]
    return [values[place] for place in np.searchsorted(ends, probability_frac, side="right").tolist()]


def _frozen(kind: Distribution, p: Mapping[str, float]) -> Any:
    if kind == "normal":
        return stats.norm(p["mean"], p["sd"])
    if kind == "lognormal":
        return stats.lognorm(p["log_sd"], scale=p["median"])
    width = p["high"] - p["low"]
    if kind == "uniform":
        return stats.uniform(p["low"], width)
    return stats.triang((p["mode"] - p["low"]) / width, loc=p["low"], scale=width)
