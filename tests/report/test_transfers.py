"""What one party pays another receives: transfers sum to zero and every account adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from optimizer.report.transfers import (
    ACCOUNTS,
    AGREEMENTS,
    PARTS,
    TRANSFERS,
    agreement_table,
    regional_accounts,
    transfer_table,
)
from optimizer.solve.solution import Plan
from scenarios.case import Case
from tests.cases import full_case
from tests.report.conftest import solved_plan, strained_case


@pytest.fixture(scope="module", params=["full", "strained", "hub named like its region"])
def cooperating(request: pytest.FixtureRequest) -> Plan:
    cases: dict[str, Case] = {
        "full": full_case(),
        "strained": strained_case(),
        "hub named like its region": replace(full_case(), site_hub={"Plateau": "East"}),
    }
    return solved_plan(cases[request.param])


def test_payments_of_all_parties_sum_to_zero(cooperating: Plan) -> None:
    transfers = transfer_table(cooperating)
    assert set(transfers["kind"]) == {"fee", "compensation", "returned tax"}
    assert (transfers["kcny"] > 0).all()
    balance = pd.concat([-transfers.set_index("payer")["kcny"], transfers.set_index("payee")["kcny"]])
    assert abs(balance.sum()) <= 1e-9
    assert balance.abs().sum() > 1


def test_every_account_adds_up_and_all_together_to_zero(cooperating: Plan) -> None:
    accounts = regional_accounts(cooperating)
    np.testing.assert_allclose(accounts["net_kcny"], accounts[PARTS].sum(axis=1), atol=1e-12)
    moved = accounts[[part for part in PARTS if part != "hosting_cost_kcny"]].sum(axis=1)
    assert abs(moved.sum()) <= 1e-9
    assert moved.abs().sum() > 1
    case = cooperating.case
    assert list(accounts["party"][accounts["kind"] == "region"]) == list(case.regions)
    assert set(accounts["party"][accounts["kind"] == "hub"]) == set(case.site_hub.values())
    assert (accounts[[part for part in PARTS if "received" in part]] >= 0).all(axis=None)
    assert (accounts[[part for part in PARTS if "paid" in part or "cost" in part]] <= 0).all(axis=None)


def test_accounts_are_the_transfers_of_each_party(cooperating: Plan) -> None:
    transfers, accounts = transfer_table(cooperating), regional_accounts(cooperating)
    east = accounts[(accounts["party"] == "East") & (accounts["kind"] == "region")].iloc[0]
    by_kind = transfers.groupby("kind")["kcny"].sum()
    assert east["fees_paid_kcny"] == pytest.approx(-by_kind["fee"])
    assert east["compensation_paid_kcny"] == pytest.approx(-by_kind["compensation"])
    assert east["tax_received_kcny"] == pytest.approx(by_kind["returned tax"])
    assert east["hosting_cost_kcny"] == 0


def test_amounts_follow_the_terms(cooperating: Plan) -> None:
    """Worked from the work hosted, not from the variables of the cooperation block."""
    terms, case = cooperating.case.cooperation, cooperating.case
    assert terms is not None
    hosted = cooperating.frame("hosting.hosted_eflopsh", "region", "site", "day", value="work")
    work = hosted.query("region == 'East' and site == 'Plateau'")["work"].sum()
    (agreed,) = agreement_table(cooperating).to_dict("records")
    assert agreed["outsourced_eflopsh"] == pytest.approx(work)
    assert agreed["fee_kcny"] == pytest.approx(terms.fee_kcny_per_eflopsh * work)
    assert agreed["compensation_kcny"] >= terms.compensation_kcny_per_eflopsh * work - 1e-6
    tax = terms.fee_kcny_per_eflopsh * terms.local_tax_frac * terms.origin_tax_frac * work
    assert agreed["returned_tax_kcny"] == pytest.approx(min(tax, terms.tax_cap_kcny))
    assert agreed["tax_capped"] == (tax > terms.tax_cap_kcny)
    hub = regional_accounts(cooperating).query("kind == 'hub'").iloc[0]
    assert hub["hosting_cost_kcny"] == pytest.approx(-terms.cost_kcny_per_eflopsh["Plateau"] * work)
    assert hub["net_kcny"] >= terms.margin_kcny_per_eflopsh * work - 1e-6
    assert agreed["hub"] == case.site_hub["Plateau"]


def test_what_agreements_cost_is_in_the_cost_items(cooperating: Plan) -> None:
    agreed, items = agreement_table(cooperating), cooperating.items_kcny()
    assert agreed["agreement_kcny"].sum() == pytest.approx(items["agreements"])
    assert agreed["administration_kcny"].sum() == pytest.approx(items["administration"])
    assert items["agreements"] > 0


def test_without_cooperation_the_tables_are_empty(plan: Plan) -> None:
    for table, columns in (
        (transfer_table(plan), TRANSFERS),
        (regional_accounts(plan), ACCOUNTS),
        (agreement_table(plan), AGREEMENTS),
    ):
        assert table.empty
        assert list(table.columns) == columns
