"""The rolled year beside its first 13 and 26 weeks: time, memory and gap, each as a whole process, and time per week.

    python benchmarks/year.py [--weeks 52 26 13] [--gap 0.02]

52 weeks are the scenario `year` as it is shipped; fewer are the same scenario with fewer hours and as many jobs a week.
Prints every gap and the seconds a week beside those of the first line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WEEK_H, YEAR_WEEKS, JOBS_A_WEEK = 168, 52, 64
LIMIT_S, LIMIT_MB = 1800.0, 3000.0


def rolled(weeks: int, gap: float, folder: Path) -> dict[str, Any]:
    """One rolled solve in a process of its own."""
    command = [sys.executable, "-m", "optimizer.cli", "solve", "year", "--json", "--gap", str(gap)]
    if weeks != YEAR_WEEKS:
        command += ["--set", f"horizon.hours={weeks * WEEK_H}", "--set", f"jobs.count={weeks * JOBS_A_WEEK}"]
    started = time.perf_counter()
    done = subprocess.run([*command, "--out", str(folder / f"{weeks}")], capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said | {"process_s": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, nargs="+", default=[YEAR_WEEKS, 26, 13])
    parser.add_argument("--gap", type=float, default=0.02)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        first = 0.0
        print(f"rolled, gap asked {arguments.gap:.1%}; the year at most {LIMIT_S:.0f} s and {LIMIT_MB:,.0f} MB")
        for weeks in arguments.weeks:
            found = rolled(weeks, arguments.gap, Path(name))
            a_week = found["process_s"] / (found["hours"] / WEEK_H)
            first = first or a_week
            best, bound = found["objective_kcny"], found["bound_kcny"]
            print(
                f"  {found['hours']:5,} h in {found['windows']} windows  {found['process_s']:7.1f} s, "
                f"{a_week:.1f} s a week ({a_week / first:.2f} of the first line)  {found['peak_rss_mb']:,.0f} MB\n"
                f"    {best:,.1f} kCNY, bound {bound:,.1f}, gap {found['gap_frac']:.3%}, "
                f"of a window {found['window_gap_frac']:.3%} at most; violation {found['max_violation']:.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
