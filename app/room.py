"""What the facilitator sees and does: who is signed in, what is held for them, which servers serve."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from app.process import AppProcess
from app.texts import t
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.state import Principal, PrincipalSuspension, RegisteredToken, SignedIn, Suspension

FACILITATOR = "facilitator"
"""The realm role that opens this."""

REASON_LIMIT = 200
"""Characters of the reason for a suspension; everybody who is refused reads it."""

REVOKED_SECONDS = 3.0
"""How long a suspension is watched: by then the replicas have revoked what they held."""

SERVERS = tuple(f"mcp-{server}" for server in MCP_SERVERS)

_log = logging.getLogger(__name__)


class NotFacilitator(Problem):
    """The person who asks has not the realm role ``facilitator``."""

    code, part = "not_facilitator", "session"


@dataclass(frozen=True, slots=True)
class Server:
    """One MCP server: by its client's name, how many Vault tokens it holds, and its suspension, if there is one."""

    name: str
    held: int
    suspension: Suspension | None


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody's session at the app, or at a server directly, and the Vault tokens that are held for it."""

    session: SignedIn
    tokens: tuple[RegisteredToken, ...]


@dataclass(frozen=True, slots=True)
class Calling:
    """A client that people call with, and how many Vault tokens are held for such calls."""

    principal: Principal
    held: int


@dataclass(frozen=True, slots=True)
class WorkshopRoom:
    """Everything at one moment. ``suspended``: people and clients that are stopped everywhere."""

    servers: tuple[Server, ...]
    people: tuple[Present, ...]
    clients: tuple[Calling, ...] = ()
    suspended: tuple[PrincipalSuspension, ...] = ()


@dataclass(frozen=True, slots=True)
class SuspensionReport:
    """What came of a suspension: how many Vault tokens were held and how many of them are left; waiting questions,
    links and shared traces that went."""

    held: int
    left: int
    waiting: int


async def look(process: AppProcess, cookie: str) -> WorkshopRoom:
    """The room as it is now. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    await as_facilitator(process, cookie)
    state = process.state
    suspended = {found.server: found for found in await state.suspensions()}
    tokens = sorted(await state.vault_tokens.all(), key=lambda token: token.server)
    sessions = {found.sid: found for found in await state.sessions.signed_in()}
    for token in tokens:
        sessions.setdefault(token.sid, SignedIn(token.sid, token.sub, token.username, token.expires_at))
    return WorkshopRoom(
        servers=tuple(Server(n, sum(token.server == n for token in tokens), suspended.get(n)) for n in SERVERS),
        people=tuple(
            Present(session, tuple(token for token in tokens if token.sid == session.sid))
            for session in sorted(sessions.values(), key=lambda s: (s.username, s.sid))
        ),
        clients=tuple(
            Calling(Principal("client", process.settings.issuer, name), sum(token.client == name for token in tokens))
            for name in sorted({token.client for token in tokens} - {"", process.settings.app_client_id})
        ),
        suspended=tuple(await state.principals.all()),
    )


async def suspend(process: AppProcess, cookie: str, server: str, reason: str) -> None:
    """Stop one of SERVERS for everybody, at once. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    who = await as_facilitator(process, cookie)
    await process.state.suspend(server, reason=" ".join(reason.split())[:REASON_LIMIT], by=who.username)
    _log.warning("%s suspended %s", who.username, server)


async def resume(process: AppProcess, cookie: str, server: str) -> None:
    """Let it serve again. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    who = await as_facilitator(process, cookie)
    await process.state.resume(server, by=who.username)
    _log.warning("%s lifted the suspension of %s", who.username, server)


async def suspend_principal(
    process: AppProcess, cookie: str, principal: Principal, name: str, reason: str
) -> SuspensionReport:
    """Stop a person or a client everywhere, at once; what it came to. ``name``: as people know them.

    Raises NotFacilitator, SessionEnded, StateUnavailable; InputError for oneself, and for this app.
    """
    who = await as_facilitator(process, cookie)
    if principal.id in (who.sub, process.settings.app_client_id):
        raise InputError(t("room.not-that"), fix=t("room.not-that.fix"))
    tokens = process.state.vault_tokens
    held = len(await tokens.of_principal(principal))
    waiting = await process.state.principals.suspend(
        principal, name=name, reason=" ".join(reason.split())[:REASON_LIMIT], by=who.username
    )
    left = await _left(process, principal)
    await process.state.principals.note_revoked(principal, name=name, by=who.username, held=held, left_over=left)
    _log.warning("%s suspended the %s %s; Vault tokens left: %s of %s", who.username, principal.kind, name, left, held)
    return SuspensionReport(held, left, waiting)


async def _left(process: AppProcess, principal: Principal) -> int:
    deadline = time.monotonic() + REVOKED_SECONDS
    while (left := len(await process.state.vault_tokens.of_principal(principal))) and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes do it
        await asyncio.sleep(0.1)
    return left


async def resume_principal(process: AppProcess, cookie: str, principal: Principal) -> None:
    """Let a person or a client go on. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    who = await as_facilitator(process, cookie)
    await process.state.principals.resume(principal, by=who.username)
    _log.warning("%s lifted the suspension of the %s %s", who.username, principal.kind, principal.id)


async def end(process: AppProcess, cookie: str, session: SignedIn) -> None:
    """End somebody's session here and at every server. Raises NotFacilitator, SessionEnded, StateUnavailable.

    Keycloak is not asked: with its own session still there, the person may sign in again.
    """
    who = await as_facilitator(process, cookie)
    await process.state.end_session(session.sid, session.sub)
    whom = {"iss": process.settings.issuer, "sub": session.sub, "person": session.username}
    await process.state.audit_rows.note("ended", by=who.username, **whom)
    _log.warning("%s ended a session of %s", who.username, session.username)


async def as_facilitator(process: AppProcess, cookie: str) -> Claims:
    """Who asks, by a token whose signature is checked again: its role decides. Raises NotFacilitator, SessionEnded."""
    session = await process.sessions.renewed(cookie)
    claims = await process.validator.validate(session.tokens.access_token.get_secret_value())
    if FACILITATOR not in claims.realm_access.get("roles", ()):
        raise NotFacilitator(t("room.only"), fix=t("room.only.fix"))
    return claims
