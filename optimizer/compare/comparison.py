"""The comparison of stored runs: the first is the reference, every other stands against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from hubs.errors import Fault, InputError
from optimizer.compare.amounts import Section, Side, section
from optimizer.compare.costs import Costs, costs
from optimizer.compare.decided import gap_of, verdict_of_parts
from optimizer.compare.inputs import Change, Inputs, inputs, one_problem
from optimizer.compare.measures import MEASURES
from optimizer.compare.rows import TableChange, table_changes
from optimizer.runs.store import Run

DAY_H = 24
SIZES = ("status", "stop", "hours", "columns", "rows", "nonzeros", "integers", "greedy_kcny", "greedy_note")
"""What the manifest says of a plan beside its cost; time and rounding errors of a solve are no results."""


@dataclass(frozen=True)
class Label:
    """Which run it is; nothing of this counts as a difference."""

    run: str
    folder: str
    scenario: str
    why: str
    hours: int
    objective_kcny: float
    bound_kcny: float | None


@dataclass(frozen=True)
class Pair:
    """A run against the reference: first what went in, then what came out."""

    before: Label
    after: Label
    per_day: bool
    """The horizons differ in length: amounts that grow with the horizon are per day."""
    one_problem: bool
    """Both runs ask the same; their plans may still differ."""
    inputs: Inputs
    plan: tuple[Change, ...]
    costs: Costs
    sections: tuple[Section, ...]
    tables: tuple[TableChange, ...]
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        results = self.plan or self.costs.total or self.costs.items or self.sections or self.tables
        return self.inputs.empty and not results


@dataclass(frozen=True)
class Comparison:
    """Runs and the pairs of the first with every other."""

    runs: tuple[Label, ...]
    pairs: tuple[Pair, ...]

    @property
    def empty(self) -> bool:
        """Whether all runs had the same inputs and came to the same plan."""
        return all(pair.empty for pair in self.pairs)


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare runs with the first of them. Raises InputError for fewer than two, and for runs that cannot be read."""
    if len(runs) < 2:
        found = f"{len(runs)} run{'' if len(runs) == 1 else 's'} given"
        raise InputError([Fault("RUN", None, None, found, "a comparison needs two runs or more", "name another run")])
    runs = [_Held(run.folder) for run in runs]
    names = {run.folder.name for run in runs}
    labels = [_label(run, short=len(names) == len({run.folder for run in runs})) for run in runs]
    pairs = (_pair(runs[0], run, labels[0], label) for run, label in zip(runs[1:], labels[1:], strict=True))
    return Comparison(tuple(labels), tuple(pairs))


class _Held(Run):
    """A run whose tables are read once, though several measures look at them."""

    @cached_property
    def held(self) -> dict[str, pd.DataFrame]:
        return {}

    def table(self, name: str) -> pd.DataFrame:
        if name not in self.held:
            self.held[name] = super().table(name)
        return self.held[name]


def _label(run: Run, short: bool) -> Label:
    """A run goes by the name of its folder, or by the whole path where names are not enough."""
    keys = ("scenario", "why", "hours", "objective_kcny", "bound_kcny", "inputs", "versions", "options", "cost_items")
    missing = [key for key in keys if key not in run.manifest]
    if missing:
        found, rule = f"the manifest lacks {', '.join(missing)}", "runs of scenarios can be compared"
        where = str(run.folder / "manifest.json")
        raise InputError([Fault(where, None, None, found, rule, "name a run that `computegrid solve` wrote")])
    folder = str(run.folder)
    return Label(run.folder.name if short else folder, folder, *(run.manifest[key] for key in keys[:5]))


def _pair(before: Run, after: Run, first: Label, second: Label) -> Pair:
    per_day = first.hours != second.hours
    per = [DAY_H / label.hours if per_day else 1.0 for label in (first, second)]
    sides = [Side(run, gap_of(run.manifest, p), p) for run, p in zip((before, after), per, strict=True)]
    same = one_problem(before, after)
    money = costs(sides[0], sides[1], same)
    larger = verdict_of_parts(money.verdict, same)
    found = (section(measure, sides[0], sides[1], larger) for measure in MEASURES)
    return Pair(
        first,
        second,
        per_day,
        same,
        inputs(before, after),
        _plan(before.manifest, after.manifest),
        money,
        tuple(part for part in found if part is not None),
        table_changes(before, after),
        _notes(first, second, per_day, same, money),
    )


def _plan(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    return tuple(Change(k, before.get(k), after.get(k)) for k in SIZES if before.get(k) != after.get(k))


def _notes(first: Label, second: Label, per_day: bool, same: bool, money: Costs) -> tuple[str, ...]:
    """What a reader must know before the figures."""
    notes = []
    if per_day:
        notes.append(
            f"The horizons differ ({first.hours} h and {second.hours} h): amounts that grow with the horizon are per "
            f"{DAY_H} h."
        )
    if same:
        notes.append("Both runs ask the same, so that the best plan is the same: no difference of plans is decided.")
    total = money.total
    if same and total is not None and ((total.low or 0.0) > 0 or (total.high or 0.0) < 0):
        notes.append("The proved intervals of one problem do not meet: one of the two runs is wrong.")
    return tuple(notes)
