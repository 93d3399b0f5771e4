"""The seven tables from a file: complete, unrounded in CSV, well-formed in HTML and LaTeX, honest on absent columns."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.linear import ols
from optimizer.econometrics.panel import CONTROLS, check_panel
from optimizer.econometrics.results import Settings
from optimizer.econometrics.studies import Study, fit_checked, fit_panel
from optimizer.econometrics.synthetic import make_panel
from optimizer.econometrics.tablecells import interval_text, p_text, stars

QUICK = Settings(threshold_draws=19, candidates=100, wild_draws=199, mediation_draws=199, permutations=19)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    data, _ = make_panel(1).write(tmp_path_factory.mktemp("panel"))
    return fit_panel(data, QUICK)


def test_seven_tables_and_the_spatial_one(study: Study) -> None:
    assert [t.key for t in study.tables] == [f"table{i}" for i in range(1, 9)]
    assert all(not t.display.empty and not t.values.empty and t.notes for t in study.tables)
    assert {"coefficients", "first_stage", "impacts"} < set(study.figures)
    assert any(name.startswith("threshold_AI") for name in study.figures)


def test_values_are_those_of_the_estimators(study: Study) -> None:
    panel = study.results.panel
    names = ("AI", *CONTROLS)
    fit = ols(panel.column("Inn"), panel.matrix(names), effects=panel.effects, covariance=cluster(panel.labels("city")))
    tidy = study.table("table2").values.set_index(["column", "term", "statistic"])["value"]
    assert tidy[("(6)", "AI", "b")] == float(fit.beta[0])
    assert tidy[("(6)", "AI", "se")] == float(fit.se[0])
    assert f"{fit.beta[0]:.4f}*** ({fit.t[0]:.2f})" == study.table("table2").display.loc["AI", "(6)"]


def test_what_is_left_out_is_listed(study: Study) -> None:
    left_out = study.table("table3").display["left out"]
    assert "48 singleton rows of Beijing, Chongqing, Shanghai, Tianjin" in set(left_out)
    assert study.table("table3").display.loc["city and province-by-year effects", "N"] == "3,204"


def test_the_truth_is_found(study: Study) -> None:
    """Thresholds of the published design, found in the panel that has them."""
    chosen = study.results.thresholds["AI"]
    assert chosen.selected == 2
    np.testing.assert_allclose(chosen.models[1].thresholds, (3.6636, 6.1821), atol=0.15)


def test_the_file_is_described(study: Study) -> None:
    notes = study.table("table1").notes
    assert notes[0] == "271 cities, 2011 to 2022, from synthetic_panel_1.csv."
    assert notes[1] == "Every column of the file is used."


class _Balanced(HTMLParser):
    """Counts open tags; an unbalanced page leaves some."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.cells += tag == "td"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_files(study: Study, tmp_path: Path) -> None:
    files = study.write(tmp_path)
    assert all(f.is_file() and f.stat().st_size > 0 for f in files)
    for table in study.tables:
        parser = _Balanced()
        parser.feed((tmp_path / f"{table.key}.html").read_text())
        assert parser.open == []
        assert parser.cells == table.display.size
        latex = (tmp_path / f"{table.key}.tex").read_text()
        body = [line for line in latex.splitlines() if line.endswith(r"\\")]
        assert len(body) == len(table.display) + 1
        assert all(line.replace(r"\&", "").count("&") == table.display.shape[1] for line in body)
        again = pd.read_csv(tmp_path / f"{table.key}.csv")
        numbers = table.values.select_dtypes("number").columns
        np.testing.assert_array_equal(again[numbers].to_numpy(float), table.values[numbers].to_numpy(float))
    page = (tmp_path / "study.html").read_text()
    assert all(table.title in page for table in study.tables)
    assert "<script src=" not in page  # offline


def test_absent_columns_are_said_not_skipped(tmp_path: Path) -> None:
    frame = make_panel(2, "plain").frame.drop(columns=["IV", "lat_deg", "lon_deg", "Va", "Ind", "Inn1", "Dat", "Dig"])
    frame.to_csv(tmp_path / "panel.csv", index=False)
    study = fit_panel(tmp_path / "panel.csv", QUICK)
    for key, column in (("table4", "IV"), ("table6", "Va or Ind"), ("table8", "lat_deg")):
        table = study.table(key)
        assert table.display.empty
        assert "Not made" in table.notes[0]
        assert column in table.notes[0]
    assert not (tmp_path / "out" / "table4.csv").exists()
    files = study.write(tmp_path / "out")
    assert (tmp_path / "out" / "table4.html") in files
    assert "first_stage" not in study.figures
    assert "impacts" not in study.figures


@pytest.mark.parametrize("cities", [8, 12, 30])
def test_small_panels_say_what_they_cannot_bear(cities: int) -> None:
    frame = make_panel(3, "plain").frame
    chosen = np.random.default_rng(cities).choice(sorted(frame["city"].unique()), cities, replace=False)
    study = fit_checked(check_panel(frame[frame["city"].isin(chosen)].reset_index(drop=True), "small.csv"), QUICK)
    if cities < 12:
        assert "west has 1 cities" in study.table("table7").notes[0]
        assert study.table("table7").display.empty
    table = study.table("table6")
    lost = study.results.mediation["Va"].draws_lost
    assert study.results.mediation["Va"].draws + lost == QUICK.mediation_draws
    assert not table.display.empty


def test_one_region_is_said() -> None:
    frame = make_panel(3, "plain").frame
    study = fit_checked(check_panel(frame[frame["region"] == "east"].reset_index(drop=True), "east.csv"), QUICK)
    assert "Not split by region: only east is present." in study.table("table7").notes


def test_cells() -> None:
    assert [stars(p) for p in (0.001, 0.03, 0.07, 0.2)] == ["***", "**", "*", ""]
    assert p_text(1e-9) == "<0.0001"
    assert p_text(0.0333) == "0.0333"
    assert interval_text((-np.inf, 1.0)) == "[-inf, 1.0000]"
    assert interval_text(None) == ""
