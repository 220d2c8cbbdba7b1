"""The isolation grid: everybody's paths and tools, really tried by somebody, each cell judged by the real answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import httpx2

from app.lab.actors import Actor
from app.lab.attack import SAID_LIMIT, plain_answer, tool_answer
from app.lab.targets import LabTape, Targets, on_tape, shared
from app.lab.together import as_they_come
from app.texts import told_problem
from common.servers import SERVERS
from fastmcp_vault import correlation
from fastmcp_vault.errors import Problem
from fastmcp_vault.masking import mask_text
from fastmcp_vault.tracing import Exchange

TOGETHER = 6
"""Tries under way at once."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
"""A username that may stand in a path (as ``init/users.yaml`` allows them)."""

Kind = Literal["path", "account", "tool"]
State = Literal["own", "absent", "refused", "leak", "unclear"]
"""``own``: it is theirs, and opens. ``absent``: theirs, and nothing lies there. ``refused``: not theirs, stays shut.
``leak``: not theirs, and opened. ``unclear``: no answer to judge by."""

STATES: tuple[State, ...] = ("absent", "own", "refused", "unclear", "leak")
"""In the order in which a cell that stands for several shows them: the last that is there."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that each person has one of: a path in Vault, their account's there, or a server's service as them."""

    kind: Kind
    name: str

    @property
    def id(self) -> str:
        """Unique among THINGS."""
        return f"{self.kind}-{self.name}"

    def place(self, owner: str) -> str:
        """Where the owner's lies: the path, or the tool that tells whose credential is used.

        Of a connected account the facts: its tokens are shut to the owner's own login, too.
        """
        if self.kind == "tool":
            return f"mcp-{self.name}: credential_status"
        if self.kind == "account":
            return f"secret/metadata/users/{owner}/accounts/{self.name}"
        stored = SERVERS[self.name].secret
        return f"secret/data/users/{owner}/{self.name}" if stored else f"database/creds/{owner}"


KINDS: tuple[Kind, ...] = ("path", "account", "tool")

THINGS = tuple(
    Thing(kind, name) for kind in KINDS for name, spec in SERVERS.items() if kind != "account" or spec.account
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one try. Everything in it is masked. ``acted_as``: whom an MCP server acted as, if it did."""

    actor: str
    owner: str
    thing: Thing
    state: State
    status: int
    said: str
    acted_as: str
    correlation_id: str
    exchange: Exchange | None = field(repr=False)


async def grid(targets: Targets, actors: Sequence[Actor], owners: Iterable[str]) -> AsyncGenerator[Cell]:
    """Each actor against each owner's THINGS, as the answers come, TOGETHER at once."""
    async with shared(targets, connections=TOGETHER) as transport:
        works = [
            partial(attempt, targets, transport, actor, owner, thing)
            for actor in actors
            for owner in owners
            for thing in THINGS
        ]
        async with aclosing(as_they_come(works, at_once=TOGETHER)) as cells:
            async for cell in cells:
                yield cell


async def attempt(
    targets: Targets, transport: httpx2.AsyncBaseTransport, actor: Actor, owner: str, thing: Thing
) -> Cell:
    """One try, with a correlation id of its own."""
    tape, known = LabTape(), uuid.uuid4().hex
    client = on_tape(transport, tape)
    acted_as = ""
    try:
        with correlation.carrying(known):
            if thing.kind != "tool":
                response = await _read(client, targets, actor, thing.place(owner))
                state, said = _of_path(response, mine=actor.entity == owner)
            else:
                response = await _use(client, targets, actor, owner, thing.name)
                state, said, acted_as = _of_tool(response, actor, owner)
        status = response.status_code
    except Problem as problem:
        state, status, said = "unclear", 0, told_problem(problem)
    except httpx2.HTTPError as error:
        state, status, said = "unclear", 0, str(error) or type(error).__name__
    return Cell(
        actor=actor.username,
        owner=owner,
        thing=thing,
        state=state,
        status=status,
        said=mask_text(said, limit=SAID_LIMIT),
        acted_as=acted_as,
        correlation_id=known,
        exchange=tape.exchanges[-1] if tape.exchanges else None,
    )


async def _read(client: httpx2.AsyncClient, targets: Targets, actor: Actor, path: str) -> httpx2.Response:
    headers = {"X-Vault-Token": actor.vault.get_secret_value()}
    return await client.get(f"{targets.vault}/v1/{path}", headers=headers)


async def _use(client: httpx2.AsyncClient, targets: Targets, actor: Actor, owner: str, server: str) -> httpx2.Response:
    """The tool with the actor's own token, and the owner's name wherever a careless server might take it from."""
    meta = {"user": owner, "username": owner, "entity": owner}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
        "Authorization": f"Bearer {actor.servers[server].get_secret_value()}",
        **dict.fromkeys(("X-Forwarded-User", "X-Remote-User", "X-User", "X-Vault-Entity"), owner),
    }
    params = {"name": "credential_status", "arguments": {}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return await client.post(targets.mcp[server], headers=headers, json=body)


def _of_path(response: httpx2.Response, *, mine: bool) -> tuple[State, str]:
    """Anything but a 403 at somebody else's path got past the policy, even if nothing lay there."""
    answer, status = plain_answer(response), response.status_code
    if answer.through:
        return ("own" if mine else "leak"), answer.said
    if status == httpx2.codes.FORBIDDEN:
        return ("unclear" if mine else "refused"), answer.said
    if not answer.refused or status == httpx2.codes.TOO_MANY_REQUESTS:
        return "unclear", answer.said
    return ("absent" if mine else "leak"), answer.said


def _of_tool(response: httpx2.Response, actor: Actor, owner: str) -> tuple[State, str, str]:
    """Whom the server acted as decides, by the entity that Vault gave it and the path that it read."""
    answer = tool_answer(response)
    told = _told(response)
    if not answer.through or not isinstance(told, dict):
        return "unclear", answer.said, ""
    acted_as = str(told.get("username") or "")
    wrong = {acted_as} - {actor.username} | set(filter(None, [told.get("entity")])) - {actor.entity}
    said = f"{acted_as} · {told.get('vault_path') or told.get('reason', '')}"
    if wrong:
        return "leak", said, ", ".join(sorted(map(str, wrong)))
    if actor.entity != owner:
        return "refused", said, acted_as
    return ("own" if told.get("present") else "absent"), said, acted_as


def _told(response: httpx2.Response) -> Any:
    try:
        return response.json()["result"]["structuredContent"]
    except (ValueError, KeyError, TypeError):
        return None
