"""An issuer's endpoints: from its own metadata (RFC 8414, OpenID Connect Discovery), or as Keycloak has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from fastmcp_vault.errors import ConfigError, KeycloakUnavailable
from fastmcp_vault.http import async_client
from fastmcp_vault.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One issuer. Only ``issuer``, ``token`` and ``jwks`` are needed to serve; the others are for signing people in."""

    issuer: str
    token: str
    jwks: str
    authorization: str = ""
    end_session: str = ""

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], *, issuer: str) -> Endpoints:
        """Read a metadata document that was fetched for ``issuer``.

        Raises ConfigError when it speaks of another issuer (RFC 8414 §3.3), or names no token endpoint or keys.
        """
        named = metadata.get("issuer")
        if named != issuer:
            raise ConfigError(
                Sentence("The metadata found for {issuer} belongs to another issuer.", issuer=issuer),
                fix="Give the issuer exactly as its own metadata spells it, slash at the end included.",
            )
        found = {
            name: metadata.get(key)
            for name, key in (
                ("token", "token_endpoint"),
                ("jwks", "jwks_uri"),
                ("authorization", "authorization_endpoint"),
                ("end_session", "end_session_endpoint"),
            )
        }
        for name in ("token", "jwks"):
            if not isinstance(found[name], str):
                raise ConfigError(
                    Sentence("The metadata of {issuer} names no {name} endpoint.", issuer=issuer, name=name),
                    fix="Ask whoever runs it.",
                )
        return cls(issuer, **{name: value if isinstance(value, str) else "" for name, value in found.items()})

    @classmethod
    def of_keycloak(cls, *, base_url: str, public_url: str, realm: str) -> Endpoints:
        """A Keycloak realm whose address inside a network (``base_url``) differs from the one that browsers see."""
        inside = f"{base_url.rstrip('/')}/realms/{realm}/protocol/openid-connect"
        issuer = f"{public_url.rstrip('/')}/realms/{realm}"
        outside = f"{issuer}/protocol/openid-connect"
        return cls(issuer, f"{inside}/token", f"{inside}/certs", f"{outside}/auth", f"{outside}/logout")


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where an issuer's metadata may be: OpenID Connect Discovery 1.0 §4, then RFC 8414 §3.1."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration", authorization_server_url(issuer)


def authorization_server_url(issuer: str) -> str:
    """Where an issuer's metadata is by RFC 8414 §3.1: the well-known part stands between host and path."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, f"/.well-known/oauth-authorization-server{path}", "", ""))


async def discover(issuer: str, *, transport: httpx2.AsyncBaseTransport | None = None) -> Endpoints:
    """The endpoints that ``issuer`` publishes.

    Raises KeycloakUnavailable while it does not answer, ConfigError when what it publishes cannot be used.
    """
    async with async_client(timeout=5.0, transport=transport) as http:
        for url in metadata_urls(issuer):
            try:
                answer = await http.get(url)
                told = answer.json() if answer.status_code == httpx2.codes.OK else None
            except httpx2.HTTPError as error:
                raise KeycloakUnavailable(
                    Sentence("The issuer {issuer} does not answer.", issuer=issuer),
                    fix="Check its address, and that it is up; try again.",
                ) from error
            except (ValueError, RecursionError):
                told = None
            if isinstance(told, dict):
                return Endpoints.from_metadata(told, issuer=issuer)
            if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
                raise KeycloakUnavailable(
                    Sentence("The issuer {issuer} has an internal error.", issuer=issuer), fix="Try again in a moment."
                )
    raise ConfigError(
        Sentence("{issuer} publishes no metadata.", issuer=issuer),
        fix="Check the issuer's address: `/.well-known/openid-configuration` must be found below it.",
    )
