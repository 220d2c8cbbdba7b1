"""Who asks for a token: a person signed in at Keycloak, or, in the demo profile only, anybody on this machine."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fastmcp_vault.errors import SessionEnded, TokenInvalid
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.state.protocol import TokenBearer

AUDIENCE = "token-api"
ANONYMOUS = "anonymous"


class CallerValidator(Protocol):
    """What is asked of :class:`fastmcp_vault.oidc.validation.TokenValidator`."""

    async def validate(self, token: str) -> Claims:
        """The claims. Raises TokenInvalid or KeycloakUnavailable."""


class SessionProtocol(Protocol):
    """What is asked of :class:`fastmcp_vault.state.State`."""

    async def admit(self, bearer: TokenBearer, *, server: str) -> None:
        """Nothing, if it may be used. Raises StateUnavailable, SessionEnded, AccessSuspended, ServerSuspended."""


class Callers:
    """Names the caller of a request. ``demo``: who brings no token is ``anonymous``."""

    def __init__(self, validator: CallerValidator, sessions: SessionProtocol, *, demo: bool) -> None:
        self._validator, self._sessions, self._demo = validator, sessions, demo

    async def name(self, bearer: str | None) -> str:
        """The caller's Keycloak user id, or ``anonymous``.

        Raises TokenInvalid, SessionEnded, AccessSuspended, and while a part is down StateUnavailable or
        KeycloakUnavailable.
        """
        if bearer is None:
            if self._demo:
                return ANONYMOUS
            raise TokenInvalid("Sign in: a token is made for a known person only.", fix="Use the app's page.")
        claims = await self._validator.validate(bearer)
        if not claims.sid:
            raise SessionEnded("The token belongs to no session.", fix="Sign in, and exchange that token.")
        await self._sessions.admit(claims, server=AUDIENCE)
        return claims.sub


_bearer = HTTPBearer(auto_error=False, description="A Keycloak token with the audience `token-api`.")


async def _owner(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    callers: Callers = request.app.state.callers
    if credentials is None and request.headers.get("Authorization"):
        raise TokenInvalid("The header Authorization holds no bearer token.", fix="Send `Bearer` and the token.")
    return await callers.name(credentials.credentials if credentials else None)


Owner = Annotated[str, Depends(_owner)]
"""The caller's id, as a dependency of a route."""
