"""Models of windows, built beside before they are needed, and let go when they no longer are."""

from __future__ import annotations

from optimizer.rolling.beside import Ticket, Worker
from optimizer.rolling.seam import Part
from optimizer.rolling.window import window
from optimizer.solve.compile import compile_case
from scenarios.case import Case


def compiled(case: Case, start_h: int, hours: int) -> Part:
    """The part of a horizon from one hour on, with its programme."""
    cut = window(case, start_h, hours)
    return Part(cut, compile_case(cut))


class Parts:
    """Tickets for the parts of one case, each asked for once."""

    def __init__(self, case: Case, worker: Worker) -> None:
        self.case, self.worker = case, worker
        self._tickets: dict[tuple[int, int], Ticket[Part]] = {}

    def ask(self, start_h: int, hours: int) -> Ticket[Part]:
        key = start_h, hours
        if key not in self._tickets:
            self._tickets[key] = self.worker.ask(compiled, self.case, *key)
        return self._tickets[key]

    def forget(self, before_h: int) -> None:
        """Let go of the parts that begin before an hour."""
        self._tickets = {key: ticket for key, ticket in self._tickets.items() if key[0] >= before_h}
