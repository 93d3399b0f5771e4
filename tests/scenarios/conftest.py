"""Scenario files of a test's own, and the faults they lead to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hubs import Fault, InputError
from scenarios.build import build_case
from scenarios.library import load

SMALL = """
extends = "_national"
why = "A corner of the national day, for tests of what is read."

[horizon]
hours = 6

[scope]
regions = ["Guangdong", "Guizhou"]
clusters = ["Guian"]
"""


class Desk:
    """A folder in which a test writes a scenario and the files it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "mine") -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def table(self, name: str, header: str, rows: list[str]) -> None:
        (self.folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    def faults(self, text: str, changes: tuple[str, ...] = ()) -> tuple[Fault, ...]:
        """All faults of a scenario, in loading or in building its case; any other error fails the test."""
        path = self.write(text)
        with pytest.raises(InputError) as caught:
            build_case(load(str(path), changes))
        return caught.value.faults

    def said(self, text: str, changes: tuple[str, ...] = ()) -> list[str]:
        """The messages, with the folder left out."""
        return [str(fault).replace(f"{self.folder}/", "") for fault in self.faults(text, changes)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def only(desk: Desk) -> Callable[..., str]:
    """The message of the one fault of a scenario."""

    def message(text: str, changes: tuple[str, ...] = ()) -> str:
        said = desk.said(text, changes)
        assert len(said) == 1, said
        return said[0]

    return message
