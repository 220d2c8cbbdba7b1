"""What servers ask of the state that replicas share: kept in PostgreSQL by ``State``, in memory by ``MemoryState``.

Both refuse in the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from fastmcp_vault.errors import AccessSuspended, ClientSuspended, PersonSuspended, ServerSuspended
from fastmcp_vault.sentences import Sentence

OnEnded = Callable[[str], Awaitable[None]]
"""Awaited with the session id (``sid``) of each session found ended."""


class Principal(NamedTuple):
    """Whom an administrator can suspend: a person (``id`` is ``sub``) or a client (``azp``), each of one issuer."""

    kind: Literal["person", "client"]
    iss: str
    id: str


Suspended = str | Principal
"""An MCP server, by its name; or a person or a client."""

OnSuspended = Callable[[Suspended], Awaitable[None]]
"""Awaited with each server, person and client found suspended."""


class Quota(NamedTuple):
    """How much may be called: calls a minute, and calls under way at once; 0: as many as one likes."""

    per_minute: int
    at_once: int


class TokenBearer(Protocol):
    """Whom an access token speaks for: its verified claims (RFC 9068 §2.2, with Keycloak's ``sid`` and ``azp``).

    ``auth_time``: when the person signed in, in seconds since the epoch.
    """

    @property
    def iss(self) -> str:
        """The issuer."""

    @property
    def sub(self) -> str:
        """The person's id at the issuer."""

    @property
    def azp(self) -> str:
        """The client that the token was issued to."""

    @property
    def sid(self) -> str:
        """The session."""

    @property
    def auth_time(self) -> float:
        """The sign-in."""


def principals_of(bearer: TokenBearer) -> tuple[Principal, Principal]:
    """The person and the client that a token speaks for."""
    return Principal("person", bearer.iss, bearer.sub), Principal("client", bearer.iss, bearer.azp)


@dataclass(frozen=True, slots=True)
class RegisteredToken:
    """One Vault token: who got it through which server, calling with which ``client``.

    ``expires_at`` in seconds since the epoch.
    """

    accessor: str
    server: str
    sub: str
    sid: str
    expires_at: float
    username: str = ""
    client: str = ""


class TokenRegister(Protocol):
    """Which Vault tokens are held, by accessor, so that what a killed replica leaves behind can be ended."""

    async def register(self, token: RegisteredToken) -> None:
        """Note a token, or a new end of one already noted. Raises StateUnavailable."""

    async def forget(self, accessor: str) -> None:
        """The token is revoked; one that is not there is fine. Raises StateUnavailable."""


class SharedState(Protocol):
    """Ended sessions and suspensions, known without I/O, and the register of Vault tokens."""

    @property
    def vault_tokens(self) -> TokenRegister:
        """The register."""

    def check(self, bearer: TokenBearer, *, server: str) -> None:
        """Nothing, if whoever bears this token may go on at this server.

        No I/O. Raises StateUnavailable when that cannot be known, PersonSuspended, ClientSuspended, SessionEnded,
        ServerSuspended.
        """

    async def admit(self, bearer: TokenBearer, *, server: str) -> None:
        """As :meth:`check`, for a token that comes in; ends that are not in memory any more are looked up."""

    def turn(self, name: str, *, lasts: float) -> AbstractAsyncContextManager[None]:
        """Alone among all replicas of this server inside the block, for work of this name.

        ``lasts``: seconds after which another one may begin, because this one was killed. Who comes meanwhile waits.
        Raises StateUnavailable.
        """

    def on_ended(self, react: OnEnded) -> None:
        """Await ``react(sid)`` for each session found ended from now on."""

    def on_suspended(self, react: OnSuspended) -> None:
        """Await ``react(suspended)`` for each server, person and client found suspended from now on."""


def server_suspended(server: str, reason: str) -> ServerSuspended:
    """The refusal of every call at a server that an administrator has stopped."""
    said = f": {reason}" if reason else ""
    return ServerSuspended(
        Sentence("The MCP server {server} is suspended{said}.", server=server, said=said),
        fix="An administrator lifts the suspension.",
    )


def access_suspended(principal: Principal, reason: str) -> AccessSuspended:
    """The refusal of every call of a person, or through a client, that an administrator has suspended."""
    said = f": {reason}" if reason else ""
    if principal.kind == "person":
        return PersonSuspended(
            Sentence("Your access is suspended{said}.", said=said),
            fix="Ask whoever runs this to lift the suspension; signing in again does not help.",
        )
    return ClientSuspended(
        Sentence("The client {client} is suspended, for everybody{said}.", client=principal.id, said=said),
        fix="Use another client, or ask whoever runs this to lift the suspension.",
    )
