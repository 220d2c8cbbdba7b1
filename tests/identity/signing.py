"""A realm of the test's own: keys to sign with, and the JWKS endpoint that publishes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

ISSUER = "http://localhost:8080/realms/test"
JWKS_URL = f"{ISSUER}/protocol/openid-connect/certs"
NOW = 1_800_000_000.0


def key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


GOOD = key("good")
FOREIGN = key("good")
"""Another key under the same id."""


def claims(**changes: Any) -> dict[str, Any]:
    """An access token's claims as Keycloak issues them; a change to None leaves one out."""
    usual = {
        "iss": ISSUER,
        "sub": "0a1b",
        "aud": "mcp-jira",
        "azp": "mcp-demo-app",
        "typ": "Bearer",
        "exp": NOW + 300,
        "iat": NOW,
        "sid": "s1",
        "scope": "openid mcp:jira",
        "preferred_username": "alice",
        "email": "alice@example.com",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(payload: dict[str, Any], *, by: RSAKey = GOOD, **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": by.kid, **header}, payload, by)


@dataclass
class Realm:
    """The keys it publishes, how often it was asked, and whether it is up; its clock."""

    keys: list[RSAKey] = field(default_factory=lambda: [GOOD])
    up: bool = True
    body: bytes | None = None
    asked: int = 0
    now: float = NOW

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    def _answer(self, _: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if not self.up:
            raise httpx2.ConnectError("refused")
        published = {"keys": [k.as_dict(private=False) | {"use": "sig"} for k in self.keys]}
        return httpx2.Response(200, content=self.body if self.body is not None else json.dumps(published).encode())
