"""Sweeps small enough for tests, and the commands of a sweep run in a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SWEEP = """base = "tiny"
why = "versions of the smallest scenario, two of them bad"
seed = 5
samples = 6
[factors.demand]
keys = ["demand.scale_ratio"]
distribution = "uniform"
low = 0.8
high = 1.1
[members.dark]
probability = 0.2
set = { "facts.clusters.Guian.connection_mw" = 0.0, "facts.regions.Guangdong.connection_mw" = 0.0 }
[members.wrong]
probability = 0.2
set = { "demand.scael_ratio" = 1.0 }
"""
MEMBERS, PLANNED = 8, 6


def sweep_file(folder: Path, text: str = SWEEP) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    return path


def started(*words: object) -> subprocess.Popen[str]:
    """A command at work, in a process group of its own."""
    command = [sys.executable, "-m", "optimizer.cli", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def runs(store: Path) -> dict[str, Path]:
    """Finished runs by name."""
    return {path.name: path for path in store.glob("[!.]*") if path.is_dir()}


def stamp(run: Path) -> tuple[int, int]:
    """What changes if a run is written again."""
    of = (run / "manifest.json").stat()
    return of.st_ino, of.st_mtime_ns


def until(holds: Callable[[], Any], within_s: float = 180.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str], group: bool) -> None:
    """SIGKILL for the command alone, or for its workers as well."""
    os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
    process.communicate()


def content(store: Path) -> dict[str, list[str]]:
    """Name and checksums of each run, without those of its manifest, which holds timing."""
    lines = {name: (path / "SHA256SUMS").read_text().splitlines() for name, path in runs(store).items()}
    return {name: [line for line in of if not line.endswith("manifest.json")] for name, of in lines.items()}


def tables(folder: Path) -> dict[str, bytes]:
    names = ("summary.csv", "summary.parquet", "changes.parquet", "indicators.parquet")
    return {name: (folder / name).read_bytes() for name in names}


@contextmanager
def mounted(folder: Path, size_kb: int) -> Iterator[None]:
    """A file system of this size; the test is skipped where we may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A folder in which nothing can be made, not even by root; the test is skipped where that cannot be had."""
    if os.geteuid():
        on, off = ["chmod", "555", str(folder)], ["chmod", "755", str(folder)]
    else:
        on, off = ["chattr", "+i", str(folder)], ["chattr", "-i", str(folder)]
    if subprocess.run(on, capture_output=True, check=False).returncode:
        pytest.skip("a folder cannot be made read-only here")
    try:
        yield
    finally:
        subprocess.run(off, check=True)
