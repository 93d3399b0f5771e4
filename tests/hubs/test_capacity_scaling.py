"""Reported capacity held to the official total."""

from __future__ import annotations

import dataclasses

import pytest

from hubs import Facts, scaled_capacity


def test_scaled_capacity_has_the_official_total_and_shows_the_scale(facts: Facts) -> None:
    table = scaled_capacity(facts)
    assert list(table.columns) == ["reported_eflops", "scale_ratio", "capacity_eflops"]
    assert table["reported_eflops"].sum() == pytest.approx(794)
    assert table["capacity_eflops"].sum() == pytest.approx(620, rel=1e-12)
    assert (table["scale_ratio"] == 620 / 794).all()
    assert table["capacity_eflops"]["Zhangjiakou"] == pytest.approx(255 * 620 / 794)


def test_scaling_keeps_proportions_whatever_the_total(facts: Facts) -> None:
    other = dataclasses.replace(facts, national={**facts.national, "hub_intelligent_eflops": 1588.0})
    ratio = scaled_capacity(other)["capacity_eflops"] / facts.clusters["reported_eflops"]
    assert ratio.to_numpy() == pytest.approx(2.0)
