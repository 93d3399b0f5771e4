"""A solve as the desk knows it: what was ordered, how far it is, how it ended."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from hubs.errors import Fault
from optimizer.solve.optimum import gap_frac

State = Literal["working", "solved", "no plan", "faulty", "cancelled", "failed"]
POINTS_MAX = 600


@dataclass(frozen=True)
class Order:
    """What to solve; `text` is None for a scenario of the library, gap and limit None for the scenario's own."""

    scenario: str
    text: str | None
    gap_frac: float | None = None
    time_limit_s: float | None = None


@dataclass
class Job:
    """A solve as it is known so far. Times are seconds since the order; costs are None until they are known."""

    order: Order
    run: str
    state: State = "working"
    stage: str = "starting"
    message: str = ""
    faults: tuple[Fault, ...] = ()
    gap_asked_frac: float | None = None
    time_limit_s: float | None = None
    begun_s: float = field(default_factory=time.monotonic)
    ended_s: float | None = None
    points: list[tuple[float, float | None, float | None]] = field(default_factory=list)
    """(time, best plan in kCNY, bound in kCNY), whenever one of the two changed."""
    stages: list[tuple[float, str]] = field(default_factory=list)

    def hear(self, at_s: float, stage: str, best_kcny: float, bound_kcny: float) -> None:
        """Keep one word of the process."""
        self.stage = stage
        head = stage.split(":")[0]
        if not self.stages or self.stages[-1][1] != head:
            self.stages.append((at_s, head))
        now = (_finite(best_kcny), _finite(bound_kcny))
        if now != (None, None) and (not self.points or self.points[-1][1:] != now):
            self.points.append((at_s, *now))
        if len(self.points) > POINTS_MAX:  # the ends stay
            self.points[1:-1] = self.points[1:-1:2]

    def seen(self) -> dict[str, Any]:
        """Plain values for a page that watches."""
        best, bound = self.points[-1][1:] if self.points else (None, None)
        gap = None if best is None or bound is None else gap_frac(best, bound)
        return {
            "state": self.state,
            "scenario": self.order.scenario,
            "origin": "library" if self.order.text is None else "own",
            "run": self.run,
            "stage": self.stage,
            "message": self.message,
            "faults": [shown(fault, self.order.scenario) for fault in self.faults],
            "elapsed_s": (self.ended_s or time.monotonic()) - self.begun_s,
            "gap_asked_frac": self.gap_asked_frac,
            "time_limit_s": self.time_limit_s,
            "best_kcny": best,
            "bound_kcny": bound,
            "gap_frac": gap,
            "points": self.points,
            "stages": self.stages,
        }


def shown(fault: Fault, scenario: str) -> dict[str, Any]:
    """A fault for a page; `line` counts in the scenario's own text, if it stands there."""
    own = fault.where == f"{scenario}.toml"
    return {
        "own": own,
        "file": fault.where,
        "line": fault.row,
        "key": fault.column,
        "found": fault.found,
        "rule": fault.rule,
        "mend": fault.mend,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
