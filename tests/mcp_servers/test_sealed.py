"""A server's health says that Vault is sealed: its process is well, and nobody gets a credential."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastmcp_vault.http import async_client
from stack.testing import Stack
from tests.mcp_servers.serving import replica
from tests.support.sealed_vault import SealedVault


async def test_health_says_whether_vault_is_sealed(stack: Stack, tmp_path: Path) -> None:
    vault = SealedVault(tmp_path)
    own = stack.environment("mcp-jira") | {"VAULT_ADDR": vault.addr}
    async with async_client() as http, replica(stack, "jira", settings=own) as server:

        async def said() -> dict[str, Any]:
            answer = await http.get(f"{server.url}/health")
            assert answer.status_code == 200, "what is held goes on being used"
            return {name: answer.json()[name] for name in ("status", "vault")}

        assert await said() == {"status": "ok", "vault": "unreachable"}, "nobody has asked it for anything yet"
        with vault.running():
            await asyncio.to_thread(vault.wait_for, 501)
            assert await said() == {"status": "degraded", "vault": "sealed"}
            assert (await asyncio.to_thread(vault.unseal)).returncode == 0
            assert await said() == {"status": "ok", "vault": "unsealed"}
