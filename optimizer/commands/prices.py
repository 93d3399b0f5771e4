"""Prices of a plan on the command line: what compute, congestion and capacity are worth at the margin.

The plan of a run is solved anew (`replan.py`); where it is not found again, that is said, and the prices are those of
the new plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from hubs.errors import Fault, InputError
from optimizer.commands import replan, sheet
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE
from optimizer.market.duals import KINDS, Prices, price_plan
from optimizer.market.prices import hub_table, prices_table
from optimizer.market.rents import rents_table, worth_table
from optimizer.market.uplift import uplift_table
from optimizer.solve.optimum import Outcome
from scenarios.case import Case

ENDINGS = (".csv", ".parquet", ".xlsx")
SHOWN, WORTHS = 10, 5
"""So many rows of uplift and rents, and of each sort of worth, are printed."""
LEAST_KCNY = 0.0005
"""Amounts below half a yuan are not printed."""


@dataclass(frozen=True)
class Solved:
    """A plan, and its prices if there is one; `stored_kcny` is the cost of the stored plan, of a run."""

    case: Case
    outcome: Outcome
    prices: Prices | None
    stored_kcny: float | None


def solve(target: str, changes: tuple[str, ...] = (), intervals: bool = False) -> Solved:
    """Solve a scenario, or the scenario of a run again, and price the plan.

    Raises InputError for faulty input, and for a run whose facts have changed since; SolverError if HiGHS fails.
    """
    asked = replan.problem(target, changes)
    outcome = asked.solve()
    prices = None if outcome.x is None else price_plan(asked.program, outcome.x, intervals=intervals)
    return Solved(asked.case, outcome, prices, asked.stored_kcny)


def _fault(where: str, found: str, rule: str, mend: str) -> InputError:
    return InputError([Fault(where, None, None, found, rule, mend)])


def tables(prices: Prices, case: Case) -> dict[str, pd.DataFrame]:
    """All tables of the prices, by name; rents and worths are those of the fixed plan."""
    table = prices_table(prices, case)
    return {
        "prices": table,
        "hubs": hub_table(table, case),
        "uplift": uplift_table(prices, case),
        "rents": rents_table(prices.fixed),
        "worth": worth_table(prices.fixed, case),
    }


def same_plan(solved: Solved) -> bool | None:
    """Whether a run's plan was found again; None if the target was no run."""
    return replan.same_plan(solved.outcome, solved.stored_kcny)


