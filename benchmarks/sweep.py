"""A sweep of the national day: what several processes gain, and whether killing it changes anything.

    python benchmarks/sweep.py [--members 200] [--workers 2] [--kills 3] [--alone 20] [--dask 0] [--base day]

1. undisturbed on so many workers; beside it a few members on one worker, whose pace is scaled to all: the efficiency.
2. the same sweep killed with -9, in turn alone and with its workers, and resumed: what was finished is not touched, and
   runs (every file but timing) and tables end equal to the undisturbed ones.
3. with --dask N, a sweep of N members through a local Dask scheduler with so many workers, one killed in the middle.

Leaves with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SWEEP = """base = "{base}"
why = "draws of demand, energy and carbon prices, heat and weather for a benchmark"
seed = 7
samples = {members}
[factors.demand]
keys = ["demand.scale_ratio"]
distribution = "uniform"
low = 0.9
high = 1.1
[factors.draw]
keys = ["seed"]
distribution = "uniform"
low = 1
high = 1_000_000
whole = true
[factors.energy_price]
keys = ["facts.clusters.*.power_kcny_per_mwh"]
apply = "multiply"
distribution = "uniform"
low = 0.9
high = 1.1
[factors.carbon]
keys = ["facts.prices.carbon_kcny_per_tco2"]
apply = "multiply"
distribution = "uniform"
low = 0.5
high = 4.0
"""
TABLES = ("summary.csv", "summary.parquet", "changes.parquet", "indicators.parquet")


class Bench:
    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.base, self.equal = folder, base, True

    def start(self, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "optimizer.cli", *map(str, words), "--json"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        text, err = process.communicate()
        if process.returncode not in (0, 3):
            raise SystemExit(f"the sweep ended with {process.returncode}:\n{err}{text}")
        result: dict[str, Any] = json.loads(text)
        return result

    def sweep(self, name: str, members: int, *words: object) -> subprocess.Popen[str]:
        file = self.folder / f"of_{members}.toml"
        file.write_text(SWEEP.format(base=self.base, members=members), encoding="utf-8")
        return self.start("sweep", file, "--out", self.folder / name, *words)

    def check(self, what: str, holds: bool) -> None:
        self.equal &= holds
        print(f"  {'yes' if holds else 'NO '}  {what}", flush=True)


def undisturbed(bench: Bench, members: int, workers: int, alone: int) -> None:
    result = bench.finish(bench.sweep("undisturbed", members, "--workers", workers))
    wall_s = result["wall_s"]
    print(f"{members} members on {workers} workers: {wall_s:.0f} s, {result['status']}")
    print(f"  {result['busy_s'] / wall_s / workers:.1%} of their time the workers had a member", flush=True)
    if alone:
        few = max(1, alone // 10)
        times_s = [
            bench.finish(bench.sweep(f"alone_{count}", count, "--workers", 1))["wall_s"] for count in (few, alone)
        ]
        each_s = (times_s[1] - times_s[0]) / (alone - few)
        one_s = times_s[0] + (members - few) * each_s
        print(f"  one worker: {each_s:.2f} s a member, {one_s:.0f} s for all")
        print(f"  parallel efficiency {one_s / wall_s / workers:.2f}", flush=True)


def killed(bench: Bench, members: int, workers: int, kills: int) -> None:
    out, kept = bench.folder / "killed", dict[str, tuple[int, int]]()
    process = bench.sweep("killed", members, "--workers", workers)
    for turn in range(kills):
        wait_for(out, (turn + 1) * members // (kills + 1), process)
        if turn % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        kept |= {name: stamp(path) for name, path in runs(out).items() if name not in kept}
        print(f"killed with {len(runs(out))} of {members} finished", flush=True)
        process = bench.start("resume", out, "--workers", workers)
    result = bench.finish(process)
    untouched = all(stamp(runs(out)[name]) == before for name, before in kept.items())
    bench.check(f"none of {len(kept)} finished runs was touched", untouched)
    bench.check(f"found {result['found']}, solved the others", result["found"] >= len(kept))
    compare(bench, out, bench.folder / "undisturbed")


def through_dask(bench: Bench, members: int, workers: int) -> None:
    from distributed import Client, LocalCluster

    local = bench.finish(bench.sweep("local", members, "--workers", workers))
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, local_directory=str(bench.folder)
    ) as made:
        pids = list(Client(made, set_as_default=False).run(os.getpid).values())
        process = bench.sweep("dask", members, "--scheduler", made.scheduler_address)
        wait_for(bench.folder / "dask", members // 2, process)
        os.kill(pids[0], signal.SIGKILL)
        result = bench.finish(process)
    print(f"{members} members through Dask, one of {workers} workers killed: {result['wall_s']:.0f} s", end="")
    print(f" ({local['wall_s']:.0f} s by own processes)")
    compare(bench, bench.folder / "dask", bench.folder / "local")


def compare(bench: Bench, out: Path, reference: Path) -> None:
    ours, theirs = runs(out), runs(reference)
    bench.check(f"the same {len(theirs)} runs", set(ours) == set(theirs))
    bench.check("equal in every file but timing", all(content(ours[n]) == content(theirs[n]) for n in ours))
    bench.check("equal tables", all((out / t).read_bytes() == (reference / t).read_bytes() for t in TABLES))
    bench.check("nothing left behind", not list(out.rglob(".*")))


def runs(out: Path) -> dict[str, Path]:
    return {path.name: path for path in (out / "runs").glob("[!.]*") if path.is_dir()}


def content(run: Path) -> tuple[list[str], dict[str, Any]]:
    """Checksums of all files but the manifest, and the manifest without timing."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest.pop("timing")
    lines = (run / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.endswith("  manifest.json")], manifest


def stamp(run: Path) -> tuple[int, int]:
    of = (run / "manifest.json").stat()
    return of.st_ino, of.st_mtime_ns


def wait_for(out: Path, finished: int, process: subprocess.Popen[str]) -> None:
    while len(runs(out)) < finished:
        if process.poll() is not None:
            raise SystemExit(f"the sweep ended early: {process.communicate()[1]}")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--alone", type=int, default=20)
    parser.add_argument("--dask", type=int, default=0)
    parser.add_argument("--base", default="day")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), given.base)
        undisturbed(bench, given.members, given.workers, given.alone)
        killed(bench, given.members, given.workers, given.kills)
        if given.dask:
            through_dask(bench, given.dask, given.workers)
    raise SystemExit(not bench.equal)


if __name__ == "__main__":
    main()
