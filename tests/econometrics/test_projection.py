"""From dispatch to innovation: arithmetic by hand, both uncertainties in intervals, the weak slope in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.panel import check_panel
from optimizer.econometrics.programme import run
from optimizer.econometrics.projection import Elasticity, Slope, project, slopes_by_zone
from optimizer.econometrics.results import Settings
from optimizer.econometrics.synthetic import make_panel
from optimizer.econometrics.zoneslopes import from_results, from_tables

PUBLISHED = slopes_by_zone({
    "east": (0.3171, 0.3171 / 3.98), "central": (0.2835, 0.2835 / 3.90), "west": (0.0392, 0.0392 / 0.46),
})  # fmt: skip
ELASTICITY = Elasticity(0.3, 0.1, 0.5)


def dispatch() -> pd.DataFrame:
    return pd.DataFrame({
        "province": ["Hebei", "Henan", "Gansu", "Guizhou"],
        "zone": ["east", "central", "west", "west"],
        "dispatched_eflops_year": [30.0, 10.0, 40.0, 50.0],
        "counterfactual_eflops_year": [40.0, 12.0, 20.0, 30.0],
        "patents": [1e5, 8e4, 1e4, 2e4],
    })  # fmt: skip


def test_point_estimates_by_hand() -> None:
    found = project(dispatch(), ELASTICITY, PUBLISHED)
    gansu = found.provinces.set_index("province").loc["Gansu"]
    assert gansu.ai_change_log == pytest.approx(0.3 * np.log(2.0))
    assert gansu.innovation_change_log == pytest.approx(0.0392 * 0.3 * np.log(2.0))
    assert gansu.patents == pytest.approx(1e4 * np.expm1(0.0392 * 0.3 * np.log(2.0)))
    zones = found.zones
    assert list(zones.index) == ["east", "central", "west", "all"]
    assert zones.loc["all", "patents"] == pytest.approx(found.provinces["patents"].sum())
    assert zones.loc["west", "dispatched_eflops_year"] == 90.0


def test_the_wests_slope_is_stated_in_words() -> None:
    found = project(dispatch(), ELASTICITY, PUBLISHED)
    said = [s for s in found.statements if s.startswith("West")]
    assert len(said) == 1
    assert "0.039 (t = 0.46)" in said[0]
    assert "not shown to raise innovation" in said[0]
    assert not any(s.startswith(("East", "Central")) for s in found.statements)
    assert any("assumption" in s for s in found.statements)
    west = found.zones.loc["west"]
    assert west.innovation_change_log_low < 0.0 < west.innovation_change_log_high


def test_intervals_carry_both_uncertainties() -> None:
    both = project(dispatch(), ELASTICITY, PUBLISHED, draws=40_000)
    known_slopes = project(
        dispatch(), ELASTICITY, {z: (Slope(s[0].value, 0.0),) for z, s in PUBLISHED.items()}, draws=40_000
    )
    known_elasticity = project(dispatch(), Elasticity(0.3, 0.3, 0.3), PUBLISHED, draws=40_000)

    def width(found) -> float:  # type: ignore[no-untyped-def]
        row = found.provinces.iloc[0]
        return float(row.innovation_change_log_high - row.innovation_change_log_low)

    assert width(both) > max(width(known_slopes), width(known_elasticity))
    assert known_elasticity.slope_share_frac == pytest.approx(1.0)
    assert known_slopes.slope_share_frac == pytest.approx(0.0, abs=1e-12)
    assert 0.0 < both.slope_share_frac < 1.0
    # With the elasticity known the interval is the slope's normal one.
    row = known_elasticity.provinces.iloc[0]
    reach = 1.96 * PUBLISHED["east"][0].se * abs(0.3 * np.log(0.75))
    assert row.innovation_change_log_high - row.innovation_change_log == pytest.approx(reach, rel=0.03)


def test_a_path_across_thresholds_is_integrated() -> None:
    frame = dispatch().iloc[[2]].assign(ai=3.6)
    slopes = {"west": (Slope(0.2, 0.0), Slope(0.4, 0.0), Slope(0.3, 0.0))}
    found = project(frame, Elasticity(1.0, 1.0, 1.0), slopes, (3.6636, 4.0), draws=10)
    end = 3.6 + np.log(2.0)
    by_hand = 0.2 * (3.6636 - 3.6) + 0.4 * (4.0 - 3.6636) + 0.3 * (end - 4.0)
    assert found.provinces["innovation_change_log"].iloc[0] == pytest.approx(by_hand)
    # Taking computing away runs the same path back.
    back = frame.assign(dispatched_eflops_year=20.0, counterfactual_eflops_year=40.0, ai=end)
    again = project(back, Elasticity(1.0, 1.0, 1.0), slopes, (3.6636, 4.0), draws=10)
    assert again.provinces["innovation_change_log"].iloc[0] == pytest.approx(-by_hand)


def test_nothing_changes_when_nothing_is_moved() -> None:
    frame = dispatch().assign(dispatched_eflops_year=lambda d: d["counterfactual_eflops_year"])
    frame.loc[3, ["dispatched_eflops_year", "counterfactual_eflops_year"]] = 0.0
    found = project(frame, ELASTICITY, PUBLISHED)
    assert (found.provinces["innovation_change_log"] == 0.0).all()
    assert (found.zones["patents_high"] == 0.0).all()


def test_base_computing_makes_a_new_site_projectable() -> None:
    frame = dispatch()
    frame.loc[0, "counterfactual_eflops_year"] = 0.0
    with pytest.raises(DesignError, match=r"Hebei.*base_eflops_year"):
        project(frame, ELASTICITY, PUBLISHED)
    found = project(frame.assign(base_eflops_year=10.0), ELASTICITY, PUBLISHED)
    assert found.provinces["ai_change_log"].iloc[0] == pytest.approx(0.3 * np.log(4.0))


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ({"dispatched_eflops_year": [1.0, -2.0, 3.0, 4.0]}, "at least zero for Henan"),
        ({"dispatched_eflops_year": [1.0, np.nan, 3.0, 4.0]}, "Henan"),
        ({"zone": ["east", "north", "west", "west"]}, "zone north"),
        ({"province": ["Hebei", "Hebei", "Gansu", "Guizhou"]}, "Hebei twice"),
    ],
)
def test_refusals(change: dict[str, list[Any]], pattern: str) -> None:
    with pytest.raises(DesignError, match=pattern):
        project(dispatch().assign(**change), ELASTICITY, PUBLISHED)


def test_slopes_from_published_tables(reference: Path) -> None:
    found = from_tables(reference / "seed_tables.toml")
    assert found["west"][0].value == 0.0392
    assert found["west"][0].t == pytest.approx(0.46)
    assert project(dispatch(), ELASTICITY, found).zones.equals(project(dispatch(), ELASTICITY, PUBLISHED).zones)


def test_slopes_from_a_fitted_panel() -> None:
    panel = check_panel(make_panel(4, "regional").frame, "synthetic.csv")
    quick = Settings(threshold_draws=0, candidates=50, wild_draws=9, mediation_draws=9, permutations=9)
    found = from_results(run(panel, quick))
    assert found["east"][0].value > 3 * found["west"][0].value
    assert all(slope[0].se > 0.0 for slope in found.values())


def test_more_refusals() -> None:
    with pytest.raises(DesignError, match="no column zone"):
        project(dispatch().drop(columns="zone"), ELASTICITY, PUBLISHED)
    with pytest.raises(DesignError, match="no column ai"):
        project(dispatch(), ELASTICITY, PUBLISHED, (4.0,))
    with pytest.raises(DesignError, match="one slope per regime"):
        project(dispatch().assign(ai=4.0), ELASTICITY, PUBLISHED, (4.0,))
    with pytest.raises(DesignError, match="outside"):
        project(dispatch(), Elasticity(0.9, 0.1, 0.5), PUBLISHED)
