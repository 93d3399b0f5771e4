"""Serving a desk: on the loopback and nowhere else, until it is interrupted."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from hubs.errors import Fault, InputError
from optimizer.desk.app import make_app

LOOPBACK = "127.0.0.1"
GRACE_S = 3
"""Seconds that requests under way have left when the desk closes."""


def serve(folder: Path, port: int, say: Callable[[str], None], browse: bool = True) -> None:
    """Serve the desk of a folder until it is interrupted; `say` is told the address.

    Port 0 takes a free one. Raises InputError if the folder cannot be made or the port is taken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _fault("--runs", f"'{folder}' cannot be a folder ({error.strerror})", "name another folder") from None
    with _listening(port) as listening:
        guard = make_app(folder, listening.getsockname()[1])
        say(guard.address())
        if browse:
            webbrowser.open(guard.address_once())
        config = uvicorn.Config(
            guard,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http="h11",
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
        )
        uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    """A socket that listens on the loopback."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except OSError as error:
        listening.close()
        mend = "name another, or 0 for a free one"
        raise _fault("--port", f"port {port} cannot be used ({error.strerror})", mend) from None
    listening.listen()
    return listening


def _fault(where: str, found: str, mend: str) -> InputError:
    return InputError([Fault(where, None, None, found, "a desk needs a folder and a port of its own", mend)])
