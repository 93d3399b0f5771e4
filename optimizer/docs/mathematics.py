"""docs/mathematics.md: what every block states, and every variable, constraint and cost of the model built from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyomo.environ as pyo

from optimizer.blocks import BLOCKS, build_model
from optimizer.blocks.ledger import Ledger
from optimizer.docs.algebra import Algebra
from optimizer.docs.markdown import table
from optimizer.docs.symbols import MARK, MEANINGS, Letters
from optimizer.solve.naming import split_doc
from scenarios.build import build_case
from scenarios.library import load

HEAD = """# The mathematics

This page is printed by `python -m optimizer.docs` from the docstrings of `optimizer/blocks` and from the built model; a
test prints it again and compares, so it cannot lag. The algebra is the expression that is compiled. The case is the
scenario `{name}` with capital counted in the west; what only an open horizon, or a window of a longer one, shows is
marked so. Bare numbers are that case's figures. Every constraint with its coefficients, on two sites and four hours,
stands in `tests/blocks/golden/`.

The programme minimises the sum of all cost items, in kCNY, subject to all constraints. A block that is absent leaves
out its variables, constraints, postings and costs, and nothing else changes.
"""
HEADS = ("Reads", "Posts", "Omits", "Source")


SCENARIO, CHANGES = "everything", ("fleet.capital_counted=west",)


@dataclass(frozen=True)
class Built:
    """A model of one case; `remark` marks what only it has."""

    model: pyo.ConcreteModel
    letters: Letters
    remark: str


def built() -> tuple[Built, ...]:
    """A case with every block at work: on a cyclic horizon, on an open one, and as a window of a longer one."""
    case = build_case(load(SCENARIO, CHANGES))
    horizons = {
        "": case.horizon,
        " (open horizon)": replace(case.horizon, cyclic=False),
        " (window of a longer horizon)": replace(case.horizon, cyclic=False, before_h=24, after_h=24),
    }
    # In a window some jobs may start after it: they are due a day later here.
    waiting = replace(case, jobs=tuple(replace(job, deadline_h=job.deadline_h + 24) for job in case.jobs))
    models = {
        remark: build_model(replace(waiting if horizon.after_h else case, horizon=horizon))
        for remark, horizon in horizons.items()
    }
    letters = Letters(case, [*models.values()])
    return tuple(Built(model, letters, remark) for remark, model in models.items())


def page(models: tuple[Built, ...]) -> str:
    """The whole page, Markdown; the first model shows what several have."""
    first = models[0]
    return "\n".join(
        [
            HEAD.format(name=SCENARIO),
            *_symbols(),
            *_ledgers(first),
            *(line for name in BLOCKS for line in _block(name, models)),
        ]
    )


def _symbols() -> Iterator[str]:
    yield "## Symbols\n"
    yield from table(("letter", "stands for"), MEANINGS.items())
    yield f"\nA marked letter (t{MARK}) is another one of its kind. Units stand at the end of every name.\n"


def _ledgers(first: Built) -> Iterator[str]:
    yield "## Ledgers\n"
    yield "Blocks post what they add or draw: what is supplied is positive, what is drawn negative.\n"
    heads = ("ledger", "over", "unit", "counts", "posted by")
    rows = [
        (one.name, ", ".join(one.index), one.unit, one.meaning, ", ".join(dict.fromkeys(b for b, _ in one.postings)))
        for one in vars(first.model.books).values()
        if isinstance(one, Ledger)
    ]
    yield from table(heads, rows)
    yield "\nThose with a constraint here are balances; their duals are prices. The others are read by a block.\n"
    for constraint in first.model.component_objects(pyo.Constraint, descend_into=False):
        yield from _constraint(constraint, first, "", "")


def _block(name: str, models: tuple[Built, ...]) -> Iterator[str]:
    title, text, heads = told(BLOCKS[name].__doc__ or "")
    yield f"## {name}\n"
    yield f"**{title}**\n"
    if text:
        yield f"{text}\n"
    for head, words in heads.items():
        yield f"- *{head}*: {words}"
    yield ""
    yield from _variables(name, models)
    seen: set[str] = set()
    for one in models:
        for constraint in _own(one.model, name, pyo.Constraint):
            if constraint.name not in seen and len(constraint):
                seen.add(constraint.name)
                yield from _constraint(constraint, one, name, one.remark)
    yield from _costs(name, models[0])


def told(docstring: str) -> tuple[str, str, dict[str, str]]:
    """Title, text and what stands under Reads, Posts, Omits and Source of a block's docstring."""
    title, _, rest = docstring.strip().partition("\n")
    parts = re.split(rf"^({'|'.join(HEADS)})  +", rest, flags=re.MULTILINE)
    words = {head: re.sub(r"\s+", " ", text).strip() for head, text in zip(parts[1::2], parts[2::2], strict=True)}
    return title, parts[0].strip(), words


def _own(model: pyo.ConcreteModel, block: str, kind: Any) -> list[Any]:
    part = model.component(block)
    return [] if part is None else [*part.component_objects(kind)]


def _variables(name: str, models: tuple[Built, ...]) -> Iterator[str]:
    rows: dict[str, tuple[str, ...]] = {}
    for one in models:
        for variable in _own(one.model, name, pyo.Var):
            if len(variable) and variable.local_name not in rows:
                unit, sentence = split_doc(variable.doc or "", variable.name)
                shown = f"`{variable.local_name}{_index(variable, one.letters)}`"
                rows[variable.local_name] = (shown, _kind(variable), unit, sentence + one.remark)
    if rows:
        yield from table(("variable", "is", "unit", "meaning"), rows.values())
        yield ""


def _index(variable: pyo.Var, letters: Letters) -> str:
    """`[c,g,t]`, the letters of a variable's index."""
    if not variable.is_indexed():
        return ""
    groups = letters.along(part.name for part in variable.index_set().subsets())
    return f"[{','.join(letter for group in groups for letter in group)}]"


def _kind(variable: pyo.Var) -> str:
    data = list(variable.values())
    if all(one.is_binary() for one in data):
        return "0 or 1"
    whole = "whole, " if all(one.is_integer() for one in data) else ""
    tops = {one.ub for one in data}
    low = "≥ 0" if all(one.lb == 0 for one in data) else "any"
    return f"{whole}0 to 1" if tops == {1} and low == "≥ 0" else f"{whole}{low}" + ("" if None in tops else ", bounded")


def _constraint(constraint: pyo.Constraint, one: Built, block: str, remark: str) -> Iterator[str]:
    unit, sentence = split_doc(constraint.doc or "", constraint.name)
    algebra = Algebra(one.letters, block)
    where = f", for {algebra.where(constraint)}" if constraint.is_indexed() else ""
    yield f"`{constraint.local_name}` [{unit}]: {sentence}{where}.{remark}\n"
    yield f"```text\n{algebra.statement(constraint)}\n```\n"


def _costs(name: str, first: Built) -> Iterator[str]:
    """The cost items that a block charges, each as what this block adds to it."""
    for item, rules in first.model.books.costs.items():
        if any(rule.__module__ == BLOCKS[name].__name__ for rule in rules):
            objective = first.model.cost.component(item)
            data = next(iter(objective._data.values()))
            algebra = Algebra(first.letters, name)
            yield f"Cost `{item}` [kCNY]:\n\n```text\n{algebra.amount(data.template_expr()[0])}\n```\n"
