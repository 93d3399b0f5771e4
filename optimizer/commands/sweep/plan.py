"""What a sweep is: its members and options, written once to sweep.json in its folder, so that it can be resumed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from hubs.errors import Fault, InputError
from optimizer.runs.drafts import write_file
from optimizer.runs.store import unwritable
from scenarios.ensemble import Member, draw_ensemble

FILE = "sweep.json"


@dataclass(frozen=True)
class Sweep:
    """Members of a base scenario and how they are solved; gap and limit None are the scenario's own.

    `store` is the folder of the runs; a relative one is meant from the folder of the sweep.
    """

    name: str
    why: str
    base: str
    gap_frac: float | None
    time_limit_s: float | None
    reports: bool
    live: bool
    store: str
    members: tuple[Member, ...]


def sweep_of(
    file: Path,
    gap_frac: float | None = None,
    time_limit_s: float | None = None,
    reports: bool = False,
    store: Path | None = None,
    live: bool = False,
) -> Sweep:
    """The sweep of an ensemble file (see `scenarios.ensemble`). A member may be faulty: that shows when it is solved.

    Raises InputError with every fault of the file itself.
    """
    drawn = draw_ensemble(file)
    base = str(Path(drawn.base).resolve()) if drawn.base.endswith(".toml") else drawn.base
    kept = "runs" if store is None else str(store.resolve())
    return Sweep(drawn.name, drawn.why, base, gap_frac, time_limit_s, reports, live, kept, drawn.members)


def store_of(folder: Path, sweep: Sweep) -> Path:
    """Folder of the sweep's runs."""
    return (folder / sweep.store).resolve()


def keep(folder: Path, sweep: Sweep) -> None:
    """Write a sweep to its folder, unless it is there already; InputError if the folder holds another one."""
    text = json.dumps(asdict(sweep), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write_file(folder / FILE, text.encode(), once=True)
    except FileExistsError:
        kept = read(folder)
        if kept != sweep:
            found = f"the folder holds another sweep ({_differing(kept, sweep)} differ)"
            mend = "choose another --out; --store keeps using the same runs"
            raise InputError([Fault(str(folder), None, None, found, "a folder holds one sweep", mend)]) from None
    except OSError as error:
        raise unwritable(folder, error) from None


def read(folder: Path) -> Sweep:
    """The sweep of a folder; InputError if it holds none."""
    path, rule = folder / FILE, "sweep.json is written by `computegrid sweep`"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(Member(m["name"], tuple(m["changes"]), m["probability_frac"]) for m in content.pop("members"))
        return Sweep(members=members, **content)
    except FileNotFoundError:
        found, mend = f"the folder holds no sweep (no {FILE})", "name the --out folder of a sweep"
        raise InputError([Fault(str(folder), None, None, found, rule, mend)]) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found, mend = f"the file cannot be read ({error})", "start the sweep again with the same --store"
        raise InputError([Fault(str(path), None, None, found, rule, mend)]) from None


def _differing(kept: Sweep, sweep: Sweep) -> str:
    names: Sequence[str] = [item.name for item in fields(Sweep)]
    return ", ".join(name for name in names if getattr(kept, name) != getattr(sweep, name))
