"""HiGHS alone on the exported model beside ours: the same gap asked, ten times our time given, two ways for its root.

    python benchmarks/alone.py [--times 10] [--least-s 20] [--log] [SCENARIO ...]

Ours is one whole `solve` in a process of its own; then HiGHS, in another process each, reads the MPS and runs with its
defaults and with the first relaxation by interior point (ipx). Every better plan and bound is kept with its second, so
that the time at which the gap was reached is known also where HiGHS ran on. Prints times and ratios.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from math import inf, isfinite
from pathlib import Path

import highspy

GAPS = {"day": 0.005, "week": 0.005}
ROOTS = {"defaults": "choose", "root by ipx": "ipx"}
GRACE_S = 60.0
"""HiGHS looks at its clock between steps: beyond its limit and this, its process is ended."""


@dataclass(frozen=True)
class Alone:
    """What HiGHS came to; infinite where it came to nothing. `log` holds (second, best, bound) as they moved."""

    seconds: float
    best: float
    bound: float
    first_plan_s: float
    reached_s: float
    log: list[tuple[float, float, float]]

    @property
    def gap(self) -> float:
        return gap_of(self.best, self.bound)


def gap_of(best: float, bound: float) -> float:
    return abs(best - bound) / max(abs(best), 1e-9) if isfinite(best) and isfinite(bound) else inf


def export(scenario: str, folder: Path) -> Path:
    """The MPS file of a scenario."""
    mps = folder / f"{scenario}.mps"
    command = [sys.executable, "-m", "optimizer.cli", "export", scenario, "--mps", str(mps)]
    subprocess.run(command, check=True, capture_output=True)
    return mps


def ours(scenario: str, gap: float, folder: Path) -> dict[str, float]:
    """Seconds of a whole solve of ours, of its solver alone, and best value and bound."""
    command = [sys.executable, "-m", "optimizer.cli", "solve", scenario, "--gap", str(gap), "--json"]
    with tempfile.TemporaryDirectory(dir=folder) as out:
        done = subprocess.run([*command, "--out", f"{out}/run"], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    return {key: said[key] for key in ("wall_s", "solver_s", "objective_kcny", "bound_kcny", "gap_frac")}


def alone(mps: Path, gap: float, limit_s: float, root: str) -> Alone:
    """HiGHS in a process of its own, ended if it does not end by itself; what was heard of it until then counts."""
    words = ["--mps", str(mps), "--gap", str(gap), "--limit-s", str(limit_s), "--root", root]
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, __file__, *words], capture_output=True, text=True, timeout=limit_s + GRACE_S
        )
        heard = done.stdout
        if done.returncode:
            raise SystemExit(f"HiGHS alone failed: {done.stderr[-500:]}")
    except subprocess.TimeoutExpired as cut:
        heard = cut.stdout.decode() if cut.stdout else ""
    lines = [json.loads(line) for line in heard.splitlines() if line.startswith("{")]
    if lines and "reached_s" in lines[-1]:
        return Alone(**lines[-1])
    return summed([(e["second"], e["best"], e["bound"]) for e in lines], gap, time.perf_counter() - started)


def summed(log: list[tuple[float, float, float]], gap: float, seconds: float) -> Alone:
    """What a log of (second, best, bound) comes to."""
    _, best, bound = log[-1] if log else (0.0, inf, -inf)
    first = next((s for s, b, _ in log if isfinite(b)), inf)
    reached = next((s for s, b, d in log if gap_of(b, d) <= gap), inf)
    return Alone(seconds, best, bound, first, reached, log)


def child(mps: str, gap: float, limit_s: float, root: str) -> None:
    """Run HiGHS here; a line for every better plan or bound, and at the end one for all."""
    highs = highspy.Highs()
    for option, value in (("output_flag", False), ("mip_rel_gap", gap), ("time_limit", limit_s), ("threads", 2)):
        highs.setOptionValue(option, value)
    highs.setOptionValue("mip_lp_solver", root)
    highs.readModel(mps)
    log: list[tuple[float, float, float]] = []
    started = time.perf_counter()

    def hear(best: float, bound: float) -> None:
        seen = (best if abs(best) < highspy.kHighsInf else inf, bound if abs(bound) < highspy.kHighsInf else -inf)
        if not log or log[-1][1:] != seen:
            log.append((time.perf_counter() - started, *seen))
            print(json.dumps({"second": log[-1][0], "best": seen[0], "bound": seen[1]}), flush=True)

    for callback in (highs.cbMipLogging, highs.cbMipImprovingSolution):
        callback.subscribe(lambda e: hear(e.data_out.mip_primal_bound, e.data_out.mip_dual_bound))
    highs.run()
    info = highs.getInfo()
    hear(info.objective_function_value if info.primal_solution_status == 2 else inf, info.mip_dual_bound)
    print(json.dumps(asdict(summed(log, gap, time.perf_counter() - started))), flush=True)


def show(scenario: str, arguments: argparse.Namespace, folder: Path) -> None:
    gap = GAPS.get(scenario, 0.01)
    mine = ours(scenario, gap, folder)
    mps = export(scenario, folder)
    limit_s = max(arguments.times * mine["solver_s"], arguments.least_s)
    print(f"{scenario}: gap asked {gap:.2%}; HiGHS alone may take {limit_s:.0f} s")
    print(
        f"  ours         {mine['solver_s']:8.1f} s in the solver ({mine['wall_s']:.1f} s in all), "
        f"{mine['objective_kcny']:,.1f} kCNY, gap {mine['gap_frac']:.3%}"
    )
    for name, root in ROOTS.items():
        found = alone(mps, gap, limit_s, root)
        print(f"  {name:12} {found.seconds:8.1f} s, {_said(found, mine['solver_s'])}")
        for second, value, bound in found.log if arguments.log else ():
            print(f"      {second:8.1f} s  best {value:,.1f}  bound {bound:,.1f}  gap {gap_of(value, bound):.3%}")
        # Each best value is at least the other's bound, whatever the gaps.
        slack = 1e-6 * abs(mine["objective_kcny"])
        if found.best < mine["bound_kcny"] - slack or mine["objective_kcny"] < found.bound - slack:
            raise SystemExit(f"{scenario}: the two disagree: {mine} and {found.best}, {found.bound}")


def _said(found: Alone, ours_s: float) -> str:
    if not isfinite(found.best):
        return f"no plan in {found.seconds / ours_s:.1f} x our time (bound {found.bound:,.1f} kCNY)"
    plan = f"{found.best:,.1f} kCNY, gap {found.gap:.3%}, first plan at {found.first_plan_s:.1f} s"
    if not isfinite(found.reached_s):
        return f"{plan}, gap not reached in {found.seconds / ours_s:.1f} x our time"
    return f"{plan}, gap reached at {found.reached_s:.1f} s: {found.reached_s / ours_s:.1f} x our time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", default=list(GAPS))
    parser.add_argument("--times", type=float, default=10.0, help="time limit of HiGHS alone, in times of our solver's")
    parser.add_argument("--least-s", type=float, default=20.0, help="its least time limit in seconds")
    parser.add_argument("--log", action="store_true", help="print every better plan and bound")
    for hidden in ("--mps", "--root"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    for hidden in ("--gap", "--limit-s"):
        parser.add_argument(hidden, type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.mps:
        child(arguments.mps, arguments.gap, arguments.limit_s, arguments.root)
        return
    with tempfile.TemporaryDirectory() as name:
        for scenario in arguments.scenarios:
            show(scenario, arguments, Path(name))


if __name__ == "__main__":
    main()
