"""The realm's signing keys (RFC 7517): fetched once for all who wait, refreshed seldom, kept through an outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from fastmcp_vault.errors import KeycloakUnavailable, TokenInvalid
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.oidc.jws import key_id
from fastmcp_vault.tracing.wire import TracedTransport

RETRY_SECONDS = 5.0
"""An unknown key id causes at most one fetch in this time, whoever sends it."""

REFRESH_SECONDS = 300.0
"""Keys older than this are fetched again in the background, so that one withdrawn at Keycloak goes here too."""


class KeyRing:
    """The keys and when they may be fetched, without I/O; times in seconds."""

    def __init__(self) -> None:
        self._keys: dict[str, RSAKey] = {}
        self._tried_at = float("-inf")
        self._fetched_at = float("-inf")

    @property
    def behind(self) -> bool:
        """Whether the newest attempt to fetch brought nothing: the realm may have keys that are not here."""
        return self._fetched_at < self._tried_at

    def get(self, kid: str) -> RSAKey | None:
        """The key with this id."""
        return self._keys.get(kid)

    def may_fetch(self, now: float) -> bool:
        """Whether the last attempt is long enough ago."""
        return now - self._tried_at >= RETRY_SECONDS

    def stale(self, now: float) -> bool:
        """Whether the keys should be looked at again, though they still serve."""
        return now - self._fetched_at >= REFRESH_SECONDS and self.may_fetch(now)

    def trying(self, now: float) -> None:
        """A fetch begins."""
        self._tried_at = now

    def replace(self, jwks: Any, now: float) -> bool:
        """Take over a key set's RSA signing keys (RFC 7517 §5); True if a key went. ValueError if it has none."""
        keys = _signing_keys(jwks)
        gone = bool(self._keys.keys() - keys.keys())
        self._keys, self._fetched_at = keys, now
        return gone


class KeySource:
    """Keys from ``url``, for one event loop. ``on_withdrawn`` is called when a key has gone."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        client: httpx2.AsyncClient | None = None,
        on_withdrawn: Callable[[], None] | None = None,
    ) -> None:
        self._url = url
        self._clock = clock
        self._client = client or async_client(timeout=2.0, transport=TracedTransport(async_transport(connections=2)))
        self._ring = KeyRing()
        self._fetching: asyncio.Task[None] | None = None
        self._on_withdrawn = on_withdrawn

    async def key_for(self, token: str) -> RSAKey:
        """The key that ``token`` names.

        Raises TokenInvalid when the realm has none, KeycloakUnavailable when that cannot be found out.
        """
        kid = key_id(token)
        now = self._clock()
        key = self._ring.get(kid)
        if key is not None:
            if self._ring.stale(now):
                self._fetch()
            return key
        if self._fetching is not None or self._ring.may_fetch(now):
            await asyncio.shield(self._fetch())
            key = self._ring.get(kid)
        if key is not None:
            return key
        if self._ring.behind:
            raise KeycloakUnavailable(
                "Keycloak's signing keys cannot be fetched.",
                fix="Check that Keycloak is up; then try again.",
            )
        raise TokenInvalid("The token is signed with a key that Keycloak does not have.", reason="unknown_key")

    async def close(self) -> None:
        """Close the connections."""
        if self._fetching is not None:
            self._fetching.cancel()
        await self._client.aclose()

    def _fetch(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._ring.trying(self._clock())
            self._fetching = asyncio.create_task(self._fetch_once())
        return self._fetching

    async def _fetch_once(self) -> None:
        """Fetch the keys; a failure leaves those there are."""
        try:
            response = await self._client.get(self._url)
            response.raise_for_status()
            gone = self._ring.replace(response.json(), self._clock())
        except (httpx2.HTTPError, ValueError, RecursionError):
            return
        finally:
            self._fetching = None
        if gone and self._on_withdrawn is not None:
            self._on_withdrawn()


def _signing_keys(jwks: Any) -> dict[str, RSAKey]:
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    keys: dict[str, RSAKey] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig":
            try:
                keys[str(entry["kid"])] = RSAKey.import_key({k: v for k, v in entry.items() if k in ("kty", "n", "e")})
            except (JoseError, KeyError, ValueError):
                continue
    if not keys:
        raise ValueError("no RSA signing key in the key set")
    return keys
