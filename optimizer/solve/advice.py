"""Advice from another programme: its places, or who works with whom and what is lit on links.

Agreements, open sites and wavelengths are chosen for a whole horizon. A programme of one day of it chooses them
in seconds; the programme of the week takes its choice instead of finding one by solving its relaxation many times over.
Advice decides how good a plan is, never what is proved of it.
"""

from __future__ import annotations

import numpy as np

from optimizer.solve.compile import Program
from optimizer.solve.dive import Advised, choices, settle_places
from optimizer.solve.engine import Clock, Columns, Session
from optimizer.solve.parts import MACHINES, columns_of
from scenarios.case import Floats


def places(program: Program) -> Columns:
    """Integer columns that no machine owns."""
    return np.setdiff1d(np.flatnonzero(program.integer), columns_of(program, MACHINES))


def lasting(program: Program) -> Columns:
    """Of these, the ones that stand in no "exactly one" row."""
    return np.setdiff1d(places(program), choices(program)[0])


def chosen_for_long(program: Program, clock: Clock) -> Floats | None:
    """A point in which the lasting columns are whole, with room to spare; None if there is none in time.

    Another day may need an agreement that this one can do without.
    """
    session, machines = Session(program), columns_of(program, MACHINES)
    relaxed, jobs = session.relax(clock.left_s), choices(program)[0]
    return settle_places(session, relaxed, machines, clock, lambda _: None, decided=jobs, sparing=False).x


def same_places(program: Program, x: Floats) -> Advised:
    """The places of a plan of a programme of the same form."""
    return _advised(program, places(program), x[places(program)], near=True)


def from_smaller(smaller: Program, x: Floats, program: Program) -> Advised | None:
    """What a plan of a smaller programme says of the lasting columns; None if there are none, or others."""
    columns, names = lasting(program), program.column_names
    told = dict(zip(smaller.column_names, x.tolist(), strict=True))
    if not columns.size or any(names[column] not in told for column in columns):
        return None
    return _advised(program, columns, np.array([told[names[column]] for column in columns]), near=False)


def _advised(program: Program, columns: Columns, values: Floats, near: bool) -> Advised:
    whole = np.clip(np.round(values), program.lower[columns], program.upper[columns])
    return Advised(columns, whole, near)
