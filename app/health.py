"""Whether every part that a person needs is up, asked all at once, each within a second or two."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from app.mcp_client import LABELS
from app.process import Process
from app.texts import t
from common.errors import Problem
from common.http import async_client
from common.settings import MCP_SERVERS

ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, whether it answered well, and what to do when it did not."""

    name: str
    up: bool
    fix: str


async def parts(process: Process) -> list[Part]:
    """Keycloak, Vault, the shared state and the MCP servers."""
    settings = process.settings
    async with async_client(timeout=ANSWER_SECONDS) as http:
        answers = await asyncio.gather(
            _answers(http, f"{settings.keycloak_url.rstrip('/')}/realms/{settings.keycloak_realm}"),
            _vault(process),
            *(_answers(http, _health_of(settings.mcp_url(server))) for server in MCP_SERVERS),
        )
    keycloak, vault, *servers = answers
    return [
        Part(t("health.keycloak"), keycloak, t("health.keycloak.fix")),
        Part(t("health.vault"), vault, t("health.vault.fix")),
        Part(t("health.state"), process.state.fresh(), t("health.state.fix")),
        *(
            Part(t("health.mcp", server=LABELS[server]), up, t("health.mcp.fix", server=server))
            for server, up in zip(MCP_SERVERS, servers, strict=True)
        ),
    ]


def _health_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/health"


async def _answers(http: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx2.HTTPError:
        return False


async def _vault(process: Process) -> bool:
    return await _within(_vault_up(process))


async def _vault_up(process: Process) -> bool:
    health = await process.vault.health()
    return not health.get("sealed", True)


async def _within(question: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await question
    except (Problem, TimeoutError):
        return False
