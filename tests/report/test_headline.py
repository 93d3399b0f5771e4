"""The numbers on the page are the run's, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from math import fsum

import pytest

from optimizer.report.page import render
from optimizer.runs.store import Run


class Figures(HTMLParser):
    """data-figure -> (data-value, text shown) of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}
        self._name = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if "data-figure" in named:
            self._name = named["data-figure"] or ""
            assert self._name not in self.found
            self.found[self._name] = (named["data-value"] or "", "")

    def handle_data(self, data: str) -> None:
        if self._name:
            self.found[self._name] = (self.found[self._name][0], data)
            self._name = ""

    def value(self, name: str) -> float:
        return float(self.found[name][0])


def test_headline_numbers_are_the_runs(run: Run) -> None:
    shown, told = Figures(render(run)), run.manifest
    assert shown.value("objective_kcny") == told["objective_kcny"]
    assert shown.value("objective_cny") == 1e3 * told["objective_kcny"]
    assert shown.value("gap_frac") == told["gap_frac"]
    assert shown.value("bound_kcny") == told["bound_kcny"]
    assert shown.value("gap_cny") == 1e3 * (told["objective_kcny"] - told["bound_kcny"])
    assert shown.value("greedy_kcny") == told["greedy_kcny"]
    assert shown.value("saving_kcny") == told["greedy_kcny"] - told["objective_kcny"]


def test_headline_shares_and_carbon_follow_from_the_tables(run: Run) -> None:
    shown = Figures(render(run))
    dispatch, flows, steering, green = (run.table(n) for n in ("dispatch", "flows", "steering", "green"))
    assert shown.value("carbon_location_tco2") == pytest.approx(dispatch["carbon_location_tco2"].sum(), rel=1e-12)
    assert shown.value("carbon_market_tco2") == pytest.approx(dispatch["carbon_market_tco2"].sum(), rel=1e-12)
    used = dispatch["load_eflops"].sum() / dispatch["capacity_eflops"].sum()
    assert shown.value("utilisation_frac") == pytest.approx(used, rel=1e-12)
    west = dispatch[dispatch["site"] == "Plateau"]
    western = west["load_eflops"].sum() / west["capacity_eflops"].sum()
    assert shown.value("western_utilisation_frac") == pytest.approx(western, rel=1e-12)
    assert shown.value("cluster_utilisation_frac") == pytest.approx(western, rel=1e-12)
    served = steering.loc[steering["site"] != "unserved", "work_eflopsh"].sum() / steering["work_eflopsh"].sum()
    assert shown.value("served_frac") == pytest.approx(served, rel=1e-12)
    sent = flows.loc[(flows["region"] == "East") & (flows["site"] == "Plateau"), "work_eflopsh"].sum()
    assert shown.value("east_west_eflopsh") == pytest.approx(sent, rel=1e-12)
    assert shown.value("east_west_frac") == pytest.approx(sent / flows["work_eflopsh"].sum(), rel=1e-12)
    claimed = (green["direct_mwh"] + green["certificate_mwh"]).sum()
    assert shown.value("green_frac") == pytest.approx(claimed / green["consumption_mwh"].sum(), rel=1e-12)


def test_reconciliation_is_the_sum_of_items_less_the_objective(run: Run) -> None:
    shown, html = Figures(render(run)), render(run)
    left = fsum(run.table("cost_items")["cost_kcny"]) - run.manifest["objective_kcny"]
    assert shown.value("reconciliation_kcny") == left
    assert shown.found["reconciliation_kcny"][1] == repr(left)
    assert "within one millionth of the objective" in html


def test_items_that_do_not_add_up_are_called_out(run: Run, write: Callable[..., Run]) -> None:
    spoilt = run.table("cost_items").assign(cost_kcny=lambda t: t["cost_kcny"] * 1.01)
    html = render(write(cost_items=spoilt))
    left = fsum(spoilt["cost_kcny"]) - run.manifest["objective_kcny"]
    assert Figures(html).value("reconciliation_kcny") == left
    assert "do not use this plan" in html


def test_a_run_without_a_greedy_plan_says_why(write: Callable[..., Run]) -> None:
    bare = write({"greedy_kcny": None, "greedy_note": "no room for job <7>"}, greedy_cost_items=None)
    html = render(bare)
    assert "no greedy plan: no room for job &lt;7&gt;" in html
    assert Figures(html).found["greedy_kcny"] == ("", "–")
    assert "greedy, kCNY" not in html


def test_a_plan_that_costs_more_than_greedy_is_not_called_a_saving(write: Callable[..., Run], run: Run) -> None:
    worse = render(write({"greedy_kcny": run.manifest["objective_kcny"] / 2}))
    assert Figures(worse).value("saving_kcny") == pytest.approx(-run.manifest["objective_kcny"] / 2)
    assert "the plan costs more by" in worse


def test_a_run_without_a_bound_claims_no_gap(write: Callable[..., Run]) -> None:
    html = render(
        write({"bound_kcny": None, "gap_frac": None, "stop": "time limit", "status": "feasible at time limit"})
    )
    assert Figures(html).found["gap_frac"] == ("", "–")
    assert "no bound was proved" in html
    assert '<strong class="fair">feasible at time limit</strong>' in html
