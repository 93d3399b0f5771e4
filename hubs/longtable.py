"""Long fact tables: one number a row, checked for key, quantity, unit, bound, range, status and source."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

from hubs.errors import UnitMismatch
from hubs.rows import Reading, Row
from hubs.schema import FACT_COLUMNS, STATUSES, FactTable, Quantity
from hubs.units import convert, unit_of

Key = tuple[str, ...]
Names = dict[str, Collection[str] | None]
SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Entry:
    """One number with its provenance; value, low and high in the unit of the quantity's name (NaN: no range given)."""

    table: str
    key: Key
    quantity: str
    value: float
    unit: str
    low: float
    high: float
    status: str
    date: str
    source: str
    note: str


def read_facts(reading: Reading, table: FactTable, names: Names, sources: Collection[str] | None) -> list[Entry]:
    """Entries of one table, sorted by key and quantity; what is wrong with them goes to `reading`.

    names: per key column the values allowed (None: the file that defines them could not be read).
    """
    columns = (*table.keys, *FACT_COLUMNS)
    rows = reading.rows(table.file, columns)
    if not rows:
        if not any(fault.where == reading.where(table.file) for fault in reading.faults):
            reading.fault(table.file, None, None, "the table holds no rows", "every quantity must be given", "fill it")
        return []
    quantities = {quantity.name: quantity for quantity in table.quantities}
    first_line: dict[tuple[Key, str], int] = {}
    entries = []
    for row in rows:
        fits = [reading.known(row, column, names[column]) for column in table.keys]
        fits.append(reading.known(row, "quantity", quantities))
        if not all(fits):
            continue
        key = tuple(row[column] for column in table.keys)
        if (key, row["quantity"]) in first_line:
            _doubled(reading, row, key, first_line[key, row["quantity"]])
            continue
        first_line[key, row["quantity"]] = row.line
        entry = _entry(reading, table, row, key, quantities[row["quantity"]], sources)
        if entry is not None:
            entries.append(entry)
    expected = _expected_keys(table, names, first_line.keys())
    if expected is not None:
        _report_missing(reading, table, expected, first_line.keys())
        _report_sums(reading, table, expected, entries)
    return sorted(entries, key=lambda entry: (entry.key, entry.quantity))


def subject(quantity: str, key: Key) -> str:
    """ "pue_ratio of 'Guian'": a number as named in a fault."""
    return f"{quantity} of '{' '.join(key)}'" if key else quantity


def _doubled(reading: Reading, row: Row, key: Key, first: int) -> None:
    reading.fault(
        row.file,
        row.line,
        "quantity",
        f"{subject(row['quantity'], key)} stands here and in row {first}",
        "a quantity is given once",
        "remove one of the two rows",
    )


def _entry(
    reading: Reading, table: FactTable, row: Row, key: Key, quantity: Quantity, sources: Collection[str] | None
) -> Entry | None:
    before = len(reading.faults)
    name = subject(quantity.name, key)
    reading.known(row, "status", STATUSES)
    reading.known(row, "source", sources)
    value, low, high = _measured(reading, row, name, quantity)
    if len(reading.faults) == before and value is not None:
        check_range(reading, row, name, value, low, high)
    if len(reading.faults) > before or value is None:
        return None
    origin = (row["status"], row["date"], row["source"], row["note"])
    ends = (math.nan if low is None else low, math.nan if high is None else high)
    return Entry(table.file.removesuffix(".csv"), key, quantity.name, value, unit_of(quantity.name), *ends, *origin)


def _measured(reading: Reading, row: Row, name: str, quantity: Quantity) -> list[float | None]:
    """value, low, high in the unit of the quantity's name, each within its bounds; None where blank or at fault."""
    unit = unit_of(quantity.name)
    try:
        convert(1.0, row["unit"], unit)
    except UnitMismatch as error:
        rule, mend = f"{quantity.name} is measured in {unit}", f"state a unit that converts to {unit}"
        reading.fault(row.file, row.line, "unit", f"the unit of {name} is '{row['unit']}': {error}", rule, mend)
        unit = ""
    measured: list[float | None] = []
    for column in ("value", "low", "high"):
        label = name if column == "value" else f"{column} of {name}"
        stated = reading.number(row, column, label)
        number = convert(stated, row["unit"], unit) if stated is not None and unit else None
        if number is not None and not quantity.low <= number <= quantity.high:
            mend = "correct the number or its unit"
            reading.fault(row.file, row.line, quantity.name, f"{label} is {number:g}", quantity.rule, mend)
        measured.append(number)
    return measured


def check_range(reading: Reading, row: Row, name: str, value: float, low: float | None, high: float | None) -> None:
    """Fault if a range is half given, does not hold the value, or is absent from an estimate."""
    if (low is None) != (high is None):
        reading.fault(
            row.file,
            row.line,
            "low",
            f"{name} has only one end of its range",
            "a range has a low and a high end",
            "give both or neither",
        )
    elif low is not None and high is not None and not low <= value <= high:
        reading.fault(
            row.file,
            row.line,
            "low",
            f"{name} is {value:g}, its range {low:g} to {high:g}",
            "a value lies inside its own range",
            "correct the value or the range",
        )
    elif low is None and row["status"] == "estimated":
        reading.fault(
            row.file,
            row.line,
            "low",
            f"{name} is estimated and has no range",
            "an estimate states its plausible range",
            "give low and high",
        )


def _expected_keys(table: FactTable, names: Names, seen: Collection[tuple[Key, str]]) -> list[Key] | None:
    """Every key the table must have; None if a file that defines some of them could not be read."""
    columns: list[Collection[str]] = []
    for level, (column, origin) in enumerate(table.keys.items()):
        own = {key[level] for key, _ in seen} if origin == table.file else names[column]
        if own is None:
            return None
        columns.append(own)
    return list(product(*(sorted(values) for values in columns)))


def _report_missing(reading: Reading, table: FactTable, expected: list[Key], seen: Collection[tuple[Key, str]]) -> None:
    present = {key for key, _ in seen}
    for key in expected:
        if key not in present and table.keys:
            reading.fault(
                table.file,
                None,
                None,
                f"'{' '.join(key)}' has no rows",
                "every one must have its facts",
                "add its rows, or remove it from the table that names it",
            )
            continue
        for quantity in table.quantities:
            if quantity.required and (key, quantity.name) not in seen:
                reading.fault(
                    table.file,
                    None,
                    quantity.name,
                    f"{subject(quantity.name, key)} is missing",
                    "every quantity must be given",
                    f"add its row, in {unit_of(quantity.name)}",
                )


def _report_sums(reading: Reading, table: FactTable, expected: list[Key], entries: list[Entry]) -> None:
    """Shares that do not sum to 1; a sum whose parts are already at fault says nothing."""
    for name in table.sums_to_one:
        values = {entry.key: entry.value for entry in entries if entry.quantity == name}
        for group in sorted({key[:-1] for key in expected}):
            parts = [key for key in expected if key[:-1] == group]
            if not all(key in values for key in parts):
                continue
            total = math.fsum(values[key] for key in parts)
            if abs(total - 1.0) > SUM_TOLERANCE:
                reading.fault(
                    table.file,
                    None,
                    name,
                    f"{subject(name, group)} sums to {total:.9g}",
                    "shares of one whole sum to 1",
                    "correct the shares",
                )
