"""The kill switch: one command stops an MCP server for everybody, and what it held is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from stack.layout import ROOT
from stack.testing import Stack
from tests.mcp_servers.callers import Vault, database_roles, post, signed_in, until
from tests.mcp_servers.serving import replica
from tests.support.people import Person

pytestmark = pytest.mark.disturbs

ME = ("postgres", "query", {"sql": "SELECT current_user AS me"})


async def agent(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """``./demo agent …`` for this stack."""
    layout = stack.layout
    directories = {"DEMO_STATE_DIR": str(layout.state), "DEMO_RUNTIME_DIR": str(layout.runtime)}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "demo", "agent", *words],
        check=False,
        cwd=ROOT,
        env=os.environ | directories,
        capture_output=True,
        text=True,
    )


async def test_one_command_stops_a_server_for_everybody_on_every_replica(
    stack: Stack, new_person: Callable[[], Person]
) -> None:
    vault = Vault(stack)
    people = [await signed_in(stack, new_person()) for _ in range(2)]
    async with replica(stack, "postgres") as second:
        for caller in people:
            assert not (await caller.call(*ME)).is_error
            assert not (await caller.call(*ME, at=second.url)).is_error
            assert len(vault.tokens(caller, "postgres")) == 2
            await caller.data("github", "list_repos")

        done = await agent(stack, "suspend", "mcp-postgres", "--reason", "a strange query was seen")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("mcp-postgres is suspended for everybody. Its Vault tokens (")
        for caller in people:
            assert vault.tokens(caller, "postgres") == []
            assert database_roles(stack, caller.person.username) == []
            token = await caller.token("postgres")
            for at in ("", second.url):
                refused = await post(stack, "postgres", token, at=at)
                assert refused.status_code == 503
                assert refused.json()["code"] == "server_suspended"
                assert "a strange query was seen" in refused.json()["error_description"]
            # The others serve on, with what they hold.
            await caller.data("github", "list_repos")
            assert len(vault.tokens(caller, "github")) == 1
        listed = await agent(stack, "list")
        assert listed.stdout.startswith("mcp-postgres  since ")
        assert listed.stdout.endswith("a strange query was seen\n")

        lifted = await agent(stack, "resume", "mcp-postgres")
        assert lifted.stdout == "mcp-postgres serves again.\n"

        async def serves() -> bool:
            return all([(await post(stack, "postgres", token, at=at)).status_code == 200 for at in ("", second.url)])

        await until(serves)
        assert not (await people[0].call(*ME)).is_error
    assert (await agent(stack, "list")).stdout == "No MCP server is suspended.\n"
    vault.close()


async def test_a_server_that_does_not_exist_cannot_be_suspended(stack: Stack) -> None:
    refused = await agent(stack, "suspend", "mcp-jria")
    assert refused.returncode == 2
    assert "mcp-jria" in refused.stderr
    assert (await agent(stack, "suspend", "--", "-h")).returncode == 2
