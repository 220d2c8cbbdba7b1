"""The clients that many people share: they remember nothing of any of them, and read no more than they were told."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import time
from pathlib import Path

import httpx2
import psutil
import pytest
import requests

from fastmcp_vault.http import ResponseTooLarge, TimedSession, async_client, async_transport, sync_client
from tests.support.document_server import document_server
from tests.support.eventually import eventually
from tests.support.odd_server import odd_server

SESSION = "JSESSIONID=alices-session; Path=/"


async def test_the_async_client_sends_nobody_a_cookie_that_was_set_for_somebody_else() -> None:
    with odd_server() as server:
        server.headers["Set-Cookie"] = SESSION
        async with async_client() as http:
            for _ in range(2):
                await http.get(server.url)
    assert [seen.get("Cookie") for seen in server.headers_seen] == [None, None]


def test_the_sync_client_does_neither() -> None:
    with odd_server() as server, sync_client() as http:
        server.headers["Set-Cookie"] = SESSION
        for _ in range(2):
            http.get(server.url)
    assert [seen.get("Cookie") for seen in server.headers_seen] == [None, None]


def test_the_session_under_python_keycloak_does_neither() -> None:
    with odd_server() as server, TimedSession() as http:
        server.headers["Set-Cookie"] = SESSION
        for _ in range(2):
            http.get(server.url)
    assert [seen.get("Cookie") for seen in server.headers_seen] == [None, None]


def test_the_session_under_python_keycloak_trusts_whom_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with document_server(tmp_path) as server:
        address = server.serve("/", b"{}")
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with TimedSession() as http, pytest.raises(requests.exceptions.SSLError):
            http.get(address)
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
        with TimedSession() as http:
            assert http.get(address).status_code == http.get(address, verify=True).status_code == 200


@pytest.mark.parametrize(("size", "fits"), [(4096, True), (4097, False), (10_000_000, False)])
@pytest.mark.parametrize("packed", [True, False])
async def test_a_body_is_read_up_to_its_bound_however_small_it_was_packed(size: int, fits: bool, packed: bool) -> None:
    with odd_server() as server:
        server.body = gzip.compress(b"a" * size) if packed else b"a" * size
        server.headers |= {"Content-Encoding": "gzip"} if packed else {}
        async with async_client(transport=async_transport(max_response_size=4096)) as http:
            if fits:
                assert (await http.get(server.url)).content == b"a" * size
                return
            with pytest.raises(ResponseTooLarge) as refused:
                await http.get(server.url)
            assert refused.value.limit == 4096
            server.body, server.headers = b"small", {}
            assert (await http.get(server.url)).text == "small"


async def test_the_machine_s_authorities_are_read_once_however_many_clients_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[object] = []
    making = httpx2.create_ssl_context
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda *a, **k: read.append(1) or making(*a, **k))
    for _ in range(3):
        async with async_client():
            pass
        sync_client().close()
    assert len(read) <= 1


async def test_a_server_whose_queue_is_full_for_a_moment_is_no_outage() -> None:
    """TCP drops what finds the queue full, and tries again after a second."""
    with socket.socket() as server, contextlib.ExitStack() as ends:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        server.settimeout(10)
        address = server.getsockname()

        def trying() -> int:
            mine = psutil.Process().net_connections("tcp")
            return sum(one.status == psutil.CONN_SYN_SENT and one.raddr == address for one in mine)

        while not trying():
            filling = ends.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(address)

        def serve() -> None:
            """Takes whoever waits, until one of them asks for something."""
            while True:
                connection, _ = server.accept()
                with connection:
                    if connection.recv(1024):
                        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                        return

        before = trying()
        async with async_client() as http:
            asking = asyncio.create_task(http.get(f"http://127.0.0.1:{address[1]}/"))
            await eventually(lambda: trying() > before)
            ends.close()
            answer, _ = await asyncio.gather(asking, asyncio.to_thread(serve))
            assert answer.status_code == 204


async def test_an_event_loop_that_stands_still_for_moments_makes_no_outage_of_a_server_that_is_up() -> None:
    """As the app's does while many people's pages are drawn in other threads."""

    async def standing_still() -> None:
        for _ in range(6):
            time.sleep(0.5)  # noqa: ASYNC251 - that is what is tried
            await asyncio.sleep(0)

    with odd_server() as server:
        async with async_client() as http:
            answer, _ = await asyncio.gather(http.get(server.url), standing_still())
    assert answer.status_code == 200
