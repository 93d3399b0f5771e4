"""The report in a browser that has no network: it opens, answers, prints, and lets no name become code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubs import InputError
from optimizer.report.page import render, script_json, write_page
from optimizer.runs.store import Run
from tests.cases import two_site_case

EVIL = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=2'><b>x</b>\"'&{{7*7}}"
Open = Callable[..., Any]


def test_opens_offline_without_a_word_of_complaint(run: Run, visit: Open) -> None:
    seen = visit(run.folder / "report.html")
    seen.page.mouse.wheel(0, 20_000)
    assert seen.faults == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert seen.page.locator(".plot").count() == 10
    assert seen.page.locator("h1").inner_text() == "two-site"


def test_what_is_seen_is_what_is_exact(run: Run, visit: Open) -> None:
    page = visit(run.folder / "report.html").page
    cost = page.locator("[data-figure=objective_kcny]")
    assert cost.is_visible()
    assert float(cost.get_attribute("data-value")) == run.manifest["objective_kcny"]
    assert cost.inner_text() == f"{run.manifest['objective_kcny']:,.2f} thousand CNY"


def test_selector_shows_one_site(run: Run, visit: Open) -> None:
    seen = visit(run.folder / "report.html")
    page, load = seen.page, run.table("load")

    def drawn() -> float:
        return page.evaluate(
            "document.getElementById('dispatch').data.filter(t => t.type === 'bar').flatMap(t => Array.from(t.y))"
            ".reduce((a, b) => a + b, 0)"
        )

    assert drawn() == pytest.approx(load["load_eflops"].sum(), abs=0.01)
    page.get_by_label("Site", exact=False).first.focus()
    page.select_option("#site", label="Plateau")
    mine = load.loc[load["site"] == "Plateau", "load_eflops"].sum()
    assert 0 < mine < load["load_eflops"].sum()
    assert drawn() == pytest.approx(mine, abs=0.01)
    told = re.fullmatch(
        r"Plateau: (.*) EFLOPS·h, (.*) % of its usable capacity", page.locator("#site-shown").inner_text()
    )
    assert told
    assert float(told[1]) == pytest.approx(mine, abs=0.06)
    dispatch = run.table("dispatch").query("site == 'Plateau'")
    assert float(told[2]) == pytest.approx(100 * mine / dispatch["capacity_eflops"].sum(), abs=0.06)
    assert page.locator("#dispatch").get_attribute("aria-label").startswith("Plateau: ")
    assert seen.faults == []


def test_hover_tells_the_numbers(run: Run, visit: Open) -> None:
    page = visit(run.folder / "report.html").page
    plot = page.locator("#dispatch .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    for part in (0.52, 0.55):
        page.mouse.move(box["x"] + part * box["width"], box["y"] + 0.5 * box["height"])
    page.locator("#dispatch .hoverlayer .legend").wait_for(timeout=5000)
    words = page.locator("#dispatch .hoverlayer").text_content()
    assert "training jobs" in words
    assert "usable capacity" in words


def test_legend_filters(run: Run, visit: Open) -> None:
    page = visit(run.folder / "report.html").page
    assert page.evaluate("document.getElementById('flows').data.map(t => t.visible)").count("legendonly") == 2
    page.locator("#flows .legendtoggle").last.click()
    page.wait_for_timeout(600)  # plotly waits for a second click before it acts on the first
    assert page.evaluate("document.getElementById('flows').data.map(t => t.visible)").count("legendonly") == 0


def test_names_never_become_code(parts: Any, write: Callable[..., Run], visit: Open) -> None:
    renamed = {
        name: table.replace({"Plateau": EVIL, "chat": f"{EVIL} b", "train": f"{EVIL} <b>j</b>", "trunk": f"{EVIL} l"})
        for name, table in parts[1].items()
        if name != "facts"
    }
    facts = parts[1]["facts"].copy()
    facts.loc[facts["status"] == "estimated", "note"] = EVIL
    sources = parts[1]["sources"].assign(title=EVIL, url="javascript:window.hacked=3")
    evil = write(
        {"scenario": EVIL, "why": f"why {EVIL}", "options": {EVIL: EVIL}},
        **renamed | {"facts": facts, "sources": sources},
    )
    path = evil.folder / "report.html"
    write_page(evil, path)
    seen = visit(path)
    assert seen.faults == []
    assert seen.page.evaluate("window.hacked") is None
    assert seen.page.locator("h1").inner_text() == EVIL
    assert seen.page.locator("img").count() == 0
    assert seen.page.locator("a[href^='javascript']").count() == 0
    assert seen.page.locator("script").count() == 4
    seen.page.select_option("#site", label=EVIL)
    assert EVIL in seen.page.locator("#jobs .yaxislayer-above").text_content().replace("\u200b", "")
    assert seen.page.evaluate("window.hacked") is None


def test_script_json_holds_what_it_was_given() -> None:
    held = {"</script>": "<!-- & ' \u2028 中文", "number": 0.1}
    text = str(script_json(held))
    assert not set(text) & set("<>&'")
    assert json.loads(text) == held


def test_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        script_json({"bad": float("nan")})


EMPTY = {
    "jobs": ("jobs",),
    "batch": ("batch",),
    "jobs and batch": ("jobs", "batch"),
    "network": ("network",),
    "green power": ("green", "renewable"),
}


@pytest.mark.parametrize("gone", EMPTY.values(), ids=EMPTY)
def test_a_block_left_out_still_makes_a_page(
    gone: tuple[str, ...], write: Callable[..., Run], solve_parts: Callable[..., Any], visit: Open
) -> None:
    case = two_site_case()
    bare = write(other=solve_parts(two_site_case(blocks=tuple(b for b in case.blocks if b not in gone))))
    path = bare.folder / "report.html"
    write_page(bare, path)
    seen = visit(path)
    assert seen.faults == []
    text = seen.page.locator("main").inner_text()
    assert ("This run has no training jobs." in text) == ("jobs" in gone)
    assert ("This run has no links" in text) == ("network" in gone)
    assert float(seen.page.locator("[data-figure=objective_kcny]").get_attribute("data-value")) > 0


def test_no_work_at_all_still_makes_a_page(write: Callable[..., Run], parts: Any, visit: Open) -> None:
    names = ("load", "flows", "steering", "batch", "jobs", "links", "green")
    nothing = write(**{name: parts[1][name].iloc[:0] for name in names})
    path = nothing.folder / "report.html"
    write_page(nothing, path)
    seen = visit(path)
    assert seen.faults == []
    assert seen.page.locator(".plot").count() >= 4


def test_paper_cuts_no_figure(run: Run, visit: Open) -> None:
    page = visit(run.folder / "report.html").page
    widths = "[...document.querySelectorAll('.plot > div .main-svg')].map(s => s.getBoundingClientRect().width)"
    wide = page.evaluate(widths)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.wait_for_timeout(100)
    assert max(page.evaluate(widths)) <= 703  # A4 less the margins, at 96 pixels an inch
    assert page.locator("nav").first.is_hidden()
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(200)
    assert page.evaluate(widths) == pytest.approx(wide, abs=1)
    assert len(page.pdf(prefer_css_page_size=True)) > 10_000


@pytest.mark.parametrize("width_px", [400, 1600])
def test_page_fits_its_window(width_px: int, run: Run, visit: Open) -> None:
    page = visit(run.folder / "report.html", width_px).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_timeout(500)  # plotly waits a moment before it follows its window
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    room, map_px = (page.locator(place).bounding_box()["width"] for place in ("#flows", "#flows .main-svg >> nth=0"))
    assert map_px == pytest.approx(room, abs=1)


def test_every_figure_can_be_read_without_seeing_it(run: Run, visit: Open) -> None:
    page = visit(run.folder / "report.html").page
    for plot in page.locator(".plot").all():
        assert plot.get_attribute("role") == "img"
        assert len(plot.get_attribute("aria-label")) > 20
        section = plot.locator("xpath=ancestor::section[1]")
        assert section.locator("table").count() >= 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#table-flows summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#figure-flows table").is_visible()


def test_one_file_with_plotly_once_and_no_address_to_fetch(run: Run) -> None:
    html = render(run)
    assert html.count("plotly.js v") == 1
    outside = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"<(script|link|img|iframe)[^>]*\s(src|href)=['\"]?(https?:)?//", outside)
    assert "default-src 'none'" in outside


def test_writing_replaces_the_file_whole(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    write_page(run, path)
    assert path.read_text(encoding="utf-8") == render(run)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_input_error(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the report cannot be written") as caught:
        write_page(run, tmp_path / "nowhere" / "report.html")
    assert "choose another --out" in str(caught.value)


def test_a_missing_table_is_an_input_error(write: Callable[..., Run]) -> None:
    with pytest.raises(InputError, match="no table 'dispatch'"):
        render(write(dispatch=None))


def test_a_name_like_a_date_stays_a_name(write: Callable[..., Run], parts: Any) -> None:
    numbered = {name: table.replace({"Plateau": "2025-07-14", "chat": "7"}) for name, table in parts[1].items()}
    html = render(write(**numbered))
    specs = json.loads(re.search(r'id="specs">(.*?)</script>', html, re.DOTALL)[1])
    assert specs["carbon"]["layout"]["yaxis"]["type"] == "category"
    assert "2025-07-14" in specs["carbon"]["data"][0]["y"]
