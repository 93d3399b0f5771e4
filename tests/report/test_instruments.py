"""Sections that only some runs have: there with their numbers when the block is, not a word of them when it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from optimizer.report.cards import account_table
from optimizer.report.greencards import claims_card
from optimizer.report.instruments import sections
from optimizer.report.page import render, write_page
from optimizer.runs.store import Run
from tests.report.conftest import Parts, run_parts, strained_case

NAMES = ("transfers", "built", "batteries", "positions")
NEW = (
    "claims",
    "regional_carbon",
    "agreements",
    "transfers",
    "regional_accounts",
    "storage",
    "expansion",
    "delivery",
    "positions",
    "fleet",
)


@pytest.fixture(scope="module")
def strained_parts() -> Parts:
    return run_parts(strained_case())


@pytest.fixture
def strained(write: Callable[..., Run], strained_parts: Parts) -> Run:
    return write(other=strained_parts)


class Cells(HTMLParser):
    """caption -> rows of cells of every table of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._in = self._caption = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._rows.append([])
        if tag in ("caption", "th", "td"):
            self._in = tag
            if tag != "caption":
                self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._rows = self.tables.setdefault(self._caption.strip(), [])
            self._caption = ""
        if tag == self._in:
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "caption":
            self._caption += data
        elif self._in:
            self._rows[-1][-1] += data


