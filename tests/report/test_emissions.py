"""Two ledgers that differ by factors and claims only, never mixed; regions sum to the nation on each."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.report.dispatch import dispatch_table
from optimizer.report.emissions import Emissions, LedgersMixed, market_less_location_tco2, saving_frac
from optimizer.report.regionalcarbon import regional_carbon
from optimizer.report.tables import plan_tables
from optimizer.solve.solution import Plan
from tests.cases import full_case, random_case
from tests.report.conftest import solved_plan


def test_emissions_are_those_of_the_dispatch_ledger(any_plan: Plan) -> None:
    dispatch = dispatch_table(any_plan)
    for ledger in ("location", "market"):
        found = Emissions.of(any_plan, ledger)
        assert found.ledger == ledger
        assert found.tco2 == pytest.approx(dispatch[f"carbon_{ledger}_tco2"].sum(), rel=1e-12)
        assert found.tco2 > 1


def test_ledgers_differ_by_factors_and_claims_and_nothing_else(any_plan: Plan) -> None:
    market, location = (Emissions.of(any_plan, ledger) for ledger in ("market", "location"))
    assert abs(market.tco2 - location.tco2 - market_less_location_tco2(any_plan)) <= 1e-9
    assert abs(market_less_location_tco2(any_plan)) > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_ledgers_of_random_cases_differ_by_factors_and_claims(seed: int) -> None:
    plan = solved_plan(random_case(seed))
    market, location = (Emissions.of(plan, ledger) for ledger in ("market", "location"))
    assert abs(market.tco2 - location.tco2 - market_less_location_tco2(plan)) <= 1e-9


def test_without_claims_and_with_one_factor_the_ledgers_agree() -> None:
    case = full_case()
    alike = replace(case, residual_tco2_per_mwh=case.grid_tco2_per_mwh)
    plan = solved_plan(replace(alike, blocks=tuple(b for b in case.blocks if b not in ("green", "credit"))))
    assert market_less_location_tco2(plan) == pytest.approx(0.0, abs=1e-12)
    assert Emissions.of(plan, "market").tco2 == pytest.approx(Emissions.of(plan, "location").tco2, rel=1e-12)


@pytest.mark.parametrize("put_together", [operator.add, operator.sub, saving_frac])
def test_ledgers_are_never_mixed(put_together: Callable[[Any, Any], Any]) -> None:
    here, market = Emissions("location", 5.0), Emissions("market", 3.0)
    with pytest.raises(LedgersMixed, match="two accounts of the same electricity"):
        put_together(here, market)
    with pytest.raises(ValueError, match="choose one ledger"):
        put_together(market, here)


def test_carbon_of_one_ledger_adds_and_subtracts() -> None:
    a, b = Emissions("market", 5.0), Emissions("market", 3.0)
    assert a + b == Emissions("market", 8.0)
    assert a - b == Emissions("market", 2.0)
    assert saving_frac(a, b) == pytest.approx(0.4)
    assert saving_frac(b, a) == pytest.approx(-2 / 3)
    assert isnan(saving_frac(Emissions("market", 0.0), b))


def test_regions_sum_to_the_nation_on_both_ledgers(any_plan: Plan) -> None:
    tables = plan_tables(any_plan)
    regions, dispatch = tables["regional_carbon"], tables["dispatch"]
    for ledger in ("location", "market"):
        assert regions[f"{ledger}_tco2"].sum() == pytest.approx(dispatch[f"carbon_{ledger}_tco2"].sum(), rel=1e-12)
    supply = dispatch[["import_mw", "direct_mw", "new_mw"]].to_numpy().sum()
    assert regions["energy_mwh"].sum() == pytest.approx(supply, rel=1e-12)
    assert regions["work_eflopsh"].sum() == pytest.approx(tables["flows"]["work_eflopsh"].sum(), rel=1e-12)
    assert regions["bought_mwh"].sum() == pytest.approx(tables["green"]["conveyed_mwh"].sum(), abs=1e-9)


def test_carbon_of_a_site_is_shared_by_hosted_work(full_plan: Plan) -> None:
    """East and West share the cluster by work; East's local site is East's alone."""
    tables = plan_tables(full_plan)
    carbon = tables["dispatch"].groupby("site")[["carbon_location_tco2", "carbon_market_tco2"]].sum()
    work = tables["flows"].set_index(["region", "site"])["work_eflopsh"]
    west_frac = work["West", "Plateau"] / (work["West", "Plateau"] + work["East", "Plateau"])
    regions = tables["regional_carbon"].set_index("region")
    at_cluster = carbon.loc["Plateau"]
    assert regions.loc["West", "location_tco2"] == pytest.approx(west_frac * at_cluster["carbon_location_tco2"])
    # On the market ledger the claims conveyed to East cover its energy, so West carries more than its share of work.
    green = tables["green"].set_index("cluster").loc["Plateau"]
    energy = green["consumption_mwh"]
    left = energy - green["conveyed_mwh"]
    west_market = west_frac * energy / left * at_cluster["carbon_market_tco2"]
    assert regions.loc["West", "market_tco2"] == pytest.approx(west_market)
    assert west_market > west_frac * at_cluster["carbon_market_tco2"]


def test_claims_beyond_a_regions_energy_leave_it_nothing_not_less(full_plan: Plan) -> None:
    x = full_plan.x.copy()
    x[full_plan.program.variables["credit.conveyed_mwh"]] = 30.0
    tables = plan_tables(full_plan)
    regions = regional_carbon(replace(full_plan, x=x), tables["dispatch"], tables["flows"]).set_index("region")
    cluster = tables["dispatch"][tables["dispatch"]["site"] == "Plateau"]
    assert regions.loc["West", "market_tco2"] == pytest.approx(cluster["carbon_market_tco2"].sum())
    assert (regions["market_tco2"] >= 0).all()


def test_a_site_that_hosts_nothing_is_its_own_regions(plan: Plan) -> None:
    tables = plan_tables(plan)
    flows = tables["flows"][tables["flows"]["site"] != "Plateau"]
    regions = regional_carbon(plan, tables["dispatch"], flows).set_index("region")
    cluster = tables["dispatch"][tables["dispatch"]["site"] == "Plateau"]
    assert regions.loc["West", "location_tco2"] == pytest.approx(cluster["carbon_location_tco2"].sum())
    assert isinstance(regions, pd.DataFrame)
    assert np.isfinite(regions.to_numpy()).all()
