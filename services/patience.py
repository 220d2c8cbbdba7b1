"""HTTP/1.1 that waits a bounded time for a request's head: for a connection's first, and for each later one."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""For a request's line and headers to arrive, from the connection's first byte, or the end of the request before."""


class PatientProtocol(H11Protocol):
    """Closes a connection whose request does not come; between requests uvicorn's own limit holds."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head; of a TLS connection the handshake is through."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once the request is with the application, or the connection is another protocol's."""
        super().data_received(data)
        served = self.cycle is not None and not self.cycle.response_complete
        if served or self.transport.get_protocol() is not self:
            self._stop_waiting()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._late = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
