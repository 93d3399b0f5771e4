"""docs/data.md: every table of facts and every series, with columns, units, rules, status counts and graded sources."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from hubs import DATA, load_facts, schema
from hubs.schema import FactTable, IdentityTable, Quantity
from hubs.units import unit_of
from optimizer.docs.markdown import table
from scenarios.library import LIBRARY

HEAD = """# The data

This page is printed by `python -m optimizer.docs` from `hubs/schema.py` and the tables themselves; a test prints it
again and compares. `computegrid facts TABLE` shows every number with its range, date, source and note; a scenario
changes any of them under `[facts]`.

A number's *status* says what it is: official (a public body's own figure), reported (published by somebody else),
estimated (derived or assumed here; `low` and `high` give its range). A source's *grade* says what the evidence is: A an
official document or statement, B a publication that can be looked up, C derived, second-hand or partial, D assumed or
commonly cited without a document.

Units stand at the end of every name. A row may state another unit of the same dimension; it is converted when read.
"""
STATUSES = schema.STATUSES


def page() -> str:
    """The whole page, Markdown. Raises InputError if the facts are faulty."""
    graded = _grades(DATA / schema.SOURCES.file)
    wide = {one.file: _read(DATA / one.file) for one in schema.IDENTITIES}
    lines = [HEAD, "## Places and names (`hubs/data`)\n"]
    for identity in schema.IDENTITIES:
        lines += _identity(identity, wide[identity.file], graded)
    lines.append("## Figures (`hubs/data`)\n")
    provenance = load_facts(DATA).provenance
    for facts in schema.FACTS:
        lines += _facts(facts, provenance[provenance["table"] == facts.file.removesuffix(".csv")], graded)
    lines.append("## Networks and tariffs (`hubs/data`)\n")
    for file in (schema.NODE_FILE, schema.LINK_FILE, schema.TARIFF_FILE):
        lines += _plain(file, _read(DATA / file), graded)
    lines += _sources("## Sources of the facts", DATA / schema.SOURCES.file)
    lines.append("## Series and shapes (`scenarios/data`)\n")
    series = _grades(LIBRARY / schema.SOURCES.file)
    for path in sorted(LIBRARY.glob("*.csv")):
        if path.name != schema.SOURCES.file:
            lines += _plain(path.name, _read(path), series)
    lines += _sources("## Sources of the series", LIBRARY / schema.SOURCES.file)
    return "\n".join(lines)


def _identity(one: IdentityTable, rows: pd.DataFrame, graded: dict[str, str]) -> Iterator[str]:
    choices = {
        column: f"one of {', '.join(allowed)}" if isinstance(allowed, tuple) else f"a key of `{allowed}`"
        for column, allowed in one.choices.items()
    }
    told = "; ".join(f"`{column}` is {words}" for column, words in choices.items())
    yield f"### `{one.file}`\n"
    yield f"{len(rows)} rows, one a `{one.key}`. {told}. {_evidence(rows, graded)}\n"
    yield f"Columns: {', '.join(f'`{column}`' for column in rows.columns)}.\n"


def _facts(one: FactTable, rows: pd.DataFrame, graded: dict[str, str]) -> Iterator[str]:
    keys = ", ".join(f"`{key}`" for key in one.keys) or "nothing: one number each"
    sums = f" Sum to 1: {', '.join(f'`{name}`' for name in one.sums_to_one)}." if one.sums_to_one else ""
    yield f"### `{one.file}`\n"
    yield f"{len(rows)} numbers, keyed by {keys}.{sums}\n"
    heads = ("quantity", "unit", "rule", *STATUSES, "sources (grade)")
    yield from table(heads, (_quantity(quantity, rows, graded) for quantity in one.quantities))
    yield ""


def _quantity(quantity: Quantity, rows: pd.DataFrame, graded: dict[str, str]) -> list[str]:
    mine = rows[rows["quantity"] == quantity.name]
    rule = quantity.rule if quantity.required else f"{quantity.rule}; may be absent"
    counts = [str(int((mine["status"] == status).sum()) or "") for status in STATUSES]
    return [f"`{quantity.name}`", unit_of(quantity.name), rule, *counts, _codes(mine["source"], graded)]


def _plain(file: str, rows: pd.DataFrame, graded: dict[str, str]) -> Iterator[str]:
    yield f"### `{file}`\n"
    yield f"{len(rows)} rows. {_evidence(rows, graded)}\n"
    yield f"Columns: {', '.join(f'`{column}`' for column in rows.columns)}.\n"


def _evidence(rows: pd.DataFrame, graded: dict[str, str]) -> str:
    if "status" not in rows:
        return "An example made by hand: no figures of the world."
    counts = [f"{int((rows['status'] == status).sum())} {status}" for status in STATUSES]
    return f"Status: {', '.join(counts)}. Sources: {_codes(rows['source'], graded)}."


def _codes(sources: pd.Series[str], graded: dict[str, str]) -> str:
    return ", ".join(f"{code} ({graded[code]})" for code in sorted(set(sources)))


def _sources(title: str, path: object) -> Iterator[str]:
    rows = _read(path)
    yield f"{title}\n"
    heads = [column for column in ("source", "grade", "title", "date", "url", "licence") if column in rows]
    yield from table(tuple(heads), rows[heads].sort_values("source").to_numpy().tolist())
    yield ""


def _grades(path: object) -> dict[str, str]:
    rows = _read(path)
    return dict(zip(rows["source"], rows["grade"], strict=True))


def _read(path: object) -> pd.DataFrame:
    return pd.read_csv(str(path), dtype=str, keep_default_na=False)
