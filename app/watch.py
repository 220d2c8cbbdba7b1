"""One call by two people, for the page that plays it: both are made for real, and told from their traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.actions import ActionDone, execute
from app.claims import clock
from app.flow.hops import claims_of
from app.flow.rule import path_of
from app.lab.arms import armed
from app.lab.people import LabClosed, everybody, pair
from app.lab.place import between
from app.process import AppProcess
from app.session import Person
from app.texts import t
from fastmcp_vault.errors import Problem
from fastmcp_vault.tracing import Exchange, Step, Trace

SERVER, TOOL, ISSUE = "jira", "get_issue", "PROJ-1"

SIGN_IN = 1

COUNT = 7
"""Numbered steps of a call."""


@dataclass(frozen=True, slots=True)
class Side:
    """One person's call. ``own``: made in the session of who looks; else in a sign-in of the demo's own."""

    username: str
    own: bool
    done: ActionDone


@dataclass(frozen=True, slots=True)
class Pair:
    """Both calls, the one that succeeds first; ``missing`` says why there is only one."""

    sides: tuple[Side, ...]
    missing: Problem | None = None


async def watched(process: AppProcess, cookie: str, person: Person) -> Pair:
    """Call as the person who looks and their partner; without one as the demo's first who holds all, and another.

    If one of them looks, their call is made in their own session. Outside the demo only who looks calls. Nothing is
    reused. Raises SessionEnded, LoginFailed, KeycloakUnavailable.
    """
    try:
        people = everybody(process.settings)
        first, second = pair(people, person.username)
    except LabClosed as closed:
        return Pair((await _own(process, cookie, person),), closed)
    names = (first.username, second.username)
    return Pair(tuple(await asyncio.gather(*(_side(process, cookie, person, name) for name in names))))


async def _side(process: AppProcess, cookie: str, person: Person, username: str) -> Side:
    if username == person.username:
        return await _own(process, cookie, person)
    async with _signed_in(process, username) as theirs:
        return Side(username, False, await _call(process, theirs))


async def _own(process: AppProcess, cookie: str, person: Person) -> Side:
    return Side(person.username, True, await _call(process, cookie))


async def _call(process: AppProcess, cookie: str) -> ActionDone:
    return await execute(process, cookie, SERVER, TOOL, {"issue_key": ISSUE}, fresh=True)


@asynccontextmanager
async def _signed_in(process: AppProcess, username: str) -> AsyncIterator[str]:
    """A session at this app, begun at Keycloak's page as a browser does it; ended with the block, everywhere."""
    somebody = everybody(process.settings)[username]
    async with armed(between(process, somebody, somebody)) as arms:
        cookie = (await arms.app_session()).get_secret_value()
        try:
            yield cookie
        finally:
            session = await process.sessions.end(cookie)
            if session and session.tokens.refresh_token:
                with suppress(Problem):
                    await process.keycloak.end_session(session.tokens.refresh_token)


def status(trace: Trace, number: int) -> str:
    """What became of a numbered step: failed if anything in it failed, else done if anything was.

    The sign-in was done, if not for this call alone: :func:`decides` says when.
    """
    found = [step.status for step in steps_of(trace, number)]
    if number == SIGN_IN and "failed" not in found:
        return "done"
    return next((word for word in ("failed", "done", "reused") if word in found), "skipped")


def decides(trace: Trace, number: int) -> list[str]:
    """The values that decided a numbered step, as recorded in this trace; none where it was not reached."""
    if all(step.status == "skipped" for step in steps_of(trace, number)):
        return []
    known = {step.kind: step for step in trace.steps}
    return [line for line in _VALUES[number](known) if line]


def steps_of(trace: Trace, number: int) -> list[Step]:
    """The steps of one number in a call's trace, the person's own and the server's."""
    return [step for step in trace.steps if step.number == number]


def _said(claims: Mapping[str, Any], *names: str) -> list[str]:
    return [f"{name} = {_flat(claims[name])}" for name in names if claims.get(name)]


def _flat(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _sign_in(steps: Mapping[str, Step]) -> list[str]:
    login = steps.get("login")
    sent = _last(login)
    if login is None or sent is None:
        return []
    when = t("watch.signed-in", at=clock(login.since)) if login.since else ""
    return [f"{urlsplit(sent.url).scheme}://{urlsplit(sent.url).netloc}", when]


def _last(step: Step | None) -> Exchange | None:
    return step.exchanges[-1] if step is not None and step.exchanges else None


def _asked(steps: Mapping[str, Step], kind: str) -> list[str]:
    """The path that was asked for, and the status of the answer."""
    step = steps.get(kind)
    sent = _last(step)
    status = f"HTTP {sent.status}" if sent is not None and sent.status is not None else ""
    return [path_of(step), status] if step is not None else []


def _entity(steps: Mapping[str, Step]) -> list[str]:
    entity = steps.get("entity")
    name = entity.detail.get("entity") if entity is not None else ""
    return [*_said(claims_of(steps.get("jwt")), "sub"), f"→ entity = {name}" if name else ""]


_VALUES: dict[int, Any] = {
    1: _sign_in,
    2: lambda steps: _said(claims_of(steps.get("jwt")), "sub", "azp"),
    3: lambda steps: _said(claims_of(steps.get("server-token")) or claims_of(steps.get("bearer-check")), "aud"),
    4: lambda steps: _said(claims_of(steps.get("token-exchange")), "aud", "azp"),
    5: _entity,
    6: lambda steps: _asked(steps, "credential"),
    7: lambda steps: _asked(steps, "backend"),
}
