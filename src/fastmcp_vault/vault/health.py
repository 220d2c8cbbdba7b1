"""Whether Vault would serve a request now: for health checks."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastmcp_vault.errors import Problem
from fastmcp_vault.vault.client import Vault

ANSWER_SECONDS = 2.0


async def standing(vault: Vault) -> Literal["unsealed", "sealed", "unreachable"]:
    """What Vault says of itself within ANSWER_SECONDS; never raises (Vault API: GET sys/health)."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return "sealed" if (await vault.health()).get("sealed", True) else "unsealed"
    except (Problem, TimeoutError):
        return "unreachable"


async def serves(vault: Vault) -> bool:
    """True when Vault answers and is unsealed; see :func:`standing`."""
    return await standing(vault) == "unsealed"
