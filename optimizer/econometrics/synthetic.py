"""A synthetic city panel with known truth and published moments. Every file written from it says that it is synthetic.

The published data are proprietary. Here 271 cities in three regions and 12 years are drawn so that each variable has
the published mean and standard deviation exactly (AI and controls also the published ends), while the parameters that
made the outcome are stored beside it. Source of the moments: Regional Economic Review 2025(4): 71-83, table 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.panel import CONTROLS, REGIONS
from optimizer.econometrics.weights import nearest

FIRST_YEAR, YEARS = 2011, 12
# Prefecture-level cities drawn per province: 100 east, 100 central, 71 west, as in the published sample sizes.
PROVINCES: Mapping[str, Mapping[str, int]] = MappingProxyType({
    "east": {"Beijing": 1, "Tianjin": 1, "Shanghai": 1, "Hebei": 11, "Liaoning": 14, "Jiangsu": 13, "Zhejiang": 11,
             "Fujian": 9, "Shandong": 16, "Guangdong": 21, "Hainan": 2},
    "central": {"Shanxi": 11, "Jilin": 8, "Heilongjiang": 12, "Anhui": 16, "Jiangxi": 11, "Henan": 17, "Hubei": 12,
                "Hunan": 13},
    "west": {"Chongqing": 1, "Inner Mongolia": 8, "Guangxi": 13, "Sichuan": 17, "Guizhou": 4, "Yunnan": 6,
             "Shaanxi": 9, "Gansu": 5, "Qinghai": 2, "Ningxia": 3, "Xinjiang": 3},
})  # fmt: skip
# Mean and standard deviation; AI and the controls also minimum and maximum.
MOMENTS: Mapping[str, tuple[float, ...]] = MappingProxyType({
    "Inn": (7.621, 1.597), "Inn1": (8.05, 1.60), "AI": (4.859, 1.796, 1.386, 9.710),
    "Va": (14.143, 1.668), "Ind": (2.310, 0.142),
    "Eco": (10.79, 0.549, 9.588, 12.065), "Huc": (4.761, 0.966, 2.485, 6.913), "Edu": (13.32, 0.813, 11.397, 15.904),
    "Fis": (0.459, 0.215, 0.118, 0.998), "Gov": (0.194, 0.084, 0.079, 0.486),
})  # fmt: skip
CENTRES = MappingProxyType({"east": (32.0, 118.0), "central": (31.5, 113.0), "west": (31.0, 105.0)})  # deg
NEIGHBOURS = 4


@dataclass(frozen=True)
class Truth:
    """The parameters of the outcome equation and those around it.

    slopes: direct effect of AI by region (east, central, west); regime_shifts added to it between the AI thresholds.
    a and b: AI to mediators (Va, Ind), and mediators to the outcome; gamma: controls. instrument: AI per unit of IV,
    before the ends of AI are clipped. confounding: loading of the outcome's error on AI's own error. serial: its
    first-order autocorrelation within cities. spatial: rho of the spatial lag of the outcome over the four nearest.
    """

    slopes: tuple[float, float, float] = (0.25, 0.25, 0.25)
    thresholds: tuple[float, ...] = ()
    regime_shifts: tuple[float, ...] = (0.0,)
    a: tuple[float, float] = (0.16, 0.0368)
    b: tuple[float, float] = (0.05, 0.33)
    gamma: tuple[float, float, float, float, float] = (0.243, 0.047, 0.234, 0.392, 0.866)
    instrument: float = 4.9
    confounding: float = 0.0
    serial: float = 0.5
    error_sd: float = 0.35
    spatial: float = 0.0

    @property
    def total(self) -> float:
        """Total effect of AI when slopes are equal: direct plus through both mediators."""
        return self.slopes[0] + self.a[0] * self.b[0] + self.a[1] * self.b[1]


DESIGNS: Mapping[str, Truth] = MappingProxyType({
    "published": Truth(slopes=(0.30, 0.27, 0.04), thresholds=(3.6636, 6.1821), regime_shifts=(0.0, 0.05, 0.03)),
    "plain": Truth(),
    "regional": Truth(slopes=(0.32, 0.28, 0.04)),
    "threshold": Truth(slopes=(0.20, 0.20, 0.20), thresholds=(3.6636, 6.1821), regime_shifts=(0.0, 0.20, 0.05)),
    "endogenous": Truth(confounding=0.5),
    "spatial": Truth(spatial=0.3),
})  # fmt: skip


@dataclass(frozen=True)
class SyntheticPanel:
    """The frame (schema of `panel`) and the truth behind it; `write` puts both on disk under names that say
    synthetic.
    """

    frame: pd.DataFrame = field(repr=False)
    truth: Truth
    seed: int

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write synthetic_panel_<seed>.csv and synthetic_truth_<seed>.toml; returns both paths."""
        folder.mkdir(parents=True, exist_ok=True)
        data, truth = folder / f"synthetic_panel_{self.seed}.csv", folder / f"synthetic_truth_{self.seed}.toml"
        self.frame.to_csv(data, index=False)
        lines = [f"# Synthetic panel, seed {self.seed}: the parameters that made it. Not observed data.", "[truth]"]
        lines += [f"{k} = {list(v) if isinstance(v, tuple) else v}" for k, v in asdict(self.truth).items()]
        truth.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return data, truth


