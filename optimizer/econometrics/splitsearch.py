"""Sequential least-squares search for thresholds over a Gram matrix of candidate splits, many outcomes at once.

A pick is a pivot of a Cholesky factorisation: after it, b and the diagonal of A are those of the model that contains
it. Earlier picks are searched again given the later ones (Bai 1997), so that each is best given the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.econometrics.arrays import Floats, Ints
from optimizer.econometrics.errors import DesignError

COLLINEAR = 1e-9


@dataclass(frozen=True)
class Room:
    """Where thresholds may lie: rows below each candidate (G,), rows in all, and the least per regime."""

    below: Ints
    nobs: int
    least: int

    def start(self) -> Floats:
        """0 where a first threshold may lie, -inf elsewhere; shape (G,)."""
        fine = (self.below >= self.least) & (self.nobs - self.below >= self.least)
        return np.where(fine, 0.0, -np.inf)


class State:
    """b (B, G), a (B, G), ssr (B,) given the picks so far; arrays are updated in place (they are the working set)."""

    def __init__(self, b: Floats, s0: Floats, gram: Floats, room: Room) -> None:
        self.gram, self.room = gram, room
        self.b = b.copy()
        self.a = np.repeat(np.diag(gram)[None, :], b.shape[0], axis=0)
        self.ssr = s0.copy()
        self.barred = np.repeat(room.start()[None, :], b.shape[0], axis=0)
        self.columns: list[Floats] = []
        self.rows = np.arange(b.shape[0])

    def gains(self) -> Floats:
        """Fall in SSR from a further threshold at each candidate; -inf where none may lie."""
        floor = COLLINEAR * np.diag(self.gram)
        gain = np.square(self.b)
        gain /= np.maximum(self.a, floor + np.finfo(float).tiny)
        gain[self.a <= floor] = -np.inf
        gain += self.barred
        return gain

    def best(self) -> Ints:
        """The best further candidate of each outcome."""
        gain = self.gains()
        picks = gain.argmax(axis=1)
        if not np.isfinite(gain[self.rows, picks]).all():
            raise DesignError(
                "threshold search", "no candidate is left for a further threshold",
                f"each regime keeps at least {self.room.least} rows", "ask for fewer thresholds or a smaller trim",
            )  # fmt: skip
        return np.asarray(picks, dtype=np.int64)

    def add(self, picks: Ints) -> None:
        """Put one threshold per outcome into the model."""
        column = self.gram[picks]
        for earlier in self.columns:
            column -= earlier * earlier[self.rows, picks][:, None]
        root = np.sqrt(self.a[self.rows, picks])
        column /= root[:, None]
        share = self.b[self.rows, picks] / root
        self.ssr = self.ssr - share**2
        self.b -= column * share[:, None]
        self.a -= np.square(column)
        self.columns.append(column)
        near = np.abs(self.room.below - self.room.below[picks][:, None]) < self.room.least
        self.barred[near] = -np.inf


def given(b: Floats, s0: Floats, gram: Floats, room: Room, picks: Ints) -> State:
    """State with thresholds at picks (B, m)."""
    state = State(b, s0, gram, room)
    for j in range(picks.shape[1]):
        state.add(picks[:, j])
    return state


def search(
    b: Floats, s0: Floats, gram: Floats, room: Room, most: int, *, refine: bool = True
) -> tuple[list[Ints], Floats]:
    """For 0..most thresholds: picks (B, m) of each m, and SSR (B, most + 1)."""
    picks = np.empty((b.shape[0], 0), dtype=np.int64)
    state = State(b, s0, gram, room)
    path, ssr = [picks], [state.ssr]
    for m in range(1, most + 1):
        if m > 2 and refine:  # picks moved in the last refinement
            state = given(b, s0, gram, room, picks)
        newest = state.best()
        picks = np.column_stack((picks, newest))
        if refine and m > 1:
            picks, state = _refine(b, s0, gram, room, picks)
        else:
            state.add(newest)
        path.append(picks)
        ssr.append(state.ssr)
    return path, np.column_stack(ssr)


def _refine(b: Floats, s0: Floats, gram: Floats, room: Room, picks: Ints) -> tuple[Ints, State]:
    picks = picks.copy()
    state = State(b, s0, gram, room)
    for j in range(picks.shape[1] - 1):
        state = given(b, s0, gram, room, np.delete(picks, j, axis=1))
        picks[:, j] = state.best()
        if j == picks.shape[1] - 2:
            state.add(picks[:, j])
    return picks, state
