"""What it is worth if latency-bound demand may wait: cost against the share of it that may.

Demand that may wait becomes batch work with the same bytes and value that may run anywhere within its window. On a
closed horizon its queue must be empty when the last hour ends: on one day the evening's demand cannot reach the cheap
hours of the next night, which understates what waiting is worth; a longer horizon shows more of it.

The least cost is nearly, not exactly, monotone in the share by construction: waiting work arrives by the nation's
daily curve and runs at local sites in blocks of hours, services by their region's own curve and by the hour. So each
step says what the bounds prove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from optimizer.commands import sheet
from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE
from optimizer.commands.keyfigures import KeyFigures, key_figures
from optimizer.runs.manifest import versions
from scenarios.library import load

MOST = 0.5
"""The largest share looked at."""
GAP_FRAC = 0.0005
"""A step of the share moves the cost of a day by less than a planner's usual gap."""


class NoPlan(Exception):
    """A share has no plan; `stop` says why the engine stopped."""

    def __init__(self, share: float, figures: KeyFigures) -> None:
        super().__init__(f"share {share:g}: {figures.status}")
        self.stop = figures.stop


def shares(points: int) -> list[float]:
    """So many shares, evenly from zero to MOST."""
    return [MOST * i / (points - 1) for i in range(points)]


