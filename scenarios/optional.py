"""The sections of a scenario that describe instruments: present when a block needs them, else left out."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.sections import Amount, Positive, Section, Share


class StorageSection(Section):
    """Batteries at clusters."""

    power_frac: float = Amount
    """Of the cluster's contracted wind and solar."""
    duration_h: float = Positive
    round_trip_frac: float = Field(gt=0, le=1, allow_inf_nan=False)
    wear_kcny_per_mwh: float = Amount
    start_frac: float = Share


class PeakShavingSection(Section):
    hours: list[Annotated[int, Field(ge=0, le=23)]]
    """Hours of the day that the grid calls."""
    kcny_per_mwh: float = Amount
    baseline_frac: float = Share
    """Of the connection."""


class CooperationSection(Section):
    compensation_kcny_per_eflopsh: float = Amount
    margin_kcny_per_eflopsh: float = Amount
    agreement_kcny_per_year: float = Amount
    minimum_eflopsh_per_day: float = Amount
    partners_max: int = Field(ge=0)
    fund_gdp_frac: float = Share
    """A region's yearly fund for transfers, of its GDP."""
    administration_frac: float = Share
    vat_frac: float = Share
    profit_frac: float = Share
    """Profit in the fee of hosted work."""
    income_tax_frac: float = Share
    tax_cap_kcny_per_year: float = Amount


class PositionSection(Section):
    """A forward position: `eflops` in every delivery hour."""

    cluster: str
    region: str
    kind: Literal["fixed", "take-or-pay", "call"]
    eflops: float = Positive
    hours: Literal["all", "working", "night"] = "all"
    low_frac: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)
    high_frac: float = Field(default=1.0, ge=1, allow_inf_nan=False)
    take_frac: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    damages_kcny_per_eflopsh: float = Amount

    @model_validator(mode="after")
    def _band(self) -> Self:
        if self.kind != "take-or-pay" and (self.low_frac, self.high_frac, self.take_frac) != (1.0, 1.0, 1.0):
            raise ValueError("low_frac, high_frac and take_frac belong to kind 'take-or-pay'")
        if not self.low_frac <= self.take_frac <= self.high_frac:
            band = f"low_frac is {self.low_frac:g}, take_frac {self.take_frac:g}, high_frac {self.high_frac:g}"
            raise ValueError(f"{band}: low_frac <= take_frac <= high_frac, or the band contradicts itself")
        return self


class DeliverySection(Section):
    positions: dict[str, PositionSection] = Field(default={})


class ExpansionSection(Section):
    generation: str
    pods_max: int = Field(ge=0)
    """New pods of that generation per cluster."""
    pod_capital_ratio: float = Positive
    """Capital of a new pod with its building, over the pod's own."""
    plants_max_mw: float = Amount
    """New wind, and again new sun, per cluster."""
    wind_kcny_per_mw: float = Amount
    solar_kcny_per_mw: float = Amount
    plant_life_years: float = Positive
    wavelengths_max: int = Field(ge=0)
    """New wavelengths per link."""
    wavelength_kcny_per_year: float = Amount


class InnovationSection(Section):
    """Value of a province's mean dispatched compute: points per EFLOPS in each segment between thresholds, by zone."""

    weight_kcny_per_point: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    thresholds_eflops: list[float] = Field(default=[])
    points_per_eflops: dict[Literal["east", "central", "west"], list[float]] = Field(default={})

    @model_validator(mode="after")
    def _segments(self) -> Self:
        rising = [0.0, *self.thresholds_eflops]
        if any(not low < high for low, high in pairwise(rising)):
            raise ValueError("thresholds_eflops must rise from above zero")
        for zone, points in self.points_per_eflops.items():
            if len(points) != len(rising) or not all(isfinite(point) and point >= 0 for point in points):
                raise ValueError(
                    f"points_per_eflops of '{zone}' must be {len(rising)} numbers, none negative: one per segment"
                )
        if self.weight_kcny_per_point and len(self.points_per_eflops) < 3:
            raise ValueError("points_per_eflops must name east, central and west once the weight is above zero")
        return self
