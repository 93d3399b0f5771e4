"""The desk in a browser, end to end: a scenario is copied, edited, mended, solved, compared and reported."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from optimizer.desk.app import make_app
from optimizer.desk.serving import _listening
from optimizer.runs.store import open_run

PAPER_PX = 703
"""A4 less the margins, at 96 pixels an inch."""
PAGES = ["/", "/runs/first", "/scenarios", "/scenarios/plain", "/library/everything", "/solve"]
OPAQUE = "(() => { try { return document.cookie } catch (refusal) { return refusal.name } })()"


class Visit:
    """A browser at the desk, everything it complained of, and every address it asked for."""

    def __init__(self, browser: Any, address: str) -> None:
        self.home, self.faults, self.requests = address.split("/?")[0], list[str](), list[str]()
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.context.set_default_timeout(180_000)
        self.context.on("page", self._follow)
        self.page = self.context.new_page()
        self.page.goto(address)

    def go(self, path: str) -> Any:
        self.page.goto(self.home + path)
        return self.page

    def opens(self, click: Callable[[], None]) -> Any:
        """The page that a click opens beside this one."""
        with self.context.expect_page() as info:
            click()
        info.value.wait_for_load_state()
        return info.value

    def _follow(self, page: Any) -> None:
        page.on("console", lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def elsewhere(self) -> list[str]:
        return [url for url in self.requests if not url.startswith((f"{self.home}/", "data:", "blob:"))]


@pytest.fixture(scope="module")
def served(solved: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of a desk that is served on the loopback."""
    folder = Path(shutil.copytree(solved, tmp_path_factory.mktemp("served") / "runs"))
    (folder / "scenarios").mkdir()
    text = 'extends = "day"\nwhy = "A plain day, to be looked at."\n'
    (folder / "scenarios" / "plain.toml").write_text(text, encoding="utf-8")
    with _listening(0) as listening:
        guard = make_app(folder, listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(guard, log_level="warning", http="h11", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield guard.address(), folder
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def visit(browser: Any, served: tuple[str, Path]) -> Iterator[Visit]:
    made = Visit(browser, served[0])
    yield made
    made.context.close()
    assert made.faults == []
    assert made.elsewhere() == []


def test_a_scenario_is_edited_solved_and_compared(visit: Visit, served: tuple[str, Path]) -> None:
    page, folder = visit.page, served[1]
    assert "token" not in page.url
    page.get_by_role("link", name="Scenarios").click()
    page.select_option("#source", "tiny")
    page.get_by_label("Name of the copy").fill("mini")
    page.get_by_role("button", name="Copy and edit").click()
    page.wait_for_url("**/scenarios/mini")
    text, verdict = page.locator("#text"), page.locator("#verdict")
    page.locator("#verdict.good").wait_for()
    assert page.locator("#lines span").count() == text.input_value().count("\n") + 1

    right = text.input_value().replace("mean_eflops = 2", "mean_eflops = 3")
    wrong = right.replace('carbon_ledger = "location"', 'carbon_ledger = "both"')
    line = wrong.splitlines().index('carbon_ledger = "both"') + 1
    text.fill(wrong)
    page.locator("#verdict.bad").wait_for()
    assert "1 fault" in verdict.inner_text()
    assert page.locator("#lines .wrong").inner_text() == str(line)
    page.get_by_role("button", name=f"line {line}").click()
    chosen = "text => text.value.slice(text.selectionStart, text.selectionEnd)"
    assert text.evaluate(chosen) == 'carbon_ledger = "both"'
    page.keyboard.type('carbon_ledger = "market"')
    page.locator("#verdict.good").wait_for()
    page.keyboard.press("Control+s")
    page.get_by_text("已保存 · Saved.").wait_for()
    assert 'carbon_ledger = "market"' in (folder / "scenarios" / "mini.toml").read_text(encoding="utf-8")

    page.get_by_label("Gap to prove").fill("0.01")
    page.get_by_role("button", name="Save and solve").click()
    page.wait_for_url("**/solve")
    page.locator("#state.good").wait_for()
    assert page.locator("#chart polyline").count() == 2
    assert "best plan costs" in page.locator("#chart").get_attribute("aria-label")
    assert page.locator("#stages tr").count() >= 4
    page.get_by_role("link", name="Compare with another run").click()
    run = page.url.split("chosen=")[1]
    assert open_run(folder / run).manifest["options"]["gap_frac"] == pytest.approx(1e-4)
    assert open_run(folder / run).manifest["scenario"] == "mini"

    page.get_by_role("checkbox", name="compare first").check()
    compared = visit.opens(page.get_by_role("button", name="Compare the chosen").click)
    assert compared.url.endswith(f"/compare?run={run}&run=first")
    assert "mean_eflops" in compared.locator("body").inner_text()
    assert "carbon_ledger" in compared.locator("body").inner_text()
    assert compared.evaluate("origin") == "null"


def test_the_first_chosen_is_the_reference_and_the_list_is_filtered(visit: Visit) -> None:
    page = visit.page
    button = page.get_by_role("button", name="Compare the chosen")
    assert button.is_disabled()
    page.get_by_label("Filter").fill("FIRST")
    assert page.locator("#runs tbody tr:visible").count() == 1
    page.get_by_role("checkbox", name="compare first").check()
    page.get_by_label("Filter").fill("")
    page.get_by_role("checkbox", name="compare second").check()
    assert "against first" in page.locator("#chosen").inner_text()
    assert visit.opens(button.click).url.endswith("/compare?run=first&run=second")


def test_a_report_runs_as_nobodys_page(visit: Visit) -> None:
    page = visit.go("/runs/first")
    report = visit.opens(page.get_by_role("link", name="Open the report").click)
    report.locator(".plot .main-svg").first.wait_for()
    assert report.evaluate("origin") == "null"
    assert report.evaluate(OPAQUE) == "SecurityError"
    assert report.evaluate("fetch('/api/solve').then(() => 'answered', () => 'refused')") == "refused"
    assert any("Content Security Policy" in fault for fault in visit.faults)
    visit.faults.clear()


def test_another_page_cannot_reach_the_desk(visit: Visit, browser: Any) -> None:
    """Not from another name for the same address, nor from another port, although the browser holds the cookie."""
    with _listening(0) as other:
        port = other.getsockname()[1]

        def answer() -> None:
            for _ in range(8):
                line, _ = other.accept()
                with line:
                    line.recv(65536)
                    body = b"<!doctype html><link rel=icon href=data:,><p>another page</p>"
                    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + body)

        threading.Thread(target=answer, daemon=True).start()
        page = visit.context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        send = "{method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}'}"
        page.evaluate(f"fetch('{visit.home}/api/cancel', {send}).catch(() => 0)")
        read = f"fetch('{visit.home}/api/solve', {{credentials: 'include'}}).then(() => 'read', () => 'refused')"
        assert page.evaluate(read) == "refused"
        with page.expect_navigation():
            page.evaluate(f"() => {{ location.href = '{visit.home}/' }}")
        assert "Another page led here" in page.locator("body").inner_text()
    visit.faults.clear()
    visit.requests.clear()


def test_a_solve_is_cancelled_by_hand(visit: Visit, served: tuple[str, Path]) -> None:
    page = visit.go("/library/week")
    page.get_by_role("button", name="求解 Solve").click()
    page.wait_for_url("**/solve")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("cancelled by the planner").wait_for()
    assert page.locator("#busy").is_hidden()
    assert not list(served[1].glob("week-*"))


@pytest.mark.parametrize(
    "path", ["/", "/runs/first", "/scenarios", "/scenarios/plain", "/library/everything", "/solve"]
)
def test_every_page_fits_its_window_and_its_paper(visit: Visit, path: str) -> None:
    page = visit.go(path)
    if path == "/scenarios/plain":
        page.locator("#verdict.good").wait_for()
    wide = "document.documentElement.scrollWidth"
    for width in (1600, 1280, 700, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(wide) <= width
    page.set_viewport_size({"width": PAPER_PX, "height": 900})
    page.emulate_media(media="print")
    assert page.evaluate(wide) <= PAPER_PX
    assert page.locator("nav").is_hidden()
    assert page.locator("button:visible, .button:visible").count() == 0
    assert len(page.pdf(prefer_css_page_size=True)) > 5_000
    page.emulate_media(media="screen")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_can_be_used_without_seeing_it(visit: Visit, path: str) -> None:
    page = visit.go(path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("[role=alert]").count() == 1
    nameless = (
        "[...document.querySelectorAll('input, select, textarea')]"
        ".filter(field => !field.labels.length && !field.getAttribute('aria-label')).map(field => field.outerHTML)"
    )
    assert page.evaluate(nameless) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(part => part.id)")
    assert len(ids) == len(set(ids))
    for table in page.locator("table").all():
        assert table.locator("caption").count() == 1


def test_typing_is_checked_once_it_pauses(visit: Visit) -> None:
    page = visit.go("/scenarios/plain")
    page.locator("#verdict.bad, #verdict.good").wait_for()
    before = sum(url.endswith("/api/check") for url in visit.requests)
    begun = time.monotonic()
    page.locator("#text").press_sequentially("# twenty letters more", delay=20)
    typed_s = time.monotonic() - begun
    page.wait_for_timeout(800)
    asked = sum(url.endswith("/api/check") for url in visit.requests) - before
    assert 1 <= asked <= 1 + typed_s / 0.4
