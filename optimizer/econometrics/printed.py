"""Published tables as printed: each number keeps the half-unit of its last digit, so a check can allow for rounding.

Format (TOML): [meta] outcome, treatment, cities, years; [table1] name = [n, mean, sd, min, max]; [[table2]] columns
with controls added; [[table3]] robustness; [table4] instrument; [[table5]] thresholds; [table6] mediation; [[table7]]
groups; [[table7_differences]] (first, second, p) if the authors test them. A coefficient is { b, t }. Sections may be
absent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from optimizer.econometrics.errors import Fault, TablesError
from optimizer.econometrics.printedshape import section_faults


@dataclass(frozen=True)
class Printed:
    """A printed number and half a unit of its last digit."""

    value: float
    half: float

    @property
    def low(self) -> float:
        """Least number that rounds to it."""
        return self.value - self.half

    @property
    def high(self) -> float:
        """Greatest."""
        return self.value + self.half


@dataclass(frozen=True)
class Coefficient:
    """A printed coefficient and its t."""

    b: Printed
    t: Printed

    @property
    def se(self) -> float:
        """b / t."""
        return abs(self.b.value / self.t.value)


@dataclass(frozen=True)
class Tables:
    """A parsed file; sections as plain dicts whose numbers are Printed, coefficients Coefficient."""

    source: str
    treatment: str
    cities: int
    years: int
    sections: Mapping[str, object] = field(repr=False)

    def rows(self, name: str) -> list[dict[str, object]]:
        """A list section, [] when absent."""
        found = self.sections.get(name, [])
        return found if isinstance(found, list) else []

    def table(self, name: str) -> dict[str, object]:
        """A single section, {} when absent."""
        found = self.sections.get(name, {})
        return found if isinstance(found, dict) else {}


def load_tables(path: Path | str) -> Tables:
    """Read and check the shape of a file of tables. Raises TablesError with every fault found."""
    where = Path(path)
    try:
        raw = tomllib.loads(where.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise TablesError(
            (Fault(str(path), f"cannot be opened ({error.strerror})", "a TOML file", "check the path"),)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TablesError((Fault(where.name, f"is not TOML ({error})", "UTF-8 TOML", "correct this line"),)) from error
    faults = _meta_faults(raw, where.name) or section_faults(raw, str(raw["meta"]["treatment"]), where.name)
    if faults:
        raise TablesError(faults)
    meta = raw["meta"]
    years = int(meta["years"][1]) - int(meta["years"][0]) + 1
    sections = {k: _convert(v) for k, v in raw.items() if k != "meta"}
    return Tables(where.name, str(meta["treatment"]), int(meta["cities"]), years, sections)


def _meta_faults(raw: Mapping[str, object], source: str) -> list[Fault]:
    meta = raw.get("meta")
    if not isinstance(meta, dict):
        return [Fault(source, "has no [meta]", "it names treatment, cities and years", "add it")]
    faults = [
        Fault(f"{source} [meta]", f"has no {key}", f"{key} is required", "add it")
        for key in ("treatment", "cities", "years")
        if key not in meta
    ]
    cities = meta.get("cities", 1)
    if not isinstance(cities, int) or cities < 1:
        faults.append(Fault(f"{source} [meta]", f"cities = {cities}", "a whole number above zero", "write how many"))
    years = meta.get("years", [0, 0])
    if not (
        isinstance(years, list) and len(years) == 2 and all(isinstance(y, int) for y in years) and years[0] <= years[1]
    ):
        faults.append(Fault(f"{source} [meta]", f"years = {years}", "first and last year", "write [2011, 2022]"))
    return faults


def _convert(node: object) -> object:
    if isinstance(node, list):
        return [_convert(item) for item in node]
    if isinstance(node, dict):
        if set(node) == {"b", "t"}:
            return Coefficient(_number(node["b"]), _number(node["t"]))
        return {key: _convert(item) for key, item in node.items()}
    return _number(node) if isinstance(node, Decimal) else node


def _number(value: int | Decimal) -> Printed:
    if isinstance(value, int):
        return Printed(float(value), 0.5)
    exponent = value.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return Printed(float(value), 0.5 * 10.0**-digits)


def as_printed(value: object) -> Printed:
    """A number of either kind as Printed."""
    return value if isinstance(value, Printed) else Printed(float(str(value)), 0.5)


def last_column(tables: Tables) -> tuple[Coefficient, Printed, int] | None:
    """The last column of table 2: the treatment's coefficient, R2 and n; None when there is no table 2."""
    rows = tables.rows("table2")
    if not rows:
        return None
    last = rows[-1]
    coefficient = last[tables.treatment]
    return (coefficient, as_printed(last["r2"]), int(str(last["n"]))) if isinstance(coefficient, Coefficient) else None
