"""The programme that a scenario will be: of the whole horizon, or the largest of its windows where it is rolled."""

from __future__ import annotations

from optimizer.rolling.certify import STRETCH_H, stretches
from optimizer.rolling.window import spans, window
from optimizer.solve.size import Size, predict
from scenarios.case import Case
from scenarios.sections import HorizonSection


def largest(case: Case, horizon: HorizonSection) -> tuple[Size, int]:
    """The size of the largest programme, and how many windows there are; InputError as for rolling.

    Rolled, that is of a window with the hours ahead, or of windows put together for the bound.
    """
    if horizon.window_days is None or 24 * horizon.window_days >= horizon.hours:
        return predict(case), 1
    windows = spans(case, horizon.window_days, horizon.look_ahead_days)
    parts = [
        *((span.start_h, span.hours + span.ahead_h) for span in windows),
        *((stretch.start_h, stretch.hours) for stretch in stretches(windows, STRETCH_H)),
    ]
    sizes = [predict(window(case, *part)) for part in parts]
    return max(sizes, key=lambda size: size.nonzeros), len(windows)


def words(size: Size, windows: int) -> str:
    return f"predicted: {size.words}" + (f" (the largest; {windows} windows)" if windows > 1 else "")
