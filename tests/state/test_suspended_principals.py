"""A person or a client that is stopped is stopped in every process, within moments; what waited for them is gone."""

from __future__ import annotations

import time

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from fastmcp_vault.errors import AccessSuspended, ClientSuspended, PersonSuspended, StateUnavailable
from fastmcp_vault.state import Principal, RegisteredToken, State
from fastmcp_vault.state.approvals import Question
from fastmcp_vault.state.protocol import Suspended
from tests.state.conftest import Database
from tests.support.bearers import bearer
from tests.support.eventually import eventually

ISSUER = bearer("any").iss
ALICE = Principal("person", ISSUER, "alice")
PROMISED_SECONDS = 1.0
"""How soon every replica is said to refuse; a slow machine has ten times that."""

INSPECTOR = Principal("client", ISSUER, "inspector")


@pytest.mark.parametrize(
    ("principal", "refusal"), [(ALICE, PersonSuspended), (INSPECTOR, ClientSuspended)], ids=["person", "client"]
)
async def test_every_process_refuses_them_and_nobody_else_until_it_is_lifted(
    database: Database, principal: Principal, refusal: type[AccessSuspended]
) -> None:
    heard: list[Suspended] = []

    async def react(what: Suspended) -> None:
        heard.append(what)

    theirs = bearer("s1", sub="alice", azp="inspector")
    async with State(database.dsn) as here, State(database.dsn) as there:
        there.on_suspended(react)
        there.check(theirs, server="mcp-jira")
        began = time.monotonic()
        await here.principals.suspend(principal, name="the name", reason="stolen laptop", by="charlie")
        await eventually(lambda: heard == [principal])
        assert time.monotonic() - began < 10 * PROMISED_SECONDS
        with pytest.raises(refusal, match="stolen laptop"):
            there.check(theirs, server="mcp-jira")
        with pytest.raises(refusal):
            await there.admit(theirs, server="mcp-github")
        there.check(bearer("s2", sub="bob", azp="another"), server="mcp-jira")
        there.check(theirs.model_copy(update={"iss": "https://another.example"}), server="mcp-jira")
        async with State(database.dsn) as later:
            with pytest.raises(refusal):
                later.check(theirs, server="mcp-jira")
        told = await there.principals.all()
        assert [(s.principal, s.name, s.reason, s.by) for s in told] == [
            (principal, "the name", "stolen laptop", "charlie")
        ]
        assert await here.principals.resume(principal, by="dana")
        assert not await here.principals.resume(principal)
        await eventually(lambda: not there.suspended(principal))
        there.check(theirs, server="mcp-jira")
        noted = [row.said for row in await there.audit_rows.find(iss=ISSUER)]
        assert [(said["deed"], said["by"], said["reason"]) for said in noted] == [
            ("resumed", "dana", ""),
            ("suspended", "charlie", "stolen laptop"),
        ]
        assert {said["sub" if principal.kind == "person" else "client"] for said in noted} == {principal.id}


async def test_who_is_suspended_hears_so_though_their_session_has_ended(database: Database) -> None:
    async with State(database.dsn) as state:
        await state.end_session("s1", "alice")
        await state.principals.suspend(ALICE, name="alice")
        await eventually(lambda: state.suspended(ALICE))
        with pytest.raises(PersonSuspended):
            state.check(bearer("s1"), server="mcp-jira")


async def test_what_is_not_known_is_refused(database: Database) -> None:
    async with State(database.dsn) as state:
        await database.shut()
        await eventually(lambda: not state.fresh())
        for ask in (lambda: state.check_principals(ALICE), lambda: state.suspended_person("alice")):
            with pytest.raises(StateUnavailable):
                ask()
        await database.unlock()


async def test_questions_and_shared_traces_go_at_once_and_sessions_when_it_is_lifted(database: Database) -> None:
    key = [SecretStr(Fernet.generate_key().decode())]
    end = time.time() + 900
    async with State(database.dsn, session_keys=key) as state:
        for sub in ("alice", "bob"):
            question = Question(b"1" * 32, "link", "mcp-jira", "create_issue", sub, f"s-{sub}", {})
            await state.approvals.ask(question, lifetime=60)
            await state.sessions.save(f"cookie-{sub}", b"{}", sid=f"s-{sub}", sub=sub, expires_at=end)
        assert await state.principals.suspend(ALICE, name="alice") == 1
        assert await database.run("SELECT sub FROM approvals") == [("bob",)]
        assert await state.sessions.load("cookie-alice") is not None, "it tells its person why they are refused"
        await state.principals.resume(ALICE)
        assert await state.sessions.load("cookie-alice") is None
        assert await state.sessions.load("cookie-bob") is not None


async def test_a_suspended_person_is_found_by_name_for_what_names_them_so(database: Database) -> None:
    async with State(database.dsn) as state:
        await state.principals.suspend(ALICE, name="alice")
        await state.principals.suspend(INSPECTOR, name="inspector")
        await eventually(lambda: state.suspended(INSPECTOR))
        assert state.suspended_person("alice") == ALICE
        assert state.suspended_person("inspector") is None
        assert state.suspended_person("bob") is None


async def test_vault_tokens_that_their_holder_does_not_end_are_found_for_the_one_who_does(database: Database) -> None:
    end = time.time() + 900
    async with State(database.dsn) as state:
        for accessor, sub, client in (("a1", "alice", "app"), ("a2", "bob", "inspector"), ("a3", "bob", "app")):
            await state.vault_tokens.register(RegisteredToken(accessor, "mcp-jira", sub, "s", end, client=client))
        assert [t.accessor for t in await state.vault_tokens.of_principal(ALICE)] == ["a1"]
        assert [t.accessor for t in await state.vault_tokens.of_principal(INSPECTOR)] == ["a2"]
        await state.principals.suspend(ALICE, name="alice")
        await state.principals.suspend(INSPECTOR, name="inspector")
        assert await state.vault_tokens.left_over() == [], "their holders have some seconds for it"
        await database.run("UPDATE suspended_principals SET suspended_at = now() - interval '1 minute'")
        assert sorted(t.accessor for t in await state.vault_tokens.left_over()) == ["a1", "a2"]
