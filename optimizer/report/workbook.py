"""The workbook of a run: every table a sheet, the first page's numbers, and one sheet on which all totals reconcile."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pandas as pd

from hubs.errors import Fault, InputError, UnitMismatch
from hubs.units import unit_of
from optimizer.report.augmented import table_names
from optimizer.report.cards import kept
from optimizer.report.headline import Number, headline
from optimizer.report.reconciliation import reconciliation
from optimizer.report.resources import ledger_table, party_table, site_totals
from optimizer.report.sheets import write_sheets
from optimizer.report.steps import by_day, steps_of
from optimizer.report.words import chinese
from optimizer.runs.store import Run

ORDER = (
    "ledger", "sites_total", "load", "flows", "steering", "batch", "jobs", "fleet", "links", "green", "claims",
    "storage", "prices", "agreements", "transfers", "parties", "regional_accounts", "regional_carbon", "provinces",
    "expansion", "positions", "delivery", "indicators", "greedy_indicators", "sites", "nodes", "facts", "sources",
)  # fmt: skip
REPLACED = ("dispatch", "cost_items", "greedy_cost_items", "case")
"""Tables that other sheets hold with more beside them (`ledger`, `costs`), and the inputs, which are long."""
ROWS_MOST = 100_000
"""Longer tables make a workbook that office programmes open slowly or not at all: they are left to the run."""
COUNTS = {
    "hour": "h from the start",
    "day": "days from the start",
    "period": "steering periods from the start",
    "pods": "pods",
    "kcny": "kCNY",
    "mwh": "MWh",
    "value": "see unit",
    "low": "see unit",
    "high": "see unit",
    "against": "see unit",
    "difference": "see unit",
    "built": "see unit",
    "limit": "see unit",
    "wavelengths": "wavelengths",
}
"""Units of columns whose name does not end in one."""


def write_workbook(run: Run, path: Path) -> None:
    """Write the workbook whole: a reader sees the old file or the new one. InputError if it cannot be written."""
    draft = path.with_name(f".{os.getpid()}.{path.name}")
    made = datetime.fromisoformat(run.manifest["timing"]["finished"])
    try:
        write_sheets(draft, workbook_sheets(run), made)
        os.replace(draft, path)
    except OSError as error:
        found = f"the workbook cannot be written ({error.strerror or error})"
        rule, mend = "the folder exists and may be written to", "choose another --out"
        raise InputError([Fault(str(path), None, None, found, rule, mend)]) from None
    finally:
        draft.unlink(missing_ok=True)


def workbook_sheets(run: Run) -> dict[str, pd.DataFrame]:
    """Every sheet by name, in order: about, first_page, reconciliation, costs, the run's tables, columns.

    Of a horizon beyond 14 days hours become days. A table of more than ROWS_MOST rows is named in `about` instead.
    """
    first = {"first_page": _first_page(run), "reconciliation": reconciliation(run), "costs": _costs(run)}
    tables = _tables(run)
    long = {name: len(table) for name, table in tables.items() if len(table) > ROWS_MOST}
    sheets = first | {name: table for name, table in tables.items() if name not in long}
    about = _about(run, long)
    return {"about": about, **sheets, "columns": _columns(sheets)}


def _tables(run: Run) -> dict[str, pd.DataFrame]:
    ledger = ledger_table(run)
    found = {"ledger": ledger, "sites_total": site_totals(ledger), "parties": party_table(run)}
    stored = table_names(run)
    found |= {name: run.table(name) for name in stored if name not in REPLACED}
    if steps_of(run).is_daily:
        found = {name: by_day(table) if "hour" in table and len(table) else table for name, table in found.items()}
    order = [name for name in (*ORDER, *stored) if name in found]
    return {name: found[name] for name in dict.fromkeys(order)}


def _about(run: Run, long: dict[str, int]) -> pd.DataFrame:
    told = run.manifest
    rows = [(key, told[key]) for key in ("run", "scenario", "why", "status", "stop", "start", "hours", "seed")]
    rows += [("case_sha256", told["inputs"]["case_sha256"]), ("computegrid", told["versions"].get("computegrid", ""))]
    daily = "days (sums of amounts, means of rates): the horizon is longer than 14 days; the run's tables hold hours"
    rows.append(("time", daily if steps_of(run).is_daily else "hours, Beijing time"))
    rows.append(("units", "in the names of the columns and on the sheet 'columns'; kCNY is thousand CNY"))
    rows.append(("blank cells", "not known, or of no meaning there; never zero"))
    rows.append(("income_wholesale_kcny", "load x the wholesale price of the facts, an estimate: there is no market"))
    rows.append(
        ("transfer_kcny", "what the site's hub receives less what it returns, spread over the work it pays for")
    )
    rows += [
        (f"left out: {name}", f"{count:,} rows, too many for a workbook: tables/{name}.parquet of the run")
        for name, count in long.items()
    ]
    return pd.DataFrame(rows, columns=["item", "value"]).astype({"value": object})


def _first_page(run: Run) -> pd.DataFrame:
    rows = [
        (tile.zh, tile.en, number.name, _unit(number.name), number.value, _read(number))
        for tile in headline(run)
        for number in (tile.main, *tile.more)
    ]
    return pd.DataFrame(rows, columns=["zh", "en", "figure", "unit", "value", "as_shown"])


def _read(number: Number) -> str:
    return f"{number.label} {number.shown}".strip()


def _costs(run: Run) -> pd.DataFrame:
    items = run.table("cost_items").set_index("item")["cost_kcny"]
    rival = kept(run, "greedy_cost_items")
    greedy = None if rival is None else rival.set_index("item")["cost_kcny"]
    names = list(items.index) if greedy is None else list(dict.fromkeys([*items.index, *greedy.index]))
    table = pd.DataFrame({"item": names, "zh": [chinese(name) for name in names]})
    table["cost_kcny"] = items.reindex(names).to_numpy()
    table["share_frac"] = table["cost_kcny"] / (items.sum() or float("nan"))
    if greedy is not None:
        table["greedy_kcny"] = greedy.reindex(names).to_numpy()
        table["saved_kcny"] = table["greedy_kcny"] - table["cost_kcny"]
    return table.sort_values("cost_kcny", ascending=False, kind="stable", ignore_index=True)


def _columns(sheets: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """sheet, column, unit of every column of every sheet; blank for words."""
    rows = [
        (sheet, str(name), _unit(str(name)) if pd.api.types.is_numeric_dtype(table[name]) else "")
        for sheet, table in sheets.items()
        for name in table.columns
    ]
    return pd.DataFrame(rows, columns=["sheet", "column", "unit"])


def _unit(name: str) -> str:
    if name in COUNTS or name.startswith("pods_"):
        return COUNTS.get(name, "pods")
    try:
        return unit_of(name)
    except UnitMismatch:
        return "CNY" if name.endswith("_cny") else ""
