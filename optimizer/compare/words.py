"""A comparison in words: what went in first, then what came out; nothing at all if nothing differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from optimizer.compare.amounts import Amount, Section
from optimizer.compare.cases import CaseChange
from optimizer.compare.comparison import Comparison, Label, Pair
from optimizer.compare.costs import Costs
from optimizer.compare.decided import RULE
from optimizer.compare.inputs import Change, FactChange, Inputs
from optimizer.compare.rows import TableChange
from optimizer.report.words import english

SHOWN, SHOWN_RESULTS, SHOWN_KEYS = 10, 5, 3
"""So many lines of a list, of a section of results and of a field of the case are printed, the rest counted: the page
and JSON have all."""
UNDECIDED = "undecided: smaller than the gaps"


def text(comparison: Comparison) -> str:
    """The comparison as lines; '' if all runs are equal."""
    if comparison.empty:
        return ""
    parts = [pair_text(pair) for pair in comparison.pairs]
    return "\n\n".join([*parts, f"Rule: {RULE}"]) + "\n"


def pair_text(pair: Pair) -> str:
    """One run against the reference."""
    if pair.empty:
        return f"{pair.after.run} against {pair.before.run}: no difference"
    lines = [f"{pair.after.run} against {pair.before.run}", f"  {_said(pair.before)}", f"  {_said(pair.after)}"]
    lines += [f"  {note}" for note in pair.notes]
    lines += ["", "What went in", *_inputs(pair.inputs), "", "What came out", *_outcome(pair)]
    return "\n".join(lines)


def _said(label: Label) -> str:
    bound = "none" if label.bound_kcny is None else f"{label.bound_kcny:,.1f}"
    return f"{label.run}: {label.scenario}, {label.hours} h, {label.objective_kcny:,.1f} kCNY (bound {bound})"


def _inputs(found: Inputs) -> list[str]:
    if found.empty:
        return ["  no difference"]
    return [
        *_some("scenario", found.keys, change_words),
        *_some("fact", found.facts, fact_words),
        *_case(found.case),
        *_some("version", found.versions, change_words),
        *_some("option", found.options, change_words),
        *(f"  unnamed   {words}" for words in found.unnamed),
    ]


def _case(changes: Sequence[CaseChange]) -> list[str]:
    parts = (list(part) for _, part in groupby(changes, lambda change: change.field))
    return [line for part in parts for line in _some("case", part, case_words, SHOWN_KEYS)]


def _some(kind: str, found: Sequence[Any], words: Callable[[Any], str], most: int = SHOWN) -> list[str]:
    lines = [f"  {kind:<9} {words(one)}" for one in found[:most]]
    left = len(found) - len(lines)
    return [*lines, f"  {kind:<9} and {left:,} more"] if left else lines


def change_words(change: Change) -> str:
    return f"{change.name}: {given(change.before)} → {given(change.after)}"


def fact_words(change: FactChange) -> str:
    name = " ".join(part for part in (change.table, change.row, change.quantity) if part)
    also = f" (also {', '.join(change.also)})" if change.also else ""
    if change.before == change.after:
        return f"{name}: {', '.join(change.also)} of it"
    return f"{name}: {given(change.before)} → {given(change.after)} {change.unit}".rstrip() + also


def case_words(change: CaseChange) -> str:
    name = f"{change.field} {change.key}".strip()
    steps = f"{given(change.before)} → {given(change.after)}"
    return f"{name}: {steps}" if not change.hours else f"{name}, hours {change.hours}: {steps} (mean)"


def given(value: Any) -> str:
    """A value that was given, in full precision; a dash where it was not."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _outcome(pair: Pair) -> list[str]:
    lines = [*(f"  plan      {change_words(change)}" for change in pair.plan), *_costs(pair.costs)]
    for part in pair.sections:
        lines += _section(part, pair)
    if pair.tables:
        lines += ["", f"  Tables whose rows differ: {', '.join(map(table_words, pair.tables))}"]
    return lines or ["  no difference"]


def _costs(costs: Costs) -> list[str]:
    lines = [] if costs.total is None else [f"  total     {amount_words(costs.total)}"]
    lines += _some("item", costs.items, lambda item: f"{english(item.place)}: {amount_words(item)}")
    return [*lines, f"  left over {costs.remainder_kcny:.2g} kCNY: rounding"] if costs.items else lines


def _section(part: Section, pair: Pair) -> list[str]:
    head = f"{part.en}:"
    if part.alone:
        return ["", f"  {head} only {alone(part, pair)} has any; the other run has no such rows"]
    count = sum(amount.verdict != "undecided" for amount in part.amounts)
    lines = _some("", part.amounts, lambda one: f"{amount_name(one)}: {amount_words(one)}", SHOWN_RESULTS)
    return ["", f"  {head} {len(part.amounts):,} differ, {count:,} by more than the gaps", *lines]


def alone(part: Section, pair: Pair) -> str:
    """Name of the run that alone has the amounts of a section."""
    return (pair.before if part.alone == "before" else pair.after).run


def amount_name(one: Amount) -> str:
    return f"{one.place}, {one.quantity}"


def amount_words(one: Amount) -> str:
    """before → after, difference, interval and verdict."""
    unit = "" if one.unit == "1" else f" {one.unit}"
    steps = f"{figure(one.before)} → {figure(one.after)}{unit}"
    if one.difference is None:
        return f"{steps} ({one.verdict})"
    return f"{steps}, {signed(one.difference)} ({signed(one.low)} to {signed(one.high)}), {verdict_words(one)}"


def verdict_words(one: Amount) -> str:
    return UNDECIDED if one.verdict == "undecided" else one.verdict


def figure(value: float | None) -> str:
    """Six figures; a dash where there is none."""
    if value is None:
        return "–"
    return (f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}").replace("-", "−")


def signed(value: float | None) -> str:
    """With its sign, to four figures and at least one decimal."""
    if value is None:
        return "–"
    return (f"{value:+,.1f}" if abs(value) >= 1000 else f"{value:+.4g}").replace("-", "−")


def table_words(change: TableChange) -> str:
    """Name of a table, and which run has no such rows."""
    if not change.rows_before or not change.rows_after:
        return f"{change.table} ({_rows(change.rows_before)} → {_rows(change.rows_after)})"
    return change.table


def _rows(count: int | None) -> str:
    return "no such table" if count is None else "empty" if count == 0 else f"{count:,} rows"
