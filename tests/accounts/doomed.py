"""A replica that is killed at one point of a refresh: ``STATE_DIR NAME before|after N``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx2

from fastmcp_vault.http import async_transport
from tests.accounts.replicas import replica
from tests.support.run import attached


class Doomed(httpx2.AsyncBaseTransport):
    """Kills this process before its ``at``-th request is sent, or after that was answered."""

    def __init__(self, when: str, at: int) -> None:
        self._when, self._at, self._sent = when, at, 0
        self._inner = async_transport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response; or the end."""
        self._sent += 1
        if self._sent == self._at and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        response = await self._inner.handle_async_request(request)
        if self._sent == self._at and self._when == "after":
            await response.aread()
            os.kill(os.getpid(), signal.SIGKILL)
        return response


async def main(state: Path, name: str, when: str, at: int) -> None:
    """Refresh ``name``'s connection, as far as it goes."""
    async with replica(attached(state), transport=Doomed(when, at), turn=1.5) as doomed:
        await doomed.refresher.usable(doomed.login, name)
        await doomed.refresher.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
