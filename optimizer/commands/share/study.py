"""One study of sharing: every coalition solved, the rules side by side, accounts, equity and what each cluster earns.

The folder it writes to keeps each finished coalition, so that a run that was cut short goes on where it was. Tables and
page are written anew from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.commands.share import tables as made
from optimizer.commands.share.booking import Books, book
from optimizer.commands.share.page import render, write_page
from optimizer.commands.share.projects import assumption_table, finance_table, projects
from optimizer.commands.share.solving import SHARPER, Limits, Optimum, solve_all
from optimizer.commands.share.terms import Terms, terms_of
from optimizer.market.coalitions import (
    Territories,
    cheapest_part,
    everywhere,
    saving_game,
    territories,
)
from optimizer.market.games import Game
from optimizer.market.sharing import Outcome, side_by_side
from optimizer.solve.compile import compile_case
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.case import Case, Floats
from scenarios.library import load

GAP_FRAC = 0.001
"""A value is a small difference of large costs: a planner's usual gap would drown it."""
NODAL = "nodal prices"
RULES = (
    "status quo",
    "uniform rate",
    "cost-plus",
    "tax split 50:50",
    "tax split of the scenario",
    NODAL,
    "equal gain",
    "Shapley",
    "nucleolus",
    "Nash bargaining",
)


@dataclass(frozen=True)
class Shared:
    """Everything the command knows; `reached` says whether every coalition was solved to its gap."""

    case: Case
    why: str
    game: Game
    outcomes: tuple[Outcome, ...]
    tables: dict[str, pd.DataFrame]
    notes: list[str]
    reached: bool


def share(
    scenario: str,
    out: Path,
    workers: int = 2,
    gap_frac: float = GAP_FRAC,
    changes: Sequence[str] = (),
    heard: Callable[[str], None] = lambda _: None,
) -> Shared:
    """Solve every coalition of a scenario's territories (or take up those finished in `out`), and share their gain.

    Raises InputError for faulty input and NoPlan for a coalition that cannot serve itself.
    """
    started = time.perf_counter()
    loaded = load(scenario, changes)
    terms = terms_of(loaded)
    case = build_case(loaded)
    lands = territories(case)
    program = compile_case(case)
    limits = Limits(gap_frac, loaded.scenario.solve.time_limit_s)

    def tell(done: int, whole: int, optimum: Optimum) -> None:
        heard(f"{done} of {whole} coalitions, {time.perf_counter() - started:,.0f} s: " + _line(lands, optimum))

    optima = solve_all(program, case, lands, limits, out, workers, tell)
    cost = everywhere(lands.n, {mask: optimum.cost_kcny for mask, optimum in optima.items()})
    bound = everywhere(lands.n, {mask: optimum.bound_kcny for mask, optimum in optima.items()})
    game = saving_game(lands.players, cost, bound)
    joint = Plan(case, program, optima[_structure(cheapest_part(cost, game.everyone))].x)
    heard("prices, rules and accounts")
    books = book(joint, Plan(case, program, optima[0].x), lands, terms)
    outcomes, notes = _rules(game, books, terms)
    found = projects(joint, terms)
    frames = {
        "coalitions": made.coalition_table(game, optima, cost),
        "rules": made.rule_table(outcomes),
        "shares": made.share_table(game, books, outcomes),
        "transfers": made.transfer_table(game, outcomes),
        "accounts": made.account_table(game, books),
        "prices": _price_table(game, books),
        "equity": made.equity_table(case, lands, books, outcomes),
        "violations": made.violation_table(game),
        "finance": finance_table(found, lands),
        "assumptions": assumption_table(found),
    }
    notes += _notes(optima, frames["violations"], limits)
    reached = all(optimum.stop == "gap reached" for optimum in optima.values())
    return Shared(case, loaded.scenario.why, game, outcomes, frames, notes, reached)


def _structure(mask: int) -> int:
    """The programme whose plan a coalition uses: that of nobody for a player alone."""
    return mask if mask.bit_count() != 1 else 0


def _line(lands: Territories, optimum: Optimum) -> str:
    who = " + ".join(lands.names(optimum.mask)) or "everyone alone"
    gap = (optimum.cost_kcny - optimum.bound_kcny) / max(abs(optimum.cost_kcny), 1e-9)
    return f"{who}, {optimum.cost_kcny:,.1f} kCNY, gap {gap:.3%}, {optimum.wall_s:.1f} s"


def _rules(game: Game, books: Books, terms: Terms) -> tuple[tuple[Outcome, ...], list[str]]:
    """All rules; that of nodal prices is left out, and a note says so, where work has no identified price."""
    accounts = books.accounts
    if not _unpriced(accounts.work_eflopsh, accounts.price_kcny_per_eflopsh):
        return side_by_side(game, accounts, terms.tariffs), []
    blank = replace(accounts, price_kcny_per_eflopsh=np.zeros_like(accounts.price_kcny_per_eflopsh))
    kept = tuple(o for o in side_by_side(game, blank, terms.tariffs) if o.rule != NODAL)
    unknown = [game.players[i] for i in np.flatnonzero(np.isnan(accounts.price_kcny_per_eflopsh).any(axis=1))]
    return kept, [f"No nodal prices: in some hours none is identified in {', '.join(unknown)}."]


def _unpriced(work_eflopsh: Floats, price_kcny_per_eflopsh: Floats) -> bool:
    """Whether work crosses a border in an hour in which one of its ends has no identified price."""
    n = len(price_kcny_per_eflopsh)
    traded = (work_eflopsh != 0) & ~np.eye(n, dtype=bool)[:, :, None]
    blank = np.isnan(price_kcny_per_eflopsh)
    return bool((traded & (blank[:, None] | blank[None, :])).any())


def _price_table(game: Game, books: Books) -> pd.DataFrame:
    """player, hour, price_kcny_per_eflopsh; NaN where it is not identified."""
    price = books.accounts.price_kcny_per_eflopsh
    places = [(player, hour) for player in game.players for hour in range(price.shape[1])]
    return pd.DataFrame(places, columns=["player", "hour"]).assign(price_kcny_per_eflopsh=price.ravel())


def _notes(optima: dict[int, Optimum], violations: pd.DataFrame, limits: Limits) -> list[str]:
    spent_s = sum(optimum.processor_s for optimum in optima.values())
    late = sum(optimum.stop != "gap reached" for optimum in optima.values())
    notes = [
        f"{len(optima)} programmes solved to a gap of {limits.gap_frac:.3%} (nobody and everyone: {SHARPER:g} of it) "
        f"in {spent_s:,.0f} processor seconds."
    ]
    if late:
        notes.append(f"{late} of them stopped at the time limit: their intervals are wider.")
    by_gaps = int((violations["explained"] == "by gaps").sum())
    rest = len(violations) - by_gaps
    notes.append(
        f"Pairs of coalitions with more apart than together: {by_gaps} within the gaps"
        + (f", {rest} beyond them: these compete for something, such as full links." if rest else ", none beyond them.")
    )
    return notes


def write(folder: Path, shared: Shared) -> None:
    """Tables as Parquet and CSV, and the page."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for name, table in shared.tables.items():
        table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    text = render(shared.case.name, shared.why, shared.game, shared.outcomes, shared.tables, shared.notes)
    write_page(folder / "share.html", text)
