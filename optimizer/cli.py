"""The command line. Every command has an example, `--json` for machines, and an exit code.

Exit codes: 0 solved to the gap; 2 faulty input; 3 a feasible plan, gap not reached; 4 infeasible; 1 our own fault.
"""

from __future__ import annotations

import gc
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hubs import DATA, InputError, load_facts
from hubs.errors import Fault, nearest
from optimizer.commands import compare as runs_compared
from optimizer.commands import desk as local_desk
from optimizer.commands import (
    explain,
    faults,
    flexibility,
    frontier,
    innovation,
    ledger,
    prices,
    ranges,
    report,
    runs,
    sizes,
)
from optimizer.commands import library as side_by_side
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE, EXIT_INPUT
from optimizer.commands.futures import command as futures
from optimizer.commands.progress import Watch
from optimizer.commands.rolled.flow import is_rolled, solve_rolled
from optimizer.commands.share import command as share
from optimizer.commands.sweep import command as sweep
from optimizer.solve.compile import TriviallyInfeasible, compile_case
from optimizer.solve.engine import write_mps
from optimizer.workflow import Solved
from optimizer.workflow import solve as solve_scenario
from scenarios import library
from scenarios.build import build_case

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The planning tool for China's national computing network.",
    pretty_exceptions_enable=False,
)
COLLECT_AFTER = 100_000
"""New objects between two searches for garbage. A model is millions of objects that stay: with Python's 700, looking
through them takes a sixth of the time in which it is built. Not where windows are rolled: what they leave has to go."""
out, err = Console(), Console(stderr=True)
app.add_typer(innovation.app, name="innovation")
innovation.app.command("frontier")(frontier.command)
app.command("library")(side_by_side.command)
app.command("flexibility")(flexibility.command)
app.command("prices")(prices.command)
app.command("ranges")(ranges.command)
app.command("explain")(explain.command)
app.command("compare")(runs_compared.command)
app.command("desk")(local_desk.command)
app.command("share")(share.command)
app.command("futures")(futures.command)
app.command("sweep")(sweep.sweep)
app.command("resume")(sweep.resume)
app.add_typer(runs.app, name="runs")
app.command("ledger")(ledger.command)
app.command("report")(report.command)


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the scenario, e.g. policy.carbon_ledger=market."),
]


@app.command()
def solve(
    scenario: Annotated[str, typer.Argument(help="A scenario of the library, or a path to a TOML file.")],
    folder: Annotated[Path | None, typer.Option("--out", help="Folder of the run (default: runs/NAME-TIME).")] = None,
    gap: Annotated[float | None, typer.Option(help="Gap to prove, as a fraction.", min=0.0, max=1.0)] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds the engine may take.", min=0.0)] = None,
    change: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Solve a scenario, store the run and write its report.

    Example: computegrid solve day --gap 0.002 --set demand.scale_ratio=1.2
    """
    with Watch(err, quiet=as_json) as watch:
        if is_rolled(scenario, change or ()):
            solved = solve_rolled(scenario, folder, gap, change or (), watch.hear, time_limit_s=time_limit)
        else:
            gc.set_threshold(COLLECT_AFTER)
            solved = solve_scenario(scenario, folder, gap, time_limit, change or (), watch.hear)
    if as_json:
        print(json.dumps({k: v for k, v in solved.summary.items() if k != "stop"}, ensure_ascii=False))
    else:
        _headline(solved)
    raise typer.Exit(_code(solved))


def _code(solved: Solved) -> int:
    if solved.outcome.x is not None:
        return 0 if solved.outcome.stop == "gap reached" else EXIT_GAP
    return EXIT_INFEASIBLE if solved.outcome.stop == "infeasible" else EXIT_FAULT


def _headline(solved: Solved) -> None:
    summary = solved.summary
    if solved.run is None:
        err.print(f"No plan: {summary['status']}.")
        return
    table = Table(title=f"{solved.run.manifest['scenario']}: {summary['status']}", show_header=False)
    objective = summary["objective_kcny"]
    table.add_row("system cost", f"{objective:,.1f} kCNY")
    table.add_row("proved gap", f"{summary['gap_frac']:.3%} (bound {summary['bound_kcny']:,.1f} kCNY)")
    if summary["greedy_kcny"] is not None:
        saved = 1 - objective / summary["greedy_kcny"] if summary["greedy_kcny"] else 0.0
        table.add_row("greedy plan", f"{summary['greedy_kcny']:,.1f} kCNY; the optimum costs {saved:.1%} less")
    national = solved.run.table("indicators").query("scope == 'nation'")
    for name, unit, value in national[["indicator", "unit", "value"]].itertuples(index=False):
        table.add_row(name, _shown(value, unit))
    table.add_row(
        "model", f"{summary['columns']:,} columns, {summary['rows']:,} rows, {summary['integers']:,} integers"
    )
    spent = f"{summary['wall_s']:.1f} s (build {summary['build_s']:.1f}, solver {summary['solver_s']:.1f})"
    table.add_row("time, memory", f"{spent}, {summary['peak_rss_mb']:,.0f} MB")
    out.print(table)
    out.print(f"run    {solved.run.folder}", highlight=False, soft_wrap=True)
    out.print(f"report {solved.run.folder / 'report.html'}", highlight=False, soft_wrap=True)


def _shown(value: float, unit: str) -> str:
    """A number with its unit, or a dash where there is none."""
    if value != value:
        return "–"
    return f"{value:.1%}" if unit == "frac" else f"{value:,.3f}" if unit == "1" else f"{value:,.0f} {unit}"


@app.command()
def scenarios(as_json: AsJson = False) -> None:
    """List the scenarios that ship with the project, and why each exists.

    Example: computegrid scenarios
    """
    rows = [
        (loaded.scenario.name, loaded.scenario.horizon.hours, loaded.scenario.why)
        for loaded in map(library.load, library.names())
    ]
    _show(["scenario", "hours", "why"], rows, as_json)


@app.command()
def facts(
    table: Annotated[str | None, typer.Argument(help="A table; without one, the tables are counted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the facts with unit, status and source.

    Example: computegrid facts cluster_facts
    """
    provenance = load_facts(DATA).provenance
    if table is None:
        counts = provenance.groupby(["table", "status"]).size().unstack(fill_value=0).reset_index()
        _show(list(counts.columns), list(counts.itertuples(index=False, name=None)), as_json)
        return
    known = sorted(set(provenance["table"]))
    if table not in known:
        raise InputError(
            [
                Fault(
                    "facts",
                    None,
                    "TABLE",
                    f"table '{table}' is not known",
                    "a table of facts is one of hubs/data",
                    nearest(table, known),
                )
            ]
        )
    columns = ["key", "quantity", "value", "unit", "low", "high", "status", "date", "source", "note"]
    rows = provenance.loc[provenance["table"] == table, columns]
    _show(columns, list(rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None)), as_json)


