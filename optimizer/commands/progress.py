"""What the planner sees while a solve works: the stage, the best plan, the bound and the gap."""

from __future__ import annotations

from types import TracebackType

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

from optimizer.solve.optimum import Progress


class Watch:
    """A line on a terminal that follows the engine; silent when asked, plain lines where there is no terminal."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self.console, self.quiet = console, quiet
        self.live = (
            Live(console=console, transient=True, refresh_per_second=4) if console.is_terminal and not quiet else None
        )
        self.stage = ""

    def __enter__(self) -> Watch:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def hear(self, progress: Progress) -> None:
        if self.live:
            self.live.update(Text(line(progress)))
        elif not self.quiet and progress.stage.split(":")[0] != self.stage:
            self.stage = progress.stage.split(":")[0]
            self.console.print(line(progress), highlight=False)


def line(progress: Progress) -> str:
    """`12.3 s  branch and bound  best 12,866 kCNY  bound 12,858 kCNY  gap 0.062 %`."""
    words = [f"{progress.elapsed_s:6.1f} s", progress.stage]
    if np.isfinite(progress.best_kcny):
        words.append(f"best {progress.best_kcny:,.1f} kCNY")
    if np.isfinite(progress.bound_kcny):
        words.append(f"bound {progress.bound_kcny:,.1f} kCNY")
    if np.isfinite(progress.gap_frac):
        words.append(f"gap {progress.gap_frac:.3%}")
    return "  ".join(words)
