"""A yes that needs a stronger sign-in: Keycloak's own pages, the app's own routes, a server with that policy."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
import pytest
from pydantic import SecretStr

from app.approvals import ApprovalGone, Waiting, decide, waiting
from app.mcp_client import connected
from app.process import AppProcess
from app.session import COOKIE
from fastmcp_vault import tracing
from fastmcp_vault.tracing import Recorder
from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.app.serving import process_of
from tests.mcp_servers.callers import ERROR, TRACE, Caller, post, signed_in
from tests.mcp_servers.serving import replica
from tests.support.eventually import eventually
from tests.support.hands import CODE_SECONDS, Hands, Seen, one_time_code
from tests.support.people import Person


class Strict:
    """A Jira server whose policy demands a level, its caller, and the app as far as pages see it."""

    def __init__(self, stack: Stack, process: AppProcess, caller: Caller, url: str) -> None:
        self.stack, self.process, self.caller, self.url = stack, process, caller, url
        self.arguments = {"project": "PROJ", "summary": f"level {secrets.token_hex(6)}"}

    async def call(self, at: str = "") -> dict[str, Any]:
        """`create_issue`, as a client of 2025-06-18 sends it."""
        params = {"name": "create_issue", "arguments": self.arguments, "_meta": {TRACE: True}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        token = await self.caller.token("jira")
        return dict((await post(self.stack, "jira", token, body=body, at=at or self.url)).json()["result"])

    async def asked(self) -> str:
        """The id of the question that the call now waits for."""
        told = await self.call()
        assert told["_meta"][ERROR]["code"] == "approval_needed", told
        return str(told["content"][0]["text"].split("/approve?id=")[1].split()[0])

    async def seen_by(self, hands: Hands, approval_id: str) -> Waiting:
        return await waiting(self.process, hands.cookie(COOKIE), approval_id)

    async def says_yes(self, hands: Hands, approval_id: str) -> bool:
        """Whether the yes of this browser counts."""
        try:
            given = await decide(self.process, hands.cookie(COOKIE), approval_id, approve=True)
        except ApprovalGone:
            return False
        return given.status == "approved"

    async def made(self) -> int:
        found = await self.caller.data("jira", "list_issues", {"jql": f'summary ~ "{self.arguments["summary"]}"'})
        return sum(issue["summary"] == self.arguments["summary"] for issue in found["issues"])


@asynccontextmanager
async def strict(stack: Stack, person: Person, **policy: str) -> AsyncIterator[Strict]:
    caller = await signed_in(stack, person)
    async with (
        process_of(stack) as process,
        replica(stack, "jira", settings=stack.environment("mcp-jira") | policy) as server,
    ):
        yield Strict(stack, process, caller, server.url)
        await caller.sign_out()


def step_up(stack: Stack, approval_id: str, level: str = "confirmed") -> str:
    """Where the page's button leads."""
    return f"{stack.url('app')}/auth/login?level={level}&next={quote(f'/approve?id={approval_id}', safe='')}"


async def go(hands: Hands, url: str) -> Seen:
    return await asyncio.to_thread(hands.go, url)


async def send(hands: Hands, seen: Seen, **fields: str) -> Seen:
    return await asyncio.to_thread(lambda: hands.send(seen, **fields))


async def test_the_app_is_told_where_alone_such_a_question_is_answered(stack: Stack, person: Person) -> None:
    async with strict(stack, person, MCP_APPROVAL_ACR="confirmed") as at:
        token = SecretStr(await at.caller.token("jira"))
        with tracing.recording(Recorder("test")), tracing.step("mcp-request", server="jira"):
            async with connected("jira", f"{at.url}/mcp", token) as jira:
                answer = await jira.call("create_issue", at.arguments, fresh=False)
        assert answer.asked is not None
        assert answer.asked.link.startswith(f"{stack.url('app')}/approve?id=")
        assert answer.asked.facts["tool"] == "create_issue"
        assert await at.made() == 0


