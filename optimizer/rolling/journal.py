"""What a rolled horizon has finished so far, on disk: each window whole or not at all, so that work can go on from it.

A journal is a folder named after what is solved (a hash of the case and the options). Each finished window is a folder
in it: `state.json` and whatever the caller writes beside it. Numbers are written so that they read back the same.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optimizer.rolling.opening import Opening, Values
from optimizer.rolling.whole import Account
from optimizer.rolling.worth import Worth

STATE, BOUND = "state.json", "bound.json"


@dataclass(frozen=True)
class Record:
    """A finished window: its account, the state after it, what states are worth there, and its own gap."""

    account: Account
    opening: Opening
    worth: Worth
    gap_frac: float


class Journal:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*"):
            shutil.rmtree(draft, ignore_errors=True)

    def place(self, window: int) -> Path:
        return self.folder / f"window-{window:03d}"

    def finished(self) -> list[Record]:
        """The windows finished without a break from the first."""
        records: list[Record] = []
        while (self.place(len(records)) / STATE).is_file():
            records.append(_record(json.loads((self.place(len(records)) / STATE).read_text(encoding="utf-8"))))
        return records

    def keep(self, window: int, record: Record, fill: Callable[[Path], None]) -> None:
        """Write a window's record, and what `fill` puts beside it, whole or not at all."""
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))
        try:
            fill(draft)
            (draft / STATE).write_text(json.dumps(_plain(record), allow_nan=False), encoding="utf-8")
            os.rename(draft, self.place(window))
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def bound_kcny(self, window: int) -> float | None:
        """The proved bound of a window, if it is there."""
        path = self.place(window) / BOUND
        return float(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def keep_bound(self, window: int, kcny: float) -> None:
        path = self.place(window) / BOUND
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(kcny), encoding="utf-8")
        os.replace(draft, path)

    def close(self) -> None:
        """Remove the journal: the run it led to is stored."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _plain(record: Record) -> dict[str, Any]:
    states = {name: _rows(getattr(record.opening, name)) for name in OPENING}
    worth = {"states": _rows(record.worth.states), "rows": _rows(record.worth.rows)}
    return {"account": asdict(record.account), "opening": states, "worth": worth, "gap_frac": record.gap_frac}


OPENING = ("taken", "highest", "relaxed", "agreed", "spared")


def _record(plain: dict[str, Any]) -> Record:
    opening = Opening(**{name: _values(plain["opening"][name]) for name in OPENING})
    worth = Worth(_values(plain["worth"]["states"]), _values(plain["worth"]["rows"]))
    return Record(Account(**plain["account"]), opening, worth, float(plain["gap_frac"]))


def _rows(values: Values) -> list[list[Any]]:
    return [[name, member, amount] for name, members in values.items() for member, amount in members.items()]


def _values(rows: list[list[Any]]) -> Values:
    values: Values = {}
    for name, member, amount in rows:
        values.setdefault(name, {})[tuple(member) if isinstance(member, list) else member] = amount
    return values
