"""A stored run with tables beside it that it was not stored with: a run never changes, its report may know more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from hubs.errors import Fault, InputError
from optimizer.runs.store import Run

PRICE = "price_kcny_per_eflopsh"


@dataclass(frozen=True)
class Augmented(Run):
    """The run in `folder`, its tables completed or replaced by those of `more`."""

    more: Mapping[str, pd.DataFrame]

    def table(self, name: str) -> pd.DataFrame:
        return self.more[name].copy() if name in self.more else super().table(name)


def has_table(run: Run, name: str) -> bool:
    """Whether a run has a table that not every run has."""
    return name in more_tables(run) or (run.folder / "tables" / f"{name}.parquet").exists()


def table_names(run: Run) -> list[str]:
    return sorted({*(path.stem for path in (run.folder / "tables").glob("*.parquet")), *more_tables(run)})


def more_tables(run: Run) -> Mapping[str, pd.DataFrame]:
    return run.more if isinstance(run, Augmented) else {}


def in_memory(run: Run) -> Augmented:
    """The run with each table read once, for what asks for them many times."""
    return Augmented(run.folder, {name: run.table(name) for name in table_names(run)})


def with_prices(run: Run, table: pd.DataFrame, where: str) -> Augmented:
    """The run with the prices of `computegrid prices RUN`, read from `where`: those with whole numbers held.

    InputError if a column is missing, or the rows are not the run's sites and hours, each once.
    """
    asked = [*("site", "hour"), "price_fixed_kcny_per_eflopsh"]
    missing = [name for name in asked if name not in table]
    if missing:
        raise _fault(where, f"column {', '.join(missing)} is missing", "prices have a row for every site and hour")
    prices = table[asked].rename(columns={asked[-1]: PRICE})
    dispatch = run.table("dispatch")[["site", "hour"]]
    theirs = pd.MultiIndex.from_frame(prices[["site", "hour"]])
    if theirs.has_duplicates or not theirs.sort_values().equals(pd.MultiIndex.from_frame(dispatch).sort_values()):
        raise _fault(where, "its rows are not the sites and hours of the run", "prices are those of the run itself")
    return Augmented(run.folder, {"prices": prices})


def _fault(where: str, found: str, rule: str) -> InputError:
    mend = "write it with `computegrid prices RUN --out prices.parquet`"
    return InputError([Fault(where, None, None, found, rule, mend)])