async def test_a_yes_counts_only_from_a_sign_in_of_the_level_demanded(
    stack: Stack, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    app = stack.url("app")
    caplog.set_level(logging.INFO, "app.approvals")
    with Hands() as me, Hands() as elsewhere:
        async with strict(stack, person, MCP_APPROVAL_ACR="confirmed") as at:
            for hands in (me, elsewhere):
                await asyncio.to_thread(hands.sign_in, app, person)
            asked = await at.asked()
            assert (await at.seen_by(me, asked)).level_needed
            assert not await at.says_yes(me, asked)

            # What the browser claims of itself is nothing: the demand taken out on the way, and an `acr` of its own.
            demand = urlsplit(await asyncio.to_thread(me.peek, step_up(stack, asked)))
            bare = urlencode([(name, value) for name, value in parse_qsl(demand.query) if name != "claims"])
            refused = await go(me, demand._replace(query=f"{bare}&acr=confirmed").geturl())
            assert (refused.status, refused.url.startswith(f"{app}/auth/callback")) == (400, True)
            assert "level “password”, and “confirmed” was demanded. Nothing was approved" in refused.words
            await go(me, f"{app}/auth/login?level=password&acr=confirmed&acr_values=confirmed&level=confirmed%20")
            assert not await at.says_yes(me, asked)
            assert await at.asked() == asked
            assert await at.made() == 0

            page = await go(me, step_up(stack, asked))
            assert page.url.startswith(stack.url("keycloak"))
            wrong = await send(me, page, password="not-the-password")
            assert "Invalid password" in wrong.words
            assert not await at.says_yes(me, asked)
            back = await send(me, wrong, password=person.password)
            assert back.url == f"{app}/approve?id={asked}"

            assert not await at.says_yes(elsewhere, asked)
            assert not (await at.seen_by(me, asked)).level_needed
            assert await at.says_yes(me, asked)
            weaker = await at.call(at=stack.url("mcp-jira"))
            assert weaker["_meta"][ERROR]["code"] == "approval_needed", "a yes is for the policy that asked for it"
            done = await at.call()
            assert not done["isError"], done
            steps = {step["kind"]: step["detail"] for step in done["_meta"][TRACE]["steps"]}
            assert (steps["approval"]["acr_demanded"], steps["approval"]["acr_given"]) == ("confirmed", "confirmed")
            await at.asked()
            assert await at.made() == 1
    assert f"{person.username} approved create_issue at mcp-jira by a sign-in of acr confirmed, demanded" in caplog.text
    assert f"{person.username}'s answer (acr password) was not taken" in caplog.text


async def test_a_level_is_not_carried_on_by_refreshing_and_ends_with_the_age_of_its_sign_in(
    stack: Stack, person: Person
) -> None:
    with Hands() as me:
        async with strict(stack, person, MCP_APPROVAL_ACR="confirmed", MCP_APPROVAL_LOGIN_AGE="60") as at:
            await asyncio.to_thread(me.sign_in, stack.url("app"), person)
            asked = await at.asked()
            await send(me, await go(me, step_up(stack, asked)), password=person.password)
            session = await at.process.sessions.find(me.cookie(COOKIE))
            assert session.tokens.refresh_token is not None
            tokens = await at.process.keycloak.refresh(session.tokens.refresh_token)
            claims = await at.process.validator.validate(tokens.access_token.get_secret_value())
            assert claims.acr == "confirmed", "Keycloak repeats it: that is why the session's own beginning counts"

            # Signed in again without a word about levels, by Keycloak's cookie: it was reached for that one request.
            await go(me, f"{stack.url('app')}/auth/login")
            assert (await at.process.sessions.find(me.cookie(COOKIE))).acr == "password"
            assert not await at.says_yes(me, asked)

            again = await go(me, step_up(stack, asked))
            assert again.url.startswith(stack.url("keycloak")), "asked for each time"
            await send(me, again, password=person.password)
            assert not (await at.seen_by(me, asked)).login_needed
            since = (await at.process.sessions.find(me.cookie(COOKIE))).auth_time
            _aged(stack, asked, 1)
            await eventually(lambda: time.time() > since + 2)
            late = await at.seen_by(me, asked)
            assert (late.login_needed, late.level_needed) == (True, False)
            assert not await at.says_yes(me, asked)
            _aged(stack, asked, 60)
            await send(me, await go(me, step_up(stack, asked)), password=person.password)
            assert (await at.process.sessions.find(me.cookie(COOKIE))).auth_time > since, "stepping up is signing in"
            assert await at.says_yes(me, asked)
            assert not (await at.call())["isError"]


def _aged(stack: Stack, approval_id: str, seconds: int) -> None:
    with psycopg.connect(stack.environment("init")["STATE_DSN"], autocommit=True) as state:
        state.execute("UPDATE approvals SET login_age = %s WHERE id = %s", (seconds, approval_id))


@contextmanager
def codes_forgotten(stack: Stack, person: Person) -> Iterator[None]:
    """What is set up in the block is gone after it, from a stack that is kept for further runs."""
    environment = stack.environment("init")
    password = SecretStr(environment["KEYCLOAK_ADMIN_PASSWORD"])
    try:
        yield
    finally:
        keycloak = RealmAdmin(stack.url("keycloak"), username=environment["KEYCLOAK_ADMIN"], password=password)
        (found,) = keycloak.get("/mcp-demo/users", username=person.username, exact="true")
        path = f"/mcp-demo/users/{found['id']}/credentials"
        for credential in keycloak.get(path):
            if credential["type"] == "otp":
                keycloak.delete(f"{path}/{credential['id']}")
        keycloak.close()


async def test_two_factor_is_a_code_as_well_set_up_by_who_has_none_and_it_is_worth_every_level_below(
    stack: Stack, person: Person
) -> None:
    with Hands() as me, codes_forgotten(stack, person):
        async with strict(stack, person, MCP_APPROVAL_ACR="two-factor") as at:
            await asyncio.to_thread(me.sign_in, stack.url("app"), person)
            asked = await at.asked()
            await send(me, await go(me, step_up(stack, asked, "confirmed")), password=person.password)
            assert not await at.says_yes(me, asked), "the password alone is not two factors"
            setup = await send(me, await go(me, step_up(stack, asked, "two-factor")), password=person.password)
            secret = base64.b32encode(setup.page.hidden["totpSecret"].encode()).decode()
            began = time.time()
            await send(me, setup, totp=one_time_code(secret, began), userLabel="test")
            assert (await at.process.sessions.find(me.cookie(COOKIE))).acr == "two-factor"
            with Hands() as other:
                page = await go(other, step_up(stack, asked, "two-factor"))
                page = await send(other, page, username=person.username, password=person.password)
                used = await send(other, page, otp=one_time_code(secret, began))
                assert "Invalid authenticator code" in used.words
                assert not other.cookie(COOKIE)
                await send(other, used, otp=one_time_code(secret, began + CODE_SECONDS))
                assert (await at.process.sessions.find(other.cookie(COOKIE))).acr == "two-factor"
                assert await at.says_yes(other, asked)
            at.url, at.arguments = stack.url("mcp-jira"), at.arguments | {"summary": f"low {secrets.token_hex(6)}"}
            lower = await at.asked()
            with psycopg.connect(stack.environment("init")["STATE_DSN"], autocommit=True) as state:
                state.execute("UPDATE approvals SET acr = 'confirmed' WHERE id = %s", (lower,))
            assert await at.says_yes(me, lower)


async def test_a_sign_in_for_another_program_neither_doubles_the_step_up_nor_makes_it_younger(
    stack: Stack, person: Person
) -> None:
    relay = {"client_id": "chatbot-relay", "redirect_uri": f"{stack.url('auth-relay')}/oidc/callback"}
    query = relay | {"response_type": "code", "scope": "openid", "code_challenge": "x" * 43, "state": "s"}
    there = f"{stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect/auth?{urlencode(query)}"
    with Hands() as me:
        page = await go(me, f"{there}&code_challenge_method=S256")
        page = await send(me, page, username=person.username, password=person.password)
        await send(me, page, accept="yes")
        assert (await go(me, f"{stack.url('app')}/auth/login")).url == f"{stack.url('app')}/"
        async with process_of(stack) as process:
            assert (await process.sessions.find(me.cookie(COOKIE))).acr not in ("confirmed", "two-factor")
            page = await go(me, step_up(stack, "x"))
            back = await send(me, page, username=person.username, password=person.password)
            assert back.url == f"{stack.url('app')}/approve?id=x"
            session = await process.sessions.find(me.cookie(COOKIE))
            assert session.acr == "confirmed"

            # Signed in there once more: Keycloak's newer tokens for the app say so, and the level with it, of old.
            await eventually(lambda: time.time() > session.auth_time + 2)
            page = await go(me, f"{there}&code_challenge_method=S256&prompt=login")
            await send(me, page, username=person.username, password=person.password)
            assert session.tokens.refresh_token is not None
            tokens = await process.keycloak.refresh(session.tokens.refresh_token)
            claims = await process.validator.validate(tokens.access_token.get_secret_value())
            assert (claims.acr, claims.auth_time > session.auth_time) == ("confirmed", True)
            kept = await process.sessions.renewed(me.cookie(COOKIE))
            assert (kept.acr, kept.auth_time) == ("confirmed", session.auth_time)
