"""One MCP server, called as the signed-in person: FastMCP's client, the wire in the trace, errors as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp import MCPError
from mcp.shared._httpx_utils import McpHttpClientFactory
from mcp_types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
    InputResponses,
    RequestParamsMeta,
    TextContent,
)
from mcp_types import Tool as ToolSpec
from pydantic import SecretStr, ValidationError

from app.texts import t, told
from common.servers import SERVERS
from fastmcp_vault import tracing
from fastmcp_vault.errors import (
    ClientSuspended,
    PersonSuspended,
    Problem,
    ServerUnavailable,
    TokenInvalid,
    ToolRefused,
    sentences_of,
)
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.meta import APPROVAL_KEY, ERROR_KEY, FRESH_KEY, LIMITS_KEY, TRACE_KEY
from fastmcp_vault.tracing.recorder import open_step
from fastmcp_vault.tracing.wire import CORRELATION_HEADER, TracedTransport

PROTOCOL = "2026-07-28"
"""The MCP revision that our servers speak; pinned, so that no probe is needed before each call."""

CALL_SECONDS = 20.0

LABELS = {name: spec.title for name, spec in SERVERS.items()}
"""The servers' names as people see them."""


_BY_STATUS: Mapping[int, tuple[type[Problem], str, str]] = {
    401: (TokenInvalid, "problem.mcp-refused-token", "problem.mcp-refused-token.fix"),
    403: (ToolRefused, "problem.mcp-forbidden", "problem.mcp-forbidden.fix"),
    413: (ToolRefused, "problem.mcp-too-large", "problem.mcp-too-large.fix"),
    421: (ServerUnavailable, "problem.mcp-address", "problem.mcp-address.fix"),
}
"""What an HTTP status of the MCP endpoint means for the person."""


QUOTA_NUMBERS = ("limit", "remaining", "reset")

SUSPENDED = frozenset({PersonSuspended.code, ClientSuspended.code})
"""Refusals that no token changes, so that what the server says of them is all there is to say."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as its server describes it (MCP 2026-07-28, Tools)."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read_only: bool
    destructive: bool

    @classmethod
    def of(cls, spec: ToolSpec) -> Tool:
        """From ``tools/list``; a hint that is missing means what the specification says it means."""
        hints = spec.annotations
        read_only = bool(hints and hints.read_only_hint)
        destructive = not read_only and (hints is None or hints.destructive_hint is not False)
        return cls(spec.name, spec.description or "", spec.input_schema, read_only, destructive)


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A question that the person is to answer before a tool goes on: its ``facts``, and what leads back to it.

    ``link``: where alone it can be answered (MCP 2026-07-28, Elicitation, URL mode); empty: here.
    """

    facts: Mapping[str, Any]
    state: str = field(repr=False)
    link: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The person's answer to a question."""

    asked: ApprovalAsked
    approve: bool


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool returned: structured content and text, the ``problem`` it answered with, or what it ``asked``."""

    structured: Any
    text: str
    problem: Problem | None = None
    asked: ApprovalAsked | None = None
    left: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What is left of the quotas: by whose they are, `limit`, `remaining` and `reset` (seconds)."""


class ServerConnection:
    """An open connection to one server, within one step of the trace."""

    def __init__(self, server: str, client: Client[Any]) -> None:
        self._server = server
        self._client = client

    async def tools(self) -> list[Tool]:
        """Every tool of the server, in its order."""
        return [Tool.of(spec) for spec in await self._client.list_tools()]

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, fresh: bool, reply: Reply | None = None
    ) -> ToolAnswer:
        """Call one tool and take over the steps it reports; ``fresh`` asks it to reuse nothing.

        A tool's own error is an answer (MCP 2026-07-28, Tools: ``isError``), so it is returned, not raised. So is a
        question; the same call with a ``reply`` to it goes on (MCP 2026-07-28, multi-round-trip requests).
        """
        meta = {TRACE_KEY: True, **({FRESH_KEY: True} if fresh else {})}
        result = await self._client.session.call_tool(
            name,
            dict(arguments),
            read_timeout_seconds=CALL_SECONDS,
            meta=cast(RequestParamsMeta, meta),
            input_responses=_responses(reply),
            request_state=reply.asked.state if reply else None,
            allow_input_required=True,
        )
        tracing.extend(_steps(result))
        if isinstance(result, InputRequiredResult):
            facts = (result.meta or {}).get(APPROVAL_KEY)
            shown = facts if isinstance(facts, Mapping) else {}
            return ToolAnswer(None, "", asked=ApprovalAsked(shown, result.request_state or "", _link(result)))
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        problem = _refusal(self._server, text, (result.meta or {}).get(ERROR_KEY)) if result.is_error else None
        return ToolAnswer(result.structured_content, text, problem, left=_left(result.meta))


def _left(meta: Mapping[str, Any] | None) -> dict[str, dict[str, int]]:
    """What a server says is left of its quotas; what does not read so is left out."""
    told = (meta or {}).get(LIMITS_KEY)
    found = {}
    for whose, numbers in told.items() if isinstance(told, Mapping) else ():
        if isinstance(numbers, Mapping) and all(isinstance(numbers.get(n), int) for n in QUOTA_NUMBERS):
            found[str(whose)] = {name: int(numbers[name]) for name in QUOTA_NUMBERS}
    return found


def _link(result: InputRequiredResult) -> str:
    """The address at which a question is to be answered, if it is one that no form may answer."""
    params = (asked.params for asked in (result.input_requests or {}).values() if isinstance(asked, ElicitRequest))
    return next((one.url for one in params if isinstance(one, ElicitRequestURLParams)), "")


