"""What sharing comes to, in words: the text a command prints, the verdicts on stability, the object for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from optimizer.commands import sheet
from optimizer.market.games import Game
from optimizer.market.sharing import Outcome

NO_MARKET = (
    "Transfers are computed, not observed: no compensation of this kind is paid today. Savings are against every "
    "territory serving itself, work it cannot serve counted at the stated value of lost service."
)
EQUITY = {
    "cost_gini": "cost: Gini",
    "cost_theil": "cost: Theil",
    "cost_half_difference_kcny_per_million": "cost: half difference",
    "gain_gini": "gain: Gini",
    "gain_theil": "gain: Theil",
}


def verdict(outcome: Outcome) -> str:
    """Whether a group of players would be better off by itself, in one sentence."""
    who, kcny = " + ".join(outcome.core.worst), outcome.core.excess_kcny
    if outcome.core.verdict == "in":
        near = f"; {who} comes nearest, {-kcny:,.1f} kCNY better off inside" if who else ""
        return f"In the core: no group of territories would be better off by itself{near}."
    if outcome.core.verdict == "out":
        return f"Not in the core: {who} would have {kcny:,.1f} kCNY more by itself."
    return f"Undecided: within the gaps {who} may or may not be better off by itself (best estimate {kcny:+,.1f} kCNY)."


def gains(game: Game, outcomes: Sequence[Outcome]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table of rules: each player's gain over standing alone, what is moved, and the core."""
    heads = ["rule", *game.players, "moved", "core"]
    rows = [
        [o.rule, *(f"{gain:,.0f}" for gain in o.gain_kcny), f"{o.payment_kcny.sum():,.0f}", o.core.verdict]
        for o in outcomes
    ]
    return heads, rows


def page(name: str, game: Game, outcomes: Sequence[Outcome], tables: dict[str, pd.DataFrame], notes: list[str]) -> str:
    """What the command prints."""
    low, high = game.low[-1], game.high[-1]
    equity = tables["equity"]
    cells = [
        [row["rule"], *(sheet.number(float(row[name]), ",.3f") for name in EQUITY)] for row in equity.to_dict("records")
    ]
    lines = [
        f"{name}: together the territories save {game.total:,.1f} kCNY ({low:,.1f} to {high:,.1f} by the bounds).",
        NO_MARKET,
        "Gain over standing alone, kCNY:",
        "",
        sheet.markdown(*gains(game, outcomes)),
        "",
        *(f"{o.rule}: {verdict(o)}" for o in outcomes),
        "",
        "Inequality among territories per head of their people (a dash where a part is negative; half the mean",
        "difference of cost, kCNY per million, is defined throughout):",
        "",
        sheet.markdown(["rule", *EQUITY.values()], cells),
        "",
        *notes,
    ]
    return "\n".join(lines)


def as_object(
    name: str, game: Game, outcomes: Sequence[Outcome], tables: dict[str, pd.DataFrame], notes: list[str]
) -> dict[str, Any]:
    """One object for machines: the value of the whole, every table but those of coalitions and hours, and notes."""
    left_out = ("coalitions", "prices", "assumptions")
    return {
        "scenario": name,
        "players": list(game.players),
        "value_kcny": game.total,
        "value_low_kcny": float(game.low[-1]),
        "value_high_kcny": float(game.high[-1]),
        "coalitions": len(tables["coalitions"]),
        "verdicts": {o.rule: verdict(o) for o in outcomes},
        "notes": notes,
        **{key: json.loads(sheet.as_json(table)) for key, table in tables.items() if key not in left_out},
    }
