"""The page and the command: one offline file that can be read without seeing it, and the exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hubs.errors import InputError
from optimizer.cli import app
from optimizer.compare import compare
from optimizer.compare.page import render, write_page
from optimizer.runs.store import Run
from tests.compare.conftest import EVIL
from tests.report.conftest import visit

__all__ = ["visit"]


def outside_scripts(html: str) -> str:
    return re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)


def test_the_page_says_what_differs_and_fetches_nothing(base: Run, dearer: Run) -> None:
    html = render(compare([base, dearer]))
    words = outside_scripts(html)
    assert words.index("facts.prices.carbon_kcny_per_tco2") < words.index("Cost items")
    for heading in ("情景参数", "事实数据", "模型输入", "成本项目差异"):
        assert heading in words
    assert not re.search(r"<(script|link|img|iframe)[^>]*\s(src|href)=['\"]?(https?:)?//", words)
    assert "default-src 'none'" in words
    assert EVIL not in html
    assert "&lt;script&gt;" in words
    specs = json.loads(re.search(r'id="specs">(.*?)</script>', html, re.DOTALL)[1])
    (bars,) = specs["waterfall-1"]["data"]
    difference = dearer.manifest["objective_kcny"] - base.manifest["objective_kcny"]
    assert bars["x"][-1] == pytest.approx(difference, abs=1e-4)
    assert sum(bars["x"][:-1]) == pytest.approx(difference, abs=1e-3)


def test_equal_runs_make_a_page_that_says_so(base: Run) -> None:
    words = outside_scripts(render(compare([base, base])))
    assert "no difference" in words
    assert "Cost and bound are the same" in words


def test_the_page_in_a_browser(base: Run, dearer: Run, tmp_path: Path, visit: Callable[[Path], Any]) -> None:
    path = tmp_path / "compare.html"
    write_page(compare([base, dearer, base]), path)
    seen = visit(path)
    assert seen.faults == []
    assert all(request.startswith("file://") for request in seen.requests)
    assert seen.page.locator(".plot").count() == 1
    plot = seen.page.locator(".plot").first
    assert plot.get_attribute("role") == "img"
    assert len(plot.get_attribute("aria-label") or "") > 20
    assert seen.page.evaluate("window.hacked") is None
    assert seen.page.locator("table caption").count() == seen.page.locator("table").count()
    ids = seen.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280
    seen.page.emulate_media(media="print")
    assert seen.page.locator("nav").first.is_hidden()


def test_a_folder_that_is_not_there_is_an_input_error(base: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the page cannot be written"):
        write_page(compare([base, base]), tmp_path / "nowhere" / "page.html")


def test_command_prints_inputs_first_and_writes_the_page(base: Run, dearer: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["compare", str(base.folder), str(dearer.folder), "--out", str(page)])
    assert done.exit_code == 0
    assert (
        done.stdout.index("What went in") < done.stdout.index("carbon_kcny_per_tco2") < done.stdout.index("What came")
    )
    assert "proved" in done.stdout
    assert "What went in" in page.read_text(encoding="utf-8")
    found = json.loads(CliRunner().invoke(app, ["compare", str(base.folder), str(dearer.folder), "--json"]).stdout)
    assert found["against"][0]["costs"]["total"]["verdict"] == "proved"


def test_command_on_equal_runs_prints_nothing(base: Run) -> None:
    done = CliRunner().invoke(app, ["compare", str(base.folder), str(base.folder)])
    assert (done.exit_code, done.stdout) == (0, "")
    done = CliRunner().invoke(app, ["compare", str(base.folder), str(base.folder), "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{run}"], "1 run given"),
        (["{run}", "nowhere"], "holds no run"),
        (["{run}", "{run}", "--out", "page.pdf"], "is no page"),
        (["{run}", "{run}", "--out", "nowhere/page.html"], "is missing"),
    ],
)
def test_faulty_input_is_an_input_error(arguments: list[str], said: str, base: Run) -> None:
    """The command line turns these into exit code 2."""
    given = [argument.format(run=base.folder) for argument in arguments]
    with pytest.raises(InputError, match=said):
        CliRunner().invoke(app, ["compare", *given], catch_exceptions=False)