def _responses(reply: Reply | None) -> InputResponses | None:
    if reply is None:
        return None
    said = ElicitResult(action="accept", content={"approve": True}) if reply.approve else ElicitResult(action="decline")
    return {"approval": said}


async def _answers_later(message: str, *_: object) -> ElicitResult:
    """Says to servers that this client can ask its person; :meth:`ServerConnection.call` hands the question up."""
    return ElicitResult(action="cancel")


@asynccontextmanager
async def connected(server: str, url: str, token: SecretStr) -> AsyncIterator[ServerConnection]:
    """Connect to ``server`` with a token meant for it, inside the step that is open.

    Raises ServerUnavailable, TokenInvalid or ToolRefused, each with what to do.
    """
    opened = open_step()
    recorder = tracing.current()

    def client(
        headers: dict[str, str] | None = None, auth: httpx2.Auth | None = None, **_: object
    ) -> httpx2.AsyncClient:
        made = async_client(timeout=CALL_SECONDS, transport=TracedTransport(async_transport(), into=opened), auth=auth)
        made.headers.update(headers or {})
        return made

    transport = StreamableHttpTransport(
        url,
        headers={CORRELATION_HEADER: recorder.trace.id} if recorder else None,
        auth=token.get_secret_value(),
        httpx_client_factory=cast(McpHttpClientFactory, client),
    )
    try:
        async with Client(
            transport,
            mode=PROTOCOL,
            timeout=CALL_SECONDS,
            init_timeout=CALL_SECONDS,
            elicitation_handler=_answers_later,
        ) as connection:
            yield ServerConnection(server, connection)
    except Problem:
        raise
    except (RuntimeError, MCPError, httpx2.HTTPError, TimeoutError, ValidationError) as error:
        raise _failure(server, opened, error) from error


def _steps(result: CallToolResult | InputRequiredResult) -> list[tracing.Step]:
    """The steps that a server reports; what does not read as steps of ours is left out."""
    reported = (result.meta or {}).get(TRACE_KEY)
    raw = reported.get("steps", []) if isinstance(reported, Mapping) else []
    steps: list[tracing.Step] = []
    for item in raw if isinstance(raw, list) else []:
        try:
            step = tracing.Step.model_validate(item)
        except ValidationError:
            continue
        if step.kind in tracing.STEPS:
            steps.append(step)
    return steps


def _refusal(server: str, text: str, problem: Any) -> Problem:
    """A tool's error as one of ours: with its parts when the server sent them, else its text."""
    if isinstance(problem, Mapping) and problem.get("what"):
        what, fix = sentences_of(problem)
        account = {"provider": problem["provider"]} if problem.get("provider") else {}
        return ToolRefused(what, fix=fix, code=problem.get("code", ""), **account)
    return ToolRefused(text or t("problem.mcp-silent", label=LABELS[server]))


def _failure(server: str, opened: tracing.OpenStep | None, error: BaseException) -> Problem:
    """What the wire saw, as a sentence: a FastMCP client says only that it failed (a 401 is a bare ``MCPError``)."""
    label = LABELS[server]
    last = opened.step.exchanges[-1] if opened and opened.step.exchanges else None
    status = last.status if last else None
    challenge = (
        next((v for k, v in last.response_headers.items() if k.lower() == "www-authenticate"), "") if last else ""
    )
    answer = _parsed(last.response_body) if last else {}
    words = _challenge_words(challenge, answer)
    if status is None:
        return ServerUnavailable(t("problem.mcp-away", label=label), fix=t("problem.mcp-away.fix"))
    said = _said(answer, status)
    if said:
        kind = ToolRefused if answer.get("code") in SUSPENDED else ServerUnavailable
        return kind(said[0], fix=said[1])
    if status in _BY_STATUS:
        known, what, fix = _BY_STATUS[status]
        return known(t(what, label=label, words=words), fix=t(fix))
    if status >= 500:
        return ServerUnavailable(t("problem.mcp-failed", label=label, status=status), fix=t("problem.mcp-failed.fix"))
    if isinstance(error, MCPError):
        return _of_protocol(label, error)
    return ServerUnavailable(t("problem.mcp-odd", label=label), fix=t("problem.again"))


def _of_protocol(label: str, error: MCPError) -> Problem:
    """A JSON-RPC error: one of our problems where the server sent its parts (too many calls, say), else its text."""
    said = error.data.get(ERROR_KEY) if isinstance(error.data, Mapping) else None
    if isinstance(said, Mapping) and said.get("what"):
        what, fix = sentences_of(said)
        kind = ServerUnavailable if said.get("retryable") else ToolRefused
        return kind(what, fix=fix, code=str(said.get("code", "")))
    return ToolRefused(t("problem.mcp-refused", label=label, said=error))


def _parsed(body: str) -> Mapping[str, Any]:
    """An HTTP error's JSON body; empty where it is no object."""
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _said(answer: Mapping[str, Any], status: int) -> tuple[str, str] | None:
    """What happened and what to do, where one of our servers says both in an HTTP error's body.

    A refusal of the token (4xx) is told by its status, unless the server says that a later try may succeed, or that no
    token will.
    """
    if answer.get("what") and (answer.get("retryable") or status >= 500 or answer.get("code") in SUSPENDED):
        return sentences_of(answer)
    return None


def _challenge_words(challenge: str, answer: Mapping[str, Any]) -> str:
    """The reason in an error's body or ``WWW-Authenticate`` header (RFC 6750 §3), as the end of a sentence."""
    if answer.get("what"):
        return f": {told(sentences_of(answer)[0]).rstrip('.')}"
    found = re.search(r'error_description="([^"]*)"', challenge) or re.search(r'error="([^"]*)"', challenge)
    return f": {told(found[1]).rstrip('.')}" if found else ""
