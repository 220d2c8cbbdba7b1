"""Signed-in sessions: kept encrypted in ``mcp_state``, found by an opaque cookie, renewed before their token ends."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.credentials.caller import Caller
from fastmcp_vault.errors import KeycloakUnavailable, SessionEnded
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.standing import Standing
from fastmcp_vault.oidc.tokens import Claims, TokenSet, unverified_claims
from fastmcp_vault.state import State
from fastmcp_vault.state.protocol import principals_of

MARGIN = 45.0
"""An access token with less life left than this (seconds) is renewed before it is used."""

LONGEST = 10 * 3600.0
"""A session whose refresh token names no end is kept for this long (seconds)."""


class ServerToken(BaseModel):
    """A token exchanged for one MCP server. Times: seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    token: SecretStr
    since: float
    until: float


class Session(BaseModel):
    """One signed-in person. Tokens stay in this process and, encrypted, in ``mcp_state``; browsers never get them.

    ``acr`` and ``auth_time`` (epoch seconds) are of the sign-in that began the session, as Keycloak's token had them
    then: a refreshed token would repeat a level long after it was reached, and take another program's ``auth_time``.
    """

    model_config = ConfigDict(frozen=True)

    sub: str
    sid: str
    username: str
    email: str = ""
    signed_in_at: float
    acr: str = ""
    auth_time: float = 0.0
    tokens: TokenSet
    login: tracing.Step | None = None
    server_tokens: dict[str, ServerToken] = Field(default_factory=dict)

    @property
    def claims(self) -> Claims:
        """Of the newest access token, which this app got from Keycloak itself."""
        return Claims.model_validate(unverified_claims(self.tokens.access_token))

    @property
    def caller(self) -> Caller:
        """The person and the session, with the newest access token, as a login at Vault wants them."""
        return Caller(self.claims, self.tokens.access_token)

    @property
    def roles(self) -> frozenset[str]:
        """The person's realm roles, as in the newest access token that Keycloak gave to this app."""
        return frozenset(str(role) for role in self.claims.realm_roles)

    def sealed(self) -> bytes:
        """The session as bytes with its secrets readable: for the encrypted store and nothing else."""
        return json.dumps(self.model_dump(), default=_reveal).encode()


def _reveal(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise TypeError(type(value).__name__)


class AppSessions:
    """The sessions of this app. ``clock`` gives seconds since the epoch.

    Every method may raise StateUnavailable; those that need the person raise SessionEnded when the
    cookie leads to no session (any more), and AccessSuspended when an administrator has suspended them, or this app.
    """

    def __init__(self, *, state: State, keycloak: Keycloak, clock: Callable[[], float] = time.time) -> None:
        self._state, self._keycloak, self._clock = state, keycloak, clock
        self._standing = Standing(keycloak.opens_userinfo, clock=clock)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, tokens: TokenSet, claims: Claims, login: tracing.Step | None) -> str:
        """Keep a new session; returns the cookie's value, 256 random bits that mean nothing elsewhere."""
        cookie = secrets.token_urlsafe(32)
        session = Session(
            sub=claims.sub,
            sid=claims.sid,
            username=claims.username,
            email=claims.email,
            signed_in_at=self._clock(),
            acr=claims.acr,
            auth_time=claims.auth_time,
            tokens=tokens,
            login=login,
        )
        await self._save(cookie, session)
        return cookie

    async def find(self, cookie: str) -> Session:
        """The session of this cookie, as it is."""
        session = await self._load(cookie)
        # First: who is suspended is told why, and that signing in again does not help.
        self._state.check_principals(*principals_of(session.claims))
        if self._state.ended(session.sid, session.auth_time):
            await self._state.sessions.delete(cookie)
            raise SessionEnded(t("session.ended"))
        return session

    async def _load(self, cookie: str) -> Session:
        kept = await self._state.sessions.load(cookie)
        if kept is None:
            raise SessionEnded(t("session.ended"))
        return Session.model_validate_json(kept.data)

    async def renewed(self, cookie: str) -> Session:
        """The session with an access token that lasts a while; at most one renewal at a time for each session.

        Whether it still lives is asked of Keycloak: of a person who was disabled nobody tells. Keycloak being down is
        no reason to stop while the token is still good. Raises KeycloakUnavailable after that.
        """
        session = await self.find(cookie)
        if self._due(session):
            async with self._lock(cookie):
                session = await self.find(cookie)
                session = await self._renew(cookie, session) if self._due(session) else session
        await self._require_active(session)
        return session

    async def remember(self, cookie: str, tokens: Mapping[str, ServerToken]) -> None:
        """Keep tokens exchanged for servers, so that the next action may reuse them."""
        async with self._lock(cookie):
            session = await self.find(cookie)
            kept = {**session.server_tokens, **tokens}
            if kept != session.server_tokens:
                await self._save(cookie, session.model_copy(update={"server_tokens": kept}))

    async def end(self, cookie: str) -> Session | None:
        """Forget the session and tell every server that it ended; returns what it was, if it was one."""
        async with self._lock(cookie):
            try:
                session = await self._load(cookie)
            except SessionEnded:
                return None
            await self._state.end_session(session.sid, session.sub)
            return session

    async def forget(self, cookie: str) -> None:
        """Drop one browser's session without ending it at Keycloak: another cookie takes its place."""
        await self._state.sessions.delete(cookie)

    async def close(self) -> None:
        """Leave what is being asked of Keycloak."""
        await self._standing.close()

    async def _require_active(self, session: Session) -> None:
        try:
            await self._standing.check(session.claims, session.tokens.access_token.get_secret_value())
        except SessionEnded:
            await self._end(session)

    async def _end(self, session: Session) -> NoReturn:
        """Keycloak has ended it: every server is told, and the person."""
        await self._state.end_session(session.sid, session.sub)
        raise SessionEnded(t("session.ended")) from None

    def _due(self, session: Session) -> bool:
        return session.tokens.expires_at - self._clock() < MARGIN

    async def _renew(self, cookie: str, session: Session) -> Session:
        try:
            with tracing.step("login") as opened:
                if session.tokens.refresh_token is None:
                    raise SessionEnded(t("session.ended"))
                tokens = await self._keycloak.refresh(session.tokens.refresh_token)
                opened.say(t("step.renewed"))
                opened.valid(until=tokens.refresh_expires_at)
        except KeycloakUnavailable:
            if session.tokens.expires_at > self._clock():
                return session
            raise
        except SessionEnded:
            await self._end(session)
        renewed = session.model_copy(update={"tokens": tokens})
        await self._save(cookie, renewed)
        return renewed

    async def _save(self, cookie: str, session: Session) -> None:
        await self._state.sessions.save(
            cookie,
            session.sealed(),
            sid=session.sid,
            sub=session.sub,
            username=session.username,
            expires_at=session.tokens.refresh_expires_at or self._clock() + LONGEST,
        )

    def _lock(self, cookie: str) -> asyncio.Lock:
        return self._locks.setdefault(cookie, asyncio.Lock())
