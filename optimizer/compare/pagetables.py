"""Tables of the page of a comparison: every difference, none left out."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.compare.amounts import Amount, Section
from optimizer.compare.comparison import Comparison
from optimizer.compare.costs import Costs
from optimizer.compare.inputs import Change, Inputs
from optimizer.compare.rows import TableChange
from optimizer.compare.words import figure, given, signed, verdict_words
from optimizer.report.figures import Table
from optimizer.report.words import bilingual, exact

STEPS = ("before", "after", "difference", "at least", "at most", "verdict")
Cells = tuple[str, ...]


def runs(comparison: Comparison) -> Table:
    """Which runs stand side by side."""
    rows = tuple(
        (label.run, label.scenario, str(label.hours), figure(label.objective_kcny), figure(label.bound_kcny), label.why)
        for label in comparison.runs
    )
    return Table(("run", "scenario", "hours", "cost, kCNY", "bound, kCNY", "why"), rows, frozenset({2, 3, 4}))


def inputs(found: Inputs) -> list[tuple[str, str, Table]]:
    """Chinese and English heading and table of each sort of input that differs."""
    facts = tuple(
        (f.table, f.row or "–", f.quantity, given(f.before), given(f.after), f.unit, ", ".join(f.also))
        for f in found.facts
    )
    case = tuple(
        (c.field, c.key or "–", c.hours or "–", given(c.before), given(c.after), signed(c.least), signed(c.most))
        for c in found.case
    )
    fact_heads = ("table", "row", "quantity", "before", "after", "unit", "also differ")
    case_heads = ("quantity", "key", "hours", "before", "after", "least step", "largest step")
    every = (
        ("情景参数", "Scenario keys", _changes("key", found.keys)),
        ("事实数据", "Facts", Table(fact_heads, facts, frozenset({3, 4}))),
        ("模型输入", "What the optimizer saw", Table(case_heads, case, frozenset({3, 4, 5, 6}))),
        ("软件版本", "Versions", _changes("package", found.versions)),
        ("求解选项", "Options", _changes("option", found.options)),
    )
    return [(zh, en, table) for zh, en, table in every if table.rows]


def plan(changes: Sequence[Change]) -> Table | None:
    """Status and size of the two programmes, and their greedy plans; None where they agree."""
    return _changes("quantity", changes) if changes else None


def costs(found: Costs) -> Table | None:
    """Items and total; None if nothing differs."""
    items = [(bilingual(item.place), *_steps(item)) for item in found.items]
    total = [("合计 total", *_steps(found.total))] if found.total else []
    return Table(("item, kCNY", *STEPS), (*items, *total), frozenset(range(1, 6))) if items or total else None


def remainder(found: Costs) -> str:
    """The reconciliation of items with the total, exactly."""
    return exact(found.remainder_kcny)


def section(part: Section) -> Table:
    """All amounts of a section."""
    rows = tuple((one.place, f"{one.quantity}, {one.unit}", *_steps(one)) for one in part.amounts)
    return Table(("place", "quantity", *STEPS), rows, frozenset(range(2, 7)))


def rows(changes: Sequence[TableChange]) -> Table | None:
    """Tables whose rows differ."""
    cells = tuple(
        (c.table, *(_count(n) for n in (c.rows_before, c.rows_after, c.only_before, c.only_after))) for c in changes
    )
    heads = ("table", "rows before", "rows after", "only before", "only after")
    return Table(heads, cells, frozenset(range(1, 5))) if cells else None


def _count(rows: int | None) -> str:
    return "no such table" if rows is None else f"{rows:,}"


def _changes(name: str, changes: Sequence[Change]) -> Table:
    return Table((name, "before", "after"), tuple((c.name, given(c.before), given(c.after)) for c in changes))


def _steps(one: Amount) -> Cells:
    return (
        figure(one.before),
        figure(one.after),
        *(signed(value) for value in (one.difference, one.low, one.high)),
        verdict_words(one),
    )
