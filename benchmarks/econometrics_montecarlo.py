"""Monte Carlo of the estimators on synthetic panels with known truth: bias, coverage, size, threshold errors.

    python benchmarks/econometrics_montecarlo.py [--panels 500] [--threshold-panels 200] [--out FOLDER]

Every row says what was estimated, on how many panels, and what should have come out. Nominal level 95 %, tests at 5 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.bootstrap import wild_cluster
from optimizer.econometrics.covariance import IID, Covariance, cluster, driscoll_kraay, jackknife
from optimizer.econometrics.effects import Effects, absorb
from optimizer.econometrics.heterogeneity import by_group
from optimizer.econometrics.instruments import tsls
from optimizer.econometrics.linear import Fit, ols
from optimizer.econometrics.mediation import mediate
from optimizer.econometrics.panel import CONTROLS
from optimizer.econometrics.spatial import spatial_panel
from optimizer.econometrics.synthetic import DESIGNS, NEIGHBOURS, SyntheticPanel, Truth, make_panel, no_effect
from optimizer.econometrics.threshold import Options, threshold
from optimizer.econometrics.weak import anderson_rubin, tf_interval
from optimizer.econometrics.weights import nearest

NAMES = ("AI", *CONTROLS)


@dataclass(frozen=True)
class Row:
    """One line of the table; rates in per cent."""

    what: str
    panels: int
    measure: str
    value: float
    wanted: str


@dataclass(frozen=True)
class Arrays:
    """A panel's columns, and its city and year effects."""

    y: Floats
    x: Floats
    iv: Floats
    city: np.ndarray
    year: np.ndarray
    province: np.ndarray
    region: np.ndarray
    effects: Effects


def arrays(panel: SyntheticPanel) -> Arrays:
    """Columns of a synthetic panel."""
    f = panel.frame
    city, year = np.unique(f["city"], return_inverse=True)[1], f["year"].to_numpy()
    return Arrays(
        f["Inn"].to_numpy(), f[list(NAMES)].to_numpy(), f["IV"].to_numpy(), city, year,
        f["province"].to_numpy(dtype=str), f["region"].to_numpy(dtype=str), absorb(city, year),
    )  # fmt: skip


def panels(count: int, design: str | Truth, start: int = 0) -> Iterator[tuple[SyntheticPanel, Arrays]]:
    """`count` panels with different seeds."""
    for seed in range(start, start + count):
        panel = make_panel(seed, design)
        yield panel, arrays(panel)


def _rates(what: str, estimates: Floats, lows: Floats, highs: Floats, truth: float) -> list[Row]:
    wanted = ("shown", "shown", "shown") if "contrast" in what else ("0", "|.| < 0.2", ">= 93")
    n = estimates.size
    bias, spread = estimates.mean() - truth, estimates.std(ddof=1)
    covered = 100.0 * float(((lows <= truth) & (truth <= highs)).mean())
    return [
        Row(what, n, "bias, % of truth" if truth else "bias", 100.0 * bias / truth if truth else bias, wanted[0]),
        Row(what, n, "bias / sd of estimates", bias / spread, wanted[1]),
        Row(what, n, "coverage, %", covered, wanted[2]),
    ]


def _intervals(fits: list[Fit]) -> tuple[Floats, Floats, Floats]:
    ends = np.array([fit.interval()[0] for fit in fits])
    return np.array([fit.beta[0] for fit in fits]), ends[:, 0], ends[:, 1]


def fixed_effects(count: int) -> list[Row]:
    """Two-way effects under serial correlation: clustered errors hold, iid errors do not."""
    ways: dict[str, Callable[[Arrays], Covariance]] = {
        "two-way FE, cluster": lambda a: cluster(a.city),
        "two-way FE, cluster jackknife": lambda a: jackknife(a.city),
        "two-way FE, iid (for contrast)": lambda a: IID,
        "two-way FE, Driscoll-Kraay 2 lags (12 years are few; for contrast)": lambda a: driscoll_kraay(a.year, 2),
    }
    fits: dict[str, list[Fit]] = {name: [] for name in ways}
    for _, a in panels(count, "plain"):
        for name, way in ways.items():
            if "jackknife" in name and len(fits[name]) >= 500:
                continue
            fits[name].append(ols(a.y, a.x, effects=a.effects, covariance=way(a)))
    rows = []
    for name, found in fits.items():
        rows += _rates(name, *_intervals(found), DESIGNS["plain"].total)
    return rows


