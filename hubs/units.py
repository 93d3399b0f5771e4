"""The closed list of unit suffixes, and conversion at the input boundary.

Every number carries its unit at the end of its name (`reported_eflops`, `tariff_flat_kcny_per_mwh`). A table row may
state another unit of the same dimension (PFLOPS, CNY/kWh, kgCO2/kWh): `convert` brings it to the one in the name. A
month is 730 h and a year 8 760 h, as in the model; one green certificate is one MWh; compute is dense FP16.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pint

from hubs.errors import UnitMismatch

# A registry of our own: short, strict (a share is no angle, a count no share) and quick to build.
_DEFINITIONS = """
hour = [time] = h
second = hour / 3600 = s
ms = second / 1000
day = 24 * hour
year = 8760 * hour
month = year / 12
MWh = [energy]
kWh = MWh / 1000
GWh = 1000 * MWh
certificate = MWh
MW = MWh / hour
kW = MW / 1000
GW = 1000 * MW
EFLOPS = [compute]
PFLOPS = EFLOPS / 1000
EFLOPSh = EFLOPS * hour
CNY = [money]
kCNY = 1000 * CNY
billion_CNY = 1e9 * CNY
tCO2 = [carbon]
kgCO2 = tCO2 / 1000
TB = [data]
GB = TB / 1000
PB = 1000 * TB
Gbit = TB / 8000
Gbps = Gbit / second
Tbps = 1000 * Gbps
km = [length]
deg = [angle]
degC = [temperature]
frac = [share]
percent = frac / 100
ratio = [ratio]
item = [items]
million = 1e6 * item
"""


@dataclass(frozen=True)
class Unit:
    """expression: as written in tables; meaning: one line for reports."""

    expression: str
    meaning: str


SUFFIXES: dict[str, Unit] = {
    "eflops": Unit("EFLOPS", "compute capacity, 1e18 dense FP16 operations per second"),
    "eflopsh": Unit("EFLOPSh", "compute work, one EFLOPS for an hour"),
    "mw": Unit("MW", "power"),
    "mwh": Unit("MWh", "energy"),
    "kcny": Unit("kCNY", "money, thousand CNY"),
    "billion_cny": Unit("billion_CNY", "money, billion CNY"),
    "tco2": Unit("tCO2", "carbon dioxide, tonnes"),
    "tb": Unit("TB", "data, terabytes"),
    "gbps": Unit("Gbps", "data flow, Gbit/s"),
    "ms": Unit("ms", "time, milliseconds"),
    "h": Unit("h", "time, hours"),
    "years": Unit("year", "time, years of 8 760 h"),
    "km": Unit("km", "length"),
    "deg": Unit("deg", "angle, degrees"),
    "c": Unit("degC", "temperature, degrees Celsius"),
    "frac": Unit("frac", "share of a whole, 0 to 1"),
    "ratio": Unit("ratio", "quotient of two like quantities"),
    "million": Unit("million", "count, millions"),
    "kcny_per_mwh": Unit("kCNY/MWh", "price of energy or of a green certificate"),
    "kcny_per_tco2": Unit("kCNY/tCO2", "price of carbon"),
    "kcny_per_tb": Unit("kCNY/TB", "price of data transfer"),
    "kcny_per_eflopsh": Unit("kCNY/EFLOPSh", "price of compute"),
    "kcny_per_month": Unit("kCNY/month", "rent, month of 730 h"),
    "kcny_per_mw_month": Unit("kCNY/MW/month", "demand charge, month of 730 h"),
    "tco2_per_mwh": Unit("tCO2/MWh", "emission factor"),
    "mwh_per_tb": Unit("MWh/TB", "energy of data transfer"),
    "ms_per_km": Unit("ms/km", "delay of fibre, one way"),
}


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[float]:
    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None)
    registry.load_definitions([line for line in _DEFINITIONS.splitlines() if line])
    return registry


def suffix_of(name: str) -> str:
    """Longest suffix of the closed list that ends `name`; UnitMismatch if there is none."""
    words = name.split("_")
    for start in range(len(words)):
        tail = "_".join(words[start:])
        if tail in SUFFIXES:
            return tail
    raise UnitMismatch(f"'{name}' ends in none of the unit suffixes {', '.join(sorted(SUFFIXES))}")


def unit_of(name: str) -> str:
    """Unit expression that belongs to a quantity's name, e.g. 'kCNY/MWh' for 'tariff_flat_kcny_per_mwh'."""
    return SUFFIXES[suffix_of(name)].expression


@lru_cache(maxsize=1024)
def _factor(from_unit: str, to_unit: str) -> float:
    registry = _registry()
    try:
        return float(registry.Quantity(1.0, from_unit).to(to_unit).magnitude)
    except pint.DimensionalityError as error:
        raise UnitMismatch(f"'{from_unit}' cannot be converted to '{to_unit}'") from error
    except Exception as error:  # pint's parser raises its own, tokenize's and arithmetic errors on arbitrary text
        raise UnitMismatch(f"'{from_unit}' is not a known unit") from error


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """`value` in `from_unit`, expressed in `to_unit`; UnitMismatch for an unknown unit or another dimension.

    The product is rounded to 15 significant digits, which gives back the decimal that was written (0.48, not
    0.48000000000000004).
    """
    if from_unit == to_unit:
        return value
    return float(f"{value * _factor(from_unit, to_unit):.15g}")
