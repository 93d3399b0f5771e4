"""Tables as an office workbook: one a sheet, a frozen row of headers, numbers as numbers, no formula and no link.

A name that begins with `=` stays a name, what is not known stays blank, and the same tables give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter  # type: ignore[import-untyped]

from hubs.errors import Fault, InputError

ROWS_MAX = 1_048_575
"""Rows under the header that a sheet can hold."""
LONGEST_TEXT = 32_767
WIDTHS = (8, 48)
"""Columns are as wide as their content, within these."""
MEASURED = 200
"""So many rows are looked at for the width."""
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
NUMBERS = (float, int)
UNDATED = datetime(2000, 1, 1)


def write_sheets(path: Path, tables: Mapping[str, pd.DataFrame], made: datetime = UNDATED) -> None:
    """Write every table, by the name of its sheet, to an .xlsx file; `made` is the date it states.

    InputError for a table with more rows than a sheet holds; OSError if the file cannot be written.
    """
    long = [(name, len(table)) for name, table in tables.items() if len(table) > ROWS_MAX]
    if long:
        rule = f"a sheet holds {ROWS_MAX:,} rows"
        faults = [Fault(str(path), None, name, f"{rows:,} rows", rule, "write .parquet or .csv") for name, rows in long]
        raise InputError(faults)
    try:
        with xlsxwriter.Workbook(str(path), OPTIONS) as book:
            book.set_properties({"created": made.replace(tzinfo=None), "title": "computegrid"})
            head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
            for name, table in tables.items():
                _sheet(book.add_worksheet(name), table, head)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from None


def _sheet(sheet: Any, table: pd.DataFrame, head: Any) -> None:
    for column, name in enumerate(table.columns):
        cells = table[name].tolist()
        sheet.write_string(0, column, str(name), head)
        for row, cell in enumerate(cells, start=1):
            _cell(sheet, row, column, cell)
        longest = max((len(_shown(cell)) for cell in cells[:MEASURED]), default=0)
        sheet.set_column(column, column, min(max(longest + 1, len(str(name)) + 3, WIDTHS[0]), WIDTHS[1]))
    sheet.freeze_panes(1, 0)
    if len(table) and len(table.columns):
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _cell(sheet: Any, row: int, column: int, cell: Any) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, NUMBERS):
        if isfinite(cell):
            sheet.write_number(row, column, cell)
        elif cell == cell:  # infinite: no number that a sheet knows
            sheet.write_string(row, column, str(cell))
    elif cell is not None and cell is not pd.NA and cell is not pd.NaT:
        sheet.write_string(row, column, str(cell)[:LONGEST_TEXT])


def _shown(cell: Any) -> str:
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
