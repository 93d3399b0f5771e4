"""Every error that a user's input can cause, in one tree.

    ComputegridError            anything this project raises on purpose
    ├── UnitMismatch            a unit that is unknown, or of another dimension than asked for
    └── InputError              one or more Faults: which file, row and value, which rule, what mends it

A loader collects all faults before it raises one InputError, so that a user mends a table in one go.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class ComputegridError(Exception):
    """Root of the tree."""


class UnitMismatch(ComputegridError):
    """A unit is unknown, or its dimension differs from the one asked for."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input.

    where: file or argument; row: line number in the file, the header being line 1 (None if the whole file is meant);
    column: column or quantity (None likewise); found: what stands there; rule: what must hold; mend: what to do.
    """

    where: str
    row: int | None
    column: str | None
    found: str
    rule: str
    mend: str

    def __str__(self) -> str:
        place = self.where if self.row is None else f"{self.where} row {self.row}"
        return f"{place}: {self.found}; {self.rule}. Mend: {self.mend}."


class InputError(ComputegridError):
    """All faults found in one input; the message prints every one of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        head = "1 fault in the input:" if count == 1 else f"{count} faults in the input:"
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


def nearest(word: str, known: Iterable[str]) -> str:
    """Mend sentence for an unknown name: the closest known one, else the list of known ones."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:  # a second look that ignores case and blanks: 'guian ' is meant as 'Guian'
        folded = {name.casefold().replace(" ", ""): name for name in names}
        matches = difflib.get_close_matches(word.casefold().replace(" ", ""), list(folded), n=1, cutoff=0.6)
        close = [folded[match] for match in matches]
    if close:
        return f"write '{close[0]}' if that is meant, else remove it"
    return "use one of " + (", ".join(names) if names else "(none is defined)")


def unknown_name(where: str, kind: str, name: str, known: Iterable[str]) -> InputError:
    """InputError for a function argument that names no known entity."""
    return InputError(
        [
            Fault(
                where,
                None,
                kind,
                f"{kind} '{name}' is not known",
                f"{kind} must be one of those in the facts",
                nearest(name, known),
            )
        ]
    )
