"""``python -m services.token_api.client``: how a program uses the token API, step by step, against a running one.

It makes a token that may read and list, reads with it, is refused a write by Vault, and revokes it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from common.command import run as run_command
from fastmcp_vault.http import async_client
from fastmcp_vault.masking import mask
from fastmcp_vault.printable import show

DEFAULT_URL = "http://localhost:5001"


class TokenApiRefused(Exception):
    """The API said no: its status and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class TokenApi:
    """The API at the client's base address, asked by whom ``bearer`` names (a Keycloak token, audience `token-api`).

    Every method raises Refused, and httpx2.TransportError when nobody answers.
    """

    http: httpx2.AsyncClient
    bearer: SecretStr | None = None

    async def create(self, name: str, permissions: Sequence[str]) -> SecretStr:
        """A new token."""
        body = {"name": name, "permissions": dict.fromkeys(permissions, True)}
        return SecretStr((await self._ask("POST", "/api/token/create", json=body))["token"])

    async def data(self, token: SecretStr) -> dict[str, Any]:
        """What the token opens."""
        return dict((await self._ask("GET", "/api/data", token=token))["data"])

    async def look_up(self, token: SecretStr) -> dict[str, Any]:
        """What Vault says of the token."""
        return await self._ask("GET", "/api/token", token=token)

    async def keys(self, token: SecretStr) -> list[str]:
        """The demo's items."""
        return list((await self._ask("GET", "/api/items", token=token))["keys"])

    async def write(self, token: SecretStr, key: str, value: str) -> None:
        """Write one of the demo's items."""
        await self._ask("PUT", f"/api/items/{key}", token=token, json={"value": value})

    async def listed(self, name: str = "") -> list[dict[str, Any]]:
        """The caller's living tokens, of one name if one is given: page after page."""
        found, after = [], ""
        while True:
            params = {key: value for key, value in (("name", name), ("after", after)) if value}
            page = await self._ask("GET", "/api/tokens", params=params)
            found += page["tokens"]
            after = page["next"]
            if not after:
                return found

    async def renew(self, accessor: str) -> dict[str, Any]:
        """Begin a token's hour anew."""
        return await self._ask("POST", f"/api/tokens/{accessor}/renew")

    async def revoke(self, accessor: str) -> None:
        """End a token."""
        await self._ask("DELETE", f"/api/tokens/{accessor}")

    async def _ask(self, method: str, path: str, *, token: SecretStr | None = None, **more: Any) -> dict[str, Any]:
        headers = {"Token-Header": token.get_secret_value()} if token else {}
        if self.bearer is not None:
            headers["Authorization"] = f"Bearer {self.bearer.get_secret_value()}"
        answer = await self.http.request(method, path, headers=headers, **more)
        body: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if answer.status_code != httpx2.codes.OK:
            raise TokenApiRefused(answer.status_code, str(body.get("message") or answer.reason_phrase))
        return body


async def tell(api: TokenApi, name: str) -> None:
    """The whole story, one line per step."""
    token = await api.create(name, ["read", "list"])
    show(f"made      {mask(token.get_secret_value())}, may read and list")
    try:
        data = await api.data(token)
        show(f"read      {data['result']} ({data['user']}, {data['ttl']} s left)")
        show(f"listed    {', '.join(await api.keys(token))}")
        try:
            await api.write(token, "welcome", "changed")
        except TokenApiRefused as refused:
            show(f"refused   {refused}")
    finally:
        accessor = (await api.look_up(token))["accessor"]
        await api.revoke(accessor)
        show(f"revoked   the token with accessor {accessor}")
    try:
        await api.data(token)
    except TokenApiRefused as refused:
        show(f"refused   {refused}")


async def run(url: str, name: str) -> int:
    """0 when all went as it should, 1 with a sentence when not."""
    bearer = os.environ.get("TOKEN_API_BEARER")
    try:
        async with async_client(base_url=url) as http:
            await tell(TokenApi(http, SecretStr(bearer) if bearer else None), name)
    except httpx2.TransportError as error:
        show(f"Nobody answers at {url} ({type(error).__name__}). `./demo status` says why.", file=sys.stderr)
        return 1
    except TokenApiRefused as refused:
        show(f"The token API refused: {refused}", file=sys.stderr)
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments and run. A Keycloak token is taken from TOKEN_API_BEARER, never from the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.token_api.client", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("TOKEN_API_URL", DEFAULT_URL), help="address of the token API")
    parser.add_argument("--name", default="example program", help="the token's name")
    chosen = parser.parse_args(arguments)
    return asyncio.run(run(chosen.url, chosen.name))


if __name__ == "__main__":
    sys.exit(run_command(main))
