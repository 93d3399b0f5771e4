"""The plan behind a scenario or a stored run, solved (again), for commands that need the programme and not only tables.

A run keeps tables, not the programme. For the folder of a run the programme is therefore built anew from its
scenario.toml and solved anew with its own gap and time limit: the same facts give the same case (checked by its
hash) and, as the engine is deterministic, the same plan. Where the time limit cut the search short the plan may
differ; `same_plan` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hubs.errors import Fault, InputError
from optimizer.runs.manifest import case_hash
from optimizer.runs.store import open_run
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.optimum import Outcome, optimise
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import LIBRARY, load

SAME_PLAN = 1e-9
"""Relative difference of cost within which a plan solved anew is the stored one."""


@dataclass(frozen=True)
class Problem:
    """A scenario, or that of a run, built and compiled; `stored_kcny` is the cost of the stored plan, of a run."""

    case: Case
    program: Program
    gap_frac: float
    time_limit_s: float
    stored_kcny: float | None

    def solve(self) -> Outcome:
        """Solve with the scenario's, or the run's, own gap and time limit; SolverError if HiGHS fails."""
        return optimise(self.program, self.gap_frac, self.time_limit_s)


def problem(target: str, changes: tuple[str, ...] = (), done: str = "priced") -> Problem:
    """The programme of a scenario (a name or a TOML file) or of a run (a folder).

    `done` is what the command does to a run, for its messages. Raises InputError for faulty input, for changes of a
    run, and for a run whose facts have changed since; TriviallyInfeasible for a rule that no plan could meet.
    """
    manifest: dict[str, Any] | None = None
    if Path(target).is_dir():
        if changes:
            raise _fault("--set", f"'{target}' is a run", f"a run is {done} as it was solved", "name its scenario")
        manifest = open_run(Path(target)).manifest
        # CSV files that a scenario of the library names stand beside it, not in the run.
        loaded = replace(load(str(Path(target) / "scenario.toml")), folder=LIBRARY)
    else:
        loaded = load(target, changes)
    case = build_case(loaded)
    if manifest is not None and case_hash(case) != manifest["inputs"]["case_sha256"]:
        rule = f"a run is {done} with the facts it was solved with"
        raise _fault(target, "the facts have changed since this run", rule, "solve its scenario.toml again")
    spec = loaded.scenario.solve.model_dump() if manifest is None else manifest["options"]
    stored = None if manifest is None else manifest["objective_kcny"]
    return Problem(case, compile_case(case), spec["gap_frac"], spec["time_limit_s"], stored)


def same_plan(outcome: Outcome, stored_kcny: float | None) -> bool | None:
    """Whether a run's plan was found again; None if the target was no run."""
    if stored_kcny is None:
        return None
    cost = outcome.objective_kcny
    return abs(cost - stored_kcny) <= SAME_PLAN * max(1.0, abs(cost))


def _fault(where: str, found: str, rule: str, mend: str) -> InputError:
    return InputError([Fault(where, None, None, found, rule, mend)])
