"""What every figure has: plotly data and layout, words for those who do not see it, and its numbers as a table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from optimizer.report.words import bilingual

Trace = dict[str, Any]

# Paul Tol's muted scheme: nine colours that stay apart for colour-blind readers and in print.
MUTED = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499")
ZONE_COLOURS = {"east": "#CC6677", "central": "#999933", "west": "#332288"}
PLAN, GREEDY, MARKET, QUIET, INK = "#2B5C8A", "#B8801A", "#249180", "#8A94A0", "#1F2A36"
FONT = (
    '"Segoe UI", "Helvetica Neue", Arial, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", '
    '"Source Han Sans SC", sans-serif'
)
LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers; `numeric` columns are set to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A figure, or the reason why the run has none (`data` is empty then)."""

    name: str
    zh: str
    en: str
    alt: str
    note: str = ""
    data: tuple[Trace, ...] = ()
    layout: dict[str, Any] = field(default_factory=dict)
    table: Table | None = None


def safe(text: object) -> str:
    """Plotly reads `<b>` and the like in labels: a name is text, never markup."""
    return html.escape(str(text), quote=False)


def both(key: str) -> str:
    """'中文 english' of a key of a table, as a label."""
    return safe(bilingual(key))


def plain(values: Iterable[Any], decimals: int = 4) -> list[float | None]:
    """Numbers for plotly: short, and a gap where a value is not known."""
    return [round(float(v), decimals) if v is not None and isfinite(v) else None for v in values]


def times(start: str, hours: Sequence[int]) -> list[str]:
    """Hours of the horizon as Beijing time, in the form plotly reads."""
    first = datetime.fromisoformat(start)
    return [(first + timedelta(hours=int(hour))).strftime("%Y-%m-%d %H:%M") for hour in hours]


def layout(height: int, **changes: Any) -> dict[str, Any]:
    """The calm frame of every figure; keys given replace or extend it."""
    frame: dict[str, Any] = {
        "height": height,
        "autosize": True,
        "dragmode": False,
        "margin": {"l": 8, "r": 16, "t": 12, "b": 8},
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left"},
        "legend": LEGEND,
        "xaxis": axis(),
        "yaxis": axis(),
    }
    return frame | changes


def axis(title: str = "", **changes: Any) -> dict[str, Any]:
    """An axis with a faint grid, wide enough for its own labels."""
    frame: dict[str, Any] = {
        "automargin": True,
        "gridcolor": "#E6EAEE",
        "linecolor": "#C5CCD3",
        "zerolinecolor": "#C5CCD3",
        "title": {"text": title, "font": {"size": 12}, "standoff": 8},
    }
    return frame | changes


def names_axis(names: Sequence[str], **changes: Any) -> dict[str, Any]:
    """An axis of names, first on top; a name that looks like a number or a date stays a name."""
    order = {"type": "category", "categoryorder": "array", "categoryarray": list(names), "autorange": "reversed"}
    return axis(**(order | {"gridcolor": "#ffffff"} | changes))
