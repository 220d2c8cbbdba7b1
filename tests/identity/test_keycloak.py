"""Against the real Keycloak: sign-in, refresh, exchange hop by hop, sign-out, and each refusal in its own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from fastmcp_vault import tracing
from fastmcp_vault.errors import ConfigError, ExchangeRefused, LoginFailed, SessionEnded, TokenInvalid
from fastmcp_vault.oidc import Keycloak, TokenSet, TokenValidator, unverified_claims
from fastmcp_vault.oidc.oidc import s256
from fastmcp_vault.tracing import Recorder
from stack.testing import Stack
from tests.support.login import APP_CALLBACK, SignInRefused, fill_in, sign_in
from tests.support.people import Person


@asynccontextmanager
async def client(stack: Stack, client_id: str, secret: str) -> AsyncIterator[Keycloak]:
    url = stack.url("keycloak")
    keycloak = Keycloak(
        base_url=url, public_url=url, realm="mcp-demo", client_id=client_id, client_secret=SecretStr(secret)
    )
    try:
        yield keycloak
    finally:
        await keycloak.close()


@pytest.fixture
async def app(stack: Stack) -> AsyncIterator[Keycloak]:
    async with client(stack, "mcp-demo-app", stack.secrets["APP_CLIENT_SECRET"]) as keycloak:
        yield keycloak


@pytest.fixture
async def jira(stack: Stack) -> AsyncIterator[Keycloak]:
    async with client(stack, "mcp-jira", stack.secrets["MCP_JIRA_CLIENT_SECRET"]) as keycloak:
        yield keycloak


@pytest.fixture
def callback(stack: Stack) -> str:
    return f"{stack.url('app')}/auth/callback"


@pytest.fixture
async def tokens(app: Keycloak, person: Person, callback: str) -> TokenSet:
    return await sign_in(app, person.username, person.password, redirect_uri=callback)


async def for_jira(app: Keycloak, tokens: TokenSet) -> SecretStr:
    return (await app.exchange(tokens.access_token, audience="mcp-jira", scope="mcp:jira")).access_token


def test_the_challenge_is_that_of_the_standard() -> None:
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_a_login_request_is_new_each_time_and_shows_no_verifier(app: Keycloak) -> None:
    first, second = (app.login_request(redirect_uri=APP_CALLBACK) for _ in range(2))
    query = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert query["code_challenge_method"] == "S256"
    assert query["code_challenge"] == s256(first.verifier)
    assert first.verifier not in first.url
    assert first.verifier not in repr(first)
    assert not {first.state, first.nonce, first.verifier} & {second.state, second.nonce, second.verifier}


async def test_signing_in_gives_tokens_that_open_no_server(tokens: TokenSet, person: Person, app: Keycloak) -> None:
    claims = unverified_claims(tokens.access_token)
    assert (claims["preferred_username"], claims["azp"], claims["iss"]) == (person.username, "mcp-demo-app", app.issuer)
    audience = claims.get("aud", [])
    assert not [
        a for a in ([audience] if isinstance(audience, str) else audience) if a.startswith("mcp-") or a == "vault"
    ]
    assert tokens.refresh_token is not None
    assert 0 < tokens.expires_at - claims["iat"] <= 301
    assert tokens.access_token.get_secret_value() not in repr(tokens)


async def test_each_hop_gets_a_token_for_one_audience_and_the_session_stays_the_same(
    app: Keycloak, jira: Keycloak, tokens: TokenSet
) -> None:
    session = unverified_claims(tokens.access_token)["sid"]
    exchanged = await app.exchange(tokens.access_token, audience="mcp-jira", scope="mcp:jira")
    assert exchanged.refresh_token is None
    first = unverified_claims(exchanged.access_token)
    assert (first["aud"], first["azp"], first["sid"]) == ("mcp-jira", "mcp-demo-app", session)
    vault = await jira.exchange(exchanged.access_token, audience="vault", scope="vault:login")
    second = unverified_claims(vault.access_token)
    assert (second["aud"], second["azp"], second["sid"], second["sub"]) == ("vault", "mcp-jira", session, first["sub"])


async def test_keycloak_s_tokens_pass_the_validator_and_others_do_not(
    stack: Stack, app: Keycloak, tokens: TokenSet
) -> None:
    url = f"{app.issuer}/protocol/openid-connect/certs"
    validator = TokenValidator(issuer=app.issuer, jwks_url=url, audience="mcp-jira", exclusive="mcp-")
    token = (await for_jira(app, tokens)).get_secret_value()
    assert (await validator.validate(token)).aud == ("mcp-jira",)
    assert tokens.id_token is not None
    for other in (tokens.access_token, tokens.id_token, tokens.refresh_token):
        assert other is not None
        with pytest.raises(TokenInvalid):
            await validator.validate(other.get_secret_value())
    await validator.close()


async def test_one_server_may_not_exchange_a_token_meant_for_another(
    stack: Stack, app: Keycloak, tokens: TokenSet
) -> None:
    token = await for_jira(app, tokens)
    async with client(stack, "mcp-github", stack.secrets["MCP_GITHUB_CLIENT_SECRET"]) as github:
        with pytest.raises(ExchangeRefused, match="not within the token audience") as refused:
            await github.exchange(token, audience="vault", scope="vault:login")
    assert refused.value.fix
    assert not refused.value.retryable


async def test_a_refresh_gives_new_tokens_for_the_same_session(app: Keycloak, tokens: TokenSet) -> None:
    assert tokens.refresh_token is not None
    fresh = await app.refresh(tokens.refresh_token)
    assert fresh.access_token != tokens.access_token
    assert unverified_claims(fresh.access_token)["sid"] == unverified_claims(tokens.access_token)["sid"]


async def test_after_signing_out_nothing_can_be_refreshed_or_exchanged(
    app: Keycloak, jira: Keycloak, tokens: TokenSet
) -> None:
    assert tokens.refresh_token is not None
    token = await for_jira(app, tokens)
    await app.end_session(tokens.refresh_token)
    await app.end_session(tokens.refresh_token)
    with pytest.raises(SessionEnded):
        await app.refresh(tokens.refresh_token)
    with pytest.raises(SessionEnded):
        await app.exchange(tokens.access_token, audience="mcp-jira", scope="mcp:jira")
    with pytest.raises(SessionEnded):
        await jira.exchange(token, audience="vault", scope="vault:login")


async def test_a_code_is_good_once_and_only_with_its_verifier_and_nonce(
    app: Keycloak, new_person: Callable[[], Person], callback: str
) -> None:
    async def code_for(person: Person) -> tuple[str, str, str]:
        asked = app.login_request(redirect_uri=callback)
        answer = await asyncio.to_thread(fill_in, asked.url, person.username, person.password)
        assert answer["state"] == asked.state
        return answer["code"], asked.verifier, asked.nonce

    person = new_person()
    code, verifier, nonce = await code_for(person)
    with pytest.raises(LoginFailed, match="PKCE"):
        await app.redeem(code=code, verifier="x" * 43, nonce=nonce, redirect_uri=callback)
    code, verifier, nonce = await code_for(person)
    with pytest.raises(LoginFailed, match="another sign-in"):
        await app.redeem(code=code, verifier=verifier, nonce="another", redirect_uri=callback)
    code, verifier, nonce = await code_for(person)
    await app.redeem(code=code, verifier=verifier, nonce=nonce, redirect_uri=callback)
    with pytest.raises(LoginFailed, match="finished already"):
        await app.redeem(code=code, verifier=verifier, nonce=nonce, redirect_uri=callback)


async def test_a_wrong_password_is_told_by_keycloak_s_own_page(app: Keycloak, person: Person, callback: str) -> None:
    with pytest.raises(SignInRefused, match="Invalid username or password"):
        await sign_in(app, person.username, "wrong", redirect_uri=callback)


async def test_one_person_signs_in_from_many_browsers_at_one_moment(
    app: Keycloak, person: Person, callback: str
) -> None:
    async def enter() -> TokenSet:
        return await sign_in(app, person.username, person.password, redirect_uri=callback)

    everyone = await asyncio.gather(*(enter() for _ in range(8)))
    assert len({unverified_claims(one.access_token)["sid"] for one in everyone}) == 8


async def test_guessing_in_parallel_still_locks_the_person_for_a_while(
    app: Keycloak, new_person: Callable[[], Person], callback: str
) -> None:
    person = new_person()

    async def refused(password: str) -> None:
        with pytest.raises(SignInRefused, match="Invalid username or password"):
            await sign_in(app, person.username, password, redirect_uri=callback)

    await asyncio.gather(*(refused(f"wrong-{n}") for n in range(16)))
    await refused(person.password)


async def test_a_wrong_client_secret_is_told_as_a_setting_to_mend(stack: Stack, tokens: TokenSet) -> None:
    assert tokens.refresh_token is not None
    async with client(stack, "mcp-demo-app", "wrong") as stranger:
        with pytest.raises(ConfigError) as refused:
            await stranger.refresh(tokens.refresh_token)
    assert "wrong" not in str(refused.value)


async def test_many_at_once_get_each_their_own(app: Keycloak, new_person: Callable[[], Person], callback: str) -> None:
    people = [new_person() for _ in range(3)]
    signed_in = [await sign_in(app, p.username, p.password, redirect_uri=callback) for p in people]
    wanted = [(p, t) for p, t in zip(people, signed_in, strict=True)] * 8
    got = await asyncio.gather(*(for_jira(app, t) for _, t in wanted))
    assert [unverified_claims(t)["preferred_username"] for t in got] == [p.username for p, _ in wanted]


async def test_the_trace_sees_the_real_exchange_without_its_secrets(app: Keycloak, tokens: TokenSet) -> None:
    recorder = Recorder("Load tools", correlation_id="click-1")
    with tracing.recording(recorder), tracing.step("server-token", server="jira"):
        exchanged = await for_jira(app, tokens)
    (exchange,) = recorder.trace.steps[0].exchanges
    assert (exchange.method, exchange.status) == ("POST", 200)
    assert exchange.url.endswith("/realms/mcp-demo/protocol/openid-connect/token")
    assert exchange.request_headers["X-Correlation-Id"] == "click-1"
    assert "requested_token_type=urn:ietf:params:oauth:token-type:access_token" in exchange.request_body
    text = recorder.trace.model_dump_json()
    assert tokens.access_token.get_secret_value() not in text
    assert exchanged.get_secret_value() not in text
    assert "refresh_token" not in exchange.response_body


def test_the_logout_address_names_the_client_and_where_to_return(app: Keycloak) -> None:
    url = app.logout_url(id_token_hint=SecretStr("hint"), post_logout_redirect_uri="http://localhost:8501/")
    query = parse_qs(urlsplit(url).query)
    assert query == {
        "client_id": ["mcp-demo-app"],
        "post_logout_redirect_uri": ["http://localhost:8501/"],
        "id_token_hint": ["hint"],
    }
