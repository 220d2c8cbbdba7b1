"""FastMCP middleware around every tool call: knows the call, records its steps, and hands them to the app."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mcp_types as mt
from fastmcp.server.dependencies import get_http_request
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool, ToolResult
from fastmcp.tools.base import InputRequiredToolResult
from mcp import MCPError

from fastmcp_vault import correlation, metrics
from fastmcp_vault.credentials.caller import Caller, current_caller
from fastmcp_vault.credentials.calls import Call, read_call, serving
from fastmcp_vault.meta import ERROR_KEY, TRACE_KEY
from fastmcp_vault.server.failures import InternalError, told
from fastmcp_vault.tracing import STEPS, Recorder, Step, recording, spans

SERVER_STEPS = ("bearer-check", "token-exchange", "vault-login", "entity", "credential", "backend")
"""The steps that happen here, in their order."""

_ASKED = ("approval_needed",)
"""Codes of the answer that a question in the app has to be answered first."""

_log = logging.getLogger(__name__)


def recorder_of(call: Call, action: str) -> Recorder | None:
    """What records the call's steps: for the client that asked for them, or for the spans of a trace that is kept."""
    return Recorder(action, correlation_id=call.correlation_id) if call.traced or spans.sampled() else None


def outcome_of(result: ToolResult) -> tuple[str, str]:
    """What became of a call, and the code of its problem if it has one.

    ``done``; ``asked``: a person is asked first; ``failed``: something is broken or away; ``refused``: all the rest.
    """
    if isinstance(result, InputRequiredToolResult):
        return "asked", ""
    return outcome_of_problem((result.meta or {}).get(ERROR_KEY, {})) if result.is_error else ("done", "")


def outcome_of_problem(problem: Mapping[str, Any]) -> tuple[str, str]:
    """The same of a problem (:meth:`fastmcp_vault.errors.Problem.as_dict`)."""
    code = str(problem.get("code", ""))
    if code in _ASKED:
        return "asked", code
    return ("failed" if problem.get("retryable") or code == InternalError.code else "refused"), code


class TraceMiddleware(Middleware):
    """Makes the call known to everything below it; gives its trace to the app, if it asked, and to nobody else.

    ``silent`` names tools that do not call the back end. ``ahead`` is told of a caller who lists the tools: it may
    begin what the first call will need.
    """

    def __init__(self, server: str, *, silent: frozenset[str], ahead: Callable[[Call], None] | None = None) -> None:
        self._server, self._silent, self._ahead = server, silent, ahead

    async def on_list_tools(
        self, context: MiddlewareContext[mt.ListToolsRequest], call_next: CallNext[mt.ListToolsRequest, Sequence[Tool]]
    ) -> Sequence[Tool]:
        """List the tools, and begin what the first call of any of them will need."""
        if self._ahead is not None:
            self._ahead(read_call(current_caller(), get_http_request().headers, {}))
        return await call_next(context)

    async def on_call_tool(
        self,
        context: MiddlewareContext[mt.CallToolRequestParams],
        call_next: CallNext[mt.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        """Run the tool inside a recorder that carries the call's correlation id."""
        request = context.fastmcp_context.request_context if context.fastmcp_context else None
        call = read_call(
            current_caller(),
            get_http_request().headers,
            (request.meta if request else None) or {},
            tool=context.message.name,
            arguments=context.message.arguments,
        )
        recorder = recorder_of(call, context.message.name)
        began = time.perf_counter()
        with (
            metrics.IN_FLIGHT.one(server=self._server),
            serving(call),
            correlation.carrying(call.correlation_id),
            recording(recorder),
        ):
            if recorder is not None:
                self._note_check(recorder, call.caller)
            try:
                result = await call_next(context)
            except MCPError as error:
                self._count(began, tool=metrics.OTHER, outcome="refused", reason=str(error.error.code))
                raise
            except Exception as error:
                result = told(error, tool=context.message.name)
            outcome, reason = outcome_of(result)
            self._count(began, tool=context.message.name, outcome=outcome, reason=reason)
            _log.info(
                "%s for %s %s in %.0f ms",
                context.message.name,
                call.caller.claims.username,
                outcome,
                (time.perf_counter() - began) * 1000,
            )
        if recorder is not None and call.traced:
            steps = self._complete(recorder, context.message.name)
            answer = result.input_required if isinstance(result, InputRequiredToolResult) else result
            answer.meta = {**(answer.meta or {}), TRACE_KEY: {"steps": [s.model_dump(mode="json") for s in steps]}}
        return result

    def _count(self, began: float, *, tool: str, outcome: str, reason: str) -> None:
        seconds = time.perf_counter() - began
        metrics.CALLS.record(seconds, server=self._server, tool=tool, outcome=outcome, reason=reason)

    def _note_check(self, recorder: Recorder, caller: Caller) -> None:
        """The check of the token took place before the call was read; when and how long is known."""
        opened = recorder.note("bearer-check", server=self._server)
        opened.step.started_at, opened.step.duration_ms = caller.checked_at, caller.check_ms
        claims = caller.claims
        opened.say(f"{claims.username}'s token is good: it is for mcp-{self._server} alone, and its session goes on.")
        opened.detail(claims=claims.model_dump(mode="json"))
        opened.valid(until=claims.exp)

    def _complete(self, recorder: Recorder, tool: str) -> Sequence[Step]:
        """The steps, with those that were not reached noted as skipped, and why."""
        steps = recorder.trace.steps
        reached = {step.kind for step in steps}
        failed = next((step for step in steps if step.status == "failed"), None)
        for kind in SERVER_STEPS:
            if kind not in reached:
                code, reason = self._why_not(kind, tool, failed, asked="approval-question" in reached)
                skipped = Step(kind=kind, server=self._server, status="skipped", started_at=time.time())
                steps.append(skipped.model_copy(update={"sentence": reason, "code": code}))
        return steps

    def _why_not(self, kind: str, tool: str, failed: Step | None, *, asked: bool) -> tuple[str, str]:
        """Why a step was not reached: a code for programs, a sentence for people."""
        if failed is not None:
            return "failed", f"Not reached: “{STEPS[failed.kind].title}” failed."
        if kind == "backend" and tool in self._silent:
            return "silent", f"{tool} does not call the back end."
        if asked:
            return "asked", "Not reached: a person is asked first."
        return "refused", "Not reached: the call was refused before."
