"""Errors of the econometric side: each says where, what was found, the rule, and the mend.

EconometricsError
├── PanelError     a panel file breaks the schema; holds every fault found, not only the first
├── TablesError    a file of published tables cannot be read; holds every fault found
└── DesignError    the data are readable but the estimator asked for is not defined on them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong: `where` it is, what was `found`, the `rule` it breaks, and the `mend`."""

    where: str
    found: str
    rule: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; {self.rule}. Mend: {self.mend}."


class EconometricsError(Exception):
    """Root of the tree; `faults` lists everything found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class PanelError(EconometricsError):
    """A panel file that breaks the schema."""


class TablesError(EconometricsError):
    """A file of published tables that cannot be read."""


class DesignError(EconometricsError):
    """An estimator that is not defined on these data."""

    def __init__(self, where: str, found: str, rule: str, mend: str) -> None:
        super().__init__((Fault(where, found, rule, mend),))
