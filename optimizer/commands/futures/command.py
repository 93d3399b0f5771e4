"""Contracts on compute compared over an ensemble of scenarios, each member solved anew.

No market for compute futures exists. Strikes are the file's assumptions; indices are shadow prices of the dispatch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from hubs import load_facts
from hubs.errors import Fault, InputError
from optimizer.commands import sheet
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE
from optimizer.commands.futures.page import NOT_A_MARKET, contracts, render, strikes
from optimizer.commands.futures.solving import NoPlan, solve_members
from optimizer.commands.futures.tables import Study, study_tables
from optimizer.market import contractfile, lots
from optimizer.market.comparison import compare
from optimizer.market.contracts import check
from optimizer.market.portfolio import frontier
from optimizer.runs.manifest import to_toml, versions
from optimizer.runs.store import Run, write_run
from scenarios.build import build_case, changed_facts
from scenarios.ensemble import Ensemble, read_ensemble
from scenarios.library import load

LEVEL_FRAC = 0.95
AVERSION_FRAC = 0.5


def evaluate(
    contract_file: Path,
    ensemble: Ensemble,
    gap_frac: float | None = None,
    workers: int = 1,
    damages_kcny_per_eflopsh: float | None = None,
    heard: Callable[[str], None] = lambda _: None,
) -> Study:
    """Solve every member and compare the contracts. Damages: the retail price of compute unless given.

    Raises InputError for faulty contracts, NoPlan if a member has no plan.
    """
    loaded = load(ensemble.base)
    prices = changed_facts(load_facts(), loaded.scenario).prices
    listed = contractfile.load(contract_file, prices)
    check(listed, build_case(loaded))
    damages = (
        prices["compute_retail_kcny_per_eflopsh"] if damages_kcny_per_eflopsh is None else damages_kcny_per_eflopsh
    )
    outcomes = solve_members(ensemble, listed, damages, gap_frac, workers, heard)
    heard("comparison")
    portfolios = frontier(lots.outlook(listed, outcomes), lots.AVERSIONS_FRAC, LEVEL_FRAC)
    return Study(outcomes, compare(listed, outcomes, LEVEL_FRAC, AVERSION_FRAC), portfolios)


def write(folder: Path, study: Study, manifest: dict[str, Any], contract_file: Path, ensemble_file: Path) -> Run:
    """Tables, both input files and the page, in a new folder that appears whole or not at all."""
    tables = study_tables(study)

    def finish(run: Run) -> None:
        for name, file in (("contracts.toml", contract_file), ("ensemble.toml", ensemble_file)):
            (run.folder / name).write_bytes(file.read_bytes())
        tables["contracts"].to_csv(run.folder / "contracts.csv", index=False)
        (run.folder / "futures.html").write_text(render(study, tables, manifest), encoding="utf-8")

    base = load(str(manifest["base"]))
    return write_run(folder, manifest, to_toml(base.resolved), tables, finish)


def manifest_of(
    name: str, study: Study, ensemble: Ensemble, files: tuple[Path, Path], options: dict[str, Any]
) -> dict[str, Any]:
    """What the folder says of itself."""
    outcomes = study.outcomes
    return {
        "run": name,
        "command": "futures",
        "why": ensemble.why,
        "base": ensemble.base,
        "seed": ensemble.seed,
        "contracts": len(study.comparisons),
        "members": len(outcomes.members),
        "hours": outcomes.horizon.hours,
        "level_frac": LEVEL_FRAC,
        "aversion_frac": AVERSION_FRAC,
        "resale_frac": lots.RESALE_FRAC,
        "tail_members": max(1, round((1 - LEVEL_FRAC) * len(outcomes.members))),
        "worst_gap_frac": max(m.gap_frac for m in outcomes.members),
        "inputs": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        "options": {key: "scenario's" if value is None else value for key, value in options.items()},
        "versions": versions(),
        "note": NOT_A_MARKET,
    }


def exit_code(study: Study) -> int:
    """0 if every plan, of the members and of their books, reached its gap; 3 if one did not; 4 a book without plan."""
    books = [m.book.stop for m in study.outcomes.members if m.book is not None]
    if "infeasible" in books:
        return EXIT_INFEASIBLE
    stops = {m.stop for m in study.outcomes.members} | set(books)
    return 0 if stops == {"gap reached"} else EXIT_GAP


def command(
    contract_file: Annotated[Path, typer.Argument(metavar="CONTRACTS.toml", help="Contracts to compare.")],
    ensemble_file: Annotated[Path, typer.Option("--ensemble", help="Members and their probabilities (TOML).")],
    folder: Annotated[Path | None, typer.Option("--out", help="New folder for tables and futures.html.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; with several each engine takes one thread.", min=1)] = 1,
    gap: Annotated[float | None, typer.Option(help="Gap to prove, as a fraction.", min=0.0, max=1.0)] = None,
    damages: Annotated[
        float | None, typer.Option(help="kCNY per EFLOPS·h not delivered, in the dispatch (default: retail price).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Compare contracts on compute over an ensemble of scenarios: risk, strikes, basis, delivery, portfolio.

    Example: computegrid futures examples/contracts.toml --ensemble examples/ensemble.toml --workers 2
    """
    if folder is not None and folder.exists():
        rule = "results are written once"
        raise InputError(
            [Fault("--out", None, None, f"folder '{folder}' exists already", rule, "choose another --out")]
        )
    ensemble = read_ensemble(ensemble_file)
    heard = partial(typer.echo, err=True)
    try:
        study = evaluate(contract_file, ensemble, gap, workers, damages, heard)
    except NoPlan as without:
        heard(f"No plan: {without}")
        raise typer.Exit(EXIT_INFEASIBLE if without.stop == "infeasible" else EXIT_FAULT) from None
    target = folder or _new_folder(contract_file.stem)
    options = {"gap_frac": gap, "damages_kcny_per_eflopsh": damages, "workers": workers}
    manifest = manifest_of(target.name, study, ensemble, (contract_file, ensemble_file), options)
    run = write(target, study, manifest, contract_file, ensemble_file)
    if as_json:
        rows = json.loads(run.table("contracts").to_json(orient="records"))
        typer.echo(json.dumps(manifest | {"run_dir": str(target), "comparison": rows}, ensure_ascii=False))
    else:
        typer.echo(f"{_shown(run.table('contracts'))}\n\npage {run.folder / 'futures.html'}")
    raise typer.Exit(exit_code(study))


def _new_folder(name: str) -> Path:
    return Path("runs") / f"futures-{name}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"


def _shown(frame: pd.DataFrame) -> str:
    """The headline as Markdown: what each contract does to both sides, and its strikes."""
    first, second = contracts(frame), strikes(frame)
    tables = [sheet.markdown(table.columns, table.rows) for table in (first, second)]
    return "\n\n".join([*tables, "Money in kCNY over the horizon, strikes in kCNY per EFLOPS·h.", NOT_A_MARKET])