def sizes(count: int) -> list[Row]:
    """Rejections at 5 % when AI does nothing: t tests, the wild bootstrap, and the difference between groups."""
    rejected: dict[str, list[bool]] = {"t, cluster by city": [], "t, cluster by province (30)": []}
    rejected |= {"wild bootstrap by province": [], "wild bootstrap by city": [], "east - west difference": []}
    for _, a in panels(count, no_effect(), 50_000):
        fit = ols(a.y, a.x, effects=a.effects, covariance=cluster(a.city), names=NAMES)
        coarse = ols(a.y, a.x, effects=a.effects, covariance=cluster(a.province), names=NAMES)
        rejected["t, cluster by city"].append(float(fit.p[0]) < 0.05)
        rejected["t, cluster by province (30)"].append(float(coarse.p[0]) < 0.05)
        for label, groups in (("province", a.province), ("city", a.city)):
            wild = wild_cluster(fit, "AI", groups, effects=a.effects, draws=399, interval=False)
            rejected[f"wild bootstrap by {label}"].append(wild.p <= 0.05)
        groups_found = by_group(a.y, a.x, a.region, a.city, a.year, names=NAMES, permutations=0)
        east_west = next(d for d in groups_found.differences if {d.first, d.second} == {"east", "west"})
        rejected["east - west difference"].append(east_west.p < 0.05)
    return [Row(f"size, {k}", count, "rejections, %", 100.0 * float(np.mean(v)), "3 to 8") for k, v in rejected.items()]


def instruments(count: int) -> list[Row]:
    """2SLS, Anderson-Rubin and tF when AI is endogenous; least squares for contrast."""
    truth = DESIGNS["endogenous"].total
    iv_fits, ols_fits, robust = [], [], []
    for _, a in panels(count, "endogenous"):
        found = tsls(
            a.y, a.x[:, 0], a.x[:, 1:], a.iv, names=(("AI",), CONTROLS, ("IV",)), effects=a.effects,
            covariance=cluster(a.city),
        )  # fmt: skip
        iv_fits.append(found.fit)
        ols_fits.append(ols(a.y, a.x, effects=a.effects, covariance=cluster(a.city)))
        low, high = tf_interval(found)
        robust.append((truth in anderson_rubin(found), low <= truth <= high))
    rows = _rates("2SLS, cluster", *_intervals(iv_fits), truth)
    rows += _rates("least squares, endogenous (for contrast)", *_intervals(ols_fits), truth)[:1]
    shares = 100.0 * np.mean(robust, axis=0)
    rows.append(Row("Anderson-Rubin set", count, "coverage, %", float(shares[0]), ">= 93"))
    rows.append(Row("tF interval", count, "coverage, %", float(shares[1]), ">= 93"))
    return rows


def mediation(count: int) -> list[Row]:
    """The indirect effect through Va: percentile interval from 499 draws of cities."""
    truth = DESIGNS["plain"].a[0] * DESIGNS["plain"].b[0]
    estimates, ends = [], []
    for panel, a in panels(count, "plain", 10_000):
        found = mediate(
            a.y, a.x[:, 0], panel.frame["Va"].to_numpy(), a.x[:, 1:], clusters=a.city, effects=a.effects, draws=499
        )
        estimates.append(found.indirect)
        ends.append(found.indirect_interval)
    low, high = np.array(ends).T
    return _rates("mediation a b, drawn cities", np.array(estimates), low, high, truth)


def spatial(count: int) -> list[Row]:
    """rho of the spatial lag with and without Lee and Yu's transformation."""
    truth = DESIGNS["spatial"].spatial
    rows = []
    for lee_yu in (True, False):
        estimates, ends = [], []
        for panel, a in panels(count, replace(DESIGNS["spatial"], serial=0.0)):
            first = panel.frame.drop_duplicates("city")
            w = nearest(first["lat_deg"], first["lon_deg"], NEIGHBOURS)
            fit = spatial_panel(a.y, a.x, w, a.city, a.year, lee_yu=lee_yu)
            estimates.append(fit.rho)
            ends.append((fit.rho - 1.96 * fit.rho_se, fit.rho + 1.96 * fit.rho_se))
        low, high = np.array(ends).T
        name = "spatial lag rho, Lee-Yu" if lee_yu else "spatial lag rho, untransformed (for contrast)"
        rows += _rates(name, np.array(estimates), low, high, truth)
    return rows


