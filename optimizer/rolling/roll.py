"""The whole horizon, window after window, and its certified bound; a second process works ahead and behind.

While a window is solved here, the next one's model is built beside, and then the bound of the one before. What comes
out depends on the case and the options alone, not on which process was faster or how often the work was taken up again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optimizer.blocks.innovation import most_eflops
from optimizer.rolling.beside import Ticket, Worker
from optimizer.rolling.bound import Side, detached, least_kcny, relaxed, side, work_come
from optimizer.rolling.journal import Journal, Record
from optimizer.rolling.opening import Opening
from optimizer.rolling.seam import Part
from optimizer.rolling.step import Step, advance
from optimizer.rolling.whole import Items, Line, account, innovation_lines, mean_eflops, whole_items
from optimizer.rolling.window import Span, window
from optimizer.solve.compile import compile_case
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


def compiled(case: Case, start_h: int, hours: int) -> Part:
    cut = window(case, start_h, hours)
    return Part(cut, compile_case(cut))


class Roll:
    """One horizon on its way: windows solved so far, and tickets for what is worked out beside."""

    def __init__(self, case: Case, windows: tuple[Span, ...], gap: float, journal: Journal, worker: Worker) -> None:
        self.case, self.windows, self.gap, self.journal, self.worker = case, windows, gap, journal, worker
        self.records = journal.finished()
        self.resumed_at = len(self.records)
        self._parts: dict[tuple[int, int], Ticket[Part]] = {}
        self._sides: dict[int, Side] = {}
        self._bounds: dict[int, Ticket[float]] = {}

    def run(self, fill: Fill, heard: Callable[[int], Listener]) -> Whole:
        """Solve what is left; raises NoPlan for a window without one."""
        last = len(self.windows) - 1
        for k in range(self.resumed_at):
            self._ask_bound(k)
        for k in range(self.resumed_at, last + 1):
            part, ahead = self._window(k).answer(), self._hours_ahead(k)
            following = self._window(k + 1) if k < last else None
            if k + 1 < last:
                self._hours_ahead(k + 1)
            if k:
                self._ask_bound(k - 1)
            self._keep_bound(k - 3)
            opening = self.records[-1].opening if k else Opening()
            given = ahead.answer() if ahead else None
            step = advance(part, given, following, opening, self.gap, heard(k))
            self._keep(k, step, fill)
            self._forget(k - 1)
        self._ask_bound(last)
        for k in list(self._bounds):
            self._keep_bound(k)
        return self._whole()

    def _keep_bound(self, k: int) -> None:
        if k in self._bounds:
            self.journal.keep_bound(k, self._bounds.pop(k).answer())

    def _keep(self, k: int, step: Step, fill: Fill) -> None:
        record = Record(account(step.plan, step.max_violation), step.opening, step.worth, step.gap_frac)
        self.journal.keep(k, record, lambda folder: fill(folder, step.plan))
        self.records.append(record)

    def _window(self, k: int) -> Ticket[Part]:
        return self._part(self.windows[k].start_h, self.windows[k].hours)

    def _hours_ahead(self, k: int) -> Ticket[Part] | None:
        span = self.windows[k]
        return self._part(span.end_h, span.ahead_h) if span.ahead_h else None

    def _part(self, start_h: int, hours: int) -> Ticket[Part]:
        key = start_h, hours
        if key not in self._parts:
            self._parts[key] = self.worker.ask(compiled, self.case, *key)
        return self._parts[key]

    def _forget(self, k: int) -> None:
        """Let go of the models that no later window needs."""
        end_h = self.windows[k].end_h if k >= 0 else 0
        self._parts = {key: ticket for key, ticket in self._parts.items() if key[0] >= end_h}
        self._sides = {j: seam for j, seam in self._sides.items() if j >= k}

    def _side(self, k: int) -> Side | None:
        """The seam after window k; None at the ends."""
        if not 0 <= k < len(self.windows) - 1:
            return None
        if k not in self._sides:
            self._sides[k] = side(self._window(k).answer(), self._window(k + 1).answer(), self.records[k].worth)
        return self._sides[k]

    def _ask_bound(self, k: int) -> None:
        """Ask for the bound of a finished window, if it is neither kept nor asked for."""
        if k in self._bounds or self.journal.bound_kcny(k) is not None:
            return
        part, came = self._window(k).answer(), work_come(self.case, self.windows[k].end_h)
        if len(self.windows) == 1:
            program = relaxed(part, came)
        else:
            slopes = {r: line.slope for r, line in self._lines().items()}
            rows = self.records[0].worth.rows
            program = detached(part, self._side(k - 1), self._side(k), rows, slopes, came)
        self._bounds[k] = self.worker.ask(least_kcny, program)

    def _lines(self) -> dict[str, Line]:
        """Lines above the innovation value, which touch it where the first window leads."""
        first = self.records[0].account
        return innovation_lines(self.case, mean_eflops([first]), most_eflops(self.case)) if first.mean_eflops else {}

    def _whole(self) -> Whole:
        items = whole_items(self.case, [record.account for record in self.records])
        bound = sum(self.journal.bound_kcny(k) or 0.0 for k in range(len(self.windows)))
        if self.case.innovation and len(self.windows) > 1:
            points = sum(line.intercept for line in self._lines().values())
            bound -= self.case.innovation.weight_kcny_per_point * points
        return Whole(items, min(bound, sum(items.values())), tuple(record.gap_frac for record in self.records))
