"""Contract files: TOML in, frozen contracts out, and every fault said with its file and line.

A file holds tables `[contracts.NAME]`. The unit of a price stands in its key (`strike_kcny_per_eflopsh`), so that a
strike in another unit is an unknown key and not a wrong number. Keys that may be left out: margin_frac, limit_frac and
tick_kcny_per_eflopsh (the facts `futures_*` of the price table stand in), and premium_kcny_per_eflopsh of a collar.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from hubs.errors import Fault, InputError, nearest
from optimizer.market.contracts import (
    CallOption,
    Collar,
    Contract,
    Difference,
    Forward,
    GreenForward,
    Shape,
    TakeOrPay,
    Terms,
)
from scenarios.library import line_of
from scenarios.schema import faults_of
from scenarios.sections import Amount, Positive, Section, Share


class _Spec(Section):
    """Keys that every type of contract has."""

    type: str
    buyer: str
    seller: str
    first_day: int = Field(ge=0)
    last_day: int = Field(ge=0)
    shape: Shape
    hours_ratio: list[float] | None = Field(default=None, validate_default=True)
    lots: int = Field(gt=0)
    margin_frac: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    limit_frac: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    tick_kcny_per_eflopsh: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @field_validator("last_day")
    @classmethod
    def _ends_after_it_begins(cls, last_day: int, info: ValidationInfo) -> int:
        if last_day < info.data.get("first_day", 0):
            raise ValueError(f"delivery must not end before its first day, {info.data['first_day']}")
        return last_day

    @field_validator("hours_ratio")
    @classmethod
    def _hours_of_a_custom_shape(cls, hours: list[float] | None, info: ValidationInfo) -> list[float] | None:
        shape = info.data.get("shape")
        if shape == "custom" and not (hours and len(hours) == 24 and 0 < sum(hours) < float("inf") and min(hours) >= 0):
            raise ValueError("a custom shape has 24 numbers, none negative, not all zero")
        if shape not in (None, "custom") and hours is not None:
            raise ValueError(f"the shape '{shape}' has its own hours; only a custom shape lists them")
        return hours


class _Forward(_Spec):
    strike_kcny_per_eflopsh: float = Amount


class _TakeOrPay(_Forward):
    least_frac: float = Share
    most_frac: float = Positive

    @field_validator("most_frac")
    @classmethod
    def _band(cls, most_frac: float, info: ValidationInfo) -> float:
        if most_frac < info.data.get("least_frac", 0.0):
            raise ValueError(f"the band must not end below least_frac, {info.data['least_frac']}")
        return most_frac


class _CallOption(_Forward):
    premium_kcny_per_eflopsh: float = Amount


class _Difference(_Forward):
    volume: Literal["profile", "dispatch"]


class _Collar(_Spec):
    floor_kcny_per_eflopsh: float = Amount
    cap_kcny_per_eflopsh: float = Amount
    premium_kcny_per_eflopsh: float = Field(default=0.0, allow_inf_nan=False)

    @field_validator("cap_kcny_per_eflopsh")
    @classmethod
    def _above_the_floor(cls, cap: float, info: ValidationInfo) -> float:
        if cap < info.data.get("floor_kcny_per_eflopsh", 0.0):
            raise ValueError(f"the cap must not lie below the floor, {info.data['floor_kcny_per_eflopsh']}")
        return cap


class _GreenForward(_Forward):
    certificate_kcny_per_mwh: float = Amount
    certificate_mwh_per_eflopsh: float = Positive


TYPES: dict[str, tuple[type[_Spec], type[Terms]]] = {
    "forward": (_Forward, Forward),
    "take-or-pay": (_TakeOrPay, TakeOrPay),
    "call-option": (_CallOption, CallOption),
    "difference": (_Difference, Difference),
    "collar": (_Collar, Collar),
    "green-forward": (_GreenForward, GreenForward),
}
_DEFAULTS = {
    "margin_frac": "futures_margin_frac",
    "limit_frac": "futures_limit_frac",
    "tick_kcny_per_eflopsh": "futures_tick_kcny_per_eflopsh",
}
_PRICED = ("strike", "premium", "floor", "cap", "tick", "certificate")


def load(path: Path, prices: Mapping[str, float]) -> tuple[Contract, ...]:
    """Contracts of a TOML file, in its order. `prices`: the price table of the facts, for the futures defaults.

    Raises InputError with every fault of the file; `contracts.check` holds the contracts against a case.
    """
    try:
        return read(path.read_text(encoding="utf-8"), str(path), prices)
    except FileNotFoundError:
        fault = Fault(
            str(path), None, None, "the contract file is missing", "a path leads to a file", "correct the path"
        )
    except UnicodeDecodeError:
        fault = Fault(str(path), None, None, "the file is not UTF-8", "contracts are TOML in UTF-8", "save it as UTF-8")
    raise InputError([fault]) from None


def read(text: str, where: str, prices: Mapping[str, float]) -> tuple[Contract, ...]:
    """As `load`, from a text; `where` names it in messages."""
    tables = _tables(text, where)
    contracts: list[Contract] = []
    faults: list[Fault] = []
    for name, table in tables.items():
        rows = {key: line_of(text, ["contracts", name, *([key] if key else [])]) for key in ("", *_keys(table))}
        # A table opened only by dotted keys has no heading of its own: its first key stands in.
        rows[""] = rows[""] or next((row for row in rows.values() if row), None)
        found = _table_faults(table, where, rows)
        faults += [
            replace(f, column=f"contracts.{name}.{f.column}", found=f"contract '{name}': {f.found}") for f in found
        ]
        if not found:
            contracts.append(_contract(name, table, where, rows, prices))
    if faults:
        raise InputError(faults)
    return tuple(contracts)


def _tables(text: str, where: str) -> dict[str, Any]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        row = int(line.group(1)) if line else None
        fault = Fault(where, row, None, f"the file is not TOML ({error})", "contracts are TOML", "correct this line")
        raise InputError([fault]) from None
    rule, mend = "a contract file holds tables [contracts.NAME] only", "write [contracts.NAME] above the keys"
    faults = [
        Fault(where, _first_line(text, key, value), key, f"key '{key}' is not known", rule, mend)
        for key, value in content.items()
        if key != "contracts"
    ]
    tables = content.get("contracts")
    if not faults and (not isinstance(tables, dict) or not tables):
        faults = [Fault(where, None, "contracts", "no contract stands in the file", rule, mend)]
    if faults:
        raise InputError(faults)
    return dict(tables or {})


def _first_line(text: str, key: str, value: Any) -> int | None:
    """Line of a key, or of the first table below it when it has no heading of its own."""
    return line_of(text, [key]) or next((row for inner in _keys(value) if (row := line_of(text, [key, inner]))), None)


def _keys(table: Any) -> list[str]:
    return list(table) if isinstance(table, dict) else []


def _table_faults(table: Any, where: str, rows: Mapping[str, int | None]) -> list[Fault]:
    """What is wrong in one table; columns are its own keys."""
    if not isinstance(table, dict):
        return [
            Fault(where, rows[""], "", f"it is {table!r}", "a contract is a table of keys", "write [contracts.NAME]")
        ]
    kind = table.get("type")
    if kind not in TYPES:
        found = "key 'type' is missing" if kind is None else f"type '{kind}' is not known"
        row = rows.get("type", rows[""])
        return [Fault(where, row, "type", found, "a contract is of a known type", nearest(str(kind), TYPES))]
    fields = TYPES[kind][0].model_fields
    faults = [_unknown(key, list(fields), where, rows[key]) for key in table if key not in fields]
    mends = " ".join(fault.mend for fault in faults)
    for key, info in fields.items():
        # A key in another unit or misspelt is told once, not also as a missing one.
        if info.is_required() and key not in table and f"'{key}'" not in mends:
            rule = f"a contract of type '{kind}' has it"
            faults.append(Fault(where, rows[""], key, f"key '{key}' is missing", rule, f"add {key}"))
    if faults:
        return faults

    def place(path: Sequence[str]) -> tuple[str, int | None]:
        return where, rows.get(path[0], rows[""])

    try:
        TYPES[kind][0].model_validate(table)
    except ValidationError as error:
        return faults_of(error, place)
    return []


def _unknown(key: str, known: list[str], where: str, row: int | None) -> Fault:
    """An unknown key; one that begins like a price is a price in a unit we do not take."""
    stem = key.split("_")[0]
    meant = [name for name in known if name.split("_")[0] == stem]
    if stem in _PRICED and meant:
        rule = "prices stand in thousand CNY, and the key names the unit"
        return Fault(where, row, key, f"key '{key}' is not known", rule, f"convert the number and write '{meant[0]}'")
    rule = "a contract holds only the documented keys of its type"
    return Fault(where, row, key, f"key '{key}' is not known", rule, nearest(key, known))


def _contract(
    name: str, table: dict[str, Any], where: str, rows: Mapping[str, int | None], prices: Mapping[str, float]
) -> Contract:
    spec_type, terms_type = TYPES[table["type"]]
    spec = spec_type.model_validate(table).model_dump()
    futures: dict[str, Any] = {
        key: float(prices[fact]) if spec[key] is None else spec[key] for key, fact in _DEFAULTS.items()
    }
    shared: dict[str, Any] = {key: spec[key] for key in ("buyer", "seller", "first_day", "last_day", "shape", "lots")}
    own = {key: value for key, value in spec.items() if key not in _Spec.model_fields}
    hours = spec["hours_ratio"]
    return Contract(
        name=name,
        terms=terms_type(**own),
        hours_ratio=None if hours is None else tuple(hours),
        where=where,
        rows=rows,
        **shared,
        **futures,
    )
