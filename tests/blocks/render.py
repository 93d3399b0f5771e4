"""A compiled programme as text to be read against the model page: a section per constraint, cost and variable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from optimizer.solve.compile import Program, label


def owner(name: str) -> str:
    """The golden file of a constraint or variable: its block, or `ledgers` for a balance."""
    block, dot, _ = name.partition(".")
    return block if dot else "ledgers"


def render(program: Program, title: str, costs: Iterable[str], constraints: Iterable[str], names: Iterable[str]) -> str:
    """Cost items, constraints and bounds of one golden file."""
    lines = [f"\\ {title}", ""]
    for item in costs:
        lines += [f"cost {item}", *_cost(program, item), ""]
    for constraint in constraints:
        lines += [f"constraint {constraint}    {program.units[constraint]}", *_rows(program, constraint), ""]
    for name in names:
        lines += [f"variable {name}    {program.units[name]}", *_bounds(program, name), ""]
    return "\n".join(lines)


def number(value: float) -> str:
    return f"{value:.8g}"


def _cost(program: Program, item: str) -> Iterator[str]:
    at = program.items.index(item)
    yield f"  {_sum(program, program.item_cost[[at]].tocsr())}"
    if program.item_offset[at]:
        yield f"  {program.item_offset[at]:+.8g}"


def _rows(program: Program, constraint: str) -> Iterator[str]:
    for row, (name, member) in enumerate(program.row_keys):
        if name == constraint:
            body = _sum(program, program.matrix[[row]].tocsr())
            yield f"  {label('', member) or 'all'}: {body} {_side(program, row)}"


def _sum(program: Program, row: object) -> str:
    order = np.argsort(row.indices)  # type: ignore[attr-defined]
    columns, values = row.indices[order].tolist(), row.data[order].tolist()  # type: ignore[attr-defined]
    names = program.column_names
    return " ".join(f"{value:+.8g} {names[column]}" for column, value in zip(columns, values, strict=True))


def _side(program: Program, row: int) -> str:
    low, high = float(program.row_lower[row]), float(program.row_upper[row])
    if low == high:
        return f"== {number(low)}"
    return f"<= {number(high)}" if low == -np.inf else f">= {number(low)}"


def _bounds(program: Program, name: str) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for member, column in zip(program.index[name], program.variables[name].tolist(), strict=True):
        groups.setdefault(_bound(program, column), []).append(label("", member) or "all")
    for bound, members in groups.items():
        yield f"  {bound}: {' '.join(members)}"


def _bound(program: Program, column: int) -> str:
    if column < 0:
        return "stands nowhere"
    low, high = float(program.lower[column]), float(program.upper[column])
    kind = "integer" if program.integer[column] else "real"
    return f"{kind}, {number(low)} to {number(high)}"
