"""One scenario solved and reduced to the figures by which scenarios are compared; no run is stored."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass

import numpy as np

from optimizer.report.indicators import indicators
from optimizer.report.tables import plan_tables
from optimizer.solve.compile import Program, TriviallyInfeasible, compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.library import Loaded


@dataclass(frozen=True)
class KeyFigures:
    """What a solve came to: interval of the optimum, and the national indicators of the plan (empty without one)."""

    status: str
    """In words; for a rule that no plan could meet, with the rule."""
    stop: str
    """Why the engine stopped, as `optimizer.solve.optimum.Outcome` says it."""
    cost_kcny: float
    """Infinite without a plan."""
    bound_kcny: float
    gap_frac: float
    service_eflopsh: float
    """Latency-bound work that may not wait."""
    national: dict[str, float]
    """indicator -> value, in the indicator's own unit."""
    wall_s: float
    programme_sha256: str = ""
    """Of every number of the compiled model: equal where two scenarios ask the same question. Blank without one."""


def key_figures(loaded: Loaded, gap_frac: float | None = None, time_limit_s: float | None = None) -> KeyFigures:
    """Solve a scenario to its own gap and time limit, or to the ones given.

    Raises InputError for faulty input and SolverError if HiGHS fails; a scenario without a plan raises nothing.
    """
    started = time.perf_counter()
    spec = loaded.scenario.solve
    case = build_case(loaded)
    work_eflopsh = float(case.demand_eflops.sum())
    try:
        program = compile_case(case)
    except TriviallyInfeasible as rule:
        spent_s = time.perf_counter() - started
        words = f"infeasible: {rule}"
        return KeyFigures(words, "infeasible", math.inf, math.inf, math.inf, work_eflopsh, {}, spent_s)
    outcome = optimise(
        program,
        spec.gap_frac if gap_frac is None else gap_frac,
        spec.time_limit_s if time_limit_s is None else time_limit_s,
    )
    national: dict[str, float] = {}
    if outcome.x is not None:
        shown = indicators(case, plan_tables(Plan(case, program, outcome.x))).query("scope == 'nation'")
        national = {str(name): float(value) for name, value in zip(shown["indicator"], shown["value"], strict=True)}
    return KeyFigures(
        outcome.words,
        outcome.stop,
        outcome.objective_kcny,
        outcome.bound_kcny,
        outcome.gap_frac,
        work_eflopsh,
        national,
        time.perf_counter() - started,
        _sha256(program),
    )


def _sha256(program: Program) -> str:
    digest = hashlib.sha256(repr((program.items, program.row_keys)).encode())
    for matrix in (program.item_cost, program.matrix):
        for part in (matrix.data, matrix.indices, matrix.indptr):
            digest.update(np.ascontiguousarray(part).tobytes())
    bounds = (program.row_lower, program.row_upper, program.lower, program.upper)
    for array in (program.item_offset, *bounds, program.integer):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
