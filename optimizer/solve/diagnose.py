"""Why a programme has no plan, or no best one, in a planner's words.

`explain` names the rules that cannot hold together and, for each, the least by which it alone would have to
give way; or the cost item that falls for ever; or the numbers that no solver can work with. `binding` says what
the rules of a plan are worth, `doubts` what is numerically doubtful. Which sides of a programme are rules and
which are accounts is said in `rules.py`, how a conflict is found in `conflict.py`, what would mend it in `relief.py`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.conflict import accounts_of, attempt, find
from optimizer.solve.doubts import Runaway, doubts, faults, runaway
from optimizer.solve.engine import Clock, SolverError
from optimizer.solve.naming import Rule, quantity, split_doc
from optimizer.solve.relief import Relief, reliefs
from optimizer.solve.rules import Rulebook
from optimizer.solve.verify import TOLERANCE
from optimizer.solve.worth import binding

__all__ = ["Diagnosis", "Relief", "Rule", "Runaway", "binding", "doubts", "explain"]

Status = Literal["feasible", "infeasible", "unbounded", "faulty", "undecided"]
DIGITS = 4
"""Amounts are written with so many digits, rounded up: what is written is enough."""
NOT_SETTLED = "was not settled in time"
SHOWN = 20
"""So many rules, or groups of rules that differ in the hour only, get a sentence of their own."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a programme. `reliefs` holds the rules of the conflict, those that can help first."""

    status: Status
    reliefs: tuple[Relief, ...] = ()
    only_whole_numbers: bool = False
    """The conflict is there only because some quantities come in whole numbers."""
    irreducible: bool = True
    """It is proved that without any one of the rules the others can hold together."""
    together_with: tuple[str, ...] = ()
    """Accounts through which the rules meet: equalities that define one quantity by others."""
    runaway: Runaway | None = None
    doubts: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(relief.rule for relief in self.reliefs)

    def sentences(self) -> list[str]:
        """The diagnosis, a sentence each; amounts are rounded up to four digits."""
        told = {
            "feasible": ["A plan exists: nothing is in conflict."],
            "undecided": ["It was not settled within the time limit whether a plan exists."],
            "faulty": ["No solver can work with this programme."],
            "unbounded": [self.runaway.sentence] if self.runaway else [],
            "infeasible": self._conflict(),
        }[self.status]
        return [*told, *(f"Doubtful: {doubt}." for doubt in self.doubts)]

    def _conflict(self) -> list[str]:
        many = len(self.reliefs)
        head = "These rules cannot hold together" if many != 1 else "This rule cannot hold"
        if not many:
            head = "The accounts contradict each other; no rule is to blame"
        if self.only_whole_numbers:
            head += ", because some quantities come in whole numbers"
        told = [_told(group) for group in _grouped(self.reliefs)]
        lines = [f"{head}:" if many else f"{head}.", *told[:SHOWN]]
        if len(told) > SHOWN:
            lines.append(f"And {len(told) - SHOWN} more like these; all are in the list of rules.")
        if not self.irreducible:
            lines.append("Perhaps fewer rules would do: the time limit came first.")
        if many and all(relief.amount is None and relief.settled for relief in self.reliefs):
            lines.append("None of these mends it alone: other rules are in conflict too. Mend one and ask again.")
        if self.together_with:
            lines.append(f"They meet through: {'; '.join(self.together_with)}.")
        return lines


def explain(program: Program, time_limit_s: float) -> Diagnosis:
    """Why a program has no plan: the rules in conflict, what each would have to give, or what falls for ever.

    Answers within about the time limit (a solve that is under way may overrun it a little); what was not settled
    by then is said to be so. Never raises a SolverError.
    """
    clock = Clock(time_limit_s)
    wrong = faults(program)
    if wrong:
        return Diagnosis("faulty", doubts=tuple(wrong))
    book, doubtful = Rulebook(program), tuple(doubts(program))
    everything = book.enforce(book.present)
    relaxed = attempt(_continuous(everything), clock.left_s)
    linear = relaxed.x is None
    found = relaxed if linear else attempt(everything, clock.left_s)
    if found.x is not None:
        return _endless(program, clock, doubtful)
    if found.status != "infeasible":
        return Diagnosis("undecided", doubts=doubtful)
    conflict = find(book, linear, Clock(clock.left_s / 2))
    accounts = accounts_of(book, conflict, Clock(clock.left_s / 4))
    given = sorted(reliefs(book, conflict, clock), key=lambda relief: (relief.amount is None, not relief.settled))
    return Diagnosis(
        status="infeasible",
        reliefs=tuple(given),
        only_whole_numbers=not linear,
        irreducible=conflict.proved,
        together_with=tuple(split_doc(program.units.get(name, ""), name)[1] for name in accounts),
        doubts=(*doubtful, *map(_hairline, (relief for relief in given if _is_hairline(relief)))),
    )


def _is_hairline(relief: Relief) -> bool:
    return relief.amount is not None and relief.amount <= TOLERANCE


def _hairline(relief: Relief) -> str:
    return f"{relief.rule.label} is broken by no more than a solver's tolerance; the conflict may be one of rounding"


def _endless(program: Program, clock: Clock, doubtful: tuple[str, ...]) -> Diagnosis:
    try:
        falls = runaway(program, clock.left_s)
    except SolverError:
        return Diagnosis("undecided", doubts=doubtful)
    return Diagnosis("unbounded" if falls else "feasible", runaway=falls, doubts=doubtful)


def _continuous(program: Program) -> Program:
    return replace(program, integer=np.zeros(program.columns, dtype=bool))


def _grouped(given: tuple[Relief, ...]) -> list[list[Relief]]:
    """Rules that say the same of successive hours and give way by the same amount, as one group."""

    def key(relief: Relief) -> tuple[object, ...]:
        rule = relief.rule
        amount = None if relief.amount is None else enough(relief.amount)
        return rule.words, rule.name, re.sub(r"\d+$", "", rule.place), amount, relief.settled

    return [list(group) for _, group in groupby(given, key)]


def _told(group: list[Relief]) -> str:
    """One sentence on rules that differ in their last number only."""
    first = group[0]
    rule, place = first.rule, first.rule.place
    if len(group) > 1:
        before = re.sub(r" ?\d+$", "", place)
        numbers = [re.sub(r"^.*\D", "", relief.rule.place) for relief in group]
        place = (
            f"{before}s {', '.join(numbers)}, each" if before[-1:].isalpha() else f"{before} {', '.join(numbers)}, each"
        )
    at = f" – for {place} –" if place else ""
    return f"{rule.words}{at} {_way(first)}."


def _way(relief: Relief) -> str:
    """What a rule would have to give."""
    whole = relief.rule.side == "whole"

    def gives(amount: float) -> str:
        written = quantity(enough(amount), relief.rule.unit)
        return f"would have to be {written} off a whole number" if whole else f"would have to give way by {written}"

    if relief.amount is not None:
        return gives(relief.amount) + ("" if relief.settled else " or less")
    if relief.settled:
        return "cannot help alone"
    return f"{gives(relief.least)} or more, if it can help alone" if relief.least > TOLERANCE else NOT_SETTLED


def enough(amount: float) -> float:
    """A positive amount rounded up to four digits, so that it is enough; noise below 1e-9 of it is not rounded up."""
    if amount <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(amount)) + 1 - DIGITS)
    return math.ceil(amount / step - 1e-9) * step
