"""Where: what physically exists in the national computing network, each number with unit, source and status.

Facts come from `load_facts`; `backbone` and `routes` give the network, `energy_price_kcny_per_mwh` the tariffs,
`scaled_capacity` the capacities held to the official total.
"""

from hubs.errors import ComputegridError, Fault, InputError, UnitMismatch
from hubs.facts import Facts
from hubs.network import Route, backbone, routes
from hubs.rows import DATA
from hubs.scaling import reconcile, scaled_capacity
from hubs.tables import load_facts
from hubs.tariffs import energy_price_kcny_per_mwh, hourly_periods
from hubs.units import convert, unit_of

__all__ = [
    "DATA",
    "ComputegridError",
    "Facts",
    "Fault",
    "InputError",
    "Route",
    "UnitMismatch",
    "backbone",
    "convert",
    "energy_price_kcny_per_mwh",
    "hourly_periods",
    "load_facts",
    "reconcile",
    "routes",
    "scaled_capacity",
    "unit_of",
]
