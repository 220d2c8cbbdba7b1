"""The workshop's checks as bob: a lab client signs him in, so that his call is made whoever is at the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from app.lab.arms import armed
from app.lab.people import everybody
from app.lab.place import between
from app.mcp_client import ServerConnection, connected
from app.process import AppProcess
from app.texts import t, told
from app.workshop_checks import Attempt, ExerciseVerdict
from fastmcp_vault import tracing
from fastmcp_vault.errors import BackendUnavailable, NotReady
from fastmcp_vault.oidc.tokens import unverified_claims
from fastmcp_vault.tracing import Recorder

BOB = "bob"
"""Who has no Jira credential on purpose."""

ISSUE = "PROJ-1"


async def fails(at: Attempt) -> ExerciseVerdict:
    """The Jira server takes bob's token, and Vault has nothing for him at the path that was named."""
    recorder = Recorder(t("workshop.bob.title"))
    with tracing.recording(recorder):
        async with _at_jira(at.process) as jira:
            status = await _status(jira)
    path = str(status["vault_path"])
    if status["present"]:
        return ExerciseVerdict(False, t("workshop.bob.has"), trace=recorder.trace)
    if at.given["path"].strip("/") != path:
        return ExerciseVerdict(False, t("workshop.bob.wrong"))
    return ExerciseVerdict(True, t("workshop.bob.done", path=path), trace=recorder.trace)


async def works(at: Attempt) -> ExerciseVerdict:
    """Vault has a credential for bob, and Jira takes it."""
    recorder = Recorder(t("workshop.give.title"))
    with tracing.recording(recorder):
        async with _at_jira(at.process) as jira:
            status = await _status(jira)
            if not status["present"]:
                return ExerciseVerdict(
                    False, t("workshop.give.missing", path=status["vault_path"]), trace=recorder.trace
                )
            issue = await jira.call("get_issue", {"issue_key": ISSUE}, fresh=False)
    if issue.problem is not None:
        return ExerciseVerdict(False, t("workshop.give.refused", reason=told(issue.problem.what)), trace=recorder.trace)
    return ExerciseVerdict(True, t("workshop.give.done", issue=ISSUE), trace=recorder.trace)


@asynccontextmanager
async def _at_jira(process: AppProcess) -> AsyncIterator[ServerConnection]:
    """A connection to the Jira server as bob, with a session of his own that ends with the block."""
    bob = everybody(process.settings).get(BOB)
    if bob is None:
        raise NotReady(t("workshop.bob.nobody"), fix=t("workshop.bob.nobody.fix"))
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
