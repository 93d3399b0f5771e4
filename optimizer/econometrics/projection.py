"""From dispatched computing to regional innovation: an elasticity, estimated slopes, and an interval that carries both.

Dispatched against counterfactual computing in a province changes AI development by elasticity x the log ratio of all
the computing there. AI development changes innovation through the slope of the regime it is in; a change that crosses
a threshold is integrated piece by piece. The elasticity is an assumption, given with its range, until it is fitted;
slopes come with their errors. What the slopes do not show is said in words, not smoothed over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.errors import DesignError

ZONES = ("east", "central", "west")
REQUIRED = ("province", "zone", "dispatched_eflops_year", "counterfactual_eflops_year")
SIGNIFICANT_T = 1.96


@dataclass(frozen=True)
class Elasticity:
    """Per cent change in AI development per cent of computing; drawn triangular on [low, high], mode `value`."""

    value: float
    low: float
    high: float
    source: str = "assumption"

    def draw(self, rng: np.random.Generator, draws: int) -> Floats:
        """(draws,)."""
        if self.low == self.high:
            return np.full(draws, self.value)
        return rng.triangular(self.low, self.value, self.high, draws)


@dataclass(frozen=True)
class Slope:
    """An estimated slope of log innovation on log AI development, with its standard error."""

    value: float
    se: float

    @property
    def t(self) -> float:
        """value / se; infinite for a slope taken as known."""
        return self.value / self.se if self.se > 0.0 else math.copysign(math.inf, self.value)


@dataclass(frozen=True)
class Projection:
    """provinces and zones: one row each with estimates and interval ends; statements: what the numbers do not show.

    Columns: ai_change_log, innovation_change_log with _low and _high, innovation_change_frac likewise, and patents with
    _low and _high where a base is given. slope_share_frac: share of the national interval's variance due to the slopes.
    """

    provinces: pd.DataFrame = field(repr=False)
    zones: pd.DataFrame = field(repr=False)
    statements: tuple[str, ...]
    slope_share_frac: float
    level: float
    draws: int
    elasticity: Elasticity


def project(
    dispatch: pd.DataFrame,
    elasticity: Elasticity,
    slopes: Mapping[str, Sequence[Slope]],
    thresholds: Sequence[float] = (),
    *,
    level: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
) -> Projection:
    """Project a dispatch.

    dispatch: province, zone, dispatched_eflops_year, counterfactual_eflops_year; optionally base_eflops_year
    (computing there in both), ai (level of AI development, log; needed when there are thresholds), patents (per year,
    base). slopes: zone -> one Slope per regime of AI, low to high. Raises DesignError for columns, values or zones it
    cannot use.
    """
    frame = _checked(dispatch, slopes, thresholds, elasticity)
    log_ratio = _log_ratio(frame)
    start = _start(frame, thresholds)
    rng = np.random.default_rng(seed)
    elasticities = np.append(elasticity.value, elasticity.draw(rng, draws))
    slope_draws = _slope_draws(slopes, rng, draws)
    change = _changes(frame, log_ratio, start, elasticities, slope_draws, thresholds)
    only_slopes = _changes(frame, log_ratio, start, np.full(draws + 1, elasticity.value), slope_draws, thresholds)
    provinces = _province_table(frame, log_ratio * elasticity.value, change, level)
    zones, share = _zone_table(frame, change, only_slopes, level)
    return Projection(
        provinces, zones, _statements(slopes, thresholds, elasticity, zones), share, level, draws, elasticity
    )


def _checked(
    dispatch: pd.DataFrame, slopes: Mapping[str, Sequence[Slope]], thresholds: Sequence[float], elasticity: Elasticity
) -> pd.DataFrame:
    if not elasticity.low <= elasticity.value <= elasticity.high:
        raise DesignError(
            "elasticity", f"{elasticity.value:g} is outside [{elasticity.low:g}, {elasticity.high:g}]",
            "the value lies in its range", "correct the range",
        )  # fmt: skip
    if list(thresholds) != sorted(thresholds):
        raise DesignError("thresholds", f"are {list(thresholds)}", "they ascend", "sort them with their slopes")
    needed = (*REQUIRED, "ai") if len(thresholds) else REQUIRED
    missing = [name for name in needed if name not in dispatch.columns]
    if missing:
        raise DesignError("dispatch", f"has no column {', '.join(missing)}", "these columns are needed", "add them")
    frame = dispatch.reset_index(drop=True)
    numbers = [c for c in (*REQUIRED[2:], "base_eflops_year", "ai", "patents") if c in frame.columns]
    for name in numbers:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        bad = ~np.isfinite(values) | ((values < 0.0) & (name != "ai"))
        if bad.any():
            where = ", ".join(str(p) for p in frame["province"][bad].head(5))
            raise DesignError(
                f"dispatch {name}", f"is not a number of at least zero for {where}", "computing is finite", "repair it"
            )
    _check_labels(frame, slopes, thresholds)
    return frame


def _check_labels(frame: pd.DataFrame, slopes: Mapping[str, Sequence[Slope]], thresholds: Sequence[float]) -> None:
    twice = frame["province"][frame["province"].duplicated()]
    if len(twice):
        raise DesignError(
            "dispatch", f"lists {', '.join(map(str, twice.head(5)))} twice", "one row per province", "sum them"
        )
    unknown = sorted({str(z) for z in frame["zone"]} - set(slopes))
    if unknown:
        raise DesignError("dispatch", f"has zone {', '.join(unknown)}", "each zone has slopes", "give its slopes")
    short = [z for z, found in slopes.items() if len(found) != len(thresholds) + 1]
    if short:
        raise DesignError(
            "slopes", f"{', '.join(short)}: not {len(thresholds) + 1} slope(s)", "one slope per regime", "give them all"
        )
    if any(s.se < 0.0 for found in slopes.values() for s in found):
        raise DesignError("slopes", "a standard error is negative", "errors are at least zero", "check the estimates")


def _log_ratio(frame: pd.DataFrame) -> Floats:
    """ln of computing under the dispatch over computing under the counterfactual, zero where both are nothing."""
    base = frame["base_eflops_year"].to_numpy(dtype=np.float64) if "base_eflops_year" in frame.columns else 0.0
    ours = frame["dispatched_eflops_year"].to_numpy(dtype=np.float64) + base
    theirs = frame["counterfactual_eflops_year"].to_numpy(dtype=np.float64) + base
    lone = (ours == 0.0) != (theirs == 0.0)
    if lone.any():
        where = ", ".join(str(p) for p in frame["province"][lone].head(5))
        raise DesignError(
            "dispatch", f"{where}: computing in one of the two dispatches only", "a ratio needs computing in both",
            "give base_eflops_year, the computing there in either case",
        )  # fmt: skip
    both = ours > 0.0
    return np.where(both, np.log(np.where(both, ours, 1.0) / np.where(both, theirs, 1.0)), 0.0)


def _start(frame: pd.DataFrame, thresholds: Sequence[float]) -> Floats:
    return frame["ai"].to_numpy(dtype=np.float64) if len(thresholds) else np.zeros(len(frame))


def _slope_draws(slopes: Mapping[str, Sequence[Slope]], rng: np.random.Generator, draws: int) -> dict[str, Floats]:
    """Per zone (regimes, draws + 1), the point estimate first; provinces of a zone share a draw."""
    out = {}
    for zone, found in slopes.items():
        noise = np.column_stack((np.zeros(len(found)), rng.standard_normal((len(found), draws))))
        out[zone] = np.array([s.value for s in found])[:, None] + np.array([s.se for s in found])[:, None] * noise
    return out


def _changes(
    frame: pd.DataFrame, log_ratio: Floats, start: Floats, elasticities: Floats, slopes: dict[str, Floats],
    thresholds: Sequence[float],
) -> Floats:  # fmt: skip
    """Change in log innovation, (provinces, draws + 1): the slope integrated over the path of AI development."""
    edges = np.array([-np.inf, *thresholds, np.inf])
    out = np.zeros((len(frame), elasticities.size))
    for i, zone in enumerate(frame["zone"]):
        end = start[i] + elasticities * log_ratio[i]
        low, high = np.minimum(start[i], end), np.maximum(start[i], end)
        direction = np.sign(end - start[i])
        for regime in range(edges.size - 1):
            inside = np.clip(np.minimum(high, edges[regime + 1]) - np.maximum(low, edges[regime]), 0.0, None)
            out[i] += direction * inside * slopes[str(zone)][regime]
    return out


def _ends(values: Floats, level: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(values[..., 1:], ((1.0 - level) / 2.0, (1.0 + level) / 2.0), axis=-1)
    return low, high


def _province_table(frame: pd.DataFrame, ai_change: Floats, change: Floats, level: float) -> pd.DataFrame:
    low, high = _ends(change, level)
    out = frame[list(REQUIRED)].copy()
    out["ai_change_log"] = ai_change
    out["innovation_change_log"], out["innovation_change_log_low"], out["innovation_change_log_high"] = (
        change[:, 0],
        low,
        high,
    )
    out["innovation_change_frac"] = np.expm1(change[:, 0])
    out["innovation_change_frac_low"], out["innovation_change_frac_high"] = np.expm1(low), np.expm1(high)
    if "patents" in frame.columns:
        base = frame["patents"].to_numpy(dtype=np.float64)
        out["patents"] = base * np.expm1(change[:, 0])
        out["patents_low"], out["patents_high"] = base * np.expm1(low), base * np.expm1(high)
    return out


def _zone_table(frame: pd.DataFrame, change: Floats, only_slopes: Floats, level: float) -> tuple[pd.DataFrame, float]:
    """Zones and the nation: patents summed, log changes averaged (by patents when given, else equally)."""
    counted = "patents" in frame.columns
    base = frame["patents"].to_numpy(dtype=np.float64) if counted else np.ones(len(frame))
    zones = frame["zone"].astype(str)
    rows = []
    for zone in [*(z for z in ZONES if (zones == z).any()), *sorted(set(zones) - set(ZONES)), "all"]:
        here = np.ones(len(frame), dtype=np.bool_) if zone == "all" else (zones == zone).to_numpy()
        weight = base[here] / base[here].sum() if base[here].sum() > 0.0 else np.full(int(here.sum()), 1.0 / here.sum())
        mean = weight @ change[here]
        row = {"zone": zone, "provinces": int(here.sum())}
        row |= {c: float(frame[c][here].sum()) for c in REQUIRED[2:]}
        row |= dict(zip(("innovation_change_log", "innovation_change_log_low", "innovation_change_log_high"),
                        _three(mean, level), strict=True))  # fmt: skip
        if counted:
            total = base[here] @ np.expm1(change[here])
            row |= dict(zip(("patents", "patents_low", "patents_high"), _three(total, level), strict=True))
        rows.append(row)
    weight = base / base.sum() if base.sum() > 0.0 else np.full(len(frame), 1.0 / len(frame))
    spread = float(np.var((weight @ change)[1:]))
    share = float(np.var((weight @ only_slopes)[1:])) / spread if spread > 0.0 else 0.0
    return pd.DataFrame(rows).set_index("zone"), min(share, 1.0)


def _three(values: Floats, level: float) -> tuple[float, float, float]:
    low, high = _ends(values, level)
    return float(values[0]), float(low), float(high)


def _statements(
    slopes: Mapping[str, Sequence[Slope]], thresholds: Sequence[float], elasticity: Elasticity, zones: pd.DataFrame
) -> tuple[str, ...]:
    said = [
        f"The elasticity of AI development to computing, {elasticity.value:g} in [{elasticity.low:g}, "
        f"{elasticity.high:g}], is {'an assumption' if elasticity.source == 'assumption' else elasticity.source}; "
        "its range is in every interval."
    ]
    for zone in (z for z in zones.index if z in slopes):
        for regime, slope in enumerate(slopes[zone]):
            if abs(slope.t) < SIGNIFICANT_T:
                where = f" in regime {regime + 1}" if len(thresholds) else ""
                said.append(
                    f"{zone.capitalize()}: the estimated slope{where}, {slope.value:.3f} (t = {slope.t:.2f}), does not "
                    "differ from zero at 5 %; dispatching computing there is not shown to raise innovation, and the "
                    "interval includes none."
                )
    if len(thresholds):
        said.append("Slopes are integrated across thresholds; a jump of the level at a threshold is not counted.")
    return tuple(said)


def slopes_by_zone(groups: Mapping[str, tuple[float, float]]) -> dict[str, tuple[Slope, ...]]:
    """One regime per zone from (slope, error) pairs, such as the region rows of table 7."""
    return {zone: (Slope(b, se),) for zone, (b, se) in groups.items()}
