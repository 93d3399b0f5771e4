"""The report of the national day as it is delivered: its numbers, its figures in a browser, its reach."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from optimizer.report.page import write_page
from optimizer.runs.store import Run
from optimizer.workflow import solve

Open = Callable[..., Any]

CONTRAST = """
() => {
  const part = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * part(r / 255) + 0.7152 * part(g / 255) + 0.0722 * part(b / 255);
  const read = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = {}, walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const at = walker.currentNode.parentElement, style = getComputedStyle(at);
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(at.tagName)) continue;
    if (style.visibility === "hidden" || style.display === "none") continue;
    // What the legend has switched off is drawn at half strength on purpose.
    if (at.closest(".traces")?.style.opacity < 1) continue;
    const svg = at.closest("svg"), ink = read(svg ? style.fill : style.color);
    const below = ground(svg ? svg.parentElement : at), alpha = ink.length > 3 ? ink[3] : 1;
    const mixed = ink.slice(0, 3).map((v, i) => alpha * v + (1 - alpha) * below[i]);
    const [high, low] = [light(mixed), light(below)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05), px = parseFloat(style.fontSize);
    const large = px >= 24 || (px >= 18.66 && parseInt(style.fontWeight) >= 700);
    seen += 1;
    const words = walker.currentNode.textContent.trim();
    if (ratio < (large ? 3 : 4.5)) faint[`${style.color} ${style.fill}`] = [words, ratio];
  }
  return [seen, faint];
}
"""


PLACE = """
(name) => {
  const plot = document.getElementById(name);
  plot.scrollIntoView({ block: "center", behavior: "instant" });
  const marks = [...plot.querySelectorAll(".barlayer .point path, .scatterlayer .trace:last-child .point")];
  const wide = marks.map((mark) => mark.getBoundingClientRect()).filter((box) => box.width > 3 && box.height > 3);
  const box = wide.at(-1) || plot.querySelector(".nsewdrag").getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = solve("day", tmp_path_factory.mktemp("national") / "day", gap_frac=0.005).run
    assert run is not None
    return run


def from_tables(run: Run) -> dict[str, float]:
    """Every number of the first page, from the run's tables and manifest without the report's own code."""
    told, dispatch, flows = run.manifest, run.table("dispatch"), run.table("flows")
    sites, green, steering = run.table("sites").set_index("site"), run.table("green"), run.table("steering")
    clusters = dispatch[dispatch["site"].map(sites["kind"]) == "cluster"]
    west = clusters[clusters["site"].map(sites["zone"]) == "west"]
    zone = dict(zip(sites["region"], sites["zone"], strict=True))
    sent = flows[(flows["region"].map(zone) == "east") & (flows["site"].map(sites["zone"]) == "west")]
    used, room = "load_eflops", "capacity_eflops"
    claimed = green[["direct_mwh", "new_mwh", "certificate_mwh"]].to_numpy().sum()
    best, bound, rival = (told[key] for key in ("objective_kcny", "bound_kcny", "greedy_kcny"))
    lost = steering.loc[steering["site"] == "unserved", "work_eflopsh"].sum()
    return {
        "objective_kcny": best,
        "objective_cny": 1e3 * best,
        "gap_frac": (best - bound) / best,
        "gap_cny": 1e3 * (best - bound),
        "bound_kcny": bound,
        "greedy_kcny": run.table("greedy_cost_items")["cost_kcny"].sum(),
        "saving_kcny": rival - best,
        "saving_frac": 1 - best / rival,
        "carbon_location_tco2": dispatch["carbon_location_tco2"].sum(),
        "carbon_market_tco2": dispatch["carbon_market_tco2"].sum(),
        "green_frac": claimed / green["consumption_mwh"].sum(),
        "utilisation_frac": dispatch[used].sum() / dispatch[room].sum(),
        "cluster_utilisation_frac": clusters[used].sum() / clusters[room].sum(),
        "western_utilisation_frac": west[used].sum() / west[room].sum(),
        "served_frac": 1 - lost / steering["work_eflopsh"].sum(),
        "east_west_eflopsh": sent["work_eflopsh"].sum(),
        "east_west_frac": sent["work_eflopsh"].sum() / flows["work_eflopsh"].sum(),
    }  # fmt: skip


def test_first_page_is_the_tables(day: Run) -> None:
    html = (day.folder / "report.html").read_text(encoding="utf-8")
    tiles = html[html.index('class="tiles"') : html.index("<nav")]
    shown = {name: float(value) for name, value in re.findall(r'data-figure="(\w+)" data-value="([^"]+)"', tiles)}
    expected = from_tables(day)
    assert set(shown) == set(expected)
    for name, value in expected.items():
        assert shown[name] == pytest.approx(value, rel=1e-9), name


def test_workbook_is_stored_with_the_run_and_reconciles(day: Run) -> None:
    book = openpyxl.load_workbook(day.folder / "workbook.xlsx", read_only=True)
    rows = list(book["reconciliation"].iter_rows(values_only=True))
    column, agrees = rows[0].index("difference"), rows[0].index("agrees")
    assert len(rows) > 100
    assert all(row[agrees] for row in rows[1:])
    assert abs(sum(row[column] for row in rows[1:])) < 1e-6


def test_no_complaint_no_request_and_every_figure_answers(day: Run, visit: Open) -> None:
    seen = visit(day.folder / "report.html")
    names = [plot.get_attribute("id") for plot in seen.page.locator(".plot").all()]
    assert len(names) == 10
    for name in names:
        box = seen.page.evaluate(PLACE, name)
        for shift in (-1, 1):
            seen.page.mouse.move(box["x"] + shift, box["y"] + shift)
            seen.page.wait_for_timeout(60)
        label = seen.page.locator(f"#{name} .hoverlayer").locator(".hovertext, .legend").first
        label.wait_for(timeout=5_000)
        assert re.search(r"\d", label.text_content()), name
    assert seen.faults == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_what_is_shown_can_be_chosen_by_keyboard(day: Run, visit: Open) -> None:
    page = visit(day.folder / "report.html").page
    choose = page.locator("#figure-prices .choose")
    choose.locator("summary").focus()
    page.keyboard.press("Enter")
    hubs = choose.locator("input")
    assert hubs.count() == 8
    visible = "document.getElementById('prices').data.map(t => t.visible ?? true)"
    hubs.nth(2).focus()
    page.keyboard.press("Space")
    assert page.evaluate(visible) == [True, True, "legendonly", True, True, True, True, True]
    page.keyboard.press("Space")
    assert page.evaluate(visible) == [True] * 8
    page.evaluate("Plotly.restyle('prices', { visible: 'legendonly' }, [0])")
    assert not hubs.nth(0).is_checked()
    # The map's flows that are off at first are off in its boxes too, and a class is one box for lines and points.
    boxes = page.locator("#figure-flows .choose input")
    assert [box.is_checked() for box in boxes.all()].count(False) == 1


def test_words_stand_out_from_their_ground(day: Run, visit: Open) -> None:
    page = visit(day.folder / "report.html").page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    seen, faint = page.evaluate(CONTRAST)
    assert seen > 5_000
    assert faint == {}
    page.emulate_media(media="print")
    assert page.evaluate(CONTRAST)[1] == {}


def test_every_figure_has_words_and_a_table_behind_it(day: Run, visit: Open) -> None:
    page = visit(day.folder / "report.html").page
    for plot in page.locator(".plot").all():
        assert len(plot.get_attribute("aria-label")) > 20
        behind = page.locator(f"#{plot.get_attribute('aria-details')}")
        assert behind.locator("tbody tr").count() >= 1
    unmarked = page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
          while (walker.nextNode()) {
            const at = walker.currentNode, marked = at.parentElement.closest("svg, script, option, [lang^=zh]");
            if (!marked && /[\\u3400-\\u9fff]/.test(at.textContent)) found.push(at.textContent);
          }
          return found;
        }"""
    )
    assert unmarked == []
    assert page.evaluate("document.documentElement.lang") == "en"


def test_paper_holds_every_figure_whole(day: Run, visit: Open) -> None:
    page = visit(day.folder / "report.html").page
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.wait_for_timeout(200)
    sizes = page.evaluate(
        """() => [...document.querySelectorAll(".plot svg.main-svg:first-child")].map((svg) => {
          const text = [...svg.querySelectorAll("text")].map((t) => parseFloat(getComputedStyle(t).fontSize));
          return [svg.getBoundingClientRect().width, svg.getBoundingClientRect().height, Math.min(...text)];
        })"""
    )
    assert len(sizes) == 10
    for width_px, height_px, text_px in sizes:
        assert width_px <= 703  # A4 less its margins, at 96 pixels an inch
        assert height_px <= 1032
        assert text_px >= 9  # 7 points


def test_the_report_written_again_is_the_same(day: Run, tmp_path: Path) -> None:
    write_page(day, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (day.folder / "report.html").read_bytes()


def test_prices_and_tariffs_are_drawn(day: Run) -> None:
    html = (day.folder / "report.html").read_text(encoding="utf-8")
    specs = json.loads(re.search(r'id="specs">(.*?)</script>', html, re.DOTALL)[1])
    hubs = set(day.table("sites").query("kind == 'cluster'")["hub"])
    assert {trace["name"] for trace in specs["prices"]["data"]} == hubs
    assert len(specs["tariffs"]["data"]) == 10
    held = day.table("prices")["price_kcny_per_eflopsh"].dropna()
    drawn = [value for trace in specs["prices"]["data"] for value in trace["y"] if value is not None]
    assert held.min() - 1e-4 <= min(drawn) <= max(drawn) <= held.max() + 1e-4
