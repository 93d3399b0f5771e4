"""What a gap leaves open: the one rule by which a difference is decided.

The cost of the best plan of a run lies between its bound and its cost: that is proved. So the difference of two best
costs lies in `[bound - cost of the other, cost - bound of the other]`, and its sign is proved if zero lies outside.

Nothing is proved of a part of a plan. The rule for parts carries the gap over: by how much could this part alone
change if the plan were improved by its whole gap? An item of cost by the gap in kCNY; an amount that is part of a whole
(a flow, the load of a site) by the gap's share of that whole; any other figure by that share of itself. What is larger
in both directions is `beyond the gaps`; what is not is `undecided`. If the totals are undecided, either plan may be as
good as the other, and a larger difference is only one `of these plans`: plans of equal cost may place work differently.
Two plans of one problem differ in nothing but how far their search went: every difference between them is undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

Verdict = Literal["proved", "beyond the gaps", "of these plans", "undecided", "in one run only"]

PRECISION = 1e-6
"""Items of a plan sum to its cost within this much, relative to it: no gap is read as smaller."""
RULE = (
    "The total is proved to differ if the intervals from bound to cost do not meet. A cost item is undecided if its "
    "difference is no larger than the gap, in kCNY, of the plan in which it is larger; any other amount, if its "
    "difference is no larger than the same share of the whole that it is part of there (an indicator: of itself). A "
    "larger difference is beyond the gaps; but where the total is undecided it is only one of these plans, for plans "
    "of equal cost may place work differently. Two plans of one problem decide nothing."
)


@dataclass(frozen=True)
class Gap:
    """How far a plan may be from the best one, in kCNY (over the horizon, or per day) and as a share of its cost."""

    kcny: float
    frac: float


@dataclass(frozen=True)
class Interval:
    """A difference between two plans, and the bounds between which the gaps leave it."""

    difference: float
    low: float
    high: float
    verdict: Verdict


def gap_of(manifest: dict[str, Any], per: float) -> Gap:
    """The proved gap of a run, multiplied by `per`; infinite where no bound was proved."""
    cost, bound = manifest["objective_kcny"], manifest["bound_kcny"]
    if bound is None:
        return Gap(inf, inf)
    kcny = max(float(cost) - float(bound), PRECISION * max(1.0, abs(float(cost))))
    return Gap(kcny * per, kcny / abs(float(cost)) if cost else inf)


def interval(before: float, after: float, slack: tuple[float, float], larger: Verdict) -> Interval:
    """The difference of two values that may each lie lower by its `slack`; `larger` if the intervals do not meet."""
    difference = after - before
    low, high = difference - slack[1], difference + slack[0]
    apart = isfinite(difference) and (low > 0 or high < 0)
    return Interval(difference, low, high, larger if apart else "undecided")


def verdict_of_parts(total: Verdict | None, one_problem: bool) -> Verdict:
    """What a part is called that differs by more than the gaps, given the verdict on the total (None: the same)."""
    if one_problem:
        return "undecided"
    return "beyond the gaps" if total == "proved" else "of these plans"
