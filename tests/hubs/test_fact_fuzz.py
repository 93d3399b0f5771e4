"""Whatever stands in a cell, the loader answers with facts or with named faults, never with another error."""

from __future__ import annotations

import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs import DATA, InputError, load_facts
from hubs.schema import FILES

CELLS = {path.name: list(csv.reader(path.open(encoding="utf-8", newline=""))) for path in DATA.glob("*.csv")}
ODD = ("", " ", "nan", "inf", "-1", "1e400", "0", "Guian", "MW", "estimated", "all", "0-24", "3,4", '"', "\u0661")
TEXTS = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 10**6), st.integers(0, 20), TEXTS)
def test_any_text_in_any_cell(file: str, row: int, column: int, text: str) -> None:
    table = [list(cells) for cells in CELLS[file]]
    cells = table[row % len(table)]
    cells[column % len(cells)] = text
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        shutil.copytree(DATA, folder)
        with (folder / file).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(table)
        facts, faults = None, ()
        try:
            facts = load_facts(folder)
        except InputError as error:
            faults = error.faults
    if facts is None:
        assert faults
        assert all(fault.where.startswith(str(folder)) and fault.rule and fault.mend for fault in faults)
        return
    assert np.isfinite(facts.provenance["value"]).all()
    assert np.isfinite(facts.regions.select_dtypes("number").to_numpy()).all()
    assert np.isfinite(facts.clusters.select_dtypes("number").drop(columns="green_actual_frac").to_numpy()).all()


def test_every_shipped_file_is_read() -> None:
    assert set(CELLS) == set(FILES)
