"""Results as the tables of a paper, with what a referee would ask for beside them.

Each table carries a display (strings, as printed) and tidy values (one row per estimate, nothing rounded). Stars follow
p: *** 1 %, ** 5 %, * 10 %; t statistics in brackets; every note says which errors, effects and conventions were used.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from optimizer.econometrics.linear import Fit
from optimizer.econometrics.panel import CONTROLS
from optimizer.econometrics.results import Results
from optimizer.econometrics.tablecells import Table, Tidy, cell, interval_text, p_text
from optimizer.econometrics.tablesmore import group_table, mediation_table, spatial_table, threshold_table

CLUSTERED = "Errors clustered by city; t in brackets; city and year effects throughout."


def all_tables(results: Results) -> tuple[Table, ...]:
    """The seven tables in the paper's order, then the spatial one. A table the panel cannot support says so."""
    makers = (
        ("table1", descriptive), ("table2", baseline_table), ("table3", robustness_table), ("table4", instrument_table),
        ("table5", threshold_table), ("table6", mediation_table), ("table7", group_table), ("table8", spatial_table),
    )  # fmt: skip
    return tuple(
        absent_table(key, results.absent[key]) if key in results.absent else maker(results) for key, maker in makers
    )


TITLES = {
    "table4": "Table 4. Instrumental variable",
    "table6": "Table 6. Mediation",
    "table7": "Table 7. Groups of cities",
    "table8": "Table 8. Spatial spillovers",
}


def absent_table(key: str, reason: str) -> Table:
    """A table that could not be made, saying why."""
    return Table(key, TITLES[key], pd.DataFrame(), pd.DataFrame(), (f"Not made: {reason}.",))


def descriptive(results: Results) -> Table:
    """Table 1: observations, mean, sd, ends; and, beyond the paper, the share of variance within cities and years."""
    frame = results.panel.frame
    names = [c for c in ("Inn", "Inn1", "AI", "Va", "Ind", *CONTROLS, "IV") if c in frame.columns]
    inner = results.panel.effects.demean(results.panel.matrix(tuple(names)).T.copy())
    rows = []
    for name, row in zip(names, inner, strict=True):
        v = results.panel.column(name)
        within = float((row @ row) / ((v - v.mean()) @ (v - v.mean())))
        rows.append((name, v.size, v.mean(), v.std(ddof=1), v.min(), v.max(), within))
    columns = ["variable", "obs", "mean", "sd", "min", "max", "within share"]
    values = pd.DataFrame(rows, columns=columns)
    display = values.copy().astype(object)
    for column in columns[2:]:
        display[column] = [f"{v:.3f}" for v in values[column]]
    display["obs"] = [f"{v:,}" for v in values["obs"]]
    note = "Within share: variance left after city and year effects, which is all that identifies the slopes."
    panel = results.panel
    shape = f"{panel.cities} cities, {panel.years[0]} to {panel.years[-1]}, from {panel.source}."
    ignored = f"Columns not used: {', '.join(panel.extra)}." if panel.extra else "Every column of the file is used."
    return Table("table1", "Table 1. Variables", display.set_index("variable"), values, (shape, ignored, note))


def _regression_rows(fits: Sequence[Fit], names: Sequence[str], headers: Sequence[str]) -> pd.DataFrame:
    body = {
        header: [cell(fit, name) if name in fit.names else "" for name in names]
        + [f"{fit.nobs:,}", f"{fit.r2:.3f}", f"{fit.r2_within:.3f}"]
        for header, fit in zip(headers, fits, strict=True)
    }
    return pd.DataFrame(body, index=[*names, "N", "R2", "R2 within"])


def baseline_table(results: Results) -> Table:
    """Table 2: controls one by one; below, AI in the last column under other errors and under unobserved selection."""
    base = results.baseline
    headers = [f"({i + 1})" for i in range(len(base.fits))]
    display = _regression_rows(base.fits, base.fits[-1].names, headers)
    tidy = Tidy()
    for header, fit in zip(headers, base.fits, strict=True):
        tidy.add_fit(header, fit)
    final = base.fits[-1]
    extras = {
        "95 % interval": interval_text(tuple(final.interval()[0])),
        "error, Driscoll-Kraay 2 lags": f"{base.driscoll_kraay.se[0]:.4f}",
        "error, city and year clusters": f"{base.two_way.se[0]:.4f}",
        "error, cluster jackknife (CRV3)": f"{base.jackknife.se[0]:.4f}",
        "p, wild bootstrap by city": p_text(base.wild_city.p),
        "p, wild bootstrap by province": p_text(base.wild_province.p),
        "interval, wild by province": interval_text(base.wild_province.interval),
        "Altonji ratio": f"{base.altonji:.3f}",
        "Oster delta (R max 1.3 R2)": f"{base.oster_delta:.3f}",
        "Oster beta (delta 1)": f"{base.oster.beta:.4f}",
        "robustness value": f"{base.robustness.value:.3f}",
        "robustness value, 5 %": f"{base.robustness.value_significance:.3f}",
    }
    for label, text in extras.items():
        display.loc[label] = ["" for _ in headers[:-1]] + [text]
    tidy.add_check("(6)", "AI", "se_driscoll_kraay", float(base.driscoll_kraay.se[0]))
    tidy.add_check("(6)", "AI", "se_two_way", float(base.two_way.se[0]))
    tidy.add_check("(6)", "AI", "se_jackknife", float(base.jackknife.se[0]))
    tidy.add_check("(6)", "AI", "p_wild_city", base.wild_city.p)
    tidy.add_check("(6)", "AI", "p_wild_province", base.wild_province.p)
    tidy.add_check("(6)", "AI", "altonji_ratio", base.altonji)
    tidy.add_check("(6)", "AI", "oster_delta", base.oster_delta)
    tidy.add_check("(6)", "AI", "oster_beta", base.oster.beta)
    tidy.add_check("(6)", "AI", "robustness_value", base.robustness.value)
    notes = (CLUSTERED, f"Small-sample convention: {final.ssc}. R2 within is net of the effects.")
    return Table("table2", "Table 2. Two-way fixed effects", display, tidy.frame(), notes)


