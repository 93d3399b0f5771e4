"""`computegrid desk` as a process of its own: where it listens, and that nothing goes on behind it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli import main

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[[Path], tuple[Any, str]]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Start a desk of a folder: its process, and the address it prints."""
    started: list[subprocess.Popen[str]] = []

    def begin(folder: Path) -> tuple[Any, str]:
        words = [sys.executable, "-m", "optimizer.cli", "desk", "--runs", str(folder), "--port", "0", "--no-browser"]
        process = subprocess.Popen(words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        started.append(process)
        assert process.stdout is not None
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        return process, address

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    """Processes that the desk has started and that still run."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        pytest.skip("this system does not list the children of a process")
    every = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _listed(task)]
    return sorted({*map(int, listed), *every})


def _listed(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:  # the thread has ended meanwhile
        return []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, pids))


def speaker(address: str) -> Callable[..., str]:
    """Ask the desk as a page of it would."""
    home = address.split("/?")[0]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.open(address)

    def ask(path: str, body: str | None = None) -> str:
        headers = {"Origin": home} | ({} if body is None else {"Content-Type": "application/json"})
        request = urllib.request.Request(home + path, None if body is None else body.encode(), headers)
        return str(browser.open(request).read().decode())

    return ask


def raw(port: int, text: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(text.encode())
        return line.recv(65536).decode()


def test_it_listens_on_the_loopback_only_and_closes_on_interrupt(opened: Open, tmp_path: Path) -> None:
    desk, address = opened(tmp_path / "new" / "runs")
    port = int(address.split(":")[2].split("/")[0])
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert {row[1] for row in table if row[1].endswith(f":{port:04X}") and row[3] == "0A"} == {f"0100007F:{port:04X}"}
    ask = speaker(address)
    assert "no runs yet" in ask("/")
    cookie = f"Cookie: computegrid_desk_{port}={address.split('token=')[1]}\r\n"
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{cookie}Connection: close\r\n\r\n"
    for path in ("/runs/../../../etc/passwd", "/static/../app.py", "//etc/passwd", "/static/%2e%2e/app.py"):
        assert raw(port, f"GET {path} {head}").startswith("HTTP/1.1 404")
    assert raw(port, f"GET http://evil.example/ {head}").split()[1] in ("200", "400", "403", "404")
    assert raw(port, "GET / HTTP/1.0\r\n\r\n").split()[1] in ("400", "403")
    assert raw(port, f"GET / {head.replace('127.0.0.1', 'evil.example')}").startswith("HTTP/1.1 403")
    assert raw(port, f"GET / {head.replace(cookie, '')}").startswith("HTTP/1.1 403")
    began = children(desk.pid)
    assert began
    desk.send_signal(signal.SIGINT)
    rest, _ = desk.communicate(timeout=20)
    assert "Traceback" not in rest
    assert rest.rstrip().endswith("desk closed")
    assert desk.returncode == 0
    assert gone(began)


def test_a_desk_that_is_killed_leaves_no_solve_behind(opened: Open, tmp_path: Path) -> None:
    desk, address = opened(tmp_path)
    ask = speaker(address)
    ask("/api/solve", '{"origin": "library", "name": "week"}')
    until = time.monotonic() + 90
    while '"stage":"starting"' in ask("/api/solve") and time.monotonic() < until:
        time.sleep(0.05)
    began = children(desk.pid)
    assert len(began) >= 2
    assert list(tmp_path.glob(".solve-*"))
    os.kill(desk.pid, signal.SIGKILL)
    desk.wait()
    assert gone(began)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_port_that_is_taken_is_faulty_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert command(["--port", port, "--runs", str(tmp_path)]) == 2
    assert "0 for a free one" in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_faulty_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert command(["--runs", str(tmp_path / "file" / "runs")]) == 2
    assert "cannot be a folder" in capsys.readouterr().err


def command(words: list[str]) -> int:
    before, sys.argv = sys.argv, ["computegrid", "desk", "--no-browser", *words]
    try:
        with pytest.raises(SystemExit) as stopped:
            main()
    finally:
        sys.argv = before
    return int(stopped.value.code or 0)
