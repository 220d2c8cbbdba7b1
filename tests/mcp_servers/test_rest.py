"""Back ends that refuse, fail, dawdle or talk nonsense: a sentence each, and never the credential."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fastmcp_vault import tracing
from fastmcp_vault.accounts.errors import account_ended
from fastmcp_vault.errors import AccountEnded, BackendRefused, BackendUnavailable, Problem
from mcp_servers import github_api, jira_api
from mcp_servers.accounts import Renewal
from mcp_servers.github_api import GitHub
from mcp_servers.jira_api import Jira
from mcp_servers.origins import within
from mcp_servers.rest import Rest
from tests.mcp_servers.serving import served

TOKEN = "ghp_averysecrettokenindeed"


class Back:
    """A back end that answers what the test tells it to."""

    def __init__(self) -> None:
        self.status = 200
        self.body = "{}"
        self.headers: dict[str, str] = {}
        self.pages: list[tuple[str, str]] = []
        self.delay = 0.0
        self.seen: list[Request] = []

    async def answer(self, request: Request) -> Response:
        self.seen.append(request)
        await asyncio.sleep(self.delay)
        if self.pages:
            body, link = self.pages.pop(0)
            return Response(body, headers={"link": link} if link else {}, media_type="application/json")
        return Response(self.body, self.status, headers=self.headers, media_type="application/json")


@pytest.fixture
async def back() -> AsyncIterator[tuple[Back, str]]:
    """It, and its address."""
    behaviour = Back()
    async with served(Starlette(routes=[Route("/{path:path}", behaviour.answer, methods=["GET", "POST"])])) as address:
        yield behaviour, address


@pytest.fixture
async def github(back: tuple[Back, str]) -> AsyncIterator[GitHub]:
    rest = Rest(back[1], server="github", name="GitHub", timeout=0.3, words=github_api.words)
    yield GitHub(rest, token=SecretStr(TOKEN))
    await rest.close()


@pytest.fixture
async def jira(back: tuple[Back, str]) -> AsyncIterator[Jira]:
    rest = Rest(back[1], server="jira", name="Jira", timeout=0.3, words=jira_api.words)
    yield Jira.by_token(rest, email="alice@example.com", api_token=SecretStr(TOKEN))
    await rest.close()


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "words"),
    [
        (401, {}, {"message": "Bad credentials"}, BackendRefused, "does not accept the stored credential (401)"),
        (403, {}, {"message": "No"}, BackendRefused, "does not let you do this with repository a/b (403). It said: No"),
        (403, {"x-ratelimit-remaining": "0"}, {"message": "limit"}, BackendUnavailable, "limits how often"),
        (404, {}, {"message": "Not Found"}, BackendRefused, "has no repository a/b, or you may not see it"),
        (301, {"location": "/x"}, {}, BackendRefused, "has moved"),
        (
            422,
            {},
            {"message": "V", "errors": [{"field": "title", "code": "missing"}]},
            BackendRefused,
            "title: missing",
        ),
        (429, {"retry-after": "7"}, {}, BackendUnavailable, "Try again in 7 s"),
        (500, {}, {}, BackendUnavailable, "had an error of its own (500)"),
        (503, {}, {}, BackendUnavailable, "had an error of its own (503)"),
        (200, {}, [], BackendUnavailable, "Something other than GitHub's API answered"),
        (200, {}, {"full_name": 7}, BackendUnavailable, "Something other than GitHub's API answered"),
    ],
)
async def test_each_answer_that_is_none_becomes_a_sentence(
    back: tuple[Back, str], github: GitHub, status: int, headers: dict[str, str], body: object, kind: type, words: str
) -> None:
    back[0].status, back[0].headers, back[0].body = status, headers, json.dumps(body)
    with pytest.raises(Problem) as caught:
        await github.repository("a", "b")
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)


async def test_a_credential_that_the_back_end_repeats_is_masked(
    back: tuple[Back, str], github: GitHub, jira: Jira
) -> None:
    """A company's own back end: its tokens have no shape that masking could know."""
    token = "a company's own kind of token"
    basic = base64.b64encode(f"alice@example.com:{token}".encode()).decode()
    recorder = tracing.Recorder("call")
    for status in (400, 401, 403, 429):
        back[0].status = status
        back[0].body = json.dumps({"message": f"{token}, sent as {basic}", "errorMessages": [f"{token} in {basic}"]})
        rest = Rest(back[1], server="jira", name="Jira", timeout=2, words=jira_api.words)
        other = Rest(back[1], server="github", name="GitHub", timeout=2, words=github_api.words)
        with tracing.recording(recorder):
            with pytest.raises(Problem) as as_jira:
                await Jira.by_token(rest, email="alice@example.com", api_token=SecretStr(token)).issue("PROJ-1")
            with pytest.raises(Problem) as as_github:
                await GitHub(other, token=SecretStr(token)).repository("a", "b")
        await rest.close()
        await other.close()
        for problem in (as_jira.value, as_github.value):
            assert "It said: " in problem.what or "limits" in problem.what
            assert token not in problem.what
        assert basic not in as_jira.value.what
    shown = recorder.trace.model_dump_json()
    assert token not in shown
    assert basic not in shown


