"""Constraints and costs of a built model as algebra, one line of text a term.

Pyomo keeps one template for all rows of a constraint, with placeholders for indices and sums over sets left as they
are written. What is printed here is that template: the very expression that is compiled, not a copy of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyomo.environ as pyo
from pyomo.core.expr import numeric_expr, relational_expr, template_expr

from optimizer.docs.symbols import Letters, marked

WIDTH = 100
"""Longer statements have a line for every term."""


class Algebra:
    """Prints the expressions of one block; components of the same block go without its name."""

    def __init__(self, letters: Letters, block: str) -> None:
        self.letters, self.block = letters, block
        self.named: dict[int, str] = {}

    def statement(self, constraint: pyo.Constraint) -> str:
        """The relation that all rows of a constraint are made from; TypeError if it has no template."""
        expression, index = template_of(constraint)
        self._open(constraint, index)
        low, high = expression.args
        sign = "≤" if isinstance(expression, relational_expr.InequalityExpression) else "="
        short = f"{self._flat(low)} {sign} {self._flat(high)}"
        return short if len(short) <= WIDTH else f"{self._long(low)}\n  {sign} {self._long(high)}"

    def amount(self, expression: Any) -> str:
        """An expression without an index of its own."""
        self._open(None, ())
        short = self._flat(expression)
        return short if len(short) <= WIDTH else self._long(expression)

    def where(self, constraint: pyo.Constraint) -> str:
        """`c ∈ clusters, t ∈ hours`: what a constraint's index runs over."""
        parts = [*constraint.index_set().subsets()]
        groups = self.letters.along(part.name for part in parts)
        return ", ".join(f"{_tuple(group)} ∈ {self._name(part)}" for group, part in zip(groups, parts, strict=True))

    def _open(self, constraint: pyo.Constraint | None, index: tuple[Any, ...]) -> None:
        """Name the placeholders of the index of a constraint, in the order of its sets."""
        parts = constraint.index_set().subsets() if constraint is not None and index else ()
        letters = [letter for group in self.letters.along(part.name for part in parts) for letter in group]
        self.named = {id(template): letter for template, letter in zip(index, letters, strict=True)}

    def _call(self, group: Any) -> list[str]:
        """Name the placeholders of a sum; those of a set that is empty in every model by its first letter."""
        owner = group[0]._set
        named = owner.args[0] if isinstance(owner, template_expr.GetItemExpression) else owner
        letters = self.letters.of(named.name, self.named.values())
        for template in group:
            letter = letters.pop(0) if letters else named.local_name[:1]
            self.named[id(template)] = marked(letter, self.named.values())
        return [self.named[id(template)] for template in group]

    def _long(self, expression: Any) -> str:
        terms = [f"{sign} {text}" for sign, text in self._terms(expression)]
        return "\n    ".join(terms).removeprefix("+ ")

    def _flat(self, expression: Any) -> str:
        told = " ".join(f"{sign} {text}" for sign, text in self._terms(expression)).removeprefix("+ ")
        return f"-{told[2:]}" if told.startswith("- ") else told

    def _terms(self, expression: Any) -> Iterator[tuple[str, str]]:
        """The signed terms of a sum; of anything else, itself."""
        if isinstance(expression, numeric_expr.SumExpression):
            for inner in expression.args:
                yield from self._terms(inner)
        elif isinstance(expression, numeric_expr.NegationExpression):
            turned = {"+": "-", "-": "+"}
            inner = [*self._terms(expression.args[0])]
            yield from ((turned[sign], text) for sign, text in inner)
        else:
            text = self._factor(expression)
            yield ("-", text[1:]) if text.startswith("-") else ("+", text)

    def _factor(self, expression: Any) -> str:
        if isinstance(expression, numeric_expr.ProductExpression):
            return self._product(expression.args)
        if isinstance(expression, numeric_expr.DivisionExpression):
            over, under = map(self._inner, expression.args)
            return f"{over}/{under}"
        if isinstance(expression, template_expr.TemplateSumExpression):
            return self._sum(expression)
        if isinstance(expression, template_expr.GetItemExpression):
            owner, *places = expression.args
            return f"{self._name(owner)}[{','.join(self._flat(place) for place in places)}]"
        if isinstance(expression, int | float):
            return f"{expression:.6g}"
        return self.named.get(id(expression)) or self._name(expression)

    def _product(self, factors: Any) -> str:
        one, other = factors
        if isinstance(one, int | float) and one in (1, -1):
            return f"{'-' if one < 0 else ''}{self._inner(other)}"
        return f"{self._inner(one)}·{self._inner(other)}"

    def _inner(self, expression: Any) -> str:
        """A factor: a sum of several terms stands in brackets."""
        return f"({self._flat(expression)})" if len([*self._terms(expression)]) > 1 else self._flat(expression)

    def _sum(self, expression: Any) -> str:
        before = dict(self.named)
        over = []
        for group in expression.template_iters():
            members = self._name(group[0]._set)
            over.append(f"{_tuple(self._call(group))} ∈ {members}")
        text = self._inner(expression.template_args()[0])
        self.named = before
        return f"Σ[{', '.join(over)}] {text}"

    def _name(self, component: Any) -> str:
        """A component's name without that of its block, a list of members by what it is indexed with."""
        if isinstance(component, template_expr.GetItemExpression):
            return self._factor(component)
        return str(component.name).removeprefix(f"{self.block}.")


def _tuple(letters: list[str]) -> str:
    return letters[0] if len(letters) == 1 else f"({','.join(letters)})"


def template_of(constraint: pyo.Constraint) -> tuple[Any, tuple[Any, ...]]:
    """The one expression of all rows of a constraint, and the placeholders of its index.

    Raises TypeError for a constraint that was not built from a template: its rows have no common form.
    """
    data = next(iter(constraint._data.values()))
    if not hasattr(data, "template_expr"):
        raise TypeError(f"constraint '{constraint.name}' is no template: a rule sums over Sets and reads Params")
    expression, index = data.template_expr()
    return expression, tuple(index)
