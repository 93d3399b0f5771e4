"""Names for rows and columns in a planner's words: claims from docs, places from indices, numbers with units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from optimizer.solve.compile import Program, label

Side = Literal["at least", "at most", "whole"]

TIMES = (("day", "hosting.counts_all_work"), ("period", "service.steers_all_demand"), ("hour", "compute_balances"))
"""What a last index counts, and a constraint that has one row for each of them."""
UNTIMED = ("innovation.",)
"""Components whose last index is a number but no time: the segments of a curve."""


@dataclass(frozen=True)
class Rule:
    """One side of a row or of a bound, or one whole number, with the words to speak of it."""

    name: str
    member: Any
    side: Side
    of_row: bool
    stated: bool
    """Its number belongs to its words: a bound, or an equality; the claim of an inequality speaks for itself."""
    bound: float
    """The number on the right-hand side; nan for a whole number."""
    unit: str
    claim: str
    place: str

    @property
    def label(self) -> str:
        return label(self.name, self.member)

    @property
    def words(self) -> str:
        """The rule as a claim, without its place."""
        if self.side == "whole":
            return f"{self.claim}: only whole numbers"
        if not self.stated:
            return self.claim
        side = self.side
        if self.of_row and self.bound < 0:
            # Which side of an equality is written first is an accident: a sum of at most -1 is a lack of at least 1.
            side = "at least" if side == "at most" else "at most"
        return f"{self.claim}: {side} {quantity(abs(self.bound) if self.of_row else self.bound, self.unit)}"


class Names:
    """The names of a program's columns, and its indices in words."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._axes: dict[str, str] = {}

    @cached_property
    def columns(self) -> list[tuple[str, Any]]:
        """(variable, member) of every column."""
        keys: list[tuple[str, Any]] = [("", None)] * self.program.columns
        for name, columns in self.program.variables.items():
            for member, column in zip(self.program.index[name], columns.tolist(), strict=True):
                if column >= 0:
                    keys[column] = (name, member)
        return keys

    @cached_property
    def _times(self) -> dict[str, set[int]]:
        return {word: _numbers(member for name, member in self.program.row_keys if name == of) for word, of in TIMES}

    def where(self, name: str, member: Any) -> str:
        """An index in words: `Beijing, control, day 0`."""
        if member is None:
            return ""
        parts = [str(part) for part in (member if isinstance(member, tuple) else (member,))]
        if name not in self._axes:
            self._axes[name] = self._axis(name)
        return ", ".join([*parts[:-1], f"{self._axes[name]}{parts[-1]}"])

    def _axis(self, name: str) -> str:
        """What the last index of a component counts, with a blank; empty if it is a name or unknown."""
        members = self.program.index.get(name) or [member for other, member in self.program.row_keys if other == name]
        numbers, times = _numbers(members), self._times
        if not numbers or name.startswith(UNTIMED):
            return ""
        for word in ("day", "period"):
            if numbers == times[word]:
                return f"{word} "
        return "hour " if numbers <= times["hour"] and max(numbers) >= len(times["period"]) else ""


def split_doc(doc: str, name: str) -> tuple[str, str]:
    """`[unit] sentence` as (unit, sentence); the component's name stands in for a missing sentence."""
    found = re.match(r"\[([^\]]*)\]\s*(.*)", doc, flags=re.DOTALL)
    return (found[1], found[2] or name) if found else ("", doc or name)


def quantity(value: float, unit: str) -> str:
    """A number with its unit; the unit [1] is not written."""
    return f"{value:,.6g}" if unit in ("", "1") else f"{value:,.6g} {unit}"


def part_of(member: Any, end: int) -> Any:
    """The first (0) or last (-1) part of an index; the index itself if it has no parts."""
    return member[end] if isinstance(member, tuple) and member else member


def _numbers(members: Iterable[Any]) -> set[int]:
    ends = {part_of(member, -1) for member in members}
    return ends if all(isinstance(end, int) for end in ends) else set()
