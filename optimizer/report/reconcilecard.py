"""The reconciliation on the page: one line an account, every check folded under it."""

from __future__ import annotations

from math import fsum

from optimizer.report.cards import Card
from optimizer.report.figures import Table
from optimizer.report.reconciliation import reconciliation
from optimizer.report.words import number
from optimizer.runs.store import Run

COLUMNS = ("account", "checks", "agree", "largest difference", "sum of differences", "unit")
EVERY = ("account", "line", "value", "counted again", "as", "difference", "unit")


def reconcile_card(run: Run) -> Card:
    """Totals that were counted twice, by account."""
    checks = reconciliation(run)
    rows = tuple(
        (
            str(name),
            str(len(part)),
            str(int(part["agrees"].sum())),
            number(float(part["difference"].abs().max()), 6),
            number(fsum(part["difference"]), 6),
            str(part["unit"].iloc[0]),
        )
        for name, part in checks.groupby("account", sort=False)
    )
    every = tuple(
        (account, line, number(value, 3), number(against, 3), how, number(left, 6), unit)
        for account, line, unit, value, against, how, left, _ in checks.itertuples(index=False, name=None)
    )
    held = int(checks["agrees"].sum())
    return Card(
        "总量核对",
        "Totals counted twice",
        Table(COLUMNS, rows, frozenset({1, 2, 3, 4})),
        f"{held} of {len(checks)} checks agree to a millionth. What is not zero is what numbers in a computer leave "
        "over; the workbook has them all on its sheet “reconciliation”.",
        folded=((f"逐项核对 All {len(checks)} checks", Table(EVERY, every, frozenset({2, 3, 5}))),),
    )
