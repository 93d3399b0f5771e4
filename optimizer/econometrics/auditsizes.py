"""Audit rules on samples and moments: whole cities and years, possible moments, R2 of nested columns."""

from __future__ import annotations

import numpy as np

from optimizer.econometrics.auditgroups import Split, splits
from optimizer.econometrics.findings import Finding
from optimizer.econometrics.printed import Printed, Tables, as_printed, last_column


def sample_sizes(tables: Tables) -> list[Finding]:
    """n is whole cities times whole years."""
    out = []
    for name in ("table2", "table3", "table5"):
        for i, row in enumerate(tables.rows(name)):
            if not isinstance(row.get("n"), int):
                continue
            out.append(_size(tables, int(str(row["n"])), f"{name} {row.get('name', f'column {i + 1}')}"))
    return out


def _size(tables: Tables, n: int, where: str) -> Finding:
    full = tables.cities * tables.years
    candidates = [(n // y, y) for y in range(tables.years, 0, -1) if n % y == 0 and n // y <= tables.cities]
    whole_city = [(c, y) for c, y in candidates if c == tables.cities or y == tables.years]
    if whole_city:
        c, y = whole_city[0]
        return Finding("sample size", where, "holds", "whole cities and years", f"{n} = {c} x {y} (all: {full})")
    return Finding(
        "sample size", where, "unlikely", "n is neither all cities for some years nor some cities for all years",
        f"{n} is not a multiple of {tables.years} years nor of {tables.cities} cities",
    )  # fmt: skip


def moments_possible(tables: Tables) -> list[Finding]:
    """min <= mean <= max, and sd no larger than the ends allow."""
    out = []
    for name, row in tables.table("table1").items():
        values = [v.value if isinstance(v, Printed) else float(str(v)) for v in row] if isinstance(row, list) else []
        if len(values) != 5:
            continue
        n, mean, sd, low, high = values
        most = float(np.sqrt(max((high - mean) * (mean - low), 0.0) * n / (n - 1.0)))
        ok = low <= mean <= high and sd <= most * 1.01
        out.append(
            Finding(
                "moments", f"table1 {name}", "holds" if ok else "impossible",
                "the ends allow this mean and sd" if ok else "no sample has this mean, sd, minimum and maximum",
                f"sd {sd:g} against at most sqrt((max - mean)(mean - min)) = {most:.3f}",
            )
        )  # fmt: skip
    return out


def nested_columns(tables: Tables) -> list[Finding]:
    """Adding a control cannot lower R2 on one sample."""
    rows = tables.rows("table2")
    out = []
    for i in range(1, len(rows)):
        before, after = as_printed(rows[i - 1]["r2"]), as_printed(rows[i]["r2"])
        if rows[i]["n"] != rows[i - 1]["n"]:
            continue
        ok = after.high >= before.low
        out.append(
            Finding(
                "nested R2", f"table2 columns {i} and {i + 1}", "holds" if ok else "impossible",
                "R2 does not fall as controls are added" if ok else "R2 falls when a control is added on one sample",
                f"{before.value:g} then {after.value:g}",
            )
        )  # fmt: skip
    return out


def groups_whole(tables: Tables) -> list[Finding]:
    """Groups fixed by city have n a multiple of the years, and the groups of a split add up to the sample."""
    out = []
    baseline = last_column(tables)
    for split in splits(tables):
        for group in split.groups:
            ok = group.n % tables.years == 0
            out.append(
                Finding(
                    "whole cities", f"table7 {group.name}", "holds" if ok else "impossible",
                    "the group holds whole cities" if ok else "some city changes group: the split is not fixed by city",
                    f"{group.n} / {tables.years} = {group.n / tables.years:.2f}",
                )
            )  # fmt: skip
        if baseline and len(split.groups) > 1:
            out.append(_adds_up(split, baseline[2]))
    return out


def _adds_up(split: Split, n: int) -> Finding:
    total = sum(g.n for g in split.groups)
    shown = " + ".join(str(g.n) for g in split.groups)
    return Finding(
        "groups add up", f"table7 {split.name}", "holds" if total == n else "unlikely",
        f"the groups {'make' if total == n else 'do not make'} up the sample", f"{shown} = {total}; {n}",
    )  # fmt: skip
