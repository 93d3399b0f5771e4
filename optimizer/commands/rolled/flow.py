"""Scenario in, run out, where the horizon is rolled: taken up again from the last finished window, stored when done."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hubs import DATA
from hubs.errors import Fault, InputError
from optimizer.commands.rolled.tables import whole_tables, write_window
from optimizer.commands.sizes import largest
from optimizer.report.page import write_page
from optimizer.rolling.beside import Beside
from optimizer.rolling.certify import STRETCH_H
from optimizer.rolling.journal import Journal
from optimizer.rolling.roll import Roll, Whole
from optimizer.rolling.step import NoPlan
from optimizer.rolling.window import Span, spans
from optimizer.runs.drafts import claim
from optimizer.runs.manifest import case_hash, given, to_toml, versions
from optimizer.runs.store import write_run
from optimizer.solve.memory import available_mb
from optimizer.solve.optimum import Listener, Outcome, Progress
from optimizer.solve.size import fits
from optimizer.workflow import Solved, peak_rss_mb
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import Loaded, load

WINDOW_GAP_FRAC = 0.005
"""A window is solved on until it is proved within this, from its opening; tighter if the whole is to be."""


def is_rolled(name_or_path: str, changes: Sequence[str] = ()) -> bool:
    """Whether a scenario asks for windows shorter than its horizon."""
    horizon = load(name_or_path, changes).scenario.horizon
    return horizon.window_days is not None and 24 * horizon.window_days < horizon.hours


def solve_rolled(
    name_or_path: str,
    out: Path | None = None,
    gap_frac: float | None = None,
    changes: Sequence[str] = (),
    heard: Listener = lambda _: None,
    facts_folder: Path = DATA,
    time_limit_s: float | None = None,
) -> Solved:
    """Validate, build, roll, store and report one scenario; a roll of the same case that was cut off goes on.

    Raises InputError for faulty input, a time limit (plans would depend on the clock; a roll may be cut off at any time
    and goes on later), an --out that is taken, or a roll of the same case that is still at work.
    """
    started = time.perf_counter()
    loaded = load(name_or_path, changes)
    gap = gap_frac or loaded.scenario.solve.gap_frac
    folder = out or Path("runs") / f"{loaded.scenario.name}-{datetime.now():%Y%m%d-%H%M%S}"
    if time_limit_s is not None:
        raise InputError([_clocked(time_limit_s)])
    if folder.exists():
        raise InputError([_taken(folder)])
    heard(Progress("building the case", 0.0, np.inf, -np.inf))
    case = build_case(loaded, facts_folder)
    horizon = loaded.scenario.horizon
    windows = spans(case, horizon.window_days or horizon.hours, horizon.look_ahead_days)
    fits(largest(case, horizon)[0], available_mb())
    place = folder.parent / f".{loaded.scenario.name}-{roll_key(case, windows, gap)}.rolling"
    with claim(place) as mine:
        if not mine:
            raise InputError([_at_work(place)])
        journal = Journal(place)
        try:
            whole, roll = _roll(case, windows, min(WINDOW_GAP_FRAC, gap), journal, heard, started)
        except NoPlan as error:
            return _nothing(case, str(error))
        summary = _summary(case, whole, gap, roll, time.perf_counter() - started)
        heard(Progress("tables and report", time.perf_counter() - started, whole.objective_kcny, whole.bound_kcny))
        folders = [journal.place(k) for k in range(len(windows))]
        tables = whole_tables(case, whole.items_kcny, folders, loaded, facts_folder)
        options = {"gap_frac": gap, "changes": list(changes)}
        manifest = _manifest(loaded, case, folder, summary | {"options": options})
        run = write_run(
            folder,
            manifest,
            to_toml(given(loaded.resolved)),
            tables,
            lambda run: write_page(run, run.folder / "report.html"),
        )
        journal.close()
    timing = {"wall_s": time.perf_counter() - started, "peak_rss_mb": peak_rss_mb() + _beside_mb()}
    return Solved(_outcome(whole, gap, summary["solver_s"]), summary | timing | {"run_dir": str(run.folder)}, run)


def _roll(
    case: Case, windows: tuple[Span, ...], gap: float, journal: Journal, heard: Listener, started: float
) -> tuple[Whole, Roll]:
    with Beside() as worker:
        roll = Roll(case, windows, gap, journal, worker, STRETCH_H)
        if roll.resumed_at:
            stage = f"taken up again after {roll.resumed_at} of {len(windows)} windows"
            heard(Progress(stage, time.perf_counter() - started, np.inf, -np.inf))

        def listener(k: int) -> Listener:
            def hear(progress: Progress) -> None:
                stage = f"window {k + 1} of {len(windows)}: {progress.stage}"
                heard(replace(progress, stage=stage, elapsed_s=time.perf_counter() - started))

            return hear

        return roll.run(write_window, listener), roll


def roll_key(case: Case, windows: tuple[Span, ...], gap: float) -> str:
    """Names what is solved and with what: a cut-off roll goes on only where both are the same."""
    text = repr((case_hash(case), windows, gap, sorted(versions().items())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _summary(case: Case, whole: Whole, gap: float, roll: Roll, solver_s: float) -> dict[str, Any]:
    reached = whole.gap_frac <= gap
    sizes = [record.account.sizes for record in roll.records]
    total = {name: sum(size[name] for size in sizes) for name in sizes[0]}
    return {
        "status": "proved within gap, rolled" if reached else "feasible, rolled; gap not reached",
        "stop": "gap reached" if reached else "rolled",
        "objective_kcny": whole.objective_kcny,
        "bound_kcny": whole.bound_kcny,
        "gap_frac": whole.gap_frac,
        "greedy_kcny": None,
        "hours": case.horizon.hours,
        **total,
        "windows": len(roll.windows),
        "windows_resumed": roll.resumed_at,
        "window_gap_frac": max(whole.gaps_frac),
        "max_violation": max(record.account.max_violation for record in roll.records),
        "cost_items": whole.items_kcny,
        "build_s": 0.0,
        "hand_over_s": 0.0,
        "solver_s": solver_s,
    }


def _manifest(loaded: Loaded, case: Case, folder: Path, summary: dict[str, Any]) -> dict[str, Any]:
    scenario, timed = loaded.scenario, ("build_s", "hand_over_s", "solver_s")
    timing = {name: summary[name] for name in timed} | {"windows_resumed": summary["windows_resumed"]}
    return {key: value for key, value in summary.items() if key not in timing} | {
        "run": folder.name,
        "scenario": scenario.name,
        "why": scenario.why,
        "seed": scenario.seed,
        "start": case.horizon.start.isoformat(),
        "inputs": {"case_sha256": case_hash(case)},
        "versions": versions(),
        "timing": timing | {"finished": datetime.now().astimezone().isoformat(timespec="seconds")},
        "greedy_note": "no greedy plan stands beside a rolled one",
    }


def _outcome(whole: Whole, gap: float, solver_s: float) -> Outcome:
    """The whole as other commands read an outcome; its point stands in the windows' tables, not here."""
    stop = "gap reached" if whole.gap_frac <= gap else "time limit"
    bound = whole.bound_kcny
    return Outcome(stop, np.zeros(0), whole.objective_kcny, bound, bound, 0.0, solver_s, None)  # type: ignore[arg-type]


def _nothing(case: Case, why: str) -> Solved:
    outcome = Outcome("infeasible", None, np.inf, np.inf, np.inf, 0.0, 0.0, None)
    summary = {"status": why, "stop": "infeasible", "hours": case.horizon.hours, "run_dir": None}
    return Solved(outcome, summary, None)


def _beside_mb() -> float:
    """Largest resident memory of the second process, which has ended."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _taken(folder: Path) -> Fault:
    rule = "a run is a complete folder that is written once"
    return Fault(str(folder), None, None, "the folder exists already", rule, "choose another --out")


def _clocked(time_limit_s: float) -> Fault:
    found, rule = f"a limit of {time_limit_s:g} s is given", "a rolled horizon ends when its last window does"
    return Fault(
        "--time-limit", None, None, found, rule, "leave it out; a roll that is cut off goes on when called again"
    )


def _at_work(place: Path) -> Fault:
    found, rule = "another process is solving the same case", "one process rolls a case at a time"
    return Fault(str(place), None, None, found, rule, "wait for it, or end it: its finished windows stay")
