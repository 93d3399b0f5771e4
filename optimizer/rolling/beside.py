"""A second process for what need not be waited for: the next window's model, the last one's bound.

Answers do not depend on where they are worked out. The process ends with its parent, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")


class Ticket(Generic[T]):
    """Something asked for; `answer` waits for it, and raises what it raised."""

    def __init__(self, fetch: Callable[[], tuple[bool, Any]]) -> None:
        self._fetch: Callable[[], tuple[bool, Any]] | None = fetch
        self._got: tuple[bool, Any] | None = None

    def put(self, found: tuple[bool, Any]) -> None:
        """Here is the answer. How to fetch it is forgotten: that knows of the ticket and would keep it alive."""
        self._got, self._fetch = found, None

    def answer(self) -> T:
        if self._fetch is not None:
            self.put(self._fetch())
        assert self._got is not None
        fine, found = self._got
        if not fine:
            raise found
        return found  # type: ignore[no-any-return]


class Worker(Protocol):
    def ask(self, task: Callable[..., T], *given: Any) -> Ticket[T]: ...


class Here:
    """Works things out at once, in this process."""

    def ask(self, task: Callable[..., T], *given: Any) -> Ticket[T]:
        ticket: Ticket[T] = Ticket(lambda: _attempt(task, given))
        ticket.put(_attempt(task, given))
        return ticket


class Beside:
    """Works things out in one other process, in the order in which they are asked for.

    On both sides a thread empties the pipe at once: neither process waits for the other to have time to listen.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._link, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._answers: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
        self._open: list[Ticket[Any]] = []
        Thread(target=self._listen, daemon=True).start()

    def ask(self, task: Callable[..., T], *given: Any) -> Ticket[T]:
        ticket: Ticket[T] = Ticket(lambda: self._up_to(ticket))
        self._open.append(ticket)
        with suppress(OSError):  # it has ended: whoever waits for the answer is told
            self._link.send((task, given))
        return ticket

    def _up_to(self, ticket: Ticket[Any]) -> tuple[bool, Any]:
        """Answers come in order: whoever waits for one puts those before it in their tickets."""
        while True:
            first, found = self._open.pop(0), self._answers.get()
            if first is ticket:
                return found
            first.put(found)

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._answers.put(self._link.recv())
        ended = RuntimeError("the second process ended before its work was done (was there memory enough?)")
        for _ in range(MANY):
            self._answers.put((False, ended))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()
        self._link.close()


MANY = 1000
"""More answers than are ever waited for at once."""


def _serve(link: Connection) -> None:
    asked: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = SimpleQueue()
    Thread(target=_hear, args=(link, asked), daemon=True).start()
    with suppress(OSError, KeyboardInterrupt):
        while True:
            link.send(_attempt(*asked.get()))


def _hear(link: Connection, asked: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
    """Pass on what is asked; when the parent is gone, whatever is being worked out is wanted by no one."""
    with suppress(EOFError, OSError):
        while True:
            asked.put(link.recv())
    os._exit(0)


def _attempt(task: Callable[..., Any], given: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, task(*given)
    except Exception as error:
        return False, error
