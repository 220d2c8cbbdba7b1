"""Sharing a trace with the room: what is handed over, for how long, and whose one gets to see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from app.process import AppProcess
from app.session import Person
from fastmcp_vault.tracing import Trace

SHARED_SECONDS = 30 * 60.0
"""How long a trace stays shared, if its owner does not withdraw it or sign out before."""

RESULT_LIMIT = 64_000
"""Characters of JSON; a longer result is not shared."""


class Shared(BaseModel):
    """One person's trace of one call, with what came of it. Messages are named, their contents stay with the owner."""

    model_config = ConfigDict(frozen=True)

    username: str
    trace: Trace
    credentials: dict[str, dict[str, Any]] = {}
    result: Any = None


def call_of(servers: Sequence[str], tool: str) -> str:
    """A name for the action, the same for everybody who does the same."""
    return f"execute:{servers[0]}.{tool}" if tool else f"load:{','.join(sorted(servers))}"


def shared(username: str, trace: Trace, credentials: Mapping[str, Mapping[str, Any] | None], result: Any) -> Shared:
    """What is handed over: the trace without the messages' headers and bodies, and a result of reasonable size."""
    steps = [
        step.model_copy(
            update={
                "exchanges": [
                    exchange.model_copy(
                        update={"request_headers": {}, "request_body": "", "response_headers": {}, "response_body": ""}
                    )
                    for exchange in step.exchanges
                ]
            }
        )
        for step in trace.steps
    ]
    small = len(json.dumps(result, default=str)) <= RESULT_LIMIT
    return Shared(
        username=username,
        trace=trace.model_copy(update={"steps": steps}),
        credentials={server: dict(found) for server, found in credentials.items() if found},
        result=result if small else None,
    )


async def share(process: AppProcess, person: Person, call: str, what: Shared) -> None:
    """Let those who share the same call see it. Raises StateUnavailable."""
    await process.state.shared_traces.share(
        call,
        what.model_dump_json().encode(),
        sub=person.sub,
        sid=person.sid,
        username=person.username,
        lifetime=SHARED_SECONDS,
    )


async def withdraw(process: AppProcess, person: Person) -> None:
    """Take back everything that this person shared. Raises StateUnavailable."""
    await process.state.shared_traces.withdraw(person.sub)


async def of_others(process: AppProcess, person: Person, call: str) -> dict[str, Shared]:
    """Others' traces of the same call by user id (``sub``); none unless ``person`` shares theirs.

    Raises StateUnavailable.
    """
    found = await process.state.shared_traces.of_others(call, sub=person.sub)
    read: dict[str, Shared] = {}
    for one in found:
        try:
            read.setdefault(one.sub, Shared.model_validate_json(one.data))
        except ValidationError:
            # Written by another version of the app.
            continue
    return read
