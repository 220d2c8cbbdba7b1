"""Servers of the test's own, really listening: an ASGI application, or a replica of one of the stack's MCP servers."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx2
import uvicorn

from fastmcp_vault.http import async_client
from stack.layout import ROOT
from stack.ports import free_ports
from stack.processes import base_environment
from stack.testing import Stack
from tests.support.eventually import eventually


@asynccontextmanager
async def served(app: Any, *, ws: Literal["none", "auto"] = "none") -> AsyncIterator[str]:
    """``app`` on a free port; its address."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws=ws))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await eventually(lambda: server.started)
    try:
        yield f"http://localhost:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@dataclass(frozen=True)
class Replica:
    """A second process of one MCP server, over the same Keycloak, Vault and shared state."""

    url: str
    process: subprocess.Popen[bytes]


@asynccontextmanager
async def replica(
    stack: Stack, server: str, *, source: Path = ROOT, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Replica]:
    """One replica for as long as the block runs; or a server of the code in ``source``, with settings of its own."""
    port = free_ports({server: 0})[server]
    own = stack.environment(f"mcp-{server}") if settings is None else settings
    environment = base_environment(stack.layout.temporary) | own | {"MCP_PORT": str(port)}
    with (stack.layout.logs / f"mcp-{server}-replica-{os.getpid()}.log").open("ab") as log:
        command = [sys.executable, "-m", "mcp_servers", server]
        process = await asyncio.to_thread(
            subprocess.Popen, command, cwd=source, env=environment, stdout=log, stderr=log
        )
    url = f"http://localhost:{port}"
    try:
        async with async_client() as client, asyncio.timeout(30):
            while True:
                with suppress(httpx2.HTTPError):
                    if (await client.get(f"{url}/health")).is_success:
                        break
                assert process.poll() is None, "the replica did not start"
                await asyncio.sleep(0.1)
        yield Replica(url, process)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)
