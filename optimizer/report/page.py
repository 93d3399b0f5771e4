"""The report of a run: one HTML file that needs nothing else, no network least of all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from hubs.errors import Fault, InputError
from optimizer.report.accounts import costs, green_table, indicator_table, place_table
from optimizer.report.balances import carbon_figure, classes_figure
from optimizer.report.cards import kept
from optimizer.report.costbars import cost_figure
from optimizer.report.figures import Figure
from optimizer.report.flowmap import flow_map
from optimizer.report.gantt import jobs_figure
from optimizer.report.greencards import claims_card
from optimizer.report.headline import headline
from optimizer.report.instruments import sections
from optimizer.report.language import mark_chinese
from optimizer.report.linkbars import links_figure
from optimizer.report.pricecurves import price_figure, tariff_figure
from optimizer.report.provenance import provenance
from optimizer.report.reconcilecard import reconcile_card
from optimizer.report.regioncard import region_card
from optimizer.report.steps import steps_of
from optimizer.report.timeline import (
    dispatch_choices,
    dispatch_figure,
    dispatch_series,
    utilisation_figure,
)
from optimizer.report.words import bilingual, number, percent
from optimizer.runs.store import Run

TEMPLATES = Path(__file__).parent / "templates"


def render(run: Run) -> str:
    """The report as HTML; every name of the user's is escaped. Raises InputError if the run lacks a table."""
    greedy_items = run.table("greedy_cost_items") if run.manifest["greedy_kcny"] is not None else None
    series, found = dispatch_series(run), sections(run)
    charts = figures(run, greedy_items, series)
    words = _environment().get_template("page.html")
    page = words.render(
        run=run.manifest,
        begins=datetime.fromisoformat(run.manifest["start"]),
        tiles=headline(run),
        figures=charts,
        choices=dispatch_choices(run),
        costs=costs(run, greedy_items),
        checks=reconcile_card(run),
        steps=steps_of(run),
        green=green_table(run),
        claims=claims_card(run),
        regions=region_card(run),
        sections=found,
        present={section.name for section in found},
        indicators=indicator_table(run, kept(run, "greedy_indicators")),
        places={
            "分区指标 Indicators by zone": place_table(run, "zone"),
            "分省指标 By region": place_table(run, "region"),
        },
        facts=provenance(run),
        specs=script_json({f.name: {"data": f.data, "layout": f.layout} for f in charts.values() if f.data}),
        series=script_json(series),
        plotly=Markup(get_plotlyjs()),
        style=_text("style.css"),
        script=_text("page.js"),
    )
    return mark_chinese(page)


def write_page(run: Run, path: Path) -> None:
    """Write the report whole: a reader sees the old file or the new one, never a part. InputError if it cannot be."""
    text = render(run)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        found = f"the report cannot be written ({error.strerror})"
        raise InputError(
            [Fault(str(path), None, None, found, "the folder exists and may be written to", "choose another --out")]
        ) from None
    finally:
        draft.unlink(missing_ok=True)


def figures(run: Run, greedy_items: pd.DataFrame | None, series: Mapping[str, Any]) -> dict[str, Figure]:
    """All figures by name, in the order of the page; `series` is that of `dispatch_series`."""
    every = (
        flow_map(run),
        dispatch_figure(run, series),
        utilisation_figure(run),
        classes_figure(run),
        price_figure(run),
        tariff_figure(run),
        cost_figure(run, greedy_items),
        carbon_figure(run),
        jobs_figure(run),
        links_figure(run),
    )
    return {figure.name: figure for figure in every}


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a script element: no character of it can close the element."""
    return htmlsafe_json_dumps(value, dumps=json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"bilingual": bilingual, "number": number, "percent": percent}
    return environment


def _text(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
