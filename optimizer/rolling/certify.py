"""The certified bound of a rolled horizon, stretch by stretch, worked out beside while later windows are solved.

A stretch is one window or several in a row: the longer it is, the fewer seams the bound is cut at.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.blocks.innovation import most_eflops
from optimizer.rolling.beside import Ticket, Worker
from optimizer.rolling.bound import ROUGH, Side, detached, least_kcny, relaxed, side, work_come
from optimizer.rolling.journal import Journal, Record
from optimizer.rolling.parts import Parts
from optimizer.rolling.seam import Part
from optimizer.rolling.whole import Line, innovation_lines, mean_eflops
from optimizer.rolling.window import Span
from scenarios.case import Case

STRETCH_H = 144
"""Windows are put together until they last so long: fewer seams, at the price of larger programmes."""
AT_WORK = 2
"""So many bounds may be on their way at once; beyond, the roll waits for the oldest."""


@dataclass(frozen=True)
class Stretch:
    """The windows `first` to `last` of a roll, bounded together."""

    first: int
    last: int
    start_h: int
    hours: int

    @property
    def end_h(self) -> int:
        return self.start_h + self.hours


def stretches(windows: tuple[Span, ...], least_h: int) -> tuple[Stretch, ...]:
    """Windows put together, in order, until each stretch lasts `least_h` hours; the last may be shorter."""
    found: list[Stretch] = []
    for k, span in enumerate(windows):
        if found and found[-1].hours < least_h:
            found[-1] = Stretch(found[-1].first, k, found[-1].start_h, found[-1].hours + span.hours)
        else:
            found.append(Stretch(k, k, span.start_h, span.hours))
    return tuple(found)


class Certifier:
    """Asks for the bound of each stretch once its windows are solved; `records` grows as they are."""

    def __init__(
        self,
        case: Case,
        stretched: tuple[Stretch, ...],
        parts: Parts,
        records: list[Record],
        journal: Journal,
        worker: Worker,
    ) -> None:
        self.case, self.stretches, self.parts = case, stretched, parts
        self.records, self.journal, self.worker = records, journal, worker
        self._asked = 0
        self._sides: dict[int, Side] = {}
        self._open: dict[int, Ticket[float]] = {}

    def prepare(self, window: int) -> None:
        """Have the models built that the bound over a window needs: its stretch's, and that of the next."""
        here = next(i for i, stretch in enumerate(self.stretches) if stretch.last >= window)
        for stretch in self.stretches[here : here + 2]:
            self._part(stretch)

    def follow(self) -> None:
        """Ask for the bound of every stretch that is solved, and keep those that have come."""
        while self._asked < len(self.stretches) and self.stretches[self._asked].last < len(self.records):
            self._ask(self._asked)
            self._asked += 1
        while len(self._open) > AT_WORK:
            self._keep(min(self._open))

    @property
    def needs_from_h(self) -> int:
        """No model that begins earlier is needed any more."""
        return self.stretches[self._asked].start_h if self._asked < len(self.stretches) else self.case.horizon.hours

    def bound_kcny(self) -> float:
        """Of the whole horizon, once all windows are solved."""
        self.follow()
        for number in list(self._open):
            self._keep(number)
        bound = sum(self.journal.bound_kcny(stretch.last) or 0.0 for stretch in self.stretches)
        if self.case.innovation and len(self.stretches) > 1:
            points = sum(line.intercept for line in self._lines().values())
            bound -= self.case.innovation.weight_kcny_per_point * points
        return bound

    def _keep(self, number: int) -> None:
        self.journal.keep_bound(self.stretches[number].last, self._open.pop(number).answer())

    def _part(self, stretch: Stretch) -> Ticket[Part]:
        return self.parts.ask(stretch.start_h, stretch.hours)

    def _ask(self, number: int) -> None:
        stretch = self.stretches[number]
        if self.journal.bound_kcny(stretch.last) is not None:
            return
        part, came = self._part(stretch).answer(), work_come(self.case, stretch.end_h)
        if len(self.stretches) == 1:
            self._open[number] = self.worker.ask(least_kcny, relaxed(part, came))
            return
        slopes = {r: line.slope for r, line in self._lines().items()}
        rows = self.records[0].worth.rows
        program = detached(part, self._side(number - 1), self._side(number), rows, slopes, came)
        self._open[number] = self.worker.ask(least_kcny, program, ROUGH)
        self._sides.pop(number - 1, None)

    def _side(self, number: int) -> Side | None:
        """The seam after a stretch; None at the ends."""
        if not 0 <= number < len(self.stretches) - 1:
            return None
        if number not in self._sides:
            earlier, later = (self._part(stretch).answer() for stretch in self.stretches[number : number + 2])
            self._sides[number] = side(earlier, later, self.records[self.stretches[number].last].worth)
        return self._sides[number]

    def _lines(self) -> dict[str, Line]:
        """Lines above the innovation value, which touch it where the first window leads."""
        first = self.records[0].account
        return innovation_lines(self.case, mean_eflops([first]), most_eflops(self.case)) if first.mean_eflops else {}
