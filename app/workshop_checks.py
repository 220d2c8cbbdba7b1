"""The workshop's checks: each asks the real servers, as the person who is signed in. No Streamlit.

A check raises a Problem when a part of the demo does not answer; whatever else it finds out is an
:class:`ExerciseVerdict`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app import audit, chatbot, connections, token_api
from app.actions import ActionDone, execute, load_tools, signed_in
from app.claims import clock
from app.connections import AccountConnection
from app.lab import forgery
from app.lab.targets import Targets, wire
from app.mcp_client import LABELS
from app.person_vault import PART, PersonLogin
from app.process import AppProcess
from app.sessions import Session
from app.texts import t, told
from common.servers import MCP_SERVERS
from fastmcp_vault import tracing
from fastmcp_vault.errors import BackendUnavailable, CredentialMissing, InputError, VaultDenied
from fastmcp_vault.oidc.tokens import unverified_claims
from fastmcp_vault.tracing import Recorder, Trace

TOKEN_NAME = "workshop"  # noqa: S105 - what people call the token that they make
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

PARTS = ("signature", "name", "algorithm", "server")
"""What of one's own token can be changed; ``server``: a good token, for another server."""

LAYERS = ("app", "keycloak", "mcp", "vault", "jira")
"""Who may notice."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One press of the button: who, what the exercise's first part saw, and what was typed."""

    process: AppProcess
    cookie: str = field(repr=False)
    session: Session
    kept: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExerciseVerdict:
    """What a check found: a sentence, what to keep for the second part, and the trace of what was asked."""

    done: bool
    said: str
    kept: Mapping[str, str] | None = None
    trace: Trace | None = None


Check = Callable[[Attempt], Awaitable[ExerciseVerdict]]


async def sign_in(at: Attempt) -> ExerciseVerdict:
    """Keycloak trades the session's token, which it does only while the session lives."""
    recorder = Recorder(t("workshop.sign-in.title"))
    with tracing.recording(recorder):
        session = await signed_in(at.process, at.cookie)
        with tracing.step("server-token", server="jira") as opened:
            traded = await at.process.keycloak.exchange(
                session.tokens.access_token, audience="mcp-jira", scope="mcp:jira"
            )
            claims = unverified_claims(traded.access_token)
            opened.detail(claims=claims)
            opened.say(t("step.exchanged", audience=claims["aud"]))
    since = clock(session.signed_in_at)
    said = t("workshop.sign-in.done", username=session.username, since=since, audience=claims["aud"])
    return ExerciseVerdict(True, said, trace=recorder.trace)


async def entity(at: Attempt) -> ExerciseVerdict:
    """The entity's id is the one that Vault gave at a login made now."""
    done = await execute(at.process, at.cookie, "jira", "credential_status", {}, fresh=True)
    step = next((step for step in done.trace.steps if step.kind == "entity" and step.status == "done"), None)
    if step is None:
        raise done.problem or BackendUnavailable(t("workshop.entity.unknown"))
    known, given = str(step.detail["entity_id"]), at.given["id"].lower()
    if given == known:
        said = t("workshop.entity.done", entity=step.detail["entity"], id=known)
        return ExerciseVerdict(True, said, trace=done.trace)
    mistaken = given == at.session.sub
    return ExerciseVerdict(False, t("workshop.entity.sub" if mistaken else "workshop.entity.wrong"))


async def database(at: Attempt) -> ExerciseVerdict:
    """The database user is the one that Vault made for this person's lease."""
    done = await execute(at.process, at.cookie, "postgres", "query", {"sql": "SELECT current_user AS me"})
    known, given = str(_structured(done)["rows"][0]["me"]), at.given["user"]
    if given == known:
        return ExerciseVerdict(True, t("workshop.database.done", user=known), trace=done.trace)
    mistaken = given == at.session.username
    return ExerciseVerdict(False, t("workshop.database.name" if mistaken else "workshop.database.wrong"))


async def others(at: Attempt) -> ExerciseVerdict:
    """Vault refuses somebody else's secret to a login with everything that is one's own."""
    whose = at.given["whose"].lower()
    if not _NAME.fullmatch(whose):
        raise InputError(t("workshop.others.no-name"))
    recorder = Recorder(t("workshop.others.title"))
    with tracing.recording(recorder):
        me = await at.process.person_vault.use(at.session, entity_name)
        if whose == me:
            return ExerciseVerdict(False, t("workshop.others.own"))
        opens = await _opens(at, f"users/{whose}/jira")
    if opens:
        return ExerciseVerdict(False, t("workshop.others.opened"), trace=recorder.trace)
    return ExerciseVerdict(True, t("workshop.others.done", me=me, other=whose), trace=recorder.trace)


