"""The page of contracts compared: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from optimizer.commands.futures.figures import distributions, efficient_frontier, forward_curve
from optimizer.commands.futures.tables import Study
from optimizer.report.figures import Table
from optimizer.report.page import TEMPLATES, script_json
from optimizer.report.words import number, percent

NOT_A_MARKET = (
    "Compute futures do not trade: no exchange lists them, strikes here are assumptions, and the index is a shadow "
    "price of the planner's programme. Nothing on this page is a quotation."
)

NOISE = 1e-3
"""kCNY, percentage points or EFLOPS·h."""


def render(study: Study, tables: Mapping[str, pd.DataFrame], manifest: Mapping[str, Any]) -> str:
    """The page as HTML; every name of the user's is escaped."""
    figures = (
        distributions(study, "buyer"),
        distributions(study, "seller"),
        efficient_frontier(tables["frontier"]),
        forward_curve(tables["forward_curve"]),
    )
    words = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    words.filters |= {"number": number, "percent": percent}
    return words.get_template("futures.html").render(
        run=manifest,
        disclaimer=NOT_A_MARKET,
        figures={figure.name.replace("-", "_"): figure for figure in figures},
        contracts=contracts(tables["contracts"]),
        strikes=strikes(tables["contracts"]),
        deliveries=deliveries(tables["contracts"]),
        book=book(tables["members"]),
        calendar=calendar(tables["calendar"]),
        basis=basis(tables["basis"]),
        risks={str(name): part for name, part in tables["risks"].groupby("contract", sort=False)},
        members=members(tables["members"]),
        specs=script_json({f.name: {"data": f.data, "layout": f.layout} for f in figures}),
        series=script_json({"sites": {}}),
        plotly=Markup(get_plotlyjs()),
        style=_text("style.css"),
        script=_text("page.js"),
    )


def contracts(frame: pd.DataFrame) -> Table:
    """The headline: what each contract does to mean, spread and tail of both sides."""
    heads = ["contract", "type", "EFLOPS·h", "buyer's cost kCNY", "sd without", "sd with", "variance removed"]
    heads += ["CVaR removed", "cost of hedge", "seller's variance removed", "seller's CVaR removed"]
    rows = [
        (
            r["contract"],
            r["type"],
            number(r["volume_eflopsh"], 0),
            number(r["buyer_cost_before_mean_kcny"], 0),
            number(r["buyer_cost_before_sd_kcny"]),
            number(r["buyer_cost_after_sd_kcny"]),
            percent(r["buyer_variance_removed_frac"]).replace("-", "−"),
            number(r["buyer_cvar_removed_kcny"]),
            number(r["buyer_mean_added_kcny"]),
            percent(r["seller_variance_removed_frac"]).replace("-", "−"),
            number(r["seller_cvar_removed_kcny"]),
        )
        for r in frame.to_dict("records")
    ]
    return _table(heads, rows, texts=2)


def strikes(frame: pd.DataFrame) -> Table:
    """Fair and agreeable strikes, break-even strikes and basis, kCNY per EFLOPS·h."""
    heads = ["contract", "fair strike", "fair premium", "seller accepts from", "buyer accepts up to"]
    heads += ["buyer breaks even", "seller breaks even", "buyer's basis", "basis sd"]
    keys = ["fair_strike", "fair_premium", "seller_least_strike", "buyer_most_strike", "buyer_break_even"]
    keys += ["seller_break_even", "basis_mean", "basis_sd"]
    rows = [
        (r["contract"], *(number(r[f"{key}_kcny_per_eflopsh"], 3) for key in keys)) for r in frame.to_dict("records")
    ]
    return _table(heads, rows)


def deliveries(frame: pd.DataFrame) -> Table:
    """Physical contracts, each alone: means over the members, of the relaxation."""
    heads = [
        "contract",
        "cost kCNY",
        "western occupancy, points",
        "more work there, EFLOPS·h",
        "not delivered, EFLOPS·h",
    ]
    physical = frame[frame["delivery_cost_kcny"].notna()]
    rows = [
        (
            r["contract"],
            number(_clean(r["delivery_cost_kcny"]), 2),
            number(_clean(100 * r["delivery_western_occupancy_frac"]), 2),
            number(_clean(r["delivery_hosted_eflopsh"])),
            number(_clean(r["delivery_not_delivered_eflopsh"])),
        )
        for r in physical.to_dict("records")
    ]
    return _table(heads, rows)


def book(members: pd.DataFrame) -> dict[str, float] | None:
    """All physical contracts at once, means over the members; None if there is none."""
    if "book_stop" not in members:
        return None
    p = members["probability_frac"].to_numpy()

    def mean(column: str) -> float:
        return float(p @ members[column].to_numpy())

    return {
        "cost_kcny": _clean(mean("book_relaxed_cost_change_kcny")),
        "least_kcny": mean("book_cost_change_least_kcny"),
        "most_kcny": mean("book_cost_change_most_kcny"),
        "west_before_frac": mean("western_occupancy_frac"),
        "west_after_frac": mean("book_western_occupancy_frac"),
        "west_relaxed_points": _clean(100 * mean("book_relaxed_western_occupancy_change_frac")),
    }


def calendar(frame: pd.DataFrame) -> Table:
    heads = [
        "contract",
        "day",
        "paid or received kCNY",
        "5 %",
        "95 %",
        "variation margin",
        "5 %",
        "95 %",
        "initial margin",
    ]
    keys = [column for column in frame.columns if column.endswith("_kcny")]
    rows = [(r["contract"], str(r["day"]), *(number(r[key]) for key in keys)) for r in frame.to_dict("records")]
    return _table(heads, rows)


def basis(frame: pd.DataFrame) -> Table:
    heads = ["hub", "profile", "mean kCNY/EFLOPS·h", "sd", "5 %", "95 %"]
    keys = [f"{name}_kcny_per_eflopsh" for name in ("mean", "sd", "low", "high")]
    rows = [(r["hub"], r["profile"], *(number(r[key], 3) for key in keys)) for r in frame.to_dict("records")]
    return _table(heads, rows, texts=2)


def members(frame: pd.DataFrame) -> Table:
    heads = ["member", "probability", "cost kCNY", "gap", "western occupancy"]
    rows = [
        (
            r["member"],
            percent(r["probability_frac"], 2),
            number(r["cost_kcny"], 0),
            percent(r["gap_frac"], 2),
            percent(r["western_occupancy_frac"]),
        )
        for r in frame.to_dict("records")
    ]
    return _table(heads, rows)


def _clean(value: float) -> float:
    """Differences of optima of ten thousand kCNY that are below the solver's tolerance are none."""
    return 0.0 if abs(value) < NOISE else value


def _table(heads: Sequence[str], rows: Sequence[tuple[str, ...]], texts: int = 1) -> Table:
    return Table(tuple(heads), tuple(rows), frozenset(range(texts, len(heads))))


def _text(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
