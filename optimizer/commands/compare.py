"""Stored runs side by side on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hubs.errors import Fault, InputError
from optimizer.compare import compare
from optimizer.compare.machine import as_object
from optimizer.compare.page import write_page
from optimizer.compare.words import text
from optimizer.runs.store import open_run


def command(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN…", help="Folders of two or more runs; the first is the reference.")
    ],
    file: Annotated[Path | None, typer.Option("--out", help="HTML file to write, with every difference.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Compare stored runs: inputs that differ first, then cost, flows, carbon, accounts, indicators and loads.

    Two equal runs print nothing (`{}` with --json). A difference that the proved gaps leave open is called undecided.

    Example: computegrid compare runs/day runs/green_100 --out compare.html
    """
    if file is not None:
        _require_page(file)
    comparison = compare([open_run(run) for run in runs])
    if file is not None:
        write_page(comparison, file)
        typer.echo(f"{file}", err=True)
    if as_json:
        typer.echo(json.dumps(as_object(comparison), ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(text(comparison), nl=False)
        if comparison.empty:
            typer.echo("no difference: same inputs, same plan", err=True)


def _require_page(file: Path) -> None:
    """Raises InputError, before anything is compared, if a page could not be written to `file`."""
    if file.suffix not in (".html", ".htm"):
        found = f"'{file}' is no page"
        raise InputError([Fault("--out", None, None, found, "the name ends in .html", "rename it")])
    if not file.parent.is_dir():
        found = f"folder '{file.parent}' is missing"
        raise InputError([Fault("--out", None, None, found, "the folder must exist", "create it")])
