"""Who may speak to the desk: this machine's own browser, on the desk's own pages, holding the token.

A page of another site can make a browser send requests to the loopback, and a name of its own can be made to lead
there. So a request needs, before any page sees it: the desk's own Host; no Origin but the desk's (and one, to change
anything); a browser that does not call it a request from elsewhere; and the token, which the address printed at the
start turns into a cookie that scripts cannot read and other sites cannot send.

Omits: a second server on the same loopback address. Cookies know no ports, so a browser shows this one to it as well.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

BODY_MAX_BYTES = 1024 * 1024
"""Of a request; a scenario of the size allowed fits, however its signs are escaped."""
HOSTS = ("127.0.0.1", "localhost")
READS, CHANGES = ("GET", "HEAD"), ("POST",)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer, unless the page sets its own."""


class Refusal(Exception):
    """A request that is not answered; `status` as in HTTP, the message for the reader."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """ASGI application around another one that only lets the desk's own requests through."""

    def __init__(self, app: App, port: int) -> None:
        self.app, self.port = app, port
        self.token, self._once = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.cookie = f"computegrid_desk_{port}"
        self.hosts = [f"{host}:{port}" for host in HOSTS] + (list(HOSTS) if port == 80 else [])

    def address(self) -> str:
        """The address to print: it opens the desk as long as the desk runs."""
        return f"http://{HOSTS[0]}:{self.port}/?token={self.token}"

    def address_once(self) -> str:
        """The address to start a browser with: it opens the desk once, as other users see what programs are given."""
        return f"http://{HOSTS[0]}:{self.port}/?token={self._once}"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            entering = self._judge(scope)
        except Refusal as refusal:
            await self._answer(send, refusal.status, str(refusal), {})
            return
        if entering:
            kept = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            await self._answer(send, 303, "", {"location": "/", "set-cookie": kept})
        else:
            await self.app(scope, receive, _with_headers(send))

    def _judge(self, scope: Message) -> bool:
        """Whether this request brings the token in its address; Refusal if it is not to be answered."""
        headers = _headers(scope)
        method = scope["method"]
        if method not in READS + CHANGES:
            raise Refusal(405, f"The desk knows no {method}.")
        self._from_here(headers, changes=method in CHANGES)
        if method in CHANGES:
            _small_json(headers)
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
        if scope["path"] == "/" and method == "GET" and given:
            if not self._is_token(given[0]):
                raise Refusal(403, "This token is not (or no longer) good: open the address the desk printed.")
            return True
        if not _same(_cookie(headers, self.cookie), self.token):
            raise Refusal(403, "No token: open the address that `computegrid desk` printed when it started.")
        return False

    def _from_here(self, headers: dict[str, list[str]], changes: bool) -> None:
        hosts, origins = headers.get("host", []), headers.get("origin", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            raise Refusal(403, f"The desk answers as {' or '.join(self.hosts)} only.")
        if origins not in ([f"http://{hosts[0].lower()}"], []) or (changes and not origins):
            raise Refusal(403, "The desk answers requests of its own pages only (Origin).")
        if any(site not in ("same-origin", "none") for site in headers.get("sec-fetch-site", [])):
            raise Refusal(403, "Another page led here: type or paste the desk's address into the browser instead.")

    def _is_token(self, given: str) -> bool:
        if _same(given, self._once):
            self._once = secrets.token_urlsafe(32)
            return True
        return _same(given, self.token)

    async def _answer(self, send: Send, status: int, text: str, headers: dict[str, str]) -> None:
        every = HEADERS | {"content-type": "text/plain; charset=utf-8", "content-length": str(len(text.encode()))}
        pairs = [(name.encode(), value.encode()) for name, value in (every | headers).items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": text.encode()})


def _headers(scope: Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _small_json(headers: dict[str, list[str]]) -> None:
    """Refusal of a body that is no JSON, of unknown length, or too long."""
    kinds, lengths = headers.get("content-type", [""]), headers.get("content-length", [])
    if kinds[0].split(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "The desk takes JSON only.")
    if len(lengths) != 1 or not lengths[0].isdecimal() or "transfer-encoding" in headers:
        raise Refusal(411, "A request states its length.")
    if int(lengths[0]) > BODY_MAX_BYTES:
        raise Refusal(413, f"A request holds at most {BODY_MAX_BYTES:,} bytes.")


def _cookie(headers: dict[str, list[str]], name: str) -> str:
    pairs = [pair.strip().partition("=") for line in headers.get("cookie", []) for pair in line.split(";")]
    return next((value for key, _, value in pairs if key == name), "")


def _same(given: str, held: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(), held.encode())


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            named = {name.lower() for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in named]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return told
