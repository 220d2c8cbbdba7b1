"""Who calls: the person behind the verified access token of the request being served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fastmcp.server.auth import AccessToken
from fastmcp.server.dependencies import get_access_token
from pydantic import SecretStr

from fastmcp_vault.errors import SessionEnded
from fastmcp_vault.oidc.tokens import Claims


class CallerKey(NamedTuple):
    """What a credential is kept under: never the token's bytes, which change at every refresh."""

    iss: str
    sub: str
    sid: str
    server: str


class VerifiedToken(AccessToken):
    """FastMCP's access token with the claims as they were verified, and when (seconds since the epoch)."""

    verified: Claims
    checked_at: float
    check_ms: float
    may_trace: bool = False
    """Whether the client that holds it may ask for a trace."""


@dataclass(slots=True, eq=False)
class Caller:
    """The person and the session behind one request, and the token that says so.

    ``checked_at`` (seconds since the epoch) and ``check_ms``: when the token was verified, and how long that took.
    ``may_trace``: the request comes through a client that may see the trace.
    """

    claims: Claims
    token: SecretStr
    checked_at: float = 0.0
    check_ms: float = 0.0
    may_trace: bool = False

    @classmethod
    def of(cls, token: VerifiedToken) -> Caller:
        """Whoever holds this token."""
        return cls(token.verified, SecretStr(token.token), token.checked_at, token.check_ms, token.may_trace)

    def key(self, server: str) -> CallerKey:
        """Where this person's credential for ``server`` is kept."""
        return CallerKey(self.claims.iss, self.claims.sub, self.claims.sid, server)


def current_caller() -> Caller:
    """The caller of the request being served. Raises SessionEnded outside an authenticated request."""
    token = get_access_token()
    if not isinstance(token, VerifiedToken):
        raise SessionEnded("Nobody is signed in on this request.", fix="Sign in again.")
    return Caller.of(token)
