"""The backbone as a graph, and the shortest loop-free routes over it.

Latency: a route's round trip is twice the fibre delay over its length times the route factor (fibre laid over great
circle), plus the equipment delay once. Queueing under load is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise

import networkx as nx

from hubs.errors import Fault, InputError, unknown_name
from hubs.facts import Facts


@dataclass(frozen=True)
class Route:
    """links: names in order from origin to destination; length_km: great circles added up; rtt_ms: round trip."""

    links: tuple[str, ...]
    length_km: float
    rtt_ms: float


def backbone(facts: Facts) -> nx.Graph[str]:
    """Graph of all nodes (attribute kind) and of the links that carry anything: routes go round a link that is down.

    Edge attributes: link 'A--B', length_km, rtt_ms (propagation only, additive along a route), capacity_gbps, kind.
    Graph attribute: equipment_rtt_ms, added once per route.
    """
    graph: nx.Graph[str] = nx.Graph(equipment_rtt_ms=facts.network["equipment_rtt_ms"])
    for node in facts.nodes.itertuples():
        graph.add_node(str(node.Index), kind=node.kind)
    rtt_ms_per_km = 2 * facts.network["fibre_ms_per_km"] * facts.network["route_factor_ratio"]
    columns = ("from", "to", "kind", "length_km", "capacity_gbps")
    for name, *values in zip(facts.links.index, *(facts.links[column] for column in columns), strict=True):
        one, other, kind, length_km, capacity_gbps = values
        if not capacity_gbps:
            continue
        graph.add_edge(
            one,
            other,
            link=name,
            length_km=float(length_km),
            rtt_ms=rtt_ms_per_km * float(length_km),
            capacity_gbps=float(capacity_gbps),
            kind=kind,
        )
    return graph


def routes(graph: nx.Graph[str], origin: str, destination: str, k: int) -> list[Route]:
    """Up to `k` shortest loop-free routes by latency, shortest first; one empty route from a node to itself.

    Only cores and clusters forward: no route passes through the access node of a third region. An empty list means
    that no path exists. InputError for an unknown node or k < 1.
    """
    for role, name in (("origin", origin), ("destination", destination)):
        if name not in graph:
            raise unknown_name("routes", role, name, graph.nodes)
    if k < 1:
        raise InputError(
            [Fault("routes", None, "k", f"k is {k}", "at least one route must be asked for", "pass k >= 1")]
        )
    if origin == destination:
        return [Route((), 0.0, 0.0)]
    passable = nx.subgraph_view(
        graph, filter_node=lambda node: graph.nodes[node]["kind"] != "region" or node in (origin, destination)
    )
    try:
        return [
            _route(graph, path)
            for path in islice(nx.shortest_simple_paths(passable, origin, destination, weight="rtt_ms"), k)
        ]
    except nx.NetworkXNoPath:
        return []


def _route(graph: nx.Graph[str], path: list[str]) -> Route:
    edges = [graph.edges[pair] for pair in pairwise(path)]
    return Route(
        tuple(edge["link"] for edge in edges),
        sum(edge["length_km"] for edge in edges),
        sum(edge["rtt_ms"] for edge in edges) + graph.graph["equipment_rtt_ms"],
    )
