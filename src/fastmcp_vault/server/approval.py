"""A person's yes before a tool changes something: asked through the client that calls, or in the app by a link.

MCP 2026-07-28 (SEP-2322): the answer to the first call is an ``InputRequiredResult``, and the client sends the call
again with the person's answer. A client of an earlier revision, which a stateless server cannot ask back, gets a link.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging

from fastmcp.server.dependencies import get_context
from mcp.server.request_state import RequestStateSecurity
from mcp_types import ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from fastmcp_vault.credentials.calls import Call, current_call
from fastmcp_vault.errors import Problem
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.server import question
from fastmcp_vault.server.connecting import STATE
from fastmcp_vault.server.context import ServerContext, current_server
from fastmcp_vault.server.profile import ServerProfile
from fastmcp_vault.state import Approval, Question
from fastmcp_vault.tracing import recording, step

ANSWER = "approval"
"""The key of the one question in ``input_requests``, and of its answer in ``input_responses``."""

_AGAIN = "Call the tool again, and answer the new question."

_log = logging.getLogger(__name__)


class ApprovalNeeded(Problem):
    """The call waits for a person's yes in the app."""

    code, part = "approval_needed", "mcp"


class ApprovalRefused(Problem):
    """The person said no."""

    code, part = "approval_refused", "mcp"


class ApprovalInvalid(Problem):
    """There is no yes for this call: it is unknown, expired, used already, or another call's."""

    code, part = "approval_invalid", "mcp"


def state_security(profile: ServerProfile) -> RequestStateSecurity:
    """How the SDK seals what travels through the client between a question and its answer.

    The key is derived from the server's client secret (HMAC-SHA256 as in RFC 5869 §2.2), which all replicas share. What
    is sealed is an id that opens nothing by itself; the rest stays in the shared state.
    """
    secret = profile.secret.get_secret_value().encode()
    key = hmac.new(b"mcp-remote-vault/request-state", secret, hashlib.sha256).digest()
    return RequestStateSecurity(keys=[key], ttl=profile.approval.lifetime + 60, audience=profile.audience)


def binding_of(call: Call, profile: ServerProfile) -> bytes:
    """SHA-256 of who calls what: issuer, person, session, client, server, tool, and the arguments as they were sent.

    The client (``azp``) is what the person was shown as the one that asks: a yes to one program is no yes to another.

    And of how the person must have signed in, so that no yes outlives a stricter policy. Over canonical JSON in ASCII:
    whatever a client sends has a hash, half a surrogate pair too.
    """
    claims = call.caller.claims
    policy = [profile.approval.login_age, profile.approval.acr]
    who = [claims.iss, claims.sub, claims.sid, claims.azp]
    bound = [*who, profile.audience, policy, call.tool, dict(call.arguments)]
    return hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode("ascii")).digest()


async def require_approval() -> InputRequiredResult | None:
    """None once the person has said yes to the call being served, and that yes is spent; else the question to answer.

    Raises ApprovalNeeded (with the link) where the client cannot be asked, ApprovalRefused, ApprovalInvalid.
    """
    call, room = current_call(), current_server()
    context = get_context()
    request = context.request_context
    modern = request is not None and request.protocol_version in MODERN_PROTOCOL_VERSIONS
    asked = context.request_state if modern else None
    if asked is not None and asked.startswith(STATE):
        asked = None  # An account was connected for this call; nobody has been asked about the call itself.
    binding = binding_of(call, room.profile)
    if asked is not None:
        found = await room.approvals.find(asked)
        if found is None or found.way == "form":
            await _answered(call, room, binding, asked, found, (context.input_responses or {}).get(ANSWER))
            return None
    decided = await room.approvals.latest(binding)
    if decided is not None and decided.status == "approved":
        await _spend(call, room, decided.id, binding, decided)
        return None
    if decided is not None and decided.status == "refused":
        with step("approval", server=room.profile.name):
            raise _refused(call)
    capabilities = request.session.client_capabilities if request is not None and modern else None
    elicitation = capabilities.elicitation if capabilities else None
    return await _ask(
        call,
        room,
        binding,
        waiting=decided,
        form=elicitation is not None and (elicitation.form is not None or elicitation.url is None),
        url=elicitation is not None and elicitation.url is not None and asked is None,
    )


