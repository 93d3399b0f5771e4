"""What each rule of a conflict would have to give, alone, for the whole programme to be possible.

One rule is let go and everything else is kept; by how much the rule is broken is then the only cost. The relaxation
is asked first: where even that is impossible, the rule cannot help alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program
from optimizer.solve.conflict import Conflict, attempt
from optimizer.solve.engine import Clock
from optimizer.solve.naming import Rule
from optimizer.solve.rules import Rulebook

LEAST_S = 0.02
"""With less time than this for a rule it is not asked what it would have to give."""


@dataclass(frozen=True)
class Relief:
    """The least by which one rule alone has to give way for the whole programme to be possible.

    `amount` is in the rule's unit (for a whole number: how far from one), None if the rule cannot help alone;
    `settled` says that this is proved. An amount that is not settled is enough, but perhaps not the least; where
    none was found in time, no amount below `least` is enough.
    """

    rule: Rule
    amount: float | None
    settled: bool
    least: float = 0.0


def reliefs(book: Rulebook, conflict: Conflict, clock: Clock) -> Iterator[Relief]:
    """What each rule of a conflict would have to give, alone; the time that is left is shared among them."""
    for done, number in enumerate(conflict.ids.tolist()):
        share_s = clock.left_s / (conflict.ids.size - done)
        yield _relief(book, int(number), share_s)


def _relief(book: Rulebook, number: int, time_limit_s: float) -> Relief:
    rule, clock = book.rule(number), Clock(time_limit_s)
    if time_limit_s < LEAST_S:
        return Relief(rule, None, False)
    program = _elastic(book, number)
    relaxed = attempt(replace(program, integer=np.zeros(program.columns, dtype=bool)), clock.left_s)
    if relaxed.status == "infeasible":
        return Relief(rule, None, True)
    least = 0.0 if relaxed.x is None else program.value_kcny(relaxed.x)
    found = attempt(program, clock.left_s) if program.integer.any() else relaxed
    if found.x is not None:
        return Relief(rule, program.value_kcny(found.x), found.status == "optimal", least)
    return Relief(rule, None, found.status == "infeasible", least)


def _elastic(book: Rulebook, number: int) -> Program:
    """The program with one rule turned round: it is met or broken, and what is minimised is by how much.

    Turning it round keeps the relaxation bounded, and loses no point: an infeasible program has none that meets it.
    """
    p = book.program
    section, position = book.place(number)
    if section == 4:
        return _nearly_whole(p, position)
    at_least, of_row = section in (0, 2), section < 2
    lower, upper = (p.row_lower.copy(), p.row_upper.copy()) if of_row else (p.lower.copy(), p.upper.copy())
    bound = float((lower if at_least else upper)[position])
    # Bounds that cross stay crossed on the other side.
    if at_least:
        lower[position], upper[position] = -np.inf, min(bound, upper[position])
    else:
        lower[position], upper[position] = max(bound, lower[position]), np.inf
    sign = -1.0 if at_least else 1.0
    what = p.matrix[[position]] if of_row else sparse.csr_array(([1.0], ([0], [position])), shape=(1, p.columns))
    cost = sparse.csr_array(sign * what)
    elastic = replace(p, items=("broken",), item_cost=cost, item_offset=np.array([-sign * bound]))
    if of_row:
        return replace(elastic, row_lower=lower, row_upper=upper)
    return replace(elastic, lower=lower, upper=upper)


def _nearly_whole(p: Program, position: int) -> Program:
    """One column n becomes n + more - less, n whole; more + less is minimised and the bounds hold for the sum."""
    column = p.matrix[:, [position]]
    sums = sparse.csr_array(([1.0], ([0], [position])), shape=(1, p.columns))
    one = sparse.csr_array(np.ones((1, 1)))
    lower, upper = p.lower.copy(), p.upper.copy()
    lower[position], upper[position] = np.floor(lower[position]), np.ceil(upper[position])
    price = np.zeros((1, p.columns + 2))
    price[0, -2:] = 1.0
    return replace(
        p,
        items=("broken",),
        item_cost=sparse.csr_array(price),
        item_offset=np.zeros(1),
        matrix=sparse.csr_array(sparse.block_array([[p.matrix, column, -column], [sums, one, -one]])),
        row_lower=np.append(p.row_lower, p.lower[position]),
        row_upper=np.append(p.row_upper, p.upper[position]),
        lower=np.append(lower, [0.0, 0.0]),
        upper=np.append(upper, [0.5, 0.5]),
        integer=np.append(p.integer, [False, False]),
        row_keys=(*p.row_keys, ("sum", None)),
    )
