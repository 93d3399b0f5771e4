"""What the planner sees while a sweep works: members done, the last one, and the time left."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from optimizer.commands.sweep.member import Record

SAID_EVERY_S = 10.0
"""Without a terminal, a line at most this often, and for every member that has no plan."""

RECENT = 20
"""Members from whose pace the time left is told: those found in the store are passed over quickly."""


class Meter:
    """A bar on a terminal, lines elsewhere, nothing if quiet."""

    def __init__(self, console: Console, members: int, quiet: bool) -> None:
        self.console, self.members, self.quiet = console, members, quiet
        self.done, self.said = 0, 0.0
        self.started = time.perf_counter()
        self.recent = deque([0.0], RECENT + 1)
        self.bar = (
            Progress(BarColumn(), TextColumn("{task.description}", markup=False), console=console, transient=True)
            if console.is_terminal and not quiet
            else None
        )

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task(f"0/{self.members}", total=self.members)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()

    def hear(self, record: Record) -> None:
        """Count a record; say it, and any trouble with it."""
        self.done += 1
        now = time.perf_counter() - self.started
        self.recent.append(now)
        words = self.line(record, now)
        trouble = record.status not in ("solved", "gap not reached") or record.damage
        if self.bar:
            self.bar.update(self.task, completed=self.done, description=words)
        due = now - self.said >= SAID_EVERY_S or self.done == self.members
        if not self.quiet and (trouble or (due and not self.bar)):
            self.said = now
            self.console.print(words, highlight=False, markup=False, soft_wrap=True)

    def line(self, record: Record, now_s: float) -> str:
        """`12/200 draw-003: solved, 4.1 s; about 6 min left`."""
        words = f"{self.done}/{self.members} {record.member}: {record.status}"
        if record.reason:
            words += f" ({record.reason})"
        if record.damage:
            words += f"; a damaged run was set aside ({'; '.join(record.damage)})"
        words += f", {record.wall_s:.1f} s" if record.fresh else ", found in the store" if record.run else ""
        left, each_s = self.members - self.done, (now_s - self.recent[0]) / (len(self.recent) - 1)
        return f"{words}; {span(left * each_s)} left" if left else words


def span(seconds: float) -> str:
    """`about 40 s`, `about 6 min`, `about 2.5 h`."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 90 * 60 else f"about {seconds / 3600:.1f} h"
