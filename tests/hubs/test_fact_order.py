"""The order of rows, and of the two ends of a link, means nothing."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hubs import DATA, Facts, load_facts

SHIPPED = load_facts()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_shuffled_rows_and_swapped_ends_give_equal_facts(seed: int) -> None:
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for path in DATA.glob("*.csv"):
            head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
            draw.shuffle(rows)
            if path.name == "links.csv":
                rows = [_swapped(row) if draw.random() < 0.5 else row for row in rows]
            (Path(folder) / path.name).write_text("".join([head, *rows]), encoding="utf-8")
        shuffled: Facts = load_facts(Path(folder))
    assert shuffled.equals(SHIPPED)


def _swapped(row: str) -> str:
    one, other, rest = row.split(",", 2)
    return f"{other},{one},{rest}"


def test_the_comparison_sees_a_single_changed_digit(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    path = tmp_path / "data" / "links.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(",1600,400,10000,") > 1
    path.write_text(text.replace(",1600,400,10000,", ",1601,400,10000,", 1), encoding="utf-8")
    assert not load_facts(tmp_path / "data").equals(SHIPPED)
