"""Whether every part that a person needs is up, asked all at once, each within a second or two."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from app.mcp_client import LABELS
from app.process import AppProcess
from app.texts import t
from common.servers import MCP_SERVERS
from fastmcp_vault.http import async_client
from fastmcp_vault.vault.health import serves

ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part: where it is in the picture, its name, whether it answered well, and what to do when it did not."""

    place: str
    name: str
    up: bool
    fix: str


async def parts(process: AppProcess) -> list[PartHealth]:
    """Keycloak, Vault, the shared state and the MCP servers."""
    settings = process.settings
    async with async_client(timeout=ANSWER_SECONDS) as http:
        answers = await asyncio.gather(
            _answers(http, f"{settings.keycloak_url.rstrip('/')}/realms/{settings.keycloak_realm}"),
            serves(process.vault),
            process.state.serves(),
            *(_answers(http, _health_of(settings.mcp_url(server))) for server in MCP_SERVERS),
        )
    keycloak, vault, state, *servers = answers
    return [
        PartHealth("keycloak", t("health.keycloak"), keycloak, t("health.keycloak.fix")),
        PartHealth("vault", t("health.vault"), vault, t("health.vault.fix")),
        PartHealth("state", t("health.state"), state, t("health.state.fix")),
        *(
            PartHealth("mcp", t("health.mcp", server=LABELS[server]), up, t("health.mcp.fix", server=server))
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
