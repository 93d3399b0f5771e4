"""Mediation: the identity, R's published example, draws against refitting, and several mediators."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.econometrics.effects import absorb
from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.linear import ols
from optimizer.econometrics.mediation import bias_corrected, mediate, sobel
from optimizer.econometrics.moments import cluster_moments, draw_weights, identified, slopes
from tests.econometrics.conftest import Small, make_small


def test_jobs(reference: Path) -> None:
    """R's jobs data: paths with their errors, a b, direct and total effects, Sobel's z."""
    d = pd.read_csv(reference / "mediation_jobs.csv")
    text = (reference / "mediation_jobs_reference.txt").read_text()
    found = mediate(d.depress2, d.treat, d[["job_seek"]], d[["econ_hard", "sex", "age"]], draws=200)
    numbers = dict(re.findall(r"(\w+) (-?\d+\.\d+)", text.splitlines()[-2]))
    path = found.paths[0]
    assert path.indirect == pytest.approx(float(numbers["ab"]), rel=1e-9)
    assert found.direct == pytest.approx(float(numbers["ADE"]), rel=1e-7)
    assert found.total == pytest.approx(float(numbers["total"]), rel=1e-9)
    assert path.sobel_z == pytest.approx(float(text.splitlines()[-1].split()[-1]), rel=1e-8)
    printed = re.findall(r"^(treat|job_seek) +(-?[\d.]+) +([\d.]+)", text, flags=re.M)
    assert (path.a, path.a_se) == pytest.approx((float(printed[0][1]), float(printed[0][2])), rel=1e-9)
    assert (path.b, path.b_se) == pytest.approx((float(printed[2][1]), float(printed[2][2])), rel=1e-9)


def test_identity_with_two_mediators(small: Small) -> None:
    found = mediate(small.y, small.x[:, 0], small.x[:, 1:], None, clusters=small.city, effects=small.effects, draws=300)
    parts = sum(p.a * p.b for p in found.paths)
    assert found.total - found.direct == pytest.approx(parts, rel=1e-9)
    assert found.indirect == pytest.approx(parts, rel=1e-12)
    assert found.indirect_interval[0] < found.indirect < found.indirect_interval[1]
    assert sum(p.share_of_total for p in found.paths) == pytest.approx(parts / found.total)


def test_a_draw_is_refitting_on_drawn_cities(small: Small) -> None:
    """Cities drawn twice count as two, with city effects of their own and year effects estimated again."""
    columns = np.concatenate((small.y[None], small.x.T))
    moments = cluster_moments(columns, small.city, small.effects)
    weights = draw_weights(40, 5, seed=1)
    assert (weights.sum(axis=1) == 40).all()
    drawn = slopes(moments.weighted(weights), 0, [1, 2, 3])
    for b in range(5):
        rows, copies = [], []
        for city in range(40):
            for copy in range(int(weights[b, city])):
                here = np.flatnonzero(small.city == city)
                rows.append(here)
                copies.append(np.full(here.size, city * 100 + copy))
        index = np.concatenate(rows)
        again = ols(small.y[index], small.x[index], effects=absorb(np.concatenate(copies), small.year[index]))
        np.testing.assert_allclose(drawn[b], again.beta, rtol=1e-8)


def test_more_years_than_cities() -> None:
    """The city effect is demeaned first even when years outnumber cities."""
    p = make_small(0, cities=6, years=15)
    moments = cluster_moments(np.concatenate((p.y[None], p.x.T)), p.city, p.effects)
    full = slopes(moments.weighted(np.ones((1, 6))), 0, [1, 2, 3])[0]
    np.testing.assert_allclose(full, ols(p.y, p.x, effects=p.effects).beta, rtol=1e-9)


def test_province_year_effects_and_provinces_not_drawn() -> None:
    """Demeaned province-by-year dummies are dependent, and a draw may miss a province: neither disturbs the slopes."""
    p = make_small(2, cities=12, years=5)
    cells = p.city // 3 * 100 + p.year
    effects = absorb(p.city, cells)
    moments = cluster_moments(np.concatenate((p.y[None], p.x.T)), p.city, effects)
    weights = np.ones((2, 12))
    weights[1, :3] = 0.0  # the first province is not drawn
    found = slopes(moments.weighted(weights), 0, [1, 2, 3])
    np.testing.assert_allclose(found[0], ols(p.y, p.x, effects=effects).beta, rtol=1e-9)
    rest = p.city >= 3
    without = ols(p.y[rest], p.x[rest], effects=absorb(p.city[rest], cells[rest]))
    np.testing.assert_allclose(found[1], without.beta, rtol=1e-9)


def test_effects_that_add_nothing() -> None:
    p = make_small(4)
    columns = np.concatenate((p.y[None], p.x.T))
    groups = absorb(p.city, p.year, p.city // 10)
    plain = cluster_moments(columns, p.city, p.effects).weighted(np.ones((1, 40)))
    np.testing.assert_allclose(cluster_moments(columns, p.city, groups).weighted(np.ones((1, 40))), plain, rtol=1e-9)


def test_draws_that_identify_nothing_are_counted_not_used() -> None:
    p = make_small(5, cities=4, years=6)
    moments = cluster_moments(np.concatenate((p.y[None], p.x.T)), p.city, p.effects)
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [4.0, 0.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
    drawn = slopes(moments.weighted(weights), 0, [1, 2, 3])
    assert np.isfinite(drawn[[0, 2]]).all()
    assert np.isnan(drawn[1]).all()
    assert identified(drawn, "test").shape == (2, 3)
    with pytest.raises(DesignError, match="2 of 3 draws do not identify"):
        identified(drawn[[0, 1, 1]], "test")


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    p = make_small(3)
    moments = cluster_moments(np.concatenate((p.y[None], p.x.T)), p.city, p.effects)
    weights = draw_weights(40, 23, seed=0)
    whole = moments.weighted(weights)
    monkeypatch.setattr("optimizer.econometrics.moments.CHUNK_ENTRIES", 1_000)
    np.testing.assert_allclose(moments.weighted(weights), whole, rtol=1e-12)


def test_intervals_by_hand() -> None:
    drawn = np.linspace(0.0, 1.0, 10_001)
    low, high = bias_corrected(drawn, 0.5, 0.90)
    assert (low, high) == pytest.approx((0.05, 0.95), abs=1e-3)
    shifted = bias_corrected(drawn, 0.6, 0.90)  # more draws below the estimate: the interval moves up
    assert shifted[0] > low
    assert shifted[1] > high
    z, p = sobel(0.1607, 0.1607 / 1.81, 0.0494, 0.0494 / 1.98)
    assert (z, p) == pytest.approx((1.336, 0.182), abs=1e-3)


def test_rows_cannot_be_drawn_from_within_cities(small: Small) -> None:
    with pytest.raises(DesignError, match="drawn whole"):
        mediate(small.y, small.x[:, 0], small.x[:, 1], None, effects=small.effects)
