"""Price curves: duals of the plan, weighted by load, and the prices of energy that the case gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hubs import InputError
from optimizer.market.duals import price_plan
from optimizer.market.prices import prices_table
from optimizer.report import computeprices
from optimizer.report.augmented import with_prices
from optimizer.report.computeprices import compute_prices
from optimizer.report.pricecurves import price_figure, tariff_figure
from optimizer.runs.store import Run
from optimizer.solve.solution import Plan


def test_prices_kept_are_those_of_the_market(any_plan: Plan) -> None:
    kept = compute_prices(any_plan)
    assert kept is not None
    theirs = prices_table(price_plan(any_plan.program, any_plan.x), any_plan.case)
    assert list(kept["site"]) == list(theirs["site"])
    assert list(kept["hour"]) == list(theirs["hour"])
    np.testing.assert_allclose(kept["price_kcny_per_eflopsh"], theirs["price_fixed_kcny_per_eflopsh"], rtol=1e-9)
    assert kept["price_kcny_per_eflopsh"].notna().any()


def test_a_large_programme_is_not_priced(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computeprices, "MOST_COLUMNS", plan.program.columns - 1)
    assert compute_prices(plan) is None


def priced(run: Run, prices: dict[tuple[str, int], float]) -> pd.DataFrame:
    table = run.table("prices")
    table["price_kcny_per_eflopsh"] = [prices[key] for key in zip(table["site"], table["hour"], strict=True)]
    return table


def test_curves_weigh_by_load_and_leave_gaps(write: Callable[..., Run], parts: Any) -> None:
    """Two clusters of one hub, and an hour in which neither has a price."""
    dispatch = parts[1]["dispatch"].copy()
    second = dispatch[dispatch["site"] == "Plateau"].assign(site="Mesa", load_eflops=[1.0, 0.0, 3.0, 1.0])
    sites = parts[1]["sites"]
    mesa = sites[sites["site"] == "Plateau"].assign(site="Mesa")
    hours = range(4)
    first = dispatch["site"] == "Plateau"
    dispatch.loc[first, "load_eflops"] = [3.0, 2.0, 1.0, 1.0]
    prices = {("Plateau", t): 1.0 + t for t in hours} | {("Mesa", t): 5.0 for t in hours}
    prices |= {("East local", t): 9.0 for t in hours} | {("Plateau", 3): np.nan, ("Mesa", 3): np.nan}
    table = pd.DataFrame([(*key, kcny) for key, kcny in prices.items()], columns=list(parts[1]["prices"].columns))
    run = write(dispatch=pd.concat([dispatch, second]), sites=pd.concat([sites, mesa]), prices=table)
    (curve,) = price_figure(run).data
    assert curve["name"] == str(mesa["hub"].iloc[0])
    expected = [(3 * 1 + 1 * 5) / 4, 2.0, (1 * 3 + 3 * 5) / 4]
    assert curve["y"][:3] == pytest.approx(expected)
    assert curve["y"][3:] == [None, None]


def test_energy_prices_are_those_of_the_case(run: Run, plan: Plan) -> None:
    (curve,) = tariff_figure(run).data
    cluster = plan.case.sites.index("Plateau")
    assert curve["y"][:-1] == pytest.approx(plan.case.energy_kcny_per_mwh[cluster].tolist())


def test_a_run_without_prices_says_how_to_get_them(write: Callable[..., Run]) -> None:
    bare = write(prices=None)
    assert "computegrid prices RUN" in price_figure(bare).note
    assert not price_figure(bare).data


def test_prices_of_another_run_are_refused(run: Run) -> None:
    right = run.table("prices").rename(columns={"price_kcny_per_eflopsh": "price_fixed_kcny_per_eflopsh"})
    shuffled = right.sample(frac=1.0, random_state=1)
    assert price_figure(with_prices(run, shuffled, "p.csv")).data == price_figure(run).data
    for wrong, words in (
        (right.iloc[1:], "not the sites and hours"),
        (pd.concat([right, right.iloc[:1]]), "not the sites and hours"),
        (right.drop(columns="hour"), "column hour is missing"),
    ):
        with pytest.raises(InputError, match=words):
            with_prices(run, wrong, "p.csv")


def test_tables_beside_a_run_leave_it_as_it_is(run: Run, tmp_path: Path) -> None:
    right = run.table("prices").rename(columns={"price_kcny_per_eflopsh": "price_fixed_kcny_per_eflopsh"})
    more = with_prices(run, right.assign(price_fixed_kcny_per_eflopsh=7.0), "p.csv")
    assert (more.table("prices")["price_kcny_per_eflopsh"] == 7.0).all()
    assert more.manifest == run.manifest
    assert not (run.table("prices")["price_kcny_per_eflopsh"] == 7.0).all()
