"""Scenario in, run out: the one path every command that solves something takes."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyomo.common.gc_manager import PauseGC

from hubs import DATA, load_facts
from optimizer.report.augmented import in_memory
from optimizer.report.claims import check_claims
from optimizer.report.computeprices import compute_prices
from optimizer.report.indicators import indicators
from optimizer.report.page import write_page
from optimizer.report.provinces import province_table
from optimizer.report.tables import cost_items, plan_tables
from optimizer.report.workbook import write_workbook
from optimizer.runs.casetable import case_table
from optimizer.runs.manifest import case_hash, field_hashes, given, to_toml, versions
from optimizer.runs.store import Run, require_new, write_run
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Clock
from optimizer.solve.greedy import greedy
from optimizer.solve.live import Answer, Live
from optimizer.solve.memory import available_mb
from optimizer.solve.optimum import Listener, Outcome, Progress, optimise
from optimizer.solve.size import fits, predict
from optimizer.solve.solution import Plan
from scenarios.build import build_case, changed_facts
from scenarios.case import Case
from scenarios.library import Loaded, load

RECONCILED = 1e-6
"""Cost items may differ from the objective by this much, relative to it, or the run fails."""


@dataclass(frozen=True)
class Solved:
    """What a solve came to; `run` is None if there is no plan to keep."""

    outcome: Outcome
    summary: dict[str, Any]
    run: Run | None


@dataclass(frozen=True)
class Rival:
    """The greedy plan, and the tables that a run keeps of it."""

    plan: Plan
    tables: dict[str, pd.DataFrame]


def solve(
    name_or_path: str,
    out: Path | None = None,
    gap_frac: float | None = None,
    time_limit_s: float | None = None,
    changes: Sequence[str] = (),
    heard: Listener = lambda _: None,
    facts_folder: Path = DATA,
) -> Solved:
    """Validate, build, solve, check, store and report one scenario.

    Raises InputError for faulty input or too little memory, TriviallyInfeasible for a rule that no plan could meet, and
    ArithmeticError if the cost items of a plan do not sum to its objective.
    """
    started = time.perf_counter()
    if out is not None:
        require_new(out)
    loaded = load(name_or_path, changes)
    heard(Progress("building the model", 0.0, np.inf, -np.inf))
    with PauseGC():
        case = build_case(loaded, facts_folder)
    return solve_case(loaded, case, out, gap_frac, time_limit_s, changes, heard, facts_folder, started=started)


def solve_case(
    loaded: Loaded,
    case: Case,
    out: Path | None = None,
    gap_frac: float | None = None,
    time_limit_s: float | None = None,
    changes: Sequence[str] = (),
    heard: Listener = lambda _: None,
    facts_folder: Path = DATA,
    reports: bool = True,
    started: float | None = None,
    live: Live | None = None,
) -> Solved:
    """`solve` for a case that is built already; without `reports` the run holds its tables only.

    With `live` it starts from that plan, and its manifest says why if it could not.
    `started` is the `time.perf_counter()` from which its time is counted.
    """
    started = time.perf_counter() if started is None else started
    gap = gap_frac or loaded.scenario.solve.gap_frac
    limit_s = time_limit_s or loaded.scenario.solve.time_limit_s
    with PauseGC():
        fits(predict(case), available_mb())
        program = compile_case(case)
    build_s = time.perf_counter() - started
    with ThreadPoolExecutor(1) as beside:  # HiGHS lets go of Python while it works
        greedily = beside.submit(_greedy_plan, case, program, limit_s)
        answer = live.solve(program, gap, limit_s, heard) if live else Answer(optimise(program, gap, limit_s, heard))
        outcome = answer.outcome
        if outcome.x is not None:
            heard(Progress("greedy plan", outcome.solver_s, outcome.objective_kcny, outcome.bound_kcny))
        rival = greedily.result() if outcome.x is not None else None
    options = {"gap_frac": gap, "time_limit_s": limit_s, "changes": list(changes)}
    summary = _summary(case, program, outcome, rival)
    if live:
        summary["rebuilt"] = answer.rebuilt
    timing = {"build_s": build_s, "hand_over_s": outcome.hand_over_s, "solver_s": outcome.solver_s}
    run = None
    if outcome.x is not None:
        heard(Progress("tables and report", outcome.solver_s, outcome.objective_kcny, outcome.bound_kcny))
        plan, kept = Plan(case, program, outcome.x), summary | {"options": options}
        with PauseGC():  # an object a cell, and no cycles among them
            run = _store(out, loaded, plan, rival, kept, timing, facts_folder, _pages if reports else _no_pages)
    timing |= {"wall_s": time.perf_counter() - started, "peak_rss_mb": peak_rss_mb()}
    return Solved(outcome, summary | timing | {"run_dir": str(run.folder) if run else None}, run)


def _greedy_plan(case: Case, program: Program, limit_s: float) -> Rival | None:
    x = greedy(case, program, Clock(limit_s))
    if x is None:
        return None
    plan = Plan(case, program, x)
    tables = {"greedy_cost_items": cost_items(plan), "greedy_indicators": indicators(case, plan_tables(plan))}
    return Rival(plan, tables)


def _summary(case: Case, program: Program, outcome: Outcome, rival: Rival | None) -> dict[str, Any]:
    items = outcome.verdict.items_kcny if outcome.verdict else {}
    total, objective = sum(items.values()), outcome.objective_kcny
    if items and abs(total - objective) > RECONCILED * max(1.0, abs(objective)):
        raise ArithmeticError(f"cost items sum to {total} kCNY, the objective is {objective} kCNY")
    return {
        "status": outcome.words,
        "stop": outcome.stop,
        "objective_kcny": _finite(objective),
        "bound_kcny": _finite(outcome.bound_kcny),
        "gap_frac": _finite(outcome.gap_frac),
        "greedy_kcny": None if rival is None else program.value_kcny(rival.plan.x),
        "hours": case.horizon.hours,
        "columns": program.columns,
        "rows": program.rows,
        "nonzeros": int(program.matrix.nnz),
        "integers": int(program.integer.sum()),
        "max_violation": outcome.verdict.max_violation if outcome.verdict else None,
        "cost_items": items,
    }


def _store(
    out: Path | None,
    loaded: Loaded,
    plan: Plan,
    rival: Rival | None,
    summary: dict[str, Any],
    timing: dict[str, float],
    facts_folder: Path,
    finish: Callable[[Run], None],
) -> Run:
    scenario, case = loaded.scenario, plan.case
    folder = out or _new_folder(scenario.name)
    manifest = summary | {
        "run": folder.name,
        "scenario": scenario.name,
        "why": scenario.why,
        "seed": scenario.seed,
        "start": case.horizon.start.isoformat(),
        "inputs": {"case_sha256": case_hash(case)},
        "fields_sha256": field_hashes(case),
        "versions": versions(),
        "timing": timing | {"finished": datetime.now().astimezone().isoformat(timespec="seconds")},
        "greedy_note": None if rival is not None else "no whole plan completes the greedy placement",
    }
    tables = run_tables(plan, rival, loaded, facts_folder)
    if finish is _pages and (prices := compute_prices(plan)) is not None:
        tables["prices"] = prices
    return write_run(folder, manifest, to_toml(given(loaded.resolved)), tables, finish)


def _pages(run: Run) -> None:
    """What is written to be read by people."""
    run = in_memory(run)
    write_page(run, run.folder / "report.html")
    write_workbook(run, run.folder / "workbook.xlsx")


def _no_pages(run: Run) -> None:
    """Nothing: `computegrid report` can write it later."""


def run_tables(plan: Plan, rival: Rival | None, loaded: Loaded, facts_folder: Path) -> dict[str, pd.DataFrame]:
    """All tables of a run: those of the plan, its indicators, the same for the greedy plan, and the facts behind it.

    Raises ArithmeticError if a MWh of green energy is claimed twice: such a plan is not stored.
    """
    facts = changed_facts(load_facts(facts_folder), loaded.scenario)
    tables = plan_tables(plan)
    check_claims(tables["claims"], plan)
    tables["indicators"] = indicators(plan.case, tables)
    tables["provinces"] = province_table(plan, rival.plan if rival else None)
    tables |= rival.tables if rival else {}
    tables["facts"] = facts.provenance
    tables["case"] = case_table(plan.case)
    tables["nodes"] = facts.nodes.reset_index()[["node", "kind", "lat_deg", "lon_deg"]]
    tables["sources"] = facts.sources.reset_index()
    return tables


def _new_folder(name: str) -> Path:
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder, count = Path("runs") / f"{name}-{stamp}", 1
    while folder.exists():
        count += 1
        folder = Path("runs") / f"{name}-{stamp}-{count}"
    return folder


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
