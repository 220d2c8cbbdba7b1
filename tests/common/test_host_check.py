"""The check of ``Host`` in front of a server: what it lets through, what it costs the server, and when it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from common import host_check
from stack.ports import free_ports
from tests.support.eventually import eventually

GOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

SERVER = """
import os, socketserver, sys, time
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            open("seen", "ab").write(data)
            self.request.sendall(data)
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 100
while not os.path.exists("may-begin"):
    time.sleep(0.01)
Server("echo.sock", Echo).serve_forever()
"""
"""Echoes what comes, on a socket file, as soon as it may begin."""


BODY = GOOD.replace(b"GET", b"POST").removesuffix(b"\r\n")
EVIL = b"GET /secret HTTP/1.1\r\nHost: evil.example\r\n\r\n"


def passed(*pieces: bytes) -> bytes:
    requests = host_check.Requests(host_check.LOCAL)
    return b"".join(requests.passed(piece) for piece in pieces)


@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:8200", b"127.0.0.1:1", b" \tlocalhost "])
def test_a_request_that_names_this_machine_is_passed_on(host: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nX: y\r\nhOsT:" + host + b"\r\n\r\n"
    assert passed(head) == head
    assert passed(*(bytes([one]) for one in head)) == head, "in pieces as well"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: evil.example",
        b"GET / HTTP/1.1\r\nHost: localhost.evil.example",
        b"GET / HTTP/1.1\r\nHost: evil.example:localhost",
        b"GET / HTTP/1.1\r\nHost: localhost@evil.example",
        b"GET / HTTP/1.1\r\nHost: localhost:80:80",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
        b"GET / HTTP/1.1\r\nHost : localhost",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n :localhost",
        b"GET / HTTP/1.1\r\nX-Host: localhost",
        b"GET / HTTP/1.1\r\nHost:",
        b"GET / HTTP/1.1",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost",
        b"PRI * HTTP/2.0",
        b"nonsense",
        b"",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked",
    ],
)
def test_any_other_head_is_refused(head: bytes) -> None:
    with pytest.raises(host_check.HostRefused):
        passed(head + b"\r\n\r\n")


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        GOOD,
        BODY + b"Content-Length: 0\r\n\r\n",
        BODY + b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL,
        BODY + CHUNKED + b"%x;a=b\r\n" % len(EVIL) + EVIL + b"\r\n2\r\nab\r\n0\r\n\r\n",
        BODY + CHUNKED + b"0\r\nX: y\r\n\r\n",
    ],
)
def test_each_request_of_a_connection_is_judged_and_no_body_is(request_: bytes) -> None:
    for step in (1, 7, 1000):
        whole = request_ + GOOD
        assert passed(*(whole[at : at + step] for at in range(0, len(whole), step))) == whole
    with pytest.raises(host_check.HostRefused, match="host name"):
        passed(request_ + EVIL)


def test_after_a_change_of_protocol_everything_is_passed_on() -> None:
    upgrade = b"GET /v1/sys/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert passed(upgrade, b"\x81\x05hello", EVIL) == upgrade + b"\x81\x05hello" + EVIL


@contextmanager
def started(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The server on a socket file, behind the check on ``port``."""
    command = [*host_check.command(("127.0.0.1", port), "unix:echo.sock"), sys.executable, "-I", "-S", "-c", SERVER]
    environment = {"A_SECRET": "of-the-server", "DEMO_INSTANCE": str(folder)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A checked port, open."""
    (tmp_path / "may-begin").touch()
    chosen = free_ports(("door",))["door"]
    with started(tmp_path, chosen):
        await eventually(lambda: is_open(chosen))
        yield chosen


def is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


async def said(port: int, *pieces: bytes) -> bytes:
    """What comes back for these bytes, sent one after the other, until both sides have ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        reading = asyncio.ensure_future(reader.read(-1))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        return await asyncio.wait_for(reading, 20)
    finally:
        writer.close()


async def test_a_good_connection_is_passed_on_byte_for_byte(port: int) -> None:
    body = os.urandom(5_000_000)
    head = BODY + b"Content-Length: %d\r\n\r\n" % len(body)
    assert await said(port, head[:20], head[20:], body) == head + body


async def test_many_at_once_get_each_their_own(port: int) -> None:
    sent = [BODY + b"Content-Length: 50000\r\n\r\n" + os.urandom(50_000) for _ in range(40)]
    assert await asyncio.gather(*(said(port, each) for each in sent)) == sent


async def test_of_a_refused_connection_the_server_sees_nothing(port: int, tmp_path: Path) -> None:
    answer = await said(port, EVIL)
    assert answer.startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
    assert await said(port, GOOD) == GOOD
    assert (tmp_path / "seen").read_bytes() == GOOD


async def test_a_foreign_request_on_a_connection_in_use_ends_it(port: int, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(GOOD)
        assert await reader.readexactly(len(GOOD)) == GOOD
        writer.write(EVIL)
        assert (await asyncio.wait_for(reader.read(-1), 20)).startswith(b"HTTP/1.1 421 ")
    finally:
        writer.close()
    assert (tmp_path / "seen").read_bytes() == GOOD


async def test_a_head_without_end_is_refused_and_half_a_head_is_dropped(port: int, tmp_path: Path) -> None:
    endless = b"GET / HTTP/1.1\r\nX: " + b"x" * host_check.HEAD_BYTES
    assert (await said(port, endless)).startswith(b"HTTP/1.1 431 ")
    assert await said(port, GOOD[:-2]) == b""
    assert not (tmp_path / "seen").exists()


async def test_the_port_is_open_from_the_servers_first_answer_until_its_end(tmp_path: Path) -> None:
    port = free_ports(("door",))["door"]
    with started(tmp_path, port) as process:
        server = psutil.Process(process.pid)
        await eventually(lambda: SERVER in server.cmdline() and bool(server.children()))
        (checking,) = server.children()
        assert not is_open(port), "refused, as by a server that has not started"
        (tmp_path / "may-begin").touch()
        await eventually(lambda: is_open(port))
        assert "A_SECRET" in server.environ()
        assert set(checking.environ()) <= {"DEMO_INSTANCE", "LC_CTYPE"}, "the server's secrets are not the check's"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == -signal.SIGTERM, "the server's own end"
        await eventually(lambda: not checking.is_running() or checking.status() == psutil.STATUS_ZOMBIE)
        assert not is_open(port)


async def test_a_port_that_is_taken_starts_no_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, started(tmp_path, taken.getsockname()[1]) as process:
        _, why = await asyncio.to_thread(process.communicate, None, 20)
        assert process.returncode == 1
        assert b"Address already in use" in why
