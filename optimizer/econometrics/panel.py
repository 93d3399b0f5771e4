"""The city panel: read from CSV, every fault named by line, nothing dropped and nothing guessed.

One row per city and year. Required: city, province, region (east, central or west), year, Inn, AI and the controls
Eco, Huc, Edu, Fis, Gov. Optional, each opening further tables: Inn1 (applications), Va, Ind (mediators and threshold
variables), IV (instrument), Dat, Dig (data endowment, digital infrastructure), lat_deg and lon_deg (spatial models).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.effects import Effects, absorb
from optimizer.econometrics.errors import DesignError, Fault, PanelError
from optimizer.econometrics.linear import demean, scaled_inverse

LABELS = ("city", "province", "region")
REGIONS = ("east", "central", "west")
CONTROLS = ("Eco", "Huc", "Edu", "Fis", "Gov")
REQUIRED = (*LABELS, "year", "Inn", "AI", *CONTROLS)
OPTIONAL = ("Inn1", "Va", "Ind", "IV", "Dat", "Dig", "lat_deg", "lon_deg")
SPLITTING = ("AI", "Va", "Ind")  # threshold variables
FEWEST_VALUES = 20
SHOWN = 5


@dataclass(frozen=True)
class Panel:
    """A sound, balanced panel sorted by city and year; `frame` has the schema's columns, `extra` names the ignored."""

    frame: pd.DataFrame = field(repr=False)
    source: str
    cities: int
    years: tuple[int, ...]
    extra: tuple[str, ...]

    def column(self, name: str) -> Floats:
        """A numeric column, (n,)."""
        return np.asarray(self.frame[name].to_numpy(dtype=np.float64))

    def matrix(self, names: tuple[str, ...]) -> Floats:
        """Numeric columns, (n, k)."""
        return np.asarray(self.frame[list(names)].to_numpy(dtype=np.float64))

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """A label column as strings, (n,)."""
        return np.asarray(self.frame[name].astype(str).to_numpy(dtype=str))

    def has(self, *names: str) -> bool:
        """Whether all these columns are there."""
        return all(name in self.frame.columns for name in names)

    @property
    def effects(self) -> Effects:
        """City and year effects."""
        return absorb(self.labels("city"), self.frame["year"].to_numpy())


def read_panel(path: Path | str) -> Panel:
    """Read and check a panel CSV (UTF-8). Raises PanelError with every fault found."""
    where = Path(path)
    if not where.is_file():
        raise PanelError((Fault(str(path), "there is no such file", "a panel is a CSV file", "check the path"),))
    try:
        raw = pd.read_csv(where, dtype=str, keep_default_na=False, encoding="utf-8")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise PanelError(
            (Fault(where.name, f"cannot be read ({error})", "UTF-8 CSV with a header", "save it so"),)
        ) from error
    return check_panel(raw, where.name)


def check_panel(raw: pd.DataFrame, source: str) -> Panel:
    """A checked panel from a frame of strings or numbers whose rows are lines 2, 3, ... of `source`."""
    faults = _column_faults(raw, source)
    if faults:
        raise PanelError(faults)
    frame, faults = _numbers(raw, source)
    faults += _label_faults(frame, source)
    if not faults:
        faults = _grid_faults(frame, source) + _city_faults(frame, source)
    if not faults:
        faults = _variation_faults(frame, source)
    if faults:
        raise PanelError(faults)
    frame = frame.sort_values(["city", "year"], kind="stable").reset_index(drop=True)
    years = tuple(int(y) for y in sorted(frame["year"].unique()))
    extra = tuple(str(c) for c in raw.columns if c not in (*REQUIRED, *OPTIONAL))
    return Panel(frame, source, int(frame["city"].nunique()), years, extra)


def _column_faults(raw: pd.DataFrame, source: str) -> list[Fault]:
    faults = []
    present = [str(c) for c in raw.columns]
    for name in sorted({c for c in present if present.count(c) > 1}):
        faults.append(Fault(f"{source} header", f"column '{name}' appears twice", "names are unique", "rename one"))
    for name in REQUIRED:
        if name not in present:
            close = _nearest(name, [c for c in present if c not in (*REQUIRED, *OPTIONAL)])
            mend = f"rename '{close}' to '{name}'" if close else f"add a column '{name}'"
            faults.append(Fault(f"{source} header", f"column '{name}' is missing", "it is required", mend))
    if not len(raw):
        faults.append(Fault(source, "has no rows", "a panel has one row per city and year", "add the data"))
    return faults


def _nearest(name: str, unknown: list[str]) -> str | None:
    """The unknown column most like a required name, its case set aside."""
    by_lower = {c.lower(): c for c in unknown}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def _lines(positions: npt.NDArray[np.intp]) -> str:
    shown = ", ".join(str(int(i) + 2) for i in positions[:SHOWN])
    return f"line{'s' if positions.size > 1 else ''} {shown}" + (" and more" if positions.size > SHOWN else "")


