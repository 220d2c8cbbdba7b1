"""The app's own routes over HTTP: headers on everything, the right host only, logout tokens only from Keycloak."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import SecretStr
from requests.cookies import RequestsCookieJar
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from app.routes.backchannel import EVENT
from app.session import COOKIE
from app.settings import origin_of
from fastmcp_vault.state import State
from stack.testing import Stack
from tests.app.serving import cookie_of, process_of
from tests.support.eventually import eventually
from tests.support.login import agree, fill_in
from tests.support.people import Person


def test_health_answers(stack: Stack) -> None:
    answer = requests.get(f"{stack.url('app')}/health", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "state": "fresh"})


def test_whose_session_a_cookie_is_is_told_to_nobody_without_one(stack: Stack) -> None:
    address = f"{stack.url('app')}/auth/session"
    for cookies in ({}, {COOKIE: "guessed"}):
        answer = requests.get(address, cookies=cookies, headers={"Origin": "http://evil.example"}, timeout=10)
        assert (answer.status_code, answer.json()["error"]) == (401, "session_ended")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers, "another site's page may not read it"


@pytest.mark.parametrize("path", ["/", "/health", "/auth/callback", "/_stcore/health", "/mcp-tools"])
def test_every_answer_carries_the_security_headers(stack: Stack, path: str) -> None:
    headers = requests.get(f"{stack.url('app')}{path}", timeout=10).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


UPLOAD = "/_stcore/upload_file/0b8f3f44/1"


def begun(stack: Stack, head: str) -> int:
    """The status that answers a request of which the head was sent and a promised body was not."""
    address = urlsplit(stack.url("app"))
    with socket.create_connection(("localhost", address.port or 80), timeout=10) as connection:
        connection.sendall(f"{head} HTTP/1.1\r\nHost: {address.netloc}\r\n".encode())
        connection.sendall(b"Content-Type: application/octet-stream\r\nContent-Length: 200000000\r\n\r\n")
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", [UPLOAD, "/_stcore/upload_file", "/", "/media/x", "/_stcore/health", "/mcp-tools"])
def test_nothing_is_uploaded_and_no_body_is_read_to_say_so(stack: Stack, method: str, path: str) -> None:
    expected = 404 if path.startswith("/_stcore/upload_file") else 405
    assert begun(stack, f"{method} {path}") == expected


@pytest.mark.parametrize(
    "path",
    [
        UPLOAD,
        "/_stcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/openapi.json",
        "/_stcore/agent/mcp",
        "/page/_stcore/agent/mcp",
        "/component/x/index.html",
        "/app/static/x",
        "/oauth2callback",
    ],
)
def test_what_streamlit_serves_and_the_app_does_not_need_is_not_there(stack: Stack, path: str) -> None:
    assert requests.get(f"{stack.url('app')}{path}", timeout=10, allow_redirects=False).status_code == 404


@pytest.mark.parametrize("path", ["/auth/backchannel-logout", "/auth/logout"])
def test_a_body_that_is_too_long_for_a_route_of_ours_is_refused_before_it_is_read(stack: Stack, path: str) -> None:
    assert begun(stack, f"POST {path}") in (400, 403, 413)


def test_a_message_on_the_web_socket_is_bounded(stack: Stack) -> None:
    address = stack.url("app")
    with connect(f"{address.replace('http', 'ws')}/_stcore/stream", origin=Origin(address)) as wire:
        # The head of a binary frame of 9 MB (RFC 6455 §5.2): its length alone is refused.
        wire.socket.sendall(b"\x82\xff" + (9_000_000).to_bytes(8, "big") + b"mask")
        with pytest.raises(ConnectionClosed) as closed:
            wire.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("cookies", [{}, {COOKIE: "guessed"}])
def test_a_page_s_files_are_for_who_is_signed_in(stack: Stack, cookies: dict[str, str]) -> None:
    for method in ("GET", "HEAD"):
        answer = requests.request(method, f"{stack.url('app')}/media/{'0' * 56}.json", cookies=cookies, timeout=10)
        assert answer.status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost.evil.example"])
@pytest.mark.parametrize("path", ["/", "/health", "/auth/login"])
def test_another_host_name_is_refused(stack: Stack, host: str, path: str) -> None:
    answer = requests.get(f"{stack.url('app')}{path}", headers={"Host": host}, timeout=10, allow_redirects=False)
    assert answer.status_code == 400
    assert f"Open this app at {stack.url('app')}" in answer.text


def open_socket(stack: Stack, origin: str | None) -> int:
    """The status that answers Streamlit's handshake (RFC 6455 §4.1) from a page of ``origin``."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        **({"Origin": origin} if origin else {}),
    }
    with requests.get(f"{stack.url('app')}/_stcore/stream", headers=headers, timeout=10, stream=True) as answer:
        return answer.status_code


