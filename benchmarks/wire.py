"""A tool call over one kept connection, by a client so small that its own time hides nothing of the server's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from fastmcp_vault.meta import ERROR_KEY, FRESH_KEY

PROTOCOL = "2026-07-28"
ATTEMPTS = 10


class CallFailed(Exception):
    """The server answered something other than a tool's result; ``retryable``: and says that trying again may help."""

    def __init__(self, text: str, *, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


def request(url: str, tool: str, arguments: Mapping[str, Any], *, token: str = "", fresh: bool = False) -> bytes:
    """The bytes of one ``tools/call`` by HTTP/1.1 (MCP 2026-07-28, Streamable HTTP)."""
    asked = {"name": tool, "arguments": dict(arguments)}
    return _message(url, "tools/call", asked, {FRESH_KEY: True} if fresh else {}, name=tool, token=token)


def listing(url: str, *, token: str) -> bytes:
    """The bytes of one ``tools/list``."""
    return _message(url, "tools/list", {}, {}, token=token)


def _message(
    url: str, method: str, params: Mapping[str, Any], meta: Mapping[str, Any], *, name: str = "", token: str
) -> bytes:
    place = urlsplit(url)
    client = {
        "io.modelcontextprotocol/protocolVersion": PROTOCOL,
        "io.modelcontextprotocol/clientInfo": {"name": "benchmarks", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    asked = {**params, "_meta": {**client, **meta}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": asked}).encode()
    headers = {
        "Host": place.netloc,
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "MCP-Protocol-Version": PROTOCOL,
        "Mcp-Method": method,
        **({"Mcp-Name": name} if name else {}),
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {place.path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Connection:
    """One connection to one server, kept open between calls."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "localhost", place.port or 80

    async def __aenter__(self) -> Connection:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def send(self, sent: bytes) -> bytes:
        """The body of the answer. Raises CallFailed unless it is a 200.

        A server closes what was idle for some seconds: then the call is sent once more, on a new connection.
        """
        try:
            status, body = await self._exchange(sent)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._writer.close()
            await self._open()
            status, body = await self._exchange(sent)
        if status != "200":
            raise CallFailed(f"HTTP {status}: {body[:300].decode('utf-8', 'replace')}")
        return body

    async def greet(self, sent: bytes) -> None:
        """A call that is not measured: on a busy machine a part may need longer than a call may take, and a second try.

        Raises CallFailed when trying again does not help.
        """
        for attempt in range(ATTEMPTS):
            try:
                structured(await self.send(sent))
            except CallFailed as failure:
                if not failure.retryable or attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(2**attempt / 10)
            else:
                return

    async def _open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def _exchange(self, sent: bytes) -> tuple[str, bytes]:
        self._writer.write(sent)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.split("\r\n")
        length = next(int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:"))
        return status.split()[1], await self._reader.readexactly(length)


def structured(body: bytes) -> dict[str, Any]:
    """A result's structured content. Raises CallFailed where the tool reports an error."""
    answer = json.loads(body)
    result = answer.get("result") or {}
    if result.get("isError") or "structuredContent" not in result:
        retryable = ((result.get("_meta") or {}).get(ERROR_KEY) or {}).get("retryable") is True
        raise CallFailed(f"The tool failed: {body[:500].decode('utf-8', 'replace')}", retryable=retryable)
    return dict(result["structuredContent"])
