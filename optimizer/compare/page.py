"""The page of a comparison: one offline HTML file in the look of the report."""

from __future__ import annotations

import os
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from hubs.errors import Fault, InputError
from optimizer.compare import pagetables as tables
from optimizer.compare.comparison import Comparison, Pair
from optimizer.compare.decided import RULE
from optimizer.compare.waterfall import waterfall
from optimizer.compare.words import alone
from optimizer.report.page import TEMPLATES, script_json

OWN = Path(__file__).parent / "templates"


def render(comparison: Comparison) -> str:
    """The page as HTML; every name of the user's is escaped."""
    environment = Environment(
        loader=FileSystemLoader([OWN, TEMPLATES]), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    figures = [waterfall(pair, f"waterfall-{place}") for place, pair in enumerate(comparison.pairs, start=1)]
    return environment.get_template("compare.html").render(
        runs=tables.runs(comparison),
        reference=comparison.runs[0],
        empty=comparison.empty,
        pairs=[
            _parts(pair, figure, place)
            for place, (pair, figure) in enumerate(zip(comparison.pairs, figures, strict=True), 1)
        ],
        rule=RULE,
        specs=script_json({f.name: {"data": f.data, "layout": f.layout} for f in figures if f.data}),
        series=script_json({"sites": {}}),
        plotly=Markup(get_plotlyjs()),
        style=_text("style.css"),
        script=_text("page.js"),
    )


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the page whole: a reader sees the old file or the new one, never a part. InputError if it cannot be."""
    text = render(comparison)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        found = f"the page cannot be written ({error.strerror})"
        rule = "the folder exists and may be written to"
        raise InputError([Fault(str(path), None, None, found, rule, "choose another --out")]) from None
    finally:
        draft.unlink(missing_ok=True)


def _parts(pair: Pair, figure: object, place: int) -> dict[str, object]:
    """What the template shows of one pair."""
    return {
        "place": place,
        "pair": pair,
        "figure": figure,
        "inputs": tables.inputs(pair.inputs),
        "unnamed": pair.inputs.unnamed,
        "plan": tables.plan(pair.plan),
        "costs": tables.costs(pair.costs),
        "remainder": tables.remainder(pair.costs),
        "sections": [(part, alone(part, pair) if part.alone else "", tables.section(part)) for part in pair.sections],
        "tables": tables.rows(pair.tables),
    }


def _text(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
