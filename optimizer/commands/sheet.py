"""A table that a command prints and keeps: Markdown for people, CSV and JSON with every digit for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hubs.errors import Fault, InputError

ENDINGS = (".md", ".csv")


def require_file(file: Path | None) -> None:
    """Raises InputError, before anything is solved, if a table could not be written to `file`."""
    if file is None:
        return
    if file.suffix not in ENDINGS:
        found, rule = f"'{file}' is no table file", "the name ends in .md or .csv"
        raise InputError([Fault("--out", None, None, found, rule, "rename it")])
    if not file.parent.is_dir():
        found = f"folder '{file.parent}' is missing"
        raise InputError([Fault("--out", None, None, found, "the folder must exist", "create it")])


def write(file: Path, frame: pd.DataFrame, page: str) -> None:
    """The frame as CSV or the page as Markdown, by the ending of the file."""
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    else:
        file.write_text(page, encoding="utf-8")


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are padded to one width, numbers to the right."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (heads, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(heads))]
    right = [all(_is_number(row[i]) for row in cells[1:]) for i in range(len(heads))]
    rule = [f"{'-' * (width - 1)}:" if to_right else "-" * width for width, to_right in zip(widths, right, strict=True)]
    lines = [
        [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        for row in cells
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [lines[0], rule, *lines[1:]])


def _is_number(cell: str) -> bool:
    return not cell.strip("+−-–.,% 0123456789")


def number(value: float, form: str) -> str:
    """A number in a format, or a dash where there is none."""
    return format(value, form) if math.isfinite(value) else "–"


def as_json(frame: pd.DataFrame) -> str:
    """A list of objects, one a row; what is no finite number becomes null."""
    finite = frame.astype(object).where(frame.notna() & ~frame.isin([math.inf, -math.inf]), None)
    return json.dumps(finite.to_dict("records"), ensure_ascii=False, allow_nan=False)
