"""The front of a room: which paths it opens, what it passes on of requests, answers and web sockets, and its limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from common import speech
from fastmcp_vault.http import async_client
from services import patience
from services.room import front as front_module
from services.room.front import BODY_LIMIT, RoomFront
from services.room.paths import PAGES_AT_ONCE, find, servers
from services.room.settings import RoomSettings
from services.room.sockets import FROM_BROWSER
from services.room.wire import forwarded, returned
from services.room.words import STEPS, WORDS
from services.serving import Endpoint, serve
from stack.ports import free_ports

REALM = "/realms/mcp-demo"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "app"),
        ("/workshop", "app"),
        ("/_stcore/stream", "app"),
        ("/auth/callback", "app"),
        ("/auth/backchannel-logout", None),
        (f"{REALM}/protocol/openid-connect/auth", "keycloak"),
        (f"{REALM}/login-actions/authenticate", "keycloak"),
        ("/resources/abc/login/keycloak.v2/css/styles.css", "keycloak"),
        # What a program, an administrator or a guesser of passwords would want.
        (f"{REALM}/protocol/openid-connect/token", None),
        (f"{REALM}/protocol/openid-connect/auth/device", None),
        (f"{REALM}/clients-registrations/openid-connect", None),
        (f"{REALM}/account/", None),
        (f"{REALM}/metrics", None),
        ("/realms/master/protocol/openid-connect/auth", None),
        ("/realms/master/login-actions/authenticate", None),
        (f"{REALM}/login-actions/../../master/protocol/openid-connect/auth", None),
        (f"{REALM}/login-actions/%2e%2e/%2e%2e/master/protocol/openid-connect/auth", None),
        (f"{REALM}/login-actions/..%2f..%2fmaster/protocol/openid-connect/auth", None),
        (f"{REALM}/login-actions/..;/..;/master/protocol/openid-connect/auth", None),
        ("//realms/master/protocol/openid-connect/auth", None),
        ("/%72ealms/master/protocol/openid-connect/auth", None),
        ("/relay/login/a.b.c", "auth-relay"),
        ("/relay/oidc/callback", "auth-relay"),
        ("/relay/issue_login_link", None),
        ("/relay/health", None),
        ("/chatbot/linked", "chatbot"),
        ("/chatbot/chats/alice", None),
        ("/chatbot/relay/callback", None),
        ("/mock/jira/authorize", "mock-jira"),
        ("/mock/jira/browse/PROJ-1", "mock-jira"),
        ("/mock/jira/rest/api/3/myself", None),
        ("/mock/jira/oauth/token", None),
        ("/mock/github/login/oauth/authorize", "mock-github"),
        ("/mock/github/login/oauth/access_token", None),
        ("/mock/other", None),
        ("http://localhost:8080/realms/master", None),
    ],
)
def test_the_front_opens_pages_for_browsers_and_nothing_else(path: str, name: str | None) -> None:
    found = find(servers(RoomSettings()), path.encode())
    assert (found.name if found else None) == name


def test_what_a_caller_says_of_itself_or_of_this_connection_goes_no_further() -> None:
    sent = [
        (b"host", b"room.test:4443"),
        (b"connection", b"keep-alive, X-Secret-Hop"),
        (b"x-secret-hop", b"1"),
        (b"te", b"trailers"),
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"5"),
        (b"forwarded", b"for=1.2.3.4"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"x-forwarded-host", b"evil.example"),
        (b"x-forwarded-prefix", b"/evil"),
        (b"x-real-ip", b"1.2.3.4"),
        (b"accept", b"text/html"),
        (b"cookie", b"__Host-mcp_demo_session=a; KEYCLOAK_IDENTITY=b"),
        (b"cookie", b"__Host-relay_login_c=c"),
    ]
    table = {server.name: server for server in servers(RoomSettings())}

    def cookies(name: str) -> list[bytes]:
        passed = forwarded(sent, cookies=table[name].cookies, client="10.0.0.7")
        return [value for key, value in passed if key == b"cookie"]

    passed = forwarded(sent, cookies=re.compile(r"(?!)"), client="10.0.0.7")
    assert passed == [
        (b"host", b"room.test:4443"),
        (b"accept", b"text/html"),
        (b"x-forwarded-for", b"10.0.0.7"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"room.test:4443"),
    ]
    assert cookies("app") == [b"__Host-mcp_demo_session=a; KEYCLOAK_IDENTITY=b"]
    assert cookies("keycloak") == [b"KEYCLOAK_IDENTITY=b"]
    assert cookies("auth-relay") == [b"__Host-relay_login_c=c"]
    assert cookies("chatbot") == cookies("mock-jira") == cookies("mock-github") == []
    answered = [
        (b"Connection", b"close"),
        (b"Strict-Transport-Security", b"max-age=1"),
        (b"Set-Cookie", b"a=1; Path=/"),
        (b"Set-Cookie", b"secure=2; secure"),
    ]
    assert returned(answered) == [(b"set-cookie", b"a=1; Path=/; Secure"), (b"set-cookie", b"secure=2; secure")]


def test_the_page_with_the_certificate_speaks_every_language() -> None:
    assert WORDS.keys() == STEPS.keys() == set(speech.LANGUAGES)
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS["en"])}
    assert {tuple(name.split(" ")[0] for name, _ in steps[:5]) for steps in STEPS.values()} == {
        ("iPhone,", "Android", "Windows", "macOS", "Firefox")
    }


async def _echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse(
        {"target": request.url.path + "?" + request.url.query, "body": len(body), "host": request.headers["host"]},
        headers={"Set-Cookie": "a=1"},
    )


async def _pieces(request: Request) -> Response:
    async def stream() -> AsyncIterator[bytes]:
        yield b"first"
        await released(request).wait()
        yield b"second"

    return StreamingResponse(stream())


async def _works(request: Request) -> Response:
    state = request.app.state
    state.working += 1
    state.most = max(state.most, state.working)
    if state.working >= PAGES_AT_ONCE:
        state.full.set()
    await released(request).wait()
    state.working -= 1
    return Response("done")


def released(request: Request) -> asyncio.Event:
    event: asyncio.Event = request.app.state.released
    return event


async def _socket(websocket: WebSocket) -> None:
    if websocket.headers.get("origin") == "https://evil.example":
        await websocket.close()
        return
    await websocket.accept("streamlit")
    await websocket.send_text(json.dumps(dict(websocket.headers)))
    message = await websocket.receive()
    await websocket.send_bytes(bytes(message["bytes"])[::-1])
    await websocket.close(4001, "enough")


class Served:
    """The front on a plain port, and a server behind it."""

    def __init__(self) -> None:
        ports = free_ports(["front", "app", "nobody"])
        self.app = Starlette(
            routes=[
                WebSocketRoute("/_stcore/stream", _socket),
                Route("/pieces", _pieces),
                Route(f"{REALM}/login-actions/authenticate", _works, methods=["POST"]),
                Route(f"{REALM}/login-actions/pieces", _pieces),
                Route("/{rest:path}", _echo, methods=["GET", "POST"]),
            ]
        )
        self.settings = RoomSettings(
            room_address="127.0.0.1",
            room_port=ports["front"],
            app_url=f"http://localhost:{ports['app']}",
            keycloak_url=f"http://localhost:{ports['app']}",
            chatbot_url=f"http://localhost:{ports['nobody']}",
        )
        self.port, self.host = ports["front"], f"127.0.0.1:{ports['front']}"
        self._app_port = ports["app"]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[httpx2.AsyncClient]:
        state = self.app.state
        state.released, state.full, state.working, state.most = asyncio.Event(), asyncio.Event(), 0, 0
        stopping = asyncio.Event()
        async with async_client() as inner, async_client(base_url=f"http://{self.host}") as client:
            endpoints = [
                Endpoint("app", self.app, "127.0.0.1", self._app_port, socket_bytes=FROM_BROWSER),
                Endpoint("front", RoomFront(self.settings, inner), "127.0.0.1", self.port, socket_bytes=FROM_BROWSER),
            ]
            serving = asyncio.create_task(serve(endpoints, stopping))
            try:
                await until_answered(client)
                yield client
            finally:
                stopping.set()
                await serving


async def until_answered(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                await client.get("/_room/health")
                return
            await asyncio.sleep(0.01)


@pytest.fixture
async def served() -> AsyncIterator[tuple[Served, httpx2.AsyncClient]]:
    made = Served()
    async with made.running() as client:
        yield made, client


async def test_a_request_arrives_as_it_was_sent_and_its_limits_hold(
    served: tuple[Served, httpx2.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    room, client = served
    answer = await client.get("/a%20b/c?x=%2F&y=1", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.json() == {"target": "/a b/c?x=%2F&y=1", "body": 0, "host": room.host}
    assert answer.headers.get_list("set-cookie") == ["a=1; Secure"]
    assert (await client.post("/x", content=b"y" * BODY_LIMIT)).json()["body"] == BODY_LIMIT
    assert (await client.post("/x", content=b"y" * (BODY_LIMIT + 1))).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 1000 + 2):
            yield b"y" * 1000

    assert (await client.post("/x", content=endless())).status_code == 413
    assert (await client.put("/x", content=b"")).status_code == 405
    assert (await client.get("/x", headers={"Host": "evil.example"})).status_code == 421
    assert (await client.get("/realms/master/")).status_code == 404
    gone = await client.get("/chatbot/linked", headers={"Accept-Language": "ko"})
    assert gone.status_code == 502
    assert "응답하지 않습니다" in gone.text

    monkeypatch.setattr(front_module, "BODY_SECONDS", 0.05)
    raw = await spoken(room.port, f"POST /x HTTP/1.1\r\nHost: {room.host}\r\nContent-Length: 9\r\n\r\nabc")
    assert raw.startswith(b"HTTP/1.1 408")


async def test_an_answer_is_passed_on_piece_by_piece(served: tuple[Served, httpx2.AsyncClient]) -> None:
    room, client = served
    async with client.stream("GET", "/pieces") as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"first"
        room.app.state.released.set()
        assert await anext(pieces) == b"second"


async def test_a_whole_room_that_signs_in_at_once_waits_in_the_front_and_not_in_keycloak(
    served: tuple[Served, httpx2.AsyncClient],
) -> None:
    """So that what servers ask of Keycloak meanwhile does not wait for all of it; and everybody is answered."""
    made, client = served
    state = made.app.state
    everybody = [asyncio.create_task(client.post(f"{REALM}/login-actions/authenticate")) for _ in range(30)]
    await state.full.wait()
    for _ in range(10):
        assert (await client.get("/another/page")).status_code == 200, "of another server"
    assert 0 < state.working <= PAGES_AT_ONCE
    state.released.set()
    assert {answer.text for answer in await asyncio.gather(*everybody)} == {"done"}
    assert state.most <= PAGES_AT_ONCE


async def test_browsers_that_take_an_answer_slowly_keep_nobody_waiting(
    served: tuple[Served, httpx2.AsyncClient],
) -> None:
    made, client = served
    async with contextlib.AsyncExitStack() as slow:
        for _ in range(PAGES_AT_ONCE):
            await slow.enter_async_context(client.stream("GET", f"{REALM}/login-actions/pieces"))
        assert (await client.get(f"{REALM}/login-actions/other")).status_code == 200
        made.app.state.released.set()


async def test_who_gets_no_turn_in_time_is_told_to_try_again(
    served: tuple[Served, httpx2.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client = served
    monkeypatch.setattr(front_module, "TURN_SECONDS", 0.05)
    at_work = [asyncio.create_task(client.post(f"{REALM}/login-actions/authenticate")) for _ in range(PAGES_AT_ONCE)]
    await made.app.state.full.wait()
    late = await client.post(f"{REALM}/login-actions/authenticate")
    assert late.status_code == 504
    assert "try again in a moment" in late.text
    made.app.state.released.set()
    assert {answer.status_code for answer in await asyncio.gather(*at_work)} == {200}


async def test_a_head_that_does_not_come_ends_the_connection(
    served: tuple[Served, httpx2.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.05)
    room, _ = served
    assert await spoken(room.port, "") == b""
    assert await spoken(room.port, "GET / HTTP/1.1\r\nHost:") == b""
    whole = f"GET /first HTTP/1.1\r\nHost: {room.host}\r\n\r\n"
    twice = await spoken(room.port, f"{whole}GET / HTTP/1.1\r\nX:")
    assert twice.startswith(b"HTTP/1.1 200")
    assert twice.count(b"HTTP/1.1 ") == 1


async def spoken(port: int, text: str) -> bytes:
    """What comes back until the other side ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()