@dataclass(frozen=True)
class _Map:
    """Cities in order: names, provinces, region index (n,), positions (n, 2)."""

    names: tuple[str, ...]
    provinces: tuple[str, ...]
    region: Ints
    positions: Floats


def make_panel(seed: int, design: str | Truth = "published") -> SyntheticPanel:
    """A panel of 271 cities and 12 years from a named design or a Truth; the same seed gives the same panel.

    Raises DesignError for an unknown design or parameters that cannot meet the published variances.
    """
    truth = _truth(design)
    rng = np.random.default_rng(seed)
    places = _cities(rng)
    size = rng.standard_normal(len(places.names)) + 0.5 * (places.region == 0) - 0.3 * (places.region == 2)
    drawn: dict[str, Floats] = {}
    iv = _bounded(_latent(rng, size, 0.5, 1.0, 0.5), 0.55, 0.18, 0.05, 1.30)
    own = _serial(rng, iv.shape, 0.3)
    year = np.linspace(-0.5, 0.5, YEARS)
    raw = _meet("AI", truth.instrument * iv + 0.35 * own + 0.6 * year, 0.9 * size + 0.4 * _city(rng, size))
    drawn["AI"] = _bounded(raw, *MOMENTS["AI"])
    for name in CONTROLS:
        mean, sd, low, high = MOMENTS[name]
        drawn[name] = _bounded(_latent(rng, size, 0.6, 0.3, 0.35), mean, sd, low, high)
    drawn["Va"] = _meet(
        "Va", truth.a[0] * drawn["AI"] + 0.30 * _serial(rng, iv.shape, 0.3) + 1.2 * year, _city(rng, size)
    )
    drawn["Ind"] = _meet("Ind", truth.a[1] * drawn["AI"] + 0.05 * _serial(rng, iv.shape, 0.3), _city(rng, size))
    error = truth.error_sd * _serial(rng, iv.shape, truth.serial) + truth.confounding * 0.35 * own
    drawn["Inn"] = _outcome("Inn", truth, drawn, places, year + error, _city(rng, size))
    drawn["Inn1"] = _outcome("Inn1", truth, drawn, places, year + 0.35 * _serial(rng, iv.shape, 0.5), _city(rng, size))
    drawn["IV"] = iv
    drawn["Dat"] = _latent(rng, size, 0.7, 0.5, 0.2)
    drawn["Dig"] = _latent(rng, size, 0.7, 0.5, 0.2)
    return SyntheticPanel(_frame(places, drawn), truth, seed)


def _truth(design: str | Truth) -> Truth:
    if isinstance(design, Truth):
        if len(design.regime_shifts) != len(design.thresholds) + 1:
            raise DesignError(
                "truth", f"{len(design.regime_shifts)} regime shifts for {len(design.thresholds)} thresholds",
                "there is one more regime than thresholds", "give one shift per regime",
            )  # fmt: skip
        return design
    if design not in DESIGNS:
        raise DesignError("design", f"is '{design}'", "one of " + ", ".join(DESIGNS), "name one of these")
    return DESIGNS[design]


def no_effect(design: str = "plain") -> Truth:
    """The same design with AI acting on nothing: for the size of tests."""
    return replace(_truth(design), slopes=(0.0, 0.0, 0.0), a=(0.0, 0.0), regime_shifts=(0.0,), thresholds=())


