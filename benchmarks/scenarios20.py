"""Twenty national days that differ in prices, demand and carbon price: each solved from nothing, beside the live way.

    python benchmarks/scenarios20.py [--count 20] [--gap 0.005]

The cold way builds, compiles and solves every case on its own: in a process each, as commands do, and in one process
that has its facts already. The live way keeps one programme in HiGHS and changes its numbers. Values must agree
within the gaps.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.solve.compile import compile_case
from optimizer.solve.live import Live
from optimizer.solve.optimum import gap_frac, optimise
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import load

ENERGY, DEMAND, CARBON_KCNY = (0.75, 1.25), (0.85, 1.10), (0.0, 0.3)
"""Factors on the energy price and on demand, and the carbon price (kCNY per tonne): from, to."""
LIMIT_S = 300.0


@dataclass(frozen=True)
class Found:
    """Best value and bound of one case (kCNY), and the seconds it took, whatever had to be built included."""

    value_kcny: float
    bound_kcny: float
    seconds: float

    @property
    def gap_frac(self) -> float:
        return gap_frac(self.value_kcny, self.bound_kcny)


def radical_inverse(number: int, base: int) -> float:
    """The digits of a whole number mirrored at the point: evenly spread over 0 to 1 as the number counts up."""
    place, value = 1.0, 0.0
    while number:
        place /= base
        number, digit = divmod(number, base)
        value += place * digit
    return value


def factors(count: int) -> list[tuple[float, float, float]]:
    """(energy, demand, carbon price) of each scenario: a Halton sequence, whose first point is today's day."""
    today = (1.0, 1.0, build_case(load("day")).prices.carbon_kcny_per_tco2)
    drawn = [today]
    for i in range(1, count):
        energy, demand, carbon = (
            low + (high - low) * radical_inverse(i, base)
            for (low, high), base in zip((ENERGY, DEMAND, CARBON_KCNY), (2, 3, 5), strict=True)
        )
        drawn.append((energy, demand, carbon))
    return drawn


def scenario(day: Case, energy: float, demand: float, carbon_kcny: float) -> Case:
    """The day at another energy price, demand and carbon price; jobs, machines and network are the same."""
    return replace(
        day,
        energy_kcny_per_mwh=energy * day.energy_kcny_per_mwh,
        demand_eflops=demand * day.demand_eflops,
        arrivals_eflopsh=demand * day.arrivals_eflopsh,
        prices=replace(day.prices, carbon_kcny_per_tco2=carbon_kcny),
    )


def cold_values(cases: Sequence[Case], gap: float) -> list[Found]:
    """Every case built, compiled and solved on its own."""
    found = []
    for case in cases:
        started = time.perf_counter()
        outcome = optimise(compile_case(case), gap, LIMIT_S)
        found.append(Found(outcome.objective_kcny, outcome.bound_kcny, time.perf_counter() - started))
    return found


def process_values(count: int, gap: float) -> list[Found]:
    """Every scenario in a process of its own, as a planner without a live object would: imports and facts included."""
    found = []
    for number in range(count):
        started = time.perf_counter()
        words = ["--count", str(count), "--gap", str(gap), "--only", str(number)]
        done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
        value, bound = json.loads(done.stdout)
        found.append(Found(value, bound, time.perf_counter() - started))
    return found


def live_values(cases: Sequence[Case], gap: float) -> list[Found]:
    """The same cases in one programme that stays in HiGHS; every one is still built and compiled."""
    found: list[Found] = []
    live: Live | None = None
    for case in cases:
        started = time.perf_counter()
        program = compile_case(case)
        if live is None:
            live = Live(program, gap, LIMIT_S)
            outcome = live.outcome
        else:
            answer = live.solve(program, gap, LIMIT_S)
            outcome = answer.outcome
            if answer.rebuilt:
                print(f"scenario {len(found)} was solved from nothing: {answer.rebuilt}")
        found.append(Found(outcome.objective_kcny, outcome.bound_kcny, time.perf_counter() - started))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--gap", type=float, default=0.005)
    parser.add_argument("--only", type=int, help="solve this one and print its value and bound")
    arguments = parser.parse_args()
    day, drawn = build_case(load("day")), factors(arguments.count)
    cases = [scenario(day, *three) for three in drawn]
    if arguments.only is not None:
        alone = cold_values([cases[arguments.only]], arguments.gap)[0]
        print(json.dumps([alone.value_kcny, alone.bound_kcny]))
        return
    ways = {
        "cold, a process each": process_values(arguments.count, arguments.gap),
        "cold, in one process": cold_values(cases, arguments.gap),
        "live": live_values(cases, arguments.gap),
    }
    print("  energy  demand  carbon" + "".join(f"   {way + ': kCNY':>27}      gap      s" for way in ways))
    for i, (energy, demand, carbon) in enumerate(drawn):
        print(f"  {energy:6.3f}  {demand:6.3f}  {carbon:6.3f}" + "".join(_shown(found[i]) for found in ways.values()))
    seconds = {way: sum(f.seconds for f in found) for way, found in ways.items()}
    for way, total in seconds.items():
        middle, part = np.median([f.seconds for f in ways[way]]), seconds["live"] / total
        print(f"{way}: {total:.1f} s in all, {middle:.2f} s the middle one; live takes {part:.2f} of it")
    cold, *others = ways.values()
    apart = [i for i in range(len(cases)) if any(_apart(cold[i], other[i]) for other in others)]
    if apart:
        raise SystemExit(f"the ways disagree beyond their gaps in scenarios {apart}")


def _shown(found: Found) -> str:
    return f"   {found.value_kcny:27,.1f}  {found.gap_frac:7.3%}  {found.seconds:5.2f}"


def _apart(one: Found, other: Found) -> bool:
    """Whether a best value lies below the other's bound."""
    slack = 1e-6 * abs(one.value_kcny)
    return one.value_kcny < other.bound_kcny - slack or other.value_kcny < one.bound_kcny - slack


if __name__ == "__main__":
    main()
