"""Ledgers: every block posts what it adds or draws; each balance is closed once.

A posting is a *rule* of the ledger's index, `rule(model, *index) -> expression`, never a ready-made
expression: Pyomo then keeps one template for the whole constraint instead of one expression per row,
which halves the time to build and compile. A rule therefore sums over Pyomo Sets and reads Pyomo
Params; `if` and plain dictionaries have no place in it. Factors go inside the sum: a number that
multiplies a whole templated sum is lost by Pyomo 6.10 (a test compiles with and without templates).

Postings are signed: what is supplied is positive, what is drawn is negative. `close` turns the sum
into one constraint, whose dual is the price of what the ledger counts; a ledger that is only read
(`total`) stays an expression inside the constraints of its reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

Rule = Callable[..., Any]


@dataclass
class Ledger:
    """One balance over `index` (names of Sets of the model), counted in `unit`."""

    name: str
    unit: str
    index: tuple[str, ...]
    meaning: str
    postings: list[tuple[str, Rule]] = field(default_factory=list)

    def post(self, block: str, rule: Rule) -> None:
        self.postings.append((block, rule))

    def total(self, model: pyo.ConcreteModel, *index: Any) -> Any:
        """The sum of all postings at one index, as an expression."""
        return sum([rule(model, *index) for _, rule in self.postings])

    def close(self, model: pyo.ConcreteModel) -> None:
        """Add the constraint `<name>_balances`: what is supplied equals what is drawn."""
        if not self.postings:
            return
        sets = [model.component(name) for name in self.index]

        def balances(m: pyo.ConcreteModel, *index: Any) -> Any:
            return self.total(m, *index) == 0

        doc = f"[{self.unit}] {self.meaning}"
        model.add_component(f"{self.name}_balances", pyo.Constraint(*sets, rule=balances, doc=doc))


class Books:
    """All ledgers of one model, and the cost items whose sum is minimised."""

    def __init__(self) -> None:
        site_hour, pair_period = ("sites", "hours"), ("remote_pairs", "periods")
        self.compute = Ledger(
            "compute", "EFLOPS", site_hour, "load carried by machines equals work sent to the site and hour"
        )
        self.it_power = Ledger("it_power", "MW", site_hour, "power drawn by machines (read by facility)")
        self.power = Ledger("power", "MW", site_hour, "power supplied at a site equals power drawn there")
        self.pinned_gbps = Ledger(
            "pinned", "Gbit/s", pair_period, "latency-bound traffic, at the period's busiest hour (read by network)"
        )
        self.movable_gbps = Ledger(
            "movable", "Gbit/s", pair_period, "traffic that may take any route, mean of the period (read by network)"
        )
        self.pinned_tb = Ledger(
            "pinned_volume", "TB", ("clusters", "periods"), "data that latency-bound traffic moves into a cluster"
        )
        self.hosted = Ledger(
            "hosted", "EFLOPS·h", ("pairs", "days"), "work of a region sent to a site in a day (read by hosting)"
        )
        self.pods = Ledger(
            "pods", "pods", ("clusters", "generations"), "pods built beyond those installed (read by fleet)"
        )
        self.link_gbps = Ledger("link", "Gbit/s", ("links",), "capacity built beyond what is lit (read by network)")
        self.conveyed = Ledger("conveyed", "MWh", ("clusters",), "green claims that travel to buyers (read by green)")
        self.green = Ledger("green", "MWh", ("clusters",), "green energy claimed by a cluster over the horizon")
        self.costs: dict[str, list[Rule]] = {}

    def charge(self, item: str, rule: Rule) -> None:
        """Post a cost in kCNY under a line of the report; `rule(model) -> expression`."""
        self.costs.setdefault(item, []).append(rule)

    def close(self, model: pyo.ConcreteModel) -> None:
        """Close the balances and declare one objective per cost item; the programme minimises their sum."""
        for ledger in (self.compute, self.power):
            ledger.close(model)
        model.cost = pyo.Block(doc="cost items; the programme minimises their sum")
        for item, rules in self.costs.items():
            doc = f"[kCNY] {item.replace('_', ' ')}"
            model.cost.add_component(item, pyo.Objective(rule=_sum_of(model, rules), doc=doc))


def _sum_of(model: pyo.ConcreteModel, rules: list[Rule]) -> Rule:
    return lambda _: sum([rule(model) for rule in rules])
