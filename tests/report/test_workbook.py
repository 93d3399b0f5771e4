"""The workbook as an office programme reads it: tidy, exact, without a formula, and reconciled to zero."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.workbook import Workbook

from hubs import InputError
from optimizer.report import sheets, workbook
from optimizer.report.reconciliation import reconciliation
from optimizer.report.sheets import write_sheets
from optimizer.report.workbook import workbook_sheets, write_workbook
from optimizer.runs.store import Run
from tests.cases import full_case

SHEETS = (
    "about",
    "first_page",
    "reconciliation",
    "costs",
    "ledger",
    "sites_total",
    "load",
    "flows",
    "facts",
    "columns",
)


@pytest.fixture(scope="module")
def full_parts(solve_parts: Callable[..., Any]) -> Any:
    return solve_parts(full_case())


@pytest.fixture
def full(write: Callable[..., Run], full_parts: Any) -> Run:
    return write(other=full_parts)


def opened(run: Run, path: Path) -> Workbook:
    write_workbook(run, path)
    return openpyxl.load_workbook(path)


def test_every_table_is_a_sheet_with_a_frozen_header_and_no_formula(full: Run, tmp_path: Path) -> None:
    book = opened(full, tmp_path / "w.xlsx")
    assert set(SHEETS) <= set(book.sheetnames)
    assert book.sheetnames[0] == "about"
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        header = [cell.value for cell in sheet[1]]
        assert all(header), sheet.title
        assert len(set(header)) == len(header)
        kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
        assert kinds <= {"s", "n", "b"}, sheet.title
    assert {path.stem for path in (full.folder / "tables").glob("*.parquet")} <= {
        *book.sheetnames, "dispatch", "cost_items", "greedy_cost_items"
    }  # fmt: skip


def test_numbers_are_numbers_to_fifteen_digits(full: Run, tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    write_workbook(full, path)
    for name, table in workbook_sheets(full).items():
        if name == "about" or table.empty:
            continue
        read = pd.read_excel(path, sheet_name=name, keep_default_na=False, na_values=[""])
        for column in table.select_dtypes("number"):
            pd.testing.assert_series_equal(
                read[column].astype(float), table[column].astype(float), rtol=1e-15, atol=0.0, check_names=False
            )


def test_every_number_has_a_unit(full: Run) -> None:
    columns = workbook_sheets(full)["columns"]
    tables = workbook_sheets(full)
    for sheet, column, unit in columns.itertuples(index=False):
        if pd.api.types.is_numeric_dtype(tables[sheet][column]) and len(tables[sheet]):
            assert unit or tables[sheet][column].dtype == bool, f"{sheet}.{column}"


def test_reconciliation_sums_to_zero(full: Run, run: Run, tmp_path: Path) -> None:
    for one in (full, run):
        path = tmp_path / f"{one.folder.name}.xlsx"
        write_workbook(one, path)
        checks = pd.read_excel(path, sheet_name="reconciliation")
        assert checks["agrees"].all()
        assert abs(checks["difference"].sum()) <= 1e-9 * checks["value"].abs().max()
        assert (checks["difference"].abs() <= 1e-6 * checks["value"].abs().max()).all()
        cost = checks[(checks["account"] == "cost") & (checks["line"] == "sum of items")].iloc[0]
        assert cost["against"] == pytest.approx(one.manifest["objective_kcny"], rel=1e-15)
    accounts = set(checks["account"])
    assert accounts == {"cost", "green claims", "energy", "carbon, location-based", "carbon, market-based", "work"}
    assert set(reconciliation(full)["account"]) == accounts | {"transfers"}


CHANGED = {
    "cost_items": ("cost_kcny", "cost", 2),
    "transfers": ("kcny", "transfers", 2),
    "claims": ("mwh", "green claims", 2),
    "regional_carbon": ("location_tco2", "carbon, location-based", 1),
    "load": ("load_eflops", "work", 2),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_table_that_was_changed_does_not_reconcile(name: str, write: Callable[..., Run], full_parts: Any) -> None:
    column, account, least = CHANGED[name]
    table = full_parts[1][name].copy()
    row = table[column].astype(float).abs().idxmax()
    table.loc[row, column] = float(table.loc[row, column]) + 1.0
    checks = reconciliation(write(other=full_parts, **{name: table}))
    wrong = checks[~checks["agrees"]]
    assert set(wrong["account"]) == {account}
    assert len(wrong) >= least
    assert wrong["difference"].abs().max() == pytest.approx(1.0)


def test_energy_that_was_changed_does_not_reconcile(write: Callable[..., Run], full_parts: Any) -> None:
    dispatch = full_parts[1]["dispatch"].copy()
    dispatch.loc[0, "import_mw"] += 1.0
    checks = reconciliation(write(other=full_parts, dispatch=dispatch))
    assert set(checks.loc[~checks["agrees"], "account"]) == {"energy"}


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(run, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_first_page_is_that_of_the_report(run: Run) -> None:
    first = workbook_sheets(run)["first_page"].set_index("figure")
    assert first.loc["objective_kcny", "value"] == run.manifest["objective_kcny"]
    assert first.loc["gap_frac", "value"] == run.manifest["gap_frac"]
    assert first.loc["carbon_location_tco2", "unit"] == "tCO2"
    assert first.loc["gap_cny", "unit"] == "CNY"


def test_words_that_look_like_formulas_links_and_numbers_stay_words(tmp_path: Path) -> None:
    words = ["=1+1", "@sum", "https://a.b/c", "007", "{=x}", "中文", ""]
    table = pd.DataFrame({"word": words, "value": [1.5, float("nan"), float("inf"), -0.0, 1e300, 2, None]})
    write_sheets(tmp_path / "w.xlsx", {"t": table})
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["t"]
    read = [(row[0].value, row[1].value) for row in sheet.iter_rows(min_row=2)]
    assert [word or "" for word, _ in read] == words
    assert [value for _, value in read] == [1.5, None, "inf", 0, 1e300, 2, None]
    assert not any(cell.hyperlink or cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_more_rows_than_a_sheet_holds_are_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROWS_MAX", 3)
    with pytest.raises(InputError, match="a sheet holds 3 rows"):
        write_sheets(tmp_path / "w.xlsx", {"t": pd.DataFrame({"x": range(4)})})
    monkeypatch.setattr(workbook, "ROWS_MOST", 500)
    book = workbook_sheets(run)
    assert "facts" not in book
    left_out = book["about"].set_index("item")["value"]["left out: facts"]
    assert f"{len(run.table('facts')):,} rows" in left_out


def test_a_folder_that_is_not_there_is_an_input_error(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the workbook cannot be written"):
        write_workbook(run, tmp_path / "nowhere" / "w.xlsx")
    assert list(tmp_path.iterdir()) == []
