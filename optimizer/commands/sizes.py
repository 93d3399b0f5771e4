"""The programme that a scenario will be: of the whole horizon, or the largest of its windows where it is rolled."""

from __future__ import annotations

from optimizer.rolling.window import spans, window
from optimizer.solve.size import Size, predict
from scenarios.case import Case
from scenarios.sections import HorizonSection


def largest(case: Case, horizon: HorizonSection) -> tuple[Size, int]:
    """The size of the largest programme held at once, and how many windows there are; InputError as for rolling."""
    if horizon.window_days is None or 24 * horizon.window_days >= horizon.hours:
        return predict(case), 1
    windows = spans(case, horizon.window_days, horizon.look_ahead_days)
    sizes = [predict(window(case, span.start_h, span.hours + span.ahead_h)) for span in windows]
    return max(sizes, key=lambda size: size.nonzeros), len(windows)


def words(size: Size, windows: int) -> str:
    return f"predicted: {size.words}" + (f" (the largest of {windows} windows)" if windows > 1 else "")
