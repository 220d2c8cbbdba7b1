"""Token sets and claims as values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from fastmcp_vault.errors import KeycloakUnavailable


class TokenSet(BaseModel):
    """What the token endpoint answered (RFC 6749 §5.1, RFC 8693 §2.2.1). Times: seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    id_token: SecretStr | None = None
    expires_at: float
    refresh_expires_at: float | None = None
    scope: str = ""

    @classmethod
    def from_response(cls, body: Mapping[str, Any], *, now: float) -> TokenSet:
        """Read a token response; ``now`` is when the request was sent. Raises KeycloakUnavailable if it is none."""
        try:
            return cls(
                access_token=body["access_token"],
                refresh_token=body.get("refresh_token"),
                id_token=body.get("id_token"),
                expires_at=now + float(body["expires_in"]),
                # Keycloak says 0 for an offline token, which does not expire by time.
                refresh_expires_at=now + float(left) if (left := body.get("refresh_expires_in")) else None,
                scope=body.get("scope") or "",
            )
        except (KeyError, TypeError, ValueError):
            # Not chained: a validation error's text could hold part of a token.
            raise KeycloakUnavailable(
                "Keycloak's token endpoint answered with something that is not a token response.",
                fix="Check that Keycloak is up; then try again.",
            ) from None


class Claims(BaseModel):
    """A validated access token's claims (RFC 9068 §2.2, with Keycloak's ``sid``, ``typ`` and names).

    ``acr`` and ``auth_time`` (OpenID Connect Core §2) are true of the sign-in that the token was first issued for:
    Keycloak repeats ``acr`` at every refresh, whatever has become of it since.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    iss: str
    sub: str
    aud: tuple[str, ...] = ()
    azp: str = ""
    exp: float
    iat: float
    nbf: float | None = None
    jti: str = ""
    sid: str = ""
    typ: str = ""
    scope: str = ""
    acr: str = ""
    auth_time: float = 0.0
    preferred_username: str = ""
    email: str = ""
    name: str = ""
    realm_access: dict[str, Any] = Field(default_factory=dict)

    @field_validator("aud", mode="before")
    @classmethod
    def _audiences(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def username(self) -> str:
        """The name that Vault's entity and the PostgreSQL role carry."""
        return self.preferred_username or self.sub

    @property
    def scopes(self) -> frozenset[str]:
        """The granted scopes, one by one (RFC 8693 §4.2)."""
        return frozenset(self.scope.split())

    @property
    def realm_roles(self) -> frozenset[str]:
        """Keycloak's realm roles."""
        return frozenset(self.realm_access.get("roles", ()))

    def remaining(self, now: float) -> float:
        """Seconds until ``exp``; never below 0."""
        return max(0.0, self.exp - now)


def unverified_claims(token: str | SecretStr) -> dict[str, Any]:
    """A JWT's payload, *not* verified: for display only, never for a decision. ``{}`` if it is no JWT."""
    text = token.get_secret_value() if isinstance(token, SecretStr) else token
    try:
        payload = text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
