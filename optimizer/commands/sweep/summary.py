"""Tables of a sweep, derived from its finished runs each time it ends: never a second truth, and free of timing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.commands.exits import EXIT_FAULT, EXIT_GAP, EXIT_INFEASIBLE, EXIT_INPUT
from optimizer.commands.sweep.member import Record, Status
from optimizer.commands.sweep.plan import Sweep, store_of
from optimizer.runs.drafts import write_file
from optimizer.runs.store import open_run, unwritable

FIGURES = ("objective_kcny", "bound_kcny", "gap_frac", "greedy_kcny")
CODES: dict[Status, int] = {
    "failed": EXIT_FAULT,
    "faulty input": EXIT_INPUT,
    "infeasible": EXIT_INFEASIBLE,
    "gap not reached": EXIT_GAP,
    "solved": 0,
}
"""Exit code of each status, the gravest first."""


def exit_code(records: Sequence[Record]) -> int:
    """The code of the gravest: 1 a failure, 2 faulty input, 4 no plan, 3 gap not reached, 0 all solved."""
    statuses = {record.status for record in records}
    return next(code for status, code in CODES.items() if status in statuses or status == "solved")


def tables(folder: Path, sweep: Sweep, records: Sequence[Record]) -> dict[str, pd.DataFrame]:
    """summary: a row a member; changes: a row a changed key; indicators: a row a national indicator of a run.

    Figures of a member without a run are NaN. Raises InputError if a run cannot be read.
    """
    store = store_of(folder, sweep)
    rows: list[dict[str, Any]] = []
    frames = []
    for member, record in zip(sweep.members, records, strict=True):
        row = {"member": member.name, "probability_frac": member.probability_frac, "status": record.status}
        row |= {"run": record.run or "", "reason": record.reason}
        if record.run is not None:
            run = open_run(store / record.run)
            manifest = run.manifest
            row |= {name: manifest[name] for name in FIGURES}
            row |= {f"{item}_kcny": kcny for item, kcny in sorted(manifest["cost_items"].items())}
            national = run.table("indicators").query("scope == 'nation'")
            frames.append(national[["indicator", "unit", "value"]].assign(member=member.name))
        rows.append(row)
    changes = [
        (member.name, key, value)
        for member in sweep.members
        for key, _, value in (change.partition("=") for change in member.changes)
    ]
    indicators = pd.concat(frames) if frames else pd.DataFrame(columns=["member", "indicator", "unit", "value"])
    return {
        "summary": _numbers(pd.DataFrame(rows)),
        "changes": pd.DataFrame(changes, columns=["member", "key", "value"]),
        "indicators": indicators[["member", "indicator", "unit", "value"]].reset_index(drop=True),
    }


def write(folder: Path, made: dict[str, pd.DataFrame]) -> None:
    """NAME.parquet of each table and summary.csv, each whole; StoreError if one cannot be written."""
    try:
        for name, table in made.items():
            stream = io.BytesIO()
            table.to_parquet(stream, index=False)
            write_file(folder / f"{name}.parquet", stream.getvalue())
        write_file(folder / "summary.csv", made["summary"].to_csv(index=False).encode())
    except OSError as error:
        raise unwritable(folder, error) from None


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its figures as floats, also where no member has one."""
    frame = frame.reindex(columns=[*frame.columns, *(name for name in FIGURES if name not in frame.columns)])
    money = [name for name in frame.columns if name.endswith("_kcny") or name == "gap_frac"]
    return frame.astype(dict.fromkeys(money, "float64"))
