"""The chatbot's half: whom it believes, when it refreshes, and what it does when the sign-in is over."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest
import requests
from pydantic import SecretStr

from common import signed
from fastmcp_vault.errors import KeycloakUnavailable
from fastmcp_vault.http import async_client
from fastmcp_vault.oidc.standing import STALE_SECONDS
from fastmcp_vault.oidc.tokens import TokenSet
from fastmcp_vault.vault import Vault, VaultSession
from fastmcp_vault.vault.logins import approle
from init.keycloak_admin import RealmAdmin
from mock_services.chatbot import tools
from mock_services.chatbot.app import as_client
from mock_services.chatbot.bot import REFRESH_DAYS, Bot
from mock_services.chatbot.links import LinkedPerson, Links
from mock_services.chatbot.problems import NewLoginNeeded, ToolFailed
from mock_services.chatbot.receiver import HandedOver
from mock_services.chatbot.relay import RelayClient
from mock_services.chatbot.settings import ChatbotSettings
from stack.testing import Stack
from tests.auth_relay.chatting import Browser, Programs
from tests.mcp_servers.callers import until
from tests.support.browser import closed_port
from tests.support.odd_server import OddServer
from tests.support.people import Person

DAY = 86_400.0


@dataclass
class Clock:
    """Time that stands still until it is moved; ``ahead`` in seconds."""

    began: float = field(default_factory=time.time)
    ahead: float = 0.0

    def __call__(self) -> float:
        return self.began + self.ahead


@dataclass
class Own:
    """A chatbot of the test's own, at the real Vault, Keycloak and Jira server, in a folder of its own."""

    bot: Bot
    links: Links
    clock: Clock
    user: str


@asynccontextmanager
async def own(stack: Stack, clock: Clock, folder: str, *, keycloak_url: str = "") -> AsyncIterator[Own]:
    environment = {name.lower(): value for name, value in stack.environment("chatbot").items()}
    known = {name: environment[name] for name in ChatbotSettings.model_fields if name in environment}
    settings = ChatbotSettings.model_validate(known | ({"keycloak_url": keycloak_url} if keycloak_url else {}))
    vault, login = Vault(settings.vault_addr), approle(settings.vault_role_id, settings.vault_secret_id)
    try:
        async with async_client() as http, VaultSession(vault, login) as session:
            links = Links(vault, session, folder=folder)
            keycloak = as_client(settings, links, clock=clock)
            bot = Bot(
                relay=RelayClient(settings, http, clock=clock),
                keycloak=keycloak,
                links=links,
                jira_url=settings.mcp_jira_url,
                http=http,
                clock=clock,
            )
            yield Own(bot, links, clock, "someone")
            await keycloak.close()
    finally:
        await vault.close()


@pytest.fixture
def message(two_workers: Programs, odd: OddServer, person: Person) -> HandedOver:
    """What a relay handed over after a real sign-in, to a chatbot that did nothing with it."""
    odd.status, odd.mute, odd.hang_up = 200, False, False
    odd.forms_seen.clear()
    wanted = {"client_key": "odd", "callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done"}
    answer = Browser(two_workers).sign_in(two_workers.link(chatbot_user_id="someone", **wanted), person)
    assert answer.status_code == 303, answer.text
    return HandedOver.model_validate_json(odd.forms_seen[0])


@pytest.fixture
def folder() -> str:
    return f"chatbot/test-{secrets.token_hex(6)}"


async def test_it_refreshes_one_minute_before_the_end_on_a_401_and_not_otherwise(
    stack: Stack, message: HandedOver, folder: str
) -> None:
    clock = Clock()
    async with own(stack, clock, folder) as mine:
        await mine.bot.take(message)
        chat = await mine.bot.chat(mine.user)
        for _ in range(3):
            assert (await mine.bot.issue(mine.user, "PROJ-1"))["key"] == "PROJ-1"
        assert chat.refreshes == 0
        assert chat.access is not None
        chat.jira = None
        clock.ahead = chat.access.expires_at - clock.began - 61
        await mine.bot.issue(mine.user, "PROJ-1")
        assert chat.refreshes == 0

        chat.jira, clock.ahead = None, clock.ahead + 2
        await mine.bot.issue(mine.user, "PROJ-1")
        assert chat.refreshes == 1

        # The clock is ahead of Keycloak's by now: what it gives would be refreshed at once, so back to its time.
        clock.ahead = 0.0
        chat.jira = TokenSet(access_token=SecretStr("what.the-server.refuses"), expires_at=time.time() + 300)
        assert (await mine.bot.issue(mine.user, "PROJ-1"))["key"] == "PROJ-1"
        assert chat.refreshes == 2
        assert chat.person is not None
        assert chat.person.version == 3
        await mine.bot.forget(mine.user)
        assert await mine.links.find(mine.user) is None


