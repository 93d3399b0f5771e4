"""Reference data of foreign tools (beside the checkout; tests that need them skip when absent) and small panels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.effects import Effects, absorb

REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "econometrics"


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of reference outputs."""
    if not REFERENCE.is_dir():
        pytest.skip("reference outputs of foreign tools are not beside this checkout")
    return REFERENCE


@dataclass(frozen=True)
class Small:
    """A simulated panel: y (n,), x (n, 3), labels, and its two-way effects."""

    y: Floats
    x: Floats
    city: Ints
    year: Ints
    effects: Effects


def make_small(seed: int = 0, cities: int = 40, years: int = 8, keep_frac: float = 1.0) -> Small:
    """Slopes (0.3, 0.1, 0), city and year effects, serially correlated errors; rows missing at random below one."""
    rng = np.random.default_rng(seed)
    city, year = np.repeat(np.arange(cities), years), np.tile(np.arange(years), cities)
    x = rng.normal(size=(city.size, 3)) + rng.normal(size=cities)[city][:, None]
    error = rng.normal(size=(cities, years))
    error[:, 1:] += 0.5 * error[:, :-1]
    y = x @ [0.3, 0.1, 0.0] + rng.normal(size=cities)[city] + 0.1 * year + error.ravel()
    kept = rng.random(city.size) < keep_frac
    return Small(y[kept], x[kept], city[kept], year[kept], absorb(city[kept], year[kept]))


@pytest.fixture(params=[1.0, 0.85], ids=["balanced", "unbalanced"])
def small(request: pytest.FixtureRequest) -> Small:
    """A small panel, balanced and not."""
    return make_small(keep_frac=request.param)


def dummies(*labels: Ints) -> Floats:
    """A full-rank basis of all dummies, (n, r)."""
    columns = [(label == level).astype(float) for label in labels for level in np.unique(label)]
    u, s, _ = np.linalg.svd(np.column_stack(columns), full_matrices=False)
    return np.asarray(u[:, s > 1e-9])
