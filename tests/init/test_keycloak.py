"""Keycloak as provisioning leaves it: every hop has a token of its own, and nothing else gets one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError, ExchangeRefused, LoginFailed, SessionEnded
from fastmcp_vault.http import TimedSession
from fastmcp_vault.oidc import Keycloak, TokenSet, unverified_claims
from stack.testing import Stack
from tests.support.login import SignInRefused, sign_in
from tests.support.people import Person

SERVERS = ("jira", "github", "postgres")
SECRETS = {"mcp-demo-app": "APP_CLIENT_SECRET", "chatbot-relay": "CHATBOT_RELAY_CLIENT_SECRET"} | {
    f"mcp-{server}": f"MCP_{server.upper()}_CLIENT_SECRET" for server in SERVERS
}
As = Callable[[str], Keycloak]


@pytest.fixture
async def as_client(stack: Stack) -> AsyncIterator[As]:
    """Keycloak as one of the confidential clients uses it."""
    async with AsyncExitStack() as clients:

        def make(client_id: str) -> Keycloak:
            client = Keycloak(
                base_url=stack.url("keycloak"),
                public_url=stack.url("keycloak"),
                realm="mcp-demo",
                client_id=client_id,
                client_secret=SecretStr(stack.secrets[SECRETS[client_id]]),
            )
            clients.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def app(as_client: As) -> Keycloak:
    return as_client("mcp-demo-app")


@pytest.fixture
def callback(stack: Stack) -> str:
    return f"{stack.url('app')}/auth/callback"


@pytest.fixture
async def signed_in(app: Keycloak, person: Person, callback: str) -> TokenSet:
    """The test's own person, signed in to the app through Keycloak's login page."""
    return await sign_in(app, person.username, person.password, redirect_uri=callback)


def claims(tokens: TokenSet) -> dict[str, Any]:
    return dict(unverified_claims(tokens.access_token.get_secret_value()))


def audience(tokens: TokenSet) -> list[str]:
    named = claims(tokens).get("aud", [])
    return [named] if isinstance(named, str) else list(named)


def scope(tokens: TokenSet) -> set[str]:
    return set(claims(tokens)["scope"].split())


def post(stack: Stack, path: str, **form: str) -> tuple[int, dict[str, Any]]:
    """A form sent to the realm; status and JSON body."""
    with TimedSession() as session:
        answer = session.post(f"{stack.url('keycloak')}/realms/mcp-demo{path}", data=form)
    return answer.status_code, answer.json()


def by_password(stack: Stack, client_id: str, secret: str, person: Person, **more: str) -> tuple[int, dict[str, Any]]:
    return post(
        stack,
        "/protocol/openid-connect/token",
        grant_type="password",
        client_id=client_id,
        client_secret=stack.secrets[secret],
        username=person.username,
        password=person.password,
        **more,
    )


def authorize(stack: Stack, url: str, **replaced: str) -> tuple[int, str]:
    """An authorization request with parameters replaced (left out when empty); status and where it redirects."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | replaced
    with TimedSession() as session:
        answer = session.get(
            f"{stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect/auth",
            params={name: value for name, value in query.items() if value},
            allow_redirects=False,
        )
    return answer.status_code, answer.headers.get("Location", "")


async def test_a_login_token_names_the_person_and_opens_nothing(signed_in: TokenSet, person: Person) -> None:
    found = claims(signed_in)
    assert audience(signed_in) == []
    assert (found["azp"], found["preferred_username"]) == ("mcp-demo-app", person.username)
    assert (found["email"], found["typ"]) == (person.email, "Bearer")
    assert found["sub"]
    assert found["sid"]
    assert found["exp"] - found["iat"] == 300
    assert "realm_access" not in found
    assert not any(name.startswith(("mcp:", "vault:")) for name in scope(signed_in))


async def test_only_the_facilitators_token_says_facilitator(
    app: Keycloak, callback: str, everybody: dict[str, Person]
) -> None:
    charlie = everybody["charlie"]
    tokens = await sign_in(app, charlie.username, charlie.password, redirect_uri=callback)
    assert claims(tokens)["realm_access"] == {"roles": ["facilitator"]}
    assert audience(tokens) == []


