"""One member of a sweep: found in the store by the hash of its content, or solved and stored there.

The name of a run is the scenario's, and a hash of the case (every number the optimizer sees), the options of the solve
and the versions: equal content, equal name, solved once. A member that no plan can meet leaves NAME.noplan.json.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from hubs.errors import InputError
from optimizer.runs.checksums import damage
from optimizer.runs.drafts import claim, set_aside, write_file
from optimizer.runs.manifest import case_hash, versions
from optimizer.runs.store import StoreError, open_run, unwritable
from optimizer.solve import engine
from optimizer.solve.compile import TriviallyInfeasible, compile_case
from optimizer.solve.live import Live
from optimizer.workflow import solve_case
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.ensemble import Member
from scenarios.library import Loaded, load

THREADS = 1
"""Of the engine in every member: results must not depend on how many members are solved at once."""
HASH_DIGITS = 16

Status = Literal["solved", "gap not reached", "infeasible", "faulty input", "failed", "at work elsewhere"]


@dataclass(frozen=True)
class Task:
    """A member to solve; gap and limit None are the scenario's own. `versions` are those of who asks."""

    base: str
    member: Member
    store: Path
    gap_frac: float | None
    time_limit_s: float | None
    reports: bool
    live: bool
    versions: dict[str, str]


@dataclass(frozen=True)
class Record:
    """What became of a member: `run` is its folder in the store, `fresh` whether it was solved now, by us."""

    member: str
    status: Status
    run: str | None = None
    reason: str = ""
    fresh: bool = False
    damage: tuple[str, ...] = ()
    """What was found wrong with an earlier run of the same content, which was set aside."""
    wall_s: float = 0.0


def solve_member(task: Task) -> Record:
    """Solve a member, unless its run is there. A fault of the member becomes its record; StoreError is everybody's."""
    started = time.perf_counter()
    try:
        record = _found_or_solved(task)
    except StoreError:
        raise
    except InputError as error:
        record = Record(task.member.name, "faulty input", reason=_words(error))
    except Exception as error:  # one member that fails must not cost the others their run
        record = Record(task.member.name, "failed", reason=f"{type(error).__name__}: {error}", fresh=True)
    return replace(record, wall_s=time.perf_counter() - started)


def run_name(
    loaded: Loaded, case: Case, gap_frac: float | None, time_limit_s: float | None, base: Case | None = None
) -> str:
    """Name of a run: the scenario's, and the hash of all that its result depends on; `base` if it starts from one."""
    spec = loaded.scenario.solve
    content = {
        "case": case_hash(case),
        "gap_frac": gap_frac or spec.gap_frac,
        "time_limit_s": time_limit_s or spec.time_limit_s,
        "threads": THREADS,
        "versions": versions(),
        **({} if base is None else {"base": case_hash(base)}),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{loaded.scenario.name}-{digest[:HASH_DIGITS]}"


def _found_or_solved(task: Task) -> Record:
    if task.versions != versions():
        differing = {k: v for k, v in versions().items() if task.versions.get(k) != v}
        raise RuntimeError(f"this worker has other versions than the sweep: {differing}")
    loaded = load(task.base, task.member.changes)
    case = build_case(loaded)
    base = build_case(load(task.base)) if task.live else None
    folder = task.store / run_name(loaded, case, task.gap_frac, task.time_limit_s, base)
    try:
        with claim(folder) as mine:
            if not mine:
                return Record(task.member.name, "at work elsewhere", folder.name)
            found, words = _kept(folder, task.member.name)
            return found or replace(_solved(task, loaded, case, folder), damage=words)
    except OSError as error:
        raise unwritable(task.store, error) from None


def _kept(folder: Path, member: str) -> tuple[Record | None, tuple[str, ...]]:
    """What the store holds of a content, if it is whole; a damaged run is set aside, and what is wrong with it told."""
    note = _note(folder)
    if note.exists():
        return Record(member, "infeasible", reason=json.loads(note.read_text(encoding="utf-8"))["reason"]), ()
    if not folder.exists():
        return None, ()
    words = damage(folder)
    if words:
        set_aside(folder)
        return None, words
    return _record(member, folder, fresh=False), ()


def _solved(task: Task, loaded: Loaded, case: Case, folder: Path) -> Record:
    name, live = task.member.name, _live(task.base, task.gap_frac, task.time_limit_s) if task.live else None
    try:
        solved = solve_case(
            loaded,
            case,
            folder,
            task.gap_frac,
            task.time_limit_s,
            task.member.changes,
            reports=task.reports,
            live=live,
        )
    except TriviallyInfeasible as rule:
        return _infeasible(name, folder, f"no plan meets a rule: {rule}")
    if solved.run is not None:
        return _record(name, folder, fresh=True)
    if solved.outcome.stop == "infeasible":
        return _infeasible(name, folder, "no plan meets all rules; `computegrid explain` says which")
    return Record(name, "failed", reason=solved.outcome.words, fresh=True)


@cache
def _live(base: str, gap_frac: float | None, time_limit_s: float | None) -> Live:
    """The base scenario, solved once in each process."""
    loaded = load(base)
    spec = loaded.scenario.solve
    return Live(compile_case(build_case(loaded)), gap_frac or spec.gap_frac, time_limit_s or spec.time_limit_s)


def _record(member: str, folder: Path, fresh: bool) -> Record:
    reached = open_run(folder).manifest["stop"] == "gap reached"
    return Record(member, "solved" if reached else "gap not reached", folder.name, fresh=fresh)


def _infeasible(member: str, folder: Path, reason: str) -> Record:
    content = json.dumps({"status": "infeasible", "reason": reason}, ensure_ascii=False) + "\n"
    write_file(_note(folder), content.encode())
    return Record(member, "infeasible", reason=reason, fresh=True)


def _note(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.noplan.json")


def _words(error: InputError) -> str:
    """All faults in one line; where they stand is named unless it is the member itself."""
    return "; ".join(str(fault).removeprefix("--set: ") for fault in error.faults)


_ONE_AT_A_TIME = threading.Lock()


def solve_remote(task: Task) -> Record:
    """`solve_member` on a worker of a cluster, whose process may have several threads: one member at a time."""
    with _ONE_AT_A_TIME:
        engine.THREADS = THREADS
        return solve_member(task)
