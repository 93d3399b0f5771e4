"""Tables that a command writes: CSV or Parquet hold the first of them, a workbook holds all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hubs.errors import Fault, InputError
from optimizer.report.sheets import write_sheets

ENDINGS = (".csv", ".parquet", ".xlsx")


def require_file(file: Path | None, endings: tuple[str, ...] = ENDINGS) -> None:
    """Raises InputError, before any work is done, if tables could not be written to `file`."""
    if file is None:
        return
    if file.suffix not in endings:
        rule = f"the name ends in {', '.join(endings[:-1])} or {endings[-1]}"
        raise _fault(f"'{file}' is no file for tables", rule, "rename it")
    if not file.parent.is_dir():
        raise _fault(f"folder '{file.parent}' is missing", "the folder must exist", "create it")


def write(file: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """The first table as CSV or Parquet, or every table as a sheet; the file is there whole or as it was before."""
    draft = file.with_name(f".{file.name}.{os.getpid()}{file.suffix}")
    first = next(iter(tables.values()))
    try:
        if file.suffix == ".xlsx":
            write_sheets(draft, tables)
        elif file.suffix == ".parquet":
            first.to_parquet(draft, index=False)
        else:
            first.to_csv(draft, index=False)
        os.replace(draft, file)
    except OSError as error:
        found = f"'{file}' cannot be written ({error.strerror or error})"
        raise _fault(found, "the folder may be written to", "choose another --out") from None
    finally:
        draft.unlink(missing_ok=True)


def _fault(found: str, rule: str, mend: str) -> InputError:
    return InputError([Fault("--out", None, None, found, rule, mend)])
