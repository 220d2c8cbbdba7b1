"""The token API as the signed-in person: their own tokens, made, listed, renewed and revoked; any token looked up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from app.process import AppProcess
from app.texts import language, t
from fastmcp_vault.errors import BackendRefused, BackendUnavailable
from fastmcp_vault.http import async_client

PERMISSIONS = ("create", "read", "update", "delete", "list")
AUDIENCE, SCOPE = "token-api", "tokens:issue"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A living token of this person, named by its accessor; ``expires_at`` in seconds since the epoch."""

    accessor: str
    name: str
    permissions: tuple[str, ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What Vault says of a token."""

    accessor: str
    user: str
    permissions: tuple[str, ...]
    expires_at: float
    renewable: bool


async def create(process: AppProcess, cookie: str, name: str, permissions: Iterable[str]) -> SecretStr:
    """A new token. Raises SessionEnded, BackendRefused, BackendUnavailable."""
    body = {"name": name, "permissions": dict.fromkeys(permissions, True)}
    return SecretStr((await _ask(process, "POST", "/api/token/create", cookie=cookie, json=body))["token"])


async def listed(process: AppProcess, cookie: str) -> list[IssuedToken]:
    """This person's living tokens, the newest first: one page of them (the service's 50), as many as a page shows."""
    found = (await _ask(process, "GET", "/api/tokens", cookie=cookie))["tokens"]
    return [IssuedToken(one["accessor"], one["name"], tuple(one["permissions"]), one["expires_at"]) for one in found]


async def renew(process: AppProcess, cookie: str, accessor: str) -> None:
    """Begin one token's hour anew."""
    await _ask(process, "POST", f"/api/tokens/{accessor}/renew", cookie=cookie)


async def revoke(process: AppProcess, cookie: str, accessor: str) -> None:
    """End one token."""
    await _ask(process, "DELETE", f"/api/tokens/{accessor}", cookie=cookie)


async def look_up(process: AppProcess, token: SecretStr) -> KnownToken:
    """What Vault says of a token, asked with that token itself."""
    found = await _ask(process, "GET", "/api/token", token=token)
    until = time.time() + float(found["ttl"])
    return KnownToken(found["accessor"], found["user"], tuple(found["permissions"]), until, bool(found["renewable"]))


async def _ask(
    process: AppProcess, method: str, path: str, *, cookie: str = "", token: SecretStr | None = None, **more: Any
) -> dict[str, Any]:
    headers = {"Accept-Language": language()}
    if token is not None:
        headers["Token-Header"] = token.get_secret_value()
    if cookie:
        session = await process.sessions.renewed(cookie)
        # A token of one audience: nothing else can be done with it, and the login token stays here.
        bearer = await process.keycloak.exchange(session.tokens.access_token, audience=AUDIENCE, scope=SCOPE)
        headers["Authorization"] = f"Bearer {bearer.access_token.get_secret_value()}"
    try:
        async with async_client(base_url=process.settings.token_api_url) as http:
            answer = await http.request(method, path, headers=headers, **more)
            body: dict[str, Any] = answer.json()
    except (httpx2.TransportError, ValueError) as error:
        raise BackendUnavailable(t("tokens.away"), fix=t("tokens.away.fix")) from error
    if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        raise BackendUnavailable(str(body.get("message", "")))
    if not answer.is_success:
        raise BackendRefused(str(body.get("message") or answer.reason_phrase))
    return body
