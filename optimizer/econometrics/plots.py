"""Figures: likelihood-ratio curve with its confidence set, coefficients, first stage, spatial impacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.instruments import IVFit
from optimizer.econometrics.results import Results
from optimizer.econometrics.spatial import Impact
from optimizer.econometrics.tablesmore import shown_model
from optimizer.econometrics.thresholdresult import Profile

INK, ACCENT, PALE = "#24292f", "#0b6e99", "rgba(11,110,153,0.15)"
BINS = 40


def _styled(figure: go.Figure, title: str, x: str, y: str) -> go.Figure:
    figure.update_layout(
        title=title, xaxis_title=x, yaxis_title=y, template="plotly_white", font={"color": INK}, height=440
    )
    return figure


def lr_curve(profile: Profile, name: str) -> go.Figure:
    """Likelihood ratio over candidates; the 95 % set shaded (it may have several pieces), the critical value dashed."""
    chosen = profile.sets[1]
    figure = go.Figure(go.Scatter(x=profile.candidates, y=profile.lr, mode="lines", line={"color": ACCENT}, name="LR"))
    figure.add_hline(y=chosen.critical, line={"dash": "dash", "color": INK}, annotation_text="95 % critical value")
    for low, high in chosen.intervals:
        figure.add_vrect(x0=low, x1=high, fillcolor=PALE, line={"width": 0})
    figure.add_vline(x=profile.estimate, line={"color": INK, "width": 1})
    return _styled(figure, f"Threshold in {name}: {profile.estimate:.4f}", name, "likelihood ratio")


def coefficient_plot(estimates: Mapping[str, tuple[float, float, float]], title: str) -> go.Figure:
    """Estimates with intervals: label -> (estimate, low, high)."""
    labels = list(estimates)[::-1]
    values = np.array([estimates[label] for label in labels])
    figure = go.Figure(
        go.Scatter(
            x=values[:, 0], y=labels, mode="markers", marker={"color": ACCENT, "size": 9},
            error_x={"array": values[:, 2] - values[:, 0], "arrayminus": values[:, 0] - values[:, 1], "color": ACCENT},
        )
    )  # fmt: skip
    figure.add_vline(x=0.0, line={"color": INK, "width": 1})
    return _styled(figure, title, "slope of AI, 95 % interval", "")


def first_stage_plot(iv: IVFit, treatment: str = "AI", instrument: str = "IV") -> go.Figure:
    """Treatment against instrument, both net of controls and effects, in bins of equal size, with the fitted line."""
    z, x = iv.reduced.z[0], iv.reduced.treatment[0]
    z_mean, x_mean = _binned(z, x)
    slope = float(z @ x / (z @ z))
    ends = np.array([z_mean.min(), z_mean.max()])
    figure = go.Figure(go.Scatter(x=z_mean, y=x_mean, mode="markers", marker={"color": ACCENT}, name="bin means"))
    figure.add_scatter(x=ends, y=slope * ends, mode="lines", line={"color": INK}, name=f"slope {slope:.3f}")
    return _styled(
        figure, "First stage", f"{instrument}, net of controls and effects", f"{treatment}, net of controls and effects"
    )


def _binned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(x)
    parts = np.array_split(order, min(BINS, x.size))
    return np.array([x[p].mean() for p in parts]), np.array([y[p].mean() for p in parts])


def impacts_plot(impacts: Sequence[Impact]) -> go.Figure:
    """Direct, indirect and total impacts of every regressor."""
    figure = go.Figure()
    for kind, color in (("direct", ACCENT), ("indirect", "#c2571a"), ("total", INK)):
        values = np.array([getattr(i, kind) for i in impacts])
        ends = np.array([getattr(i, f"{kind}_interval") for i in impacts])
        figure.add_bar(
            x=[i.name for i in impacts], y=values, name=kind, marker_color=color,
            error_y={"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0]},
        )  # fmt: skip
    figure.update_layout(barmode="group")
    return _styled(figure, "Spatial impacts", "", "change in log innovation per unit, 95 % interval")


def all_figures(results: Results) -> dict[str, go.Figure]:
    """Every figure the results support, by name."""
    figures = {}
    for q, result in results.thresholds.items():
        for i, profile in enumerate(shown_model(result).profiles):
            figures[f"threshold_{q}_{i + 1}"] = lr_curve(profile, q)
    figures["coefficients"] = coefficient_plot(_slopes(results), "Slope of AI across samples and groups")
    if results.instrument is not None:
        figures["first_stage"] = first_stage_plot(results.instrument.iv)
    if results.spatial is not None:
        figures["impacts"] = impacts_plot(results.spatial.durbin_impacts)
    return figures


def _slopes(results: Results) -> dict[str, tuple[float, float, float]]:
    fits = {"baseline": results.baseline.fits[-1]}
    fits |= {variant.name: variant.fit for variant in results.robustness}
    fits |= {g.group: g.fit for split in results.groups.splits.values() for g in split.groups}
    if results.instrument is not None:
        fits["instrumental variable"] = results.instrument.iv.fit
    return {
        name: (float(fit.beta[0]), float(fit.interval()[0, 0]), float(fit.interval()[0, 1]))
        for name, fit in fits.items()
    }
