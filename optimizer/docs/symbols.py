"""Letters for indices: what a member of a set is decides its letter, so that a new set reads like the old ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyomo.environ as pyo

from scenarios.case import Case

MEANINGS = {
    "r": "region: a province, where work comes from",
    "s": "site: a cluster, or the local site of a province",
    "c": "cluster",
    "h": "hub",
    "k": "class of latency-bound service",
    "b": "class of batch work",
    "j": "training job",
    "g": "generation of pods",
    "f": "carrier of direct supply: wind or sun",
    "l": "backbone link",
    "i": "forward position",
    "q": "candidate route of a pair, or another of what the letter before it means",
    "n": "segment of a curve",
    "t": "hour, [t, t+1) of the horizon; a slot of a local site is named by its last hour",
    "p": "steering period",
    "d": "day",
}
NUMBERED = {
    "periods": "p",
    "periods_of_day": "p",
    "days": "d",
    "recent_days": "d",
    "ways": "q",
    "ways_of": "q",
    "ways_over": "q",
    "ways_to": "q",
    "segments": "n",
    "steps": "n",
}
"""Sets whose last index is a number but no hour."""
MARK = "′"


class Letters:
    """Which letters stand for the members of a set, in models of one case."""

    def __init__(self, case: Case, models: Sequence[pyo.ConcreteModel]) -> None:
        """A set that is empty in one of the `models` is known by its members in another."""
        kinds: tuple[tuple[str, Iterable[str]], ...] = (
            ("c", case.clusters),
            ("s", case.sites),
            ("r", (*case.regions, *case.site_region.values())),
            ("h", case.site_hub.values()),
            ("k", (one.name for one in case.services)),
            ("b", (one.name for one in case.batches)),
            ("j", (one.name for one in case.jobs)),
            ("g", (one.name for one in case.generations)),
            ("f", case.carriers),
            ("l", case.links),
            ("i", (one.name for one in case.positions)),
        )
        self.kinds = [(letter, set(names)) for letter, names in kinds]
        self.members: dict[str, set[tuple[Any, ...]]] = {}
        for model in models:
            for one in model.component_objects(pyo.Set):
                known = self.members.setdefault(one.name, set())
                for part in one.values() if one.is_indexed() else [one]:
                    known |= {member if isinstance(member, tuple) else (member,) for member in part}

    def of(self, name: str, taken: Iterable[str] = ()) -> list[str]:
        """A letter for each place of the members of a set, by its full name; marked where one is taken."""
        short, letters = name.rsplit(".", 1)[-1], list[str]()
        for place in zip(*self.members.get(name, ()), strict=True):
            letters.append(marked(self._letter(short, set(place)), [*taken, *letters]))
        return letters

    def along(self, names: Iterable[str]) -> list[list[str]]:
        """The letters of several sets, one after the other."""
        groups: list[list[str]] = []
        for name in names:
            groups.append(self.of(name, [letter for group in groups for letter in group]))
        return groups

    def _letter(self, short: str, found: set[Any]) -> str:
        if all(isinstance(member, int) for member in found):
            return NUMBERED.get(short, "t")
        return next((letter for letter, known in self.kinds if found <= known), short[:1])


def marked(letter: str, taken: Iterable[str]) -> str:
    """The letter with as many marks as make it differ from those that are taken."""
    while letter in taken:
        letter += MARK
    return letter
