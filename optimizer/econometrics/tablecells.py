"""What tables are made of: the Table itself, cells as printed, and tidy rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from optimizer.econometrics.linear import Fit


@dataclass(frozen=True)
class Table:
    """display: strings, row labels as index. values: tidy, unrounded. notes: conventions and what was left out."""

    key: str
    title: str
    display: pd.DataFrame = field(repr=False)
    values: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()


def stars(p: float) -> str:
    """*** 1 %, ** 5 %, * 10 %."""
    return "***" if p < 0.01 else "**" if p < 0.05 else "*" if p < 0.10 else ""


def coefficient(value: float, t: float, p: float) -> str:
    """0.2720*** (5.59)."""
    return f"{value:.4f}{stars(p)} ({t:.2f})"


def cell(fit: Fit, name: str) -> str:
    """A regressor's coefficient, stars and t."""
    j = fit.index(name)
    return coefficient(float(fit.beta[j]), float(fit.t[j]), float(fit.p[j]))


def p_text(p: float) -> str:
    """Four decimals, never a bare zero."""
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def interval_text(ends: tuple[float, ...] | None) -> str:
    """[low, high]; infinite ends as such."""
    if ends is None:
        return ""
    low, high = (("-inf" if v < 0 else "inf") if np.isinf(v) else f"{v:.4f}" for v in ends)
    return f"[{low}, {high}]"


class Tidy:
    """Collects tidy rows: column, term, statistic, value."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, float]] = []

    def add_check(self, column: str, term: str, statistic: str, value: float) -> None:
        """One number."""
        self._rows.append((column, term, statistic, float(value)))

    def add_fit(self, column: str, fit: Fit, only: str | None = None) -> None:
        """Estimates, errors, t, p and interval ends of a fit (or of one regressor), and its size and R2."""
        ends = fit.interval()
        for j, name in enumerate(fit.names):
            if only is None or name == only:
                for statistic, value in (("b", fit.beta[j]), ("se", fit.se[j]), ("t", fit.t[j]), ("p", fit.p[j]),
                                         ("low", ends[j, 0]), ("high", ends[j, 1])):  # fmt: skip
                    self.add_check(column, name, statistic, float(value))
        for statistic, value in (("n", fit.nobs), ("r2", fit.r2), ("r2_within", fit.r2_within), ("df", fit.df)):
            self.add_check(column, "", statistic, float(value))

    def frame(self) -> pd.DataFrame:
        """All rows."""
        return pd.DataFrame(self._rows, columns=["column", "term", "statistic", "value"])