@pytest.mark.parametrize("server", SERVERS)
async def test_each_hop_has_a_token_for_one_audience_of_the_same_person_and_session(
    as_client: As, app: Keycloak, signed_in: TokenSet, server: str
) -> None:
    for_server = await app.exchange(
        signed_in.access_token, audience=f"mcp-{server}", scope=f"mcp:{server} mcp:{server}:write"
    )
    assert audience(for_server) == [f"mcp-{server}"]
    assert {f"mcp:{server}", f"mcp:{server}:write"} <= scope(for_server)
    assert claims(for_server)["azp"] == "mcp-demo-app"
    for_vault = await as_client(f"mcp-{server}").exchange(
        for_server.access_token, audience="vault", scope="vault:login"
    )
    assert audience(for_vault) == ["vault"]
    assert claims(for_vault)["azp"] == f"mcp-{server}"
    person_and_session = ("sub", "sid", "preferred_username", "email")
    for hop in (for_server, for_vault):
        assert {name: claims(hop)[name] for name in person_and_session} == {
            name: claims(signed_in)[name] for name in person_and_session
        }
        assert hop.refresh_token is None


async def test_a_read_only_exchange_may_not_write(app: Keycloak, signed_in: TokenSet) -> None:
    tokens = await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira")
    assert "mcp:jira:write" not in scope(tokens)


async def test_scopes_of_two_servers_still_give_a_token_for_one(app: Keycloak, signed_in: TokenSet) -> None:
    tokens = await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira mcp:github")
    assert audience(tokens) == ["mcp-jira"]


async def test_an_audience_whose_scope_was_not_asked_for_is_refused(app: Keycloak, signed_in: TokenSet) -> None:
    with pytest.raises(ExchangeRefused, match="audience not available"):
        await app.exchange(signed_in.access_token, audience="mcp-github", scope="mcp:jira")


async def test_a_server_cannot_use_another_servers_token(as_client: As, app: Keycloak, signed_in: TokenSet) -> None:
    for_jira = await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira")
    with pytest.raises(ExchangeRefused, match="Client is not within the token audience"):
        await as_client("mcp-github").exchange(for_jira.access_token, audience="vault", scope="vault:login")


async def test_a_server_cannot_use_a_login_token(as_client: As, signed_in: TokenSet) -> None:
    with pytest.raises(ExchangeRefused, match="Client is not within the token audience"):
        await as_client("mcp-jira").exchange(signed_in.access_token, audience="vault", scope="vault:login")


async def test_a_server_cannot_pass_its_token_on_to_another_server(
    as_client: As, app: Keycloak, signed_in: TokenSet
) -> None:
    for_jira = await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira")
    with pytest.raises(ExchangeRefused, match="Invalid scopes"):
        await as_client("mcp-jira").exchange(for_jira.access_token, audience="mcp-github", scope="mcp:github")


async def test_vault_takes_the_app_for_the_person_and_never_for_a_server(app: Keycloak, signed_in: TokenSet) -> None:
    own = await app.exchange(signed_in.access_token, audience="vault", scope="vault:login")
    assert (audience(own), claims(own)["azp"]) == (["vault"], "mcp-demo-app")
    assert claims(own)["sub"] == claims(signed_in)["sub"]


async def test_nothing_is_exchanged_after_sign_out(as_client: As, app: Keycloak, signed_in: TokenSet) -> None:
    for_jira = await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira")
    assert signed_in.refresh_token is not None
    await app.end_session(signed_in.refresh_token)
    with pytest.raises(SessionEnded):
        await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira")
    with pytest.raises(SessionEnded):
        await as_client("mcp-jira").exchange(for_jira.access_token, audience="vault", scope="vault:login")


