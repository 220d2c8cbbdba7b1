"""What a click does: load the tools of some servers, or execute one tool, recorded from sign-in to back end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.mcp_client import LABELS, Reply, Tool, ToolAnswer, connected
from app.process import AppProcess
from app.sessions import ServerToken, Session
from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.errors import Problem, SessionEnded, TokenInvalid
from fastmcp_vault.oidc.tokens import TokenSet, unverified_claims
from fastmcp_vault.tracing import Recorder, Trace

MARGIN = 30.0
"""A token with less life left than this (seconds) is not reused: it could end under way."""

_NO_CREDENTIAL = ("credential_missing", "account_ended")
"""Codes of a call that found no credential of the person's."""

_SERVER_SIDE = ("bearer-check", "token-exchange", "vault-login", "entity", "credential")


@dataclass(slots=True)
class ServerView:
    """One server after "Load Tools": its tools and whose credential it uses, or why not."""

    server: str
    tools: list[Tool] = field(default_factory=list)
    credential: dict[str, Any] | None = None
    problem: Problem | None = None

    def noticed(self, problem: Problem) -> bool:
        """What a call failed of, as far as the view is about it; whether the person's credential is gone since."""
        code = problem.detail.get("code")
        if code not in _NO_CREDENTIAL or not (self.credential or {}).get("present"):
            return False
        self.credential = {**(self.credential or {}), "present": False, "problem": problem.as_dict() | {"code": code}}
        return True


@dataclass(frozen=True, slots=True)
class ActionDone:
    """An action that is over: its trace, and what came of it."""

    trace: Trace
    views: dict[str, ServerView] = field(default_factory=dict)
    answer: ToolAnswer | None = None
    problem: Problem | None = None


async def load_tools(process: AppProcess, cookie: str, servers: Sequence[str], *, fresh: bool = False) -> ActionDone:
    """List the tools of each server and ask it whose credential it uses, all servers at once.

    One server's failure is that server's; a failure at steps 1 or 2 is the whole action's.
    """
    recorder = Recorder(t("action.load", servers=", ".join(LABELS[s] for s in servers)))
    views = {server: ServerView(server) for server in servers}
    with tracing.recording(recorder):
        try:
            session = await signed_in(process, cookie, fresh=fresh)
        except Problem as problem:
            return ActionDone(recorder.trace, views, problem=problem)
        work = [_load_one(process, session, views[server], fresh=fresh) for server in servers]
        tokens = await asyncio.gather(*work)
    await _remember(process, cookie, {s: token for s, token in zip(servers, tokens, strict=True) if token})
    over = next((v.problem for v in views.values() if isinstance(v.problem, SessionEnded)), None)
    return ActionDone(recorder.trace, views, problem=over)


async def execute(
    process: AppProcess,
    cookie: str,
    server: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    fresh: bool = False,
    reply: Reply | None = None,
) -> ActionDone:
    """Run one tool as the signed-in person; with their ``reply``, where it asked them."""
    recorder = Recorder(t("action.execute", server=LABELS[server], tool=tool))
    token: ServerToken | None = None
    with tracing.recording(recorder):
        try:
            session = await signed_in(process, cookie, fresh=fresh)
            token = await _server_token(process, session, server, fresh=fresh)
            with tracing.step("mcp-request", server=server) as opened:
                async with connected(server, process.settings.mcp_url(server), token.token) as connection:
                    answer = await connection.call(tool, arguments, fresh=fresh, reply=reply)
                opened.say(t("step.called", server=LABELS[server], tool=tool))
            done = ActionDone(recorder.trace, answer=answer, problem=answer.problem)
        except Problem as problem:
            _skip_rest(recorder.trace, server, backend=True)
            done = ActionDone(recorder.trace, problem=problem)
    if token:
        await _remember(process, cookie, {server: token})
    return done


