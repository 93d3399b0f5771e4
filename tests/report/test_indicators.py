"""Inequality and shares against identities, textbook values and counts by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.report.indicators import east_west_eflopsh, indicators, served_frac
from optimizer.report.inequality import gini, theil
from optimizer.report.tables import plan_tables
from optimizer.solve.solution import Plan
from tests.cases import two_site_case

people_and_amounts = st.lists(
    st.tuples(st.floats(0.1, 100.0), st.floats(0.0, 1000.0), st.sampled_from("abc")), min_size=2, max_size=20
).filter(lambda rows: sum(amount for _, amount, _ in rows) > 1e-3)


def _columns(rows: list[tuple[float, float, str]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    people, amount, groups = zip(*rows, strict=True)
    return np.array(amount), np.array(people), list(groups)


@given(people_and_amounts)
def test_theil_between_and_within_sum_to_the_whole(rows: list[tuple[float, float, str]]) -> None:
    amount, people, groups = _columns(rows)
    whole = theil(amount, people, ["one"] * len(amount))
    alone = theil(amount, people, [str(i) for i in range(len(amount))])
    assert whole[0] == pytest.approx(0.0, abs=1e-12)
    assert alone[1] == pytest.approx(0.0, abs=1e-12)
    assert sum(theil(amount, people, groups)) == pytest.approx(whole[1], rel=1e-9, abs=1e-9)
    assert alone[0] == pytest.approx(whole[1], rel=1e-9, abs=1e-9)


@given(people_and_amounts, st.floats(0.01, 100.0))
def test_inequality_does_not_depend_on_units(rows: list[tuple[float, float, str]], factor: float) -> None:
    amount, people, groups = _columns(rows)
    assert theil(factor * amount, people, groups) == pytest.approx(theil(amount, people, groups), rel=1e-6, abs=1e-9)
    assert gini(amount, factor * people) == pytest.approx(gini(amount, people), rel=1e-6, abs=1e-9)


@given(people_and_amounts)
def test_gini_lies_between_none_and_all(rows: list[tuple[float, float, str]]) -> None:
    amount, people, _ = _columns(rows)
    assert -1e-12 <= gini(amount, people) < 1.0


def test_the_same_per_head_is_no_inequality() -> None:
    people = np.array([1.0, 20.0, 3.0])
    assert gini(7.0 * people, people) == pytest.approx(0.0, abs=1e-12)
    assert theil(7.0 * people, people, ["a", "b", "a"]) == pytest.approx((0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 31])
def test_one_who_has_all(n: int) -> None:
    amount, people = np.eye(n)[0], np.ones(n)
    assert gini(amount, people) == pytest.approx(1 - 1 / n)
    assert theil(amount, people, ["a"] * n)[1] == pytest.approx(np.log(n))


@pytest.mark.parametrize("n", [2, 4, 100])
def test_gini_of_the_first_whole_numbers(n: int) -> None:
    assert gini(np.arange(1.0, n + 1), np.ones(n)) == pytest.approx((n - 1) / (3 * n))


def test_population_is_a_weight() -> None:
    """A province of three million with the same per head is three provinces of one million."""
    merged = (
        gini(np.array([6.0, 1.0]), np.array([3.0, 1.0])),
        theil(np.array([6.0, 1.0]), np.array([3.0, 1.0]), ["a"] * 2),
    )
    split = np.array([2.0, 2.0, 2.0, 1.0])
    assert merged[0] == pytest.approx(gini(split, np.ones(4)))
    assert merged[1] == pytest.approx(theil(split, np.ones(4), ["a"] * 4))


def test_served_share_counts_the_unserved_as_lost() -> None:
    steering = pd.DataFrame({"site": ["A", "unserved", "B"], "work_eflopsh": [6.0, 1.0, 3.0]})
    assert served_frac(steering) == pytest.approx(0.9)


def test_only_work_from_the_east_to_the_west_counts() -> None:
    flows = pd.DataFrame(
        {
            "region": ["East", "East", "West"],
            "site": ["Plateau", "East local", "Plateau"],
            "work_eflopsh": [4.0, 2.0, 1.0],
        }
    )
    assert east_west_eflopsh(two_site_case(), flows) == 4.0


def test_indicators_of_a_plan_agree_with_its_tables(plan: Plan) -> None:
    tables = plan_tables(plan)
    table = indicators(plan.case, tables)
    nation = table[table["scope"] == "nation"].set_index("indicator")["value"]
    dispatch, green = tables["dispatch"], tables["green"]
    cluster = dispatch[dispatch["site"] == "Plateau"]
    assert nation["utilisation"] == pytest.approx(dispatch["load_eflops"].sum() / dispatch["capacity_eflops"].sum())
    assert nation["western cluster utilisation"] == pytest.approx(
        cluster["load_eflops"].sum() / cluster["capacity_eflops"].sum()
    )
    claimed = green["direct_mwh"].sum() + green["certificate_mwh"].sum()
    assert nation["green share of clusters"] == pytest.approx(claimed / green["consumption_mwh"].sum())
    assert nation["Theil of dispatched compute per head"] == pytest.approx(
        nation["Theil between zones"] + nation["Theil within zones"]
    )
    assert 0 < nation["work sent from the east to the west"] <= tables["flows"]["work_eflopsh"].sum()


def test_occupancy_counts_what_stands(strained_plan: Plan) -> None:
    """Pods on over pods installed, lit and built; racks filled over racks built."""
    tables = plan_tables(strained_plan)
    nation = indicators(strained_plan.case, tables).query("scope == 'nation'").set_index("indicator")["value"]
    program, x = strained_plan.program, strained_plan.x
    lit, built = (program.values(name, x).sum() for name in ("fleet.lit", "expansion.pods"))
    assert lit >= 1
    assert built >= 1
    on = program.values("fleet.pods_on", x).sum() / 4
    assert nation["occupancy of pods"] == pytest.approx(on / (5 + lit + built))
    assert nation["occupancy of racks"] == pytest.approx((5 + lit) / (5 + 1))


def test_zones_by_where_work_is_asked_for_and_where_it_is_done(strained_plan: Plan) -> None:
    tables, case = plan_tables(strained_plan), strained_plan.case
    table = indicators(case, tables).set_index(["scope", "indicator"])["value"]
    steering = tables["steering"]
    lost = steering.query("site == 'unserved' and region == 'East'")["work_eflopsh"].sum()
    assert lost > 0.5
    asked = case.demand_eflops[case.regions.index("East")].sum()
    assert table["zone east", "served within latency"] == pytest.approx(1 - lost / asked)
    assert table["zone west", "served within latency"] == pytest.approx(1.0)
    mean = tables["dispatch"].groupby("site")["load_eflops"].mean()
    assert table["zone east", "dispatched compute per head"] == pytest.approx(mean["East local"] / 50.0)
    assert table["zone west", "dispatched compute per head"] == pytest.approx(mean["Plateau"] / 10.0)


def test_shares_lie_between_none_and_all(any_plan: Plan) -> None:
    table = indicators(any_plan.case, plan_tables(any_plan))
    assert not table.duplicated(["scope", "indicator"]).any()
    shares = table[table["unit"] == "frac"]
    assert len(shares) > 20
    lit = shares["indicator"].str.contains("utilisation")  # over installed machines: more than all with what was lit
    assert shares.loc[~lit, "value"].between(0, 1 + 1e-9).all()
