"""Speed of the estimators beside their peers, in one run on one BLAS thread.

    python benchmarks/econometrics.py [--peers] [--million] [--out FOLDER]

Times are the median of repeated calls from raw arrays (coding, demeaning and checks included), after one warm call.
Peers are timed on the same panel; a peer that is not installed is said to be absent.
"""

# ruff: noqa: E402 - the thread count must be set before numpy is imported

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # two threads are slower at these sizes

import argparse
import importlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.econometrics.bootstrap import wild_cluster, wild_efficient
from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.effects import absorb
from optimizer.econometrics.instruments import tsls
from optimizer.econometrics.linear import ols
from optimizer.econometrics.mediation import mediate
from optimizer.econometrics.panel import CONTROLS
from optimizer.econometrics.spatial import spatial_panel
from optimizer.econometrics.synthetic import NEIGHBOURS, make_panel
from optimizer.econometrics.threshold import Options, threshold
from optimizer.econometrics.weights import nearest

NAMES = ("AI", *CONTROLS)
FORMULA = "Inn ~ AI + Eco + Huc + Edu + Fis + Gov | city_code + year"


@dataclass(frozen=True)
class Timing:
    """One figure: seconds, the target if there is one, and the peer it stands beside."""

    what: str
    who: str
    seconds: float | None
    target_s: float | None = None
    note: str = ""


def clock(call: Callable[[], object], repeats: int) -> float:
    """Median seconds of `repeats` calls after a warm one."""
    call()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return float(np.median(found))


