"""Signs of the published studies, on this project's facts: examples/published_signs.py says what each is about."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from optimizer.report.emissions import LedgersMixed

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "published_signs.py"


@pytest.fixture(scope="module")
def signs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("published_signs", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_moving_beijing_to_inner_mongolia_raises_carbon_by_location(signs: ModuleType) -> None:
    """By the ratio of the two grid factors of 2022, 0.6849 / 0.5580, where machines and overhead are alike."""
    assert signs.move("Beijing", "Horinger", alike=True).change_frac("location") == pytest.approx(0.2274, abs=0.005)


def test_moving_shanghai_to_sichuan_cuts_about_four_fifths(signs: ModuleType) -> None:
    """0.1404 / 0.5849 - 1 where alike; the machines that stand there save a little more."""
    alike = signs.move("Shanghai", "Tianfu", alike=True).change_frac("location")
    real = signs.move("Shanghai", "Tianfu", alike=False).change_frac("location")
    assert alike == pytest.approx(-0.76, abs=0.005)
    assert -0.9 < real < alike


def test_mixing_the_ledgers_would_overstate_and_is_refused(signs: ModuleType) -> None:
    for region, cluster in signs.PAIRS:
        found = signs.move(region, cluster, alike=True)
        assert found.mixed_change_frac() < found.change_frac("location") - 0.1
        with pytest.raises(LedgersMixed):
            found.at_home["location"] - found.moved["market"]


def test_counting_duplicated_western_capital_removes_the_gain(signs: ModuleType) -> None:
    found = signs.gain(gap=0.02)
    assert found.gain_kcny > 0
    assert found.western_capital_kcny > 0
    assert found.gain_less_capital_kcny < 0
