"""Reading CSV files row by row: headers, blanks and numbers are judged here, and every fault is kept with its line."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hubs.errors import Fault, nearest

DATA = Path(__file__).parent / "data"
MAY_BE_BLANK = frozenset({"low", "high", "capacity_low_gbps", "capacity_high_gbps", "note", "url"})


@dataclass(frozen=True)
class Row:
    """One record: its line in the file (header = 1) and its cells by column."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass
class Reading:
    """A folder being read, and the faults found so far."""

    folder: Path
    faults: list[Fault] = field(default_factory=list)

    def where(self, file: str) -> str:
        """Name of a file as shown to the user."""
        return f"hubs/data/{file}" if self.folder == DATA else str(self.folder / file)

    def fault(self, file: str, line: int | None, column: str | None, found: str, rule: str, mend: str) -> None:
        """Keep one fault."""
        self.faults.append(Fault(self.where(file), line, column, found, rule, mend))

    def rows(self, file: str, columns: Collection[str]) -> list[Row]:
        """Records of `file` whose cells are complete; an unusable file gives none, and its faults."""
        try:
            with (self.folder / file).open(encoding="utf-8-sig", newline="") as stream:
                records = list(_records(stream))
        except FileNotFoundError:
            self.fault(file, None, None, "the file is missing", "every table must be there", "restore it")
            return []
        except (UnicodeDecodeError, csv.Error, OSError) as error:
            self.fault(
                file,
                None,
                None,
                f"the file cannot be read ({error})",
                "tables are CSV files in UTF-8",
                "save it as CSV, UTF-8",
            )
            return []
        if not records:
            self.fault(
                file,
                None,
                None,
                "the file is empty",
                "the first line names the columns",
                f"start it with {','.join(columns)}",
            )
            return []
        _, header = records[0]
        if not self._header_fits(file, header, columns):
            return []
        return [row for line, cells in records[1:] if (row := self._row(file, line, header, cells)) is not None]

    def _header_fits(self, file: str, header: list[str], columns: Collection[str]) -> bool:
        before = len(self.faults)
        for name, count in Counter(header).items():
            if count > 1:
                self.fault(
                    file,
                    1,
                    name,
                    f"column '{name}' stands {count} times",
                    "a column stands once",
                    "remove the doubled column",
                )
            if name not in columns:
                self.fault(
                    file,
                    1,
                    name,
                    f"column '{name}' is not known",
                    "columns are " + ", ".join(columns),
                    nearest(name, set(columns) - set(header) or columns),
                )
        for name in columns:
            if name not in header:
                self.fault(file, 1, name, f"column '{name}' is missing", "every column must be there", "add it")
        return len(self.faults) == before

    def _row(self, file: str, line: int, header: list[str], cells: list[str]) -> Row | None:
        if len(cells) != len(header):
            self.fault(
                file,
                line,
                None,
                f"{len(cells)} cells stand where the header names {len(header)}",
                "a row has one cell per column",
                "put cells that hold a comma in double quotes",
            )
            return None
        row = Row(file, line, dict(zip(header, cells, strict=True)))
        blank = [column for column in header if column not in MAY_BE_BLANK and not row[column].strip()]
        for column in blank:
            self.fault(
                file,
                line,
                column,
                f"{column} is blank",
                "only ranges, notes and addresses may be left out",
                f"fill in {column} or remove the row",
            )
        return None if blank else row

    def number(self, row: Row, column: str, subject: str) -> float | None:
        """Finite number in a cell; None and a fault if it is none, None alone if an optional cell is blank."""
        text = row[column].strip()
        if not text:
            return None
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.fault(
                row.file,
                row.line,
                column,
                f"{subject} is '{text}'",
                "a number must be plain and finite",
                "write a decimal number such as 0.92",
            )
            return None
        return value

    def known(self, row: Row, column: str, names: Collection[str] | None) -> bool:
        """Whether a cell names one of `names` (None: the list itself could not be read, so nothing is said)."""
        if names is None or row[column] in names:
            return True
        self.fault(
            row.file,
            row.line,
            column,
            f"{column} '{row[column]}' is not known",
            f"{column} must be one that is defined",
            nearest(row[column], names),
        )
        return False


def _records(stream: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """(line on which the record starts, cells), empty lines left out."""
    reader = csv.reader(stream, strict=True)
    start = 1
    for cells in reader:
        if cells:
            yield start, cells
        start = reader.line_num + 1
