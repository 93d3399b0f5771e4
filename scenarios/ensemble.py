"""Ensembles: many versions of one scenario with their probabilities, from a TOML file.

    base = "day"                    a scenario of the library, or a path relative to this file
    why = "..."   seed = 7   samples = 24
    [factors.NAME]                  one uncertain number, set to its keys or multiplied with what they are
    keys = ["demand.scale_ratio"]   dotted keys of a scenario; `*` stands for every name at its place
    apply = "set" | "multiply"
    and one of: distribution = "normal" ... with its parameters; values = [...] with probabilities = [...], drawn; or
    grid = [...], each of its values combined with every draw.   whole = true rounds to whole numbers.
    [members.NAME]                  a member written out: probability and set = { KEY = VALUE }

Draws share what the members written out leave of the probability, in equal parts. The same file and seed give the same
members.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hubs.errors import Fault, InputError
from scenarios import sampling
from scenarios.ensemblechecks import Change, Plan, clash_faults, plan_faults
from scenarios.ensemblefile import EnsembleSpec, FactorSpec, key_faults
from scenarios.keys import Keys, text_of
from scenarios.library import line_of
from scenarios.schema import faults_of

Check = Callable[[Sequence[Plan], Sequence[str], Keys, Path, str], list[Fault]]
"""What is looked for in the members; the arguments of `plan_faults`."""


@dataclass(frozen=True)
class Member:
    """One version of the base scenario: `load(ensemble.base, member.changes)`."""

    name: str
    changes: tuple[str, ...]
    probability_frac: float


@dataclass(frozen=True)
class Ensemble:
    """Members whose probabilities sum to one."""

    name: str
    why: str
    base: str
    seed: int
    members: tuple[Member, ...]


def read_ensemble(path: Path) -> Ensemble:
    """The ensemble of a TOML file; every member is a valid scenario. Raises InputError with every fault."""
    return _read(path, plan_faults)


def draw_ensemble(path: Path) -> Ensemble:
    """The ensemble of a TOML file whose members are not looked at; raises InputError with every fault of the file."""
    return _read(path, lambda plans, written, _, at, text: clash_faults(plans, written, at, text))


def _read(path: Path, check: Check) -> Ensemble:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise _refused(path, None, "the ensemble file is missing", "a path leads to a file", "correct it") from None
    except UnicodeDecodeError:
        raise _refused(path, None, "the file is not UTF-8", "ensembles are TOML in UTF-8", "save it so") from None
    spec = _spec(path, text)
    beside = path.parent / spec.base
    base = str(beside) if beside.suffix == ".toml" else spec.base
    keys = Keys(base)
    members, faults = _members(spec, keys, path, text, check)
    if faults:
        raise InputError(faults)
    return Ensemble(path.stem, spec.why, base, spec.seed, members)


def _spec(path: Path, text: str) -> EnsembleSpec:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        row, found = int(line.group(1)) if line else None, f"the file is not TOML ({error})"
        raise _refused(path, row, found, "ensembles are TOML", "correct this line") from None

    def place(parts: Sequence[str]) -> tuple[str, int | None]:
        rows = (line_of(text, parts[:depth]) for depth in range(len(parts), 0, -1))
        return str(path), next((row for row in rows if row), None)

    faults = key_faults(content, place)
    if faults:
        raise InputError(faults)
    try:
        return EnsembleSpec.model_validate(content)
    except ValidationError as error:
        raise InputError(faults_of(error, place)) from None


def _members(
    spec: EnsembleSpec, keys: Keys, path: Path, text: str, check: Check
) -> tuple[tuple[Member, ...], list[Fault]]:
    faults: list[Fault] = []
    plans = [*_written(spec), *_drawn(spec, keys, path, text, faults)]
    found = faults or check(plans, tuple(spec.members), keys, path, text)
    # One wrong factor is wrong in many draws: the first of them is told.
    told = {(f.row, f.column, f.rule): f for f in reversed(found)}
    members = (Member(name, tuple(change for _, change in changes), p) for name, p, changes in plans)
    return tuple(members), list(reversed(told.values()))


def _written(spec: EnsembleSpec) -> Iterable[Plan]:
    for name, member in spec.members.items():
        changes = [(f"members.{name}", f"{key}={text_of(value)}") for key, value in member.changes.items()]
        yield name, member.probability, changes


def _drawn(spec: EnsembleSpec, keys: Keys, path: Path, text: str, faults: list[Fault]) -> list[Plan]:
    """Every draw combined with every point of the grid."""
    grids = {name: factor for name, factor in spec.factors.items() if factor.grid is not None}
    left = 1.0 - sum(member.probability for member in spec.members.values())
    count = spec.samples * prod(len(factor.grid or ()) for factor in grids.values())
    points = list(product(*(factor.grid or () for factor in grids.values())))
    drawn = {name: _values(spec, name, factor) for name, factor in spec.factors.items() if name not in grids}
    if spec.leaves_nothing:
        return []
    plans: list[Plan] = []
    for place, point in enumerate(points):
        for draw in range(spec.samples):
            changes: list[Change] = []
            chosen = dict(zip(grids, point, strict=True)) | {name: values[draw] for name, values in drawn.items()}
            for name, factor in spec.factors.items():
                changes += _applied(keys, name, factor, chosen[name], path, text, faults)
            title = f"draw-{draw + 1:03d}"
            plans.append((title if len(points) == 1 else f"grid-{place + 1}-{title}", left / count, changes))
    return plans


def _values(spec: EnsembleSpec, name: str, factor: FactorSpec) -> list[Any]:
    """One value a draw."""
    at = sampling.slices(spec.seed, name, spec.samples)
    if factor.distribution is not None:
        values = sampling.quantiles(factor.distribution, factor.parameters, at).tolist()
    else:
        values = sampling.picks(factor.values or (), factor.probabilities or (), at)
    # A multiplier stays as it is drawn: its product is rounded.
    return [round(value) for value in values] if factor.whole and factor.apply == "set" else values


def _applied(
    keys: Keys, name: str, factor: FactorSpec, value: Any, path: Path, text: str, faults: list[Fault]
) -> list[Change]:
    changes = []
    for number, pattern in enumerate(factor.keys):
        try:
            for key in keys.named(pattern):
                new = keys.multiplied(key, value, factor.whole) if factor.apply == "multiply" else value
                changes.append((f"factors.{name}", f"{key}={text_of(new)}"))
        except LookupError as error:
            row = line_of(text, ["factors", name, "keys"])
            column = f"factors.{name}.keys[{number}]"
            rule = "a factor changes keys of the base scenario or of the facts"
            faults.append(Fault(str(path), row, column, str(error.args[0]), rule, str(error.args[1])))
    return changes


def _refused(path: Path, row: int | None, found: str, rule: str, mend: str) -> InputError:
    return InputError([Fault(str(path), row, None, found, rule, mend)])
