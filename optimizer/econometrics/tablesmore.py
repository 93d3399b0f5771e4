"""Tables 5 to 8: thresholds, mediation, groups of cities, spatial spillovers."""

from __future__ import annotations

import pandas as pd

from optimizer.econometrics.results import Results
from optimizer.econometrics.tablecells import Table, Tidy, cell, coefficient, interval_text, p_text
from optimizer.econometrics.thresholdresult import Model, ThresholdResult


def threshold_table(results: Results) -> Table:
    """Table 5: tests, thresholds with confidence sets, slopes by regime; with year effects, and without for
    comparison.
    """
    tidy = Tidy()
    columns: dict[str, dict[str, str]] = {}
    for years, found in ((True, results.thresholds), (False, results.thresholds_without_years)):
        for q, result in found.items():
            header = q if years else f"{q}, no year effects"
            columns[header] = _threshold_column(result)
            _tidy_threshold(tidy, header, result)
    labels = list(dict.fromkeys(label for column in columns.values() for label in column))
    display = pd.DataFrame({h: [c.get(label, "") for label in labels] for h, c in columns.items()}, index=labels)
    bend = results.kink
    first = next(iter(results.thresholds.values()))
    notes = (
        f"{first.df_convention}. Bootstrap draws whole cities, {first.options.draws} times; "
        f"p = (1 + exceedances)/(draws + 1). At least {first.least_per_regime} rows per regime. "
        "Slopes of AI with errors clustered by city.",
        "A model without year effects attributes the common trend to AI; it is shown only for comparison.",
        f"Kink alternative in AI: at {bend.kink:.4f} {interval_text(bend.interval)}, slope {bend.below:.4f} below "
        f"({bend.below_se:.4f}) and {bend.above:.4f} above ({bend.above_se:.4f}); F = {bend.f:.2f}, p = "
        f"{p_text(bend.p)}; SSR {bend.ssr:.2f} against {first.ssr[1]:.2f} for one threshold.",
    )  # fmt: skip
    return Table("table5", "Table 5. Thresholds in the slope of AI", display, tidy.frame(), notes)


def shown_model(result: ThresholdResult) -> Model:
    """The selected model; with no threshold accepted, the model with one (its test says that it is not)."""
    return result.models[max(result.selected, 1) - 1]


def _threshold_column(result: ThresholdResult) -> dict[str, str]:
    out = {}
    for test in result.tests:
        out[f"F, {test.thresholds} against {test.thresholds - 1} (p)"] = f"{test.f:.2f} ({p_text(test.p)})"
        out[f"critical 10, 5, 1 %, {test.thresholds}"] = ", ".join(f"{c:.2f}" for c in test.critical)
    out["thresholds accepted at 5 %"] = str(result.selected)
    model = shown_model(result)
    for i, (value, profile) in enumerate(zip(model.thresholds, model.profiles, strict=True)):
        out[f"threshold {i + 1}"] = f"{value:.4f}"
        out[f"95 % set {i + 1}"] = _set_text(profile.sets[1].intervals)
    for i, rows in enumerate(model.regime_rows):
        out[f"slope, regime {i + 1}"] = cell(model.fit, f"AI in regime {i + 1}")
        out[f"rows, regime {i + 1}"] = f"{rows:,}"
    out["N"], out["R2"] = f"{model.fit.nobs:,}", f"{model.fit.r2:.3f}"
    return out


def _set_text(pieces: tuple[tuple[float, float], ...]) -> str:
    """All pieces when they are few; else the range and how many (the CSV has every one)."""
    if len(pieces) <= 2:
        return " or ".join(interval_text(piece) for piece in pieces)
    return f"{len(pieces)} pieces in {interval_text((pieces[0][0], pieces[-1][1]))}"


def _tidy_threshold(tidy: Tidy, header: str, result: ThresholdResult) -> None:
    for test in result.tests:
        tidy.add_check(header, f"{test.thresholds} thresholds", "f", test.f)
        tidy.add_check(header, f"{test.thresholds} thresholds", "p", test.p)
    model = shown_model(result)
    for i, value in enumerate(model.thresholds):
        tidy.add_check(header, f"threshold {i + 1}", "value", value)
        for level in model.profiles[i].sets:
            for k, piece in enumerate(level.intervals):
                tidy.add_check(header, f"threshold {i + 1}", f"set_{level.level:g}_{k + 1}_low", piece[0])
                tidy.add_check(header, f"threshold {i + 1}", f"set_{level.level:g}_{k + 1}_high", piece[1])
    tidy.add_fit(header, model.fit)