async def signed_in(process: AppProcess, cookie: str, *, fresh: bool = False) -> Session:
    """Steps 1 and 2: the sign-in as it was recorded then, and the access token checked now.

    The sign-in counts as reused, unless the action is to show everything that it rests on (``fresh``).
    """
    session = await process.sessions.renewed(cookie)
    recorder = tracing.current()
    if recorder is not None and session.login is not None:
        recorder.extend([session.login.model_copy(update=_reuse(session, fresh=fresh))])
    with tracing.step("jwt") as opened:
        claims = await process.validator.validate(session.tokens.access_token.get_secret_value())
        if claims.azp != process.settings.app_client_id or claims.sid != session.sid:
            raise TokenInvalid(t("problem.foreign-token"), fix=t("problem.foreign-token.fix"))
        opened.valid(until=claims.exp)
        opened.detail(claims=claims.model_dump(mode="json", exclude_none=True))
        opened.say(t("step.jwt", username=claims.username))
    return session


def _reuse(session: Session, *, fresh: bool) -> dict[str, Any]:
    return {
        "status": "done" if fresh else "reused",
        "since": session.signed_in_at,
        "until": session.tokens.refresh_expires_at,
    }


async def _load_one(process: AppProcess, session: Session, view: ServerView, *, fresh: bool) -> ServerToken | None:
    server, recorder = view.server, tracing.current()
    token: ServerToken | None = None
    try:
        token = await _server_token(process, session, server, fresh=fresh)
        with tracing.step("mcp-request", server=server) as opened:
            async with connected(server, process.settings.mcp_url(server), token.token) as connection:
                view.tools = await connection.tools()
                status = await connection.call("credential_status", {}, fresh=fresh)
            opened.say(t("step.loaded", server=LABELS[server], count=len(view.tools)))
        view.problem = status.problem
        view.credential = status.structured if isinstance(status.structured, dict) else None
    except Problem as problem:
        view.problem = problem
        if recorder is not None:
            _skip_rest(recorder.trace, server, backend=False)
    return token


async def _server_token(process: AppProcess, session: Session, server: str, *, fresh: bool) -> ServerToken:
    """Step 3's first half: a token whose only audience is this server, exchanged or still good."""
    kept = session.server_tokens.get(server)
    if kept and not fresh and kept.until - time.time() > MARGIN:
        _note_reuse(server, kept)
        return kept
    with tracing.step("server-token", server=server) as opened:
        exchanged = await _exchange(process, session, server)
        token = ServerToken(token=exchanged.access_token, since=time.time(), until=exchanged.expires_at)
        opened.valid(until=token.until)
        opened.detail(claims=unverified_claims(token.token))
        opened.say(t("step.exchanged", audience=f"mcp-{server}"))
    return token


async def _exchange(process: AppProcess, session: Session, server: str) -> TokenSet:
    """The exchange itself. A session that Keycloak no longer knows is over here and at every server too."""
    try:
        return await process.keycloak.exchange(
            session.tokens.access_token, audience=f"mcp-{server}", scope=f"mcp:{server} mcp:{server}:write"
        )
    except SessionEnded:
        await process.state.end_session(session.sid, session.sub)
        raise


def _note_reuse(server: str, kept: ServerToken) -> None:
    recorder = tracing.current()
    if recorder is not None:
        opened = recorder.note("server-token", server=server)
        opened.reused(since=kept.since, until=kept.until)
        opened.detail(claims=unverified_claims(kept.token))
        opened.say(t("step.token-reused", audience=f"mcp-{server}"))


def _skip_rest(trace: Trace, server: str, *, backend: bool) -> None:
    """Record as skipped what an earlier failure kept from happening."""
    seen = {step.kind for step in trace.steps if step.server == server}
    kinds = ("server-token", "mcp-request", *_SERVER_SIDE, *(("backend",) if backend else ()))
    for kind in kinds:
        if kind not in seen:
            tracing.skipped(kind, t("step.not-reached"), server=server)


async def _remember(process: AppProcess, cookie: str, tokens: Mapping[str, ServerToken]) -> None:
    """Keep exchanged tokens in the session. Not being able to only costs an exchange next time."""
    try:
        await process.sessions.remember(cookie, tokens)
    except Problem:
        return
