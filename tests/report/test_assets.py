"""Batteries, what is built, links and positions: each table against the case, the balance and the cost items."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer.report.tables import plan_tables
from optimizer.solve.solution import Plan

CLOSE = 1e-6


@pytest.fixture(scope="module")
def tables(any_plan: Plan) -> dict[str, pd.DataFrame]:
    return plan_tables(any_plan)


def test_power_supplied_is_power_drawn(any_plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    """import + direct + new + discharge - charge = PUE x IT + the energy of moving data, at every site and hour."""
    case, dispatch = any_plan.case, tables["dispatch"].set_index(["site", "hour"])
    data_mw = pd.Series(0.0, index=dispatch.index)
    received = any_plan.frame("network.received_tb_per_h", "cluster", "period", value="tb_per_h")
    for cluster, period, tb_per_h in received.to_numpy():
        for hour in range(period * case.horizon.period_h, (period + 1) * case.horizon.period_h):
            data_mw[cluster, hour] = case.prices.transfer_mwh_per_tb * tb_per_h
    assert data_mw.sum() > 0
    supplied = dispatch["import_mw"] + dispatch["direct_mw"] + dispatch["new_mw"]
    given = supplied + dispatch["discharge_mw"] - dispatch["charge_mw"]
    np.testing.assert_allclose(given, dispatch["pue_ratio"] * dispatch["it_mw"] + data_mw, atol=CLOSE)
    np.testing.assert_allclose(dispatch["facility_mw"], given, rtol=1e-12)


def test_instruments_are_at_work_where_they_should_be(full_plan: Plan, strained_plan: Plan) -> None:
    """The cases that test these tables use what the tables count."""
    full, strained = (plan_tables(plan) for plan in (full_plan, strained_plan))
    for column in ("new_mw", "charge_mw", "discharge_mw"):
        assert full["dispatch"][column].sum() > 0.5
    fleet = strained["fleet"].iloc[0]
    assert fleet["pods_built"] >= 1
    assert fleet["pods_lit"] >= 1
    assert strained["links"]["wavelengths"].sum() >= 1
    assert (strained["expansion"].set_index("kind").loc["wavelengths", "built"] >= 1).all()
    assert strained["positions"]["undelivered_eflopsh"].sum() > 0.5
    assert strained["positions"]["untaken_eflopsh"].sum() > 0.1
    assert strained["agreements"]["tax_capped"].all()


def test_batteries_hold_what_is_charged_less_what_is_lost(full_plan: Plan) -> None:
    storage = plan_tables(full_plan)["storage"]
    opening = storage["stored_mwh"].iloc[-1]  # the horizon is cyclic
    change = (storage["charge_mw"] - storage["discharge_mw"] - storage["loss_mwh"]).cumsum()
    np.testing.assert_allclose(storage["stored_mwh"], opening + change, atol=CLOSE)
    assert (storage["stored_mwh"] <= storage["energy_mwh"] + CLOSE).all()
    assert storage["loss_mwh"].sum() > 0.1


def test_consumption_counts_losses_and_the_green_share_meets_its_target(
    any_plan: Plan, tables: dict[str, pd.DataFrame]
) -> None:
    green = tables["green"].set_index("cluster").loc["Plateau"]
    dispatch, storage = tables["dispatch"].query("site == 'Plateau'"), tables["storage"]
    charged = float((storage["charge_mw"] - storage["discharge_mw"]).sum())
    assert green["consumption_mwh"] == pytest.approx(dispatch["facility_mw"].sum() + charged)
    assert green["new_mwh"] == pytest.approx(dispatch["new_mw"].sum())
    own = green["direct_mwh"] + green["new_mwh"] + green["certificate_mwh"] - green["conveyed_mwh"]
    left = green["consumption_mwh"] - green["conveyed_mwh"]
    assert own + green["shortfall_mwh"] >= green["target_frac"] * left - CLOSE
    assert green["green_frac"] == pytest.approx(own / left)


def test_what_is_built_costs_what_the_items_say(full_plan: Plan, strained_plan: Plan) -> None:
    for plan in (full_plan, strained_plan):
        built, items = plan_tables(plan)["expansion"], plan.items_kcny()
        cost = built.groupby("kind")["cost_kcny"].sum()
        for kind, item in (("pods", "new_pods"), ("plant", "new_plants"), ("wavelengths", "new_wavelengths")):
            assert cost[kind] == pytest.approx(items[item], abs=1e-9)
        assert (built["built"] <= built["limit"] + CLOSE).all()
        assert cost.sum() > 1


def test_links_carry_no_more_than_base_and_wavelengths(any_plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    links, offer = tables["links"], any_plan.case.wavelengths
    gbps = offer.gbps if offer else 0.0
    np.testing.assert_allclose(links["capacity_gbps"], links["base_gbps"] + gbps * links["wavelengths"])
    assert (links["traffic_gbps"] <= links["capacity_gbps"] + CLOSE).all()
    assert list(links["base_gbps"][::2]) == list(any_plan.case.link_capacity_gbps)


def test_a_link_needs_the_wavelengths_that_are_counted(strained_plan: Plan) -> None:
    links = plan_tables(strained_plan)["links"]
    assert (links["traffic_gbps"] > links["base_gbps"] + CLOSE).any()


def test_pods_that_are_on_stand_there(any_plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    fleet = tables["fleet"]
    standing = fleet["pods_installed"] + fleet["pods_lit"] + fleet["pods_built"]
    assert (fleet["pods_on"] <= standing + CLOSE).all()
    assert (fleet["pods_lit"] <= fleet["pods_vacant"] + CLOSE).all()
    on = tables["dispatch"].query("site == 'Plateau'")["pods_on"].mean()
    assert fleet["pods_on"].sum() == pytest.approx(on)


def test_positions_pay_what_the_item_says(full_plan: Plan, strained_plan: Plan) -> None:
    for plan in (full_plan, strained_plan):
        positions = plan_tables(plan)["positions"]
        assert positions["damages_kcny"].sum() == pytest.approx(plan.items_kcny()["non_delivery"], abs=1e-9)
        assert list(positions["position"]) == [position.name for position in plan.case.positions]


def test_what_is_owed_is_delivered_or_not(full_plan: Plan, strained_plan: Plan) -> None:
    owed = {"forward": 8.0, "band": 0.4 * 4 * 0.5}
    for plan, expected in ((full_plan, {**owed, "forward": 2.0, "option": 0.0}), (strained_plan, owed)):
        tables = plan_tables(plan)
        delivery = tables["delivery"].set_index("position")
        assert dict(delivery["owed_eflopsh"]) == pytest.approx(expected)
        short = (delivery["owed_eflopsh"] - delivery["delivered_eflopsh"]).clip(lower=0.0)
        np.testing.assert_allclose(delivery["undelivered_eflopsh"], short, atol=CLOSE)
        totals = tables["positions"].set_index("position")
        for column in ("owed_eflopsh", "delivered_eflopsh", "undelivered_eflopsh"):
            assert dict(totals[column]) == pytest.approx(dict(delivery[column]))
        hosted = tables["flows"].query("region == 'East' and site == 'Plateau'")["work_eflopsh"].sum()
        assert delivery["delivered_eflopsh"].sum() <= hosted + CLOSE


def test_a_band_short_of_its_horizon_is_untaken_not_undelivered(strained_plan: Plan) -> None:
    """Of 1.6 EFLOPS·h the band owes half by the day and takes four fifths over the horizon."""
    band = plan_tables(strained_plan)["positions"].set_index("position").loc["band"]
    assert band["undelivered_eflopsh"] == pytest.approx(max(0.0, 0.8 - band["delivered_eflopsh"]), abs=CLOSE)
    missing = 0.8 * 1.6 - band["delivered_eflopsh"] - band["undelivered_eflopsh"]
    assert missing > 0.1
    assert band["untaken_eflopsh"] == pytest.approx(missing, abs=CLOSE)
    assert band["damages_kcny"] == pytest.approx(1.5 * (band["undelivered_eflopsh"] + missing), abs=CLOSE)


ABSENT = ("storage", "expansion", "delivery", "positions", "agreements", "transfers", "regional_accounts")


def test_tables_of_absent_blocks_are_empty_with_their_columns(plan: Plan, full_plan: Plan) -> None:
    plain, full = plan_tables(plan), plan_tables(full_plan)
    for name in ABSENT:
        assert plain[name].empty
        assert len(full[name])
        assert list(plain[name].columns) == list(full[name].columns)
