"""Slopes for a projection: from a fitted study's region rows, or from published tables."""

from __future__ import annotations

from pathlib import Path

from optimizer.econometrics.errors import DesignError
from optimizer.econometrics.panel import REGIONS
from optimizer.econometrics.printed import Coefficient, load_tables
from optimizer.econometrics.projection import Slope
from optimizer.econometrics.results import Results


def from_results(results: Results) -> dict[str, tuple[Slope, ...]]:
    """One slope per region of a fitted panel. Raises DesignError when the panel has one region only."""
    split = results.groups.splits.get("region")
    if split is None:
        raise DesignError(
            "study", "has no slopes by region", "a projection needs one per zone", "fit a panel with several regions"
        )
    return {g.group: (Slope(float(g.fit.beta[0]), float(g.fit.se[0])),) for g in split.groups}


def from_tables(path: Path | str) -> dict[str, tuple[Slope, ...]]:
    """One slope per region from a file of published tables (b and b / t). Raises TablesError or DesignError."""
    tables = load_tables(path)
    found: dict[str, tuple[Slope, ...]] = {}
    for row in tables.rows("table7"):
        coefficient = row[tables.treatment]
        if row["group"] in REGIONS and isinstance(coefficient, Coefficient):
            found[str(row["group"])] = (Slope(coefficient.b.value, coefficient.se),)
    missing = [region for region in REGIONS if region not in found]
    if missing:
        raise DesignError(
            f"{tables.source} [[table7]]", f"has no group {', '.join(missing)}",
            "a projection needs east, central and west", "add these groups",
        )  # fmt: skip
    return found