def mediation_table(results: Results) -> Table:
    """Table 6: total, paths and direct effect; the product with bootstrap intervals, and Sobel's test."""
    tidy = Tidy()
    rows = []
    for name, found in results.mediation.items():
        total, direct = cell(found.total_fit, "AI"), cell(found.outcome_fit, "AI")
        for path, fit in zip(found.paths, found.mediator_fits, strict=True):
            rows.append((
                name, path.mediator, total, cell(fit, "AI"), cell(found.outcome_fit, path.mediator), direct,
                f"{path.indirect:.4f}", interval_text(path.percentile), interval_text(path.bias_corrected),
                f"{path.sobel_z:.2f} ({p_text(path.sobel_p)})", f"{100.0 * path.share_of_total:.1f} %",
            ))  # fmt: skip
            for statistic, value in (
                ("a", path.a),
                ("b", path.b),
                ("indirect", path.indirect),
                ("low", path.percentile[0]),
                ("high", path.percentile[1]),
                ("sobel_p", path.sobel_p),
            ):
                tidy.add_check(name, path.mediator, statistic, value)
        tidy.add_check(name, "AI", "total", found.total)
        tidy.add_check(name, "AI", "direct", found.direct)
        tidy.add_check(name, "AI", "identity_gap", found.identity_gap)
    columns = ["model", "mediator", "total c", "a", "b", "direct c'", "a b", "95 % percentile", "95 % bias-corrected",
               "Sobel z (p)", "share of total"]  # fmt: skip
    display = pd.DataFrame(rows, columns=columns).set_index("model")
    first = next(iter(results.mediation.values()))
    lost = f" ({first.draws_lost} more identified nothing)" if first.draws_lost else ""
    notes = (
        "Same rows, controls and effects in every equation, so c - c' = sum of a b (asserted). "
        f"{first.draws} draws of whole cities{lost}.",
        "Causal only if the mediator is as good as random given treatment, controls and effects.",
    )
    return Table("table6", "Table 6. Mediation", display, tidy.frame(), notes)


def group_table(results: Results) -> Table:
    """Table 7: slopes by group of cities, then every difference with its tests and corrections."""
    tidy = Tidy()
    rows: dict[str, list[str]] = {}
    at = 0
    for split in results.groups.splits.values():
        for group in split.groups:
            fit = group.fit
            tidy.add_fit(group.group, fit, only="AI")
            rows[group.group] = [cell(fit, "AI"), interval_text(tuple(fit.interval()[0])), f"{fit.nobs:,}",
                                 str(group.cities), f"{fit.r2:.3f}", "", "", "", ""]  # fmt: skip
        for d in split.differences:
            adjusted, stepdown = float(results.groups.benjamini_hochberg[at]), float(results.groups.romano_wolf[at])
            label = f"{d.first} - {d.second}"
            reach = 1.96 * d.se
            ends = interval_text((d.value - reach, d.value + reach))
            rows[label] = [coefficient(d.value, d.value / d.se, d.p), ends, "", "", "", p_text(d.p),
                           p_text(d.p_permutation), p_text(adjusted), p_text(stepdown)]  # fmt: skip
            for statistic, value in (("b", d.value), ("se", d.se), ("p", d.p), ("p_permutation", d.p_permutation),
                                     ("p_benjamini_hochberg", adjusted), ("p_romano_wolf", stepdown)):  # fmt: skip
                tidy.add_check(label, "AI", statistic, value)
            at += 1
    columns = [
        "AI",
        "95 % interval",
        "N",
        "cities",
        "R2",
        "p",
        "p permutation",
        "p Benjamini-Hochberg",
        "p Romano-Wolf",
    ]
    display = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    notes = [
        "Groups are fixed by city (above or below the median city's mean). "
        "Differences, not stars, say whether groups differ.",
        f"Corrections run over all {at} differences; Romano-Wolf draws whole cities jointly.",
        *(f"Not split by {reason}." for reason in results.groups.left_out),
    ]
    return Table("table7", "Table 7. Groups of cities", display, tidy.frame(), tuple(notes))


def spatial_table(results: Results) -> Table:
    """Table 8: spatial lag and Durbin models with impacts."""
    found = results.spatial
    assert found is not None  # the caller replaces an absent table
    tidy = Tidy()
    columns: dict[str, dict[str, str]] = {}
    for header, fit, effects in (("lag", found.lag, found.lag_impacts), ("Durbin", found.durbin, found.durbin_impacts)):
        column = {"rho": coefficient(fit.rho, fit.rho / fit.rho_se, fit.rho_p)}
        for name, b, se, p in zip(fit.names, fit.beta, fit.se, fit.p, strict=True):
            column[name] = coefficient(float(b), float(b / se), float(p))
            tidy.add_check(header, name, "b", float(b))
            tidy.add_check(header, name, "se", float(se))
        impact = effects[0]
        column["AI, direct impact"] = f"{impact.direct:.4f} {interval_text(impact.direct_interval)}"
        column["AI, indirect impact"] = f"{impact.indirect:.4f} {interval_text(impact.indirect_interval)}"
        column["AI, total impact"] = f"{impact.total:.4f} {interval_text(impact.total_interval)}"
        column["log-likelihood"] = f"{fit.loglik:.2f}"
        for statistic, value in (("rho", fit.rho), ("rho_se", fit.rho_se), ("direct", impact.direct),
                                 ("indirect", impact.indirect), ("total", impact.total)):  # fmt: skip
            tidy.add_check(header, "AI", statistic, value)
        columns[header] = column
    labels = list(dict.fromkeys(label for column in columns.values() for label in column))
    display = pd.DataFrame({h: [c.get(label, "") for label in labels] for h, c in columns.items()}, index=labels)
    note = (
        "Exact maximum likelihood over the four nearest cities, row-standardised; city and year effects by Lee and Yu."
    )
    return Table("table8", "Table 8. Spatial spillovers", display, tidy.frame(), (note,))
