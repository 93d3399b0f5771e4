"""Nodes and links of the backbone as given in the tables, checked against the sites and against geography."""

from __future__ import annotations

import math
from dataclasses import dataclass

import networkx as nx

from hubs.geography import great_circle_km
from hubs.identities import Identities, names
from hubs.longtable import check_range
from hubs.rows import Reading, Row
from hubs.schema import LINK_COLUMNS, LINK_FILE, LINK_KINDS, NODE_COLUMNS, NODE_FILE, NODE_KINDS, SOURCES, STATUSES

_ENDS = {
    "region-core": ("core", "region"),
    "core-core": ("core", "core"),
    "core-cluster": ("cluster", "core"),
    "home": ("cluster", "region"),
    "trunk": ("cluster", "cluster"),
}


@dataclass(frozen=True)
class Node:
    """A place that ends links; row keeps status, date, source and note."""

    name: str
    kind: str
    lat_deg: float
    lon_deg: float
    row: Row


@dataclass(frozen=True)
class Link:
    """An undirected link; ends in alphabetical order, name 'A--B'; low and high NaN if no range is given."""

    ends: tuple[str, str]
    kind: str
    length_km: float
    capacity_gbps: float
    low_gbps: float
    high_gbps: float
    row: Row

    @property
    def name(self) -> str:
        """'A--B'."""
        return "--".join(self.ends)


def read_nodes(reading: Reading, identities: Identities) -> dict[str, Node]:
    """Nodes by name, sorted; each region and each cluster has exactly one."""
    owners = {"region": names(identities, "regions.csv"), "cluster": names(identities, "clusters.csv")}
    lines: dict[str, int] = {}
    nodes: dict[str, Node] = {}
    for row in reading.rows(NODE_FILE, NODE_COLUMNS):
        name, before = row["node"], len(reading.faults)
        if name in lines:
            reading.fault(
                NODE_FILE,
                row.line,
                "node",
                f"node '{name}' stands here and in row {lines[name]}",
                "a node stands once",
                "remove one of the two rows",
            )
            continue
        lines[name] = row.line
        reading.known(row, "kind", NODE_KINDS)
        reading.known(row, "status", STATUSES)
        reading.known(row, "source", names(identities, SOURCES.file))
        if row["kind"] in owners:
            reading.known(row, "node", owners[row["kind"]])
        lat, lon = _coordinate(reading, row, "lat_deg", 15.0, 55.0), _coordinate(reading, row, "lon_deg", 70.0, 140.0)
        if lat is not None and lon is not None and len(reading.faults) == before:
            nodes[name] = Node(name, row["kind"], lat, lon, row)
    for kind, owner in owners.items():
        for name in sorted(set(owner or ()) - set(lines)) if lines else ():
            reading.fault(
                NODE_FILE,
                None,
                "node",
                f"{kind} '{name}' has no node",
                "every site stands in the network",
                "add its row",
            )
    return dict(sorted(nodes.items()))


def _coordinate(reading: Reading, row: Row, column: str, low: float, high: float) -> float | None:
    value = reading.number(row, column, f"{column} of '{row['node']}'")
    if value is not None and not low <= value <= high:
        reading.fault(
            row.file,
            row.line,
            column,
            f"{column} of '{row['node']}' is {value:g}",
            f"China lies between {low:g} and {high:g} degrees",
            "correct the coordinate",
        )
        return None
    return value


def read_links(reading: Reading, nodes: dict[str, Node], identities: Identities) -> list[Link]:
    """Links sorted by name; self links, doubled links, impossible lengths and isolated sites are faults."""
    first: dict[tuple[str, str], int] = {}
    links = []
    complete = not any(fault.where == reading.where(NODE_FILE) for fault in reading.faults)
    for row in reading.rows(LINK_FILE, LINK_COLUMNS):
        ends = (min(row["from"], row["to"]), max(row["from"], row["to"]))
        if ends[0] == ends[1]:
            reading.fault(
                LINK_FILE,
                row.line,
                "to",
                f"a link runs from '{ends[0]}' to itself",
                "a link joins two nodes",
                "correct one end or remove the row",
            )
            continue
        if ends in first:
            reading.fault(
                LINK_FILE,
                row.line,
                "to",
                f"the link '{ends[0]}'--'{ends[1]}' stands here and in row {first[ends]}",
                "two nodes are joined by one link",
                "remove one row and add the capacities",
            )
            continue
        first[ends] = row.line
        link = _link(reading, row, ends, nodes if complete else None, identities)
        if link is not None:
            links.append(link)
    if complete and not any(fault.where == reading.where(LINK_FILE) for fault in reading.faults):
        _report_isolated(reading, nodes, links)
    return sorted(links, key=lambda link: link.name)


