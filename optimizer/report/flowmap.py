"""The schematic map: provinces and clusters where they lie, and the work that goes from the east to the west."""

from __future__ import annotations

from math import cos, floor, hypot, log10, radians
from typing import Any

import pandas as pd

from optimizer.report.figures import QUIET, ZONE_COLOURS, Figure, Table, Trace, axis, layout, safe
from optimizer.report.words import number, percent
from optimizer.runs.store import Run

WIDTHS_PX = (1.0, 2.2, 4.5, 8.0)
STEPS = (0.0, 0.05, 0.2, 0.5)
"""Line widths step at these fractions of the largest flow, rounded to one digit."""
BEND = 0.14
POINTS = 13
FLOW = "rgba(43, 92, 138, 0.55)"


def flow_map(run: Run) -> Figure:
    """31 provinces, 10 clusters and the flows between them."""
    places = _places(run)
    flows, homeless = _flows(run, places)
    west = flows[(flows["zone_from"] == "east") & (flows["zone_to"] == "west")]
    other = flows.drop(index=west.index)
    sites = _loads(run)
    # Markers first: lines lie over the small grey dots but the clusters are drawn last, on top of everything.
    data = [_regions(places), *_classes(west), *_others(other), *_clusters(places, sites)]
    total, sent = float(flows["work_eflopsh"].sum()), float(west["work_eflopsh"].sum())
    share = f" ({percent(sent / total)} of the work that leaves its place)" if total else ""
    note = "Schematic: points at their latitude and longitude, no boundaries drawn. "
    note += "Width is work over the whole horizon; point at the middle of a line to read it."
    if homeless:
        note += f" Not drawn for want of a position: {', '.join(homeless)}."
    return Figure(
        "flows",
        "算力调度流向图",
        "Where the work goes",
        f"Map of {len(places['region'])} provinces and {len(sites)} clusters with {len(west)} flows of work from east "
        f"to west, {number(sent, 0)} EFLOPS·h in all{share}.",
        note,
        tuple(data),
        _frame(),
        _table(flows),
    )


def _places(run: Run) -> dict[str, dict[str, tuple[float, float]]]:
    """kind -> name -> (longitude, latitude)."""
    places: dict[str, dict[str, tuple[float, float]]] = {"region": {}, "cluster": {}}
    for node in run.table("nodes").to_dict("records"):
        places.setdefault(str(node["kind"]), {})[str(node["node"])] = (float(node["lon_deg"]), float(node["lat_deg"]))
    return places


def _flows(run: Run, places: dict[str, dict[str, tuple[float, float]]]) -> tuple[pd.DataFrame, list[str]]:
    """Work sent between two different places, with both zones and positions; and the names that have no position."""
    sites = run.table("sites").set_index("site")
    zone = dict(zip(sites["region"], sites["zone"], strict=True))
    flows = run.table("flows").groupby(["region", "site"], as_index=False)["work_eflopsh"].sum()
    flows["zone_from"] = flows["region"].map(zone)
    flows["zone_to"] = flows["site"].map(sites["zone"])
    flows["region_to"] = flows["site"].map(sites["region"])
    stays = (flows["site"].map(sites["kind"]) == "local") & (flows["region"] == flows["region_to"])
    flows = flows[~stays].sort_values("work_eflopsh", ascending=False, ignore_index=True)
    flows["start"] = flows["region"].map(places["region"])
    flows["end"] = flows["site"].map(places["cluster"]).combine_first(flows["region_to"].map(places["region"]))
    homeless = {str(n) for n in flows.loc[flows["start"].isna(), "region"]}
    homeless |= {str(n) for n in flows.loc[flows["end"].isna(), "site"]}
    homeless |= {str(n) for n in sites.index[sites["kind"] == "cluster"] if n not in places["cluster"]}
    return flows, sorted(homeless)


def _loads(run: Run) -> dict[str, tuple[str, float, float]]:
    """cluster -> (zone, work over the horizon, utilisation)."""
    sites = run.table("sites").set_index("site")
    zone = sites.loc[sites["kind"] == "cluster", "zone"]
    sums = run.table("dispatch").groupby("site")[["load_eflops", "capacity_eflops"]].sum()
    loads = {}
    for cluster in zone.index:
        load, capacity = (float(value) for value in sums.loc[cluster])
        loads[str(cluster)] = (str(zone[cluster]), load, load / capacity if capacity else float("nan"))
    return loads


