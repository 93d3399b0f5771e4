"""Many runs at once: what there is, any question in SQL, an export for other tools, and what killed solves left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from hubs.errors import Fault, InputError
from optimizer.commands import sheet, tablefile
from optimizer.commands.exits import EXIT_INPUT
from optimizer.report.iamc import iamc_table
from optimizer.runs.drafts import DAMAGED, clear, stale
from optimizer.runs.found import Found, find_runs, require_folder
from optimizer.runs.query import ask
from optimizer.runs.store import open_run

LISTED = ("run", "scenario", "status", "objective_kcny", "gap_frac", "hours", "timing_finished")
FOLDER = Path("runs")

app = typer.Typer(no_args_is_help=True, help="Stored runs: list, ask, export, tidy up.", pretty_exceptions_enable=False)
In = Annotated[Path, typer.Option("--in", help="Folder that holds runs, at any depth, or one run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(help="Folder that holds runs, at any depth.")] = FOLDER,
    where: Annotated[
        str | None, typer.Option("--where", help="A condition on the manifests, e.g. 'objective_kcny < 13000'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs of a folder: scenario, status, cost, gap, hours, when.

    Example: computegrid runs list runs --where "objective_kcny < 13000 and scenario = 'day'"
    """
    found = find_runs(folder)
    if not found.runs:
        typer.echo("[]" if as_json else f"{folder}: no runs")
        raise typer.Exit(_told(found.damaged))
    condition = f"where (\n{where}\n)" if where else ""
    answer = ask(found.runs, f"select {', '.join(LISTED)} from runs {condition} order by run")
    _print(answer.frame, as_json, None)
    raise typer.Exit(_told((*found.damaged, *answer.damaged)))


@app.command()
def sql(
    question: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, in DuckDB's SQL.")],
    folder: In = FOLDER,
    rows: Annotated[int, typer.Option(help="Print at most so many rows; --out and --json have all.", min=1)] = 100,
    file: Annotated[Path | None, typer.Option("--out", help="File to write: .csv, .parquet or .xlsx.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask all runs at once: each table with a leading column `run`, and `runs`, the manifests; nothing can be changed.

    Example: computegrid runs sql "select run, item, cost_kcny from cost_items where cost_kcny > 1000"
    """
    tablefile.require_file(file)
    found = find_runs(folder)
    if not found.runs:
        fault = Fault(str(folder), None, None, "it holds no runs", "a question is put to runs", "name another --in")
        raise InputError([fault])
    answer = ask(found.runs, question)
    if file is None:
        _print(answer.frame, as_json, rows)
    else:
        tablefile.write(file, {"answer": answer.frame})
        typer.echo(f"{file}: {len(answer.frame):,} rows")
    raise typer.Exit(_told((*found.damaged, *answer.damaged)))


@app.command()
def iamc(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs, or folders that hold them.")
    ],
    file: Annotated[Path, typer.Option("--out", help="File to write: .csv or .xlsx.")],
) -> None:
    """Export runs in the IAMC long format: model, scenario, region, variable, unit, year, value.

    Example: computegrid runs iamc runs/day runs/week --out plans.csv
    """
    tablefile.require_file(file, (".csv", ".xlsx"))
    searched = [_found(folder) for folder in folders]
    runs = {name: run for found in searched for name, run in found.runs.items()}
    if len(runs) < sum(len(found.runs) for found in searched):
        runs = {run.folder.as_posix(): run for found in searched for run in found.runs.values()}
    table = iamc_table(runs)
    tablefile.write(file, {"data": table})
    typer.echo(f"{file}: {len(table):,} rows, {table['variable'].nunique():,} variables, {len(runs)} runs")
    raise typer.Exit(_told(words for found in searched for words in found.damaged))


@app.command()
def clean(
    folder: Annotated[Path, typer.Argument(help="Folder that holds runs, at any depth.")] = FOLDER,
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the drafts that killed solves left, and delete them with --yes; runs are never touched.

    Example: computegrid runs clean runs --yes
    """
    require_folder(folder)
    left = stale(folder)
    gone = clear(folder) if yes else ()
    aside = [path for path in left if path.suffix == DAMAGED]
    if as_json:
        typer.echo(json.dumps({"stale": [*map(str, left)], "deleted": [*map(str, gone)]}, ensure_ascii=False))
        return
    for path in left:
        state = "set aside as damaged, delete it by hand" if path in aside else "deleted" if path in gone else "stale"
        typer.echo(f"{path}  {_size_mb(path):,.1f} MB  {state}")
    counted = f"{len(left)} left behind, {len(gone)} deleted"
    typer.echo(counted if yes or len(left) == len(aside) else f"{counted}; --yes deletes the stale ones")


def _found(folder: Path) -> Found:
    """The runs below a folder; the folder itself must be a run if there are none."""
    found = find_runs(folder)
    return found if found.runs or found.damaged else Found({folder.name: open_run(folder)}, ())


def _told(damaged: Iterable[str]) -> int:
    """Say what was left out; the exit code that goes with it."""
    sentences = list(damaged)
    for sentence in sentences:
        typer.echo(f"left out: {sentence}", err=True)
    return EXIT_INPUT if sentences else 0


def _print(frame: pd.DataFrame, as_json: bool, most: int | None) -> None:
    plain = frame.map(lambda cell: cell if cell is None or isinstance(cell, str | bool | int | float) else str(cell))
    if as_json:
        typer.echo(sheet.as_json(plain))
        return
    shown = plain if most is None else plain.head(most)
    typer.echo(
        sheet.markdown(list(map(str, plain.columns)), [[_cell(cell) for cell in row] for row in shown.to_numpy()])
    )
    if len(shown) < len(plain):
        typer.echo(f"{len(shown):,} of {len(plain):,} rows; --rows, --out or --json for more")


def _cell(cell: object) -> str:
    if cell is None or cell != cell:
        return "–"
    return f"{cell:,.6g}" if isinstance(cell, float) else str(cell)


def _size_mb(path: Path) -> float:
    try:
        return sum(part.lstat().st_size for part in (path, *path.rglob("*")) if not part.is_dir()) / 1e6
    except OSError:
        return 0.0
