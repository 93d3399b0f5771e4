"""Audit rules on models: thresholds against the linear model, mediation, selection, instruments, and one variance."""

from __future__ import annotations

import numpy as np
from scipy import stats

from optimizer.econometrics.findings import Finding, Verdict
from optimizer.econometrics.mediation import sobel
from optimizer.econometrics.printed import Coefficient, Printed, Tables, as_printed, last_column
from optimizer.econometrics.sensitivity import altonji_ratio
from optimizer.econometrics.weak import STOCK_YOGO_SIZE

F_SLACK_FRAC = 0.05  # small-sample factors by which an rk F and a squared t may differ
P_SLACK = 0.02  # a p from printed slopes and t carries their rounding, and normal for t
ERROR_RATIO = 0.5  # a regime's error this far below the linear model's is of another variance estimator


def threshold_nests_baseline(tables: Tables) -> list[Finding]:
    """A threshold model contains the linear one, so its R2 is at least as high; if not, it lacks the year effects."""
    baseline = last_column(tables)
    out = []
    for row in tables.rows("table5") if baseline else []:
        assert baseline is not None  # the loop is empty otherwise
        linear, r2, n = baseline
        slopes = [c for c in _list(row["slopes"]) if isinstance(c, Coefficient)]
        if "r2" not in row or row.get("n", n) != n:
            continue
        threshold_r2 = as_printed(row["r2"])
        lower = threshold_r2.high < r2.low
        above = all(c.b.low > linear.b.high for c in slopes)
        shown = ", ".join(f"{c.b.value:g}" for c in slopes)
        out.append(
            Finding(
                "nesting", f"table5 {row.get('threshold_variable', '')}", "impossible" if lower else "holds",
                "R2 is below that of the linear model it contains, so the year effects were left out"
                if lower else "R2 is at least that of the linear model it contains",
                f"R2 {threshold_r2.value:g} against {r2.value:g}; slopes {shown} against the linear {linear.b.value:g}"
                + (" (every regime above the pooled slope)" if above else ""),
            )
        )  # fmt: skip
    return out


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def threshold_shape(tables: Tables) -> list[Finding]:
    """One more slope than thresholds, thresholds ascending and inside the variable's range, errors of one variance."""
    out = []
    baseline = last_column(tables)
    for row in tables.rows("table5"):
        name = str(row.get("threshold_variable", ""))
        cuts = [as_printed(v).value for v in _list(row["thresholds"])]
        slopes = [c for c in _list(row["slopes"]) if isinstance(c, Coefficient)]
        ends = tables.table("table1").get(name)
        low, high = (as_printed(v).value for v in ends[3:5]) if isinstance(ends, list) else (-np.inf, np.inf)
        ok = cuts == sorted(cuts) and len(slopes) == len(cuts) + 1 and all(low < c < high for c in cuts)
        out.append(
            Finding(
                "threshold shape", f"table5 {name}", "holds" if ok else "impossible",
                "thresholds ascend in range, with a slope per regime" if ok else "thresholds and slopes disagree",
                f"thresholds {cuts} in ({low:g}, {high:g}), {len(slopes)} slopes",
            )
        )  # fmt: skip
        if baseline and slopes:
            out.append(_threshold_errors(name, slopes, baseline[0]))
    return out


def _threshold_errors(name: str, slopes: list[Coefficient], linear: Coefficient) -> Finding:
    least = min(c.se for c in slopes)
    ok = least >= ERROR_RATIO * linear.se
    return Finding(
        "one variance", f"table5 {name}", "holds" if ok else "unlikely",
        "errors agree with the linear model's" if ok else "errors far below the linear model's: not clustered as it is",
        f"smallest error {least:.4f} against {linear.se:.4f}",
    )  # fmt: skip


def mediation_identity(tables: Tables) -> list[Finding]:
    """c - c' = a b exactly, on one sample with one set of controls; and Sobel's test of the product."""
    section = tables.table("table6")
    total = section.get("total")
    c = total.get(tables.treatment) if isinstance(total, dict) else None
    out = []
    for name, row in section.items():
        parts = [row.get(k) for k in ("a", "b", "direct")] if isinstance(row, dict) and name != "total" else []
        if isinstance(c, Coefficient) and len(parts) == 3 and all(isinstance(p, Coefficient) for p in parts):
            a, b, direct = (p for p in parts if isinstance(p, Coefficient))
            printed = row.get("sobel_p") if isinstance(row, dict) else None
            out += [_identity(name, c, a, b, direct), _sobel(name, a, b, printed)]
    return out


def _identity(name: str, c: Coefficient, a: Coefficient, b: Coefficient, direct: Coefficient) -> Finding:
    fall, product = c.b.value - direct.b.value, a.b.value * b.b.value
    slack = c.b.half + direct.b.half + abs(a.b.value) * b.b.half + abs(b.b.value) * a.b.half
    ok = abs(fall - product) <= slack
    return Finding(
        "mediation identity", f"table6 {name}", "holds" if ok else "impossible",
        "c - c' equals a b" if ok else "c - c' is not a b: the equations differ in sample, controls or effects",
        f"c - c' = {c.b.value:g} - {direct.b.value:g} = {fall:.4f}; a b = {a.b.value:g} x {b.b.value:g} = "
        f"{product:.4f}; rounding allows {slack:.4f}",
    )  # fmt: skip


