"""Inequality of an amount between groups of people, per head.

Theil's T and the Gini coefficient are population-weighted; T splits exactly into inequality between groups and within
them (Theil 1967; Cowell 2011, Measuring Inequality, ch. 3).
"""

from __future__ import annotations

import numpy as np

from scenarios.case import Floats


def theil(amount: Floats, people: Floats, groups: list[str]) -> tuple[float, float]:
    """Theil's T of amount per head, population-weighted: (between groups, within groups)."""
    total, heads = amount.sum(), people.sum()
    if not total:
        return 0.0, 0.0
    between = within = 0.0
    for group in sorted(set(groups)):
        members = np.array([g == group for g in groups])
        share = amount[members].sum() / total
        if share:
            between += share * float(np.log(share / (people[members].sum() / heads)))
            within += share * _theil_t(amount[members], people[members])
    return between, within


def _theil_t(amount: Floats, people: Floats) -> float:
    share, weight = amount / amount.sum(), people / people.sum()
    some = share > 0
    return float(np.sum(share[some] * np.log(share[some] / weight[some])))


def gini(amount: Floats, people: Floats) -> float:
    """Gini coefficient of amount per head, population-weighted, by the area under the Lorenz curve."""
    if not amount.sum():
        return 0.0
    order = np.argsort(amount / people, kind="stable")
    heads = np.concatenate([[0.0], np.cumsum(people[order]) / people.sum()])
    held = np.concatenate([[0.0], np.cumsum(amount[order]) / amount.sum()])
    return float(1 - np.sum(np.diff(heads) * (held[1:] + held[:-1])))
