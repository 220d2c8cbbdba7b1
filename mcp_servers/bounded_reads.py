"""Reading an answer of PostgreSQL with a bound on how much of one row libpq holds.

Once libpq knows a message's length, it makes room for all of it, and one ``PQconsumeInput`` then reads for as long as
the server sends (``pqReadData`` in libpq's ``fe-misc.c``): whoever looks between two calls may look too late. So libpq
is given no more than a chunk at a time, through a pair of sockets that takes the place of its own meanwhile.
"""

from __future__ import annotations

import os
import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.waiting import WAIT_R

CHUNK = 65_536
"""Bytes that libpq is given at a time."""


class RowTooLarge(Exception):
    """More bytes came for one row than the bound allows."""


class BoundedReads:
    """The results of one statement, each read with a bound of ``limit`` bytes (and one chunk).

    The first read of a statement is libpq's own, because no row of it can have been announced before; most answers end
    with it.
    """

    def __init__(self, pgconn: pq.abc.PGconn, limit: int) -> None:
        self._pgconn, self._limit = pgconn, limit
        self._pair: tuple[socket.socket, socket.socket] | None = None
        self._first = True

    def __enter__(self) -> BoundedReads:
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._pair or ():
            end.close()

    def fetch(self) -> PQGen[pq.abc.PGresult | None]:
        """The next result, like ``psycopg.generators.fetch``. Raises RowTooLarge; the connection is then of no use."""
        read = 0
        while self._pgconn.is_busy():
            while not (yield WAIT_R):
                continue
            try:
                read += self._read()
            except psycopg.OperationalError:
                # The server closed the connection; why, it may have said before.
                if (said := self._pgconn.get_result()) is not None and said.status == pq.ExecStatus.FATAL_ERROR:
                    return said
                raise
            if read > self._limit + CHUNK:
                raise RowTooLarge
        return self._pgconn.get_result()

    def _read(self) -> int:
        """Read what waits, up to a chunk; how many bytes that were. Nothing of it stays in the pair."""
        if self._first:
            self._first = False
            self._pgconn.consume_input()
            return 0
        with self._instead() as (server, ours, libpqs):
            data = _waiting(server, CHUNK)
            if data:
                ours.sendall(data)
            while _arrived(libpqs):
                self._pgconn.consume_input()
        if not data:
            self._pgconn.consume_input()  # the end of the connection, which libpq is to find itself
        return len(data or b"")

    @contextmanager
    def _instead(self) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
        """The server's socket and the pair, while libpq reads from the pair."""
        if self._pair is None:
            self._pair = socket.socketpair()
            self._pair[1].setblocking(False)
        number = self._pgconn.socket
        with socket.socket(fileno=os.dup(number)) as server:
            os.dup2(self._pair[1].fileno(), number, inheritable=False)
            try:
                yield server, *self._pair
            finally:
                os.dup2(server.fileno(), number, inheritable=False)


def _waiting(server: socket.socket, most: int) -> bytes | None:
    """What waits at a socket; nothing at its end, None when nothing waits or the connection broke."""
    try:
        return server.recv(most, socket.MSG_DONTWAIT)
    except OSError:
        return None


def _arrived(end: socket.socket) -> int:
    """Bytes that wait in the kernel to be read from a socket (ioctl FIONREAD)."""
    counted = bytearray(4)
    ioctl(end, termios.FIONREAD, counted)
    return int.from_bytes(counted, sys.byteorder)
