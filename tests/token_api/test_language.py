"""A program that reads Korean gets every message in Korean; what it decides by (status, ``error``) stays."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import (
    CredentialMissing,
    InputError,
    KeycloakUnavailable,
    ServerSuspended,
    SessionEnded,
    StateUnavailable,
    TokenInvalid,
    VaultError,
    VaultUnavailable,
)
from fastmcp_vault.sentences import Sentence
from services.token_api.app import build
from services.token_api.client import TokenApi
from services.token_api.tokens import TooManyTokens

CREATE = "/api/token/create"
KOREAN = re.compile("[가-힣]")
READS_ENGLISH = ("", "en", "fr-FR, de;q=0.5", "ko;q=0", "ko;q=0.2, en;q=0.7")
READS_KOREAN = ("ko", "ko-KR,ko;q=0.9,en;q=0.8", "fr, ko;q=0.1", "en;q=0.2, ko;q=0.7")


async def in_both(http: httpx2.AsyncClient, method: str, path: str, **request: Any) -> tuple[int, str, str]:
    """The status and the message in English and in Korean; everything else must be the same."""
    headers = request.pop("headers", {})
    answers = {}
    for accepted in (*READS_ENGLISH, *READS_KOREAN):
        answer = await http.request(method, path, headers=headers | {"Accept-Language": accepted}, **request)
        answers[accepted] = answer.status_code, answer.json()
    messages = {accepted: body.pop("message") for accepted, (_, body) in answers.items()}
    assert len({str(each) for each in answers.values()}) == 1, answers
    (english,) = {messages[accepted] for accepted in READS_ENGLISH}
    (korean,) = {messages[accepted] for accepted in READS_KOREAN}
    assert KOREAN.search(korean), korean
    assert not KOREAN.search(english), english
    return answers[""][0], english, korean


async def test_what_a_program_is_refused_is_said_in_its_language(api: TokenApi) -> None:
    http = api.http
    good = (await api.create("reads nothing", [])).get_secret_value()
    told = {
        "no token": await in_both(http, "GET", "/api/data"),
        "bad token": await in_both(http, "GET", "/api/data", headers={"Token-Header": "s.nobody-knows-this"}),
        "not allowed": await in_both(http, "GET", "/api/items/welcome", headers={"Token-Header": good}),
        "no name": await in_both(http, "POST", CREATE, json={"name": ""}),
        "wrong fields": await in_both(http, "POST", CREATE, json={"name": "x", "permissions": {"root": True}, "a": 1}),
        "no JSON": await in_both(http, "POST", CREATE, content=b"{", headers={"Content-Type": "application/json"}),
        "no text": await in_both(http, "POST", CREATE, content=b"\xff", headers={"Content-Type": "application/json"}),
        "no key": await in_both(http, "GET", "/api/items/-", headers={"Token-Header": good}),
        "too long": await in_both(
            http, "PUT", "/api/items/x", json={"value": "x" * 1001}, headers={"Token-Header": good}
        ),
        "too large": await in_both(http, "POST", CREATE, content=b" " * 200_000),
        "no such accessor": await in_both(http, "DELETE", "/api/tokens/nobodyhasthis"),
        "no bearer": await in_both(http, "GET", "/api/tokens", headers={"Authorization": "Basic YTpi"}),
        "no signed token": await in_both(http, "GET", "/api/tokens", headers={"Authorization": "Bearer x"}),
        "no address": await in_both(http, "GET", "/api/nothing"),
        "no method": await in_both(http, "PUT", "/api/data"),
    }
    assert [status for status, _, _ in told.values()] == [
        *(401, 403, 403, 400, 400, 400, 400, 400, 400, 413, 404, 401, 401, 404, 405)
    ]
    assert told["wrong fields"][2] == (
        "요청을 읽을 수 없습니다: permissions.root: 그런 항목이 없습니다; a: 그런 항목이 없습니다."
    )
    assert told["too long"][2] == "요청을 읽을 수 없습니다: value: 1,000자보다 깁니다."
    assert told["too large"][2] == "요청은 65536바이트까지 보낼 수 있습니다."


async def test_what_worked_is_said_in_its_language_too(api: TokenApi) -> None:
    korean = {"Accept-Language": "ko"}
    made = (await api.http.post(CREATE, json={"name": "x", "permissions": {"read": True}}, headers=korean)).json()
    assert made["message"].startswith("x 토큰을 만들었습니다.")
    header = {"Token-Header": made["token"], **korean}
    assert (await api.http.get("/api/data", headers=header)).json()["message"] == "성공했습니다!"
    assert (await api.http.post("/api/token/revoke", headers=header)).json()["message"] == "토큰을 폐기했습니다."


class Failing:
    """Stands where the callers stand, and refuses everybody."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def name(self, bearer: str | None) -> str:
        raise self._error


@pytest.fixture
async def failing(request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    nobody: Any = object()
    callers: Any = Failing(request.param)
    app = build(nobody, nobody, callers, hosts=["localhost"], demo=False)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield http


FAILURES: list[tuple[Exception, int]] = [
    (TokenInvalid("The token has expired.", fix="Sign in again."), 401),
    (SessionEnded("This session has ended.", fix="Sign in again."), 401),
    (CredentialMissing("You have no token with this accessor.", fix="List your tokens: GET /api/tokens."), 404),
    (InputError("This name cannot be part of a Vault path."), 400),
    (TooManyTokens(Sentence("{most} tokens were made for you within an hour.", most=5), fix="Try again later."), 429),
    (ServerSuspended(Sentence("The MCP server {server} is suspended{said}.", server="token-api", said="")), 503),
    (StateUnavailable("x"), 503),
    (KeycloakUnavailable("x"), 503),
    (VaultUnavailable("x"), 503),
    (VaultError("x"), 500),
    (RuntimeError(SecretStr("internals")), 500),
]


@pytest.mark.parametrize(
    ("failing", "status"), FAILURES, indirect=["failing"], ids=[type(error).__name__ for error, _ in FAILURES]
)
async def test_every_failure_of_its_table_has_both_languages(failing: httpx2.AsyncClient, status: int) -> None:
    assert (await in_both(failing, "GET", "/api/tokens"))[0] == status
