"""The door to pyfixest's two-stage design: recovers a constant effect, refuses what it cannot use."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.events import two_stage_did

pytestmark = pytest.mark.filterwarnings("ignore")


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    start = np.repeat(rng.choice([4, 6, 99], 150), 10)
    year, city = np.tile(np.arange(10), 150), np.repeat(np.arange(150), 10)
    treated = (year >= start).astype(int)
    y = rng.normal(size=150)[city] + 0.1 * year + 0.5 * treated + 0.4 * rng.normal(size=1500)
    return pd.DataFrame({"city": city, "year": year, "y": y, "treated": treated})


def test_a_constant_effect_is_recovered() -> None:
    pytest.importorskip("pyfixest")
    effects = two_stage_did(_frame(), "y", "treated").effects
    assert abs(effects["Estimate"].iloc[0] - 0.5) < 3 * effects["Std. Error"].iloc[0] < 0.3


def test_refusals() -> None:
    pytest.importorskip("pyfixest")
    with pytest.raises(DesignError, match="no column z"):
        two_stage_did(_frame(), "z", "treated")
    with pytest.raises(DesignError, match="0 and 1"):
        two_stage_did(_frame().assign(treated=2), "y", "treated")
