"""Every MWh of green energy is claimed once, and a table that says otherwise is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import optimizer.workflow as workflow
from hubs import DATA
from optimizer.report.claims import check_claims, claims_table, green_supply
from optimizer.solve.solution import Plan
from scenarios.library import load
from tests.cases import random_case
from tests.report.conftest import solved_plan

Change = Callable[[pd.DataFrame], pd.DataFrame]


def test_claims_are_what_the_model_bought_took_and_built(any_plan: Plan) -> None:
    program, claims = any_plan.program, claims_table(any_plan)
    given = sum(
        program.values(name, any_plan.x).sum()
        for name in ("green.certificate_mwh", "renewable.direct_mw", "expansion.supply_mw")
        if any_plan.has(name)
    )
    assert given > 1
    assert claims["mwh"].sum() == pytest.approx(given, abs=1e-9)
    assert (claims["mwh"] > 0).all()
    check_claims(claims, any_plan)


def test_what_is_conveyed_comes_from_all_sources_alike(full_plan: Plan) -> None:
    claims = claims_table(full_plan)
    bought = claims[claims["claimant"] == "East"].set_index("source")["mwh"]
    assert bought.sum() == pytest.approx(full_plan.program.values("credit.conveyed_mwh", full_plan.x).sum(), abs=1e-9)
    assert bought.sum() > 0.3
    given = green_supply(full_plan).set_index("source")["mwh"]
    assert set(given.index) == {"certificates", "contracted wind", "contracted sun", "new wind", "new sun"}
    np.testing.assert_allclose(bought / given.loc[bought.index], bought.sum() / given.sum(), rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_claims_of_random_cases_hold(seed: int) -> None:
    plan = solved_plan(replace(random_case(seed), credit_mwh_per_eflopsh=0.1))
    claims = claims_table(plan)
    check_claims(claims, plan)
    own = claims[claims["claimant"] == claims["cluster"]]["mwh"].sum()
    sold = plan.program.values("credit.conveyed_mwh", plan.x).sum()
    assert own == pytest.approx(green_supply(plan)["mwh"].sum() - sold, abs=1e-6)


def _with(**cell: object) -> Change:
    """Add one row to a table of claims."""
    return lambda claims: pd.concat([claims, pd.DataFrame([cell])], ignore_index=True)


def _scaled(source: str, claimant: str, factor: float) -> Change:
    def changed(claims: pd.DataFrame) -> pd.DataFrame:
        where = (claims["source"] == source) & (claims["claimant"] == claimant)
        assert where.any()
        return claims.assign(mwh=claims["mwh"].where(~where, claims["mwh"] * factor))

    return changed


def _again(claims: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([claims, claims.iloc[[0]].assign(mwh=0.0)])


def _kept_though_sold(claims: pd.DataFrame) -> pd.DataFrame:
    """The cluster counts as its own what it conveyed to the buyer."""
    sold = claims[claims["claimant"] == "East"].set_index("source")["mwh"]
    own = claims["claimant"] == "Plateau"
    return claims.assign(mwh=claims["mwh"] + claims["source"].map(sold).where(own, 0.0))


def _sold_twice(claims: pd.DataFrame) -> pd.DataFrame:
    sold = claims[claims["claimant"] == "East"]
    return pd.concat([claims, sold.assign(claimant="West")], ignore_index=True)


def _moved_to_the_buyer(claims: pd.DataFrame) -> pd.DataFrame:
    """Claims on every source stay right, but the buyer holds half of what is the cluster's."""
    half = claims.assign(mwh=claims["mwh"].where(claims["claimant"] == "East", claims["mwh"] / 2))
    taken = half[half["claimant"] == "Plateau"].assign(claimant="East")
    return pd.concat([half, taken]).groupby(["cluster", "source", "claimant"])["mwh"].sum().reset_index()


DOUBLE: dict[str, tuple[Change, str]] = {
    "a row stands twice": (_again, "stand twice for"),
    "kept though conveyed": (_kept_though_sold, r"Plateau: .* MWh of certificates are claimed twice"),
    "conveyed to two buyers": (_sold_twice, r"Plateau: West claims .* MWh, 0.0 MWh were conveyed"),
    "moved to the buyer": (_moved_to_the_buyer, r"Plateau: East claims .* MWh, \d\.\d+ MWh were conveyed"),
    "more certificates than bought": (_scaled("certificates", "Plateau", 1.01), "certificates are claimed twice"),
    "a grain more sun than taken": (_scaled("contracted sun", "Plateau", 1.00001), "contracted sun are claimed twice"),
    "more than was built": (_scaled("new wind", "East", 1.5), "new wind are claimed twice"),
    "left to no one": (_scaled("new wind", "Plateau", 0.5), "claimed by no one"),
    "a source that is not": (
        _with(cluster="Plateau", source="new tide", claimant="Plateau", mwh=3.0),
        r"3.0 MWh of new tide are claimed twice \(3.0 of 0.0 MWh\)",
    ),
    "a cluster that is not": (
        _with(cluster="Nowhere", source="certificates", claimant="East", mwh=1.0),
        "Nowhere: 1.0",
    ),
    "no cluster": (_with(cluster=None, source="certificates", claimant="East", mwh=1.0), "1.0 MWh of certificates"),
    "less than nothing": (_scaled("new wind", "East", -1.0), "is no amount of energy"),
    "not a number": (_scaled("new wind", "East", np.nan), "nan MWh of new wind for East is no amount of energy"),
    "more than was drawn": (
        _scaled("certificates", "Plateau", 30.0),
        "claimed by certificates, .* drawn from the grid",
    ),
    "more than was consumed": (_scaled("certificates", "Plateau", 30.0), "MWh claimed, .* MWh consumed"),
}


@pytest.mark.parametrize(("change", "words"), DOUBLE.values(), ids=DOUBLE)
def test_a_double_claim_is_refused(change: Change, words: str, full_plan: Plan) -> None:
    claims = claims_table(full_plan)
    check_claims(claims, full_plan)
    with pytest.raises(ArithmeticError, match=words):
        check_claims(change(claims), full_plan)


def test_no_run_is_stored_with_a_double_claim(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = workflow.run_tables(plan, None, load("tiny"), DATA)
    assert len(tables["claims"])
    spoilt = workflow.plan_tables(plan)
    spoilt["claims"] = _scaled("certificates", "Plateau", 2.0)(spoilt["claims"])
    monkeypatch.setattr(workflow, "plan_tables", lambda _: spoilt)
    with pytest.raises(ArithmeticError, match=r"Plateau: .* MWh of certificates are claimed twice"):
        workflow.run_tables(plan, None, load("tiny"), DATA)
