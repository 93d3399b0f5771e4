"""The memory this process may still take: what the machine has left, and what a control group (a container) leaves it.

Read from Linux's own files, with nothing to install; elsewhere nothing is known, and the room is taken as endless.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

MB = 1024 * 1024


def available_mb(root: Path = Path("/")) -> float:
    """MB a process of this size may come to hold: what is free to it, and what it holds already; infinite if unknown.

    `root` is where /proc and /sys are found.
    """
    free_mb = min(_of_machine(root), *_of_groups(root), math.inf)
    return free_mb + _field_kb(root / "proc/self/status", "VmRSS:") / 1024


def _of_machine(root: Path) -> float:
    kb = _field_kb(root / "proc/meminfo", "MemAvailable:")
    return kb / 1024 if kb else math.inf


def _field_kb(file: Path, name: str) -> float:
    """A field `name   123 kB` of a file of the kernel's; 0 if the file or the field is not there."""
    lines = (line.split() for line in _text(file).splitlines())
    return next((float(words[1]) for words in lines if words[:1] == [name]), 0.0)


def _of_groups(root: Path) -> Iterator[float]:
    """What every control group above this process leaves it, in the second and the first form of such groups."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        if controllers:
            if "memory" not in controllers.split(","):
                continue
            top, names = top / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            yield _left_mb(top / folder, *names)


def _left_mb(folder: Path, limit: str, used: str, cache: str) -> float:
    """Limit less use of one group; files kept only as cache give way when memory is asked for."""
    most, taken = _text(folder / limit).strip(), _text(folder / used).strip()
    if not most.isdigit() or not taken.isdigit():
        return math.inf
    fields = dict(line.split()[:2] for line in _text(folder / "memory.stat").splitlines())
    return max(0.0, int(most) - int(taken) + int(fields.get(cache, 0))) / MB


def _text(file: Path) -> str:
    """The text of a file, empty where it cannot be read: a limit that is not stated does not bind."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
