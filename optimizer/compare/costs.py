"""The step from one cost to another: the total with its proof, and the items it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from optimizer.compare.amounts import Amount, Side, amount, by_size
from optimizer.compare.decided import Verdict, verdict_of_parts


@dataclass(frozen=True)
class Costs:
    """Total and items that differ, in kCNY over the horizon, or per day."""

    total: Amount | None
    """None if neither the cost nor the bound differs."""
    bounds_kcny: tuple[float | None, float | None]
    items: tuple[Amount, ...]
    """The largest difference first."""
    remainder_kcny: float
    """What is left when the differences of the items are taken from that of the total: rounding."""

    @property
    def verdict(self) -> Verdict | None:
        """On the total; None if it does not differ."""
        return None if self.total is None else self.total.verdict


def costs(before: Side, after: Side, one_problem: bool) -> Costs:
    """Total and items of two runs, from their manifests; an item that a run does not have costs it nothing."""
    slack = (before.gap.kcny, after.gap.kcny)
    first, second = _total(before), _total(after)
    total = None
    if first != second:
        proof: Verdict = "undecided" if one_problem else "proved"
        total = amount(("total", "cost", "kCNY"), first[0], second[0], slack, proof, sparse=False)
    mine, theirs = _items(before), _items(after)
    larger = verdict_of_parts(None if total is None else total.verdict, one_problem)
    items = [
        amount((item, "cost", "kCNY"), mine.get(item), theirs.get(item), slack, larger, sparse=True)
        for item in mine.keys() | theirs.keys()
        if mine.get(item) != theirs.get(item)
    ]
    left = fsum([second[0], -first[0], *(-(item.difference or 0.0) for item in items)])
    return Costs(total, (first[1], second[1]), tuple(sorted(items, key=by_size)), left)


def _total(side: Side) -> tuple[float, float | None]:
    """Cost and bound."""
    cost, bound = (side.run.manifest[key] for key in ("objective_kcny", "bound_kcny"))
    return float(cost) * side.per, None if bound is None else float(bound) * side.per


def _items(side: Side) -> dict[str, float]:
    return {item: float(cost) * side.per for item, cost in side.run.manifest["cost_items"].items()}