async def entity_name(held: PersonLogin) -> str:
    """What Vault calls the person."""
    return held.entity.name


async def _opens(at: Attempt, path: str) -> bool:
    """Whether Vault lets the person's own login look there, whatever lies there."""
    asked = False

    async def look(held: PersonLogin) -> None:
        nonlocal asked
        with tracing.step("own-secret", server=PART):
            asked = True
            await at.process.vault.kv_read(held.login.token, path)

    try:
        await at.process.person_vault.use(at.session, look)
    except CredentialMissing:
        return True
    except VaultDenied:
        if not asked:
            raise
        return False
    return True


async def revoke(at: Attempt) -> ExerciseVerdict:
    """A token of that name lived, and does not any more."""
    living = {one.accessor: one for one in await token_api.listed(at.process, at.cookie)}
    seen = at.kept.get("accessor", "")
    if seen and seen not in living:
        return ExerciseVerdict(True, t("workshop.revoke.done", accessor=seen))
    if seen:
        return ExerciseVerdict(False, t("workshop.revoke.lives", accessor=seen))
    made = next((one for one in living.values() if one.name == TOKEN_NAME), None)
    if made is None:
        return ExerciseVerdict(False, t("workshop.revoke.none", name=TOKEN_NAME))
    said = t("workshop.revoke.found", accessor=made.accessor)
    return ExerciseVerdict(False, said, kept={"accessor": made.accessor})


async def suspend(at: Attempt) -> ExerciseVerdict:
    """A server refused because it was suspended, and serves again."""
    done = await load_tools(at.process, at.cookie, MCP_SERVERS)
    if done.problem is not None:
        raise done.problem
    stopped = [s for s in MCP_SERVERS if done.views[s].problem and at.process.state.suspended(f"mcp-{s}")]
    seen = at.kept.get("server", "")
    if seen in stopped:
        return ExerciseVerdict(False, t("workshop.suspend.still", server=LABELS[seen]), trace=done.trace)
    if seen in MCP_SERVERS and done.views[seen].problem is None:
        return ExerciseVerdict(True, t("workshop.suspend.done", server=LABELS[seen]), trace=done.trace)
    if not stopped:
        return ExerciseVerdict(False, t("workshop.suspend.serving"), trace=done.trace)
    problem = done.views[stopped[0]].problem
    said = t("workshop.suspend.stopped", server=LABELS[stopped[0]], reason=told(problem.what) if problem else "")
    return ExerciseVerdict(False, said, kept={"server": stopped[0]}, trace=done.trace)


async def broken(at: Attempt) -> ExerciseVerdict:
    """One's own token, broken and really sent: the MCP server refuses it, and that was guessed."""
    part = at.given["part"]
    server = "github" if part == "server" else "jira"
    traded = await at.process.keycloak.exchange(
        at.session.tokens.access_token, audience=f"mcp-{server}", scope=f"mcp:{server}"
    )
    forged = _forged(traded.access_token.get_secret_value(), part)
    targets = Targets.of(at.process.settings)
    async with wire(targets) as http:
        sent = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        headers = {"Authorization": f"Bearer {forged}", "Accept": "application/json, text/event-stream"}
        answer = await http.post(targets.mcp["jira"], json=sent, headers=headers)
    challenge = re.search(r'error_description="([^"]*)"', answer.headers.get("WWW-Authenticate", ""))
    facts = {"status": answer.status_code, "reason": challenge[1] if challenge else ""}
    if answer.status_code != 401:
        return ExerciseVerdict(False, t("workshop.broken.through", **facts))
    right = at.given["layer"] == "mcp"
    return ExerciseVerdict(right, t("workshop.broken.done" if right else "workshop.broken.wrong", **facts))


def _forged(token: str, part: str) -> str:
    if part == "server":
        return token
    if part == "algorithm":
        return forgery.unsigned(token)
    if part == "name":
        return forgery.altered(token, preferred_username="bob", email="bob@example.com")
    head, _, signature = token.rpartition(".")
    middle = len(signature) // 2
    return f"{head}.{signature[:middle]}{'B' if signature[middle] == 'A' else 'A'}{signature[middle + 1 :]}"


