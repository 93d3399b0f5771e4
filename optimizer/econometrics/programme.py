"""The whole empirical programme on one panel: every estimate the seven tables and the spatial one show, as results.

No formatting happens here and nothing is rounded. What a panel cannot support is recorded in `absent` with the reason.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Bools
from optimizer.econometrics.bootstrap import wild_cluster, wild_efficient
from optimizer.econometrics.covariance import cluster, driscoll_kraay, jackknife
from optimizer.econometrics.effects import absorb, drop_singletons
from optimizer.econometrics.exclusion import local_to_zero, tolerance
from optimizer.econometrics.heterogeneity import (
    Comparison,
    benjamini_hochberg,
    by_group,
    romano_wolf_differences,
    split_by_city,
)
from optimizer.econometrics.instruments import durbin_wu_hausman, tsls
from optimizer.econometrics.kink import kink
from optimizer.econometrics.linear import Fit, ols
from optimizer.econometrics.mediation import Mediation, mediate
from optimizer.econometrics.panel import CONTROLS, REGIONS, Panel
from optimizer.econometrics.results import Baseline, Groups, Instrument, Results, Settings, Spatial, Variant
from optimizer.econometrics.sensitivity import altonji_ratio, oster_from_fit, robustness_value
from optimizer.econometrics.spatial import impacts, spatial_panel
from optimizer.econometrics.threshold import Options, ThresholdResult, threshold
from optimizer.econometrics.weak import anderson_rubin, strength, tf_interval
from optimizer.econometrics.weights import nearest

NEIGHBOURS = 4
WINSOR_FRAC = 0.01
FEWEST_CITIES = 5  # in a group whose slope is compared
SPLIT_COLUMNS = (("Dat", "data endowment"), ("Dig", "digital infrastructure"))
NAMES = ("AI", *CONTROLS)


def run(panel: Panel, settings: Settings) -> Results:
    """Estimate everything the panel supports."""
    absent: dict[str, str] = {}
    for key, needed in (("table4", ("IV",)), ("table8", ("lat_deg", "lon_deg"))):
        if not panel.has(*needed):
            absent[key] = f"the panel has no column {' or '.join(needed)}"
    mediators = tuple(m for m in ("Va", "Ind") if panel.has(m))
    if not mediators:
        absent["table6"] = "the panel has no column Va or Ind"
    baseline, groups = _baseline(panel, settings), _groups(panel, settings)
    if not groups.splits:
        absent["table7"] = "no split of the cities has enough in each group: " + "; ".join(groups.left_out)
    return Results(
        panel, settings, baseline, _robustness(panel),
        None if "table4" in absent else _instrument(panel, settings, baseline),
        {q: _threshold(panel, q, settings, years=True) for q in ("AI", *mediators)},
        {q: _threshold(panel, q, settings, years=False) for q in ("AI", *mediators)},
        kink(
            panel.column("Inn"), panel.column("AI"), panel.matrix(CONTROLS), panel.labels("city"),
            panel.column("year"), names=CONTROLS, draws=settings.threshold_draws, seed=settings.seed,
        ),
        _mediation(panel, mediators, settings), groups,
        None if "table8" in absent else _spatial(panel), absent,
    )  # fmt: skip


def _fit(panel: Panel, names: tuple[str, ...], outcome: str = "Inn", keep: Bools | None = None) -> Fit:
    rows = np.ones(len(panel.frame), dtype=np.bool_) if keep is None else keep
    city, year = panel.labels("city")[rows], panel.column("year")[rows]
    return ols(
        panel.column(outcome)[rows], panel.matrix(names)[rows], effects=absorb(city, year), covariance=cluster(city),
        names=names,
    )  # fmt: skip


def _baseline(panel: Panel, settings: Settings) -> Baseline:
    fits = tuple(_fit(panel, NAMES[: k + 1]) for k in range(len(NAMES)))
    city, year = panel.labels("city"), panel.column("year")
    effects, y, x = panel.effects, panel.column("Inn"), panel.matrix(NAMES)
    variances = (driscoll_kraay(year, 2), cluster(city, year), jackknife(city))
    kraay, two_way, left_out = (ols(y, x, effects=effects, covariance=c, names=NAMES) for c in variances)
    draws = {"effects": effects, "draws": settings.wild_draws, "seed": settings.seed}
    wild_city = wild_cluster(fits[-1], "AI", city, **draws)  # type: ignore[arg-type]
    wild_province = wild_cluster(fits[-1], "AI", panel.labels("province"), **draws)  # type: ignore[arg-type]
    delta, beta = oster_from_fit(fits[-1], "AI")
    altonji = altonji_ratio(float(fits[0].beta[0]), float(fits[-1].beta[0]))
    return Baseline(
        fits, kraay, two_way, left_out, wild_city, wild_province, altonji,
        delta, beta, robustness_value(float(fits[-1].t[0]), fits[-1].df_residual),
    )  # fmt: skip


def _robustness(panel: Panel) -> tuple[Variant, ...]:
    year, city, province = panel.column("year"), panel.labels("city"), panel.labels("province")
    last = panel.years[int(np.ceil(0.75 * len(panel.years))) - 1]
    early = np.asarray(year <= last)
    homes = {str(p): len({*city[province == p]}) for p in np.unique(province)}
    single = sorted(p for p, count in homes.items() if count == 1)
    elsewhere = ~np.isin(province, single)
    variants = [
        Variant(f"shortened window ({panel.years[0]}-{last})", _fit(panel, NAMES, keep=early), f"years after {last}"),
        Variant("winsorised at 1 %", _winsorised(panel)),
    ]
    if panel.has("Inn1"):
        variants.append(Variant("outcome: patent applications", _fit(panel, NAMES, "Inn1")))
    if single and elsewhere.any():
        rows = int((~elsewhere).sum())
        variants.append(
            Variant(
                "without single-city provinces",
                _fit(panel, NAMES, keep=elsewhere),
                f"{', '.join(single)} ({rows} rows)",
            )
        )
    variants.append(_province_years(panel))
    return tuple(variants)


def _winsorised(panel: Panel) -> Fit:
    columns = panel.matrix(("Inn", *NAMES))
    low, high = np.quantile(columns, (WINSOR_FRAC, 1.0 - WINSOR_FRAC), axis=0)
    clipped = np.clip(columns, low, high)
    city = panel.labels("city")
    return ols(clipped[:, 0], clipped[:, 1:], effects=panel.effects, covariance=cluster(city), names=NAMES)


def _province_years(panel: Panel) -> Variant:
    """City and province-by-year effects; a province with one city has only singletons, which are dropped and listed."""
    city, province = panel.labels("city"), panel.labels("province")
    cells = np.char.add(np.char.add(province, " "), panel.frame["year"].astype(str).to_numpy(dtype=str))
    keep = drop_singletons(city, cells)
    dropped = sorted({str(p) for p in province[~keep]})
    fit = ols(
        panel.column("Inn")[keep], panel.matrix(NAMES)[keep], effects=absorb(city[keep], cells[keep]),
        covariance=cluster(city[keep]), names=NAMES,
    )  # fmt: skip
    note = f"{int((~keep).sum())} singleton rows of {', '.join(dropped)}" if dropped else ""
    return Variant("city and province-by-year effects", fit, note)


def _instrument(panel: Panel, settings: Settings, baseline: Baseline) -> Instrument:
    city = panel.labels("city")
    iv = tsls(
        panel.column("Inn"), panel.column("AI"), panel.matrix(CONTROLS), panel.column("IV"),
        names=(("AI",), CONTROLS, ("IV",)), effects=panel.effects, covariance=cluster(city),
    )  # fmt: skip
    wild = wild_efficient(iv, city, effects=panel.effects, draws=settings.wild_draws, seed=settings.seed)
    slack = 0.1 * abs(float(iv.reduced_form.beta[0]))
    return Instrument(
        iv, strength(iv), anderson_rubin(iv), tf_interval(iv), wild, durbin_wu_hausman(iv),
        local_to_zero(iv, 0.0, slack), tolerance(iv), baseline.altonji,
    )  # fmt: skip


def _threshold(panel: Panel, q: str, settings: Settings, *, years: bool) -> ThresholdResult:
    options = Options(
        year_effects=years, candidates=settings.candidates, draws=settings.threshold_draws, seed=settings.seed
    )
    return threshold(
        panel.column("Inn"), panel.column("AI"), panel.column(q), panel.matrix(CONTROLS), panel.labels("city"),
        panel.column("year"), options=options, names=CONTROLS, z_name="AI",
    )  # fmt: skip


def _mediation(panel: Panel, mediators: tuple[str, ...], settings: Settings) -> dict[str, Mediation]:
    sets = [(m,) for m in mediators] + ([mediators] if len(mediators) > 1 else [])
    return {
        " and ".join(chosen): mediate(
            panel.column("Inn"), panel.column("AI"), panel.matrix(chosen), panel.matrix(CONTROLS),
            clusters=panel.labels("city"), effects=panel.effects, names=("AI", chosen, CONTROLS),
            draws=settings.mediation_draws, seed=settings.seed,
        )
        for chosen in sets
    }  # fmt: skip


def _splits(panel: Panel) -> tuple[dict[str, tuple[npt.NDArray[np.str_], tuple[str, ...]]], tuple[str, ...]]:
    """Labels and order of groups for each split with enough cities in all of them; the splits left out, with why."""
    city, region = panel.labels("city"), panel.labels("region")
    present = tuple(r for r in REGIONS if (region == r).any())
    labels: dict[str, tuple[npt.NDArray[np.str_], tuple[str, ...]]] = {"region": (region, present)}
    for column, name in SPLIT_COLUMNS:
        if panel.has(column):
            above = split_by_city(city, panel.column(column))
            labels[name] = (np.where(above, f"high {name}", f"low {name}"), (f"high {name}", f"low {name}"))
    left_out = [f"{name}: the panel has no column {c}" for c, name in SPLIT_COLUMNS if not panel.has(c)]
    for name, (group, order) in list(labels.items()):
        sizes = {g: np.unique(city[group == g]).size for g in order}
        small = [f"{g} has {size} cities" for g, size in sizes.items() if size < FEWEST_CITIES]
        if small or len(order) < 2:
            left_out.append(f"{name}: {', '.join(small) or f'only {order[0]} is present'}")
            del labels[name]
    return labels, tuple(left_out)


def _groups(panel: Panel, settings: Settings) -> Groups:
    city, year = panel.labels("city"), panel.column("year")
    labels, left_out = _splits(panel)
    splits = {
        name: by_group(
            panel.column("Inn"), panel.matrix(NAMES), group, city, year, names=NAMES, order=order,
            permutations=settings.permutations, seed=settings.seed,
        )
        for name, (group, order) in labels.items()
    }  # fmt: skip
    questions = [
        Comparison(
            f"{d.first} - {d.second}", np.asarray(labels[name][0] == d.first), np.asarray(labels[name][0] == d.second)
        )
        for name, split in splits.items()
        for d in split.differences
    ]
    p = np.array([d.p for split in splits.values() for d in split.differences])
    if not questions:
        return Groups(splits, p, p, left_out)
    _, stepdown = romano_wolf_differences(
        panel.column("Inn"), panel.matrix(NAMES), city, year, questions, names=NAMES,
        draws=settings.permutations, seed=settings.seed,
    )  # fmt: skip
    return Groups(splits, benjamini_hochberg(p), stepdown, left_out)


def _spatial(panel: Panel) -> Spatial:
    first = panel.frame.drop_duplicates("city")
    w = nearest(first["lat_deg"].to_numpy(), first["lon_deg"].to_numpy(), NEIGHBOURS)
    fits = [
        spatial_panel(
            panel.column("Inn"), panel.matrix(NAMES), w, panel.labels("city"), panel.column("year"), names=NAMES,
            durbin=durbin, lee_yu=True,
        )
        for durbin in (False, True)
    ]  # fmt: skip
    return Spatial(fits[0], fits[1], impacts(fits[0]), impacts(fits[1]))
