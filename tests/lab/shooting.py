"""The attack lab's range at the tests' stack: the same functions as the page's, with people of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from app.lab import catalog, passwords
from app.lab.arms import AttackTarget
from app.lab.attack import Attack, AttackResult
from app.lab.people import read, without_jira
from app.lab.targets import Targets
from app.session import COOKIE
from fastmcp_vault.vault.client import Vault
from stack.testing import Stack
from tests.mcp_servers.callers import app_client
from tests.support.people import Person


def targets(stack: Stack) -> Targets:
    """The stack's servers."""
    return Targets(
        keycloak=stack.url("keycloak"),
        public_keycloak=stack.url("keycloak"),
        realm="mcp-demo",
        vault=stack.url("openbao"),
        app=stack.url("app"),
        mcp={server: f"{stack.url(f'mcp-{server}')}/mcp" for server in ("jira", "github", "postgres")},
        relay=stack.url("auth-relay"),
        relay_callback=f"{stack.url('mock-chatbot')}/relay/callback",
        provider=stack.url("mock-jira"),
    )


def everywhere(address: str, stack: Stack) -> Targets:
    """Everything aimed at one server of the test's own."""
    aimed = dict.fromkeys(("jira", "github", "postgres"), f"{address}/mcp")
    return replace(targets(stack), keycloak=address, vault=address, app=address, provider=address, mcp=aimed)


@asynccontextmanager
async def shooting_range(stack: Stack, attacker: Person, victim: Person) -> AsyncIterator[AttackTarget]:
    """Where ``attacker`` stands, and ``victim``."""
    people = read(stack.instance.users_file)
    vault = Vault(stack.url("openbao"))
    try:
        async with app_client(stack) as keycloak:
            yield AttackTarget(
                targets=targets(stack),
                keycloak=keycloak,
                vault=vault,
                lab_secret=SecretStr(stack.secrets["LAB_CLIENT_SECRET"]),
                attacker=people[attacker.username],
                victim=people[victim.username],
                redirect_uri=f"{stack.url('app')}/auth/callback",
                cookie=COOKIE,
                password_turns=asyncio.Semaphore(passwords.AT_ONCE),
                without_jira=without_jira(people, people[attacker.username]),
            )
    finally:
        await vault.close()


async def results(where: AttackTarget, chosen: Iterable[Attack], at: Targets | None = None) -> dict[str, AttackResult]:
    """What came of each, by its id."""
    return {result.attack: result async for result in catalog.run(where, chosen, at)}
