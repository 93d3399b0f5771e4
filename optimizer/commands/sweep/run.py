"""The members of a sweep handed out to a crew until each has its record.

What is finished stands in the store, by the hash of its content: to resume is to do this again. Nothing else is kept.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace
from pathlib import Path

from optimizer.commands.sweep.crew import Crew
from optimizer.commands.sweep.member import Record, Task
from optimizer.commands.sweep.plan import Sweep, store_of
from optimizer.runs.drafts import clear, is_claimed
from optimizer.runs.manifest import versions
from optimizer.runs.store import StoreError, unwritable

TRIES = 2
"""A member whose process died is tried once more, then given up."""
LOOK_S = 0.5
"""Between two looks at members that another sweep works on."""

Listener = Callable[[Record], None]


def tasks_of(folder: Path, sweep: Sweep) -> list[Task]:
    """One task for each member."""
    store, now = store_of(folder, sweep), versions()
    return [
        Task(sweep.base, member, store, sweep.gap_frac, sweep.time_limit_s, sweep.reports, sweep.live, now)
        for member in sweep.members
    ]


def solve_all(tasks: Sequence[Task], crew: Crew, heard: Listener = lambda _: None) -> list[Record]:
    """Records in the order of the tasks; `heard` is told of each as it comes.

    Raises StoreError if runs cannot be stored: that would cost every member alike.
    """
    prepare(tasks[0].store)
    done: dict[str, Record] = {}
    waiting, at_work = deque(tasks), dict[Future[Record], Task]()
    elsewhere: list[tuple[Task, Path]] = []
    deaths: Counter[str] = Counter()
    while waiting or at_work or elsewhere:
        while waiting and crew.room:
            task = waiting.popleft()
            at_work[crew.submit(task)] = task
        finished, _ = wait(at_work, LOOK_S if elsewhere else None, FIRST_COMPLETED)
        for future in finished:
            task = at_work.pop(future)
            record = _record(future, task)
            deaths[task.member.name] += record is None
            if record is None and deaths[task.member.name] < TRIES:
                waiting.append(task)
            elif record is not None and record.status == "at work elsewhere":
                elsewhere.append((task, task.store / str(record.run)))
            else:
                done[task.member.name] = record or _lost(task)
                heard(done[task.member.name])
        elsewhere = _free_again(elsewhere, waiting)
        if elsewhere and not at_work and not waiting:
            time.sleep(LOOK_S)
    return [done[task.member.name] for task in tasks]


def prepare(store: Path) -> None:
    """Make the store and rid it of what killed processes left; StoreError if it cannot be written."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        clear(store)
    except OSError as error:
        raise unwritable(store, error) from None


def _record(future: Future[Record], task: Task) -> Record | None:
    """What a future brought; None if its process died before it could say anything."""
    try:
        record = future.result()
    except StoreError:
        raise
    except CancelledError:
        return Record(task.member.name, "failed", reason="the scheduler gave the member up")
    except Exception as error:
        if type(error).__name__ in ("BrokenProcessPool", "KilledWorker"):
            return None
        return Record(task.member.name, "failed", reason=f"{type(error).__name__}: {error}")
    unseen = record.run is not None and record.fresh and not (task.store / record.run).is_dir()
    words = f"its worker stored '{record.run}' where we do not see it: workers must share the folder {task.store}"
    return replace(record, status="failed", run=None, reason=words) if unseen else record


def _lost(task: Task) -> Record:
    reason = f"its process died {TRIES} times (killed, or out of memory)"
    return Record(task.member.name, "failed", reason=reason)


def _free_again(elsewhere: list[tuple[Task, Path]], waiting: deque[Task]) -> list[tuple[Task, Path]]:
    """Move members that nobody works on any more back to those that wait; returns the others."""
    still = [(task, folder) for task, folder in elsewhere if is_claimed(folder)]
    waiting.extend(task for task, folder in elsewhere if (task, folder) not in still)
    return still