def _cities(rng: np.random.Generator) -> _Map:
    names, provinces, regions = [], [], []
    for index, region in enumerate(REGIONS):
        for province, count in PROVINCES[region].items():
            names += [f"{province} {i + 1:02d}" for i in range(count)]
            provinces += [province] * count
            regions += [index] * count
    order = np.argsort(np.array(names))
    region_codes = np.array(regions)[order]
    centres = np.array([CENTRES[REGIONS[r]] for r in region_codes])
    positions = centres + rng.uniform(-4.0, 4.0, centres.shape)
    return _Map(tuple(names[i] for i in order), tuple(provinces[i] for i in order), region_codes, positions)


def _serial(rng: np.random.Generator, shape: tuple[int, ...], rho: float) -> Floats:
    """Stationary first-order autoregression along years with unit variance, (n, T)."""
    out = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        out[:, t] = rho * out[:, t - 1] + np.sqrt(1.0 - rho**2) * out[:, t]
    return out


def _city(rng: np.random.Generator, size: Floats) -> Floats:
    return np.asarray(0.6 * size + 0.8 * rng.standard_normal(size.size), dtype=np.float64)


def _latent(rng: np.random.Generator, size: Floats, on_size: float, trend: float, noise: float) -> Floats:
    city = on_size * size + np.sqrt(1.0 - on_size**2) * rng.standard_normal(size.size)
    return np.asarray(
        city[:, None] + trend * np.linspace(-0.5, 0.5, YEARS) * 2.0 + noise * _serial(rng, (size.size, YEARS), 0.5)
    )


def _bounded(latent: Floats, mean: float, sd: float, low: float, high: float) -> Floats:
    """An affine map of the latent variable, clipped to [low, high], with this mean and sd."""
    out = latent
    for _ in range(60):
        out = np.clip(mean + sd * (out - out.mean()) / out.std(ddof=1), low, high)
    return np.asarray(out, dtype=np.float64)


def _meet(name: str, fixed: Floats, city: Floats) -> Floats:
    """fixed + s city + constant with the published mean and sd; s >= 0 solves a quadratic."""
    mean, sd = MOMENTS[name][:2]
    part = np.broadcast_to(city[:, None], fixed.shape)
    a, b = part.var(ddof=1), 2.0 * np.cov(part.ravel(), fixed.ravel())[0, 1]
    c = fixed.var(ddof=1) - sd**2
    if b**2 - 4.0 * a * c < 0.0 or (c > 0.0 and b >= 0.0):
        raise DesignError(
            name, f"varies by {fixed.std(ddof=1):.3f} before city effects", f"its sd is {sd}", "use smaller parameters"
        )
    scale = (-b + np.sqrt(b**2 - 4.0 * a * c)) / (2.0 * a)
    out = fixed + scale * part
    return np.asarray(out + mean - out.mean(), dtype=np.float64)


def slope_at(truth: Truth, region: Ints, ai: Floats) -> Floats:
    """Direct slope of AI in each city and year, (n, T)."""
    base = np.array(truth.slopes)[region][:, None]
    return np.asarray(base + np.array(truth.regime_shifts)[np.searchsorted(np.array(truth.thresholds), ai)])


def _outcome(name: str, truth: Truth, drawn: Mapping[str, Floats], places: _Map, rest: Floats, city: Floats) -> Floats:
    fixed = slope_at(truth, places.region, drawn["AI"]) * drawn["AI"] + rest
    fixed = fixed + truth.b[0] * drawn["Va"] + truth.b[1] * drawn["Ind"]
    for gamma, control in zip(truth.gamma, CONTROLS, strict=True):
        fixed = fixed + gamma * drawn[control]
    if truth.spatial:
        w = nearest(places.positions[:, 0], places.positions[:, 1], NEIGHBOURS)
        spread = np.linalg.inv(np.eye(w.shape[0]) - truth.spatial * w)
        fixed, city = spread @ fixed, spread @ city
    return _meet(name, fixed, city)


def _frame(places: _Map, drawn: Mapping[str, Floats]) -> pd.DataFrame:
    n = len(places.names)
    columns: dict[str, object] = {
        "city": np.repeat(places.names, YEARS),
        "province": np.repeat(places.provinces, YEARS),
        "region": np.repeat([REGIONS[r] for r in places.region], YEARS),
        "year": np.tile(np.arange(FIRST_YEAR, FIRST_YEAR + YEARS), n),
    }
    for name in ("Inn", "Inn1", "AI", "Va", "Ind", *CONTROLS, "IV", "Dat", "Dig"):
        columns[name] = drawn[name].ravel()
    columns["lat_deg"] = np.repeat(places.positions[:, 0], YEARS)
    columns["lon_deg"] = np.repeat(places.positions[:, 1], YEARS)
    return pd.DataFrame(columns)