def thresholds(count: int) -> list[Row]:
    """Estimated thresholds against the true pair, on a 400-point grid: distance in grid steps, sets, slopes."""
    truth = DESIGNS["threshold"]
    steps, covered, found_two, slope_low, slope_high = [], [], [], [], []
    for _, a in panels(count, "threshold", 20_000):
        options = Options(candidates=400, draws=199, most=3)
        result = threshold(a.y, a.x[:, 0], a.x[:, 0], a.x[:, 1:], a.city, a.year, options=options)
        model = result.models[1]
        grid = result.models[0].profiles[0].candidates
        gap = np.abs(np.searchsorted(grid, model.thresholds) - np.searchsorted(grid, truth.thresholds))
        steps.append(gap)
        covered.append([_inside(model.profiles[i].sets[1].intervals, truth.thresholds[i], grid) for i in range(2)])
        found_two.append(result.selected >= 2)
        ends = model.fit.interval()[-3:]
        slope_low.append(ends[:, 0])
        slope_high.append(ends[:, 1])
    middle = np.median(np.array(steps), axis=0)
    share = 100.0 * np.mean(covered, axis=0)
    true_slopes = truth.total + np.array(truth.regime_shifts)
    slope_cover = 100.0 * np.mean((np.array(slope_low) <= true_slopes) & (true_slopes <= np.array(slope_high)), axis=0)
    rows = [Row(f"threshold {i + 1} of 2", count, "median error, grid steps", float(middle[i]), "<= 1") for i in (0, 1)]
    rows += [
        Row(f"threshold {i + 1} of 2, 95 % set", count, "coverage, %", float(share[i]), "reported") for i in (0, 1)
    ]
    rows += [Row(f"slope, regime {i + 1}", count, "coverage, %", float(slope_cover[i]), ">= 93") for i in range(3)]
    rows.append(Row("two thresholds accepted", count, "share, %", 100.0 * float(np.mean(found_two)), "power"))
    return rows


def _inside(pieces: tuple[tuple[float, float], ...], value: float, grid: Floats) -> bool:
    """Whether the grid point just below the true value (or just above) is in the set."""
    at = int(np.searchsorted(grid, value))
    near = grid[max(at - 1, 0) : at + 1]
    return any(low <= point <= high for low, high in pieces for point in near)


def hansen_size(count: int) -> list[Row]:
    """Rejections at 5 % of one threshold when there is none: cities drawn whole against rows drawn singly."""
    rows = []
    for serial in (0.0, 0.5, 0.8):
        truth = replace(no_effect(), serial=serial, slopes=(0.25, 0.25, 0.25))
        rejected: dict[str, list[bool]] = {"cities": [], "rows": []}
        for _, a in panels(count, truth, 30_000):
            for resample in ("cities", "rows"):
                options = Options(candidates=200, draws=199, most=1, resample=resample)
                result = threshold(a.y, a.x[:, 0], a.x[:, 0], a.x[:, 1:], a.city, a.year, options=options)
                rejected[resample].append(result.tests[0].p <= 0.05)
        for resample, hits in rejected.items():
            what = f"size, one threshold, serial correlation {serial:g}, {resample} drawn"
            wanted = "3 to 8" if resample == "cities" else "for contrast"
            rows.append(Row(what, count, "rejections, %", 100.0 * float(np.mean(hits)), wanted))
    return rows


def second_threshold_size(count: int) -> list[Row]:
    """Rejections at 5 % of a second threshold when there is one."""
    truth = replace(DESIGNS["threshold"], thresholds=(4.8,), regime_shifts=(0.0, 0.2))
    hits = []
    for _, a in panels(count, truth, 40_000):
        options = Options(candidates=200, draws=199, most=2)
        result = threshold(a.y, a.x[:, 0], a.x[:, 0], a.x[:, 1:], a.city, a.year, options=options)
        hits.append(result.tests[1].p <= 0.05)
    return [
        Row(
            "size, second threshold given one, cities drawn",
            count,
            "rejections, %",
            100.0 * float(np.mean(hits)),
            "3 to 8",
        )
    ]


def markdown(rows: list[Row]) -> str:
    """The table."""
    lines = ["| what | panels | measure | value | wanted |", "|---|---|---|---|---|"]
    lines += [f"| {r.what} | {r.panels} | {r.measure} | {r.value:.2f} | {r.wanted} |" for r in rows]
    return "\n".join(lines)


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--panels", type=int, default=500)
    parser.add_argument("--threshold-panels", type=int, default=200)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    rows: list[Row] = []
    for part in (fixed_effects, sizes, instruments, mediation, spatial):
        rows += part(chosen.panels)
        print(markdown(rows[-1:]).splitlines()[-1], flush=True)
    rows += thresholds(chosen.threshold_panels)
    rows += hansen_size(chosen.panels)
    rows += second_threshold_size(chosen.panels)
    print(markdown(rows))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "econometrics_montecarlo.md").write_text(markdown(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
