"""A Markdown table as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Heads, a rule and rows; a bar inside a cell becomes a stroke."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    yield from (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
