"""A session at rest and in use: encrypted, renewed once however many ask, over when it has ended anywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from app.sessions import AppSessions, ServerToken
from app.settings import AppSettings
from fastmcp_vault.errors import KeycloakUnavailable, SessionEnded
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.standing import STALE_SECONDS
from fastmcp_vault.oidc.tokens import Claims, TokenSet, unverified_claims
from fastmcp_vault.state import State
from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.mcp_servers.callers import until
from tests.support.browser import closed_port
from tests.support.eventually import eventually
from tests.support.login import sign_in
from tests.support.people import Person


class Counting(Keycloak):
    """Counts renewals."""

    renewals = 0

    async def refresh(self, refresh_token: SecretStr) -> TokenSet:
        self.renewals += 1
        return await super().refresh(refresh_token)


class Clock:
    """The real time, put forward by ``ahead`` seconds."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def settings(stack: Stack) -> AppSettings:
    return AppSettings(**{name.lower(): value for name, value in stack.environment("app").items()})


def keycloak_of(settings: AppSettings, *, base_url: str = "", clock: Callable[[], float] = time.time) -> Counting:
    return Counting(
        clock=clock,
        base_url=base_url or settings.keycloak_url,
        public_url=settings.keycloak_public_url,
        realm=settings.keycloak_realm,
        client_id=settings.app_client_id,
        client_secret=settings.app_client_secret,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keycloak(settings: AppSettings, clock: Clock) -> AsyncIterator[Counting]:
    made = keycloak_of(settings, clock=clock)
    yield made
    await made.close()


@pytest.fixture
async def state(settings: AppSettings) -> AsyncIterator[State]:
    async with State(settings.state_dsn, session_keys=[settings.app_session_key]) as opened:
        yield opened


@pytest.fixture
async def tokens(keycloak: Counting, settings: AppSettings, person: Person) -> TokenSet:
    return await sign_in(keycloak, person.username, person.password, redirect_uri=settings.redirect_uri)


@pytest.fixture
def claims(tokens: TokenSet) -> Claims:
    return Claims.model_validate(unverified_claims(tokens.access_token))


async def test_a_session_is_found_by_its_cookie_and_by_nothing_else(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims
) -> None:
    sessions = AppSessions(state=state, keycloak=keycloak)
    cookie = await sessions.begin(tokens, claims, None)
    found = await sessions.find(cookie)
    assert (found.username, found.sid) == (claims.username, claims.sid)
    assert found.tokens.access_token == tokens.access_token
    assert tokens.access_token.get_secret_value() not in repr(found)
    for other in ("", cookie[:-1], cookie + "x"):
        with pytest.raises(SessionEnded):
            await sessions.find(other)


async def test_a_session_at_rest_tells_who_it_is_and_nothing_to_act_with(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims, settings: AppSettings
) -> None:
    cookie = await AppSessions(state=state, keycloak=keycloak).begin(tokens, claims, None)
    async with await psycopg.AsyncConnection.connect(settings.state_dsn.get_secret_value()) as connection:
        rows = await (await connection.execute("SELECT * FROM app_sessions WHERE sid = %s", (claims.sid,))).fetchall()
    stored = repr(rows)
    assert len(rows) == 1
    assert claims.username in stored
    for token in (SecretStr(cookie), tokens.access_token, tokens.refresh_token, tokens.id_token):
        assert token is not None
        assert token.get_secret_value() not in stored
    assert claims.email not in stored


async def test_a_session_survives_the_process_that_made_it(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims, settings: AppSettings
) -> None:
    cookie = await AppSessions(state=state, keycloak=keycloak).begin(tokens, claims, None)
    async with State(settings.state_dsn, session_keys=[settings.app_session_key]) as later:
        assert (await AppSessions(state=later, keycloak=keycloak).find(cookie)).username == claims.username


async def test_however_many_ask_an_old_token_is_renewed_once(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims, clock: Clock
) -> None:
    sessions = AppSessions(state=state, keycloak=keycloak, clock=clock)
    cookie = await sessions.begin(tokens, claims, None)
    assert (await sessions.renewed(cookie)).tokens.access_token == tokens.access_token
    assert keycloak.renewals == 0
    clock.ahead = tokens.expires_at - time.time() - 10
    found = await asyncio.gather(*(sessions.renewed(cookie) for _ in range(10)))
    assert keycloak.renewals == 1
    assert len({session.tokens.access_token.get_secret_value() for session in found}) == 1
    assert found[0].tokens.access_token != tokens.access_token


async def test_keycloak_being_down_ends_nothing_while_the_token_is_good(
    state: State, tokens: TokenSet, claims: Claims, settings: AppSettings, clock: Clock
) -> None:
    down = keycloak_of(settings, base_url=f"http://localhost:{closed_port()}")
    sessions = AppSessions(state=state, keycloak=down, clock=clock)
    cookie = await sessions.begin(tokens, claims, None)
    clock.ahead = tokens.expires_at - time.time() - 10
    assert (await sessions.renewed(cookie)).tokens.access_token == tokens.access_token
    clock.ahead += 20
    with pytest.raises(KeycloakUnavailable):
        await sessions.renewed(cookie)
    assert (await sessions.find(cookie)).username == claims.username
    await down.close()


async def test_a_session_that_keycloak_refuses_to_renew_is_over_everywhere(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims, clock: Clock
) -> None:
    sessions = AppSessions(state=state, keycloak=keycloak, clock=clock)
    cookie = await sessions.begin(tokens, claims, None)
    assert tokens.refresh_token is not None
    await keycloak.end_session(tokens.refresh_token)
    clock.ahead = tokens.expires_at - time.time() - 10
    with pytest.raises(SessionEnded):
        await sessions.renewed(cookie)
    # Keycloak tells the app, which may be the first to end it: then this process hears of it.
    await eventually(lambda: state.ended(claims.sid))


async def test_a_person_disabled_at_keycloak_is_out_of_the_app_and_in_again_by_a_new_sign_in(
    state: State,
    keycloak: Counting,
    settings: AppSettings,
    person: Person,
    tokens: TokenSet,
    claims: Claims,
    stack: Stack,
) -> None:
    """Nobody tells the app: it asks, with the person's clicks."""
    sessions = AppSessions(state=state, keycloak=keycloak)
    cookie = await sessions.begin(tokens, claims, None)

    async def out() -> bool:
        try:
            await sessions.renewed(cookie)
        except SessionEnded:
            return True
        return False

    assert not await out()
    password = SecretStr(stack.secrets["KEYCLOAK_ADMIN_PASSWORD"])
    admin = RealmAdmin(stack.url("keycloak"), username="admin", password=password)
    path = f"/mcp-demo/users/{claims.sub}"
    try:
        await asyncio.to_thread(admin.put, path, {"enabled": False})
        await until(out, within=10 * STALE_SECONDS)
        assert state.ended(claims.sid), "and every server hears it"
    finally:
        await asyncio.to_thread(admin.put, path, {"enabled": True})
        admin.close()
    anew = await sign_in(keycloak, person.username, person.password, redirect_uri=settings.redirect_uri)
    again = await sessions.begin(anew, Claims.model_validate(unverified_claims(anew.access_token)), None)
    assert (await sessions.renewed(again)).sub == claims.sub
    await sessions.close()


async def test_ending_a_session_is_known_at_once_and_its_cookie_opens_nothing(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims
) -> None:
    sessions = AppSessions(state=state, keycloak=keycloak)
    cookie = await sessions.begin(tokens, claims, None)
    ended = await sessions.end(cookie)
    assert ended is not None
    assert ended.sid == claims.sid
    assert state.ended(claims.sid)
    with pytest.raises(SessionEnded):
        await sessions.renewed(cookie)
    assert await sessions.end(cookie) is None


async def test_tokens_of_servers_are_kept_side_by_side(
    state: State, keycloak: Counting, tokens: TokenSet, claims: Claims
) -> None:
    sessions = AppSessions(state=state, keycloak=keycloak)
    cookie = await sessions.begin(tokens, claims, None)

    def token(text: str) -> dict[str, Any]:
        return {text: ServerToken(token=SecretStr(text), since=1.0, until=2.0)}

    await asyncio.gather(*(sessions.remember(cookie, token(name)) for name in ("jira", "github", "postgres")))
    assert set((await sessions.find(cookie)).server_tokens) == {"jira", "github", "postgres"}
