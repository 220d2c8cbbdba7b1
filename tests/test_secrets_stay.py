"""No secret leaves its place: after sign-ins, calls and refusals, every log and command line is searched for each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from fastmcp_vault.masking import mask_text
from stack import secret_store
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, app_client
from tests.support.login import SignInRefused, sign_in
from tests.support.people import Person

TOKEN = re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*|\bhv[sbr]\.[\w-]{20,}|(?<![\w.-])[sb]\.[A-Za-z0-9]{20,}(?![\w.-])")
"""A JSON Web Token, and Vault's and OpenBao's own."""

SERVERS = {"jira": "list_projects", "github": "list_repos", "postgres": "list_tables"}


async def _busy(stack: Stack, person: Person) -> set[str]:
    """Do what people do, some of it wrong; every secret that was in play."""
    async with app_client(stack) as keycloak:
        redirect = f"{stack.url('app')}/auth/callback"
        tokens = await sign_in(keycloak, person.username, person.password, redirect_uri=redirect)
        with pytest.raises(SignInRefused):
            await sign_in(keycloak, person.username, f"{person.password}-wrong", redirect_uri=redirect)
    caller = Caller(stack, person, tokens)
    for server, tool in SERVERS.items():
        assert not (await caller.call(server, tool, traced=True)).is_error
        assert not (await caller.call(server, "credential_status", traced=True)).is_error
    await caller.refusal("jira", "get_issue", {"issue_key": "PROJ-99999"})
    await caller.refusal("postgres", "query", {"sql": "SELECT nonsense"})
    made = set(caller.exchanged.values())
    for token in (tokens.access_token, tokens.refresh_token, tokens.id_token):
        assert token is not None
        made.add(token.get_secret_value())
    await caller.sign_out()
    entitled = person.entitlements
    return made | {
        person.password,
        f"{person.password}-wrong",
        entitled["jira"]["api_token"],
        entitled["github"]["token"],
    }


@pytest.fixture(scope="module")
def in_play(stack: Stack, _pool: Iterator[Person]) -> set[str]:
    own = {value for name, value in stack.secrets.items() if name not in secret_store.FIXED}
    assert len(own) >= 12
    return own | asyncio.run(_busy(stack, next(_pool)))


def _logs(stack: Stack) -> list[Path]:
    found = [path for path in stack.layout.state.rglob("*.log") if path.is_file()]
    assert {path.stem for path in found} >= {"mcp-jira", "mcp-postgres", "keycloak", "app", "openbao", "audit"}
    return found


def test_no_log_holds_a_secret_that_was_in_play(stack: Stack, in_play: set[str]) -> None:
    leaks = [
        (path.name, mask_text(secret, secrets=[secret]))
        for path in _logs(stack)
        for text in [path.read_text(errors="replace")]
        for secret in in_play
        if secret in text
    ]
    assert leaks == []


def test_no_log_holds_anything_shaped_like_a_token(stack: Stack, in_play: set[str]) -> None:
    """Vault's tokens are made inside it, so nobody outside knows them to search for."""
    for path in _logs(stack):
        found = TOKEN.findall(path.read_text(errors="replace"))
        assert [mask_text(token) for token in found] == [], path.name


def test_no_command_line_holds_a_secret(stack: Stack, in_play: set[str]) -> None:
    pids = [
        stack.status(name).pid for name in ("postgres", "openbao", "keycloak", "mcp-jira", "mcp-github", "app", "mock")
    ]
    assert all(pids)
    processes = [p for pid in pids if pid for p in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    lines = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # a short-lived child, such as a connection's
            lines.append(" ".join(process.cmdline()))
    assert len(lines) >= len(pids)
    assert not [line[:60] for line in lines if any(secret in line for secret in in_play)]
