"""Many versions of one scenario solved and stored, on several processes or a cluster; killed at any time, resumed."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from hubs.errors import Fault, InputError
from optimizer.commands import sheet
from optimizer.commands.sweep import plan, summary
from optimizer.commands.sweep.cluster import DaskCrew
from optimizer.commands.sweep.crew import Crew, LocalCrew
from optimizer.commands.sweep.member import Record
from optimizer.commands.sweep.meter import Meter
from optimizer.commands.sweep.plan import Sweep
from optimizer.commands.sweep.run import solve_all, tasks_of

Workers = Annotated[
    int | None, typer.Option(help="Processes of this machine, one engine thread each (default: one a core).", min=1)
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler in place of own processes: tcp://HOST:8786.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="An ensemble: factors and members of a base.")],
    folder: Annotated[Path | None, typer.Option("--out", help="Folder of the sweep (default: runs/sweep-…).")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of its runs (default: OUT/runs); may be shared.")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    gap: Annotated[float | None, typer.Option(help="Gap to prove, as a fraction.", min=0.0, max=1.0)] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds the engine may take by member.", min=0.0)] = None,
    reports: Annotated[bool, typer.Option("--reports", help="Write the report of every run as well.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Start every member from the base scenario's plan, in one live programme.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Solve every member of an ensemble, store each as a run, and put them in one table.

    One bad member does not stop the others: it is listed with its reason. Exit code, the gravest of: 1 a failure,
    2 faulty input, 4 no plan, 3 gap not reached, 0 all solved to the gap. Killed? `computegrid resume` goes on.

    Example: computegrid sweep examples/sweep.toml --workers 2 --out runs/prices
    """
    made = plan.sweep_of(file, gap, time_limit, reports, store, live)
    target = folder or Path("runs") / f"sweep-{made.name}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    crew = _crew(workers, scheduler)
    plan.keep(target, made)
    raise typer.Exit(carry_out(target, made, crew, as_json))


def resume(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The --out folder of a sweep.")],
    workers: Workers = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a sweep: members without a run are solved, all others are found in the store.

    Example: computegrid resume runs/prices
    """
    raise typer.Exit(carry_out(folder, plan.read(folder), _crew(workers, scheduler), as_json))


def carry_out(folder: Path, made: Sweep, crew: AbstractContextManager[Crew], as_json: bool = False) -> int:
    """Solve what is not there, write the tables, print what came of it; returns the exit code."""
    started, err = time.perf_counter(), Console(stderr=True)
    try:
        with crew as at_work, Meter(err, len(made.members), as_json) as meter:
            if not as_json:
                words = f"{len(made.members)} members, {at_work.workers} workers, in {folder}"
                err.print(words, highlight=False, markup=False, soft_wrap=True)
            records = solve_all(tasks_of(folder, made), at_work, meter.hear)
    except (KeyboardInterrupt, InputError):
        words = f"What is finished is kept. To go on: computegrid resume {folder}"
        err.print(words, highlight=False, markup=False, soft_wrap=True)
        raise
    tables = summary.tables(folder, made, records)
    summary.write(folder, tables)
    result = _result(folder, made, records, time.perf_counter() - started)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(_shown(result, tables["summary"]))
    return summary.exit_code(records)


def _crew(workers: int | None, scheduler: str | None) -> AbstractContextManager[Crew]:
    if scheduler is None:
        return LocalCrew(workers or len(os.sched_getaffinity(0)))
    if workers is not None:
        found, rule = "both --workers and --scheduler are given", "a cluster has workers of its own"
        raise InputError([Fault("--workers", None, None, found, rule, "leave one of them out")])
    return DaskCrew(scheduler)


def _result(folder: Path, made: Sweep, records: Sequence[Record], wall_s: float) -> dict[str, Any]:
    without = [r for r in records if r.run is None]
    return {
        "sweep": made.name,
        "sweep_dir": str(folder),
        "store": str(plan.store_of(folder, made)),
        "members": len(records),
        "status": dict(Counter(r.status for r in records)),
        "solved_now": sum(r.fresh and r.run is not None for r in records),
        "found": sum(not r.fresh and r.run is not None for r in records),
        "set_aside": [{"run": r.run, "damage": list(r.damage)} for r in records if r.damage],
        "without_plan": [{"member": r.member, "status": r.status, "reason": r.reason} for r in without],
        "wall_s": wall_s,
        "busy_s": sum(r.wall_s for r in records),
    }


def _shown(result: dict[str, Any], frame: pd.DataFrame) -> str:
    """Counts, the spread of the figures over the members that have a plan, and those that have none."""
    counts = ", ".join(f"{count} {status}" for status, count in result["status"].items())
    now = f"{result['solved_now']} solved now, {result['found']} found in the store, {result['wall_s']:.0f} s"
    lines = [f"{result['sweep']}: {result['members']} members: {counts} ({now})"]
    planned = frame[frame["run"] != ""]
    if len(planned):
        rows = [
            [name, *(f"{value:,.{4 if name == 'gap_frac' else 1}f}" for value in _spread(planned[name]))]
            for name in summary.FIGURES
            if planned[name].notna().any()
        ]
        lines += ["", sheet.markdown(["over members with a plan", "least", "median", "most"], rows)]
    lines += [f"{r['member']}: {r['status']}: {r['reason']}" for r in result["without_plan"]]
    return "\n".join([*lines, "", f"summary {Path(result['sweep_dir']) / 'summary.csv'}", f"runs    {result['store']}"])


def _spread(values: pd.Series[float]) -> tuple[float, float, float]:
    return float(values.min()), float(values.median()), float(values.max())
