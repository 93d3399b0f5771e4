"""The computing-resource ledger on the command line: every site and hour of a run as one table, or as a workbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from optimizer.commands import tablefile
from optimizer.report.resources import ledger_table, party_table, site_totals
from optimizer.runs.store import open_run


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    file: Annotated[Path, typer.Option("--out", help="File to write: .csv, .parquet or .xlsx.")] = Path("ledger.csv"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Write the computing-resource ledger (资源消耗台账): supply, load, energy, carbon and money by site and hour.

    A workbook also holds the totals of the sites and the net transfers of all regions and hubs, which sum to zero.

    Example: computegrid ledger runs/day --out ledger.xlsx
    """
    tablefile.require_file(file)
    stored = open_run(run)
    ledger = ledger_table(stored)
    tables = {"ledger": ledger, "sites": site_totals(ledger), "parties": party_table(stored)}
    tablefile.write(file, tables)
    if as_json:
        typer.echo(json.dumps({"file": str(file), "rows": len(ledger), "columns": list(ledger.columns)}))
    else:
        typer.echo(f"{file}: {len(ledger):,} rows, {len(ledger.columns)} columns")
