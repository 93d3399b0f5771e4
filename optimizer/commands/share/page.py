"""The page of shares: one offline HTML file in the look of the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from optimizer.commands.share.words import NO_MARKET, gains, verdict
from optimizer.market.games import Game
from optimizer.market.sharing import Outcome
from optimizer.report.figures import MUTED, QUIET, Figure, Table, axis, layout, plain, safe
from optimizer.report.page import TEMPLATES, script_json
from optimizer.report.words import number, percent


def render(
    name: str, why: str, game: Game, outcomes: Sequence[Outcome], tables: dict[str, pd.DataFrame], notes: list[str]
) -> str:
    """The page as HTML; every name of the user's is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    chart = gain_figure(game, outcomes)
    heads, rows = gains(game, outcomes)
    return environment.get_template("share.html").render(
        name=name,
        why=why,
        value=f"{number(game.total)} kCNY",
        interval=f"{number(float(game.low[-1]))} to {number(float(game.high[-1]))} kCNY by the proved bounds",
        coalitions=len(tables["coalitions"]),
        no_market=NO_MARKET,
        notes=notes,
        chart=chart,
        rules=Table(tuple(heads), tuple(map(tuple, rows)), frozenset(range(1, len(heads) - 1))),
        verdicts=[(o.rule, verdict(o)) for o in outcomes],
        payments=payment_table(tables["transfers"]),
        equity=equity_table(tables["equity"]),
        finance=finance_table(tables["finance"]),
        specs=script_json({chart.name: {"data": chart.data, "layout": chart.layout}}),
        series=script_json({"sites": {}}),
        plotly=Markup(get_plotlyjs()),
        style=_text("style.css"),
        script=_text("page.js"),
    )


def write_page(path: Path, text: str) -> None:
    """Write the page whole: a reader sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def gain_figure(game: Game, outcomes: Sequence[Outcome]) -> Figure:
    """Gain over standing alone of every player, a bar a rule; whiskers span the gaps of the coalitions."""
    data: list[dict[str, Any]] = []
    for colour, outcome in zip((*MUTED, QUIET), outcomes, strict=False):
        low, high = outcome.gain_interval_kcny.T
        data.append(
            {
                "type": "bar",
                "name": outcome.rule,
                "x": [safe(player) for player in game.players],
                "y": plain(outcome.gain_kcny),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": plain(high - outcome.gain_kcny),
                    "arrayminus": plain(outcome.gain_kcny - low),
                    "thickness": 1,
                    "width": 2,
                },
                "marker": {"color": colour},
                "hovertemplate": "%{x}: %{y:,.1f} kCNY<extra>%{fullData.name}</extra>",
            }
        )
    return Figure(
        "gains",
        "各规则下的收益",
        "Gain over standing alone, by rule",
        f"Bars of the gain in kCNY of {game.n} territories under {len(outcomes)} rules.",
        "Below zero a territory would be better off alone. Whiskers: what the gaps of the coalitions leave open.",
        tuple(data),
        layout(460, barmode="group", xaxis=axis(type="category"), yaxis=axis("kCNY")),
    )


def payment_table(transfers: pd.DataFrame) -> Table:
    """Who pays whom, every rule."""
    rows = tuple(
        (str(rule), str(payer), str(payee), number(kcny))
        for rule, payer, payee, kcny in transfers.itertuples(index=False)
    )
    return Table(("rule", "payer", "payee", "kCNY"), rows, frozenset({3}))


def equity_table(equity: pd.DataFrame) -> Table:
    """Inequality of cost and gain per head; the split of Theil's T stays in the table on disk."""
    columns = {
        "cost_gini": "cost: Gini",
        "cost_theil": "cost: Theil",
        "cost_half_difference_kcny_per_million": "cost: half mean difference, kCNY per million",
        "least_cost_kcny_per_million": "least cost, kCNY per million",
        "most_cost_kcny_per_million": "most cost, kCNY per million",
        "gain_gini": "gain: Gini",
        "gain_theil": "gain: Theil",
    }
    rows = tuple((str(row["rule"]), *(number(row[name], 3) for name in columns)) for row in equity.to_dict("records"))
    return Table(("rule", *columns.values()), rows, frozenset(range(1, 1 + len(columns))))


def finance_table(finance: pd.DataFrame) -> Table:
    """The measures of every cluster and situation, money in million CNY."""
    rows = tuple(
        (
            str(row["cluster"]),
            str(row["situation"]),
            percent(row["utilisation_frac"]),
            percent(row["contract_frac"], 0) if row["contract_frac"] else "–",
            *(number(row[name] / 1000) for name in ("income_kcny", "outlay_kcny", "npv_kcny")),
            *(number(row[name], 2) for name in ("price_kcny_per_eflopsh", "break_even_kcny_per_eflopsh")),
            percent(row["irr_frac"]),
            number(row["payback_years"]),
            number(row["least_debt_cover_ratio"], 2),
        )
        for row in finance.to_dict("records")
    )
    money = ("income", "outlay", "NPV", "price", "break-even price", "IRR", "payback, years", "DSCR")
    return Table(("cluster", "situation", "used", "under contract", *money), rows, frozenset(range(2, 12)))


def _text(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
