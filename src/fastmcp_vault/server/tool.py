"""A tool as these servers have them: it asks for the write scope if it changes anything, and fails in sentences."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from fastmcp.server.dependencies import get_access_token
from fastmcp.tools import FunctionTool, ToolResult
from fastmcp.tools.base import InputRequiredToolResult
from mcp_types import InputRequiredResult, ToolAnnotations

from fastmcp_vault.credentials.calls import current_call
from fastmcp_vault.errors import Problem
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.server.approval import require_approval
from fastmcp_vault.server.connecting import ask_to_connect
from fastmcp_vault.server.failures import InternalError, as_problem, told
from fastmcp_vault.server.profile import ApprovalMode


class InsufficientScope(Problem):
    """The token lacks a scope that this tool needs (RFC 6750 §3.1)."""

    code, part = "insufficient_scope", "mcp"


def reading(title: str) -> ToolAnnotations:
    """Annotations of a tool that only reads."""
    return ToolAnnotations(
        title=title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
    )


def writing(title: str, *, destructive: bool = False) -> ToolAnnotations:
    """Annotations of a tool that changes something; ``destructive``: it may also overwrite or delete."""
    return ToolAnnotations(
        title=title, read_only_hint=False, destructive_hint=destructive, idempotent_hint=False, open_world_hint=True
    )


class PersonsTool(FunctionTool):
    """Runs a function for the caller. ``write_scope`` is what a tool that is not read-only needs."""

    write_scope: str = ""

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return not (self.annotations and self.annotations.read_only_hint)

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """The result, or one that says what went wrong and what to do."""
        try:
            current_call().writes = self.writes
            self._check_scope()
            return await super().run(arguments)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            asked = await ask_to_connect(as_problem(error), writing=self.writes)
            if isinstance(asked, InputRequiredResult):
                return InputRequiredToolResult(asked)
            return told(error if isinstance(asked, InternalError) else asked, tool=self.name)

    def _check_scope(self) -> None:
        token = get_access_token()
        if self.writes and (token is None or self.write_scope not in token.scopes):
            raise InsufficientScope(
                Sentence(
                    "{name} changes data, and this access does not include the scope {write_scope}.",
                    name=self.name,
                    write_scope=self.write_scope,
                ),
                fix=Sentence(
                    "Ask for {write_scope} when the token for this server is requested.", write_scope=self.write_scope
                ),
            )


def persons_tool(function: Callable[..., Any], *, write_scope: str, approval: ApprovalMode = "never") -> PersonsTool:
    """The tool made of a function with FastMCP's ``@tool`` metadata, asking first where ``approval`` says so."""
    made = PersonsTool.from_function(function)
    assert isinstance(made, PersonsTool)
    if _needs_yes(made, approval):
        made = PersonsTool.from_function(_asking_first(function))
        assert isinstance(made, PersonsTool)
    return made.model_copy(update={"write_scope": write_scope})


def _needs_yes(tool: PersonsTool, approval: ApprovalMode) -> bool:
    destroys = tool.annotations is None or tool.annotations.destructive_hint is not False
    return tool.writes and (approval == "writes" or (approval == "destructive" and destroys))


def _asking_first(function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """``function``, reached only by a call that a person said yes to.

    It wraps the body, so the arguments have been checked, and the credential found, before anybody is bothered.
    """

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        question: InputRequiredResult | None = await require_approval()
        return await function(*args, **kwargs) if question is None else question

    return guarded
