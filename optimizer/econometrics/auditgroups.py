"""Groups printed side by side: which belong to one split of the cities, and whether their slopes differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from optimizer.econometrics.findings import Finding
from optimizer.econometrics.heterogeneity import benjamini_hochberg, holm
from optimizer.econometrics.printed import Coefficient, Printed, Tables, as_printed

P_SLACK = 0.02  # a p from printed slopes and t carries their rounding, and normal for t


@dataclass(frozen=True)
class Group:
    """A printed group."""

    name: str
    n: int
    b: Coefficient


@dataclass(frozen=True)
class Split:
    """Groups that divide the cities between them."""

    name: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Pair:
    """Two groups of one split; the normal test of their difference takes cities as independent across groups."""

    first: Group
    second: Group

    @property
    def difference(self) -> float:
        """First slope less second."""
        return self.first.b.b.value - self.second.b.b.value

    @property
    def se(self) -> float:
        """Error of the difference."""
        return float((self.first.b.se**2 + self.second.b.se**2) ** 0.5)

    @property
    def p(self) -> float:
        """Two-sided normal p."""
        return float(2.0 * stats.norm.sf(abs(self.difference / self.se)))


def splits(tables: Tables) -> list[Split]:
    """By the key `split` if given; else 'high X' with 'low X', and the remaining groups together."""
    found: dict[str, list[Group]] = {}
    for row in tables.rows("table7"):
        coefficient = row[tables.treatment]
        if isinstance(coefficient, Coefficient):
            name = str(row["group"])
            found.setdefault(str(row.get("split", _inferred(name))), []).append(
                Group(name, int(str(row["n"])), coefficient)
            )
    return [Split(name, tuple(groups)) for name, groups in found.items()]


def _inferred(group: str) -> str:
    first, _, rest = group.partition(" ")
    return rest if first in ("high", "low") and rest else "region"


def comparisons(found: Sequence[Split]) -> list[Pair]:
    """Every pair within every split."""
    return [
        Pair(split.groups[i], split.groups[j])
        for split in found
        for i in range(len(split.groups))
        for j in range(i + 1, len(split.groups))
    ]


def group_differences(tables: Tables) -> list[Finding]:
    """Are groups that are shown side by side different? Tested, and corrected for the number of comparisons."""
    pairs = comparisons(splits(tables))
    if not pairs:
        return []
    p = np.array([pair.p for pair in pairs])
    adjusted, strict = benjamini_hochberg(p), holm(p)
    tested = {
        frozenset((str(r["first"]), str(r["second"]))): as_printed(r["p"]) for r in tables.rows("table7_differences")
    }
    out = []
    for pair, q, h in zip(pairs, adjusted, strict, strict=True):
        arithmetic = (
            f"{pair.first.b.b.value:g} - {pair.second.b.b.value:g} = {pair.difference:.4f}, error {pair.se:.4f}, "
            f"z = {pair.difference / pair.se:.2f}, p = {pair.p:.3f}; over {len(pairs)} comparisons "
            f"{q:.3f} (Benjamini-Hochberg), {h:.3f} (Holm)"
        )
        where = f"table7 {pair.first.name} against {pair.second.name}"
        printed = tested.get(frozenset((pair.first.name, pair.second.name)))
        out.append(_difference(where, arithmetic, pair.p, float(q), printed))
    return out


def _difference(where: str, arithmetic: str, p: float, q: float, printed: Printed | None) -> Finding:
    if printed is not None:
        ok = abs(printed.value - p) <= printed.half + P_SLACK
        text = "the printed test of the difference agrees" if ok else "the printed test does not follow from the slopes"
        return Finding(
            "group difference", where, "holds" if ok else "impossible", text, f"{arithmetic}; printed {printed.value:g}"
        )
    if q <= 0.05:
        return Finding("group difference", where, "holds", "the groups differ after correction", arithmetic)
    text = "the groups are not shown to differ" if p > 0.05 else "the difference does not survive correction"
    return Finding("group difference", where, "unsupported", text, arithmetic)
