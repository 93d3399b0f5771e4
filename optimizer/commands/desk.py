"""The local desk on the command line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from optimizer.desk.serving import serve


def command(
    runs: Annotated[
        Path, typer.Option("--runs", help="Folder of runs; the one folder the desk reads and writes.")
    ] = Path("runs"),
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.", min=0, max=65535)] = 8765,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, start no browser.")] = False,
) -> None:
    """Open a desk on this machine: browse runs, edit copies of scenarios, solve and watch, compare, read reports.

    Example: computegrid desk --runs runs
    """

    def say(address: str) -> None:
        typer.echo(f"desk of {runs.resolve()}")
        typer.echo(f"open {address}")
        typer.echo("Only this machine is answered, and only with this address. Ctrl+C closes the desk.")

    with suppress(KeyboardInterrupt):
        serve(runs, port, say, browse=not no_browser)
    typer.echo("desk closed")