def as_object(solved: Solved, prices: Prices, found: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """One object for machines: costs, counts, and every table but that of site-hours (`--out` writes it)."""
    rows = {name: json.loads(sheet.as_json(table)) for name, table in found.items() if name != "prices"}
    return {
        "scenario": solved.case.name,
        "status": solved.outcome.words,
        "plan_kcny": solved.outcome.objective_kcny,
        "fixed_kcny": prices.fixed.cost_kcny,
        "relaxed_kcny": prices.relaxed.cost_kcny,
        "same_plan": same_plan(solved),
        "site_hours": len(found["prices"]),
        **{f"identified_{kind}": int(found["prices"][f"identified_{kind}"].sum()) for kind in KINDS},
        **{f"uplift_{kind}_kcny": float(found["uplift"][f"uplift_{kind}_kcny"].sum()) for kind in KINDS},
        **rows,
    }


def page(solved: Solved, prices: Prices, found: dict[str, pd.DataFrame]) -> str:
    """What the command prints."""
    table, uplift, worth = found["prices"], found["uplift"], found["worth"].drop(columns="identified")
    counts = ", ".join(f"{table[f'identified_{kind}'].sum():,} {kind}" for kind in KINDS)
    sums = ", ".join(f"{uplift[f'uplift_{kind}_kcny'].sum():,.3f} {kind}" for kind in KINDS)
    kcny = f"{solved.outcome.objective_kcny:,.1f} kCNY"
    held = f"{prices.fixed.cost_kcny:,.1f} at best with its whole numbers held"
    lines = [
        f"{solved.case.name}: plan {kcny}, {held}, relaxation {prices.relaxed.cost_kcny:,.1f}.",
        "Shadow prices of the planner's programme: no spot market for compute exists.",
        f"Identified of {len(table):,} site-hours: {counts}. Hub prices in kCNY per EFLOPS·h, weighted by load:",
        "",
        _lines(found["hubs"], ".3f"),
        "",
        f"Uplift (kCNY over the horizon): {sums}.",
        *(line for kind in KINDS for line in _top(uplift[["site", f"uplift_{kind}_kcny"]], f"uplift_{kind}_kcny")),
        f"Congestion rents: {found['rents']['rent_kcny'].sum():,.3f} kCNY.",
        *_top(found["rents"], "rent_kcny"),
        "Worth of one more over the horizon (nothing, or not identified, where not listed; five of each):",
        *(line for _, part in worth.groupby("what") for line in _top(part, "worth_kcny_per_unit", 0.0, WORTHS)),
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _top(frame: pd.DataFrame, by: str, least: float = LEAST_KCNY, most: int = SHOWN) -> list[str]:
    """The largest rows as a table between blank lines; nothing where none is above `least`."""
    shown = frame[frame[by] > least].nlargest(most, by)
    return ["", _lines(shown, ",.5f"), ""] if len(shown) else []


def _lines(frame: pd.DataFrame, form: str) -> str:
    heads = [name.replace("_kcny_per_eflopsh", "") for name in frame.columns]
    rows = [
        [sheet.number(cell, form) if isinstance(cell, float) else str(cell) for cell in row]
        for row in frame.itertuples(index=False)
    ]
    return sheet.markdown(heads, rows)


def write(file: Path, found: dict[str, pd.DataFrame]) -> None:
    """Prices by site and hour as CSV or Parquet; all tables, one a sheet, as a workbook."""
    writers: dict[str, Callable[[], None]] = {
        ".csv": lambda: found["prices"].to_csv(file, index=False),
        ".parquet": lambda: found["prices"].to_parquet(file, index=False),
        ".xlsx": lambda: _workbook(file, found),
    }
    writers[file.suffix]()


def _workbook(file: Path, found: dict[str, pd.DataFrame]) -> None:
    with pd.ExcelWriter(file, engine="xlsxwriter") as book:
        for name, table in found.items():
            table.to_excel(book, sheet_name=name, index=False)


def _require_file(file: Path | None) -> None:
    if file is None:
        return
    if file.suffix not in ENDINGS:
        rule = "the name ends in .csv, .parquet or .xlsx"
        raise _fault("--out", f"'{file}' is no table file", rule, "rename it")
    if not file.parent.is_dir():
        raise _fault("--out", f"folder '{file.parent}' is missing", "the folder must exist", "create it")


def command(
    target: Annotated[str, typer.Argument(metavar="SCENARIO_OR_RUN", help="A scenario, or the folder of a run.")],
    file: Annotated[Path | None, typer.Option("--out", help="File to write: .csv, .parquet or .xlsx.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the scenario.")
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Also find both ends of prices where nothing runs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Price a plan: shadow prices of compute by hub, uplift, congestion rents, and what one more unit is worth.

    Example: computegrid prices day --out prices.xlsx
    """
    _require_file(file)
    solved = solve(target, tuple(change or ()), intervals)
    if solved.prices is None:
        typer.echo(f"No plan: {solved.outcome.words}.", err=True)
        raise typer.Exit(EXIT_INFEASIBLE if solved.outcome.stop == "infeasible" else EXIT_FAULT)
    if same_plan(solved) is False:
        typer.echo(f"The stored plan ({solved.stored_kcny:,.1f} kCNY) was not found again.", err=True)
    found = tables(solved.prices, solved.case)
    if as_json:
        typer.echo(json.dumps(as_object(solved, solved.prices, found), ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(page(solved, solved.prices, found))
    if file is not None:
        write(file, found)
    raise typer.Exit(0 if solved.outcome.stop == "gap reached" else EXIT_GAP)