def _regions(places: dict[str, dict[str, tuple[float, float]]]) -> Trace:
    region = places["region"]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "省份 province",
        "x": [p[0] for p in region.values()],
        "y": [p[1] for p in region.values()],
        "text": [safe(name) for name in region],
        "textposition": "bottom center",
        "textfont": {"size": 10, "color": "#5B6672"},
        "marker": {"size": 5, "color": QUIET},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _clusters(
    places: dict[str, dict[str, tuple[float, float]]], loads: dict[str, tuple[str, float, float]]
) -> list[Trace]:
    top = max((load for _, load, _ in loads.values()), default=0.0) or 1.0
    traces = []
    for zone in sorted({zone for zone, _, _ in loads.values()}):
        here = [(n, *loads[n]) for n in loads if loads[n][0] == zone and n in places["cluster"]]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": safe(f"集群 {zone or 'other'} cluster"),
                "x": [places["cluster"][n][0] for n, *_ in here],
                "y": [places["cluster"][n][1] for n, *_ in here],
                "text": [f"<b>{safe(n)}</b>" for n, *_ in here],
                "textposition": "top center",
                "textfont": {"size": 12},
                "customdata": [[number(load, 0), percent(used)] for _, _, load, used in here],
                "marker": {
                    "size": [10 + 22 * (load / top) ** 0.5 for _, _, load, _ in here],
                    "color": ZONE_COLOURS.get(zone, QUIET),
                    "opacity": 0.9,
                    "line": {"color": "#ffffff", "width": 1.5},
                },
                "hovertemplate": "%{text}<br>runs %{customdata[0]} EFLOPS·h"
                "<br>utilisation %{customdata[1]}<extra></extra>",
            }
        )
    return traces


def _classes(flows: pd.DataFrame) -> list[Trace]:
    """One trace per line width, so that the legend tells and filters the amounts; and the points to hover over."""
    drawn = flows[flows["start"].notna() & flows["end"].notna()]
    if drawn.empty:
        return []
    limits = [_one_digit(step * float(drawn["work_eflopsh"].max())) for step in STEPS]
    traces = []
    for i in reversed(range(len(limits))):
        above = limits[i + 1] if i + 1 < len(limits) else float("inf")
        part = drawn[(drawn["work_eflopsh"] >= limits[i]) & (drawn["work_eflopsh"] < above)]
        if len(part):
            words = f"≥ {limits[i]:g}" if i else f"< {above:g}"
            traces += _lines(part, f"{words} EFLOPS·h", WIDTHS_PX[i], FLOW, True)
    return traces


def _others(flows: pd.DataFrame) -> list[Trace]:
    drawn = flows[flows["start"].notna() & flows["end"].notna()]
    return _lines(drawn, "其他 all other flows", 1.0, "rgba(138, 148, 160, 0.55)", "legendonly") if len(drawn) else []


def _lines(flows: pd.DataFrame, name: str, width_px: float, colour: str, visible: bool | str) -> list[Trace]:
    x: list[float | None] = []
    y: list[float | None] = []
    middles: list[tuple[float, float]] = []
    for start, end in zip(flows["start"], flows["end"], strict=True):
        arc = _arc(start, end)
        x += [*(p[0] for p in arc), None]
        y += [*(p[1] for p in arc), None]
        middles.append(arc[POINTS // 2])
    shared: Trace = {"type": "scatter", "legendgroup": name, "visible": visible}
    words = zip(flows["region"], flows["site"], flows["work_eflopsh"], strict=True)
    return [
        shared
        | {
            "mode": "lines",
            "name": name,
            "x": x,
            "y": y,
            "line": {"width": width_px, "color": colour},
            "hoverinfo": "skip",
        },
        shared
        | {
            "mode": "markers",
            "name": name,
            "showlegend": False,
            "x": [p[0] for p in middles],
            "y": [p[1] for p in middles],
            "marker": {"size": 12, "opacity": 0},
            "text": [f"{safe(r)} → {safe(s)}: {number(w)} EFLOPS·h" for r, s, w in words],
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]


def _arc(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """A quadratic curve that leaves the straight line a little, so that flows to one place stay apart."""
    (x0, y0), (x1, y1) = start, end
    middle = ((x0 + x1) / 2 - BEND * (y1 - y0), (y0 + y1) / 2 + BEND * (x1 - x0))
    if not hypot(x1 - x0, y1 - y0):
        return [start] * POINTS
    steps = [i / (POINTS - 1) for i in range(POINTS)]
    return [
        (
            round((1 - t) ** 2 * x0 + 2 * t * (1 - t) * middle[0] + t**2 * x1, 3),
            round((1 - t) ** 2 * y0 + 2 * t * (1 - t) * middle[1] + t**2 * y1, 3),
        )
        for t in steps
    ]


def _one_digit(value: float) -> float:
    if value <= 0:
        return 0.0
    size = 10.0 ** floor(log10(value))
    return float(f"{max(1, round(value / size)) * size:.1g}")


def _frame() -> dict[str, Any]:
    degrees = {"showgrid": True, "zeroline": False, "ticksuffix": "°", "tickfont": {"size": 10, "color": QUIET}}
    return layout(
        660,
        hovermode="closest",
        xaxis=axis(**degrees, constrain="domain"),
        # One degree of longitude is shorter than one of latitude: drawn as it is at 35° north.
        yaxis=axis(**degrees, scaleanchor="x", scaleratio=round(1 / cos(radians(35)), 3)),
    )


def _table(flows: pd.DataFrame) -> Table:
    rows = tuple(
        (str(f["region"]), str(f["zone_from"]), str(f["site"]), str(f["zone_to"]), number(f["work_eflopsh"], 2))
        for f in flows.to_dict("records")
    )
    return Table(("from", "zone", "to", "zone", "work, EFLOPS·h"), rows, frozenset({4}))