@app.command()
def check(
    target: Annotated[
        str, typer.Argument(metavar="SCENARIO_OR_FOLDER", help="A scenario, or a folder of fact tables.")
    ],
    change: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Validate a scenario or a folder of facts: every fault, with file, row, rule and mend.

    Example: computegrid check my_scenario.toml
    """
    size, windows = None, 1
    if Path(target).is_dir():
        load_facts(Path(target))
    else:
        loaded = library.load(target, change or ())
        size, windows = sizes.largest(build_case(loaded), loaded.scenario.horizon)
    if as_json:
        sized = {"size": asdict(size), "windows": windows} if size else {}
        print(json.dumps({"target": target, "faults": []} | sized))
    else:
        out.print(f"{escape(target)}: no faults")
        if size:
            out.print(sizes.words(size, windows), highlight=False, soft_wrap=True)


@app.command()
def export(
    scenario: str,
    mps: Annotated[Path, typer.Option(help="MPS file to write (.mps or .mps.gz).")],
    change: Changes = None,
) -> None:
    """Write the compiled model for any other solver.

    Example: computegrid export day --mps day.mps
    """
    program = compile_case(build_case(library.load(scenario, change or ())))
    if not mps.name.endswith((".mps", ".mps.gz")):
        raise InputError(
            [
                Fault(
                    "--mps", None, None, f"'{mps}' is no MPS file name", "the name ends in .mps or .mps.gz", "rename it"
                )
            ]
        )
    if not mps.parent.is_dir():
        raise InputError(
            [Fault("--mps", None, None, f"folder '{mps.parent}' is missing", "the folder must exist", "create it")]
        )
    write_mps(program, str(mps))
    out.print(
        f"{mps}: {program.columns:,} columns, {program.rows:,} rows, {program.matrix.nnz:,} nonzeros", highlight=False
    )


def _show(columns: list[str], rows: list[tuple[Any, ...]], as_json: bool) -> None:
    if as_json:
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False))
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(
            *(escape("" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)) for cell in row)
        )
    out.print(table)


def main() -> NoReturn:
    """Entry point: faults become exit code 2, rules no plan can meet 4; anything else is 1 and a sentence."""
    try:
        code = app(standalone_mode=False) or 0
    except typer.Exit as exit_:
        code = exit_.exit_code
    except InputError as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        code = EXIT_INPUT
    except TriviallyInfeasible as error:
        err.print(f"No plan: {error}", markup=False, highlight=False, soft_wrap=True)
        code = EXIT_INFEASIBLE
    except typer.Abort:
        code = EXIT_FAULT
    except Exception as error:  # a click usage error is faulty input, the rest is our own fault
        if hasattr(error, "format_message"):
            error.show()  # type: ignore[attr-defined]
            raise SystemExit(EXIT_INPUT) from None
        if faults.wants_trace():
            raise
        err.print(faults.sentence(error), markup=False, highlight=False, soft_wrap=True)
        code = EXIT_FAULT
    raise SystemExit(code)


if __name__ == "__main__":
    main()