async def test_a_web_socket_is_passed_on_with_its_protocol_messages_and_end(
    served: tuple[Served, httpx2.AsyncClient],
) -> None:
    room, _ = served
    address = f"ws://{room.host}/_stcore/stream"
    headers = {"Cookie": "__Host-mcp_demo_session=a; __Host-relay_login_x=b", "X-Forwarded-For": "1.2.3.4"}
    wanted = [Subprotocol("streamlit"), Subprotocol("token")]
    async with connect(address, additional_headers=headers, subprotocols=wanted, proxy=None) as socket:
        assert socket.subprotocol == "streamlit"
        told = json.loads(await socket.recv())
        assert told["cookie"] == "__Host-mcp_demo_session=a"
        assert told["host"] == told["x-forwarded-host"] == room.host
        assert told["x-forwarded-for"] == "127.0.0.1"
        await socket.send(b"abc")
        assert await socket.recv() == b"cba"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "enough") if closed.value.rcvd else None
    refused: list[tuple[str, dict[str, str], int]] = [
        ("/other", {}, 404),
        ("/_stcore/stream", {"Host": "evil.example"}, 421),
        ("/_stcore/stream", {"Origin": "https://evil.example"}, 403),
    ]
    for path, more, status in refused:
        with pytest.raises(InvalidStatus) as answer:
            await opened(f"ws://{room.host}{path}", more)
        assert answer.value.response.status_code == status


async def opened(address: str, more: dict[str, str]) -> None:
    given = dict(more)
    host = given.pop("Host", "")
    port = int(address.split(":")[2].split("/", maxsplit=1)[0])
    where = address.replace(f"127.0.0.1:{port}", host) if host else address
    async with connect(where, host="127.0.0.1", port=port, additional_headers=given, proxy=None):
        pass


async def test_messages_beyond_the_limit_end_the_socket(served: tuple[Served, httpx2.AsyncClient]) -> None:
    room, _ = served
    async with connect(f"ws://{room.host}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], proxy=None) as one:
        await one.recv()
        await one.send(b"x" * (FROM_BROWSER + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await one.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
