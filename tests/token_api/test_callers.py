"""Who may have a token made: outside the demo only somebody signed in, and nobody touches another's tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.oidc import unverified_claims
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.state import State
from fastmcp_vault.vault import Vault, VaultSession, logins
from services.token_api.app import build
from services.token_api.callers import AUDIENCE, Callers
from services.token_api.client import TokenApi, TokenApiRefused
from services.token_api.settings import TokenApiSettings
from stack.testing import Stack
from tests.mcp_servers.callers import app_client
from tests.support.eventually import eventually
from tests.support.login import sign_in
from tests.support.people import Person


async def _bearer(stack: Stack, person: Person, *, audience: str = AUDIENCE, scope: str = "tokens:issue") -> SecretStr:
    """What the app gets for somebody who signed in, meant for the token API alone."""
    async with app_client(stack) as keycloak:
        callback = f"{stack.url('app')}/auth/callback"
        tokens = await sign_in(keycloak, person.username, person.password, redirect_uri=callback)
        return (await keycloak.exchange(tokens.access_token, audience=audience, scope=scope)).access_token


@asynccontextmanager
async def _outside_the_demo(stack: Stack) -> AsyncIterator[tuple[httpx2.AsyncClient, State]]:
    """The application as production has it, in this process, on the stack's servers."""
    environment = stack.environment("token-api")
    settings = TokenApiSettings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    vault = Vault(settings.vault_addr)
    validator = TokenValidator(issuer=settings.issuer, jwks_url=settings.jwks_url, audience=AUDIENCE)
    state = State(settings.state_dsn, application_name="test")
    await state.open()
    login = logins.approle("token-api", SecretStr(environment["VAULT_SECRET_ID"]))
    async with VaultSession(vault, login) as session:
        app = build(vault, session, Callers(validator, state, demo=False), hosts=settings.hosts, demo=False)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
            yield http, state
    for part in (state, validator, vault):
        await part.close()


async def test_outside_the_demo_only_a_signed_in_person_gets_a_token_and_only_they_see_it(
    stack: Stack, person: Person, new_person: Callable[[], Person]
) -> None:
    async with _outside_the_demo(stack) as (http, state):
        nobody = await http.post("/api/token/create", json={"name": "mine"})
        assert (nobody.status_code, nobody.json()["success"]) == (401, False)
        assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
        mine = TokenApi(http, await _bearer(stack, person))
        token = await mine.create("mine", ["read"])
        assert (await mine.data(token))["permissions"] == {"read": "true"}
        (issued,) = await mine.listed()
        other = TokenApi(http, await _bearer(stack, new_person()))
        assert await other.listed() == []
        for attempt in (other.revoke, other.renew):
            with pytest.raises(TokenApiRefused) as refused:
                await attempt(issued["accessor"])
            assert refused.value.status == 404
        await mine.revoke(issued["accessor"])
        # Not even before its own end, once the session it comes from is over.
        assert mine.bearer is not None
        claims = unverified_claims(mine.bearer)
        async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as app:
            await app.end_session(claims["sid"], claims["sub"])
        await eventually(lambda: state.ended(claims["sid"]))
        with pytest.raises(TokenApiRefused) as ended:
            await mine.create("late", ["read"])
        assert ended.value.status == 401


async def test_a_token_for_another_audience_and_garbage_are_refused_in_the_demo_too(
    stack: Stack, api: TokenApi, person: Person
) -> None:
    jira = await _bearer(stack, person, audience="mcp-jira", scope="mcp:jira")
    for bearer in (jira, SecretStr("garbage"), SecretStr("a.b.c")):
        with pytest.raises(TokenApiRefused) as refused:
            await TokenApi(api.http, bearer).create("x", ["read"])
        assert refused.value.status == 401
    basic = await api.http.post("/api/token/create", json={"name": "x"}, headers={"Authorization": "Basic abc"})
    assert basic.status_code == 401


async def test_a_token_for_this_api_lives_five_minutes_at_most_and_not_beyond_the_session(
    stack: Stack, person: Person
) -> None:
    """It is what bounds a person who was disabled at Keycloak and whom nobody has asked about since."""
    environment = stack.environment("token-api")
    settings = TokenApiSettings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    bearer = (await _bearer(stack, person)).get_secret_value()
    claims = unverified_claims(SecretStr(bearer))
    assert claims["exp"] - claims["iat"] <= 300
    late = TokenValidator(
        issuer=settings.issuer, jwks_url=settings.jwks_url, audience=AUDIENCE, clock=lambda: claims["exp"] + 10.0
    )
    async with State(settings.state_dsn, application_name="test") as state:
        with pytest.raises(TokenInvalid, match="expired"):
            await Callers(late, state, demo=False).name(bearer)
    await late.close()