async def test_a_token_that_nobody_uses_is_kept_alive_and_a_dead_one_given_up(
    stack: Stack, message: HandedOver, folder: str
) -> None:
    clock = Clock()
    async with own(stack, clock, folder) as first:
        await first.bot.take(message)
        assert await first.bot.keep_alive() == 0
        clock.ahead = (REFRESH_DAYS * DAY) - 5
        assert await first.bot.keep_alive() == 0

        # Another process, as after a restart: it knows only what lies in Vault.
        async with own(stack, clock, folder) as second:
            clock.ahead = REFRESH_DAYS * DAY
            assert await second.bot.keep_alive() == 1
            assert await second.bot.keep_alive() == 0
            kept = await second.links.find(second.user)
            assert kept is not None
            assert kept.offline_refresh_token != message.offline_refresh_token
            assert kept.refreshed_at == clock()

            # The first remembers the token before, which is good no more: it takes the newer one from Vault.
            chat = await first.bot.refresh(first.user)
            assert chat.person is not None
            assert chat.person.version == 3

            await second.bot.revoke_elsewhere(second.user)
            clock.ahead *= 2
            assert await second.bot.keep_alive() == 1
            assert await second.links.find(second.user) is None
            with pytest.raises(NewLoginNeeded):
                await second.bot.issue(second.user, "PROJ-1")


async def test_while_keycloak_is_down_a_good_access_token_goes_on_and_nothing_is_thrown_away(
    stack: Stack, message: HandedOver, folder: str
) -> None:
    clock = Clock()
    async with own(stack, clock, folder, keycloak_url=f"http://localhost:{closed_port()}") as mine:
        await mine.bot.take(message)
        with pytest.raises(KeycloakUnavailable):
            await mine.bot.refresh(mine.user)
        kept = await mine.links.find(mine.user)
        assert kept is not None
        assert kept.offline_refresh_token == message.offline_refresh_token
    async with own(stack, clock, folder) as again:
        assert (await again.bot.refresh(again.user)).refreshes == 1
        await again.bot.forget(again.user)


def test_a_chat_whose_id_is_no_path_is_a_path_of_its_own() -> None:
    links = Links(None, None)  # type: ignore[arg-type]
    paths = {links.path(user) for user in ("a", "a/..", "../b", "a/+", "*", "A", "ä", "")}
    assert len(paths) == 8
    assert all(path.startswith("chatbot/") and path.count("/") == 1 for path in paths)


@pytest.mark.parametrize(
    "change",
    [
        lambda message, key: (signed.canonical(message), "x" * 43),
        lambda message, key: (signed.canonical({**message, "chatbot_user_id": "m"}), signed.signature(b"", key)),
        lambda message, key: _sealed({**message, "ts": int(time.time()) - 61}, key),
        lambda message, key: _sealed({**message, "ts": int(time.time()) + 90}, key),
        lambda message, key: _sealed({**message, "client_key": "odd"}, key),
        lambda message, key: _sealed({**message, "issuer": "http://evil.example/realms/mcp-demo"}, key),
        lambda message, key: _sealed({**message, "aud": "mcp-demo-app"}, key),
        lambda message, key: _sealed({"ts": int(time.time())}, key),
        lambda message, key: (b"x" * 70_000, "x"),
    ],
)
def test_the_callback_takes_nothing_that_the_relay_did_not_send(
    programs: Programs, change: Callable[[dict[str, object], SecretStr], tuple[bytes, str]]
) -> None:
    user = f"user-{secrets.token_hex(6)}"
    message = _message(programs, user)
    body, signature = change(message, programs.hmac_secret)
    answer = hand_over(programs, body, signature)
    assert answer.status_code in (401, 413)
    assert programs.shown(user)["status"] == "nobody"


def test_a_message_is_taken_once(programs: Programs) -> None:
    user = f"user-{secrets.token_hex(6)}"
    message = _message(programs, user)
    body, signature = _sealed(message, programs.hmac_secret)
    assert hand_over(programs, body, signature).status_code == 200
    assert hand_over(programs, body, signature).status_code == 401
    programs.forget(user)


def hand_over(programs: Programs, body: bytes, signature: str) -> requests.Response:
    headers = {"Content-Type": "application/json", signed.HEADER: signature}
    url = f"{programs.stack.url('mock-chatbot')}/relay/callback"
    return requests.post(url, data=body, headers=headers, timeout=30)


def _message(programs: Programs, user: str) -> dict[str, object]:
    """What the relay sends, with nothing wrong with it."""
    return {
        "relay_access_token": "a.b.c",
        "offline_refresh_token": "a.b.c",
        "issuer": f"{programs.stack.url('keycloak')}/realms/mcp-demo",
        "aud": "chatbot-relay",
        "chatbot_user_id": user,
        "client_key": "demo-chatbot",
        "ts": int(time.time()),
        "nonce": secrets.token_urlsafe(24),
    }


