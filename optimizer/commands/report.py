"""The report of stored runs, written again beside them: a run itself is never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from hubs.errors import Fault, InputError
from optimizer.commands import tablefile
from optimizer.report.augmented import with_prices
from optimizer.report.page import write_page
from optimizer.report.workbook import write_workbook
from optimizer.runs.store import Run, open_run

PAGE, WORKBOOK = "report.html", "workbook.xlsx"
BESIDE = "-report"
"""What the folder beside a run is called, after the run's name."""


def places(runs: Sequence[Path], out: Path | None) -> list[tuple[Path, Path]]:
    """Page and workbook of each run: in RUN-report beside it, in a folder of `out` by its name, or, of one, at `out`.

    InputError if two runs would be written to one place, or a run would be written into.
    """
    if out is not None and out.suffix == ".html":
        if len(runs) > 1:
            raise _fault(f"'{out}' is one file for {len(runs)} runs", "each run has a report", "name a folder")
        found = [(out, out.with_suffix(".xlsx"))]
    else:
        folders = [_folder(run, out, len(runs)) for run in runs]
        twice = sorted({str(folder) for folder in folders if folders.count(folder) > 1})
        if twice:
            raise _fault(f"two runs would be reported in {', '.join(twice)}", "each has its own place", "rename one")
        found = [(folder / PAGE, folder / WORKBOOK) for folder in folders]
    inside = [page for page, _ in found for run in runs if run.resolve() in page.resolve().parents]
    if inside:
        raise _fault(f"'{inside[0]}' lies in a run", "a run is never changed", "name a place outside of it")
    return found


def _folder(run: Path, out: Path | None, count: int) -> Path:
    name = run.resolve().name
    if out is None:
        return run.resolve().parent / f"{name}{BESIDE}" if run.name in ("", "..") else run.with_name(f"{name}{BESIDE}")
    return out if count == 1 else out / name


def _fault(found: str, rule: str, mend: str) -> InputError:
    return InputError([Fault("--out", None, None, found, rule, mend)])


def _priced(run: Run, prices: Path | None) -> Run:
    if prices is None:
        return run
    tablefile.require_file(prices, (".csv", ".parquet"))
    try:
        table = pd.read_csv(prices) if prices.suffix == ".csv" else pd.read_parquet(prices)
    except (OSError, ValueError) as error:
        mend = "write it with `computegrid prices RUN --out prices.parquet`"
        fault = Fault(str(prices), None, None, f"it cannot be read ({error})", "a table of prices can be read", mend)
        raise InputError([fault]) from None
    return with_prices(run, table, str(prices))


def command(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write to, or an .html file for one run (default: RUN-report beside it)."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="Prices of one run, from `computegrid prices RUN --out FILE`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Write the report of stored runs again: for each one offline HTML file and a workbook.

    Example: computegrid report runs/day --out day
    """
    if prices is not None and len(folders) > 1:
        raise _fault(f"--prices is given for {len(folders)} runs", "prices belong to one run", "name one run")
    runs = [_priced(open_run(folder), prices) for folder in folders]
    written = places(folders, out)
    for run, (page, workbook) in zip(runs, written, strict=True):
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            found = f"'{page.parent}' cannot be made ({error.strerror})"
            raise _fault(found, "it is a folder that may be written to", "choose another --out") from None
        write_page(run, page)
        write_workbook(run, workbook)
        if not as_json:
            typer.echo(f"{page}\n{workbook}")
    if as_json:
        typer.echo(json.dumps({"written": [[str(page), str(workbook)] for page, workbook in written]}))
