"""A copy of the fact tables that a test may spoil."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from hubs import DATA, Facts, Fault, InputError, load_facts


class Tables:
    """The shipped tables in a folder of their own; `match` picks rows by the cells given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(DATA, folder)

    def read(self, file: str) -> tuple[list[str], list[dict[str, str]]]:
        with (self.folder / file).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            return list(reader.fieldnames or []), list(reader)

    def write(self, file: str, header: list[str], rows: list[dict[str, str]]) -> None:
        with (self.folder / file).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def change(self, file: str, match: dict[str, str], **cells: str) -> int:
        """Overwrite cells of the one row that matches; its line in the file (header = 1)."""
        header, rows = self.read(file)
        hits = [place for place, row in enumerate(rows) if match.items() <= row.items()]
        assert len(hits) == 1, (file, match, len(hits))
        rows[hits[0]].update(cells)
        self.write(file, header, rows)
        return hits[0] + 2

    def drop(self, file: str, **match: str) -> None:
        header, rows = self.read(file)
        kept = [row for row in rows if not match.items() <= row.items()]
        assert len(kept) < len(rows), (file, match)
        self.write(file, header, kept)

    def add(self, file: str, match: dict[str, str], **cells: str) -> int:
        """Append a copy of the one row that matches, some cells changed; its line."""
        header, rows = self.read(file)
        (model,) = (row for row in rows if match.items() <= row.items())
        self.write(file, header, [*rows, {**model, **cells}])
        return len(rows) + 2

    def faults(self) -> tuple[Fault, ...]:
        with pytest.raises(InputError) as caught:
            load_facts(self.folder)
        return caught.value.faults

    def only_fault(self) -> str:
        """The message of the one fault, its folder left out."""
        faults = self.faults()
        assert len(faults) == 1, "\n".join(map(str, faults))
        return str(faults[0]).removeprefix(f"{self.folder}/")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path / "data")


@pytest.fixture(scope="session")
def facts() -> Facts:
    return load_facts()
