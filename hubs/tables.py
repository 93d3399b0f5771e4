"""Loading the facts: all tables of a folder, all faults at once, one `Facts`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hubs import schema
from hubs.errors import InputError
from hubs.facts import Facts, identity_frame, link_frame, node_frame, period_frame, provenance_frame, quantity_frame
from hubs.graphdata import Link, Node, read_links, read_nodes
from hubs.identities import Identities, names, read_identities
from hubs.longtable import Entry, Names, read_facts
from hubs.periods import Period, read_periods
from hubs.rows import DATA, Reading, Row
from hubs.schema import FactTable

Entries = dict[str, list[Entry]]


def load_facts(folder: Path = DATA) -> Facts:
    """All fact tables of `folder`, checked and converted to the units of their names.

    Raises InputError with every fault of every file: headers, keys, quantities, units, bounds, ranges, sums, sources,
    statuses, time-of-use hours, links. The order of rows does not matter.
    """
    reading = Reading(Path(folder))
    identities = read_identities(reading)
    sources = names(identities, schema.SOURCES.file)
    entries: Entries = {}
    for table in schema.FACTS:
        entries[table.file] = read_facts(reading, table, _key_names(table, identities, entries), sources)
    periods = read_periods(reading, names(identities, "regions.csv"), sources)
    nodes = read_nodes(reading, identities)
    links = read_links(reading, nodes, identities)
    _check_across(reading, entries, nodes)
    if reading.faults:
        order = {reading.where(file): place for place, file in enumerate(schema.FILES)}
        raise InputError(sorted(reading.faults, key=lambda fault: (order[fault.where], fault.row or 0)))
    return _assemble(
        {file: rows for file, rows in identities.items() if rows is not None}, entries, periods, nodes, links
    )


def _key_names(table: FactTable, identities: Identities, entries: Entries) -> Names:
    """Allowed values per key column; a table that defines its own keys (pods) is read for them as they come."""
    allowed: Names = {}
    for column, origin in table.keys.items():
        if isinstance(origin, tuple):
            allowed[column] = origin
        elif origin in identities:
            allowed[column] = names(identities, origin)
        elif origin == table.file:
            allowed[column] = None
        else:
            allowed[column] = {entry.key[0] for entry in entries[origin]} or None
    return allowed


def _check_across(reading: Reading, entries: Entries, nodes: dict[str, Node]) -> None:
    """What one table alone cannot show: places agree, residual factors reach grid factors, pods draw more when busy."""
    for table in (schema.REGION_FACTS, schema.CLUSTER_FACTS):
        for entry in entries[table.file]:
            if entry.quantity in ("lat_deg", "lon_deg") and entry.key[0] in nodes:
                node = nodes[entry.key[0]]
                given = node.lat_deg if entry.quantity == "lat_deg" else node.lon_deg
                if abs(given - entry.value) > 0.01:
                    reading.fault(
                        schema.NODE_FILE,
                        node.row.line,
                        entry.quantity,
                        f"{entry.quantity} of '{node.name}' is {given:g}, {table.file} says {entry.value:g}",
                        "a site stands in one place",
                        "correct one of the two",
                    )
    _check_order(
        reading,
        schema.EMISSIONS,
        entries,
        "grid_tco2_per_mwh",
        "residual_tco2_per_mwh",
        "what is left after green energy is claimed is at least as dirty as the grid",
    )
    _check_order(reading, schema.PODS, entries, "idle_mw", "peak_mw", "a busy pod draws at least what an idle one does")
    _check_order(
        reading,
        schema.REGION_FACTS,
        entries,
        "tou_peak_ratio",
        "tou_critical_ratio",
        "the critical-peak price is at least the peak price",
    )


def _check_order(reading: Reading, table: FactTable, entries: Entries, small: str, large: str, rule: str) -> None:
    values = {(entry.key, entry.quantity): entry.value for entry in entries[table.file]}
    for (key, quantity), value in values.items():
        other = values.get((key, large))
        if quantity == small and other is not None and other < value:
            reading.fault(
                table.file,
                None,
                large,
                f"{large} of '{' '.join(key)}' is {other:g}, its {small} {value:g}",
                rule,
                "correct one of the two",
            )


def _assemble(
    identities: dict[str, dict[str, Row]],
    entries: Entries,
    periods: list[Period],
    nodes: dict[str, Node],
    links: list[Link],
) -> Facts:
    def frame(table: FactTable) -> pd.DataFrame:
        return quantity_frame(entries[table.file], tuple(table.keys), [quantity.name for quantity in table.quantities])

    def scalars(table: FactTable) -> dict[str, float]:
        given = {entry.quantity: entry.value for entry in entries[table.file]}
        return {quantity.name: given[quantity.name] for quantity in table.quantities}

    emissions = frame(schema.EMISSIONS).reset_index().astype({"year": int}).set_index(["region", "year"])
    return Facts(
        hubs=identity_frame(identities["hubs.csv"]),
        regions=identity_frame(identities["regions.csv"]).join(frame(schema.REGION_FACTS)),
        clusters=identity_frame(identities["clusters.csv"]).join(frame(schema.CLUSTER_FACTS)),
        emissions=emissions,
        pods=frame(schema.PODS),
        fleet=frame(schema.FLEET),
        prices=scalars(schema.PRICES),
        network=scalars(schema.NETWORK),
        national=scalars(schema.NATIONAL),
        tariff_periods=period_frame(periods),
        nodes=node_frame(nodes),
        links=link_frame(links),
        sources=identity_frame(identities[schema.SOURCES.file]),
        provenance=provenance_frame([entry for table in entries.values() for entry in table], nodes, links),
    )
