"""The pages: runs, one run, scenarios, one scenario, the solve that works; and stored pages, which may do nothing."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from optimizer.compare import compare
from optimizer.compare.page import render as render_comparison
from optimizer.desk import folder as files
from optimizer.desk.desk import Here
from optimizer.desk.guard import Refusal
from optimizer.report.headline import headline
from optimizer.report.page import TEMPLATES as HOUSE
from optimizer.report.page import render as render_report
from optimizer.report.words import number, percent
from scenarios import library
from scenarios.lineage import differences, in_words, parent_of

router = APIRouter()
HERE = Path(__file__).parent
STATIC = {
    "house.css": (HOUSE / "style.css", "text/css"),
    **{name: (HERE / "static" / name, "text/css") for name in ("desk.css",)},
    **{name: (HERE / "static" / name, "text/javascript") for name in ("desk.js", "editor.js", "watch.js")},
}
COMPARED_MAX = 12
CHANGES_SHOWN = 3
SANDBOX = (
    "sandbox allow-scripts allow-downloads allow-modals; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Of a report, whose scripts stand in it: it runs as nobody's page, without the desk's cookie and without network."""


@router.get("/")
def runs(desk: Here, chosen: str = "") -> Response:
    """The runs of the folder, to be opened or compared."""
    return _page("runs.html", desk, at="runs", runs=files.runs(desk.folder), chosen=chosen)


@router.get("/runs/{name}")
def run(desk: Here, name: str) -> Response:
    """One run: its headline, where its report is, and the scenario it was solved from."""
    found = files.run_at(desk.folder, name)
    return _page(
        "run.html",
        desk,
        at="runs",
        run=files.listed(name, found.manifest),
        tiles=headline(found),
        text=files.run_scenario(found).text,
    )


@router.get("/runs/{name}/report")
def report(desk: Here, name: str) -> Response:
    """The run's report as it was stored; written anew, for this answer only, if the run keeps none."""
    found = files.run_at(desk.folder, name)
    stored = found.folder / "report.html"
    text = stored.read_text(encoding="utf-8", errors="replace") if stored.is_file() else render_report(found)
    return _sandboxed(text)


@router.get("/compare")
def comparison(desk: Here, run: Annotated[list[str], Query()] = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Two or more runs side by side, the first being the reference."""
    names = list(dict.fromkeys(run))
    if not 2 <= len(names) <= COMPARED_MAX:
        raise Refusal(422, f"Choose from 2 to {COMPARED_MAX} runs to compare.")
    found = [files.run_at(desk.folder, name) for name in names]
    return _sandboxed(render_comparison(compare(found)))


@router.get("/scenarios")
def scenarios(desk: Here, copy: str = "") -> Response:
    """The planner's own scenarios and the library's, to be read, copied, edited and solved."""
    return _page("scenarios.html", desk, at="scenarios", own=desk.described(), library=shelf(), copy=copy)


@router.get("/library/{name}")
def from_library(desk: Here, name: str) -> Response:
    """A scenario of the library, to be read, copied and solved."""
    text = files.library_text(name)
    about = next(row for row in shelf() if row["name"] == name)
    return _page("library.html", desk, at="scenarios", name=name, text=text.text, about=about)


@router.get("/scenarios/{name}")
def editor(desk: Here, name: str) -> Response:
    """One of the planner's own scenarios, to be edited and solved."""
    text = files.own_text(desk.folder, name)
    limit = files.TEXT_MAX_BYTES
    return _page("editor.html", desk, at="scenarios", name=name, text=text.text, version=text.version, limit=limit)


@router.get("/solve")
def solve(desk: Here) -> Response:
    """The solve that works, or the last one."""
    return _page("solve.html", desk, at="solve", own=files.own_names(desk.folder), library=library.names())


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Style and scripts."""
    if name not in STATIC:
        raise Refusal(404, "There is no such file.")
    path, kind = STATIC[name]
    return Response(path.read_bytes(), media_type=kind)


@router.get("/favicon.ico")
def icon() -> Response:
    """Nothing: browsers ask beside a refusal in plain text, which cannot say that there is no icon."""
    return Response(status_code=204)


def refused(desk: Here | None, status: int, message: str, faults: tuple[str, ...] = ()) -> Response:
    """A page that says why there is no other."""
    return _page("refused.html", desk, status, at="", message=message, faults=faults)


@cache
def shelf() -> tuple[dict[str, Any], ...]:
    """The library's scenarios: name, hours, parent, why, and what each changes, in words."""
    return tuple(
        {
            "name": name,
            "hours": loaded.scenario.horizon.hours,
            "parent": parent_of(loaded),
            "why": loaded.scenario.why,
            "gap_frac": loaded.scenario.solve.gap_frac,
            "changes": in_words(differences(loaded), CHANGES_SHOWN) if parent_of(loaded) else "",
        }
        for name, loaded in ((name, library.load(str(library.LIBRARY / f"{name}.toml"))) for name in library.names())
    )


def _sandboxed(text: str) -> Response:
    return HTMLResponse(text, headers={"content-security-policy": SANDBOX})


def _page(template: str, desk: Here | None, status: int = 200, **values: Any) -> Response:
    state = desk.state() if desk else None
    folder = str(desk.folder.resolve()) if desk else ""
    text = _environment().get_template(template).render(state=state, folder=folder, **values)
    return HTMLResponse(text, status_code=status)


@cache
def _environment() -> Environment:
    words = Environment(
        loader=FileSystemLoader([HERE / "templates", HOUSE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words.filters |= {"number": number, "percent": percent, "when": _when}
    return words


def _when(stamp: str) -> str:
    """2026-11-21 14:52 of a time in ISO words; as it stands if it is none."""
    try:
        return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return stamp
