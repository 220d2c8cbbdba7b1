"""FastMCP middleware around resources and prompts: the same call, steps and refusals as around tools."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import mcp_types as mt
from fastmcp.exceptions import FastMCPError
from fastmcp.prompts import PromptResult
from fastmcp.resources import ResourceResult
from fastmcp.server.dependencies import get_http_request
from fastmcp.server.middleware import CallNext, MiddlewareContext
from mcp import MCPError

from fastmcp_vault import correlation
from fastmcp_vault.credentials.caller import current_caller
from fastmcp_vault.credentials.calls import Call, read_call, serving
from fastmcp_vault.errors import BackendRefused, InputError, Problem
from fastmcp_vault.masking import mask_text
from fastmcp_vault.meta import ERROR_KEY, TRACE_KEY
from fastmcp_vault.server.trace import TraceMiddleware, recorder_of
from fastmcp_vault.tracing import Recorder, recording

R = TypeVar("R", ResourceResult, PromptResult)

_log = logging.getLogger(__name__)


class OfferTraceMiddleware(TraceMiddleware):
    """What :class:`TraceMiddleware` does for tools, for everything else that a server offers.

    A resource or a prompt has no result to put a refusal into: it is a JSON-RPC error, the problem and the trace in its
    ``data`` (JSON-RPC 2.0 §5.1).
    """

    async def on_read_resource(
        self,
        context: MiddlewareContext[mt.ReadResourceRequestParams],
        call_next: CallNext[mt.ReadResourceRequestParams, ResourceResult],
    ) -> ResourceResult:
        """Read it inside a recorder that carries the call's correlation id."""
        return await self._told(context, call_next, str(context.message.uri))

    async def on_get_prompt(
        self,
        context: MiddlewareContext[mt.GetPromptRequestParams],
        call_next: CallNext[mt.GetPromptRequestParams, PromptResult],
    ) -> PromptResult:
        """Render it inside a recorder that carries the call's correlation id."""
        return await self._told(context, call_next, context.message.name)

    async def _told(self, context: MiddlewareContext[Any], call_next: CallNext[Any, R], name: str) -> R:
        request = context.fastmcp_context.request_context if context.fastmcp_context else None
        call = read_call(current_caller(), get_http_request().headers, (request.meta if request else None) or {})
        recorder = recorder_of(call, name)
        with serving(call), correlation.carrying(call.correlation_id), recording(recorder):
            if recorder is not None:
                self._note_check(recorder, call.caller)
            try:
                result = await call_next(context)
            except FastMCPError as error:
                if not isinstance(error.__cause__, Problem):
                    raise
                _log.info("%s was not given: %s", name, mask_text(error.__cause__.what))
                raise self._refusal(error.__cause__, self._trace(recorder, call)) from error
            _log.info("%s for %s", name, call.caller.claims.username)
        if trace := self._trace(recorder, call):
            result.meta = {**(result.meta or {}), **trace}
        return result

    def _trace(self, recorder: Recorder | None, call: Call) -> dict[str, Any]:
        if recorder is None or not call.traced:
            return {}
        steps = self._complete(recorder, recorder.trace.action)
        return {TRACE_KEY: {"steps": [step.model_dump(mode="json") for step in steps]}}

    def _refusal(self, problem: Problem, trace: dict[str, Any]) -> MCPError:
        code = mt.INVALID_PARAMS if isinstance(problem, InputError | BackendRefused) else mt.INTERNAL_ERROR
        return MCPError(
            code=code, message=mask_text(str(problem)), data={ERROR_KEY: problem.as_dict(mask_text), **trace}
        )