async def test_an_answer_that_is_not_json_is_not_the_api(back: tuple[Back, str], github: GitHub, jira: Jira) -> None:
    back[0].body = "<html>Welcome</html>"
    with pytest.raises(BackendUnavailable, match="Something other than GitHub's API answered"):
        await github.repository("a", "b")
    with pytest.raises(BackendUnavailable, match="Something other than Jira's API answered"):
        await jira.issue("PROJ-1")


async def test_a_slow_back_end_is_not_waited_for(back: tuple[Back, str], github: GitHub) -> None:
    back[0].delay = 2.0
    with pytest.raises(BackendUnavailable, match=r"GitHub did not answer within 0\.3 s"):
        await github.repository("a", "b")


async def test_a_back_end_that_is_gone_is_named() -> None:
    rest = Rest("http://127.0.0.1:9", server="jira", name="Jira", timeout=0.3, words=jira_api.words)
    with pytest.raises(BackendUnavailable, match=r"Jira at 127\.0\.0\.1:9 cannot be reached"):
        await Jira.by_token(rest, email="a", api_token=SecretStr("b")).issue("PROJ-1")
    await rest.close()


def repositories(number: int) -> str:
    return json.dumps([{"full_name": f"a/{number}", "private": False}])


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://evil.example/user/repos?page=2",
        "http://{host}:1/user/repos?page=2",
        "https://{host}:{port}/user/repos?page=2",
        "http://{host}.evil.example:{port}/user/repos?page=2",
        "http://{host}.:{port}/user/repos?page=2",
        "http://{host}@evil.example:{port}/user/repos?page=2",
        "//evil.example/user/repos?page=2",
        "http://[::1/user",
    ],
)
async def test_a_next_page_elsewhere_gets_no_credential_and_what_was_fetched_is_given(
    back: tuple[Back, str], github: GitHub, elsewhere: str
) -> None:
    parts = urlsplit(back[1])
    link = elsewhere.format(host=parts.hostname, port=parts.port)
    back[0].pages = [(repositories(1), f'<{link}>; rel="next"'), (repositories(2), "")]
    found = await github.repositories()
    assert [r.full_name for r in found.repositories] == ["a/1"]
    assert found.more
    assert len(back[0].seen) == 1


@pytest.mark.parametrize(
    "same",
    [
        "http://LOCALHOST:{port}/user/repos?page=2",
        "HTTP://LocalHost:{port}/user/repos?page=2",
        "http://local%68ost:{port}/user/repos?page=2",
        "http://somebody:secret@localhost:{port}/user/repos?page=2",
        "//localhost:{port}/user/repos?page=2",
        "/user/repos?page=2",
        "?page=2",
    ],
)
async def test_a_next_page_in_another_spelling_of_the_same_origin_is_followed(
    back: tuple[Back, str], same: str
) -> None:
    port = urlsplit(back[1]).port
    rest = Rest(f"http://localhost:{port}", server="github", name="GitHub", timeout=2, words=github_api.words)
    back[0].pages = [(repositories(1), f'<{same.format(port=port)}>; rel="next"'), (repositories(2), "")]
    found = await GitHub(rest, token=SecretStr(TOKEN)).repositories()
    await rest.close()
    assert [r.full_name for r in found.repositories] == ["a/1", "a/2"]
    assert not found.more
    assert [seen.headers["authorization"] for seen in back[0].seen] == [f"Bearer {TOKEN}"] * 2
    assert back[0].seen[1].headers["host"] == f"localhost:{port}"


@pytest.mark.parametrize(
    ("api", "link", "there"),
    [
        ("https://api.github.com", "https://API.GitHub.com:443/x?page=2", "https://api.github.com/x?page=2"),
        ("https://api.github.com:443", "https://api.github.com/x", "https://api.github.com/x"),
        ("http://ghe.example:80/api/v3", "http://GHE.example/api/v3/x", "http://ghe.example/api/v3/x"),
        ("http://b\u00fccher.example", "http://xn--bcher-kva.example/x", "http://xn--bcher-kva.example/x"),
        ("http://[::1]:8002", "http://[0:0:0:0:0:0:0:1]:8002/x", "http://[::1]:8002/x"),
        ("http://ghe.example/api/v3", "http://ghe.example/api/v3evil/x", None),
        ("http://ghe.example/api/v3", "http://ghe.example/api/v3/../../admin", None),
        ("http://ghe.example/api/v3", "http://ghe.example/api/v3/%2e%2e/admin", None),
        ("https://api.github.com", "http://api.github.com/x", None),
        ("https://api.github.com", "https://api.github.com:8443/x", None),
        ("https://api.github.com", "javascript:alert(1)", None),
        ("https://api.github.com", "data:,x", None),
    ],
)
def test_origins_are_compared_as_the_url_standard_does(api: str, link: str, there: str | None) -> None:
    assert within(api, link, page=f"{api}/page") == there