def _amount(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def test_a_plain_run_has_none_of_the_sections(run: Run) -> None:
    assert sections(run) == ()
    html = render(run)
    assert not [name for name in NAMES if f'aria-labelledby="{name}"' in html]
    assert "as are batteries, embodied carbon and water" in html
    assert "in this run also" not in html


def test_a_run_with_every_instrument_has_every_section(strained: Run) -> None:
    assert tuple(section.name for section in sections(strained)) == NAMES
    html = render(strained)
    for name in NAMES:
        assert f'href="#{name}"' in html
        assert f'<h2 id="{name}">' in html
    assert "as are embodied carbon and water" in html
    assert "in this run also which regions agree with which hubs, what is built, when batteries are charged" in html


def test_accounts_on_the_page_are_those_of_the_run(strained: Run) -> None:
    tables = Cells(render(strained)).tables
    head, *rows = tables["各方账户 Accounts of regions and hubs"]
    assert head[-1] == "net, kCNY"
    accounts = strained.table("regional_accounts")
    net = {name.split(" (")[0]: _amount(cells[-1]) for name, *cells in rows}
    for party, amount in zip(accounts["party"], accounts["net_kcny"], strict=True):
        assert net.get(party, 0.0) == pytest.approx(amount, abs=0.0051)
    assert net["合计 total"] == pytest.approx(accounts["hosting_cost_kcny"].sum(), abs=0.0051)
    assert "1 of 3 parties neither pay nor receive" in render(strained)


def test_claims_on_the_page_sum_to_the_claims_of_the_run(strained: Run) -> None:
    tables, claims = Cells(render(strained)).tables, strained.table("claims")
    _, cluster, total = tables["绿色权益归属 Green claims by source"]
    assert cluster[0] == "Plateau"
    assert total[1:] == cluster[1:]
    *by_source, sold = map(_amount, cluster[1:])
    assert sum(by_source) == pytest.approx(claims["mwh"].sum(), abs=0.05)
    assert sold == pytest.approx(claims.loc[claims["claimant"] == "East", "mwh"].sum(), abs=0.0051)
    carbon = tables["按需求地的碳排放 Carbon by the region that asked for the work"]
    dispatch = strained.table("dispatch")
    assert _amount(carbon[-1][-2]) == pytest.approx(dispatch["carbon_location_tco2"].sum(), abs=0.0051)
    assert _amount(carbon[-1][-1]) == pytest.approx(dispatch["carbon_market_tco2"].sum(), abs=0.0051)


def test_what_is_built_lost_and_owed_is_on_the_page(strained: Run) -> None:
    tables = Cells(render(strained)).tables
    built = {(row[1], row[3]): _amount(row[4]) for row in tables["新建设施 Pods, plants and wavelengths built"][1:]}
    offered = strained.table("expansion").set_index(["place", "unit"])["built"]
    for place, unit in (("Plateau", "pods"), ("trunk", "wavelengths")):
        assert built[place, unit] == pytest.approx(offered[place, unit], abs=1e-6)
        assert built[place, unit] >= 1
    (battery,) = tables["储能运行 Batteries by cluster"][1:]
    assert _amount(battery[4]) == pytest.approx(strained.table("storage")["loss_mwh"].sum(), abs=0.0051)
    positions = tables["远期合约交割 Delivery under forward positions"][1:]
    damages = sum(_amount(row[-1]) for row in positions)
    assert damages == pytest.approx(strained.manifest["cost_items"]["non_delivery"], abs=0.01)
    assert damages > 1


def test_shown_accounts_open_without_a_word_of_complaint(strained: Run, visit: Callable[..., Any]) -> None:
    path = strained.folder / "report.html"
    write_page(strained, path)
    seen = visit(path, 400)
    assert seen.faults == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 400
    seen.page.locator("nav a[href='#transfers']").click()
    assert seen.page.locator("#transfers").is_visible()
    section = seen.page.locator("section[aria-labelledby=transfers]")
    section.locator("summary").first.click()
    assert section.locator("details table").first.is_visible()


def test_names_in_accounts_never_become_code(
    write: Callable[..., Run], strained_parts: Parts, visit: Callable[..., Any]
) -> None:
    evil = "<img src=x onerror='window.hacked=1'>"
    swap = {"Plateau": evil, "East": f"{evil}E", "West hub": f"{evil}H", "forward": f"{evil}F", "trunk": f"{evil}T"}
    tables = {name: table.replace(swap) for name, table in strained_parts[1].items() if name != "facts"}
    marked = write(other=(strained_parts[0], strained_parts[1] | tables))
    write_page(marked, marked.folder / "report.html")
    seen = visit(marked.folder / "report.html")
    assert seen.faults == []
    assert seen.page.locator("img").count() == 0
    assert seen.page.evaluate("window.hacked") is None
    assert evil in seen.page.locator("section[aria-labelledby=built]").text_content()


def test_a_run_of_an_earlier_version_is_still_shown(write: Callable[..., Run], parts: Parts) -> None:
    """Without the newer tables and columns, as runs on disk may be."""
    green = parts[1]["green"].drop(columns=["new_mwh", "conveyed_mwh"])
    indicators = parts[1]["indicators"].query("not scope.str.startswith('region')")
    old = write(**dict.fromkeys(NEW), green=green, indicators=indicators)
    assert sections(old) == ()
    assert claims_card(old) is None
    html = render(old)
    assert "Green claims by source" not in html
    assert "分省指标" not in html


def test_zones_and_regions_have_their_indicators(run: Run) -> None:
    tables, table = Cells(render(run)).tables, run.table("indicators").set_index(["scope", "indicator"])["value"]
    head, *rows = tables["分省指标 By region"]
    assert head == ["region", "boundary", "boundary, own province", "isolation of high-value work"]
    for name, *cells in rows:
        assert cells[0] == "100.0 %"
        shown = float(re.sub(r"[ %]", "", cells[2])) / 100
        assert shown == pytest.approx(table[f"region {name}", "isolation of high-value work"], abs=0.0006)
    assert [row[0] for row in rows] == ["East", "West"]
    assert len(tables["分区指标 Indicators by zone"]) == 3


def test_totals_are_the_sums_of_their_columns() -> None:
    rows = [(("a", "x"), [1.0, -2.5]), (("b", "y"), [0.25, 2.5])]
    table = account_table(("name", "of", "one", "two"), rows, total=True)
    assert table.rows[-1] == ("合计 total", "", "1.25", "0.00")
    assert table.numeric == {2, 3}
    assert account_table(("name", "one"), [], total=True).rows == ()