@pytest.mark.parametrize(("client_id", "secret"), sorted(SECRETS.items()))
async def test_nobody_signs_in_by_password_at_a_client_that_serves_people(
    stack: Stack, person: Person, client_id: str, secret: str
) -> None:
    status, body = by_password(stack, client_id, secret, person)
    assert (status, body["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("client_id", sorted(SECRETS))
async def test_no_client_gets_a_token_for_itself(stack: Stack, client_id: str) -> None:
    status, body = post(
        stack,
        "/protocol/openid-connect/token",
        grant_type="client_credentials",
        client_id=client_id,
        client_secret=stack.secrets[SECRETS[client_id]],
    )
    assert (status, body["error"]) == (401, "unauthorized_client")


async def test_a_server_has_no_sign_in(as_client: As, stack: Stack) -> None:
    login = as_client("mcp-jira").login_request(redirect_uri=stack.url("mcp-jira"))
    status, location = authorize(stack, login.url)
    assert (status, location) == (400, "")


@pytest.mark.parametrize("elsewhere", ["https://example.com/auth/callback", "{app}/auth/callback/more", "{app}/"])
async def test_the_browser_is_sent_back_to_the_app_only(
    app: Keycloak, stack: Stack, callback: str, elsewhere: str
) -> None:
    login = app.login_request(redirect_uri=callback)
    assert authorize(stack, login.url)[0] == 200
    status, location = authorize(stack, login.url, redirect_uri=elsewhere.format(app=stack.url("app")))
    assert (status, location) == (400, "")


@pytest.mark.parametrize(
    "without", [{"code_challenge": "", "code_challenge_method": ""}, {"code_challenge_method": "plain"}]
)
async def test_a_sign_in_without_pkce_s256_is_refused(
    app: Keycloak, stack: Stack, callback: str, without: dict[str, str]
) -> None:
    _status, location = authorize(stack, app.login_request(redirect_uri=callback).url, **without)
    assert parse_qs(urlsplit(location).query)["error"] == ["invalid_request"]


async def test_a_code_is_worth_nothing_without_the_browsers_verifier(
    app: Keycloak, person: Person, callback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def redeemed_by_a_thief(**asked: Any) -> TokenSet:
        return await Keycloak.redeem(app, **(asked | {"verifier": "somebody-elses-verifier-" * 2}))

    monkeypatch.setattr(app, "redeem", redeemed_by_a_thief)
    with pytest.raises(LoginFailed):
        await sign_in(app, person.username, person.password, redirect_uri=callback)


@pytest.mark.parametrize(("server"), SERVERS)
async def test_a_lab_client_has_one_server_and_no_exchange(stack: Stack, person: Person, server: str) -> None:
    status, body = by_password(stack, f"lab-{server}", "LAB_CLIENT_SECRET", person)
    assert status == 200
    tokens = TokenSet.from_response(body, now=time.time())
    assert (audience(tokens), claims(tokens)["azp"]) == ([f"mcp-{server}"], f"lab-{server}")
    status, body = by_password(stack, f"lab-{server}", "LAB_CLIENT_SECRET", person, scope="vault:login")
    assert (status, body["error"]) == (400, "invalid_scope")


async def test_a_lab_token_for_vault_is_not_a_servers(stack: Stack, person: Person) -> None:
    _status, body = by_password(stack, "lab-vault", "LAB_CLIENT_SECRET", person)
    tokens = TokenSet.from_response(body, now=time.time())
    assert (audience(tokens), claims(tokens)["azp"]) == (["vault"], "lab-vault")


async def test_the_relays_login_is_offline_and_for_the_chatbot_and_its_exchange_for_jira(
    as_client: As, person: Person, stack: Stack
) -> None:
    relay = as_client("chatbot-relay")
    callback = f"{stack.url('auth-relay')}/oidc/callback"
    agreed = "openid offline_access mcp:jira"
    tokens = await sign_in(relay, person.username, person.password, redirect_uri=callback, scope=agreed)
    assert tokens.refresh_token is not None
    tokens = await relay.refresh(tokens.refresh_token, scope="openid offline_access")
    assert audience(tokens) == ["chatbot-relay"]
    assert tokens.refresh_token is not None
    assert unverified_claims(tokens.refresh_token.get_secret_value())["typ"] == "Offline"
    for_jira = await relay.exchange(tokens.access_token, audience="mcp-jira", scope="mcp:jira")
    assert audience(for_jira) == ["mcp-jira"]
    with pytest.raises(ExchangeRefused):
        await relay.exchange(tokens.access_token, audience="vault", scope="vault:login")
    assert tokens.refresh_token is not None
    await relay.end_session(tokens.refresh_token)


async def test_the_app_gets_no_offline_token(app: Keycloak, person: Person, stack: Stack, callback: str) -> None:
    login = app.login_request(redirect_uri=callback, scope="openid offline_access")
    _status, location = authorize(stack, login.url)
    assert parse_qs(urlsplit(location).query)["error"] == ["invalid_scope"]


async def test_a_wrong_client_secret_is_not_a_way_in(stack: Stack, signed_in: TokenSet) -> None:
    thief = Keycloak(
        base_url=stack.url("keycloak"),
        public_url=stack.url("keycloak"),
        realm="mcp-demo",
        client_id="mcp-jira",
        client_secret=SecretStr("guessed"),
    )
    with pytest.raises(ConfigError):
        await thief.exchange(signed_in.access_token, audience="vault", scope="vault:login")
    await thief.close()


async def test_a_wrong_password_does_not_sign_in(app: Keycloak, person: Person, callback: str) -> None:
    with pytest.raises(SignInRefused, match="Invalid username or password"):
        await sign_in(app, person.username, "not-the-password", redirect_uri=callback)


async def test_a_servers_token_for_vault_lives_a_minute_at_most(
    app: Keycloak, as_client: As, signed_in: TokenSet
) -> None:
    """Vault does not hear of a session's end: a token held back logs in until it expires."""
    server = await app.exchange(signed_in.access_token, audience="mcp-jira", scope="mcp:jira")
    vault = await as_client("mcp-jira").exchange(server.access_token, audience="vault", scope="vault:login")
    assert claims(vault)["exp"] - claims(vault)["iat"] <= 60
