"""The facts as the rest of the project sees them: frames with units in the column names, and their provenance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

import pandas as pd

from hubs.graphdata import Link, Node
from hubs.longtable import Entry
from hubs.periods import Period
from hubs.rows import Row
from hubs.units import unit_of

PROVENANCE_COLUMNS = ("table", "key", "quantity", "value", "unit", "low", "high", "status", "date", "source", "note")


@dataclass(frozen=True, eq=False)
class Facts:
    """Everything in `hubs/data`, in the units of the names; every frame is sorted by its index.

    hubs [hub]: name_zh, zone. regions [region], clusters [cluster]: identity columns, then one float column per
    quantity (NaN only where an optional quantity is not known). emissions [region, year]. pods [generation].
    fleet [cluster, generation]: share_frac. tariff_periods: region, months, period, hours (tuples), provenance.
    nodes [node], links [link = 'A--B']: with provenance. prices, network, national: quantity -> value.
    sources [source]: title, url, date, grade. provenance: one row per number, in the unit of its name.
    """

    hubs: pd.DataFrame
    regions: pd.DataFrame
    clusters: pd.DataFrame
    emissions: pd.DataFrame
    pods: pd.DataFrame
    fleet: pd.DataFrame
    prices: dict[str, float]
    network: dict[str, float]
    national: dict[str, float]
    tariff_periods: pd.DataFrame
    nodes: pd.DataFrame
    links: pd.DataFrame
    sources: pd.DataFrame
    provenance: pd.DataFrame

    def equals(self, other: Facts) -> bool:
        """Whether all frames and dictionaries hold the same values in the same order."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if not (mine.equals(theirs) if isinstance(mine, pd.DataFrame) else mine == theirs):
                return False
        return True


def identity_frame(rows: dict[str, Row]) -> pd.DataFrame:
    """Identity rows as a frame indexed by their key column (the first one)."""
    frame = pd.DataFrame([row.cells for row in rows.values()])
    return frame.set_index(frame.columns[0])


def quantity_frame(entries: Iterable[Entry], keys: tuple[str, ...], columns: Iterable[str]) -> pd.DataFrame:
    """Entries pivoted: one row per key (a MultiIndex for several key columns), float columns in the order given."""
    values: dict[tuple[str, ...], dict[str, float]] = {}
    for entry in entries:
        values.setdefault(entry.key, {})[entry.quantity] = entry.value
    ordered = sorted(values)
    levels = [pd.Index([key[level] for key in ordered]) for level in range(len(keys))]
    index = levels[0].rename(keys[0]) if len(keys) == 1 else pd.MultiIndex.from_arrays(levels, names=keys)
    return pd.DataFrame([values[key] for key in ordered], index=index, columns=list(columns), dtype=float)


def period_frame(periods: list[Period]) -> pd.DataFrame:
    """One row per period; months and hours are tuples of integers."""
    return pd.DataFrame(
        [{item.name: getattr(period, item.name) for item in fields(period)} for period in periods],
        columns=[item.name for item in fields(Period)],
    )


def node_frame(nodes: dict[str, Node]) -> pd.DataFrame:
    """Nodes by name: kind, lat_deg, lon_deg, status, date, source, note."""
    return pd.DataFrame(
        [
            {
                "node": node.name,
                "kind": node.kind,
                "lat_deg": node.lat_deg,
                "lon_deg": node.lon_deg,
                **_origin(node.row),
            }
            for node in nodes.values()
        ]
    ).set_index("node")


def link_frame(links: list[Link]) -> pd.DataFrame:
    """Links by name 'A--B': from, to (alphabetical), kind, length_km, capacity and its range, provenance."""
    return pd.DataFrame(
        [
            {
                "link": link.name,
                "from": link.ends[0],
                "to": link.ends[1],
                "kind": link.kind,
                "length_km": link.length_km,
                "capacity_gbps": link.capacity_gbps,
                "capacity_low_gbps": link.low_gbps,
                "capacity_high_gbps": link.high_gbps,
                **_origin(link.row),
            }
            for link in links
        ]
    ).set_index("link")


def provenance_frame(entries: Iterable[Entry], nodes: dict[str, Node], links: list[Link]) -> pd.DataFrame:
    """One row per number of every table; several key columns are joined by '/'."""
    rows: list[tuple[object, ...]] = [
        (
            entry.table,
            "/".join(entry.key),
            entry.quantity,
            entry.value,
            entry.unit,
            entry.low,
            entry.high,
            entry.status,
            entry.date,
            entry.source,
            entry.note,
        )
        for entry in entries
    ]
    rows.extend(_graph_rows(nodes, links))
    frame = pd.DataFrame(rows, columns=list(PROVENANCE_COLUMNS))
    return frame.sort_values(["table", "key", "quantity"], kind="stable", ignore_index=True)


def _graph_rows(nodes: dict[str, Node], links: list[Link]) -> Iterator[tuple[object, ...]]:
    nan = float("nan")
    for node in nodes.values():
        for name, value in (("lat_deg", node.lat_deg), ("lon_deg", node.lon_deg)):
            yield ("nodes", node.name, name, value, unit_of(name), nan, nan, *_origin(node.row).values())
    for link in links:
        origin = _origin(link.row).values()
        yield ("links", link.name, "length_km", link.length_km, "km", nan, nan, *origin)
        yield ("links", link.name, "capacity_gbps", link.capacity_gbps, "Gbps", link.low_gbps, link.high_gbps, *origin)


def _origin(row: Row) -> dict[str, str]:
    return {column: row[column] for column in ("status", "date", "source", "note")}
