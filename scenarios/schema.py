"""What a scenario may say: every key, its unit (in its name), its bounds. Unknown keys are faults.

A scenario is a TOML file. `extends` names a parent whose tables it inherits key by key; `why` says in a
sentence what the scenario is for. `load` in `scenarios/library.py` reads one; this file only says what is
allowed and turns what pydantic finds into Faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from math import isfinite
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from hubs.errors import Fault, nearest

Place = Callable[[Sequence[str]], tuple[str, int | None]]
"""File and line of a key, given as its parts; the line is None where it cannot be found."""

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


class BlocksSection(Section):
    without: list[str] = []


class ServiceSection(Section):
    mean_eflops: float = Amount
    shape: str
    rtt_limit_ms: float = Positive
    traffic_gbps_per_eflops: float = Amount
    lost_kcny_per_eflopsh: float = Amount
    served_floor_frac: float = Share


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


class FleetSection(Section):
    local_mw_per_eflops: float = Positive
    local_slot_h: Literal[1, 2, 3, 4, 6, 8, 12, 24]
    min_up_h: int = Field(ge=1, le=168)
    discount_frac: float = Share


class InnovationSection(Section):
    """Value of a province's mean dispatched compute: points per EFLOPS in each segment between thresholds, by zone."""

    weight_kcny_per_point: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    thresholds_eflops: list[float] = []
    points_per_eflops: dict[Literal["east", "central", "west"], list[float]] = {}

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


class WeatherSection(Section):
    day_sd_c: float = Amount
    shift_c: float = Field(ge=-30, le=30, allow_inf_nan=False)
    pue_per_c: float = Amount


class NetworkSection(Section):
    routes_per_pair: int = Field(ge=1, le=5)
    reach: Literal["nation", "territory"] = "nation"
    """Clusters a region may use: all, or only those of the hub whose cluster is nearest to it."""
    usable_frac: float = Share
    latency_limit: Literal["round trip", "one way"]


class PolicySection(Section):
    carbon_ledger: Literal["location", "market"]
    emission_year: Literal[2022, 2023]
    green_target_frac: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    green_shortfall_kcny_per_mwh: float = Amount


class InputsSection(Section):
    """CSV files of the user's own, relative to the scenario file, in place of a generated series."""

    demand: str | None = None
    jobs: str | None = None
    energy_price: str | None = None
    capacity_factor: str | None = None


class SolveSection(Section):
    gap_frac: float = Field(gt=0, lt=1, allow_inf_nan=False)
    time_limit_s: float = Positive


class Scenario(Section):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    why: str = Field(min_length=10)
    seed: int = Field(ge=0)
    horizon: HorizonSection
    scope: ScopeSection = ScopeSection()
    blocks: BlocksSection = BlocksSection()
    services: dict[str, ServiceSection] = Field(min_length=1)
    batches: dict[str, BatchSection] = Field(min_length=1)
    jobs: JobsSection
    demand: DemandSection
    fleet: FleetSection
    weather: WeatherSection
    network: NetworkSection
    policy: PolicySection
    innovation: InnovationSection = InnovationSection()
    inputs: InputsSection = InputsSection()
    solve: SolveSection
    facts: dict[str, dict[str, Any]] = {}
    """Facts that this scenario changes: table -> key -> quantity -> value (or quantity -> value)."""


def faults_of(error: ValidationError, place: Place) -> list[Fault]:
    """Each thing pydantic found, as a Fault with the file and line of its key."""
    return [_fault(dict(item), place) for item in error.errors()]


def _fault(item: dict[str, Any], place: Place) -> Fault:
    path = [str(part) for part in item["loc"]]
    key = ".".join(path)
    where, row = place(path)
    given = item.get("input")
    if item["type"] == "extra_forbidden":
        rule = "a scenario holds only the documented keys"
        return Fault(where, row, key, f"key '{key}' is not known", rule, nearest(path[-1], _known_keys(path[:-1])))
    if item["type"] == "missing":
        rule = "every key of a scenario must be given or inherited"
        return Fault(where, row, key, f"key '{key}' is missing", rule, f"add {path[-1]}")
    shown = f"{key} is {given if isinstance(given, date) else repr(given)}"
    if isinstance(given, dict):
        shown = f"[{key}] holds {len(given)} keys"
    return Fault(where, row, key, shown, _rule(item), f"correct {key}")


def _rule(item: dict[str, Any]) -> str:
    """What pydantic says, in the words of a planner."""
    message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "it must be")
    return _RULES.get(item["type"], message[0].lower() + message[1:])


_RULES = {
    "dict_type": "it must be a table of keys",
    "model_type": "it must be a table of keys",
    "too_short": "at least one must stand in it",
    "int_type": "it must be a whole number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "bool_type": "it must be true or false",
    "string_type": "it must be a text in quotes",
    "list_type": "it must be a list in square brackets",
    "date_type": "it must be a date such as 2025-07-14",
    "string_pattern_mismatch": "it holds letters, digits, '_', '.' and '-' only and starts with a letter or digit",
    "string_too_short": "it must be a sentence",
}


def _known_keys(path: list[str]) -> list[str]:
    """Keys allowed in the section that `path` leads to."""
    section: Any = Scenario
    for part in path:
        # In a table of sections (services, batches) the next part is a name of the user's own.
        section = section.model_fields[part].annotation if hasattr(section, "model_fields") else section.__args__[1]
    return list(section.model_fields) if hasattr(section, "model_fields") else []