def _sobel(name: str, a: Coefficient, b: Coefficient, printed: object) -> Finding:
    """A path presented without a test of its product is tested here; a printed test is checked instead."""
    z, p = sobel(a.b.value, a.se, b.b.value, b.se)
    shown = f"z = {z:.2f}, p = {p:.3f}"
    if isinstance(printed, Printed):
        ok = abs(printed.value - p) <= printed.half + P_SLACK
        text = (
            "the printed test of the indirect effect agrees"
            if ok
            else "the printed test does not follow from the paths"
        )
        verdict: Verdict = "holds" if ok else "impossible"
        return Finding("Sobel", f"table6 {name}", verdict, text, f"{shown}; printed {printed.value:g}")
    significant = p < 0.05
    return Finding(
        "Sobel", f"table6 {name}", "holds" if significant else "unsupported",
        f"the indirect effect {'differs' if significant else 'is not shown to differ'} from zero",
        shown,
    )  # fmt: skip


def selection_ratio(tables: Tables) -> list[Finding]:
    """The printed Altonji ratio against the printed coefficients."""
    printed = tables.table("table4").get("selection_ratio")
    rows = tables.rows("table2")
    if not isinstance(printed, Printed) or len(rows) < 2:
        return []
    short, full = rows[0][tables.treatment], rows[-1][tables.treatment]
    if not (isinstance(short, Coefficient) and isinstance(full, Coefficient)) or short.b.value == full.b.value:
        return []
    ratio = altonji_ratio(short.b.value, full.b.value)
    slack = printed.half + abs(ratio) * (
        full.b.half / abs(full.b.value) + (short.b.half + full.b.half) / abs(short.b.value - full.b.value)
    )
    ok = abs(ratio - printed.value) <= slack
    return [
        Finding(
            "Altonji ratio", "table4", "holds" if ok else "impossible",
            "the ratio follows from table 2" if ok else "the ratio does not follow from table 2",
            f"{full.b.value:g} / ({short.b.value:g} - {full.b.value:g}) = {ratio:.3f} against {printed.value:g}",
        )
    ]  # fmt: skip


def first_stage_strength(tables: Tables) -> list[Finding]:
    """With one instrument the rk Wald F is the squared first-stage t; its LM p follows from its statistic."""
    section = tables.table("table4")
    stage = section.get("first_stage")
    coefficients = [v for v in stage.values() if isinstance(v, Coefficient)] if isinstance(stage, dict) else []
    out = []
    rk = section.get("kp_rk_wald_f")
    if len(coefficients) == 1 and isinstance(rk, Printed):
        squared = coefficients[0].t.value ** 2
        low = coefficients[0].t.low ** 2 * (1.0 - F_SLACK_FRAC)
        high = coefficients[0].t.high ** 2 * (1.0 + F_SLACK_FRAC)
        ok = low <= rk.value <= high
        out.append(
            Finding(
                "rk F", "table4", "holds" if ok else "impossible",
                "the rk F is the squared first-stage t" if ok else
                "with one instrument the rk F equals the squared first-stage t: the two come from different variances",
                f"t^2 = {coefficients[0].t.value:g}^2 = {squared:.1f} against F = {rk.value:g}",
            )
        )  # fmt: skip
    return out + _lm_p(section, len(coefficients)) + _stock_yogo(section, len(coefficients))


def _lm_p(section: dict[str, object], instruments: int) -> list[Finding]:
    lm = section.get("kp_rk_lm")
    if not isinstance(lm, dict) or instruments < 1:
        return []
    stat, p = as_printed(lm.get("stat", 0)), as_printed(lm.get("p", 1))
    implied = float(stats.chi2.sf(stat.value, instruments))
    ok = abs(implied - p.value) <= p.half + 1e-6
    return [
        Finding(
            "rk LM", "table4", "holds" if ok else "impossible",
            "p follows from the statistic" if ok else "p does not follow from the statistic",
            f"chi-squared({instruments}) at {stat.value:g}: p = {implied:.2g} against {p.value:g}",
        )
    ]  # fmt: skip


def _stock_yogo(section: dict[str, object], instruments: int) -> list[Finding]:
    printed = section.get("stock_yogo_10")
    table = STOCK_YOGO_SIZE.get(instruments)
    if not isinstance(printed, Printed) or table is None:
        return []
    ok = abs(printed.value - table[0]) <= printed.half + 0.005
    return [
        Finding(
            "Stock-Yogo", "table4", "holds" if ok else "impossible",
            "the critical value is the tabulated one" if ok else "the critical value is not the tabulated one",
            f"{printed.value:g} against {table[0]:g} for {instruments} instrument(s)",
        )
    ]  # fmt: skip


def iv_error(tables: Tables) -> list[Finding]:
    """Under one variance estimator an instrumental error is above the least-squares error of the same slope."""
    stage = tables.table("table4").get("second_stage")
    iv = stage.get(tables.treatment) if isinstance(stage, dict) else None
    baseline = last_column(tables)
    if not isinstance(iv, Coefficient) or baseline is None:
        return []
    ok = iv.se >= baseline[0].se
    return [
        Finding(
            "one variance", "table4", "holds" if ok else "unlikely",
            "the IV error is above the OLS error" if ok else
            "the IV error is below the OLS error: the two tables use different variances",
            f"{iv.b.value:g}/{iv.t.value:g} = {iv.se:.4f} against {baseline[0].b.value:g}/{baseline[0].t.value:g} = "
            f"{baseline[0].se:.4f}",
        )
    ]  # fmt: skip
