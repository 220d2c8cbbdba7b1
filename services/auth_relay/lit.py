"""The login link's token (LIT): a JWT (RFC 7519), HS256, short-lived, that says for whom and where to.

That it is good once is the store's part: see `services/auth_relay/relay.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.oidc.jws import CompactJws
from services.auth_relay.problems import AGAIN, InvalidOrExpiredState

TYPE = "lit+jwt"
"""The header's ``typ`` (RFC 8725 §3.11), so that no other JWT of the same secret passes for a link."""

JWS = CompactJws("HS256", 8_192)
"""What is read of a link; it has some 600 characters."""


class Lit(BaseModel):
    """What a link is bound to. Times: seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    jti: str
    iss: str
    iat: int
    exp: int
    client_key: str
    chatbot_user_id: str
    callback_url: str
    redirect_after: str


class LitMaker:
    """Makes links' tokens and reads them back. ``clock`` gives seconds since the epoch."""

    def __init__(self, secret: SecretStr, *, issuer: str, ttl: int, clock: Callable[[], float]) -> None:
        self._key = OctKey.import_key(secret.get_secret_value())
        self._issuer, self._ttl, self._clock = issuer, ttl, clock

    def make(self, *, client_key: str, chatbot_user_id: str, callback_url: str, redirect_after: str) -> tuple[str, Lit]:
        """A new token, and what it says."""
        now = int(self._clock())
        lit = Lit(
            jti=secrets.token_urlsafe(16),
            iss=self._issuer,
            iat=now,
            exp=now + self._ttl,
            client_key=client_key,
            chatbot_user_id=chatbot_user_id,
            callback_url=callback_url,
            redirect_after=redirect_after,
        )
        return jwt.encode({"alg": JWS.algorithm, "typ": TYPE}, lit.model_dump(), self._key), lit

    def read(self, token: str) -> Lit:
        """What the token says, if it is ours and its time is not over. Raises InvalidOrExpiredState."""
        lit = self._verified(token)
        if lit is None or lit.iss != self._issuer:
            raise InvalidOrExpiredState("This login link is not one of this relay's.", fix=AGAIN, reason="not_ours")
        if self._clock() >= lit.exp:
            raise InvalidOrExpiredState("This login link's time is over.", fix=AGAIN, reason="expired")
        return lit

    def _verified(self, token: str) -> Lit | None:
        try:
            payload = JWS.payload(token, self._key)
            return Lit.model_validate(payload) if JWS.header(token).get("typ") == TYPE else None
        except (TokenInvalid, ValidationError):
            return None