def peer(module: str) -> Any | None:
    """The library, or None."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def fixed_effects(frame: pd.DataFrame, peers: bool, repeats: int, label: str, target_s: float) -> list[Timing]:
    """Two-way effects with city clusters."""
    y, x = frame["Inn"].to_numpy(), frame[list(NAMES)].to_numpy()
    city, year = frame["city_code"].to_numpy(), frame["year"].to_numpy()
    ours = clock(lambda: ols(y, x, effects=absorb(city, year), covariance=cluster(city)), repeats)
    out = [Timing(f"two-way FE, city clusters, {label}", "computegrid", ours, target_s)]
    if not peers:
        return out
    few = 3 if len(frame) < 100_000 else 1
    pyfixest, linearmodels = peer("pyfixest"), peer("linearmodels")
    seconds = None
    if pyfixest:
        seconds = clock(lambda: pyfixest.feols(FORMULA, frame, vcov={"CRV1": "city_code"}), few)
    out.append(Timing(out[0].what, "pyfixest", seconds, note="" if pyfixest else "not installed"))
    seconds = None
    if linearmodels:
        indexed = frame.set_index(["city_code", "year"])

        def fit() -> object:
            model = linearmodels.PanelOLS(indexed["Inn"], indexed[list(NAMES)], entity_effects=True, time_effects=True)
            return model.fit(cov_type="clustered", cluster_entity=True)

        seconds = clock(fit, few)
    out.append(Timing(out[0].what, "linearmodels", seconds, note="" if linearmodels else "not installed"))
    return out


def thresholds(frame: pd.DataFrame, peers: bool) -> list[Timing]:
    """One, two and three thresholds, 300 draws of cities each."""
    y, x = frame["Inn"].to_numpy(), frame[list(NAMES)].to_numpy()
    city, year = frame["city_code"].to_numpy(), frame["year"].to_numpy()
    out = []
    for candidates, target_s in ((400, 0.1), (None, 0.6)):
        options = Options(candidates=candidates)
        seconds = clock(
            lambda o=options: threshold(y, x[:, 0], x[:, 0], x[:, 1:], city, year, options=o),  # type: ignore[misc]
            5,
        )
        found = threshold(y, x[:, 0], x[:, 0], x[:, 1:], city, year, options=options)
        size = found.models[0].profiles[0].candidates.size
        label = f"thresholds 1 + 2 + 3, 300 draws each, {size:,} candidates"
        out.append(Timing(label, "computegrid", seconds, target_s))
    if peers:
        out.append(_pyxthreg(frame, out[0].what))
    return out


def _pyxthreg(frame: pd.DataFrame, what: str) -> Timing:
    library = peer("pyxthreg")
    if not library:
        return Timing(what, "pyxthreg", None, note="not installed")
    ready = frame.assign(AI_split=frame["AI"])

    def fit() -> object:
        model = library.ThresholdPanel(ready, "Inn", ["AI"], "AI_split", list(CONTROLS), "city_code", "year")
        return model.fit(thnum=3, trim=0.05, grid=400, bs=300, time_fe=False, n_jobs=1)

    start = time.perf_counter()
    fit()
    first = time.perf_counter() - start
    return Timing(what, "pyxthreg", clock(fit, 1), note=f"first call {first:.1f} s (compiles); no year effects")


def others(frame: pd.DataFrame) -> list[Timing]:
    """Bootstraps, instruments, mediation, spatial."""
    y, x = frame["Inn"].to_numpy(), frame[list(NAMES)].to_numpy()
    city, year = frame["city_code"].to_numpy(), frame["year"].to_numpy()
    iv, mediator = frame["IV"].to_numpy(), frame["Va"].to_numpy()
    effects = absorb(city, year)
    fit = ols(y, x, effects=effects, covariance=cluster(city), names=NAMES)
    names = (("AI",), CONTROLS, ("IV",))

    def two_stage() -> Any:
        return tsls(y, x[:, 0], x[:, 1:], iv, names=names, effects=absorb(city, year), covariance=cluster(city))

    found = two_stage()
    places = frame.drop_duplicates("city")
    w = nearest(places["lat_deg"], places["lon_deg"], NEIGHBOURS)

    def draws() -> object:
        return mediate(y, x[:, 0], mediator, x[:, 1:], clusters=city, effects=absorb(city, year), draws=5_000)

    return [
        Timing(
            "wild cluster bootstrap with interval, 9,999 draws, 271 clusters", "computegrid",
            clock(lambda: wild_cluster(fit, "AI", city, effects=effects), 5), 0.5,
        ),
        Timing(
            "wild restricted efficient bootstrap, 9,999 draws", "computegrid",
            clock(lambda: wild_efficient(found, city, effects=effects), 5),
        ),
        Timing("mediation, 5,000 draws of cities", "computegrid", clock(draws, 5), 1.0),
        Timing("2SLS with first stage and reduced form", "computegrid", clock(two_stage, 20)),
        Timing(
            "spatial Durbin, exact likelihood", "computegrid",
            clock(lambda: spatial_panel(y, x, w, city, year, durbin=True), 5),
        ),
    ]  # fmt: skip


def million(seed: int) -> pd.DataFrame:
    """A panel of 83,334 cities by 12 years."""
    rng = np.random.default_rng(seed)
    units, periods = 83_334, 12
    city, year = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    data = rng.normal(size=(city.size, len(NAMES))) + rng.normal(size=units)[city][:, None]
    frame = pd.DataFrame(data, columns=list(NAMES))
    outcome = 0.3 * frame["AI"] + rng.normal(size=units)[city] + rng.normal(size=city.size)
    return frame.assign(Inn=outcome, city_code=city, year=year)


def markdown(rows: list[Timing]) -> str:
    """The table."""
    lines = ["| what | who | time | target | note |", "|---|---|---|---|---|"]
    for r in rows:
        shown = "-" if r.seconds is None else f"{1e3 * r.seconds:.2f} ms"
        target = "" if r.target_s is None else f"{1e3 * r.target_s:.0f} ms"
        lines.append(f"| {r.what} | {r.who} | {shown} | {target} | {r.note} |")
    return "\n".join(lines)


def main() -> None:
    """Time everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", action="store_true", help="time the other libraries too")
    parser.add_argument("--million", action="store_true", help="and a million rows")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    frame = make_panel(0).frame
    frame = frame.assign(city_code=np.unique(frame["city"], return_inverse=True)[1])
    rows = fixed_effects(frame, chosen.peers, 200, "3,252 rows", 0.001)
    if chosen.million:
        rows += fixed_effects(million(0), chosen.peers, 5, "1,000,008 rows", 0.3)
    rows += thresholds(frame, chosen.peers)
    rows += others(frame)
    print(markdown(rows))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "econometrics_speed.md").write_text(markdown(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
