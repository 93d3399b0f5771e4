"""One command's worth: a panel file in, the seven tables and their figures out, in HTML, CSV, LaTeX and TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import plotly.graph_objects as go

from optimizer.econometrics.panel import CONTROLS, Panel, read_panel
from optimizer.econometrics.plots import all_figures
from optimizer.econometrics.programme import run
from optimizer.econometrics.results import Results, Settings
from optimizer.econometrics.tablecells import Table
from optimizer.econometrics.tables import all_tables
from optimizer.econometrics.tablesmore import shown_model
from optimizer.econometrics.writers import write_page, write_tables


@dataclass(frozen=True)
class Study:
    """Everything fitted on one panel. `results` are unrounded; `tables` and `figures` are made from them."""

    results: Results = field(repr=False)
    tables: tuple[Table, ...] = field(repr=False)
    figures: Mapping[str, go.Figure] = field(repr=False)

    def table(self, key: str) -> Table:
        """Table by key, table1 to table8."""
        return next(table for table in self.tables if table.key == key)

    def write(self, folder: Path | str) -> tuple[Path, ...]:
        """study.html (everything, offline), tables.toml (auditable), and each table as CSV, LaTeX and HTML."""
        where = Path(folder)
        files = write_tables(self.tables, where)
        title = f"Innovation study of {self.results.panel.source}"
        page = write_page(title, self.tables, self.figures, where / "study.html")
        listing = where / "tables.toml"
        listing.write_text(printed_toml(self.results), encoding="utf-8")
        return (*files, page, listing)


def fit_panel(path: Path | str, settings: Settings | None = None) -> Study:
    """Read, check and fit a panel CSV. Raises PanelError naming lines, or DesignError naming variables."""
    return fit_checked(read_panel(path), settings)


def fit_checked(panel: Panel, settings: Settings | None = None) -> Study:
    """The same for a panel already checked."""
    results = run(panel, settings or Settings())
    return Study(results, all_tables(results), all_figures(results))


def _b_t(b: float, t: float) -> str:
    """Significant digits, not decimals: neither may round to zero, for a reader's error is b / t."""
    return f"{{ b = {b:#.5g}, t = {t:#.4g} }}"


def printed_toml(results: Results) -> str:
    """The tables as printed numbers, in the format `audit` reads: our own tables are open to our own auditor."""
    panel = results.panel
    parts = [
        "[meta]", 'outcome = "Inn"', 'treatment = "AI"', f"cities = {panel.cities}",
        f"years = [{panel.years[0]}, {panel.years[-1]}]", "", "[table1]",
    ]  # fmt: skip
    for name in ("Inn", "AI", "Va", "Ind", *CONTROLS):
        if panel.has(name):
            v = panel.column(name)
            parts.append(f"{name} = [{v.size}, {v.mean():.3f}, {v.std(ddof=1):.3f}, {v.min():.3f}, {v.max():.3f}]")
    for i, fit in enumerate(results.baseline.fits):
        parts += ["", "[[table2]]", f"column = {i + 1}"]
        parts += [f"{n} = {_b_t(float(b), float(t))}" for n, b, t in zip(fit.names, fit.beta, fit.t, strict=True)]
        parts += [f"n = {fit.nobs}", f"r2 = {fit.r2:.3f}"]
    for variant in results.robustness:
        fit = variant.fit
        parts += ["", "[[table3]]", f'name = "{variant.name}"', f"AI = {_b_t(float(fit.beta[0]), float(fit.t[0]))}"]
        parts += [f"n = {fit.nobs}", f"r2 = {fit.r2:.3f}"]
    return "\n".join((*parts, *_toml_instrument(results), *_toml_thresholds(results), *_toml_rest(results), ""))


def _toml_instrument(results: Results) -> list[str]:
    found = results.instrument
    if found is None:
        return []
    first, second = found.iv.first_stages[0], found.iv.fit
    out = ["", "[table4]", f"first_stage = {{ IV = {_b_t(float(first.beta[0]), float(first.t[0]))} }}"]
    out += [f"second_stage = {{ AI = {_b_t(float(second.beta[0]), float(second.t[0]))}, r2 = {second.r2:.3f} }}"]
    out += [f"kp_rk_lm = {{ stat = {found.strength.rk_lm:.4f}, p = {found.strength.rk_lm_p:.4f} }}"]
    out += [f"kp_rk_wald_f = {found.strength.rk_wald_f:.3f}", f"selection_ratio = {found.altonji:.4f}"]
    if found.strength.stock_yogo:
        out.append(f"stock_yogo_10 = {found.strength.stock_yogo[0]:.2f}")
    return out


def _toml_thresholds(results: Results) -> list[str]:
    out = []
    for q, result in results.thresholds.items():
        model = shown_model(result)
        slopes = [
            _b_t(float(b), float(t)) for b, t in zip(model.slopes, model.fit.t[-len(model.slopes) :], strict=True)
        ]
        out += ["", "[[table5]]", f'threshold_variable = "{q}"']
        out += [f"thresholds = [{', '.join(f'{v:.4f}' for v in model.thresholds)}]", f"slopes = [{', '.join(slopes)}]"]
        out += [f"n = {model.fit.nobs}", f"r2 = {model.fit.r2:.3f}"]
    return out


def _toml_rest(results: Results) -> list[str]:
    out: list[str] = []
    single = {name: found for name, found in results.mediation.items() if len(found.paths) == 1}
    if single:
        total = next(iter(single.values())).total_fit
        out += [
            "",
            "[table6]",
            f"total = {{ AI = {_b_t(float(total.beta[0]), float(total.t[0]))}, r2 = {total.r2:.3f} }}",
        ]
    for name, found in single.items():
        path = found.paths[0]
        out += [
            "",
            f"[table6.{name}]",
            f"a = {_b_t(path.a, path.a / path.a_se)}",
            f"b = {_b_t(path.b, path.b / path.b_se)}",
        ]
        out += [f"direct = {_b_t(found.direct, found.direct / found.direct_se)}", f"sobel_p = {path.sobel_p:.4f}"]
    for name, split in results.groups.splits.items():
        for group in split.groups:
            fit = group.fit
            out += ["", "[[table7]]", f'split = "{name}"', f'group = "{group.group}"']
            out += [f"AI = {_b_t(float(fit.beta[0]), float(fit.t[0]))}", f"n = {fit.nobs}", f"r2 = {fit.r2:.3f}"]
    for split in results.groups.splits.values():
        for d in split.differences:
            out += ["", "[[table7_differences]]", f'first = "{d.first}"', f'second = "{d.second}"', f"p = {d.p:.4f}"]
    return out
