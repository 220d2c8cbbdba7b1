"""Ends that no back channel tells: a registered client's session, a person disabled or deleted at Keycloak."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import KeycloakUnavailable, SessionEnded
from fastmcp_vault.oidc.standing import ASK_SECONDS, LAST_SECONDS, STALE_SECONDS, Standing
from fastmcp_vault.oidc.tokens import Claims
from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, post, until
from tests.support.login import end_at_keycloak
from tests.support.people import Person
from tests.support.registered import registered

ALLOWED = 10 * STALE_SECONDS


@pytest.fixture
def admin(stack: Stack) -> Iterator[RealmAdmin]:
    found = RealmAdmin(
        stack.url("keycloak"), username="admin", password=SecretStr(stack.secrets["KEYCLOAK_ADMIN_PASSWORD"])
    )
    yield found
    found.close()


async def refused(stack: Stack, token: str) -> bool:
    answer = await post(stack, "jira", token)
    return answer.status_code == 401 and "ended" in answer.headers["www-authenticate"]


async def test_a_registered_clients_session_that_an_administrator_ends_is_heard(stack: Stack, person: Person) -> None:
    client = await asyncio.to_thread(registered, stack, person)
    assert (await post(stack, "jira", client.access_token)).status_code == 200
    await asyncio.to_thread(end_at_keycloak, stack, person)
    await until(lambda: refused(stack, client.access_token), within=ALLOWED)


@pytest.mark.parametrize("way", ["the app", "a registered client"])
async def test_a_person_disabled_at_keycloak_is_refused(
    stack: Stack, caller: Caller, admin: RealmAdmin, way: str
) -> None:
    if way == "the app":
        token = await caller.token("jira")
    else:
        token = (await asyncio.to_thread(registered, stack, caller.person)).access_token
    assert (await post(stack, "jira", token)).status_code == 200
    path = f"/mcp-demo/users/{caller.claims['sub']}"
    admin.put(path, {"enabled": False})
    try:
        await until(lambda: refused(stack, token), within=ALLOWED)
    finally:
        admin.put(path, {"enabled": True})


async def test_a_person_deleted_at_keycloak_is_refused(stack: Stack, admin: RealmAdmin) -> None:
    name, password = f"leaver-{secrets.token_hex(6)}", secrets.token_urlsafe(16)
    leaver = Person(name, password, f"{name}@example.com", {})
    credential = {"type": "password", "value": password, "temporary": False}
    known = {"email": leaver.email, "firstName": "Lea", "lastName": "Ver", "emailVerified": True, "enabled": True}
    admin.post("/mcp-demo/users", {"username": name, "credentials": [credential]} | known)
    (account,) = admin.get("/mcp-demo/users", username=name, exact="true")
    try:
        token = (await asyncio.to_thread(registered, stack, leaver)).access_token
        assert (await post(stack, "jira", token)).status_code == 200
    finally:
        admin.delete(f"/mcp-demo/users/{account['id']}")
    await until(lambda: refused(stack, token), within=ALLOWED)


class Keycloak:
    """Answers as it is told, and counts."""

    def __init__(self) -> None:
        self.active, self.down, self.asked = True, False, 0

    async def ask(self, _: SecretStr) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise KeycloakUnavailable("Keycloak did not answer.")
        return self.active


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def claims(**more: Any) -> Claims:
    found = {"iss": "i", "sub": "u", "sid": "s", "azp": "c", "aud": ["mcp-jira"], "exp": 2000, "iat": 900}
    return Claims.model_validate(found | more)


async def settled(standing: Standing) -> None:
    await asyncio.gather(*(seen.asking for seen in standing._seen.values() if seen.asking))


async def test_many_calls_ask_once_and_an_end_is_heard_by_the_next_interval() -> None:
    keycloak, clock, ended = Keycloak(), Clock(), []

    async def react(sid: str) -> None:
        ended.append(sid)

    standing = Standing(keycloak.ask, clock=clock)
    standing.on_ended(react)
    for _ in range(50):
        await standing.check(claims(), "t")
    await settled(standing)
    assert keycloak.asked == 1
    keycloak.active = False
    clock.now += ASK_SECONDS
    await standing.check(claims(), "t")
    await settled(standing)
    assert (keycloak.asked, ended) == (2, ["s"])
    for _ in range(2):
        with pytest.raises(SessionEnded):
            await standing.check(claims(), "t")
    assert keycloak.asked == 2
    await standing.check(claims(azp="another"), "t")
    await settled(standing)
    keycloak.active = True
    await standing.check(claims(auth_time=clock.now), "t")
    await settled(standing)
    await standing.check(claims(auth_time=clock.now), "t")
    with pytest.raises(SessionEnded):
        await standing.check(claims(), "t")
    await standing.close()


async def test_a_session_that_was_silent_waits_for_the_answer() -> None:
    keycloak, clock = Keycloak(), Clock()
    standing = Standing(keycloak.ask, clock=clock)
    await standing.check(claims(), "t")
    await settled(standing)
    keycloak.active = False
    clock.now += STALE_SECONDS
    with pytest.raises(SessionEnded):
        await standing.check(claims(), "t")


@pytest.mark.parametrize("why", ["Keycloak is down", "the token is about to expire"])
async def test_what_cannot_be_known_ends_nothing(why: str) -> None:
    keycloak, clock = Keycloak(), Clock()
    keycloak.active, keycloak.down = False, why.startswith("Keycloak")
    standing = Standing(keycloak.ask, clock=clock)
    token = claims() if keycloak.down else claims(exp=clock.now + LAST_SECONDS)
    check: Callable[[], Awaitable[None]] = lambda: standing.check(token, "t")  # noqa: E731
    for _ in range(3):
        await check()
        await settled(standing)
        clock.now += STALE_SECONDS
    assert bool(keycloak.asked) == keycloak.down
