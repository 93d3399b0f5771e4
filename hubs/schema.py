"""What the fact tables must contain: files, keys, quantities, bounds and the sentence of each rule. Data only, no code.

Fact tables are long, one number a row; a quantity's unit is in its name. Identity tables say what exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

STATUSES = ("official", "reported", "estimated")
GRADES = ("A", "B", "C", "D")
ZONES = ("east", "central", "west")
GRID_REGIONS = ("North China", "Northeast", "East China", "Central China", "South China", "Southwest", "Northwest")
NODE_KINDS = ("region", "core", "cluster")
LINK_KINDS = ("region-core", "core-core", "core-cluster", "home", "trunk")
PERIODS = ("peak", "critical", "valley")
YEARS = ("2022", "2023")
FACT_COLUMNS = ("quantity", "value", "unit", "low", "high", "status", "date", "source", "note")


@dataclass(frozen=True)
class Quantity:
    """A number: its name (unit at the end), closed bounds [low, high], the rule in words, and whether it must stand."""

    name: str
    low: float
    high: float
    rule: str
    required: bool = True


@dataclass(frozen=True)
class FactTable:
    """A long table.

    keys: key column -> where its values come from: the file that defines them, this file itself, or allowed words.
    sums_to_one: quantities that sum to 1 over the last key column (over the whole table if there is only one).
    """

    file: str
    keys: dict[str, str | tuple[str, ...]]
    quantities: tuple[Quantity, ...]
    sums_to_one: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdentityTable:
    """A wide table of names. choices: column -> allowed words or the table whose key it must be."""

    file: str
    key: str
    columns: tuple[str, ...]
    choices: dict[str, str | tuple[str, ...]]


def _share(name: str, required: bool = True) -> Quantity:
    return Quantity(name, 0.0, 1.0, "a share lies between 0 and 1", required)


def _amount(name: str, what: str) -> Quantity:
    return Quantity(name, 0.0, inf, f"{what} cannot be negative")


def _positive(name: str, what: str) -> Quantity:
    return Quantity(name, 1e-12, inf, f"{what} must be above zero")


def _price(name: str) -> Quantity:
    return _amount(name, "this price")


def _pue(name: str) -> Quantity:
    return Quantity(name, 1.0, 5.0, "a facility cannot draw less than its servers (pue >= 1), nor five times as much")


_PLACE = (
    Quantity("lat_deg", 15.0, 55.0, "China lies between 15 and 55 degrees north"),
    Quantity("lon_deg", 70.0, 140.0, "China lies between 70 and 140 degrees east"),
)
_TEMPERATURE = Quantity("mean_temp_c", -20.0, 40.0, "an annual mean temperature lies between -20 and 40 degC")

IDENTITIES = (
    IdentityTable("hubs.csv", "hub", ("hub", "name_zh", "zone", "status", "source", "date"), {"zone": ZONES}),
    IdentityTable(
        "regions.csv",
        "region",
        ("region", "name_zh", "zone", "grid_region", "status", "source", "date"),
        {"zone": ZONES, "grid_region": GRID_REGIONS},
    ),
    IdentityTable(
        "clusters.csv",
        "cluster",
        ("cluster", "name_zh", "hub", "region", "status", "source", "date"),
        {"hub": "hubs.csv", "region": "regions.csv"},
    ),
)
SOURCES = IdentityTable("sources.csv", "source", ("source", "title", "url", "date", "grade"), {"grade": GRADES})

REGION_FACTS = FactTable(
    "region_facts.csv",
    {"region": "regions.csv"},
    (
        *_PLACE,
        _positive("population_million", "a population"),
        _positive("gdp_billion_cny", "a gross product"),
        _share("demand_share_frac"),
        _amount("local_eflops", "capacity"),
        _pue("local_pue_ratio"),
        _TEMPERATURE,
        _price("tariff_flat_kcny_per_mwh"),
        Quantity("tou_peak_ratio", 1.0, 5.0, "the peak price is one to five times the flat price"),
        Quantity("tou_valley_ratio", 0.0, 1.0, "the valley price is at most the flat price"),
        Quantity("tou_critical_ratio", 1.0, 8.0, "the critical-peak price is one to eight times the flat price"),
        _price("demand_charge_kcny_per_mw_month"),
        _amount("connection_mw", "a grid connection"),
    ),
    sums_to_one=("demand_share_frac",),
)

EMISSIONS = FactTable(
    "emission_factors.csv",
    {"region": "regions.csv", "year": YEARS},
    (
        Quantity("grid_tco2_per_mwh", 0.0, 1.5, "a grid emission factor lies between 0 and 1.5 tCO2/MWh"),
        Quantity("residual_tco2_per_mwh", 0.0, 1.5, "a residual emission factor lies between 0 and 1.5 tCO2/MWh"),
    ),
)

CLUSTER_FACTS = FactTable(
    "cluster_facts.csv",
    {"cluster": "clusters.csv"},
    (
        *_PLACE,
        _positive("reported_eflops", "a cluster's capacity"),
        _share("occupancy_frac"),
        _pue("pue_ratio"),
        _pue("pue_target_ratio"),
        _TEMPERATURE,
        _price("power_kcny_per_mwh"),
        _share("green_target_frac"),
        _share("green_actual_frac", required=False),
        _amount("wind_mw", "contracted wind power"),
        _amount("solar_mw", "contracted solar power"),
        _amount("connection_mw", "a grid connection"),
        _share("home_reserve_frac"),
    ),
)

PODS = FactTable(
    "pods.csv",
    {"generation": "pods.csv"},
    (
        _positive("pod_eflops", "a pod's capacity"),
        _amount("idle_mw", "power"),
        _positive("peak_mw", "a pod's full power"),
        _amount("start_kcny", "a start-up cost"),
        _amount("capital_kcny", "a capital cost"),
        _positive("life_years", "a life"),
        Quantity("usable_frac", 0.01, 1.0, "a usable share lies between 0.01 and 1"),
    ),
)

FLEET = FactTable(
    "fleet.csv",
    {"cluster": "clusters.csv", "generation": "pods.csv"},
    (_share("share_frac"),),
    sums_to_one=("share_frac",),
)

PRICES = FactTable(
    "prices.csv",
    {},
    (
        _price("carbon_kcny_per_tco2"),
        _price("carbon_voluntary_kcny_per_tco2"),
        _price("certificate_kcny_per_mwh"),
        _price("green_premium_kcny_per_mwh"),
        _price("wind_ppa_kcny_per_mwh"),
        _price("solar_ppa_kcny_per_mwh"),
        _price("compute_wholesale_kcny_per_eflopsh"),
        _price("compute_retail_kcny_per_eflopsh"),
        _share("vat_local_share_frac"),
        _share("income_tax_local_share_frac"),
        _share("tax_split_origin_frac"),
        _share("futures_margin_frac"),
        _share("futures_limit_frac"),
        _price("futures_tick_kcny_per_eflopsh"),
    ),
)

NETWORK = FactTable(
    "network.csv",
    {},
    (
        Quantity("fibre_ms_per_km", 0.0033, 0.01, "nothing outruns light in a vacuum (0.0033 ms/km)"),
        Quantity("route_factor_ratio", 1.0, 3.0, "a route is at least as long as the great circle"),
        _amount("equipment_rtt_ms", "a delay"),
        _amount("local_rtt_ms", "a delay"),
        _amount("city_target_ms", "a delay"),
        _amount("hub_region_target_ms", "a delay"),
        _amount("hub_pair_target_ms", "a delay"),
        _price("transfer_kcny_per_tb"),
        _share("express_discount_frac"),
        _amount("energy_mwh_per_tb", "energy"),
        _positive("wavelength_gbps", "a wavelength's flow"),
        _price("circuit_100g_kcny_per_month"),
        _price("wavelength_kcny_per_month"),
    ),
)

NATIONAL = FactTable(
    "national.csv",
    {},
    (
        _positive("intelligent_eflops", "national capacity"),
        _positive("hub_intelligent_eflops", "the hubs' capacity"),
        _pue("pue_ratio"),
        _share("cluster_occupancy_frac"),
        _share("occupancy_target_frac"),
        _share("west_vacancy_frac"),
        _share("hub_new_green_frac"),
        _share("hub_new_compute_frac"),
        _positive("racks_million", "a count"),
        _positive("cluster_racks_million", "a count"),
        _amount("grid_tco2_per_mwh", "an emission factor"),
        _amount("residual_tco2_per_mwh", "an emission factor"),
        _amount("fossil_tco2_per_mwh", "an emission factor"),
        _positive("gdp_billion_cny", "a gross product"),
        _positive("population_million", "a population"),
    ),
)

FACTS = (REGION_FACTS, EMISSIONS, CLUSTER_FACTS, PODS, FLEET, PRICES, NETWORK, NATIONAL)

TARIFF_FILE, NODE_FILE, LINK_FILE = "tariff_periods.csv", "nodes.csv", "links.csv"
TARIFF_COLUMNS = ("region", "months", "period", "hours", "status", "date", "source", "note")
NODE_COLUMNS = ("node", "kind", "lat_deg", "lon_deg", "status", "date", "source", "note")
LINK_COLUMNS = (
    "from",
    "to",
    "kind",
    "length_km",
    "capacity_gbps",
    "capacity_low_gbps",
    "capacity_high_gbps",
    "status",
    "date",
    "source",
    "note",
)
FILES = (SOURCES.file, *(table.file for table in (*IDENTITIES, *FACTS)), TARIFF_FILE, NODE_FILE, LINK_FILE)
