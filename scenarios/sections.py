"""The sections that every scenario has or inherits: every key, its unit (in its name) and its bounds."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Share = Field(ge=0, le=1, allow_inf_nan=False)
Amount = Field(ge=0, allow_inf_nan=False)
Positive = Field(gt=0, allow_inf_nan=False)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HorizonSection(Section):
    start: date = Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))
    hours: int = Field(gt=0, le=8784)
    period_h: int = Field(ge=1, le=24)
    cyclic: bool = True
    window_days: int | None = Field(default=None, ge=1)
    """A horizon longer than this is solved window by window."""
    look_ahead_days: int = Field(default=2, ge=0)
    """Days after a window that are solved with it, and again in the next."""

    @field_validator("period_h")
    @classmethod
    def _whole_periods(cls, period_h: int, info: ValidationInfo) -> int:
        if 24 % period_h:
            raise ValueError("a day must hold whole steering periods (1, 2, 3, 4, 6, 8, 12 or 24 h)")
        hours = info.data.get("hours", 0)
        if hours % period_h:
            raise ValueError(f"the horizon of {hours} h must hold whole steering periods")
        return period_h


class ScopeSection(Section):
    """Names of what takes part; an empty list means all."""

    regions: list[str] = []
    clusters: list[str] = []
    local_sites: list[str] = []


class ServiceSection(Section):
    mean_eflops: float = Amount
    shape: str
    rtt_limit_ms: float = Positive
    traffic_gbps_per_eflops: float = Amount
    lost_kcny_per_eflopsh: float = Amount
    served_floor_frac: float = Share
    home_floor_frac: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    max_sites: int | None = Field(default=None, ge=1)
    min_share_frac: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)


class BatchSection(Section):
    mean_eflops: float = Amount
    shape: str
    window_h: int = Field(ge=0, le=8784)
    data_tb_per_eflopsh: float = Amount
    late_kcny_per_eflopsh_h: float = Amount
    unfinished_kcny_per_eflopsh: float = Amount


class JobsSection(Section):
    count: int = Field(ge=0, le=100_000)
    trace: str
    pods_at_median: float = Positive
    pods_max: int = Field(ge=1)
    duration_max_h: int = Field(ge=1)
    slack: str
    start_grid_h: int = Field(ge=1, le=24)
    data_tb_per_pod: float = Amount
    value_kcny_per_eflopsh: float = Amount
    running_frac: float = Share
    running_decay_h: float = Positive


class DemandSection(Section):
    scale_ratio: float = Amount
    day_sd_frac: float = Field(ge=0, le=0.5, allow_inf_nan=False)
    compute_ratio: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Compute that a unit of service takes, relative to today; its traffic and its value stay as they are."""
    flexible_frac: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    """Share of latency-bound demand that may wait flexible_window_h and run anywhere."""
    flexible_window_h: int = Field(default=24, ge=0, le=8784)


class FleetSection(Section):
    local_mw_per_eflops: float = Positive
    local_slot_h: Literal[1, 2, 3, 4, 6, 8, 12, 24]
    min_up_h: int = Field(ge=1, le=168)
    discount_frac: float = Share
    vacancy_filled_frac: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    """Share of the vacant racks that hold pods already."""
    capital_counted: Literal["none", "west", "all"] = "none"
    """Zones whose installed pods are charged their capital when they are used; elsewhere it is sunk."""


class GridSection(Section):
    spot_frac: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    """Share of energy bought at a spot price with the site's own mean."""


class WeatherSection(Section):
    day_sd_c: float = Amount
    shift_c: float = Field(ge=-30, le=30, allow_inf_nan=False)
    pue_per_c: float = Amount
    zone_shift_c: dict[Literal["east", "central", "west"], Annotated[float, Field(ge=-30, le=30)]] = {}
    """On top of shift_c, by zone."""


class NetworkSection(Section):
    routes_per_pair: int = Field(ge=1, le=5)
    reach: Literal["nation", "territory"] = "nation"
    """Clusters a region may use: all, or only those of the hub whose cluster is nearest to it."""
    usable_frac: float = Share
    latency_limit: Literal["round trip", "one way"]
    wavelengths_max: int = Field(default=0, ge=0)
    """Wavelengths that may be lit on each link's fibre."""


class PolicySection(Section):
    carbon_ledger: Literal["location", "market"]
    emission_year: Literal[2022, 2023]
    green_target_frac: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    green_shortfall_kcny_per_mwh: float = Amount
    credit_mwh_per_eflopsh: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Green claims that travel with a unit of compute to its buyer."""


class InputsSection(Section):
    """CSV files of the user's own, relative to the scenario file, in place of a generated series."""

    demand: str | None = None
    jobs: str | None = None
    energy_price: str | None = None
    capacity_factor: str | None = None


class SolveSection(Section):
    gap_frac: float = Field(gt=0, lt=1, allow_inf_nan=False)
    time_limit_s: float = Positive
