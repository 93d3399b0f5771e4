"""Answers from beside are let go of once nobody asks for them: a year holds no more than its last windows."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from optimizer.rolling.beside import Beside, Here, Worker
from scenarios.case import Floats


def numbers(count: int) -> Floats:
    return np.arange(count, dtype=np.float64)


def let_go(worker: Worker) -> bool:
    """Whether an answer is gone as soon as its ticket is, without a search for garbage."""
    gc.disable()
    try:
        earlier, ticket = worker.ask(numbers, 2), worker.ask(numbers, 3)
        answer = ticket.answer()
        assert answer.tolist() == [0.0, 1.0, 2.0]
        seen = weakref.ref(answer)
        del answer, ticket, earlier
        return seen() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("beside", [False, True])
def test_an_answer_is_let_go_of_with_its_ticket(beside: bool) -> None:
    if beside:
        with Beside() as worker:
            assert let_go(worker)
    else:
        assert let_go(Here())