def robustness_table(results: Results) -> Table:
    """Table 3: AI under other samples, outcomes and effects; rows left out are counted and named."""
    tidy = Tidy()
    rows = {}
    for variant in results.robustness:
        fit = variant.fit
        tidy.add_fit(variant.name, fit, only="AI")
        rows[variant.name] = [
            cell(fit, "AI"), interval_text(tuple(fit.interval()[0])), f"{fit.nobs:,}", str(fit.clusters),
            f"{fit.r2:.3f}", f"{fit.r2_within:.3f}", variant.left_out or "none",
        ]  # fmt: skip
    columns = ["AI", "95 % interval", "N", "cities", "R2", "R2 within", "left out"]
    display = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return Table("table3", "Table 3. Robustness", display, tidy.frame(), (CLUSTERED,))


def instrument_table(results: Results) -> Table:
    """Table 4: first and second stage, strength, and what holds if the instrument is weak or not quite exogenous."""
    found = results.instrument
    assert found is not None  # the caller replaces an absent table
    iv, power = found.iv, found.strength
    ols_fit = results.baseline.fits[-1]
    yogo = power.stock_yogo[0] if power.stock_yogo else float("nan")
    rows = {
        "IV": [cell(iv.first_stages[0], "IV"), "", ""],
        "AI": ["", cell(iv.fit, "AI"), cell(ols_fit, "AI")],
        "95 % interval": ["", interval_text(tuple(iv.fit.interval()[0])), interval_text(tuple(ols_fit.interval()[0]))],
        "95 % Anderson-Rubin set": ["", " or ".join(interval_text(p) for p in found.anderson_rubin.intervals), ""],
        "95 % tF interval": ["", interval_text(found.tf), ""],
        "p, wild restricted efficient": ["", p_text(found.wild.p), ""],
        "Kleibergen-Paap rk LM (p)": [f"{power.rk_lm:.3f} ({p_text(power.rk_lm_p)})", "", ""],
        "Kleibergen-Paap rk Wald F": [f"{power.rk_wald_f:.3f}", "", ""],
        "first-stage t squared": [f"{float(power.first_stage_t[0]) ** 2:.3f}", "", ""],
        "effective F (critical, 10 % bias)": [f"{power.effective_f:.3f} ({power.effective_f_critical_10:.2f})", "", ""],
        "Cragg-Donald F (Stock-Yogo 10 %)": [f"{power.cragg_donald_f:.3f} ({yogo:.2f})", "", ""],
        "exogeneity of AI, F (p)": ["", f"{found.exogeneity[0]:.3f} ({p_text(found.exogeneity[1])})", ""],
        "interval, plausibly exogenous": ["", interval_text((found.plausible.low, found.plausible.high)), ""],
        "direct effect that removes significance": ["", f"{found.tolerance:.4f}", ""],
        "N": [f"{iv.fit.nobs:,}"] * 2 + [f"{ols_fit.nobs:,}"],
        "R2": [f"{iv.first_stages[0].r2_within:.3f} (within)", f"{iv.fit.r2:.3f}", f"{ols_fit.r2:.3f}"],
    }
    display = pd.DataFrame.from_dict(rows, orient="index", columns=["first stage", "second stage", "least squares"])
    tidy = Tidy()
    tidy.add_fit("first stage", iv.first_stages[0])
    tidy.add_fit("second stage", iv.fit)
    for name, value in (("rk_lm", power.rk_lm), ("rk_lm_p", power.rk_lm_p), ("rk_wald_f", power.rk_wald_f),
                        ("effective_f", power.effective_f), ("cragg_donald_f", power.cragg_donald_f)):  # fmt: skip
        tidy.add_check("first stage", "IV", name, value)
    notes = (
        CLUSTERED,
        "With one instrument the rk F is the squared first-stage t up to degrees of freedom. Stock-Yogo values assume "
        "iid errors; the effective F does not.",
        f"Plausibly exogenous: {found.plausible.allowed} (a tenth of the reduced form).",
    )
    return Table("table4", TITLES["table4"], display, tidy.frame(), notes)
