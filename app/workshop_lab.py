"""The workshop's exercises with a partner, who plays bob: a lab client signs them in, whoever is at the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from app.lab.arms import armed
from app.lab.people import DemoPerson, everybody
from app.lab.place import between
from app.mcp_client import ServerConnection, connected
from app.process import AppProcess
from app.settings import AppSettings
from app.texts import t, told
from app.workshop_checks import Attempt, ExerciseVerdict, entity_name
from fastmcp_vault import tracing
from fastmcp_vault.errors import BackendUnavailable, InputError, NotReady, VersionChanged
from fastmcp_vault.oidc.tokens import unverified_claims
from fastmcp_vault.tracing import Recorder

BOB = "bob"
"""Who has no Jira credential on purpose: the partner of whoever has none of their own."""

SERVER = "jira"
"""Whose credential is stored for the partner."""

ROLE = "partner"
"""Vault's login role for it (init/vault.py)."""

ISSUE = "PROJ-1"


async def fails(at: Attempt) -> ExerciseVerdict:
    """The Jira server takes the partner's token, and Vault has nothing for them at the path that was named."""
    bob = await _partner(at)
    recorder = Recorder(t("workshop.bob.title", partner=bob.username))
    with tracing.recording(recorder):
        async with _at_jira(at.process, bob) as jira:
            status = await _status(jira)
    path = str(status["vault_path"])
    if status["present"]:
        return ExerciseVerdict(False, t("workshop.bob.has", partner=bob.username), trace=recorder.trace)
    if at.given["path"].strip("/") != path:
        return ExerciseVerdict(False, t("workshop.bob.wrong"))
    return ExerciseVerdict(True, t("workshop.bob.done", path=path, partner=bob.username), trace=recorder.trace)


async def works(at: Attempt) -> ExerciseVerdict:
    """Vault has a credential for the partner, and Jira takes it."""
    bob = await _partner(at)
    recorder = Recorder(t("workshop.give.title", partner=bob.username))
    with tracing.recording(recorder):
        async with _at_jira(at.process, bob) as jira:
            status = await _status(jira)
            if not status["present"]:
                said = t("workshop.give.missing", path=status["vault_path"], partner=bob.username)
                return ExerciseVerdict(False, said, trace=recorder.trace)
            issue = await jira.call("get_issue", {"issue_key": ISSUE}, fresh=False)
    if issue.problem is not None:
        said = t("workshop.give.refused", reason=told(issue.problem.what), partner=bob.username)
        return ExerciseVerdict(False, said, trace=recorder.trace)
    return ExerciseVerdict(True, t("workshop.give.done", issue=ISSUE, partner=bob.username), trace=recorder.trace)


def partner_of(settings: AppSettings, username: str) -> DemoPerson | None:
    """Who plays bob for this person. Raises LabClosed."""
    people = everybody(settings)
    own = people.get(username)
    return people.get(own.partner if own is not None and own.partner else BOB)


async def store(process: AppProcess, cookie: str) -> str:
    """Write the partner's waiting Jira credential to Vault, as the person, whom Vault's policy lets; a sentence.

    Raises InputError without a partner; SessionEnded, VaultDenied, VaultUnavailable, VersionChanged …
    """
    session = await process.sessions.renewed(cookie)
    async with process.person_vault.for_one_action(session.caller, ROLE) as (login, entity):
        bob = everybody(process.settings).get(_named(process, entity.name).partner)
        waiting = bob.waiting.get(SERVER) if bob is not None else None
        if bob is None or waiting is None:
            raise InputError(t("workshop.give.nobody"), fix=t("workshop.give.nobody.fix"))
        path = f"users/{bob.username}/{SERVER}"
        shown = process.vault.kv_path(path)
        try:
            await process.vault.kv_write(login.token, path, dict(waiting), cas=0)
        except VersionChanged:
            return t("workshop.give.there", path=shown)
    return t("workshop.give.stored", path=shown, partner=bob.username)


async def take_back(process: AppProcess, cookie: str) -> str:
    """Remove it again, every version; a sentence. Raises as :func:`store`."""
    session = await process.sessions.renewed(cookie)
    async with process.person_vault.for_one_action(session.caller, ROLE) as (login, entity):
        name = _named(process, entity.name).partner
        await process.vault.kv_remove(login.token, f"users/{name}/{SERVER}")
    return t("workshop.give.taken", partner=name)


def _named(process: AppProcess, entity: str) -> DemoPerson:
    """The person by the name of their entity, which Vault told. Raises InputError for somebody without a partner."""
    own = everybody(process.settings).get(entity)
    if own is None or not own.partner:
        raise InputError(t("workshop.give.nobody"), fix=t("workshop.give.nobody.fix"))
    return own


async def _partner(at: Attempt) -> DemoPerson:
    me = await at.process.person_vault.use(at.session, entity_name)
    bob = partner_of(at.process.settings, me)
    if bob is None:
        raise NotReady(t("workshop.bob.nobody"), fix=t("workshop.bob.nobody.fix"))
    return bob


@asynccontextmanager
async def _at_jira(process: AppProcess, bob: DemoPerson) -> AsyncIterator[ServerConnection]:
    """A connection to the Jira server as the partner, with a session of its own that ends with the block."""
    async with armed(between(process, bob, bob)) as arms:
        tokens = await arms.lab_token("lab-jira")
        claims = unverified_claims(tokens.access_token)
        try:
            with tracing.step("mcp-request", server="jira") as opened:
                async with connected("jira", process.settings.mcp_url("jira"), tokens.access_token) as jira:
                    yield jira
                opened.say(t("step.called", server="Jira", tool="credential_status"))
        finally:
            await process.state.end_session(str(claims["sid"]), str(claims["sub"]))


async def _status(jira: ServerConnection) -> Mapping[str, Any]:
    answer = await jira.call("credential_status", {}, fresh=False)
    if answer.problem is not None:
        raise answer.problem
    if not isinstance(answer.structured, Mapping):
        raise BackendUnavailable(t("workshop.no-answer"))
    return answer.structured
