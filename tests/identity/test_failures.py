"""Keycloak down, slow, erring or replaced by something else: one clear, retryable error each, with no token in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import ExchangeRefused, KeycloakUnavailable, LoginFailed, SessionEnded
from fastmcp_vault.oidc import Keycloak, TokenSet
from fastmcp_vault.oidc.failures import Doing, refusal
from tests.support.odd_server import OddServer, odd_server

SUBJECT = SecretStr("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl")


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as odd:
        yield odd


@pytest.fixture
async def keycloak(server: OddServer) -> AsyncIterator[Keycloak]:
    made = at(server.url)
    yield made
    await made.close()


def at(url: str) -> Keycloak:
    return Keycloak(
        base_url=url,
        public_url=url,
        realm="mcp-demo",
        client_id="mcp-demo-app",
        client_secret=SecretStr("app-secret"),
        timeout=0.5,
    )


CALLS: dict[str, Callable[[Keycloak], Awaitable[object]]] = {
    "exchange": lambda k: k.exchange(SUBJECT, audience="mcp-jira"),
    "refresh": lambda k: k.refresh(SUBJECT),
    "redeem": lambda k: k.redeem(code="c", verifier="v", nonce="n", redirect_uri="http://localhost/"),
    "logout": lambda k: k.end_session(SUBJECT),
}

ODD = [
    (500, b'{"error":"unknown_error","error_description":"For more on this error consult the server log."}'),
    (503, b"<html>Service Unavailable</html>"),
    (502, b""),
    (200, b"hello"),
    (200, b"[]"),
    (200, b"{}"),
    (200, b'{"access_token": 5, "expires_in": "soon"}'),
    (400, b"[]"),
    (400, b'"text"'),
    (404, b"{}"),
    (401, b"[" * 5000),
    (302, b""),
]


@pytest.mark.parametrize(("status", "body"), ODD, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("call", CALLS)
async def test_an_odd_answer_is_keycloak_unavailable(
    keycloak: Keycloak, server: OddServer, call: str, status: int, body: bytes
) -> None:
    server.status, server.body = status, body
    with pytest.raises(KeycloakUnavailable) as refused:
        await CALLS[call](keycloak)
    assert refused.value.retryable
    assert refused.value.fix
    assert SUBJECT.get_secret_value() not in str(refused.value)


@pytest.mark.parametrize("how", ["mute", "hang_up"])
@pytest.mark.parametrize("call", CALLS)
async def test_no_answer_is_keycloak_unavailable(keycloak: Keycloak, server: OddServer, call: str, how: str) -> None:
    setattr(server, how, True)
    with pytest.raises(KeycloakUnavailable, match="did not answer"):
        await CALLS[call](keycloak)


async def test_nobody_listening_is_keycloak_unavailable() -> None:
    with odd_server() as gone:
        url = gone.url
    keycloak = at(url)
    with pytest.raises(KeycloakUnavailable, match="did not answer"):
        await CALLS["exchange"](keycloak)
    await keycloak.close()


TOLD: list[tuple[Doing, int, dict[str, str], type[Exception]]] = [
    ("exchanging the token", 400, {"error": "invalid_request", "error_description": "Invalid token"}, SessionEnded),
    ("exchanging the token", 400, {"error": "invalid_grant", "error_description": "x"}, SessionEnded),
    ("exchanging the token", 403, {"error": "access_denied", "error_description": "Client is not"}, ExchangeRefused),
    ("exchanging the token", 400, {"error": "invalid_scope", "error_description": "Invalid scopes"}, ExchangeRefused),
    (
        "refreshing the session",
        400,
        {"error": "invalid_grant", "error_description": "Token is not active"},
        SessionEnded,
    ),
    ("refreshing the session", 400, {"error": "invalid_request"}, SessionEnded),
    ("finishing the sign-in", 400, {"error": "invalid_grant", "error_description": "Code not valid"}, LoginFailed),
    ("finishing the sign-in", 400, {"error": "access_denied"}, LoginFailed),
]


@pytest.mark.parametrize(("doing", "status", "body", "kind"), TOLD, ids=str)
def test_each_refusal_has_its_error_with_the_standard_s_code(
    doing: Doing, status: int, body: dict[str, str], kind: type[Exception]
) -> None:
    problem = refusal(status, body, doing)
    assert type(problem) is kind
    assert problem.detail["error"] == body["error"]
    assert problem.fix


def test_a_token_in_keycloak_s_words_is_masked() -> None:
    problem = refusal(400, {"error": "x", "error_description": f"bad {SUBJECT.get_secret_value()}"}, "signing out")
    assert SUBJECT.get_secret_value() not in str(problem)


def test_a_token_response_that_is_none_shows_nothing_of_itself() -> None:
    with pytest.raises(KeycloakUnavailable) as refused:
        TokenSet.from_response({"access_token": ["hvs.secret"], "expires_in": 1}, now=0.0)
    assert "hvs.secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_offline_token_has_no_end() -> None:
    tokens = TokenSet.from_response({"access_token": "a", "expires_in": 300, "refresh_expires_in": 0}, now=100.0)
    assert (tokens.expires_at, tokens.refresh_expires_at) == (400.0, None)
