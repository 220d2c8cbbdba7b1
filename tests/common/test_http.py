"""The clients that many people share remember nothing of any of them."""

from __future__ import annotations

from common.http import TimedSession, async_client
from tests.support.odd_server import odd_server

SESSION = "JSESSIONID=alices-session; Path=/"


async def test_the_async_client_sends_nobody_a_cookie_that_was_set_for_somebody_else() -> None:
    with odd_server() as server:
        server.cookie = SESSION
        async with async_client() as http:
            for _ in range(2):
                await http.get(server.url)
    assert [seen.get("Cookie") for seen in server.headers_seen] == [None, None]


def test_the_session_under_hvac_and_python_keycloak_does_neither() -> None:
    with odd_server() as server, TimedSession() as http:
        server.cookie = SESSION
        for _ in range(2):
            http.get(server.url)
    assert [seen.get("Cookie") for seen in server.headers_seen] == [None, None]
