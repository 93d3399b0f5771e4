"""The schematic map: provinces and clusters where they lie, and the work that goes from the east to the west."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, hypot, radians
from typing import Any

import pandas as pd

from optimizer.report.arcs import classes, others
from optimizer.report.figures import QUIET, ZONE_COLOURS, Figure, Table, Trace, axis, both, layout, safe
from optimizer.report.words import number, percent
from optimizer.runs.store import Run

HALO = "0 0 2px #fff, 0 0 2px #fff, 0 0 3px #fff, 0 0 3px #fff"
"""Keeps names legible where lines pass under them."""
NAME = "#55606C"
RING_PX = 8
"""How much wider than its cluster's marker a hub's ring is."""
COVERED_DEG = 1.3
"""A province closer than this to a cluster has its name turned away from it."""
NEAR_DEG = (9.0, 3.0)
"""Two clusters closer than this (longitude, latitude) get their names on opposite sides."""


def flow_map(run: Run) -> Figure:
    """31 provinces, 10 clusters and the flows between them."""
    places = _places(run)
    flows, homeless = _flows(run, places)
    west = flows[(flows["zone_from"] == "east") & (flows["zone_to"] == "west")]
    other = flows.drop(index=west.index)
    sites = _loads(run)
    # Markers first: lines lie over the small grey dots but the clusters are drawn last, on top of everything.
    hubs = _hubs(run, places["cluster"], sites)
    data = [_regions(places), *classes(west), *others(other), *hubs, *_clusters(places, sites)]
    total, sent = float(flows["work_eflopsh"].sum()), float(west["work_eflopsh"].sum())
    share = f" ({percent(sent / total)} of the work that leaves its place)" if total else ""
    note = "Schematic: points at their latitude and longitude, no boundaries drawn. "
    note += "Width is work over the whole horizon; point at the middle of a line to read it. "
    note += "A ring marks a hub, a bar joins the clusters of one hub. "
    note += "Drag to zoom, double-click to come back; click the legend to show or hide."
    if homeless:
        note += f" Not drawn for want of a position: {', '.join(homeless)}."
    return Figure(
        "flows",
        "算力调度流向图",
        "Where the work goes",
        f"Map of {len(places['region'])} provinces, {len(_members(run))} hubs and {len(sites)} clusters with "
        f"{len(west)} flows of work from east to west, {number(sent, 0)} EFLOPS·h in all{share}.",
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
        "textposition": [_outward(p, places["cluster"].values()) for p in region.values()],
        "textfont": {"size": 10, "color": NAME, "shadow": HALO},
        "legendrank": 2,
        "marker": {"size": 5, "color": QUIET},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _outward(place: tuple[float, float], clusters: Iterable[tuple[float, float]]) -> str:
    """Where a province's name stands: away from a cluster whose marker would cover it, else below."""
    near = min(clusters, key=lambda c: hypot(c[0] - place[0], c[1] - place[1]), default=None)
    if near is None or hypot(near[0] - place[0], near[1] - place[1]) > COVERED_DEG:
        return "bottom center"
    return f"{'top' if place[1] > near[1] else 'bottom'} {'right' if place[0] > near[0] else 'left'}"


def _clusters(
    places: dict[str, dict[str, tuple[float, float]]], loads: dict[str, tuple[str, float, float]]
) -> list[Trace]:
    size, traces = _sizes(loads), []
    for zone in sorted({zone for zone, _, _ in loads.values()}):
        here = [(n, *loads[n]) for n in loads if loads[n][0] == zone and n in places["cluster"]]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": f"{both(zone)} clusters",
                "legendrank": 1,
                "x": [places["cluster"][n][0] for n, *_ in here],
                "y": [places["cluster"][n][1] for n, *_ in here],
                "text": [f"<b>{safe(n)}</b>" for n, *_ in here],
                "textposition": [_side(places["cluster"], n) for n, *_ in here],
                "textfont": {"size": 12, "shadow": HALO},
                "customdata": [[number(load, 0), percent(used)] for _, _, load, used in here],
                "marker": {
                    "size": [size[n] for n, *_ in here],
                    "color": ZONE_COLOURS.get(zone, QUIET),
                    "opacity": 0.9,
                    "line": {"color": "#ffffff", "width": 1.5},
                },
                "hovertemplate": "%{text}<br>runs %{customdata[0]} EFLOPS·h"
                "<br>utilisation %{customdata[1]}<extra></extra>",
            }
        )
    return traces


