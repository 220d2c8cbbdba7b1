"""The kill switch by person and by client: one command, and no door opens to them any more, on any replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from fastmcp_vault.errors import PersonSuspended, SessionEnded
from fastmcp_vault.http import async_client
from fastmcp_vault.oidc.tokens import unverified_claims
from init import principals
from services.token_api.client import TokenApi, TokenApiRefused
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import Caller, Vault, app_client, connected, database_roles, post, until
from tests.mcp_servers.conftest import SignIn
from tests.mcp_servers.serving import replica
from tests.support.people import Person
from tests.support.registered import registered

BOUND = 1.0
ALLOWED = 10 * BOUND

Command = Callable[..., "asyncio.Future[int]"]


@pytest.fixture
def command(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Command:
    """``./demo person …`` and ``./demo client …``, in this process."""
    for name, value in stack.environment("init").items():
        monkeypatch.setenv(name, value)
    return lambda *words: asyncio.get_running_loop().run_in_executor(None, principals.main, words)


@pytest.fixture
async def api(stack: Stack, caller: Caller) -> AsyncIterator[TokenApi]:
    """The token API, for the caller."""
    async with app_client(stack) as keycloak, async_client(base_url=stack.url("token-api")) as http:
        traded = await keycloak.exchange(caller.tokens.access_token, audience="token-api", scope="tokens:issue")
        yield TokenApi(http, traded.access_token)


async def refuses(stack: Stack, token: str, code: str, *places: str) -> bool:
    """Whether each of these PostgreSQL servers refuses the token for that reason."""
    answers = [await post(stack, "postgres", token, at=at) for at in places]
    return all(answer.status_code == 403 and answer.json()["code"] == code for answer in answers)


async def test_a_suspended_person_is_refused_at_every_door_and_what_was_held_is_gone(
    caller: Caller,
    sign_in: SignIn,
    new_person: Callable[[], Person],
    vault: Vault,
    stack: Stack,
    command: Command,
    api: TokenApi,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, bystander = caller.person.username, await sign_in(new_person())
    token = await caller.token("postgres")
    issued = await api.create("mine", ["read"])
    async with replica(stack, "postgres") as second, process_of(stack) as process:
        places = ("", second.url)
        cookie = await cookie_of(process, stack, caller.person)
        await process.sessions.find(cookie)
        for at in places:
            assert not (await caller.call("postgres", "query", {"sql": "SELECT 1"}, at=at)).is_error
        assert len(database_roles(stack, name)) == 2
        try:
            running = command("person", "suspend", name, "--reason", "a stolen  laptop")
            await until(lambda: refuses(stack, token, "person_suspended", *places), within=ALLOWED)
            assert await running == 0, capsys.readouterr().out
            told = capsys.readouterr().out
            assert f"{name} is suspended" in told
            assert "Vault tokens revoked, with their leases: 2 of 2." in told
            answer = (await post(stack, "postgres", token)).json()
            assert answer["what"] == "Your access is suspended: a stolen laptop."
            assert "signing in again does not help" in answer["fix"]
            assert vault.tokens(caller, "postgres") == database_roles(stack, name) == []
            with pytest.raises((PersonSuspended, SessionEnded)):
                await process.sessions.renewed(cookie)
            with pytest.raises(TokenApiRefused, match="403"):
                await api.listed()
            with pytest.raises(TokenApiRefused, match="403"):
                await api.data(issued)
            # Signing in again does not help, at the app either: its page says why.
            page = await asyncio.to_thread(Browser(stack, caller.person).arrive)
            assert page.status_code == 403
            assert "a stolen laptop" in page.text
            assert await bystander.data("postgres", "query", {"sql": "SELECT 1"})
            assert await command("person", "list") == 0
            assert f"{name}  since" in capsys.readouterr().out
        finally:
            assert await command("person", "resume", name) == 0
        assert "may go on" in capsys.readouterr().out
        back = await sign_in(caller.person)

        async def goes_on() -> bool:
            return not (await back.call("postgres", "query", {"sql": "SELECT 1"})).is_error

        await until(goes_on, within=ALLOWED)


async def test_a_suspended_client_is_refused_for_everybody_and_its_person_goes_on_with_another(
    caller: Caller, stack: Stack, command: Command, vault: Vault
) -> None:
    stranger = await asyncio.to_thread(registered, stack, caller.person, scope="mcp:jira")
    sid = unverified_claims(stranger.access_token)["sid"]
    async with connected(stack, "jira", stranger.access_token) as client:
        assert not (await client.call_tool_mcp("get_issue", {"issue_key": "PROJ-1"})).is_error
    assert len(vault.tokens_of(sid, "jira")) == 1
    try:
        assert await command("client", "suspend", stranger.client_id, "--reason", "it forwards tokens") == 0
        refused = await post(stack, "jira", stranger.access_token)
        assert (refused.status_code, refused.json()["code"]) == (403, "client_suspended")
        assert "it forwards tokens" in refused.json()["what"]
        assert "www-authenticate" not in refused.headers, "another token would not help"
        assert vault.tokens_of(sid, "jira") == []
        assert await caller.data("jira", "get_issue", {"issue_key": "PROJ-1"})
    finally:
        assert await command("client", "resume", stranger.client_id) == 0

    async def goes_on() -> bool:
        return (await post(stack, "jira", stranger.access_token)).status_code == httpx2.codes.OK

    await until(goes_on, within=ALLOWED)


@pytest.mark.parametrize(("kind", "name"), [("person", "nobody-here"), ("person", "../x"), ("client", "no-such")])
async def test_who_is_unknown_is_not_suspended_and_the_sentence_says_so(
    command: Command, kind: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(kind, "suspend", name) == 1
    assert name in capsys.readouterr().err