def _link(
    reading: Reading, row: Row, ends: tuple[str, str], nodes: dict[str, Node] | None, identities: Identities
) -> Link | None:
    before = len(reading.faults)
    for column, allowed in (
        ("kind", LINK_KINDS),
        ("status", STATUSES),
        ("source", names(identities, SOURCES.file)),
        ("from", nodes),
        ("to", nodes),
    ):
        reading.known(row, column, allowed)
    name = f"'{ends[0]}'--'{ends[1]}'"
    length, capacity, low, high = (
        _amount(reading, row, column, f"{column} of {name}")
        for column in ("length_km", "capacity_gbps", "capacity_low_gbps", "capacity_high_gbps")
    )
    if len(reading.faults) > before or length is None or capacity is None:
        return None
    check_range(reading, row, f"capacity_gbps of {name}", capacity, low, high)
    if nodes is not None:
        _check_ends(reading, row, nodes[ends[0]], nodes[ends[1]], length, identities)
    return (
        None
        if len(reading.faults) > before
        else Link(
            ends,
            row["kind"],
            length,
            capacity,
            math.nan if low is None else low,
            math.nan if high is None else high,
            row,
        )
    )


def _amount(reading: Reading, row: Row, column: str, subject: str) -> float | None:
    value = reading.number(row, column, subject)
    if value is not None and value < 0:
        reading.fault(
            row.file,
            row.line,
            column,
            f"{subject} is {value:g}",
            "a length or capacity cannot be negative",
            "correct the number",
        )
    return value


def _check_ends(reading: Reading, row: Row, one: Node, other: Node, length_km: float, identities: Identities) -> None:
    kinds = (min(one.kind, other.kind), max(one.kind, other.kind))
    if kinds != _ENDS[row["kind"]]:
        reading.fault(
            LINK_FILE,
            row.line,
            "kind",
            f"the {row['kind']} link '{one.name}'--'{other.name}' joins a {one.kind} and a {other.kind}",
            f"such a link joins a {_ENDS[row['kind']][0]} and a {_ENDS[row['kind']][1]}",
            "correct kind or ends",
        )
        return
    clusters = identities["clusters.csv"] or {}
    if row["kind"] == "home":
        cluster, region = (one, other) if one.kind == "cluster" else (other, one)
        own = clusters[cluster.name]["region"] if cluster.name in clusters else region.name
        if own != region.name:
            reading.fault(
                LINK_FILE,
                row.line,
                "to",
                f"the home link of '{cluster.name}' ends in '{region.name}'",
                "a home link joins a cluster and its own region",
                f"let it end in '{own}'",
            )
    straight_km = great_circle_km(one.lat_deg, one.lon_deg, other.lat_deg, other.lon_deg)
    if length_km < 0.995 * straight_km - 0.5:  # half a per cent and half a km for rounding
        reading.fault(
            LINK_FILE,
            row.line,
            "length_km",
            f"length_km of '{one.name}'--'{other.name}' is {length_km:g}, the great circle {straight_km:.1f} km",
            "a link cannot be shorter than the great circle",
            "correct the length or the coordinates",
        )


def _report_isolated(reading: Reading, nodes: dict[str, Node], links: list[Link]) -> None:
    """Only cores and clusters forward: they must hang together, and every region must touch one of them."""
    backbone: nx.Graph[str] = nx.Graph()
    backbone.add_nodes_from(name for name, node in nodes.items() if node.kind != "region")
    backbone.add_edges_from(link.ends for link in links if all(end in backbone for end in link.ends))
    reached: set[str] = max(nx.connected_components(backbone), key=len, default=set())
    touching = {end for link in links if not reached.isdisjoint(link.ends) for end in link.ends}
    for name in sorted(nodes.keys() - (reached | touching)):
        reading.fault(
            LINK_FILE,
            None,
            None,
            f"'{name}' cannot be reached from the backbone",
            "every site has a path to every other over cores and clusters",
            "add a link to a core",
        )
