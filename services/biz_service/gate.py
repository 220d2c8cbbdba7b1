"""Who calls: the token checked, its certificate compared, its revocation asked. Every refusal names its cause."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection

from fastmcp_vault.errors import TokenInvalid, VaultUnavailable
from fastmcp_vault.oidc.jws import peek
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.sentences import Sentence
from services.agents import certificates
from services.agents.errors import AgentScopeInsufficient, InvalidClient, InvalidToken, MissingToken, Unavailable
from services.agents.house import AgentServices
from services.agents.suspended import require_admitted
from services.agents.tokens import JWS, AgentClaims
from services.peer import certificate_of

_CAUSES = {
    "expired": "token_expired",
    "not_yet": "token_not_yet_valid",
    "issuer": "invalid_issuer",
    "audience": "invalid_audience",
    "signature": "invalid_signature",
    "unknown_key": "unknown_key",
    "algorithm": "unsupported_algorithm",
    "type": "unsupported_token_type",
    "too_long": "token_too_long",
    "subject": "missing_claim",
}
"""``identity``'s reasons for refusing one of Keycloak's tokens, in this service's words."""


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """An agent, and how it is known. ``connection`` tells whether the token's key was proved in the handshake."""

    claims: AgentClaims
    issued_by: Literal["agent-auth", "keycloak"]
    connection: Literal["mutual-tls", "tls", "plain"]

    @property
    def name(self) -> str:
        """The agent's name: ``NAME``, or ``OWNER:NAME``."""
        return self.claims.sub

    def need(self, scope: str) -> None:
        """Raises InsufficientScope unless the token has it."""
        if scope not in self.claims.scopes:
            raise AgentScopeInsufficient(Sentence("This needs the scope {scope}.", scope=scope), scope=scope)


class Gate:
    """Decides about requests. ``keycloak`` validates the realm's tokens, where they are accepted."""

    def __init__(self, house: AgentServices, *, keycloak: TokenValidator | None = None) -> None:
        self._house, self._keycloak = house, keycloak

    async def caller(self, request: HTTPConnection) -> AgentCaller:
        """Who sends this request. Raises MissingToken, InvalidToken, AgentSuspended, and Unavailable while that
        cannot be known."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise MissingToken("Send an access token: `Authorization: Bearer …`.")
        if len(request.headers.getlist("authorization")) > 1:
            raise InvalidToken("malformed_token")
        issued_by, claims = await self._verified(token)
        proved = await self._proved(request, claims)
        await self._still_good(claims, issued_by)
        require_admitted(self._house.state, claims.sub, issuer=self._house.settings.issuer)
        tls = request.scope.get("scheme") in ("https", "wss")
        return AgentCaller(claims, issued_by, "mutual-tls" if proved else "tls" if tls else "plain")

    async def _verified(self, token: str) -> tuple[Literal["agent-auth", "keycloak"], AgentClaims]:
        mode = self._house.settings.auth_mode
        header = peek(token) or {}
        if self._keycloak is not None and (mode == "keycloak-only" or header.get("alg") != JWS.algorithm):
            try:
                return "keycloak", _agent_of(await self._keycloak.validate(token))
            except TokenInvalid as error:
                raise InvalidToken(_CAUSES.get(str(error.detail.get("reason")), "malformed_token")) from error
        return "agent-auth", await self._house.verifier.verify(token)

    async def _proved(self, request: HTTPConnection, claims: AgentClaims) -> bool:
        """Whether the caller holds the key that the token is bound to (RFC 8705 §3)."""
        der, tls = certificate_of(request), request.scope.get("scheme") == "https"
        if not tls:
            if claims.thumbprint is not None and self._house.settings.profile != "demo":
                raise InvalidToken("mutual_tls_required")
            return False
        if claims.thumbprint is None:
            return False
        if der is None:
            raise InvalidToken("certificate_required")
        if certificates.thumbprint(der) != claims.thumbprint:
            raise InvalidToken("certificate_mismatch")
        await self._certificate_good(der)
        return True

    async def _certificate_good(self, der: bytes) -> None:
        try:
            found = certificates.read(der, now=time.time())
        except InvalidClient:
            raise InvalidToken("certificate_expired") from None
        if self._house.lately is None:
            return
        try:
            revoked = await self._house.lately.revoked(found.certificate)
        except VaultUnavailable as error:
            raise Unavailable("Whether the certificate is revoked cannot be found out.", fix=error.fix) from error
        if revoked:
            raise InvalidToken("certificate_revoked")

    async def _still_good(self, claims: AgentClaims, issued_by: str) -> None:
        if not self._house.state.check_token(claims.jti):
            raise InvalidToken("token_revoked")
        # Keycloak does not tell Redis about its tokens: those live by the state and by their own short time.
        if self._house.active is not None and issued_by == "agent-auth":
            standing = await self._house.active.standing(claims.jti)
            if standing != "active":
                raise InvalidToken("token_revoked" if standing == "revoked" else "token_not_active")


def _agent_of(claims: Claims) -> AgentClaims:
    """Keycloak's claims as an agent's: the client is the agent, and its token must be bound (RFC 8705 §3.1)."""
    bound = (claims.model_extra or {}).get("cnf")
    thumbprint = bound.get("x5t#S256") if isinstance(bound, dict) else None
    if not isinstance(thumbprint, str):
        raise InvalidToken("certificate_binding_required")
    if not claims.jti or not claims.azp:
        raise InvalidToken("missing_claim")
    return AgentClaims(
        iss=claims.iss,
        aud=claims.aud,
        sub=claims.azp.removeprefix("agent-"),
        scopes=frozenset(claims.scopes),
        jti=claims.jti,
        iat=claims.iat,
        exp=claims.exp,
        thumbprint=thumbprint,
    )
