"""Event-type designs through pyfixest: a thin door to its two-stage difference-in-differences (Gardner 2021)."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field

import pandas as pd

from optimizer.econometrics.errors import DesignError


@dataclass(frozen=True)
class EventStudy:
    """Effects by period relative to treatment (or one overall): term, estimate, error and interval, as the library
    gives.
    """

    effects: pd.DataFrame = field(repr=False)
    library: str


def two_stage_did(
    frame: pd.DataFrame,
    outcome: str,
    treated: str,
    *,
    unit: str = "city",
    time: str = "year",
    event_time: str | None = None,
) -> EventStudy:
    """Staggered adoption: `treated` is 1 from adoption on; effects by `event_time` when given (-1 is the reference).

    Raises DesignError when pyfixest is not installed, a column is missing, or `treated` is not 0 or 1.
    """
    try:
        did = importlib.import_module("pyfixest.did.estimation")
    except ImportError as error:
        raise DesignError(
            "event study", "pyfixest is not installed", "this design is run by that library", "install pyfixest"
        ) from error
    missing = [
        c for c in (outcome, treated, unit, time, *((event_time,) if event_time else ())) if c not in frame.columns
    ]
    if missing:
        raise DesignError("event study", f"no column {', '.join(missing)}", "these columns are needed", "add them")
    if not frame[treated].isin([0, 1]).all():
        raise DesignError(
            "event study", f"{treated} takes other values than 0 and 1", "it marks treated rows", "recode it"
        )
    ready = frame.copy()
    ready["_treated"] = ready[treated].astype(bool)
    second = f"~ i({event_time}, ref=-1.0)" if event_time else "~ i(_treated, ref=False)"
    fitted = did.did2s(
        ready,
        yname=outcome,
        first_stage=f"~ 0 | {unit} + {time}",
        second_stage=second,
        treatment="_treated",
        cluster=unit,
    )
    return EventStudy(fitted.tidy().reset_index(), "pyfixest did2s")
