"""The links that come closest to their capacity."""

from __future__ import annotations

import pandas as pd

from optimizer.report.figures import GREEDY, PLAN, Figure, Table, Trace, axis, layout, names_axis, plain, safe
from optimizer.report.words import number, percent
from optimizer.runs.store import Run

BUSIEST = 15


def links_figure(run: Run) -> Figure:
    """The links that come closest to their capacity, in their busiest period."""
    words = ("links", "最繁忙链路", "Most loaded links")
    links = run.table("links")
    links = links[links["capacity_gbps"] > 0]
    if links.empty:
        return Figure(*words, "", note="This run has no links: the network block was left out or carries none.")
    links = links.assign(used=links["traffic_gbps"] / links["capacity_gbps"])
    peak = links.sort_values(["used", "link"], ascending=[False, True]).drop_duplicates("link")
    full = int((peak["used"] > 1 - 1e-6).sum())
    shown = peak.head(BUSIEST)
    names = [safe(str(name).replace("--", " – ")) for name in shown["link"]]
    data: Trace = {
        "type": "bar",
        "orientation": "h",
        "name": "utilisation",
        "x": plain(shown["used"]),
        "y": names,
        "marker": {"color": [GREEDY if used > 1 - 1e-6 else PLAN for used in shown["used"]]},
        "text": [percent(used) for used in shown["used"]],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [
            [number(row["traffic_gbps"], 0), number(row["capacity_gbps"], 0), int(row["period"])]
            for row in shown.to_dict("records")
        ],
        "hovertemplate": "%{y}: %{customdata[0]} of %{customdata[1]} Gbit/s in period %{customdata[2]}<extra></extra>",
    }
    return Figure(
        *words,
        f"Bars of the {len(shown)} links with the highest use of capacity out of {len(peak)}; {full} are full.",
        "Usable capacity with the wavelengths lit or built, both directions together, in the link's busiest steering "
        f"period. {full} of {len(peak)} links are full in some period (amber).",
        (data,),
        layout(
            80 + 26 * len(names),
            xaxis=axis("traffic over usable capacity", tickformat=".0%", range=[0, 1.1]),
            yaxis=names_axis(names),
        ),
        _link_table(peak),
    )


def _link_table(peak: pd.DataFrame) -> Table:
    rows = tuple(
        (
            str(row["link"]),
            str(row["period"]),
            number(row["traffic_gbps"]),
            number(row["capacity_gbps"], 0),
            percent(row["used"]),
        )
        for row in peak.to_dict("records")
    )
    return Table(("link", "busiest period", "Gbit/s", "capacity, Gbit/s", "use"), rows, frozenset({1, 2, 3, 4}))
