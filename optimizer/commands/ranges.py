"""How far the loads of hubs may move at the same cost, on the command line: which of them the optimum determines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from optimizer.commands import replan, sheet
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE
from optimizer.solve.optimum import Outcome
from optimizer.solve.ranges import Over, Ranges, load_ranges, places

WORDS: dict[Over, str] = {
    "held": "The plan's machines and placements as they are; the rest may move",
    "any plan": "Any plan at all: outside these ranges there is none as cheap, inside there need not be one",
}
HEADS = ["hub", "plan", "least", "most", "width", "of the plan", "determined"]


def table(found: Ranges) -> pd.DataFrame:
    """One row a hub, and one for all local sites: over, place, plan_eflopsh, low_eflopsh, high_eflopsh, width_eflopsh,
    is_determined."""
    rows = [
        {
            "over": found.over,
            "place": r.place,
            "plan_eflopsh": r.plan_eflopsh,
            "low_eflopsh": r.low_eflopsh,
            "high_eflopsh": r.high_eflopsh,
            "width_eflopsh": r.width_eflopsh,
            "is_determined": r.is_determined,
        }
        for r in found.places
    ]
    return pd.DataFrame(rows)


def page(found: Ranges) -> str:
    """The ranges of one set as Markdown, with what they say in a sentence."""
    rows = [
        [
            r.place,
            *(sheet.number(v, ",.3f") for v in (r.plan_eflopsh, r.low_eflopsh, r.high_eflopsh, r.width_eflopsh)),
            sheet.number(r.width_eflopsh / r.plan_eflopsh if r.plan_eflopsh else float("nan"), ".1%"),
            "yes" if r.is_determined else "no",
        ]
        for r in found.places
    ]
    heading = f"{WORDS[found.over]}. EFLOPS·h at a cost of at most {found.limit_kcny:,.3f} kCNY:"
    return "\n\n".join([heading, sheet.markdown(HEADS, rows), sentence(found)])


def sentence(found: Ranges) -> str:
    """Which loads the cost determines, and which it does not."""
    open_places = [r.place for r in found.places if not r.is_determined]
    if not open_places:
        return "The cost determines the load of every hub."
    kept = len(found.places) - len(open_places)
    return f"The cost determines {kept} of {len(found.places)} loads; not those of {', '.join(open_places)}."


def command(
    target: Annotated[str, typer.Argument(metavar="SCENARIO_OR_RUN", help="A scenario, or the folder of a run.")],
    slack: Annotated[float, typer.Option(help="What the plan may cost more, as a fraction.", min=0.0, max=1.0)] = 0.0,
    any_plan: Annotated[
        bool, typer.Option("--any-plan", help="Also bound the loads of every plan that costs no more (relaxed).")
    ] = False,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the scenario.")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds that each set of ranges may take.", min=0.0)] = 600.0,
    file: Annotated[Path | None, typer.Option("--out", help="File to write: .md or .csv.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Range the load of every hub over the plans that cost the same: what the optimum determines, and what not.

    Example: computegrid ranges day --slack 0.001 --any-plan
    """
    sheet.require_file(file)
    asked = replan.problem(target, tuple(change or ()), "ranged over")
    outcome = asked.solve()
    if outcome.x is None:
        typer.echo(f"No plan: {outcome.words}.", err=True)
        raise typer.Exit(EXIT_INFEASIBLE if outcome.stop == "infeasible" else EXIT_FAULT)
    if replan.same_plan(outcome, asked.stored_kcny) is False:
        typer.echo(f"The stored plan ({asked.stored_kcny:,.1f} kCNY) was not found again.", err=True)
    sets: tuple[Over, ...] = ("held", "any plan") if any_plan else ("held",)
    groups = places(asked.case, asked.program)
    try:
        found = [load_ranges(asked.program, outcome.x, groups, slack, over, time_limit) for over in sets]
    except TimeoutError as error:
        typer.echo(f"No ranges: {error}.", err=True)
        raise typer.Exit(EXIT_FAULT) from None
    frame = pd.concat([table(one) for one in found], ignore_index=True)
    text = "\n\n".join([_head(asked.case.name, outcome), *map(page, found)]) + "\n"
    typer.echo(sheet.as_json(frame) if as_json else text)
    if file is not None:
        sheet.write(file, frame, text)
    raise typer.Exit(0 if outcome.stop == "gap reached" else EXIT_GAP)


def _head(name: str, outcome: Outcome) -> str:
    return f"`{name}`: {outcome.words}, {outcome.objective_kcny:,.3f} kCNY, gap {outcome.gap_frac:.3%}."
