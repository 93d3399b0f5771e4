"""The sets every block shares, and short ways to declare Params and Sets from a case's arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.blocks.ledger import Books
from scenarios.case import Case


def open_books(case: Case) -> pyo.ConcreteModel:
    """A model with the shared sets and empty ledgers (`model.books`, a plain Python object)."""
    model = pyo.ConcreteModel(name=case.name)
    horizon = case.horizon
    model.regions = pyo.Set(initialize=case.regions)
    model.sites = pyo.Set(initialize=case.sites)
    model.clusters = pyo.Set(initialize=case.clusters)
    model.hours = pyo.Set(initialize=range(horizon.hours))
    model.periods = pyo.Set(initialize=range(horizon.periods))
    model.days = pyo.Set(initialize=range(horizon.days))
    model.pairs = pyo.Set(initialize=list(case.routes), dimen=2)
    model.remote_pairs = pyo.Set(initialize=[pair for pair, ways in case.routes.items() if ways[0].links], dimen=2)
    model.period_of = pyo.Param(model.hours, initialize={t: t // horizon.period_h for t in range(horizon.hours)})
    model.day_of = pyo.Param(model.hours, initialize={t: t // 24 for t in range(horizon.hours)})
    model.hour_before = indexed_set(
        model.hours,
        {t: [t - 1] if t else [horizon.hours - 1] if horizon.cyclic else [] for t in range(horizon.hours)},
    )
    # What a window takes over from the hours before it is indexed by them: -1 is the last of them.
    model.hour_earlier = indexed_set(model.hours, {0: [-1]} if horizon.before_h else {})
    # `Books` holds rules, not components: keep it out of Pyomo's component tree.
    object.__setattr__(model, "books", Books())
    return model


def by_index(values: np.ndarray[Any, Any], *axes: Iterable[Hashable]) -> dict[Any, float]:
    """The entries of an array keyed by the product of its axes, as a Param's `initialize` wants them."""
    lists = [list(axis) for axis in axes]
    keys: Iterable[Any] = product(*lists) if len(lists) > 1 else lists[0]
    return dict(zip(keys, np.asarray(values, dtype=float).ravel().tolist(), strict=True))


def indexed_set(index: pyo.Set, members: Mapping[Any, Iterable[Any]], dimen: int = 1) -> pyo.Set:
    """A Set of lists; indices that `members` leaves out are empty, so rules may sum over them."""
    return pyo.Set(index, initialize={i: list(members.get(i, ())) for i in index}, dimen=dimen)


def group(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """(key, member) pairs as lists of members by key, for `indexed_set`."""
    groups: dict[Any, list[Any]] = {}
    for key, member in pairs:
        groups.setdefault(key, []).append(member)
    return groups
