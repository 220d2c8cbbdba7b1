"""Failures as callers see them: what happened and what to do, never a traceback or an internal text."""

from __future__ import annotations

import logging

from fastmcp.exceptions import ToolError
from fastmcp.exceptions import ValidationError as ArgumentsInvalid
from fastmcp.tools import ToolResult
from mcp_types import TextContent
from pydantic import ValidationError

from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.faults import faults
from fastmcp_vault.masking import mask_text
from fastmcp_vault.meta import ERROR_KEY
from fastmcp_vault.sentences import Sentence

_INTERNAL = "Something went wrong inside the server; it has been logged."
_INTERNAL_FIX = "Try again; if it stays, the server's log shows what it was."

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
        meta={ERROR_KEY: problem.as_dict(mask_text)},
        is_error=True,
    )


def as_problem(error: BaseException) -> Problem:
    """The problem that ``error`` is, or that caused it; InternalError when there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Problem):
            return cause
        if isinstance(cause, ArgumentsInvalid) and isinstance(cause.__cause__, ValidationError):
            return InputError(Sentence("The arguments cannot be used: {faults}.", faults=faults(cause.__cause__)))
        cause = cause.__cause__
    return InternalError(_INTERNAL, fix=_INTERNAL_FIX)
