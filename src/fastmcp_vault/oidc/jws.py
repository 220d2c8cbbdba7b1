"""Compact JWS (RFC 7515) as this project accepts it: one algorithm, nothing critical, bounded size."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact

from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.sentences import Sentence


@dataclass(frozen=True, slots=True)
class CompactJws:
    """What is read of a token: signed with ``algorithm`` (RFC 7518 §3.1), ``most`` characters long."""

    algorithm: str
    most: int

    def header(self, token: str) -> dict[str, Any]:
        """The header, if it is one we accept. Raises TokenInvalid (``detail["reason"]`` says why)."""
        header = self._header(token)
        if header.get("alg") != self.algorithm:
            raise TokenInvalid(
                Sentence("The token is not signed with {algorithm}.", algorithm=self.algorithm),
                fix="Sign in again.",
                reason="algorithm",
            )
        if "crit" in header:
            raise TokenInvalid("The token asks for something this program does not know.", reason="critical")
        return header

    def payload(self, token: str, key: RSAKey | OctKey) -> dict[str, Any]:
        """The payload, once the signature is found good. Raises TokenInvalid."""
        self.header(token)
        try:
            found = deserialize_compact(token, key, registry=JWSRegistry(algorithms=[self.algorithm])).payload
        except (JoseError, ValueError, RecursionError) as error:
            raise TokenInvalid(
                "The token's signature is not good.", fix="Sign in again.", reason="signature"
            ) from error
        payload = _json(found or b"")
        if payload is None:
            raise TokenInvalid("The token holds no claims.", fix="Sign in again.", reason="malformed")
        return payload

    def _header(self, token: str) -> dict[str, Any]:
        if len(token) > self.most:
            said = Sentence("The token is longer than {most} characters.", most=self.most)
            raise TokenInvalid(said, reason="too_long")
        header = peek(token)
        if header is None:
            raise TokenInvalid("This is not a signed token.", fix="Sign in.", reason="malformed")
        return header

    def is_access_token(self, token: str) -> bool:
        """Whether the header says so (``typ``: ``at+jwt``, RFC 9068 §2.1). Raises TokenInvalid if it is no token."""
        return str(self._header(token).get("typ", "")).lower().removeprefix("application/") == "at+jwt"


RS256: Final = CompactJws("RS256", 16_384)
"""An issuer's tokens; Keycloak's have some 1,500 characters."""


def peek(token: str) -> dict[str, Any] | None:
    """A compact JWS's header (RFC 7515 §7.1), unverified; None when this is none. For tokens of bounded size."""
    head, _, rest = token.partition(".")
    try:
        header = _json(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return None
    return header if rest.count(".") == 1 else None


def key_id(token: str) -> str:
    """The ``kid`` that the header names. Raises TokenInvalid unless the header is one we accept."""
    kid = RS256.header(token).get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenInvalid("The token does not name its key.", fix="Sign in again.", reason="unknown_key")
    return kid


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
