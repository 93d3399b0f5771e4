"""The synthetic panel: published moments and sizes, stored truth, the same panel for the same seed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.panel import CONTROLS, read_panel
from optimizer.econometrics.synthetic import DESIGNS, MOMENTS, PROVINCES, Truth, make_panel, no_effect


@pytest.mark.parametrize("design", list(DESIGNS))
def test_published_moments(design: str) -> None:
    frame = make_panel(11, design).frame
    assert len(frame) == 3252
    assert frame["city"].nunique() == 271
    assert frame.groupby("region").size().to_dict() == {"east": 1200, "central": 1200, "west": 852}
    for name, moments in MOMENTS.items():
        assert frame[name].mean() == pytest.approx(moments[0], abs=2e-4), name
        assert frame[name].std() == pytest.approx(moments[1], abs=2e-4), name
    for name in ("AI", *CONTROLS):
        low, high = MOMENTS[name][2:]
        assert frame[name].min() >= low - 1e-9
        assert frame[name].max() <= high + 1e-9


def test_four_provinces_have_one_city() -> None:
    single = [p for region in PROVINCES.values() for p, count in region.items() if count == 1]
    assert sorted(single) == ["Beijing", "Chongqing", "Shanghai", "Tianjin"]


def test_same_seed_same_panel_and_truth_on_disk(tmp_path: Path) -> None:
    panel = make_panel(5)
    assert panel.frame.equals(make_panel(5).frame)
    assert not panel.frame.equals(make_panel(6).frame)
    data, truth = panel.write(tmp_path)
    assert "synthetic" in data.name
    assert "synthetic" in truth.name
    assert "Not observed data" in truth.read_text()
    stored = tomllib.loads(truth.read_text())["truth"]
    assert stored["slopes"] == list(panel.truth.slopes)
    assert stored["thresholds"] == list(panel.truth.thresholds)
    np.testing.assert_allclose(read_panel(data).column("AI").sum(), panel.frame["AI"].sum(), rtol=1e-12)


def test_no_effect_is_none() -> None:
    truth = no_effect()
    assert truth.total == 0.0
    assert not truth.thresholds
    assert DESIGNS["plain"].total == pytest.approx(0.25 + 0.16 * 0.05 + 0.0368 * 0.33)


def test_refusals() -> None:
    with pytest.raises(DesignError, match="published, plain"):
        make_panel(0, "spiral")
    with pytest.raises(DesignError, match="one more regime"):
        make_panel(0, Truth(thresholds=(4.0,)))
    with pytest.raises(DesignError, match="use smaller parameters"):
        make_panel(0, Truth(slopes=(9.0, 9.0, 9.0)))
