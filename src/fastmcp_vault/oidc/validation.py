"""JWT validation (RFC 7519 §7.2, RFC 9068 §4), with ``exp``, ``sub`` and the mark of an access token required."""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.oidc.jwks import KeySource
from fastmcp_vault.oidc.jws import RS256
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.sentences import Sentence

LEEWAY_SECONDS = 5.0
"""How far the clocks of Keycloak and this machine may differ."""

REMEMBERED = 10_000
"""Verified tokens remembered at once."""

_SIGN_IN = "Sign in again."


def check_times(payload: Mapping[str, Any], now: float, *, late: float = LEEWAY_SECONDS) -> None:
    """``exp`` and ``iat`` must be there, ``nbf`` is honoured (RFC 7519 §4.1.4–6); ``late``: how many seconds after its
    ``exp`` a token is still good. Raises TokenInvalid."""
    for name in ("exp", "iat"):
        if not _is_number(payload.get(name)):
            raise TokenInvalid(Sentence("The token has no `{name}`.", name=name), fix=_SIGN_IN, reason="malformed")
    if now >= payload["exp"] + late:
        raise TokenInvalid("The token has expired.", fix=_SIGN_IN, reason="expired")
    not_before = payload.get("nbf", 0)
    if not _is_number(not_before) or now + LEEWAY_SECONDS < max(not_before, payload["iat"]):
        raise TokenInvalid("The token is not valid yet.", fix="Check the clocks.", reason="not_yet")


def check_access_token(
    payload: dict[str, Any], *, issuer: str, audience: str | None, now: float, exclusive: str = "", marked: bool = False
) -> Claims:
    """The claims of a token whose signature is good, if it is ours to accept. Raises TokenInvalid.

    ``audience`` must be among ``aud``; None accepts any audience. No other audience that begins with ``exclusive`` may
    be there (empty: others may). An access token is ``marked`` by its header (``at+jwt``, RFC 9068 §2.1), or else by
    Keycloak's claim ``typ``: an ID token with a fitting audience is neither.
    """
    check_times(payload, now)
    if payload.get("iss") != issuer:
        raise TokenInvalid("The token comes from another issuer.", fix=_SIGN_IN, reason="issuer")
    if not marked and payload.get("typ") != "Bearer":
        raise TokenInvalid("This is not an access token.", fix="Send the access token.", reason="type")
    if not isinstance(payload.get("sub"), str) or not payload["sub"]:
        raise TokenInvalid("The token names nobody.", fix=_SIGN_IN, reason="subject")
    try:
        claims = Claims.model_validate(payload)
    except ValidationError:
        raise TokenInvalid("The token's claims are not as they should be.", reason="malformed") from None
    if audience is not None:
        others = [a for a in claims.aud if exclusive and a.startswith(exclusive) and a != audience]
        if audience not in claims.aud or others:
            raise TokenInvalid(
                Sentence("The token is not meant for {audience} alone.", audience=audience),
                fix=Sentence("Exchange the sign-in token for one with the audience {audience}.", audience=audience),
                reason="audience",
            )
    return claims


def check_id_token(token: str, key: RSAKey, *, issuer: str, client_id: str, nonce: str, now: float) -> dict[str, Any]:
    """An ID token's claims, if it answers this very sign-in (OpenID Connect Core §3.1.3.7). Raises TokenInvalid."""
    payload = RS256.payload(token, key)
    check_times(payload, now)
    audience = payload.get("aud")
    if payload.get("iss") != issuer or payload.get("typ") != "ID":
        raise TokenInvalid("the ID token is not one of this realm.", reason="issuer")
    if client_id not in (audience if isinstance(audience, list) else [audience]) or payload.get("azp") != client_id:
        raise TokenInvalid("the ID token is meant for another program.", reason="audience")
    if payload.get("nonce") != nonce:
        raise TokenInvalid("the ID token answers another sign-in.", reason="nonce")
    return payload


class TokenValidator:
    """Validates a realm's access tokens; cheap when it has seen the token before. One event loop.

    A verified token is remembered by its SHA-256 until it expires: revocation is the business of
    the shared state (``fastmcp_vault.state.State``), which callers ask each time. ``clock``: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        issuer: str,
        jwks_url: str,
        audience: str | None,
        exclusive: str = "",
        clock: Callable[[], float] = time.time,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._issuer, self._audience, self._exclusive, self._clock = issuer, audience, exclusive, clock
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()
        self._keys = KeySource(jwks_url, clock=clock, client=client, on_withdrawn=self._verified.clear)

    async def validate(self, token: str) -> Claims:
        """The token's claims. Raises TokenInvalid (``detail["reason"]`` says which check), KeycloakUnavailable."""
        now = self._clock()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(digest)
        if claims is not None:
            if now < claims.exp:
                return claims
            del self._verified[digest]
        key = await self._keys.key_for(token)
        payload = RS256.payload(token, key)
        claims = check_access_token(
            payload,
            issuer=self._issuer,
            audience=self._audience,
            now=now,
            exclusive=self._exclusive,
            marked=RS256.is_access_token(token),
        )
        self._verified[digest] = claims
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return claims

    async def close(self) -> None:
        """Close the connections."""
        await self._keys.close()


def _is_number(value: Any) -> bool:
    # JSON as Python reads it knows NaN, and nothing is ever later than that.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
