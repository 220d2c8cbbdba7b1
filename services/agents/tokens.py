"""Agents' access tokens: JWTs signed with HS256 (RFC 7519, RFC 9068), bound to a certificate (RFC 8705 §3)."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from joserfc.jws import serialize_compact

from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.oidc.jws import CompactJws
from fastmcp_vault.oidc.validation import check_times
from services.agents.certificates import AgentCertificate
from services.agents.errors import InvalidToken
from services.agents.keys import SigningKey, SigningKeyRing

JWS = CompactJws("HS256", 8_192)
"""An agent's token has some 600 characters."""

REMEMBERED = 10_000
"""Verified tokens remembered at once."""

_TYPES = {None, "jwt", "at+jwt"}
_CAUSES = {
    "too_long": "token_too_long",
    "algorithm": "unsupported_algorithm",
    "critical": "unsupported_token_type",
    "signature": "invalid_signature",
    "expired": "token_expired",
    "not_yet": "token_not_yet_valid",
}
"""The library's reason → ours."""


@dataclass(frozen=True, slots=True)
class AgentClaims:
    """What a verified token says. Times: seconds since the epoch."""

    iss: str
    aud: tuple[str, ...]
    sub: str
    scopes: frozenset[str]
    jti: str
    iat: float
    exp: float
    thumbprint: str | None
    """The certificate it is bound to (``cnf.x5t#S256``); None for one that is not bound."""
    kid: str = ""


def mint(
    key: SigningKey,
    agent: AgentCertificate,
    *,
    scopes: frozenset[str],
    issuer: str,
    audience: str,
    lifetime: float,
    now: float,
) -> tuple[str, AgentClaims]:
    """A token for ``agent`` that ends with its certificate at the latest, and its claims."""
    issued = int(now)
    claims = AgentClaims(
        iss=issuer,
        aud=(audience,),
        sub=agent.name,
        scopes=scopes,
        jti=str(uuid.uuid4()),
        iat=issued,
        exp=min(issued + int(lifetime), int(agent.not_after)),
        thumbprint=agent.thumbprint,
        kid=key.kid,
    )
    payload = {
        "iss": issuer,
        "aud": audience,
        "sub": claims.sub,
        "client_id": claims.sub,
        "scope": " ".join(sorted(scopes)),
        "jti": claims.jti,
        "iat": issued,
        "exp": claims.exp,
        "cnf": {"x5t#S256": agent.thumbprint},
    }
    header = {"alg": JWS.algorithm, "typ": "at+jwt", "kid": key.kid}
    return serialize_compact(header, json.dumps(payload).encode(), key.key, [JWS.algorithm]), claims


class Verifier:
    """Verifies agents' tokens for one audience; cheap when it has seen the token before. One event loop.

    ``clock``: seconds since the epoch. Whether a token was revoked is for others to ask.
    """

    def __init__(
        self, keys: SigningKeyRing, *, issuer: str, audience: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys, self._issuer, self._audience, self._clock = keys, issuer, audience, clock
        self._verified: OrderedDict[bytes, tuple[SigningKey, AgentClaims]] = OrderedDict()

    async def verify(self, token: str) -> AgentClaims:
        """The claims. Raises InvalidToken, whose ``what`` names the cause; Unavailable."""
        now = self._clock()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        if (known := self._verified.get(digest)) is not None:
            key, claims = known
            # A key that was rotated out takes the tokens it signed with it.
            if key in await self._keys.for_token(key.kid):
                if now >= claims.exp:
                    raise InvalidToken("token_expired")
                return claims
            del self._verified[digest]
        kid = read_header(token).get("kid")
        if kid is not None and not isinstance(kid, str):
            raise InvalidToken("malformed_token")
        key, payload = _opened(token, await self._keys.for_token(kid))
        claims = check(payload, issuer=self._issuer, audience=self._audience, now=now, kid=key.kid)
        self._verified[digest] = key, claims
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return claims


def read_header(token: str) -> dict[str, Any]:
    """The header, if it is that of a token as this service accepts it. Raises InvalidToken."""
    with _refused(malformed="malformed_token"):
        header = JWS.header(token)
    kind = header.get("typ")
    if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
        raise InvalidToken("unsupported_token_type")
    return header


def check(payload: dict[str, Any], *, issuer: str, audience: str, now: float, kid: str = "") -> AgentClaims:
    """The claims of a token whose signature is good, if they are for this service. Raises InvalidToken."""
    for name in ("iss", "aud", "exp", "iat", "jti", "sub"):
        if payload.get(name) in (None, "", []):
            raise InvalidToken("missing_claim")
    audiences = payload["aud"] if isinstance(payload["aud"], list) else [payload["aud"]]
    scope, bound = payload.get("scope", ""), payload.get("cnf")
    texts = [payload["iss"], payload["sub"], payload["jti"], scope, *audiences]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidToken("malformed_claims")
    thumbprint = None
    if bound is not None:
        thumbprint = bound.get("x5t#S256") if isinstance(bound, dict) else None
        if not isinstance(thumbprint, str):
            # Bound to something that this service cannot check: not a token for anybody who holds it (RFC 7800 §3.1).
            raise InvalidToken("unsupported_confirmation")
    with _refused():
        check_times(payload, now, late=0)
    claims = AgentClaims(
        iss=payload["iss"],
        aud=tuple(audiences),
        sub=payload["sub"],
        scopes=frozenset(scope.split()),
        jti=payload["jti"],
        iat=payload["iat"],
        exp=payload["exp"],
        thumbprint=thumbprint,
        kid=kid,
    )
    if claims.iss != issuer:
        raise InvalidToken("invalid_issuer")
    if audience not in claims.aud:
        raise InvalidToken("invalid_audience")
    return claims


def _opened(token: str, keys: list[SigningKey]) -> tuple[SigningKey, dict[str, Any]]:
    """The first key that signed it, and its payload. Raises InvalidToken."""
    for key in keys:
        try:
            with _refused():
                return key, JWS.payload(token, key.key)
        except InvalidToken as refused:
            if refused.what != "invalid_signature" or key is keys[-1]:
                raise
    raise InvalidToken("unknown_key")


@contextmanager
def _refused(malformed: str = "malformed_claims") -> Iterator[None]:
    """The library's refusals in this service's words."""
    try:
        yield
    except TokenInvalid as error:
        raise InvalidToken({"malformed": malformed, **_CAUSES}[str(error.detail["reason"])]) from error