async def _ask(
    call: Call, room: ServerContext, binding: bytes, *, waiting: Approval | None, form: bool, url: bool
) -> InputRequiredResult:
    """Put the question by the best way that this client and the policy allow."""
    profile, policy = room.profile, room.profile.approval
    with step("approval-question", server=profile.name) as opened:
        with recording(None):
            async with room.credentials.use(call) as held:
                facts = question.facts(call, profile, held)
        words = question.words(facts)
        form = form and waiting is None and not policy.login_age and len(words) <= question.FORM_LIMIT
        approval = waiting or await room.approvals.ask(
            Question(
                binding=binding,
                way="form" if form else "link",
                server=profile.audience,
                tool=call.tool,
                sub=call.caller.claims.sub,
                sid=call.caller.claims.sid,
                facts=facts,
                login_age=policy.login_age,
                acr=policy.acr,
            ),
            lifetime=policy.lifetime,
        )
        _note(call, binding, f"waits for a yes ({approval.way}, acr {approval.acr or 'any'})")
        opened.valid(until=approval.expires_at)
        opened.detail(asked_by=approval.way, binding=binding.hex())
        opened.detail(login_age=approval.login_age, acr_demanded=approval.acr)
        opened.say(f"{call.tool} changes data: {facts['username']} is asked before anything is sent to the back end.")
    if form:
        return question.as_form(ANSWER, approval, words)
    link = f"{policy.page}?id={approval.id}"
    if url:
        return question.as_link(ANSWER, approval, link)
    raise ApprovalNeeded(
        Sentence(
            "{tool} changes data and waits for {username}'s yes; nothing has been changed.",
            tool=call.tool,
            username=facts["username"],
        ),
        fix=Sentence(
            "Open {link} , look at what will be done, and say yes; then make the same call with the same arguments.",
            link=link,
        ),
        link=link,
    )


async def _answered(
    call: Call, room: ServerContext, binding: bytes, asked: str, found: Approval | None, answer: object
) -> None:
    """The client's second call, with the person's answer in it."""
    said_yes = (
        isinstance(answer, ElicitResult)
        and answer.action == "accept"
        and (answer.content or {}).get(question.APPROVE) is True
    )
    if said_yes:
        await _spend(call, room, asked, binding, found)
        return
    with step("approval", server=room.profile.name):
        await room.approvals.decide(asked, sub=call.caller.claims.sub, way="form", approve=False)
        _note(call, binding, "was refused")
        raise _refused(call)


async def _spend(call: Call, room: ServerContext, approval_id: str, binding: bytes, asked: Approval | None) -> None:
    """Use the yes to what was ``asked``, once. Raises ApprovalInvalid."""
    with step("approval", server=room.profile.name) as opened:
        used = await room.approvals.use(approval_id, binding)
        if used is None:
            why = _why_not(await room.approvals.find(approval_id), binding)
            _note(call, binding, f"was not approved: {why}")
            raise ApprovalInvalid(
                Sentence("{tool} was not done, and nothing was changed: {why}.", tool=call.tool, why=why), fix=_AGAIN
            )
        under = str(asked.facts.get("correlation_id", "")) if asked else ""
        by = f"{used.way}, acr {used.given_acr or '-'}, asked under [{under}]"
        call.approved = f"{call.caller.claims.username} by {by}"
        _note(call, binding, f"was approved ({by}) and the approval is spent")
        opened.detail(
            asked_by=used.way,
            asked_under=under,
            asked_at=used.asked_at,
            decided_at=used.decided_at,
            binding=binding.hex(),
            login_age=used.login_age,
            acr_demanded=used.acr,
            acr_given=used.given_acr,
        )
        opened.say(f"{call.caller.claims.username} said yes to exactly this call; that yes is spent now.")


def _why_not(found: Approval | None, binding: bytes) -> str:
    if found is None:
        return "the approval is unknown, or expired"
    if not hmac.compare_digest(found.binding, binding):
        return "the approval is for other arguments, another person, another session or another program"
    return {
        "used": "the approval has been used already",
        "refused": "the approval was refused",
        "expired": "the approval has expired",
    }.get(found.status, "nobody has said yes yet")


def _refused(call: Call) -> ApprovalRefused:
    return ApprovalRefused(
        Sentence(
            "{username} refused {tool}; nothing was changed.", username=call.caller.claims.username, tool=call.tool
        ),
        fix="For something else, make another call.",
    )


def _note(call: Call, binding: bytes, what: str) -> None:
    """The audit's line: who, what, and which arguments (by their hash)."""
    _log.info("%s for %s %s: binding %s", call.tool, call.caller.claims.username, what, binding.hex()[:16])