def trace(
    scenario: str,
    flexible_frac: Sequence[float],
    window_h: int = 24,
    changes: Sequence[str] = (),
    gap_frac: float = GAP_FRAC,
    time_limit_s: float | None = None,
    heard: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """One row a share, in order of the share; NoPlan for a share that has none.

    flexible_frac; cost_kcny, bound_kcny, gap_frac; saving_kcny against the first row; moved_eflopsh, the work made
    flexible since the row before; marginal_kcny_per_eflopsh, what that saved by the unit, between
    marginal_low_kcny_per_eflopsh and marginal_high_kcny_per_eflopsh by the bounds; decline ("proved", "within gaps" or
    "a rise is proved"); carbon_location_tco2, carbon_market_tco2, theil; wall_s.
    """
    rows: list[dict[str, object]] = []
    before: KeyFigures | None = None
    first_kcny = np.nan
    for share in sorted(flexible_frac):
        figures = _solve(scenario, share, window_h, changes, gap_frac, time_limit_s)
        first_kcny = figures.cost_kcny if before is None else first_kcny
        rows.append({"flexible_frac": share, **_costs(figures, first_kcny), **_step(figures, before), **_rest(figures)})
        before = figures
        heard(f"share {share:g}: {figures.cost_kcny:,.1f} kCNY, gap {figures.gap_frac:.3%}, {figures.wall_s:.1f} s")
    return pd.DataFrame(rows)


def _solve(
    scenario: str, share: float, window_h: int, changes: Sequence[str], gap_frac: float, time_limit_s: float | None
) -> KeyFigures:
    loaded = load(scenario, [*changes, f"demand.flexible_frac={float(share)}", f"demand.flexible_window_h={window_h}"])
    figures = key_figures(loaded, gap_frac, time_limit_s)
    if not np.isfinite(figures.cost_kcny):
        raise NoPlan(share, figures)
    return figures


def _costs(figures: KeyFigures, first_kcny: float) -> dict[str, float]:
    return {
        "cost_kcny": figures.cost_kcny,
        "bound_kcny": figures.bound_kcny,
        "gap_frac": figures.gap_frac,
        "saving_kcny": first_kcny - figures.cost_kcny,
    }


def _step(now: KeyFigures, before: KeyFigures | None) -> dict[str, object]:
    """What the step from the share before came to, and what its bounds prove of it."""
    moved, saved, low, high, decline = (np.nan, np.nan, np.nan, np.nan, "")
    if before is not None:
        moved = before.service_eflopsh - now.service_eflopsh
        saved = before.cost_kcny - now.cost_kcny
        low, high = before.bound_kcny - now.cost_kcny, before.cost_kcny - now.bound_kcny
        decline = "proved" if low > 0 else "a rise is proved" if high < 0 else "within gaps"
    return {
        "moved_eflopsh": moved,
        "marginal_kcny_per_eflopsh": saved / moved,
        "marginal_low_kcny_per_eflopsh": low / moved,
        "marginal_high_kcny_per_eflopsh": high / moved,
        "decline": decline,
    }


def _rest(figures: KeyFigures) -> dict[str, float]:
    return {
        "carbon_location_tco2": figures.national["carbon, location-based"],
        "carbon_market_tco2": figures.national["carbon, market-based"],
        "theil": figures.national["Theil of dispatched compute per head"],
        "wall_s": figures.wall_s,
    }


def page(frame: pd.DataFrame, scenario: str, window_h: int, day: date, changes: Sequence[str] = ()) -> str:
    """The table as Markdown, with what it means, date and versions under it."""
    heads = ["may wait", "kCNY", "bound", "saving", "kCNY per EFLOPS·h", "by the bounds", "decline"]
    heads += ["t CO2 location", "t CO2 market", "Theil"]
    rows = [_cells(row) for row in frame.to_dict("records")]
    used = versions()
    changed = "".join(f", `{change}`" for change in changes)
    notes = [
        f"`{scenario}`{changed}, window {window_h} h. kCNY per EFLOPS·h: saved by the unit of work made flexible since "
        "the row above. Decline: proved if the cost lies below the bound of the row above.",
        f"computegrid {used['computegrid']}, HiGHS {used['highspy']}, {day.isoformat()}.",
    ]
    return "\n\n".join([sheet.markdown(heads, rows), *notes]) + "\n"


def _cells(row: Mapping[Any, Any]) -> list[str]:
    low, high = row["marginal_low_kcny_per_eflopsh"], row["marginal_high_kcny_per_eflopsh"]
    return [
        f"{row['flexible_frac']:.0%}",
        *(f"{row[column]:,.1f}" for column in ("cost_kcny", "bound_kcny", "saving_kcny")),
        sheet.number(row["marginal_kcny_per_eflopsh"], ".4f"),
        f"{low:.4f} to {high:.4f}" if row["decline"] else "–",
        row["decline"] or "–",
        f"{row['carbon_location_tco2']:,.0f}",
        f"{row['carbon_market_tco2']:,.0f}",
        f"{row['theil']:.3f}",
    ]


def command(
    scenario: Annotated[str, typer.Argument(help="A scenario of the library, or a path to a TOML file.")],
    points: Annotated[int, typer.Option(help=f"Shares to solve, evenly from 0 to {MOST:g}.", min=2)] = 6,
    window_h: Annotated[int, typer.Option("--window-h", help="Hours that flexible demand may wait.", min=0)] = 24,
    gap: Annotated[float, typer.Option(help="Gap to prove, as a fraction.", min=0.0, max=1.0)] = GAP_FRAC,
    time_limit: Annotated[float | None, typer.Option(help="Seconds the engine may take by share.", min=0.0)] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the scenario.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--out", help="File to write: .md or .csv.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Trace cost, carbon and equity as a growing share of latency-bound demand may wait.

    Example: computegrid flexibility day --points 6 --window-h 24
    """
    sheet.require_file(file)
    heard = partial(typer.echo, err=True)
    try:
        frame = trace(scenario, shares(points), window_h, change or (), gap, time_limit, heard)
    except NoPlan as without:
        typer.echo(f"No plan: {without}", err=True)
        raise typer.Exit(EXIT_INFEASIBLE if without.stop == "infeasible" else EXIT_FAULT) from None
    text = page(frame, scenario, window_h, date.today(), change or ())
    typer.echo(sheet.as_json(frame) if as_json else text)
    if file is not None:
        sheet.write(file, frame, text)
    raise typer.Exit(EXIT_GAP if (frame["gap_frac"] > gap).any() else 0)
