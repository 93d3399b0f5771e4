"""Bad panels: every fault is found together, names its lines, and says what would mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.errors import EconometricsError, PanelError
from optimizer.econometrics.panel import check_panel, read_panel
from optimizer.econometrics.synthetic import make_panel

FRAME = make_panel(3, "plain").frame
SMALL = FRAME[FRAME["city"].isin(sorted(FRAME["city"].unique())[:12])].reset_index(drop=True)


def _with(column: str, row: int, value: str) -> pd.DataFrame:
    changed = [value if i == row else str(v) for i, v in enumerate(SMALL[column])]
    return SMALL.assign(**{column: changed})


def _five_values() -> pd.DataFrame:
    return SMALL.assign(Va=np.clip(np.round(SMALL["Va"]), 13, 17))


FAULTS: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "duplicate": (
        lambda: pd.concat([SMALL, SMALL.iloc[[30]]]),
        r"lines 32, 146.*appear more than once.*keep one of each",
    ),
    "gap": (lambda: SMALL.drop(index=[5, 40]), r"2 city-year\(s\) of 2 cities are absent.*leave those cities out"),
    "constant": (lambda: SMALL.assign(Gov=0.2), r"column Gov: is constant"),
    "collinear": (lambda: SMALL.assign(Gov=2 * SMALL["Eco"] - SMALL["Fis"]), r"Eco, Fis, Gov.*no variation is left"),
    "collinear given effects": (lambda: SMALL.assign(Gov=SMALL["year"] * 0.1), r"Gov.*no variation is left"),
    "one city": (lambda: SMALL[SMALL["city"] == SMALL["city"][0]], r"has 1 city; effects and clusters need at least 2"),
    "five values": (_five_values, r"column Va: takes 5 distinct values.*use the continuous measure"),
    "missing": (lambda: _with("AI", 8, ""), r"line 10: AI is missing in 1 row"),
    "nan": (lambda: _with("Eco", 3, "NaN"), r"line 5: Eco is missing"),
    "string": (lambda: _with("Inn", 0, "7,3"), r"line 2: Inn is not a number in 1 row\(s\) \('7,3'\)"),
    "infinite": (lambda: _with("Huc", 2, "inf"), r"line 4: Huc is infinite"),
    "year": (lambda: _with("year", 6, "2017.5"), r"line 8: year is not whole"),
    "region": (lambda: _with("region", 4, "North"), r"line 6: region is North"),
    "moving city": (lambda: _with("province", 4, "Atlantis"), r"province changes; a city has one province"),
    "blank city": (lambda: _with("city", 4, " "), r"line 6: city is blank"),
    "renamed column": (lambda: SMALL.rename(columns={"Inn": "inn"}), r"'Inn' is missing.*rename 'inn' to 'Inn'"),
    "absent column": (lambda: SMALL.drop(columns="Fis"), r"'Fis' is missing.*add a column 'Fis'|rename"),
    "no rows": (lambda: SMALL.iloc[:0], r"has no rows"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_fault_is_named_with_its_mend(fault: str, tmp_path: Path) -> None:
    make, pattern = FAULTS[fault]
    path = tmp_path / "panel.csv"
    make().to_csv(path, index=False)
    with pytest.raises(PanelError, match=pattern) as caught:
        read_panel(path)
    assert all(f.mend and f.rule and f.where.startswith("panel.csv") for f in caught.value.faults)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    frame = SMALL.astype({"AI": object, "Eco": object, "region": object})
    frame.loc[1, "AI"], frame.loc[2, "Eco"], frame.loc[3, "region"] = "x", "inf", "moon"
    frame.to_csv(tmp_path / "panel.csv", index=False)
    with pytest.raises(PanelError) as caught:
        read_panel(tmp_path / "panel.csv")
    assert len(caught.value.faults) == 3
    assert isinstance(caught.value, EconometricsError)


def test_a_sound_panel_is_read_whole(tmp_path: Path) -> None:
    shuffled = SMALL.sample(frac=1.0, random_state=0).assign(note="x")
    shuffled.to_csv(tmp_path / "panel.csv", index=False)
    panel = read_panel(tmp_path / "panel.csv")
    assert len(panel.frame) == len(SMALL)
    assert panel.cities == 12
    assert panel.years == tuple(range(2011, 2023))
    assert panel.extra == ("note",)
    np.testing.assert_allclose(panel.column("Inn"), SMALL.sort_values(["city", "year"])["Inn"], rtol=1e-15)


def test_files_that_are_not_panels(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match="no such file"):
        read_panel(tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(PanelError, match="cannot be read"):
        read_panel(tmp_path / "empty.csv")


def test_a_column_twice() -> None:
    twice = pd.concat([SMALL, SMALL[["AI"]]], axis=1)
    with pytest.raises(PanelError, match="'AI' appears twice"):
        check_panel(twice, "panel.csv")
