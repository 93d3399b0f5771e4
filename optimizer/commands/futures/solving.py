"""Members of an ensemble solved, in several processes: one plan each, its prices, and what its contracts take.

After a plan is found its whole numbers are held and all else is solved once more: that plan never costs more, and the
duals of its compute ledger are the prices of the index.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace

import numpy as np

from hubs.errors import ComputegridError, Fault, InputError
from optimizer.market.contracts import Contract, check
from optimizer.market.delivering import Book, Effect, Undeliverable, deliver, western_occupancy_frac
from optimizer.market.outcomes import Outcome, Outcomes, gather
from optimizer.market.placed import (
    cluster_load_eflops,
    cluster_prices_kcny_per_eflopsh,
    home_kcny_per_eflopsh,
    work_eflops,
)
from optimizer.market.uplift import owned_columns
from optimizer.solve import engine
from optimizer.solve.compile import Program, TriviallyInfeasible, compile_case
from optimizer.solve.engine import Session, SolverError
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.case import Case, Floats
from scenarios.ensemble import Ensemble, Member
from scenarios.library import load


class NoPlan(ComputegridError):
    """A member has no plan; `stop` says why the engine stopped."""

    def __init__(self, name: str, words: str, stop: str) -> None:
        super().__init__(name, words, stop)
        self.stop = stop

    def __str__(self) -> str:
        return f"member '{self.args[0]}': {self.args[1]}"


@dataclass(frozen=True)
class Task:
    """One member to solve. `damages` in kCNY per EFLOPS·h; gap and limit None are the scenario's own."""

    base: str
    member: Member
    contracts: tuple[Contract, ...]
    damages_kcny_per_eflopsh: float
    gap_frac: float | None = None
    time_limit_s: float | None = None


def solve_members(
    ensemble: Ensemble,
    contracts: Sequence[Contract],
    damages_kcny_per_eflopsh: float,
    gap_frac: float | None = None,
    workers: int = 1,
    heard: Callable[[str], None] = lambda _: None,
) -> Outcomes:
    """All members, in the order of the ensemble; `heard` is told of each.

    Raises InputError if the contracts do not fit a member, NoPlan if a member has none, SolverError if HiGHS fails.
    """
    tasks = [Task(ensemble.base, m, tuple(contracts), damages_kcny_per_eflopsh, gap_frac) for m in ensemble.members]
    done: dict[str, Outcome] = {}

    def keep(outcome: Outcome) -> None:
        done[outcome.name] = outcome
        words = f"{outcome.cost_kcny:,.0f} kCNY, gap {outcome.gap_frac:.2%}, {outcome.wall_s:.1f} s"
        heard(f"{len(done)}/{len(tasks)} {outcome.name}: {words}")

    if workers == 1:
        for task in tasks:
            keep(solve_member(task))
    else:
        # Spawned, not forked: a fork would share the solver's threads.
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _one_thread) as pool:
            waiting = [pool.submit(solve_member, task) for task in tasks]
            try:
                for future in as_completed(waiting):
                    keep(future.result())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    first = build_case(load(ensemble.base, ensemble.members[0].changes))
    return gather([done[m.name] for m in ensemble.members], first, _buyers(contracts))


def solve_member(task: Task) -> Outcome:
    """One member: the plan, its prices, and the physical contracts delivered."""
    started = time.perf_counter()
    loaded = load(task.base, task.member.changes)
    gap = task.gap_frac or loaded.scenario.solve.gap_frac
    limit_s = task.time_limit_s or loaded.scenario.solve.time_limit_s
    try:
        case = build_case(loaded)
        check(task.contracts, case)
    except InputError as error:
        raise InputError(_of_member(error, task.member.name)) from None
    try:
        program = compile_case(case)
        found = optimise(program, gap, limit_s)
        if found.x is None:
            raise NoPlan(task.member.name, found.words, found.stop)
        cost_kcny, x, dual = settled(program, found.x, limit_s)
        book, alone = _delivered(case, task, gap, limit_s)
    except (TriviallyInfeasible, Undeliverable) as rule:
        raise NoPlan(task.member.name, f"no plan meets a rule: {rule}", "infeasible") from None
    buyers, owned = _buyers(task.contracts), owned_columns(program)
    return Outcome(
        name=task.member.name,
        probability_frac=task.member.probability_frac,
        start=case.horizon.start,
        stop=found.stop,
        cost_kcny=cost_kcny,
        bound_kcny=min(found.bound_kcny, cost_kcny),
        load_eflops=cluster_load_eflops(case, program, x),
        price_kcny_per_eflopsh=cluster_prices_kcny_per_eflopsh(case, program, dual),
        site_cost_kcny=np.array([program.cost[owned[c]] @ x[owned[c]] for c in case.clusters]),
        work_eflops=work_eflops(Plan(case, program, x), buyers),
        home_kcny_per_eflopsh=np.stack([home_kcny_per_eflopsh(case, buyer) for buyer in buyers]),
        certificate_kcny_per_mwh=case.prices.certificate_kcny_per_mwh,
        western_occupancy_frac=western_occupancy_frac(case, program, x),
        book=book,
        alone=alone,
        wall_s=time.perf_counter() - started,
    )


def _delivered(case: Case, task: Task, gap: float, limit_s: float) -> tuple[Book | None, dict[str, Effect]]:
    if not any(contract.physical for contract in task.contracts):
        return None, {}
    return deliver(case, task.contracts, task.damages_kcny_per_eflopsh, gap, limit_s)


def settled(program: Program, x: Floats, time_limit_s: float) -> tuple[float, Floats, Floats]:
    """Cost, point and row duals with the whole numbers of a plan held."""
    session, integers = Session(program), np.flatnonzero(program.integer)
    session.fix(integers, np.round(x[integers]))
    point = session.relax(time_limit_s)
    if point.x is None:
        raise SolverError(f"the plan is not solved for prices: {point.status}")
    return point.objective_kcny, point.x, session.duals().row


def _buyers(contracts: Sequence[Contract]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(contract.buyer for contract in contracts))


def _of_member(error: InputError, name: str) -> list[Fault]:
    return [replace(fault, found=f"{fault.found} (member '{name}')") for fault in error.faults]


def _one_thread() -> None:
    """In a process of several each engine takes one thread: two plans at a time beat one plan on two threads."""
    engine.THREADS = 1
