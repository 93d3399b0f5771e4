"""Time, memory and gap of the shipped scenarios, each as a whole process, beside HiGHS alone on the same MPS.

    python benchmarks/solve.py [--seeds 3] [--times 10] [SCENARIO ...]

Every seed draws other weather, demand and jobs. HiGHS alone gets the model of the first, the same gap, and `--times`
our solver time. Prints medians over the seeds, every gap, and ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from alone import alone, export

LIMITS = {"day": (0.005, 30.0, 1000.0), "week": (0.005, 60.0, 1500.0), "week_everything": (0.005, 60.0, 1500.0)}
"""Scenario -> gap to prove, seconds and MB it should stay within."""
OURS_ONLY = ("week_everything",)
"""HiGHS alone finds nothing in `week` already, and ten times our time would be half an hour."""
SEEDS = (20250714, 1, 2, 3, 4)
"""The first is the scenarios' own."""


def ours(scenario: str, seed: int, gap: float, folder: Path) -> dict[str, Any]:
    """One solve in a process of its own."""
    command = [sys.executable, "-m", "optimizer.cli", "solve", scenario, "--json", "--gap", str(gap)]
    command += ["--set", f"seed={seed}"]
    with tempfile.TemporaryDirectory(dir=folder) as out:
        started = time.perf_counter()
        done = subprocess.run([*command, "--out", f"{out}/run"], capture_output=True, text=True, check=True)
        process_s = time.perf_counter() - started
    result: dict[str, Any] = json.loads(done.stdout)
    return result | {"process_s": process_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=list(LIMITS))
    parser.add_argument("--seeds", type=int, default=3, choices=range(1, len(SEEDS) + 1))
    parser.add_argument("--times", type=float, default=10.0, help="seconds of HiGHS alone over ours; 0 leaves it out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for scenario in arguments.scenarios:
            times = 0.0 if scenario in OURS_ONLY else arguments.times
            show(scenario, SEEDS[: arguments.seeds], times, Path(name))


def show(scenario: str, seeds: Sequence[int], times: float, folder: Path) -> None:
    gap, limit_s, limit_mb = LIMITS[scenario]
    results = [ours(scenario, seed, gap, folder) for seed in seeds]
    middle = {
        key: statistics.median(r[key] for r in results)
        for key in ("process_s", "wall_s", "build_s", "hand_over_s", "solver_s", "peak_rss_mb")
    }
    first = results[0]
    outside = 1 - middle["solver_s"] / middle["wall_s"]
    print(f"{scenario}: " + ", ".join(f"{first[key]:,} {key}" for key in ("columns", "rows", "nonzeros", "integers")))
    gaps = ", ".join(f"{r['gap_frac']:.3%}" for r in results)
    print(f"  gaps           {gaps}  (asked {gap:.1%})  {first['status']}")
    print(f"  value          {first['objective_kcny']:,.1f} kCNY, bound {first['bound_kcny']:,.1f}")
    print(f"  wall           {middle['wall_s']:.1f} s  (at most {limit_s:.0f})")
    print(f"  process        {middle['process_s']:.1f} s, Python and its imports included")
    print(f"  solver         {middle['solver_s']:.1f} s; all else is {outside:.1%} of the wall time")
    print(f"  build + hand   {middle['build_s'] + middle['hand_over_s']:.1f} s")
    print(f"  peak memory    {middle['peak_rss_mb']:,.0f} MB  (at most {limit_mb:,.0f})")
    greedy = first["greedy_kcny"]
    told = "no greedy plan" if greedy is None else f"greedy plan {greedy:,.1f} kCNY"
    print(f"  max violation  {first['max_violation']:.1e}, {told}")
    if times > 0:
        found = alone(export(scenario, folder), gap, max(20.0, times * middle["solver_s"]), "choose")
        if isfinite(found.best):
            differ = abs(found.best - first["objective_kcny"]) / abs(found.best)
            print(f"  HiGHS alone    {found.seconds:.1f} s, value {found.best:,.1f} kCNY, gap {found.gap:.3%}")
            print(f"  values differ  by {differ:.3%}")
        else:
            print(f"  HiGHS alone    {found.seconds:.1f} s, no plan")
        print(f"  ratio          {found.seconds / middle['solver_s']:.1f} x our solver time")


if __name__ == "__main__":
    main()
