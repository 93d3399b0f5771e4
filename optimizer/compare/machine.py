"""A comparison as plain objects for machines: `{}` if nothing differs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from math import isfinite
from typing import Any

from optimizer.compare.comparison import Comparison, Pair
from optimizer.compare.decided import RULE


def as_object(comparison: Comparison) -> dict[str, Any]:
    """Plain values only, an infinite bound as null; runs equal to the reference are named under `equal`."""
    if comparison.empty:
        return {}
    return {
        "reference": _plain(asdict(comparison.runs[0])),
        "rule": RULE,
        "equal": [pair.after.folder for pair in comparison.pairs if pair.empty],
        "against": [_pair(pair) for pair in comparison.pairs if not pair.empty],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    """A pair without its reference, which stands once."""
    whole = asdict(pair)
    del whole["before"]
    found: dict[str, Any] = _plain({"run": whole.pop("after"), **whole})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not isfinite(value) else value
