"""The chatbot: one chat per user of the messenger, each linked to one person at Keycloak, or to nobody yet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from pydantic import SecretStr

from fastmcp_vault import tracing
from fastmcp_vault.errors import KeycloakUnavailable, Problem, SessionEnded, VaultError
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.tokens import TokenSet, unverified_claims
from fastmcp_vault.tracing import Recorder, Step
from mock_services.chatbot import tools
from mock_services.chatbot.links import LinkedPerson, Links
from mock_services.chatbot.problems import NewLoginNeeded
from mock_services.chatbot.receiver import HandedOver
from mock_services.chatbot.relay import RelayClient

MARGIN_SECONDS = 60.0
"""An access token with less life left than this is refreshed before it is used."""

OWN_SCOPE = "openid offline_access"
"""What the chatbot's own tokens are for; tools' scopes, which its people agreed to as well, come by exchange."""

REFRESH_DAYS = 20
"""An offline token that nobody uses is refreshed at least this often: Keycloak drops it after 30 idle days."""

CHATS = 1_000
"""Chats that are remembered; of those dropped, chats of nobody first, only what lies in Vault."""

STEPS = 60
"""Steps remembered of one chat."""

_ASK = "Ask for a login link first."
_log = logging.getLogger(__name__)


@dataclass(slots=True, weakref_slot=True)
class ChatSession:
    """One chat: what was asked of the relay, the tokens in memory, and the steps. Times: seconds since the epoch."""

    user: str
    trace_id: str = ""
    link: dict[str, Any] | None = None
    link_expires_at: float = 0.0
    person: LinkedPerson | None = None
    looked: bool = False
    ended: str = ""
    access: TokenSet | None = None
    jira: TokenSet | None = None
    refreshes: int = 0
    steps: list[Step] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Bot:
    """What the chatbot can do. ``clock`` gives seconds since the epoch. One event loop."""

    def __init__(
        self,
        *,
        relay: RelayClient,
        keycloak: Keycloak,
        links: Links,
        jira_url: str,
        http: Any,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._relay, self._keycloak, self._links = relay, keycloak, links
        self._jira_url, self._http, self._clock = jira_url, http, clock
        self._chats: OrderedDict[str, ChatSession] = OrderedDict()
        # Those that a request still works with, remembered or not: one user's requests always share one chat.
        self._in_use: WeakValueDictionary[str, ChatSession] = WeakValueDictionary()

    async def chat(self, user: str) -> ChatSession:
        """The chat of that user, as remembered and as Vault has it. Raises VaultUnavailable."""
        chat = self._in_use.get(user) or ChatSession(user)
        self._in_use[user] = self._chats[user] = chat
        self._chats.move_to_end(user)
        if len(self._chats) > CHATS:
            self._forget_one(chat)
        if not chat.looked:
            async with chat.lock:
                if not chat.looked:
                    chat.person, chat.looked = await self._links.find(user), True
        return chat

    def _forget_one(self, newest: ChatSession) -> None:
        """The oldest chat of nobody goes first: however many ask for links, they push out no chat that is linked."""
        others = [chat for chat in self._chats.values() if chat is not newest]
        least = next((chat for chat in others if chat.person is None), others[0])
        del self._chats[least.user]

    async def ask_for_link(self, user: str, *, redirect_after: str = "", trace_id: str | None = None) -> ChatSession:
        """Get a login link for this chat. Raises RelayUnavailable, RelayRefused."""
        chat = await self.chat(user)
        recorder = Recorder("login", correlation_id=trace_id)
        with tracing.recording(recorder):
            chat.link = await self._relay.link(user, redirect_after=redirect_after)
        chat.trace_id, chat.steps, chat.ended = recorder.trace.id, [], ""
        chat.link_expires_at = self._clock() + float(chat.link["expires_in"])
        return chat

    async def progress(self, chat: ChatSession) -> dict[str, Any]:
        """What the relay says of the login under way; nothing when there is none, or the relay is down."""
        if chat.link is None:
            return {}
        try:
            return await self._relay.progress(chat.link["login_id"])
        except Problem:
            return {}

    async def take(self, message: HandedOver, *, verified: Step | None = None) -> None:
        """Keep what the relay handed over. Raises VaultUnavailable, VaultDenied, VaultError."""
        chat = await self.chat(message.chatbot_user_id)
        async with chat.lock, self._step(chat, "chat-store") as opened:
            who, now = unverified_claims(message.relay_access_token), self._clock()
            if verified is not None:
                chat.steps.append(verified)
            before, person = (
                chat.person,
                LinkedPerson(
                    chatbot_user_id=message.chatbot_user_id,
                    username=str(who.get("preferred_username", "")),
                    sub=str(who.get("sub", "")),
                    sid=str(who.get("sid", "")),
                    offline_refresh_token=message.offline_refresh_token,
                    linked_at=now,
                    refreshed_at=now,
                ),
            )
            chat.person = await self._links.keep(person)
            chat.access = TokenSet(access_token=message.relay_access_token, expires_at=float(who.get("exp", 0)))
            chat.jira, chat.ended, chat.refreshes = None, "", 0
            opened.say(f"Version {chat.person.version} at {self._links.shown_path(chat.user)}, for {person.username}.")
        # Signing in again in the same browser continues the same offline session: that one must live.
        if before is not None and before.sid != person.sid:
            await self._end(before)

    async def refresh(self, user: str) -> ChatSession:
        """Refresh the access token now. Raises NewLoginNeeded, KeycloakUnavailable, VaultUnavailable."""
        chat = await self.chat(user)
        async with chat.lock:
            await self._refresh(chat)
        return chat

    async def issue(self, user: str, issue_key: str) -> dict[str, Any]:
        """A Jira issue, fetched as the person linked to this chat.

        Raises NewLoginNeeded, ToolFailed, ServerUnavailable, KeycloakUnavailable, ExchangeRefused, VaultUnavailable.
        """
        chat = await self.chat(user)
        async with chat.lock:
            for attempt in (1, 2):
                token = await self._jira_token(chat)
                try:
                    async with self._step(chat, "chat-tool") as opened:
                        found = await tools.call(
                            self._http, self._jira_url, token, "get_issue", {"issue_key": issue_key}
                        )
                        opened.say(f"get_issue ran at Jira as {self._person(chat).username}.")
                        return found
                except tools.ToolTokenRefused:
                    chat.access, chat.jira = None, None
                    if attempt == 2:
                        raise
            raise AssertionError

    async def revoke_elsewhere(self, user: str) -> None:
        """End the offline session at Keycloak as if from its own pages: the chatbot is not told, and finds out."""
        await self._keycloak.revoke(self._person(await self.chat(user)).offline_refresh_token)

    async def forget(self, user: str) -> None:
        """End the offline session and delete it from Vault."""
        chat = await self.chat(user)
        async with chat.lock:
            if chat.person is not None:
                await self._end(chat.person)
                await self._links.forget(user)
            self._chats.pop(user, None)
            self._in_use.pop(user, None)

    async def keep_alive(self) -> int:
        """Refresh every offline token that was not used for REFRESH_DAYS; how many. Raises VaultUnavailable."""
        due = self._clock() - REFRESH_DAYS * 86_400
        idle = [link.chatbot_user_id for link in await self._links.everybody() if link.refreshed_at <= due]
        for user in idle:
            try:
                await self.refresh(user)
            except Problem as problem:
                _log.warning("An offline token could not be kept alive: %s", problem.what)
        return len(idle)

    async def _jira_token(self, chat: ChatSession) -> SecretStr:
        now = self._clock()
        if chat.jira is not None and chat.jira.expires_at - now > MARGIN_SECONDS:
            return chat.jira.access_token
        if chat.access is None or chat.access.expires_at - now <= MARGIN_SECONDS:
            try:
                await self._refresh(chat)
            except KeycloakUnavailable:
                if chat.access is None or chat.access.expires_at <= now:
                    raise
        assert chat.access is not None
        async with self._step(chat, "chat-exchange") as opened:
            # An exchange answers `invalid_request`, "Invalid token", where a refresh says `invalid_grant`.
            with _new_login_if_over("invalid_grant", "invalid_request"):
                chat.jira = await self._keycloak.exchange(
                    chat.access.access_token, audience="mcp-jira", scope="mcp:jira"
                )
            opened.valid(until=chat.jira.expires_at)
            opened.detail(claims=unverified_claims(chat.jira.access_token))
            opened.say("A token whose only audience is mcp-jira.")
        return chat.jira.access_token

    async def _refresh(self, chat: ChatSession) -> None:
        # A refresh token is good once: another process of this chatbot may have used the one remembered here.
        person = chat.person = await self._links.find(chat.user) or self._person(chat)
        try:
            async with self._step(chat, "chat-refresh") as opened:
                with _new_login_if_over("invalid_grant"):
                    refreshed = await self._keycloak.refresh(person.offline_refresh_token, scope=OWN_SCOPE)
                chat.access, chat.jira = refreshed, None
                opened.valid(until=chat.access.expires_at)
                opened.detail(claims=unverified_claims(chat.access.access_token))
                opened.say(f"A new access token for {person.username}.")
        except NewLoginNeeded as problem:
            await self._links.forget(chat.user)
            chat.person, chat.access, chat.jira, chat.ended = None, None, None, problem.what
            raise
        chat.refreshes += 1
        newest = chat.access.refresh_token or person.offline_refresh_token
        name = str(unverified_claims(chat.access.access_token).get("preferred_username", person.username))
        changes = {"username": name, "offline_refresh_token": newest, "refreshed_at": self._clock()}
        chat.person = person.model_copy(update=changes)
        try:
            chat.person = await self._links.keep(chat.person)
        except VaultError:
            # Written by another process meanwhile: what lies in Vault is as new as ours.
            chat.person = await self._links.find(chat.user)

    async def _end(self, person: LinkedPerson) -> None:
        try:
            await self._keycloak.revoke(person.offline_refresh_token)
        except Problem as problem:
            _log.warning("An offline session could not be ended at Keycloak: %s", problem.what)

    @staticmethod
    def _person(chat: ChatSession) -> LinkedPerson:
        if chat.person is None:
            raise NewLoginNeeded(chat.ended or "Nobody is signed in for this chat.", fix=_ASK)
        return chat.person

    @asynccontextmanager
    async def _step(self, chat: ChatSession, kind: str) -> AsyncIterator[tracing.OpenStep]:
        recorder = Recorder("chat", correlation_id=chat.trace_id or None)
        chat.trace_id = recorder.trace.id
        try:
            with (
                tracing.recording(recorder),
                tracing.step(kind) as opened,
            ):
                yield opened
        finally:
            chat.steps = [*chat.steps, *recorder.trace.steps][-STEPS:]


@contextmanager
def _new_login_if_over(*codes: str) -> Iterator[None]:
    """The end of this person's sign-in, as the one who chats is told; another code refuses the chatbot itself."""
    try:
        yield
    except SessionEnded as ended:
        if ended.detail.get("error") not in codes:
            raise
        raise NewLoginNeeded(ended.what, fix="Ask for a new login link.") from ended
