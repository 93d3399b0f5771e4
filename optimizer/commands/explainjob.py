"""`explain --job NAME`: where a job ran, and what each other cluster, or dropping it, would have cost."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from hubs.errors import Fault, InputError, nearest
from optimizer.commands import sheet
from optimizer.solve.compile import Program
from optimizer.solve.nextbest import Elsewhere, Ran, elsewhere, ran
from scenarios.case import Case, Floats

NOTES = (
    "At most: a whole plan with the job there, against this plan; below zero, one was found that costs less, within "
    "the gap.",
    "Divisible: the same move where pods and jobs are divisible, an estimate. At least: proved, as wide as the gap.",
)


def require_job(case: Case, job: str) -> None:
    """Raises InputError if the case has no such job."""
    names = [one.name for one in case.jobs] if "jobs" in case.blocks else []
    if job not in names:
        mend = nearest(job, names) if names else "name a scenario with jobs"
        rule = "a job is one of the scenario"
        raise InputError([Fault("--job", None, None, f"job '{job}' is not known", rule, mend)])


def explain_job(program: Program, case: Case, x: Floats, job: str, time_limit_s: float) -> tuple[Ran, list[Elsewhere]]:
    """Where the job ran at the plan `x`, and what it would cost elsewhere; SolverError if HiGHS gives up."""
    return ran(program, case, x, job), elsewhere(program, case, x, job, time_limit_s)


def as_object(where: Ran, rows: list[Elsewhere]) -> dict[str, Any]:
    """For machines: what is no finite number becomes null."""
    return {
        "job": asdict(where.job),
        "cluster": where.cluster,
        "start_h": where.start_h,
        "elsewhere": [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in row.items()
            }
            for row in map(asdict, rows)
        ],
    }


def page(where: Ran, rows: list[Elsewhere], case: Case) -> str:
    """What the command prints."""
    job = where.job
    pods = f"{job.pods} pod{'s' if job.pods > 1 else ''}, {job.eflops:.4g} EFLOPS for {job.duration_h} h"
    times = f"released at hour {job.release_h}, due at hour {job.deadline_h}"
    lines = [f"{job.name} of {job.region} ({pods}; {times}; worth {job.value_kcny:,.4g} kCNY): {_place(where, case)}."]
    possible = [row for row in rows if not row.why_not]
    if possible:
        heads = ["elsewhere", "start hour", "at most, kCNY", "divisible, kCNY", "at least, kCNY"]
        lines += ["", sheet.markdown(heads, [_row(row) for row in possible]), "", *NOTES]
    lines += [f"{_name(row)}: {row.why_not}.{_estimate(row)}" for row in rows if row.why_not]
    return "\n".join(lines)


def _place(where: Ran, case: Case) -> str:
    if where.cluster is None or where.start_h is None:
        return "it is dropped"
    return f"it runs in {where.cluster} from hour {where.start_h} ({case.horizon.time(where.start_h):%Y-%m-%d %H:%M})"


def _row(row: Elsewhere) -> list[str]:
    amounts = (row.whole_kcny, row.relaxed_kcny, row.proved_kcny)
    return [_name(row), "" if row.start_h is None else str(row.start_h), *(f"{amount:+,.4f}" for amount in amounts)]


def _name(row: Elsewhere) -> str:
    return row.cluster or "dropped"


def _estimate(row: Elsewhere) -> str:
    """Where only a whole plan is missing, what the relaxation says."""
    return f" Divisible, it would cost {row.relaxed_kcny:+,.4f} kCNY." if math.isfinite(row.relaxed_kcny) else ""