def _numbers(raw: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[Fault]]:
    faults: list[Fault] = []
    columns: dict[str, object] = {name: raw[name].astype(str).str.strip() for name in LABELS}
    for name in ("year", *(c for c in (*REQUIRED[4:], *OPTIONAL) if c in raw.columns)):
        text = raw[name].astype(str).str.strip()
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
        blank = text.str.lower().isin(["", "nan", "na", "n/a", "null", "none", "."]).to_numpy()
        infinite = np.isinf(values)
        words = np.isnan(values) & ~blank
        for bad, found in ((blank, "is missing"), (words, "is not a number"), (infinite, "is infinite")):
            if bad.any():
                rows = np.flatnonzero(bad)
                example = "" if found == "is missing" else f" ('{text.iloc[int(rows[0])]}')"
                faults.append(
                    Fault(
                        f"{source} {_lines(rows)}", f"{name} {found} in {rows.size} row(s){example}",
                        "every value is a finite number", "give the value, or leave this city out of the file",
                    )
                )  # fmt: skip
        columns[name] = values
    if np.isfinite(columns["year"]).all():  # type: ignore[call-overload]
        years = np.asarray(columns["year"], dtype=np.float64)
        broken = np.flatnonzero(years != np.round(years))
        if broken.size:
            faults.append(Fault(f"{source} {_lines(broken)}", "year is not whole", "a year is an integer", "round it"))
        columns["year"] = years.astype(np.int64)
    return pd.DataFrame(columns), faults


def _label_faults(frame: pd.DataFrame, source: str) -> list[Fault]:
    faults = []
    for name in LABELS:
        blank = np.flatnonzero((frame[name] == "").to_numpy())
        if blank.size:
            faults.append(
                Fault(f"{source} {_lines(blank)}", f"{name} is blank", "each row has its labels", "fill it in")
            )
    odd = np.flatnonzero(~frame["region"].isin(["", *REGIONS]).to_numpy())
    if odd.size:
        found = ", ".join(sorted({str(v) for v in frame["region"].iloc[odd]})[:SHOWN])
        faults.append(
            Fault(
                f"{source} {_lines(odd)}", f"region is {found}", "a region is east, central or west", "use these words"
            )
        )
    return faults


def _grid_faults(frame: pd.DataFrame, source: str) -> list[Fault]:
    faults = []
    twice = np.flatnonzero(frame.duplicated(["city", "year"], keep=False).to_numpy())
    if twice.size:
        pairs = frame.iloc[twice][["city", "year"]].drop_duplicates()
        shown = "; ".join(f"{c} {y}" for c, y in pairs.head(SHOWN).itertuples(index=False))
        faults.append(
            Fault(
                f"{source} {_lines(twice)}", f"{len(pairs)} city-year(s) appear more than once: {shown}",
                "one row per city and year", "keep one of each",
            )
        )  # fmt: skip
    cells = pd.crosstab(frame["city"], frame["year"])
    gaps = np.argwhere(cells.to_numpy() == 0)
    if gaps.size:
        shown = "; ".join(f"{cells.index[i]} {cells.columns[j]}" for i, j in gaps[:SHOWN])
        cities = len({int(i) for i, _ in gaps})
        faults.append(
            Fault(
                source, f"{len(gaps)} city-year(s) of {cities} cities are absent: {shown}",
                "the panel is balanced: every city in every year", "supply these rows or leave those cities out",
            )
        )  # fmt: skip
    return faults


def _city_faults(frame: pd.DataFrame, source: str) -> list[Fault]:
    faults = []
    for name in ("province", "region"):
        homes = frame.groupby("city")[name].nunique()
        moving = [str(c) for c in homes[homes > 1].index]
        if moving:
            rows = np.flatnonzero(frame["city"].isin(moving).to_numpy())
            faults.append(
                Fault(
                    f"{source} {_lines(rows)}", f"{', '.join(moving[:SHOWN])}: {name} changes",
                    f"a city has one {name}", "correct the label",
                )
            )  # fmt: skip
    for name, least in (("city", 2), ("year", 2)):
        count = frame[name].nunique()
        if count < least:
            faults.append(
                Fault(source, f"has {count} {name}", f"effects and clusters need at least {least}", "add more data")
            )
    return faults


def _variation_faults(frame: pd.DataFrame, source: str) -> list[Fault]:
    numeric = [c for c in frame.columns if c not in (*LABELS, "year", "lat_deg", "lon_deg")]
    faults = [
        Fault(f"{source} column {c}", "is constant", "each variable varies", "leave the column out, or repair it")
        for c in numeric
        if frame[c].nunique() == 1
    ]
    for name in (c for c in SPLITTING if c in frame.columns):
        count = frame[name].nunique()
        if 1 < count < FEWEST_VALUES:
            faults.append(
                Fault(
                    f"{source} column {name}", f"takes {count} distinct values",
                    f"a threshold variable takes at least {FEWEST_VALUES}", "use the continuous measure",
                )
            )  # fmt: skip
    if faults:
        return faults
    effects = absorb(frame["city"].to_numpy(dtype=str), frame["year"].to_numpy())
    names = ("AI", *CONTROLS)
    try:
        inner = demean(np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64).T), effects, names)
        scaled_inverse(inner @ inner.T, names)
    except DesignError as error:
        return [Fault(f"{source} {f.where}", f.found, f.rule, f.mend) for f in error.faults]
    return []
