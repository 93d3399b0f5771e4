"""The scenario library solved: every national day, one after the other or in several processes, in one table."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hubs.errors import Fault, InputError
from optimizer.commands import sheet
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE
from optimizer.commands.keyfigures import KeyFigures, key_figures
from optimizer.commands.sidebyside import Entry, page, table
from optimizer.solve.engine import SolverError
from scenarios.library import Loaded, load, names
from scenarios.lineage import differences, in_words, parent_of

REFERENCE = "day"
DAY_H = 24
CHANGES_SHOWN = 3


def unfit(loaded: Loaded) -> str | None:
    """Why a scenario cannot stand beside the national day, None if it can."""
    scenario = loaded.scenario
    if scenario.horizon.hours != DAY_H:
        return f"{scenario.horizon.hours} h, not {DAY_H} h"
    if scenario.scope.regions or scenario.scope.clusters or scenario.scope.local_sites:
        return "a part of the nation"
    return None


def chosen(asked: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Scenarios to solve, the reference first, and those of the library left out, each with the reason.

    Raises InputError for names that are not known, and for those asked for that cannot stand in the table.
    """
    reasons = {name: unfit(load(name)) for name in dict.fromkeys([REFERENCE, *(asked or names())])}
    left_out = {name: reason for name, reason in reasons.items() if reason}
    if asked and left_out:
        rule = f"the table holds national scenarios of {DAY_H} h"
        raise InputError(
            Fault("NAMES", None, None, f"scenario '{name}' covers {reason}", rule, f"leave '{name}' out")
            for name, reason in left_out.items()
        )
    return [name for name in reasons if name not in left_out], left_out


def solved(name: str, gap_frac: float | None = None) -> Entry:
    """Solve one scenario to its own gap, or the one given; a failure of the solver becomes the entry's status."""
    loaded = load(name)
    try:
        figures = key_figures(loaded, gap_frac)
    except (SolverError, ValueError) as error:  # one scenario that fails must not cost the others their row
        nothing = (math.inf, -math.inf, math.inf, math.nan)
        figures = KeyFigures(f"failed: {error}", "failed", *nothing, {}, math.nan)
    changes = differences(loaded)
    return Entry(
        loaded.scenario.name,
        loaded.scenario.why,
        parent_of(loaded) or "",
        in_words(changes),
        in_words(changes, CHANGES_SHOWN),
        figures,
    )


def solve_all(
    scenarios: Sequence[str],
    gap_frac: float | None = None,
    workers: int = 1,
    heard: Callable[[str], None] = lambda _: None,
) -> list[Entry]:
    """Entries in the order of `scenarios`, one after the other or in so many processes; `heard` is told of each."""
    done: dict[str, Entry] = {}

    def keep(name: str, entry: Entry) -> None:
        done[name] = entry
        heard(f"{len(done)}/{len(scenarios)} {name}: {_told(entry.figures)}")

    if workers == 1:
        for name in scenarios:
            keep(name, solved(name, gap_frac))
    else:
        # Spawned, not forked: a fork would share the solver's threads.
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            waiting = {pool.submit(solved, name, gap_frac): name for name in scenarios}
            for future in as_completed(waiting):
                keep(waiting[future], future.result())
    return [done[name] for name in scenarios]


def _told(figures: KeyFigures) -> str:
    if not math.isfinite(figures.cost_kcny):
        return figures.status
    cost = f"{figures.cost_kcny / 1000:,.3f} million CNY, gap {figures.gap_frac:.2%}"
    return f"{cost}, {figures.status}, {figures.wall_s:.1f} s"


def command(
    asked: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAMES", help="Scenarios of the library, or paths to TOML files; without any, the library."
        ),
    ] = None,
    file: Annotated[Path | None, typer.Option("--out", help="File to write: .md or .csv.")] = None,
    gap: Annotated[float | None, typer.Option(help="Gap to prove, as a fraction.", min=0.0, max=1.0)] = None,
    workers: Annotated[int, typer.Option(help="Processes; each takes two threads.", min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Solve the scenarios of the library that cover one national day, and compare them with `day`.

    Example: computegrid library --out library.md
    """
    sheet.require_file(file)
    chosen_ones, left_out = chosen(asked or ())
    for name, reason in left_out.items():
        typer.echo(f"left out: {name} ({reason})", err=True)
    entries = solve_all(chosen_ones, gap, workers, heard=partial(typer.echo, err=True))
    frame, text = table(entries), page(entries, left_out, date.today())
    typer.echo(sheet.as_json(frame) if as_json else text)
    if file is not None:
        sheet.write(file, frame, text)
    raise typer.Exit(exit_code(entries))


def exit_code(entries: Sequence[Entry]) -> int:
    """The gravest of: 1 a failure, 4 no plan, 3 a plan whose gap was not reached, 0 all solved."""
    stops = {entry.figures.stop for entry in entries}
    if stops & {"failed", "unbounded"}:
        return EXIT_FAULT
    if "infeasible" in stops:
        return EXIT_INFEASIBLE
    return EXIT_GAP if "time limit" in stops else 0