def _sizes(loads: dict[str, tuple[str, float, float]]) -> dict[str, float]:
    """Pixels across of each cluster's marker: its area follows its load."""
    top = max((load for _, load, _ in loads.values()), default=0.0) or 1.0
    return {name: 10 + 22 * max(0.0, load / top) ** 0.5 for name, (_, load, _) in loads.items()}


def _members(run: Run) -> dict[str, list[str]]:
    """hub -> its clusters."""
    sites = run.table("sites")
    clusters = sites[(sites["kind"] == "cluster") & (sites["hub"] != "")]
    return {str(hub): [str(name) for name in part["site"]] for hub, part in clusters.groupby("hub")}


def _hubs(run: Run, places: dict[str, tuple[float, float]], loads: dict[str, tuple[str, float, float]]) -> list[Trace]:
    """A ring around every cluster, those of one hub joined; hover tells the hub."""
    x: list[float | None] = []
    y: list[float | None] = []
    words: list[str] = []
    sizes: list[float] = []
    size = _sizes(loads)
    for hub, clusters in _members(run).items():
        drawn = [name for name in clusters if name in places]
        load = sum(loads[name][1] for name in clusters)
        told = f"枢纽 hub <b>{safe(hub)}</b>: {safe(', '.join(clusters))}<br>runs {number(load, 0)} EFLOPS·h"
        x += [*(places[name][0] for name in drawn), None]
        y += [*(places[name][1] for name in drawn), None]
        words += [*[told] * len(drawn), ""]
        sizes += [*(size[name] + RING_PX for name in drawn), 0.0]
    ring = {"symbol": "circle-open", "size": sizes, "color": QUIET, "line": {"width": 1.5}}
    line = {"width": 9, "color": "rgba(138, 148, 160, 0.35)"}
    shown: Trace = {"type": "scatter", "mode": "lines+markers", "name": "枢纽 hub", "legendrank": 1}
    hover: Trace = {"text": words, "hovertemplate": "%{text}<extra></extra>"}
    return [shown | hover | {"x": x, "y": y, "line": line, "marker": ring, "connectgaps": False}] if words else []


def _side(clusters: dict[str, tuple[float, float]], name: str) -> str:
    """Where a cluster's name stands: away from the cluster next to it, above if there is none."""
    lon, lat = clusters[name]
    gaps = [p[0] - lon for n, p in clusters.items() if n != name and abs(p[1] - lat) < NEAR_DEG[1]]
    near = min(gaps, key=abs, default=NEAR_DEG[0])
    if abs(near) >= NEAR_DEG[0]:
        return "top center"
    return "middle left" if near > 0 else "middle right"


def _frame() -> dict[str, Any]:
    degrees: dict[str, Any] = {
        "showgrid": True,
        "zeroline": False,
        "ticksuffix": "°",
        "tickfont": {"size": 10, "color": NAME},
    }
    return layout(
        760,
        hovermode="closest",
        dragmode="zoom",
        xaxis=axis(**degrees, constrain="domain"),
        # One degree of longitude is shorter than one of latitude: drawn as it is at 35° north.
        yaxis=axis(
            **degrees,
            scaleanchor="x",
            scaleratio=round(1 / cos(radians(35)), 3),
            constrain="domain",
            constraintoward="top",
        ),
    )


def _table(flows: pd.DataFrame) -> Table:
    rows = tuple(
        (str(f["region"]), str(f["zone_from"]), str(f["site"]), str(f["zone_to"]), number(f["work_eflopsh"], 2))
        for f in flows.to_dict("records")
    )
    return Table(("from", "zone", "to", "zone", "work, EFLOPS·h"), rows, frozenset({4}))
