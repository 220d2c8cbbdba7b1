"""Agents' access tokens: JWTs signed with HS256 (RFC 7519, RFC 9068), bound to a certificate (RFC 8705 §3)."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact, serialize_compact

from services.agents.certificates import AgentCertificate
from services.agents.errors import InvalidToken
from services.agents.keys import SigningKey, SigningKeyRing

ALGORITHM = "HS256"

MAX_TOKEN = 8_192
"""Characters; an agent's token has some 600."""

LEEWAY_SECONDS = 5.0
"""How far clocks may differ for ``iat`` and ``nbf``; an expired token is expired."""

REMEMBERED = 10_000
"""Verified tokens remembered at once."""

_TYPES = {None, "jwt", "at+jwt"}
_registry = JWSRegistry(algorithms=[ALGORITHM])


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
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
    return serialize_compact(header, json.dumps(payload).encode(), key.key, registry=_registry), claims


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
                _check_times(claims, now)
                return claims
            del self._verified[digest]
        kid = read_header(token).get("kid")
        if kid is not None and not isinstance(kid, str):
            raise InvalidToken("malformed_token")
        keys = await self._keys.for_token(kid)
        if not keys:
            raise InvalidToken("unknown_key")
        key, payload = _opened(token, keys)
        claims = check(payload, issuer=self._issuer, audience=self._audience, now=now, kid=key.kid)
        self._verified[digest] = key, claims
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return claims


def read_header(token: str) -> dict[str, Any]:
    """The header, if it is that of a token as this service accepts it. Raises InvalidToken."""
    if len(token) > MAX_TOKEN:
        raise InvalidToken("token_too_long")
    header = peek(token)
    if header is None:
        raise InvalidToken("malformed_token")
    if header.get("alg") != ALGORITHM:
        raise InvalidToken("unsupported_algorithm")
    kind = header.get("typ")
    if "crit" in header or (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
        raise InvalidToken("unsupported_token_type")
    return header


def peek(token: str) -> dict[str, Any] | None:
    """A compact JWS's header (RFC 7515 §7.1), unverified; None when this is none."""
    head, _, rest = token.partition(".")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and rest.count(".") == 1 else None


def check(payload: dict[str, Any], *, issuer: str, audience: str, now: float, kid: str = "") -> AgentClaims:
    """The claims of a token whose signature is good, if they are for this service. Raises InvalidToken."""
    for name in ("iss", "aud", "exp", "iat", "jti", "sub"):
        if payload.get(name) in (None, "", []):
            raise InvalidToken("missing_claim")
    audiences = payload["aud"] if isinstance(payload["aud"], list) else [payload["aud"]]
    scope, bound = payload.get("scope", ""), payload.get("cnf")
    texts = [payload["iss"], payload["sub"], payload["jti"], scope, *audiences]
    if not all(isinstance(text, str) for text in texts) or not all(map(_is_number, (payload["exp"], payload["iat"]))):
        raise InvalidToken("malformed_claims")
    thumbprint = None
    if bound is not None:
        thumbprint = bound.get("x5t#S256") if isinstance(bound, dict) else None
        if not isinstance(thumbprint, str):
            # Bound to something that this service cannot check: not a token for anybody who holds it (RFC 7800 §3.1).
            raise InvalidToken("unsupported_confirmation")
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
    _check_times(claims, now)
    not_before = payload.get("nbf", 0)
    if not _is_number(not_before) or now + LEEWAY_SECONDS < max(not_before, claims.iat):
        raise InvalidToken("token_not_yet_valid")
    if claims.iss != issuer:
        raise InvalidToken("invalid_issuer")
    if audience not in claims.aud:
        raise InvalidToken("invalid_audience")
    return claims


def _check_times(claims: AgentClaims, now: float) -> None:
    if now >= claims.exp:
        raise InvalidToken("token_expired")


def _opened(token: str, keys: list[SigningKey]) -> tuple[SigningKey, dict[str, Any]]:
    for key in keys:
        try:
            payload = json.loads(deserialize_compact(token, key.key, registry=_registry).payload or b"")
        except JoseError:
            continue
        except (ValueError, RecursionError):
            raise InvalidToken("malformed_claims") from None
        if not isinstance(payload, dict):
            raise InvalidToken("malformed_claims")
        return key, payload
    raise InvalidToken("invalid_signature")


def _is_number(value: Any) -> bool:
    # JSON as Python reads it knows NaN, and nothing is ever later than that.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
