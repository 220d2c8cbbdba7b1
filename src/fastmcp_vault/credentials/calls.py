"""The call being served: who calls, under which correlation id, and what the app asked for beside the tool."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from fastmcp_vault.credentials.caller import Caller
from fastmcp_vault.errors import SessionEnded
from fastmcp_vault.meta import FRESH_KEY, TRACE_KEY
from fastmcp_vault.tracing import spans
from fastmcp_vault.tracing.wire import CORRELATION_HEADER

PATIENCE_SECONDS = 5.0
"""How long one call waits by itself for rate limits, all its waits together: a client waits some 20 s for a tool."""

_CORRELATION = re.compile(r"[A-Za-z0-9._-]{1,50}")


@dataclass(slots=True)
class Call:
    """One tool call. ``arguments`` are as they were sent; ``fresh`` is spent by the first credential fetched for it.

    ``writes``: the tool changes something. ``ahead``: it is no call yet, but the listing of tools. ``logs_in``: the
    login that it uses is made for it, so that its trace holds the steps. The last three are what the audit trail tells.
    """

    caller: Caller
    correlation_id: str
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    traced: bool = False
    fresh: bool = False
    ahead: bool = False
    logs_in: bool = False
    writes: bool = False
    patience: float = PATIENCE_SECONDS
    """Seconds that may still be waited for rate limits."""
    credential: str = ""
    """Where in Vault the credential lies that it used."""
    accessor: str = ""
    """Of the Vault token by which that was read."""
    approved: str = ""
    """How its person said yes to it, where somebody was asked."""

    def spend_fresh(self) -> bool:
        """Whether reuse is off for what is fetched now; true once."""
        fresh, self.fresh = self.fresh, False
        return fresh


_call: ContextVar[Call | None] = ContextVar("call", default=None)


def read_call(
    caller: Caller,
    headers: Mapping[str, str],
    meta: Mapping[str, Any],
    *,
    tool: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> Call:
    """The call as its headers (names in any case) and ``_meta`` describe it.

    Only a client that may see traces may ask for a trace, or switch reuse off.
    """
    sent = headers.get(CORRELATION_HEADER, "")
    return Call(
        caller=caller,
        correlation_id=sent if _CORRELATION.fullmatch(sent) else spans.trace_id() or uuid.uuid4().hex,
        tool=tool,
        arguments=arguments or {},
        traced=caller.may_trace and meta.get(TRACE_KEY) is True,
        fresh=caller.may_trace and meta.get(FRESH_KEY) is True,
    )


@contextmanager
def serving(call: Call) -> Iterator[Call]:
    """Make ``call`` the current one inside the block."""
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


def patience(seconds: float) -> bool:
    """Whether the call being served may wait that long for a rate limit; if so it counts as waited."""
    call = _call.get()
    if call is None:
        return seconds <= PATIENCE_SECONDS
    if seconds > call.patience:
        return False
    call.patience -= seconds
    return True


def current_call() -> Call:
    """The call being served. Raises SessionEnded where there is none."""
    call = _call.get()
    if call is None:
        raise SessionEnded("Nobody is calling.", fix="Sign in again.")
    return call
