"""Figures show the numbers they are made from."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.econometrics.covariance import cluster
from optimizer.econometrics.instruments import tsls
from optimizer.econometrics.plots import coefficient_plot, first_stage_plot, impacts_plot, lr_curve
from optimizer.econometrics.spatial import Impact
from optimizer.econometrics.threshold import Options, threshold
from tests.econometrics.conftest import make_small


def test_ratio_curve_shades_every_piece_of_the_set() -> None:
    p = make_small(5)
    found = threshold(
        p.y, p.x[:, 0], p.x[:, 1], p.x[:, 2:], p.city, p.year, options=Options(most=1, draws=0, trim_frac=0.1)
    )
    profile = found.models[0].profiles[0]
    figure = lr_curve(profile, "q")
    np.testing.assert_array_equal(figure.data[0].y, profile.lr)
    shaded = [s for s in figure.layout.shapes if s.type == "rect"]
    assert [(s.x0, s.x1) for s in shaded] == [piece for piece in profile.sets[1].intervals]
    assert any(s.type == "line" and s.y0 == pytest.approx(7.352, abs=1e-3) for s in figure.layout.shapes)


def test_coefficients_keep_their_intervals() -> None:
    figure = coefficient_plot({"a": (0.3, 0.2, 0.5), "b": (0.1, -0.1, 0.2)}, "slopes")
    trace = figure.data[0]
    assert list(trace.y) == ["b", "a"]
    assert list(trace.x) == [0.1, 0.3]
    np.testing.assert_allclose(trace.error_x.array, [0.1, 0.2])
    np.testing.assert_allclose(trace.error_x.arrayminus, [0.2, 0.1])


def test_first_stage_line_has_the_first_stage_slope() -> None:
    p = make_small(6)
    z = p.x[:, 0] + np.random.default_rng(0).normal(size=p.y.size)
    iv = tsls(
        p.y, p.x[:, 0], p.x[:, 1:], z, names=(("a",), ("b", "c"), ("z",)), effects=p.effects, covariance=cluster(p.city)
    )
    line = first_stage_plot(iv).data[1]
    assert (line.y[1] - line.y[0]) / (line.x[1] - line.x[0]) == pytest.approx(
        float(iv.first_stages[0].beta[0]), rel=1e-9
    )


def test_impacts_show_all_three() -> None:
    figure = impacts_plot([Impact("AI", 0.3, 0.1, 0.4, (0.2, 0.4), (0.0, 0.2), (0.3, 0.6))])
    assert [trace.name for trace in figure.data] == ["direct", "indirect", "total"]
    assert [float(trace.y[0]) for trace in figure.data] == [0.3, 0.1, 0.4]