def _sealed(message: dict[str, object], key: SecretStr) -> tuple[bytes, str]:
    body = signed.canonical(message)
    return body, signed.signature(body, key)


@pytest.mark.disturbs
def test_a_chatbot_that_was_killed_goes_on_where_it_was(programs: Programs, person: Person) -> None:
    user = f"user-{secrets.token_hex(6)}"
    before = programs.linked(person, user)["person"]
    pid = programs.stack.kill("chatbot")
    programs.stack.wait_ready("chatbot", other_than=pid)
    after = programs.shown(user)
    assert after["status"] == "linked"
    assert {**after["person"], "access_token": "", "access_expires_at": None} == {
        **before, "access_token": "", "access_expires_at": None
    }  # fmt: skip
    assert programs.chat(user, "/issue", issue_key="PROJ-1").json()["issue"]["key"] == "PROJ-1"
    assert json.dumps(programs.shown(user)).count("chat-refresh") == 1


async def test_however_many_ask_for_a_link_no_linked_chat_is_pushed_out(
    stack: Stack, message: HandedOver, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_services.chatbot.bot.CHATS", 5)
    async with own(stack, Clock(), folder) as mine:
        await mine.bot.take(message)
        linked = await mine.bot.chat(mine.user)
        assert linked.steps
        for n in range(20):
            (await mine.bot.chat(f"stranger {n}")).ended = "remembered"
        assert await mine.bot.chat(mine.user) is linked
        assert (await mine.bot.chat("stranger 19")).ended == "remembered"
        assert not (await mine.bot.chat("stranger 0")).ended, "bounded: the oldest stranger is forgotten"


async def test_a_chat_that_a_request_works_with_is_the_same_for_every_other_request(
    stack: Stack, message: HandedOver, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_services.chatbot.bot.CHATS", 3)
    async with own(stack, Clock(), folder) as mine:
        working = await mine.bot.chat(mine.user)
        # A crowd asks while this request goes on, and then the relay hands over that chat's sign-in.
        await asyncio.gather(*(mine.bot.chat(f"stranger {n}") for n in range(20)))
        await mine.bot.take(message)
        assert await mine.bot.chat(mine.user) is working
        assert working.person is not None


@pytest.mark.parametrize(("code", "over"), [("session_ended", True), ("credential_missing", False)])
async def test_a_call_that_finds_the_session_ended_on_its_way_is_a_refused_token(code: str, over: bool) -> None:
    """Between the check of the token and its exchange a session may end: then the tool says so, with HTTP 200."""
    told = {"isError": True, "content": [{"text": "no"}], "_meta": {"mcp-remote-vault/error": {"code": code}}}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": told}))
    async with httpx2.AsyncClient(transport=transport) as http:
        with pytest.raises(ToolFailed) as refused:
            await tools.call(http, "http://localhost/mcp", SecretStr("t"), "get_issue", {})
    assert isinstance(refused.value, tools.ToolTokenRefused) is over


async def test_two_first_requests_of_a_chat_read_its_link_once(stack: Stack, message: HandedOver, folder: str) -> None:
    async with own(stack, Clock(), folder) as before:
        await before.bot.take(message)
    async with own(stack, Clock(), folder) as mine:
        looks = 0
        find = mine.links.find

        async def counted(user: str) -> LinkedPerson | None:
            nonlocal looks
            looks += 1
            return await find(user)

        mine.links.find = counted  # type: ignore[method-assign]
        first, second = await asyncio.gather(mine.bot.chat(before.user), mine.bot.chat(before.user))
        assert first is second
        assert first.person is not None
        assert looks == 1


async def test_an_administrator_who_ends_the_offline_session_ends_what_the_chat_can_do(
    stack: Stack, message: HandedOver, folder: str
) -> None:
    password = SecretStr(stack.secrets["KEYCLOAK_ADMIN_PASSWORD"])
    admin = RealmAdmin(stack.url("keycloak"), username="admin", password=password)
    async with own(stack, Clock(), folder) as mine:
        await mine.bot.take(message)
        assert (await mine.bot.issue(mine.user, "PROJ-1"))["key"] == "PROJ-1"
        person = (await mine.bot.chat(mine.user)).person
        assert person is not None
        try:
            await asyncio.to_thread(admin.delete, f"/mcp-demo/sessions/{person.sid}?isOffline=true")
        finally:
            admin.close()

        async def over() -> bool:
            try:
                await mine.bot.issue(mine.user, "PROJ-1")
            except NewLoginNeeded:
                return True
            return False

        await until(over, within=10 * STALE_SECONDS)
        assert await mine.links.find(mine.user) is None, "nothing is kept of it"
