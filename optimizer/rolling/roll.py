"""The whole horizon, window after window, and its certified bound; a second process works ahead and behind.

While a window is solved here, the next one's model is built beside, and then the bound of those before. What comes
out depends on the case and the options alone, not on which process was faster or how often the work was taken up again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optimizer.rolling.beside import Ticket, Worker
from optimizer.rolling.certify import Certifier, stretches
from optimizer.rolling.journal import Journal, Record
from optimizer.rolling.opening import Opening
from optimizer.rolling.parts import Parts
from optimizer.rolling.seam import Part
from optimizer.rolling.step import Step, advance
from optimizer.rolling.whole import Items, account, whole_items
from optimizer.rolling.window import Span
from optimizer.solve.optimum import Listener, gap_frac
from optimizer.solve.solution import Plan
from scenarios.case import Case

Fill = Callable[[Path, Plan], None]
"""Writes what is kept of a window's plan into a folder."""


@dataclass(frozen=True)
class Whole:
    """A rolled horizon: what it costs, and a proved lower bound on what any plan of it costs."""

    items_kcny: Items
    bound_kcny: float
    gaps_frac: tuple[float, ...]
    """Of each window on its own."""

    @property
    def objective_kcny(self) -> float:
        return sum(self.items_kcny.values())

    @property
    def gap_frac(self) -> float:
        return gap_frac(self.objective_kcny, self.bound_kcny)


class Roll:
    """One horizon on its way: windows solved so far, and what is worked out beside.

    `stretch_h` is how long windows put together for the bound are to last at least; 0: each stands alone.
    """

    def __init__(
        self,
        case: Case,
        windows: tuple[Span, ...],
        gap: float,
        journal: Journal,
        worker: Worker,
        stretch_h: int = 0,
    ) -> None:
        self.case, self.windows, self.gap, self.journal = case, windows, gap, journal
        self.records = journal.finished()
        self.resumed_at = len(self.records)
        self._parts = Parts(case, worker)
        stretched = stretches(windows, stretch_h)
        self._certifier = Certifier(case, stretched, self._parts, self.records, journal, worker)

    def run(self, fill: Fill, heard: Callable[[int], Listener]) -> Whole:
        """Solve what is left; raises NoPlan for a window without one."""
        last = len(self.windows) - 1
        for k in range(self.resumed_at, last + 1):
            part, ahead = self._window(k), self._hours_ahead(k)
            following = self._window(k + 1) if k < last else None
            if k + 1 < last:
                self._hours_ahead(k + 1)
            self._certifier.prepare(k)
            self._certifier.follow()
            opening, before = (self.records[-1].opening, self.records[-1].worth) if k else (Opening(), None)
            given = ahead.answer() if ahead else None
            self._keep(k, advance(part.answer(), given, following, opening, before, self.gap, heard(k)), fill)
            self._parts.forget(min(self.windows[k].end_h, self._certifier.needs_from_h))
        bound_kcny = self._certifier.bound_kcny()
        items = whole_items(self.case, [record.account for record in self.records])
        return Whole(items, min(bound_kcny, sum(items.values())), tuple(record.gap_frac for record in self.records))

    def _keep(self, k: int, step: Step, fill: Fill) -> None:
        record = Record(account(step.plan, step.max_violation), step.opening, step.worth, step.gap_frac)
        self.journal.keep(k, record, lambda folder: fill(folder, step.plan))
        self.records.append(record)

    def _window(self, k: int) -> Ticket[Part]:
        return self._parts.ask(self.windows[k].start_h, self.windows[k].hours)

    def _hours_ahead(self, k: int) -> Ticket[Part] | None:
        span = self.windows[k]
        return self._parts.ask(span.end_h, span.ahead_h) if span.ahead_h else None
