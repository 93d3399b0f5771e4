"""Stability of a division: who would be better off leaving, the least core, and the nucleolus.

The excess of a coalition is what it could have by itself less what its members get. A division is in the core when it
gives out v(N) and no coalition has a positive excess. The least core makes the largest excess as small as can be; the
nucleolus goes on to the second largest and so forth, until one division is left.

Sources: Gillies (1959) for the core; Maschler, Peleg & Shapley (1979) for the least core; Schmeidler (1969), "The
nucleolus of a characteristic function game"; the sequence of linear programmes: Kopelowitz (1967), with the rank rule
of Potters, Reijnierse & Ansing (1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import OptimizeResult, linprog

from hubs.errors import ComputegridError, Fault, InputError
from optimizer.market.games import Game, membership
from scenarios.case import Floats

DUAL_TOLERANCE = 1e-6
RANK_TOLERANCE = 1e-9


@dataclass(frozen=True)
class CoreCheck:
    """Whether a division is in the core. `undecided`: it depends on where in their intervals the values lie."""

    verdict: Literal["in", "out", "undecided"]
    worst: tuple[str, ...]
    """Coalition with the largest excess (everyone and nobody left out)."""
    excess_kcny: float
    """Its excess at the best-found values: above zero, it would gain by leaving."""
    unshared_kcny: float
    """v(N) less what is given out; a division in the core gives out all."""


@dataclass(frozen=True)
class LeastCore:
    """`excess_kcny`: the largest excess at its smallest; the core is empty when it is above zero."""

    excess_kcny: float
    payoff_kcny: Floats  # (n,): one division that attains it


@dataclass(frozen=True)
class Nucleolus:
    """`payoff_kcny` (n,); `levels_kcny`: the excess fixed in each round, never rising; `rounds` of programmes."""

    payoff_kcny: Floats
    levels_kcny: tuple[float, ...]

    @property
    def rounds(self) -> int:
        return len(self.levels_kcny)


class GameError(ComputegridError):
    """A linear programme of a game did not end with an optimum; the message says how it stopped."""


def excesses_kcny(game: Game, payoff_kcny: Floats) -> Floats:
    """(2**n,) excess of each coalition; zero for nobody."""
    return np.asarray(game.value - membership(game.n) @ np.asarray(payoff_kcny, dtype=float))


def core_check(game: Game, payoff_kcny: Floats, tolerance_kcny: float = 1e-6) -> CoreCheck:
    """Core membership of a division (n,), with the coalition that has most reason to leave.

    A division in the core for all values within the gaps is `in`, for none is `out`.
    """
    given = membership(game.n) @ np.asarray(payoff_kcny, dtype=float)
    unshared = game.total - float(given[-1])
    if game.n == 1:
        verdict: Literal["in", "out", "undecided"] = "in" if abs(unshared) <= tolerance_kcny else "out"
        return CoreCheck(verdict, (), 0.0, unshared)
    proper = slice(1, game.everyone)
    surely_fits = game.low[-1] - tolerance_kcny <= given[-1] <= game.high[-1] + tolerance_kcny
    never = bool((game.low[proper] - given[proper] > tolerance_kcny).any()) or not surely_fits
    always = bool((game.high[proper] - given[proper] <= tolerance_kcny).all()) and abs(unshared) <= tolerance_kcny
    worst = 1 + int(np.argmax((game.value - given)[proper]))
    excess = float(game.value[worst] - given[worst])
    return CoreCheck("out" if never else "in" if always else "undecided", game.names(worst), excess, unshared)


def least_core(game: Game) -> LeastCore:
    """The smallest largest excess over all divisions of v(N), at the best-found values, and one that attains it."""
    if game.n == 1:
        return LeastCore(-np.inf, game.value[1:].copy())
    ladder = _Ladder(game, individually_rational=False)
    ladder.climb()
    scale, levels = ladder.scale, ladder.levels
    return LeastCore(levels[0] * scale, game.alone + ladder.first_payoff * scale)


def nucleolus(game: Game) -> Nucleolus:
    """The division whose excesses, sorted from the largest, come first in dictionary order, among the imputations.

    An imputation gives out v(N) and nobody less than standing alone. InputError where there is none (standing alone is
    worth more in sum): see `prenucleolus`. The two agree where the core is not empty. Values are the best-found ones.
    """
    short = float(game.alone.sum()) - game.total
    if short > 1e-9 * max(1.0, float(np.abs(game.value).max())):
        found = f"standing alone is worth {short:.6g} kCNY more in sum than everyone together"
        rule = "a nucleolus gives nobody less than standing alone"
        raise InputError([Fault("nucleolus", None, None, found, rule, "use the prenucleolus, or correct the game")])
    return _nucleolus(game, individually_rational=True)


def prenucleolus(game: Game) -> Nucleolus:
    """As `nucleolus`, among all divisions of v(N), also those that give a player less than standing alone."""
    return _nucleolus(game, individually_rational=False)


def _nucleolus(game: Game, individually_rational: bool) -> Nucleolus:
    if game.n == 1:
        return Nucleolus(game.value[1:].copy(), ())
    ladder = _Ladder(game, individually_rational)
    while ladder.rank < game.n:
        ladder.climb()
    payoff, levels = ladder.settle()
    return Nucleolus(game.alone + payoff * ladder.scale, tuple(float(level) * ladder.scale for level in levels))


class _Ladder:
    """The sequence of programmes, on the game less standing alone and scaled to one.

    Each round minimises the largest excess of the coalitions still open. A positive dual marks a coalition that has
    this excess in *every* optimum; it is fixed. Coalitions whose members' sum follows from those fixed are open no
    longer: they are skipped by rank, not by their excess, so that ties cannot stall a round. The duals of the open ones
    sum to one, hence each round fixes at least one and the rank grows: n - 1 rounds at most.
    """

    def __init__(self, game: Game, individually_rational: bool) -> None:
        self.n = game.n
        inside = membership(game.n)
        gain = game.value - inside @ game.alone
        # Relative to the values, not the gains: a game without any gain is one of zeros, not of rounding errors.
        noise = 1e-13 * float(np.abs(game.value).max())
        self.scale = max(float(np.abs(gain).max()), noise, 1e-300)
        self.inside, self.gain = inside, gain / self.scale
        self.floor = 0.0 if individually_rational else None
        self.open = np.arange(1, game.everyone)
        self.tight: list[tuple[int, int]] = []
        """(coalition, round): its excess is the level of that round in every optimum."""
        self.held: list[tuple[int, int]] = []
        """Those of them that do not follow from the others: the equations of the next programmes."""
        self.floors: list[int] = []
        """Players who get no more than standing alone in every optimum; like `held`, the independent ones are kept."""
        self.held_floors: list[int] = []
        self.levels: list[float] = []
        self.basis = np.ones((1, game.n)) / np.sqrt(game.n)
        self.first_payoff = np.zeros(game.n)

    @property
    def rank(self) -> int:
        return len(self.basis)

    def climb(self) -> None:
        """One round: the programme, what is tight in every optimum, and what that decides."""
        n, turn = self.n, len(self.levels)
        result = self._programme()
        if not self.levels:
            self.first_payoff = np.asarray(result.x[:n])
        self.levels.append(float(result.x[n]))
        for mask in self.open[-result.ineqlin.marginals > DUAL_TOLERANCE].tolist():
            self.tight.append((mask, turn))
            if self._extends(self.inside[mask]):
                self.held.append((mask, turn))
        if self.floor is not None:
            for player in np.flatnonzero(result.lower.marginals[:n] > DUAL_TOLERANCE).tolist():
                self.floors.append(player)
                if self._extends(np.eye(n)[player]):
                    self.held_floors.append(player)
        self.open = self.open[self._residual(self.inside[self.open]) > RANK_TOLERANCE]

    def settle(self) -> tuple[Floats, Floats]:
        """Payoffs and levels once the rank is full: all tight equations solved at once, free of the solver's tolerance.

        GameError if they contradict one another, which would mean that a dual was misread.
        """
        n, rounds = self.n, len(self.levels)
        masks, turns = [mask for mask, _ in self.tight], [turn for _, turn in self.tight]
        rows = np.vstack([self.inside[[-1, *masks]], np.eye(n)[self.floors]])
        levels = np.zeros((len(rows), rounds))
        levels[np.arange(1, 1 + len(masks)), turns] = 1.0
        right = np.concatenate([self.gain[[-1, *masks]], np.zeros(len(self.floors))])
        system = np.column_stack([rows, levels])
        solution = np.linalg.lstsq(system, right, rcond=None)[0]
        if np.abs(system @ solution - right).max() > 1e-8:
            raise GameError("the tight coalitions of the nucleolus contradict one another")
        return np.asarray(solution[:n]), np.asarray(solution[n:])

    def _programme(self) -> OptimizeResult:
        n = self.n
        fixed = [mask for mask, _ in self.held]
        sums = [self.gain[mask] - self.levels[turn] for mask, turn in self.held]
        equal = np.vstack([self.inside[[-1, *fixed]], np.eye(n)[self.held_floors]])
        result = linprog(
            np.append(np.zeros(n), 1.0),
            A_ub=-np.column_stack([self.inside[self.open], np.ones(len(self.open))]),
            b_ub=-self.gain[self.open],
            A_eq=np.column_stack([equal, np.zeros(len(equal))]),
            b_eq=[self.gain[-1], *sums, *([0.0] * len(self.held_floors))],
            bounds=[*([(self.floor, None)] * n), (None, None)],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.status != 0:
            raise GameError(f"round {len(self.levels) + 1} of the nucleolus found no optimum: {result.message}")
        return result

    def _residual(self, rows: Floats) -> Floats:
        """How far each row lies from the span of what is fixed."""
        return np.asarray(np.linalg.norm(rows - rows @ self.basis.T @ self.basis, axis=-1))

    def _extends(self, row: Floats) -> bool:
        """Whether a row is independent of what is fixed; if so it joins the basis."""
        if float(self._residual(row)) <= RANK_TOLERANCE:
            return False
        rest = row - row @ self.basis.T @ self.basis
        self.basis = np.vstack([self.basis, rest / np.linalg.norm(rest)])
        return True
