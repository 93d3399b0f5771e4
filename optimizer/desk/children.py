"""Processes that the desk starts: spawned (a fork would share the solver's threads), and never left behind."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

END_S = 5.0
"""Seconds a process may take to end before it is killed."""


def start(target: Callable[..., None], *given: Any) -> tuple[BaseProcess, Connection]:
    """A process that runs `target(connection, *given)`, and our end of the connection."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *given), daemon=True)
    with _interrupts_ignored():
        process.start()
    theirs.close()
    return process, ours


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """What is started here inherits that the terminal's interrupt is not for it; threads cannot say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end(process: BaseProcess) -> None:
    """End a process now, and wait until it has."""
    process.terminate()
    process.join(END_S)
    if process.is_alive():
        process.kill()
        process.join()


def live_with_parent(leave: Callable[[], None]) -> None:
    """In the process itself: end as soon as the desk has ended, whatever ended it, after calling `leave`.

    The terminal's interrupt is for the desk, which then ends this process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        leave()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def clear(folder: Path, run: str, laid_out: Path) -> None:
    """Remove what a solve that was ended leaves behind: what it read, and a run that is not whole."""
    shutil.rmtree(laid_out, ignore_errors=True)
    for left in folder.glob(f".{run}.*"):  # the draft and its lock; the name of the run is this desk's alone
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
