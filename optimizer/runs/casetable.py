"""The case of a run as one tidy table, so that two runs can be told apart to the single job, link, price and hour.

Columns: field (its path in `scenarios.case.Case`), key (names of the axes, joined by ` / `; blank for a scalar), hour
(-1 where the quantity has none), value (NaN where it is a text) and text (blank where it is a number). Units stand in
the names of the fields. What a case does not have has no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import product
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from scenarios.case import Case

LABELS = ("name", "facts")
"""Fields that say which case it is and how well it is known, not what it asks."""
JOINT = " / "
NO_HOUR = -1
HOURS = "hours"
COLUMNS = ["field", "key", "hour", "value", "text"]
AXES: dict[str, tuple[str, ...]] = {
    "link_capacity_gbps": ("links",),
    "demand_eflops": ("regions", "services", HOURS),
    "arrivals_eflopsh": ("regions", "batches", "days"),
    "arrived_by_frac": ("batches", HOURS),
    "running_eflops": ("clusters", HOURS),
    "pods_installed": ("clusters", "generations"),
    "pods_vacant": ("clusters", "generations"),
    "pue_ratio": ("sites", HOURS),
    "connection_mw": ("sites",),
    "energy_kcny_per_mwh": ("sites", HOURS),
    "demand_charge_kcny_per_mw": ("sites",),
    "direct_mw": ("clusters", "carriers", HOURS),
    "direct_kcny_per_mwh": ("carriers",),
    "green_target_frac": ("clusters",),
    "grid_tco2_per_mwh": ("sites",),
    "residual_tco2_per_mwh": ("sites",),
    "storage.power_mw": ("clusters",),
    "storage.energy_mwh": ("clusters",),
    "positions.quantity_eflops": (HOURS,),
    "expansion.pods_max": ("clusters", "generations"),
    "expansion.pod_kcny": ("generations",),
    "expansion.direct_max_mw": ("clusters", "carriers"),
    "expansion.direct_kcny_per_mw": ("carriers",),
    "expansion.capacity_frac": ("clusters", "carriers", HOURS),
    "expansion.wavelengths_max": ("links",),
    "wavelengths.limit": ("links",),
    "peak_shaving.baseline_mw": ("clusters",),
}
"""Array field -> what its axes count; an array that is not listed is keyed by position."""

Row = tuple[str, str, int, float, str]


def case_table(case: Case) -> pd.DataFrame:
    """Every number and name the optimizer sees but LABELS: field, key, hour, value, text; no row stands twice."""
    scalars: list[Row] = []
    arrays: list[pd.DataFrame] = []
    for item in fields(case):
        if item.name in LABELS:
            continue
        for field, key, value in _walk(item.name, (), getattr(case, item.name)):
            if isinstance(value, np.ndarray):
                arrays.append(_array(case, field, key, value))
            else:
                number = isinstance(value, int | float) and not isinstance(value, bool)
                scalars.append((field, JOINT.join(key), NO_HOUR, *((float(value), "") if number else (nan, value))))
    return pd.concat([pd.DataFrame(scalars, columns=COLUMNS), *arrays], ignore_index=True)


def _walk(field: str, key: tuple[str, ...], value: Any) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Numbers, texts and arrays below a value, each with its field and key; what is None is left out."""
    if is_dataclass(value):
        for item in fields(value):
            if item.name != "name":  # it is the key
                yield from _walk(f"{field}.{item.name}", key, getattr(value, item.name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(field, (*key, *(name if isinstance(name, tuple) else (name,))), inner)
    elif isinstance(value, tuple):
        yield from _members(field, key, value)
    elif isinstance(value, np.ndarray | str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield field, key, value
    elif value is not None:
        yield field, key, str(value).lower() if isinstance(value, bool) else str(value)


def _members(field: str, key: tuple[str, ...], values: tuple[Any, ...]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """A list of names is a set at the top and a sequence below (the links of a route); the rest is keyed by name."""
    if values and all(isinstance(value, str) for value in values):
        if key:
            yield field, key, " + ".join(values)
        else:
            yield from ((field, (value,), "yes") for value in values)
        return
    for position, value in enumerate(values):
        yield from _walk(field, (*key, str(getattr(value, "name", position))), value)


def _array(case: Case, field: str, key: tuple[str, ...], values: np.ndarray[Any, Any]) -> pd.DataFrame:
    axes = AXES.get(field, ("",) * values.ndim)
    hourly = axes[-1:] == (HOURS,)
    names = [_names(case, axis, size) for axis, size in zip(axes, values.shape, strict=True)]
    hours = np.arange(values.shape[-1]) if hourly else np.array([NO_HOUR])
    keys = np.array([JOINT.join((*key, *parts)) for parts in product(*(names[:-1] if hourly else names))], dtype=object)
    columns = (field, np.repeat(keys, len(hours)), np.tile(hours, len(keys)), values.astype(float).ravel(), "")
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _names(case: Case, axis: str, size: int) -> Sequence[str]:
    if axis in ("", HOURS):
        return [str(position) for position in range(size)]
    if axis == "days":
        return [f"day {day}" for day in range(size)]
    return [str(getattr(member, "name", member)) for member in getattr(case, axis)]
