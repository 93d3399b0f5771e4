"""A desk to speak to as its own pages do: with the token and from its own address."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimizer.desk.app import make_app
from optimizer.desk.guard import Guard
from optimizer.workflow import solve

PORT = 8765
AT_HOME = {"origin": f"http://127.0.0.1:{PORT}"}


def client_of(guard: Guard, **more: Any) -> Any:
    testing = pytest.importorskip("starlette.testclient", reason="httpx is not installed")
    return testing.TestClient(
        guard, base_url=f"http://127.0.0.1:{PORT}", cookies={guard.cookie: guard.token}, headers=AT_HOME, **more
    )


@pytest.fixture(scope="session")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of `tiny` that differ in one key."""
    folder = tmp_path_factory.mktemp("solved")
    solve("tiny", folder / "first")
    solve("tiny", folder / "second", changes=["services.inference.mean_eflops=3"])
    return folder


@pytest.fixture(scope="session")
def folder(solved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the desk that tests share."""
    return Path(shutil.copytree(solved, tmp_path_factory.mktemp("desk") / "runs"))


@pytest.fixture(scope="session")
def desk(folder: Path) -> Iterator[Any]:
    """A desk at work, spoken to with the token and from its own pages."""
    with client_of(make_app(folder, PORT), follow_redirects=False) as client:
        yield client
