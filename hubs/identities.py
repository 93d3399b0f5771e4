"""Identity tables: what exists, by name, and to what it belongs."""

from __future__ import annotations

from collections.abc import Collection

from hubs.rows import Reading, Row
from hubs.schema import IDENTITIES, SOURCES, STATUSES, IdentityTable

Identities = dict[str, dict[str, Row] | None]


def read_identities(reading: Reading) -> Identities:
    """Per file, its rows by key, sorted by key; None for a file that could not be read."""
    found: Identities = {}
    for table in (SOURCES, *IDENTITIES):
        found[table.file] = _read(reading, table, found)
    _no_name_twice(reading, found)
    return found


def names(identities: Identities, file: str) -> Collection[str] | None:
    """Keys defined by a file; None if it could not be read."""
    rows = identities[file]
    return None if rows is None else rows.keys()


def _read(reading: Reading, table: IdentityTable, found: Identities) -> dict[str, Row] | None:
    before = len(reading.faults)
    rows = reading.rows(table.file, table.columns)
    by_key: dict[str, Row] = {}
    for row in rows:
        key = row[table.key]
        if key in by_key:
            reading.fault(
                table.file,
                row.line,
                table.key,
                f"{table.key} '{key}' stands here and in row {by_key[key].line}",
                "a name stands once",
                "remove one of the two rows",
            )
            continue
        by_key[key] = row
        for column, choice in table.choices.items():
            reading.known(row, column, names(found, choice) if isinstance(choice, str) else choice)
        if table is not SOURCES:
            reading.known(row, "status", STATUSES)
            reading.known(row, "source", names(found, SOURCES.file))
    if not rows and len(reading.faults) == before:
        reading.fault(
            table.file, None, None, "the table holds no rows", f"at least one {table.key} must exist", "add one"
        )
    return dict(sorted(by_key.items())) if rows else None


def _no_name_twice(reading: Reading, found: Identities) -> None:
    """A cluster and a region are both sites and nodes, so they may not share a name."""
    regions, clusters = found["regions.csv"] or {}, found["clusters.csv"] or {}
    for key in clusters.keys() & regions.keys():
        reading.fault(
            "clusters.csv",
            clusters[key].line,
            "cluster",
            f"cluster '{key}' has the name of a region (regions.csv row {regions[key].line})",
            "sites have names of their own",
            f"call it '{key} Cluster'",
        )
