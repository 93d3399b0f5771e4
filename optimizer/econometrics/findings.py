"""What an audit says: a finding, its verdict, and the arithmetic that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "unsupported", "unlikely", "impossible"]


@dataclass(frozen=True)
class Finding:
    """One rule applied: where, the verdict, what it means, and the arithmetic that shows it."""

    rule: str
    where: str
    verdict: Verdict
    statement: str
    arithmetic: str

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong here."""
        return self.verdict == "holds"

    def __str__(self) -> str:
        return f"[{self.verdict}] {self.where}: {self.statement} ({self.arithmetic})"
