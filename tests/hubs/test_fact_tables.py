"""The shipped facts: complete, sourced, in their units, and held to the national totals."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from hubs import DATA, Facts, load_facts, reconcile, scaled_capacity, unit_of
from hubs.geography import great_circle_km

if TYPE_CHECKING:
    from tests.hubs.conftest import Tables

REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "hubs"


def test_what_exists(facts: Facts) -> None:
    assert (len(facts.hubs), len(facts.clusters), len(facts.regions)) == (8, 10, 31)
    assert set(facts.clusters["hub"]) == set(facts.hubs.index)
    assert facts.regions["zone"].value_counts().to_dict() == {"east": 11, "central": 8, "west": 12}
    assert facts.clusters.loc["YangtzeDelta", "region"] == "Shanghai"
    assert list(facts.emissions.index.names) == ["region", "year"]
    assert facts.emissions.index.get_level_values("year").unique().tolist() == [2022, 2023]
    assert list(facts.fleet.index.names) == ["cluster", "generation"]


def test_every_number_has_unit_source_status_date_and_every_estimate_a_range(facts: Facts) -> None:
    table = facts.provenance
    assert np.isfinite(table["value"]).all()
    assert (table["unit"] == [unit_of(name) for name in table["quantity"]]).all()
    assert set(table["status"]) == {"official", "reported", "estimated"}
    assert set(table["source"]) <= set(facts.sources.index)
    assert (table["date"].str.len() >= 4).all()
    guesses = table[
        (table["status"] == "estimated") & ~((table["table"] == "links") & (table["quantity"] == "length_km"))
    ]
    assert len(guesses) > 300
    assert ((guesses["low"] <= guesses["value"]) & (guesses["value"] <= guesses["high"])).all()
    assert (guesses["low"] < guesses["high"]).all()


def test_provenance_holds_every_number_of_every_frame(facts: Facts) -> None:
    table = facts.provenance
    assert not table.duplicated(["table", "key", "quantity"]).any()
    given = table.set_index(["table", "key", "quantity"])["value"]
    numbers = 0
    frames = {"region_facts": facts.regions, "cluster_facts": facts.clusters, "emission_factors": facts.emissions,
              "pods": facts.pods, "fleet": facts.fleet, "nodes": facts.nodes}  # fmt: skip
    for name, frame in frames.items():
        for column in frame.select_dtypes("number"):
            for key, value in frame[column].dropna().items():
                label = "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
                assert given[name, label, str(column)] == value
                numbers += 1
    for name, scalars in {"prices": facts.prices, "network": facts.network, "national": facts.national}.items():
        for quantity, value in scalars.items():
            assert given[name, "", quantity] == value
            numbers += 1
    assert numbers + 2 * len(facts.links) == len(table)


def test_no_source_is_listed_in_vain(facts: Facts) -> None:
    used = set(facts.provenance["source"]) | set(facts.tariff_periods["source"])
    for frame in (facts.hubs, facts.clusters, facts.regions):
        used |= set(frame["source"])
    assert used == set(facts.sources.index)


def test_units_as_stated_are_converted(facts: Facts) -> None:
    assert facts.clusters["reported_eflops"]["Zhangjiakou"] == 255.0  # stated as 255 000 PFLOPS
    assert facts.clusters["power_kcny_per_mwh"]["Horinger"] == 0.36  # CNY/kWh
    assert facts.prices["carbon_kcny_per_tco2"] == 0.06236  # 62.36 CNY/t
    assert facts.prices["certificate_kcny_per_mwh"] == 0.00566  # 5.66 CNY per certificate of one MWh
    assert facts.prices["compute_wholesale_kcny_per_eflopsh"] == pytest.approx(60e3 / 8760, rel=1e-12)
    assert facts.prices["compute_retail_kcny_per_eflopsh"] == pytest.approx(13.0, rel=1e-12)
    assert facts.network["transfer_kcny_per_tb"] == 0.02  # 0.02 CNY/GB
    assert facts.network["energy_mwh_per_tb"] == 0.002
    assert facts.network["circuit_100g_kcny_per_month"] == 350.0


def test_official_emission_factors_2023(facts: Facts) -> None:
    published = {"Inner Mongolia": 0.6479, "Ningxia": 0.6187, "Hebei": 0.6516, "Guizhou": 0.5683, "Gansu": 0.4471,
                 "Sichuan": 0.1564, "Guangdong": 0.4419, "Shanghai": 0.5737}  # fmt: skip
    grid = facts.emissions["grid_tco2_per_mwh"].xs(2023, level="year")
    assert {name: grid[name] for name in published} == published
    status = facts.provenance.set_index(["table", "key", "quantity"])["status"]
    official = [status["emission_factors", f"{region}/2023", "grid_tco2_per_mwh"] for region in grid.index]
    assert official.count("official") == 30
    assert official[list(grid.index).index("Tibet")] == "estimated"
    assert (facts.emissions["residual_tco2_per_mwh"] >= facts.emissions["grid_tco2_per_mwh"]).all()


def test_moving_west_can_raise_and_can_cut_carbon(facts: Facts) -> None:
    """Shanghai to Sichuan cuts location-based carbon, to Ningxia and Inner Mongolia it raises it, PUE included."""
    grid = facts.emissions["grid_tco2_per_mwh"].xs(2023, level="year")
    pue = facts.clusters["pue_ratio"]
    at = {name: grid[facts.clusters.loc[name, "region"]] * pue[name] for name in facts.clusters.index}
    assert at["Tianfu"] < 0.3 * at["YangtzeDelta"]
    assert at["Horinger"] > at["YangtzeDelta"]
    assert at["Horinger"] > 1.3 * at["Shaoguan"]
    assert at["Zhongwei"] > at["Shaoguan"]


def test_totals(facts: Facts) -> None:
    table = reconcile(facts)
    difference = table["difference_frac"]
    assert difference["hub compute as reported"] == pytest.approx(794 / 620 - 1, rel=1e-9)
    assert difference["hub compute scaled"] == pytest.approx(0, abs=1e-12)
    assert difference["national compute"] == pytest.approx(0, abs=1e-12)
    assert abs(difference["occupancy of the clusters"]) < 1e-3
    assert abs(difference["local PUE by demand"]) < 1e-3
    assert abs(difference["gross product"]) < 0.01
    assert -0.002 < difference["population"] < 0  # servicemen are in the national figure only
    west = facts.clusters[facts.clusters["hub"].map(facts.hubs["zone"]) == "west"]
    assert (west["occupancy_frac"] * west["reported_eflops"]).sum() / west["reported_eflops"].sum() < 0.5
    assert math.fsum(facts.regions["demand_share_frac"]) == pytest.approx(1, abs=1e-12)


def test_demand_shares_of_the_groups(facts: Facts) -> None:
    share = facts.regions["demand_share_frac"]
    assert share[["Beijing", "Tianjin", "Hebei"]].sum() == pytest.approx(0.24)
    assert share[["Shanghai", "Jiangsu", "Zhejiang", "Anhui"]].sum() == pytest.approx(0.30)
    assert share["Guangdong"] == pytest.approx(0.20)
    gdp = facts.regions["gdp_billion_cny"]
    assert share["Jiangsu"] / share["Shanghai"] == pytest.approx(gdp["Jiangsu"] / gdp["Shanghai"], rel=1e-4)


def test_connections_carry_full_capacity(facts: Facts) -> None:
    mw_per_eflops = facts.pods["peak_mw"] / facts.pods["pod_eflops"]
    mix = (facts.fleet["share_frac"].unstack() * mw_per_eflops).sum(axis=1)
    capacity = scaled_capacity(facts)["capacity_eflops"]
    assert (facts.clusters["connection_mw"] > 1.2 * capacity * mix * facts.clusters["pue_ratio"]).all()
    local_mw = facts.regions["local_eflops"] * mw_per_eflops.max() * facts.regions["local_pue_ratio"]
    assert (facts.regions["connection_mw"] > 1.1 * local_mw).all()


def test_direct_green_supply_is_larger_in_the_west(facts: Facts) -> None:
    mix = (facts.fleet["share_frac"].unstack() * (facts.pods["peak_mw"] / facts.pods["pod_eflops"])).sum(axis=1)
    energy_mw = scaled_capacity(facts)["capacity_eflops"] * mix * facts.clusters["pue_ratio"] * 2 / 3
    share = (0.25 * facts.clusters["wind_mw"] + 0.14 * facts.clusters["solar_mw"]) / energy_mw
    for name in ("Horinger", "Qingyang", "Zhongwei", "Guian"):
        assert 0.12 < share[name] < 0.35
    for name in ("Wuhu", "YangtzeDelta", "Shaoguan", "Zhangjiakou"):
        assert 0.01 < share[name] < 0.12


def test_facts_equal_themselves_and_differ_after_a_change(tables: Tables, facts: Facts) -> None:
    assert facts.equals(load_facts(tables.folder))
    tables.change("prices.csv", {"quantity": "solar_ppa_kcny_per_mwh"}, value="0.27")
    assert not facts.equals(load_facts(tables.folder))


def test_renaming_a_cluster_everywhere_changes_names_only(tables: Tables, facts: Facts) -> None:
    for path in tables.folder.glob("*.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace("Qingyang,", "Xifeng,"), encoding="utf-8")
    renamed = load_facts(tables.folder)
    assert "Xifeng" in renamed.clusters.index
    pd.testing.assert_frame_equal(renamed.clusters.rename({"Xifeng": "Qingyang"}).sort_index(), facts.clusters)


def test_a_spreadsheet_mark_at_the_start_of_a_file_is_no_fault(tables: Tables, facts: Facts) -> None:
    path = tables.folder / "regions.csv"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert facts.equals(load_facts(tables.folder))


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="reference figures are not beside the checkout")
def test_distances_and_factors_agree_with_the_reference_figures(facts: Facts) -> None:
    place = facts.nodes[["lat_deg", "lon_deg"]].rename({"YangtzeDelta": "YangtzeDelta_Demo"})
    place = place.drop("Chongqing").rename({"Chongqing Cluster": "Chongqing"})
    pairs = 0
    with (REFERENCE / "network_pairs.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["kind"] == "cluster-cluster":
                km = great_circle_km(*place.loc[row["from"]], *place.loc[row["to"]])
                assert km == pytest.approx(float(row["great_circle_km"]), abs=1.0, rel=1e-3)
                pairs += 1
    assert pairs == 45
    factors = 0
    with (REFERENCE / "grid_factors.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["metric"] == "grid_avg_emission_factor" and row["region"] in facts.regions.index:
                key = (row["region"], int(row["year"]))
                assert facts.emissions["grid_tco2_per_mwh"].loc[key] == float(row["value"])
                factors += 1
    assert factors == 60


def test_text_of_the_tables_is_clean() -> None:
    for path in sorted(DATA.glob("*.csv")):
        text = path.read_text(encoding="utf-8")
        assert "\r" not in text
        assert text.endswith("\n")
        assert not any(line != line.strip() for line in text.splitlines())
