"""Vault hangs and many wait: all hear of it with the first, the next are told at once, and one finds it back."""

from __future__ import annotations

import asyncio
import time

from pydantic import SecretStr

from fastmcp_vault.errors import VaultUnavailable
from fastmcp_vault.vault import Vault
from tests.support.odd_server import odd_server

TOKEN = SecretStr("s.abcdefghijklmnopqrstuvwx")
TIMEOUT = 0.5


async def test_a_crowd_behind_a_hanging_vault_waits_once_and_returns_without_a_stampede() -> None:
    with odd_server() as odd:
        odd.mute = True
        vault = Vault(odd.url, timeout=TIMEOUT)
        began = time.monotonic()
        crowd = await asyncio.gather(*(vault.lookup_self(TOKEN) for _ in range(200)), return_exceptions=True)
        waited = time.monotonic() - began
        assert all(isinstance(answer, VaultUnavailable) and answer.retryable for answer in crowd)
        # One thread after another, 200 calls would wait a dozen times as long as one.
        assert waited < 6 * TIMEOUT
        assert vault.circuit.state != "closed"
        reached = len(odd.headers_seen)
        assert reached < 200 / 2

        odd.mute, odd.body = False, b'{"data": {"id": "it"}}'
        odd.released.set()
        async with asyncio.timeout(20):
            while vault.circuit.state != "closed":
                await asyncio.gather(*(vault.lookup_self(TOKEN) for _ in range(5)), return_exceptions=True)
                await asyncio.sleep(0.02)
        # One of each five tried it out; the others were answered without it.
        assert len(odd.headers_seen) - reached <= 2 * 5
        assert (await vault.lookup_self(TOKEN)) == {"id": "it"}
        await vault.close()
