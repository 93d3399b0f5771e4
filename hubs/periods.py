"""Time-of-use periods: which hours of which months are peak, critical or valley; every other hour is flat."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from hubs.rows import Reading, Row
from hubs.schema import PERIODS, STATUSES, TARIFF_COLUMNS, TARIFF_FILE


@dataclass(frozen=True)
class Period:
    """Hours (0-23, hour t is [t, t+1) Beijing time) of some months (1-12) in which a region pays a period's price."""

    region: str
    months: tuple[int, ...]
    period: str
    hours: tuple[int, ...]
    status: str
    date: str
    source: str
    note: str


def parse_months(text: str) -> tuple[int, ...]:
    """'all', or months and inclusive spans such as '1-6,10-12'; ValueError otherwise."""
    if text == "all":
        return tuple(range(1, 13))
    months: list[int] = []
    for part in text.split(","):
        start, stop = _ends(part, "months")
        if not 1 <= start <= stop <= 12:
            raise ValueError(f"'{part}' is no span of months")
        months.extend(range(start, stop + 1))
    return _distinct(months)


def parse_hours(text: str) -> tuple[int, ...]:
    """Half-open spans such as '10-12,14-19' (hours 10, 11, 14 ... 18); ValueError otherwise."""
    hours: list[int] = []
    for part in text.split(","):
        start, stop = _ends(part, "hours")
        if not 0 <= start < stop <= 24:
            raise ValueError(f"'{part}' is no span of hours")
        hours.extend(range(start, stop))
    return _distinct(hours)


def _ends(part: str, what: str) -> tuple[int, int]:
    """Both ends of 'a-b'; a lone number is its own end."""
    match = re.fullmatch(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", part)
    if match is None:
        raise ValueError(f"'{part}' is no span of {what}")
    return int(match[1]), int(match[2] or match[1])


def _distinct(numbers: list[int]) -> tuple[int, ...]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("spans overlap")
    return tuple(sorted(numbers))


def read_periods(reading: Reading, regions: Collection[str] | None, sources: Collection[str] | None) -> list[Period]:
    """Periods of every region, sorted; faults go to `reading`."""
    taken: dict[tuple[str, int, int], int] = {}
    periods = []
    named = set()
    for row in reading.rows(TARIFF_FILE, TARIFF_COLUMNS):
        named.add(row["region"])
        before = len(reading.faults)
        reading.known(row, "region", regions)
        reading.known(row, "period", PERIODS)
        reading.known(row, "status", STATUSES)
        reading.known(row, "source", sources)
        months = _spans(reading, row, "months")
        hours = _spans(reading, row, "hours")
        if len(reading.faults) == before and not _overlap(reading, row, months, hours, taken):
            periods.append(
                Period(
                    row["region"], months, row["period"], hours, row["status"], row["date"], row["source"], row["note"]
                )
            )
    for region in sorted(set(regions or ()) - named) if named else ():
        reading.fault(
            TARIFF_FILE,
            None,
            "region",
            f"region '{region}' has no rows",
            "every region has at least one time-of-use period",
            "add its rows",
        )
    return sorted(periods, key=lambda period: (period.region, period.months, period.hours))


def _spans(reading: Reading, row: Row, column: str) -> tuple[int, ...]:
    parse, example = (
        (parse_months, "'all' or '1-6,10-12', months 1 to 12, last one included")
        if column == "months"
        else (parse_hours, "'10-12,14-19', whole hours, 0 <= start < end <= 24, end not included")
    )
    try:
        return parse(row[column])
    except ValueError as error:
        reading.fault(
            row.file,
            row.line,
            column,
            f"{column} of '{row['region']}' is '{row[column]}' ({error})",
            f"{column} are spans that do not overlap",
            f"write {example}",
        )
        return ()


def _overlap(
    reading: Reading, row: Row, months: tuple[int, ...], hours: tuple[int, ...], taken: dict[tuple[str, int, int], int]
) -> bool:
    slots = [(row["region"], month, hour) for month in months for hour in hours]
    for slot in slots:
        if slot in taken:
            reading.fault(
                row.file,
                row.line,
                "hours",
                f"hour {slot[2]} of month {slot[1]} in '{row['region']}' is in rows {taken[slot]} and {row.line}",
                "an hour belongs to one period",
                "shorten one of the two",
            )
            return True
    taken.update(dict.fromkeys(slots, row.line))
    return False
