"""`computegrid share`: the gain of joint dispatch among the hubs' territories, shared by ten rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hubs.errors import Fault, InputError, nearest
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE
from optimizer.commands.share import words
from optimizer.commands.share.solving import NoPlan
from optimizer.commands.share.study import GAP_FRAC, RULES, share, write
from scenarios.library import load


def command(
    scenario: Annotated[str, typer.Argument(help="A scenario of the library, or a path to a TOML file.")],
    method: Annotated[str | None, typer.Option(help="Print one rule only, e.g. Shapley; all are computed.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder to write (default: runs/NAME-share).")] = None,
    workers: Annotated[int, typer.Option(help="Processes that solve coalitions.", min=1)] = 2,
    gap: Annotated[float, typer.Option(help="Gap to prove for each coalition.", min=1e-9, max=1.0)] = GAP_FRAC,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the scenario.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Share the gain of joint dispatch among the hubs' territories, by ten rules side by side.

    Example: computegrid share day --out shares --workers 2
    """
    _require_rule(method)
    name = load(scenario, change or ()).scenario.name
    out = folder or Path("runs") / f"{name}-share"
    try:
        shared = share(scenario, out, workers, gap, change or (), lambda what: typer.echo(what, err=True))
    except NoPlan as without:
        typer.echo(f"No plan: {without}", err=True)
        raise typer.Exit(EXIT_INFEASIBLE if without.stop == "infeasible" else EXIT_FAULT) from None
    write(out, shared)
    outcomes = [outcome for outcome in shared.outcomes if method in (None, outcome.rule)]
    if as_json:
        found = words.as_object(shared.case.name, shared.game, outcomes, shared.tables, shared.notes)
        typer.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(words.page(shared.case.name, shared.game, outcomes, shared.tables, shared.notes))
        typer.echo(f"\ntables {out / 'tables'}\npage   {out / 'share.html'}")
    raise typer.Exit(0 if shared.reached else EXIT_GAP)


def _require_rule(method: str | None) -> None:
    if method is not None and method not in RULES:
        found, rule = f"rule '{method}' is not known", f"a rule is one of: {', '.join(RULES)}"
        raise InputError([Fault("--method", None, None, found, rule, nearest(method, RULES))])
