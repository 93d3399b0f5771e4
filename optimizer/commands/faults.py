"""What is said of an error that is not the planner's: one sentence, and the trace only for who asks."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from pathlib import Path

from optimizer.solve.engine import SolverError

ASKED = "COMPUTEGRID_TRACE"
"""Set in the environment, this shows the whole trace."""


def sentence(error: Exception) -> str:
    """The error in words, and where it rose; whose fault it is: the solver's, or our own."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "optimizer" in Path(frame.filename).parts]
    # What is compiled leaves no frame of its own: the line that called it tells.
    by_solver = isinstance(error, SolverError) or bool(ours and "highs." in (ours[-1].line or ""))
    whose = "The solver failed" if by_solver else "An error of our own"
    where = f" ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else ""
    words = str(error) if isinstance(error, SolverError) else f"{type(error).__name__}: {error}"
    return f"{whose}: {words}{where}. Nothing was stored. Set {ASKED}=1 to see the whole trace."


def wants_trace(environment: Mapping[str, str] = os.environ) -> bool:
    return bool(environment.get(ASKED))
