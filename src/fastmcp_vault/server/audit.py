"""FastMCP middleware that notes each call, resource and prompt in the audit trail: who, what, with which outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import ToolResult

from fastmcp_vault.credentials.calls import Call, current_call
from fastmcp_vault.masking import cut_text, mask_text, mask_value
from fastmcp_vault.meta import ERROR_KEY
from fastmcp_vault.printable import printable
from fastmcp_vault.server.failures import as_problem
from fastmcp_vault.server.trace import outcome_of, outcome_of_problem
from fastmcp_vault.state.trail import AuditEntry, QueuedTrail
from fastmcp_vault.tracing import spans

ARGUMENTS_LIMIT = 1000
"""Characters of a call's arguments that are noted."""

TEXT_LIMIT = 300
"""Characters of any other text."""


_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


class AuditMiddleware(Middleware):
    """Notes what was done for whom, refusals too. Stands inside the middleware that makes the call known.

    ``server``: the resource server's own name, as tokens have it. ``trail`` does not wait, so neither do calls. A call
    that is refused by a limit, or for its token, is no action: it is counted (``metrics.REFUSALS``) and not noted.
    """

    def __init__(self, server: str, trail: QueuedTrail) -> None:
        self._server, self._trail = server, trail

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        """Run the tool, and note it."""
        message = context.message
        return await self._noted(context, call_next, message.name, message.arguments or {})

    async def on_read_resource(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        """Read the resource, and note it."""
        return await self._noted(context, call_next, str(context.message.uri), {})

    async def on_get_prompt(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        """Render the prompt, and note it."""
        message = context.message
        return await self._noted(context, call_next, message.name, message.arguments or {})

    async def _noted(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any], name: str, arguments: Mapping[str, Any]
    ) -> Any:
        began, call = time.time(), current_call()
        told = {"outcome": "cancelled"}
        try:
            result = await call_next(context)
            told = _told(result)
        except Exception as error:
            told = _of_problem(as_problem(error).as_dict())
            raise
        finally:
            times = {"at": round(began, 3), "ms": round((time.time() - began) * 1000, 1)}
            self._trail.record(partial(self._entry, {**told, **times}, call, name, arguments, spans.trace_id()))
        return result

    def _entry(
        self,
        told: Mapping[str, Any],
        call: Call,
        name: str,
        arguments: Mapping[str, Any],
        trace_id: str | None,
    ) -> AuditEntry:
        """What is written. It is made after the call, which does not wait for it."""
        claims = call.caller.claims
        return {
            **told,
            "iss": claims.iss,
            "sub": claims.sub,
            "sid": claims.sid,
            "person": _name(claims.username),
            "client": _name(claims.azp),
            "server": self._server,
            "tool": _name(name),
            "arguments": _arguments(arguments),
            "credential": _name(call.credential),
            "accessor": call.accessor,
            "approved": _name(call.approved),
            "correlation_id": call.correlation_id,
            **({"trace_id": trace_id} if trace_id else {}),
        }


def _told(result: Any) -> dict[str, str]:
    if not isinstance(result, ToolResult) or not result.is_error:
        return {"outcome": outcome_of(result)[0] if isinstance(result, ToolResult) else "done"}
    return _of_problem((result.meta or {}).get(ERROR_KEY, {}))


def _of_problem(problem: Mapping[str, Any]) -> dict[str, str]:
    outcome, code = outcome_of_problem(problem)
    return {"outcome": outcome, "code": code, "reason": _reason(str(problem.get("what", "")))}


def _name(text: str) -> str:
    """What holds no secret, cut and printable: PostgreSQL's JSON has no place for NUL or half a surrogate pair."""
    return printable(text[:TEXT_LIMIT])


def _reason(text: str) -> str:
    """A sentence that may quote a back end or a caller: cut, masked and printable."""
    return printable(mask_text(text, limit=TEXT_LIMIT))


def _arguments(arguments: Mapping[str, Any]) -> str:
    """The arguments as JSON that may be read: masked by name and by shape, cut."""
    if not arguments:
        return ""
    shown = _JSON.encode(mask_value("arguments", arguments, limit=ARGUMENTS_LIMIT))
    return printable(cut_text(shown, 2 * ARGUMENTS_LIMIT))
