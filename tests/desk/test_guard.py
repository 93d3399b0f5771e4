"""Who is refused, before any page is asked: other hosts, other origins, those without the token."""

from __future__ import annotations

import asyncio
import hmac
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI

from optimizer.desk.guard import BODY_MAX_BYTES, Guard, Message
from tests.desk.conftest import AT_HOME, PORT, client_of


@pytest.fixture
def guard() -> Guard:
    """A guard in front of an application that answers everything."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
    def answer(path: str) -> dict[str, str]:
        return {"reached": path}

    return Guard(app, PORT)


def reached(answer: Any) -> bool:
    return "reached" in answer.text


def test_its_own_pages_are_answered(guard: Guard) -> None:
    client = client_of(guard)
    assert reached(client.get("/runs"))
    assert reached(client.get("/runs", headers={"host": f"localhost:{PORT}", "origin": f"http://localhost:{PORT}"}))
    assert reached(client.post("/api/solve", json={}))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{PORT}.evil.example", "",
        f"127.0.0.1.evil.example:{PORT}", f"0.0.0.0:{PORT}", f"[::1]:{PORT}", f"evil@127.0.0.1:{PORT}",
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused(guard: Guard, host: str) -> None:
    """A name that an attacker makes lead to the loopback arrives under that name, token or not."""
    client = client_of(guard)
    del client.headers["origin"]
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "answers as 127.0.0.1" in answer.text
    assert client.get(f"/?token={guard.token}", headers={"host": host}).status_code == 403


def test_two_hosts_or_none_are_refused(guard: Guard) -> None:
    good = (b"host", f"127.0.0.1:{PORT}".encode())
    assert spoken(guard, [good])[0] == 200
    assert spoken(guard, [good, (b"host", b"evil.example")])[0] == 403
    assert spoken(guard, [])[0] == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1", f"http://localhost:{PORT}"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_origin_is_refused(guard: Guard, origin: str, method: str) -> None:
    answer = client_of(guard).request(method, "/", headers={"origin": origin}, json={})
    assert answer.status_code == 403
    assert "Origin" in answer.text


def test_two_origins_are_refused(guard: Guard) -> None:
    headers = [(b"host", f"127.0.0.1:{PORT}".encode()), (b"origin", AT_HOME["origin"].encode())]
    assert spoken(guard, headers)[0] == 200
    assert spoken(guard, [*headers, (b"origin", b"http://evil.example")])[0] == 403


def test_a_change_without_origin_is_refused(guard: Guard) -> None:
    client = client_of(guard)
    del client.headers["origin"]
    assert reached(client.get("/"))
    assert client.post("/api/solve", json={}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_the_browser_calls_foreign_is_refused(guard: Guard, site: str) -> None:
    """`same-site` is another port of this machine."""
    assert client_of(guard).get("/", headers={"sec-fetch-site": site}).status_code == 403
    assert reached(client_of(guard).get("/", headers={"sec-fetch-site": "same-origin"}))


@pytest.mark.parametrize("token", [None, "", "x", "é", "\udcff", "x" * 43, "x" * 10_000])
@pytest.mark.parametrize("path", ["/", "/runs/a", "/api/solve", "/static/desk.js"])
def test_without_the_token_nothing_is_answered(guard: Guard, token: str | None, path: str) -> None:
    cookie = b"" if token is None else f"{guard.cookie}=".encode() + token.encode("utf-8", "surrogateescape")
    status, body, _ = spoken(guard, [(b"host", f"127.0.0.1:{PORT}".encode()), (b"cookie", cookie)], path, keyed=False)
    assert status == 403
    assert b"No token" in body
    assert guard.token.encode() not in body


def test_the_token_of_another_desk_is_refused(guard: Guard) -> None:
    other = Guard(guard.app, PORT)
    assert other.token != guard.token
    assert spoken(guard, [(b"cookie", f"{guard.cookie}={other.token}".encode())], keyed=False)[0] == 403


def test_the_printed_address_gives_a_cookie_that_stays_here(guard: Guard) -> None:
    client = client_of(guard, follow_redirects=False)
    client.cookies.clear()
    for _ in range(2):
        answer = client.get(guard.address(), headers={"sec-fetch-site": "none"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        kept = answer.headers["set-cookie"]
        assert kept.startswith(f"{guard.cookie}={guard.token};")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(kept.split("; "))
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert reached(client.get("/"))


def test_the_address_for_the_browser_opens_once(guard: Guard) -> None:
    """The words a program is started with can be read by everybody on the machine."""
    address = guard.address_once()
    assert guard.token not in address
    client = client_of(guard, follow_redirects=False)
    client.cookies.clear()
    assert client.get(address).status_code == 303
    client.cookies.clear()
    assert client.get(address).status_code == 403


@pytest.mark.parametrize("query", ["token=", "token=x", "token=%ff", "token=x&token=y"])
def test_a_wrong_token_in_the_address_gives_nothing(guard: Guard, query: str) -> None:
    client = client_of(guard, follow_redirects=False)
    client.cookies.clear()
    answer = client.get(f"/?{query}")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_tokens_are_compared_in_constant_time(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    true = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: seen.append((a, b)) or true(a, b))
    client_of(guard).get("/")
    assert seen == [(guard.token.encode(), guard.token.encode())]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(guard: Guard, method: str) -> None:
    assert client_of(guard).request(method, "/").status_code == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_page_could_send_no_json(guard: Guard, kind: str) -> None:
    assert client_of(guard).post("/api/solve", content="{}", headers={"content-type": kind}).status_code == 415


def test_long_and_boundless_bodies_are_refused(guard: Guard) -> None:
    client, json = client_of(guard), {"content-type": "application/json"}
    assert client.post("/api/save", content=b" " * (BODY_MAX_BYTES + 1), headers=json).status_code == 413
    assert client.post("/api/save", content=iter([b"{", b"}"]), headers=json).status_code == 411
    assert reached(client.post("/api/save", content=b"{}", headers=json))


def test_a_socket_is_closed(guard: Guard) -> None:
    assert spoken(guard, [], kind="websocket")[0] == 1008


def test_every_answer_says_what_it_may_do(guard: Guard) -> None:
    for answer in (client_of(guard).get("/"), client_of(guard).get("/", headers={"host": "evil.example"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


def spoken(
    guard: Guard, headers: list[tuple[bytes, bytes]], path: str = "/", keyed: bool = True, kind: str = "http"
) -> tuple[int, bytes, Message]:
    """(status, body, first message) of a request with exactly these headers, and the token's cookie if `keyed`."""
    cookie = [(b"cookie", f"{guard.cookie}={guard.token}".encode())] if keyed else []
    hosts = [] if any(name == b"host" for name, _ in headers) or keyed else [(b"host", f"127.0.0.1:{PORT}".encode())]
    scope: Message = {"type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "headers": [*hosts, *headers, *cookie], "scheme": "http"}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as apart:  # a browser of other tests may hold this thread's event loop
        apart.submit(asyncio.run, guard(scope, receive, send)).result()
    if kind == "websocket":
        return sent[0]["code"], b"", sent[0]
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent), sent[0]
