"""Whether Vault would serve a request now: for health checks."""

from __future__ import annotations

import asyncio

from fastmcp_vault.errors import Problem
from fastmcp_vault.vault.client import Vault

ANSWER_SECONDS = 2.0


async def serves(vault: Vault) -> bool:
    """True when Vault answers within ANSWER_SECONDS and is unsealed; never raises (Vault API: GET sys/health)."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return not (await vault.health()).get("sealed", True)
    except (Problem, TimeoutError):
        return False
