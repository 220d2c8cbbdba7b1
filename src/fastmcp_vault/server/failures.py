"""Failures as callers see them: what happened and what to do, never a traceback or an internal text."""

from __future__ import annotations

import logging
import re
from typing import Any

from fastmcp.exceptions import ToolError
from fastmcp.exceptions import ValidationError as ArgumentsInvalid
from fastmcp.tools import ToolResult
from mcp_types import TextContent
from pydantic import ValidationError

from fastmcp_vault.credentials.calls import ERROR_KEY
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.masking import mask_text

_INTERNAL = "Something went wrong inside the server; it has been logged."
_INTERNAL_FIX = "Try again; if it stays, `./demo logs` shows what it was."

_log = logging.getLogger(__name__)


class InternalError(Problem):
    """A failure that nobody foresaw; its text stays in the log."""

    code, part = "internal", "mcp"


class CarriedProblem(ToolError):
    """Carries a problem through FastMCP, which would log any other exception with its traceback."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(mask_text(str(problem)), log_level=logging.DEBUG)


def told(error: Exception, *, tool: str) -> ToolResult:
    """The tool result for whatever a tool raised: ``is_error``, one text for people, the problem in ``_meta``."""
    problem = as_problem(error)
    if isinstance(problem, InternalError):
        _log.error("%s failed", tool, exc_info=error)
    else:
        _log.info("%s was not done: %s", tool, mask_text(problem.what))
    return ToolResult(
        content=[TextContent(type="text", text=mask_text(str(problem)))],
        meta={ERROR_KEY: {k: mask_text(v) if isinstance(v, str) else v for k, v in problem.as_dict().items()}},
        is_error=True,
    )


def as_problem(error: BaseException) -> Problem:
    """The problem that ``error`` is, or that caused it; InternalError when there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Problem):
            return cause
        if isinstance(cause, ArgumentsInvalid) and isinstance(cause.__cause__, ValidationError):
            return InputError(*_sentences(cause.__cause__))
        cause = cause.__cause__
    return InternalError(_INTERNAL, fix=_INTERNAL_FIX)


def _sentences(error: ValidationError) -> tuple[str]:
    """What is wrong with the arguments, one clause each, without repeating what was sent."""
    clauses = [f"`{_place(e['loc'])}` {_clause(e)}" for e in error.errors(include_url=False, include_input=False)[:5]]
    return (f"The arguments cannot be used: {'; '.join(clauses)}.",)


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "arguments"


def _clause(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("missing_argument", "missing"):
        return "is missing"
    if kind == "unexpected_keyword_argument":
        return "is not an argument of this tool"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']:,} characters"
    if kind == "string_too_short":
        return "is empty" if context["min_length"] == 1 else f"is shorter than {context['min_length']} characters"
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return re.sub(r"^(?:Input|String|Value) should ", "should ", message)
