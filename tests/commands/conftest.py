"""Commands as they are typed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.cli import main

Command = Callable[..., tuple[int, str, str]]
"""Words -> exit code, what it printed, what it said beside."""


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["computegrid", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        text = capsys.readouterr()
        return int(stopped.value.code or 0), text.out, text.err

    return run