async def test_what_the_callers_send_is_one_path_segment(back: tuple[Back, str], jira: Jira) -> None:
    with pytest.raises(BackendUnavailable):
        await jira.issue("../../user?x=#")
    assert back[0].seen[0].scope["raw_path"] == b"/rest/api/3/issue/..%2F..%2Fuser%3Fx%3D%23"


async def test_lists_follow_pages_to_their_end(back: tuple[Back, str], github: GitHub) -> None:
    def page(number: int) -> str:
        return json.dumps([{"full_name": f"a/{number}", "private": False}])

    back[0].pages = [
        (page(1), f'<{back[1]}/user/repos?page=2>; rel="next"'),
        (page(2), f'<{back[1]}/user/repos?page=3>; rel="next", <{back[1]}/user/repos?page=1>; rel="first"'),
        (page(3), ""),
    ]
    found = await github.repositories()
    assert [r.full_name for r in found.repositories] == ["a/1", "a/2", "a/3"]
    assert not found.more
    for request in back[0].seen:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["x-github-api-version"] == "2022-11-28"


async def test_a_search_follows_its_page_tokens_up_to_the_limit(back: tuple[Back, str], jira: Jira) -> None:
    def page(*numbers: int, token: str = "") -> str:
        fields = {"summary": "x", "status": {"name": "To Do"}}
        issues = [{"key": f"PROJ-{number}", "fields": fields} for number in numbers]
        return json.dumps({"issues": issues, **({"nextPageToken": token} if token else {"isLast": True})})

    back[0].pages = [(page(1, 2, token="next"), ""), (page(3, 4, token="more"), "")]
    found = await jira.search("project = PROJ", limit=3)
    assert [i.key for i in found.issues] == ["PROJ-1", "PROJ-2", "PROJ-3"]
    assert found.more
    assert back[0].seen[1].query_params["nextPageToken"] == "next"


async def test_what_a_back_end_sets_for_one_person_is_not_sent_with_the_next_one_s_request(
    back: tuple[Back, str],
) -> None:
    # A session cookie (Jira Data Center has JSESSIONID) is a credential beside the one that we send.
    behaviour, address = back
    behaviour.headers = {"set-cookie": "JSESSIONID=alices-session; Path=/; HttpOnly"}
    rest = Rest(address, server="github", name="GitHub", timeout=1, words=github_api.words)
    try:
        for token in ("ghp_alices_token_0000000000", "ghp_bobs_token_000000000000"):
            await rest.call("GET", "/user", headers={"Authorization": f"Bearer {token}"}, about="you")
    finally:
        await rest.close()
    assert [seen.headers.get("cookie") for seen in behaviour.seen] == [None, None]


@pytest.mark.parametrize("stored", ["ghp_é", "ghp_a\n", "ghp_a\r\nX-Admin: yes", "ghp_\x00"])
async def test_a_stored_credential_that_no_request_can_hold_is_its_owner_s_problem_alone(
    back: tuple[Back, str], stored: str
) -> None:
    behaviour, address = back
    rest = Rest(address, server="github", name="GitHub", timeout=1, words=github_api.words)
    try:
        for _ in range(5):
            with pytest.raises(BackendRefused, match="stored GitHub credential") as refused:
                await GitHub(rest, token=SecretStr(stored)).repositories()
            assert stored not in str(refused.value)
        assert rest.circuit.state == "closed"
    finally:
        await rest.close()
    assert behaviour.seen == []


class RenewedInVain(Renewal):
    """A connected account whose refreshed access token is not taken either."""

    def __init__(self) -> None:
        self.asked = 0

    async def refreshed(self) -> Mapping[str, str]:
        self.asked += 1
        return {"Authorization": "Bearer ghu_refreshed_and_not_taken_either"}

    def over(self, title: str) -> AccountEnded:
        return account_ended(title, entity="bob", path="secret/data/users/bob/accounts/github", provider="github")


async def test_a_connected_account_is_refreshed_once_and_tried_once_more_and_then_its_person_connects_it_again(
    back: tuple[Back, str],
) -> None:
    back[0].status, renewal = 401, RenewedInVain()
    rest = Rest(back[1], server="github", name="GitHub", timeout=1, words=github_api.words)
    try:
        with pytest.raises(AccountEnded, match="GitHub does not honour bob's connection") as ended:
            await GitHub(rest, token=SecretStr(TOKEN), renewal=renewal).repository("a", "b")
    finally:
        await rest.close()
    assert (renewal.asked, len(back[0].seen)) == (1, 2)
    assert (ended.value.code, ended.value.detail["provider"]) == ("account_ended", "github")
    assert "Connect the account again" in ended.value.fix