async def audit_line(at: Attempt) -> ExerciseVerdict:
    """Vault's own log has that line, it is about this person, and about the Jira server's reading."""
    told = await audit.look(at.process, at.cookie)
    line = next((line for line in told.lines if line.request_id == at.given["request"].lower()), None)
    if line is None:
        return ExerciseVerdict(False, t("workshop.audit.none"))
    if line.path != f"secret/data/users/{told.entity}/jira" or line.server != "mcp-jira":
        return ExerciseVerdict(False, t("workshop.audit.another", path=line.path))
    said = t("workshop.audit.done", at=clock(line.at), server=LABELS["jira"], path=line.path)
    return ExerciseVerdict(True, said)


async def chat(at: Attempt) -> ExerciseVerdict:
    """The chatbot is linked to this very person, and has called a tool as them."""
    found = await chatbot.look(at.process, at.session.sub)
    if found.status != "linked":
        return ExerciseVerdict(False, t("workshop.chat.none"))
    if found.facts["sub"] != at.session.sub:
        return ExerciseVerdict(False, t("workshop.chat.other", username=found.facts["username"]))
    if not any(step.kind == "chat-tool" and step.status == "done" for step in found.trace.steps):
        return ExerciseVerdict(False, t("workshop.chat.linked"))
    return ExerciseVerdict(True, t("workshop.chat.done", username=at.session.username), trace=found.trace)


async def connected(at: Attempt) -> ExerciseVerdict:
    """An account is connected, and where it lies is noted; then that connection is over; then there is a new one."""
    found = {one.server: one for one in await connections.listed(at.process, at.cookie)}
    server = at.kept.get("server", "")
    if server not in found:
        return await _first_connected(at, found.values())
    one = found[server]
    lives = one.facts is not None and not one.facts.ended
    if not at.kept.get("over"):
        if lives:
            return ExerciseVerdict(False, t("workshop.connect.lives", title=one.title))
        how = "workshop.connect.ended" if one.facts is None else "workshop.connect.revoked"
        return ExerciseVerdict(False, t(how, title=one.title), {"server": server, "over": "yes"})
    if one.facts is None or not lives:
        return ExerciseVerdict(False, t("workshop.connect.again", title=one.title))
    return ExerciseVerdict(True, t("workshop.connect.done", title=one.title, account=one.facts.account))


async def _first_connected(at: Attempt, found: Iterable[AccountConnection]) -> ExerciseVerdict:
    one = next((one for one in found if one.facts is not None and not one.facts.ended), None)
    if one is None or one.facts is None:
        return ExerciseVerdict(False, t("workshop.connect.nothing"))
    entity = await at.process.person_vault.use(at.session, entity_name)
    path = connections.store(at.process.vault, one.server).shown(entity)
    said = t("workshop.connect.noted", title=one.title, account=one.facts.account, path=path)
    return ExerciseVerdict(False, said, {"server": one.server})


async def sign_out(at: Attempt) -> ExerciseVerdict:
    """A session that held Vault tokens is over, and none of them is left."""
    state, seen = at.process.state, at.kept.get("sid", "")
    if not seen:
        held = len(await state.vault_tokens.of_session(at.session.sid))
        if not held:
            return ExerciseVerdict(False, t("workshop.sign-out.nothing"))
        said = t("workshop.sign-out.noted", count=held)
        return ExerciseVerdict(False, said, kept={"sid": at.session.sid, "count": str(held)})
    if seen == at.session.sid:
        return ExerciseVerdict(False, t("workshop.sign-out.same"))
    if not state.ended(seen):
        return ExerciseVerdict(False, t("workshop.sign-out.lives"))
    if left := len(await state.vault_tokens.of_session(seen)):
        return ExerciseVerdict(False, t("workshop.sign-out.left", count=left))
    return ExerciseVerdict(True, t("workshop.sign-out.done", count=at.kept.get("count", "")))


def _structured(done: ActionDone) -> Mapping[str, Any]:
    if done.problem is not None:
        raise done.problem
    found = done.answer.structured if done.answer else None
    if not isinstance(found, Mapping):
        raise BackendUnavailable(t("workshop.no-answer"))
    return found