def test_a_web_socket_is_for_this_origin_only(stack: Stack) -> None:
    own = stack.url("app")
    assert open_socket(stack, own) == 101
    assert open_socket(stack, None) == 101
    for other in (
        stack.url("mcp-jira"),
        "http://localhost",
        own.replace("http", "https"),
        "http://evil.example",
        "null",
    ):
        assert open_socket(stack, other) == 403


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Demo.Example:443/base", "https://demo.example"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8501/", "http://localhost:8501"),
        ("http://[::1]:8501", "http://[::1]:8501"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_login_sends_the_browser_to_keycloak_and_keeps_what_it_must(stack: Stack) -> None:
    answer = requests.get(f"{stack.url('app')}/auth/login", timeout=10, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{stack.url('app')}/auth/callback"]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert asked["state"][0] != asked["nonce"][0]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=600" in cookie
    assert asked["state"][0] not in cookie
    assert asked["nonce"][0] not in cookie


@pytest.mark.disturbs
def test_a_sign_in_under_way_survives_a_restart_of_the_app(stack: Stack, person: Person) -> None:
    begun = requests.get(f"{stack.url('app')}/auth/login?next=/my", timeout=10, allow_redirects=False)
    returned = fill_in(begun.headers["Location"], person.username, person.password)
    killed = stack.kill("app")
    stack.wait_ready("app", other_than=killed)
    finished = requests.get(
        f"{stack.url('app')}/auth/callback",
        params=returned,
        headers={"Cookie": begun.headers["Set-Cookie"].partition(";")[0]},
        timeout=10,
        allow_redirects=False,
    )
    assert (finished.status_code, finished.headers["Location"]) == (303, "/my")
    assert "mcp_demo_session=" in finished.headers["Set-Cookie"]


async def test_who_was_signed_out_here_but_not_at_keycloak_signs_in_anew_and_is_not_locked_out(
    stack: Stack, person: Person
) -> None:
    """The app's own bookkeeping ends a session; Keycloak, which goes on with it, gives the next sign-in the same id."""
    app, cookies = stack.url("app"), RequestsCookieJar()

    def comes_back(address: str) -> requests.Response:
        begun = requests.get(address, timeout=10, allow_redirects=False)
        arrived, _ = agree(begun.headers["Location"], person.username, person.password, cookies=cookies)
        own = {"Cookie": begun.headers["Set-Cookie"].partition(";")[0]}
        return requests.get(arrived, headers=own, timeout=10, allow_redirects=False)

    def whose(answer: requests.Response) -> requests.Response:
        own = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        return requests.get(f"{app}/auth/session", headers=own, timeout=10)

    first = comes_back(f"{app}/auth/login?next=/my")
    assert whose(first).status_code == 200
    settings = stack.environment("app")
    keys = [SecretStr(settings["APP_SESSION_KEY"])]
    async with State(SecretStr(settings["STATE_DSN"]), session_keys=keys) as state:
        (session,) = [one for one in await state.sessions.signed_in() if one.username == person.username]
        await state.end_session(session.sid, session.sub)
    await eventually(lambda: whose(first).status_code == 401)
    ended = time.time()
    await eventually(lambda: int(time.time()) > ended)
    sent_on = await asyncio.to_thread(comes_back, f"{app}/auth/login?next=/my")
    assert sent_on.headers["Location"] == "/auth/login?fresh=1&level=&next=%2Fmy"
    anew = await asyncio.to_thread(comes_back, f"{app}{sent_on.headers['Location']}")
    assert (anew.status_code, anew.headers["Location"]) == (303, "/my")
    assert whose(anew).json()["username"] == person.username


def unsigned(**claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    good = {"aud": "mcp-demo-app", "sid": "s", "jti": "j", "iat": now, "exp": now + 60, "events": {EVENT: {}}}
    return f"{part({'alg': 'none', 'kid': 'x'})}.{part({**good, **claims})}."


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", unsigned()])
def test_a_logout_token_that_keycloak_did_not_sign_is_refused(stack: Stack, token: str) -> None:
    answer = requests.post(f"{stack.url('app')}/auth/backchannel-logout", data={"logout_token": token}, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_logout_token_is_posted_and_nothing_else(stack: Stack) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = requests.request(method, f"{stack.url('app')}/auth/backchannel-logout", timeout=10)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_logout_request_that_is_too_long_or_empty_is_refused(stack: Stack) -> None:
    url = f"{stack.url('app')}/auth/backchannel-logout"
    assert requests.post(url, data={"logout_token": "x" * 100_000}, timeout=10).status_code == 400
    assert requests.post(url, timeout=10).status_code == 400


async def test_somebody_who_types_keeps_the_session_and_no_other_site_does(stack: Stack, person: Person) -> None:
    """The token is renewed as soon as it is due, with it Keycloak's own session, whose half hour begins anew."""
    app = stack.url("app")
    own = {"Origin": app, "Sec-Fetch-Site": "same-origin"}
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, person)

        def alive(value: str = cookie, **headers: str) -> int:
            cookies = {COOKIE: value} if value else {}
            answer = requests.post(f"{app}/auth/alive", cookies=cookies, headers=own | headers, timeout=10)
            assert answer.content == b""
            return answer.status_code

        before = await process.sessions.find(cookie)
        assert await asyncio.to_thread(alive) == 204
        assert (await process.sessions.find(cookie)).tokens == before.tokens, "not due yet"
        due = before.model_copy(update={"tokens": before.tokens.model_copy(update={"expires_at": time.time() + 5})})
        await process.state.sessions.save(
            cookie, due.sealed(), sid=due.sid, sub=due.sub, username=due.username, expires_at=time.time() + 60
        )
        for foreign in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            assert await asyncio.to_thread(alive, **foreign) == 403
        assert (await process.sessions.find(cookie)).tokens == due.tokens
        assert await asyncio.to_thread(alive) == 204
        after = await process.sessions.find(cookie)
        assert after.tokens.expires_at > due.tokens.expires_at
        # Keycloak states lifetimes in whole seconds.
        assert (after.tokens.refresh_expires_at or 0) > (before.tokens.refresh_expires_at or 0) - 1
        for nobody in ("", "guessed"):
            assert await asyncio.to_thread(alive, nobody) == 401
        await process.state.end_session(after.sid, after.sub)
        assert await asyncio.to_thread(alive) == 401
