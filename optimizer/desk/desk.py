"""The desk as its pages see it: one folder, one process that checks, one that solves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from hubs.errors import Fault
from optimizer.desk import folder as files
from optimizer.desk.checking import Checked, Checker
from optimizer.desk.guard import Refusal
from optimizer.desk.job import Order
from optimizer.desk.solving import Solver


@dataclass
class Desk:
    """What stands behind the pages; `close` leaves no process behind."""

    folder: Path
    checker: Checker
    solver: Solver
    _known: dict[tuple[str, str], Checked] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> Desk:
        return cls(folder, Checker(folder), Solver(folder))

    def open(self) -> None:
        self.checker.start()
        self.solver.open()

    def close(self) -> None:
        self.solver.close()
        self.checker.close()

    def described(self) -> list[tuple[str, Checked]]:
        """The planner's own scenarios with what each says of itself; a text is read once as long as none changes."""
        texts: dict[str, files.Text] = {}
        unread: dict[str, Checked] = {}
        for name in files.own_names(self.folder):
            try:
                texts[name] = files.own_text(self.folder, name)
            except Refusal as refusal:
                unread[name] = Checked((Fault(f"{name}.toml", None, None, str(refusal), "", ""),))
        mark = "".join(text.version for text in texts.values())  # what one says may rest on another it extends
        self._known = {
            (name, mark): self._known.get((name, mark)) or self.checker.check(name, text.text, whole=False)
            for name, text in texts.items()
        }
        return sorted([*((name, checked) for (name, _), checked in self._known.items()), *unread.items()])

    def order(self, origin: str, name: str, gap_frac: float | None, time_limit_s: float | None) -> Order:
        """An order to solve a scenario of the library or of the planner's own."""
        if origin == "library":
            files.library_text(name)
            return Order(name, None, gap_frac, time_limit_s)
        return Order(name, files.own_text(self.folder, name).text, gap_frac, time_limit_s)

    def state(self) -> dict[str, Any] | None:
        """How the present or the last solve stands, None before the first."""
        return self.solver.job.seen() if self.solver.job else None


def _desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


Here = Annotated[Desk, Depends(_desk_of)]
"""The desk, as a parameter of what answers a request."""
