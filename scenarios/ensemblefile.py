"""What an ensemble file may say: every key and its bounds. Unknown keys are faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hubs.errors import Fault, nearest
from scenarios.sampling import PARAMETERS, Distribution
from scenarios.sections import Section

SUM_TOLERANCE = 1e-9
_NUMBERS = ("mean", "sd", "median", "log_sd", "low", "mode", "high")


class FactorSpec(Section):
    """One uncertain number, and the keys it sets or multiplies."""

    keys: list[str] = Field(min_length=1)
    apply: Literal["set", "multiply"] = "set"
    grid: list[Any] | None = Field(default=None, min_length=1)
    values: list[Any] | None = Field(default=None, min_length=1)
    probabilities: list[float] | None = None
    distribution: Distribution | None = None
    mean: float | None = Field(default=None, allow_inf_nan=False)
    sd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    median: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    log_sd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    low: float | None = Field(default=None, allow_inf_nan=False)
    mode: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    whole: bool = False

    @property
    def parameters(self) -> dict[str, float]:
        given = {name: getattr(self, name) for name in _NUMBERS}
        return {name: value for name, value in given.items() if value is not None}

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        if sum(given is not None for given in (self.grid, self.values, self.distribution)) != 1:
            raise ValueError("a factor has one of distribution, values and grid")
        if self.values is not None:
            _check_list(self.values, self.probabilities)
        elif self.probabilities is not None:
            raise ValueError("probabilities belong to values")
        numbers = self.grid or self.values or []
        if self.apply == "multiply" and any(isinstance(v, bool) or not isinstance(v, int | float) for v in numbers):
            raise ValueError("a factor that multiplies holds numbers")
        return self

    @model_validator(mode="after")
    def _has_its_parameters(self) -> Self:
        needed = set(PARAMETERS[self.distribution]) if self.distribution else set()
        allowed = needed | ({"low", "high"} if self.distribution in ("normal", "lognormal") else set())
        given = set(self.parameters)
        if missing := sorted(needed - given):
            raise ValueError(f"a {self.distribution} distribution also needs {', '.join(missing)}")
        if foreign := sorted(given - allowed):
            of = f"a {self.distribution} distribution" if self.distribution else "a factor without a distribution"
            raise ValueError(f"{', '.join(foreign)} does not belong to {of}")
        order = [self.parameters[name] for name in ("low", "mode", "high") if name in given]
        if order != sorted(order) or (len(order) > 1 and order[0] == order[-1]):
            raise ValueError("low must lie below high, and mode between them")
        return self


class MemberSpec(Section):
    """A member written out; what it does not set stays as in the base scenario."""

    probability: float = Field(gt=0, le=1, allow_inf_nan=False)
    changes: dict[str, Any] = Field(alias="set", default={})


class EnsembleSpec(Section):
    base: str
    why: str = Field(min_length=10)
    seed: int = Field(ge=0)
    samples: int = Field(ge=1, le=10_000)
    factors: dict[str, FactorSpec] = Field(default={})
    members: dict[str, MemberSpec] = Field(default={})

    @property
    def leaves_nothing(self) -> bool:
        """Whether the members written out take all of the probability."""
        return sum(member.probability for member in self.members.values()) >= 1 - SUM_TOLERANCE

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(member.probability for member in self.members.values())
        if total > 1 + SUM_TOLERANCE:
            raise ValueError(f"the members written out have the probability {total:.9g}; it must not exceed 1")
        if self.leaves_nothing and self.factors:
            raise ValueError("the members written out take all of the probability; none is left for the factors")
        drawn = [factor for factor in self.factors.values() if factor.grid is None]
        if self.samples > 1 and not drawn and not self.leaves_nothing:
            raise ValueError("samples must be 1 where nothing is drawn, or members repeat one another")
        return self


def _check_list(values: list[Any], probabilities: list[float] | None) -> None:
    if probabilities is None or len(probabilities) != len(values):
        raise ValueError(f"probabilities must be {len(values)} numbers, one for each of the values")
    if not min(probabilities) > 0 or abs(sum(probabilities) - 1) > SUM_TOLERANCE:
        raise ValueError(f"probabilities must be above zero and sum to 1, not to {sum(probabilities):.9g}")


def key_faults(content: Mapping[str, Any], place: Callable[[list[str]], tuple[str, int | None]]) -> list[Fault]:
    """One fault for each key that no part of an ensemble file has, and for each that a part lacks."""
    parts: list[tuple[list[str], Any, list[str], list[str]]] = [
        ([], content, list(EnsembleSpec.model_fields), ["base", "why", "seed", "samples"])
    ]
    for section, known, needed in (
        ("factors", list(FactorSpec.model_fields), ["keys"]),
        ("members", ["probability", "set"], ["probability"]),
    ):
        tables = content.get(section)
        for name, table in tables.items() if isinstance(tables, dict) else ():
            parts.append(([section, name], table, known, needed))
    faults = []
    for path, table, known, needed in parts:
        if isinstance(table, dict):
            faults += [_unknown([*path, key], known, place) for key in table if key not in known]
            faults += [_missing([*path, key], place) for key in needed if key not in table]
    return faults


def _unknown(path: list[str], known: list[str], place: Callable[[list[str]], tuple[str, int | None]]) -> Fault:
    (where, row), name, rule = place(path), ".".join(path), "an ensemble file holds only the documented keys"
    return Fault(where, row, name, f"key '{name}' is not known", rule, nearest(path[-1], known))


def _missing(path: list[str], place: Callable[[list[str]], tuple[str, int | None]]) -> Fault:
    (where, row), name = place(path), ".".join(path)
    return Fault(where, row, name, f"key '{name}' is missing", "an ensemble file gives it", f"add {path[-1]}")
