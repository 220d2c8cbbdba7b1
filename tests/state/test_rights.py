"""Each service has an account of its own in the shared state: it may do what ``init.state_rights`` says, no more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.state import State
from fastmcp_vault.state.approvals import Question
from fastmcp_vault.state.protocol import RegisteredToken
from init import state_rights
from init.ledger import Ledger, LedgerOutcome
from init.state_rights import APP, RIGHTS, SERVERS
from stack.services import SERVICES
from stack.testing import Stack
from tests.state.conftest import Database
from tests.support.eventually import eventually

REFUSED = psycopg.errors.InsufficientPrivilege
SERVICE_OF = {APP: "app"} | {name: name for name in RIGHTS if name != APP}


@pytest.fixture
def rights(database: Database) -> Database:
    """The test's own database, with the rights that init gives."""
    with psycopg.connect(database.dsn.get_secret_value(), autocommit=True) as owner:
        state_rights.provision(owner, "public", Ledger())
    return database


def dsn(database: Database, stack: Stack, account: str) -> SecretStr:
    own = stack.environment(SERVICE_OF[account])["STATE_DSN"]
    assert own.startswith(f"postgresql://{account}:")
    return SecretStr(f"{own.rpartition('/')[0]}/{database.name}")


@contextmanager
def refused() -> Iterator[None]:
    """PostgreSQL refuses; the state says that it had no answer."""
    with pytest.raises(StateUnavailable) as caught:
        yield
    assert isinstance(caught.value.__cause__, REFUSED)


@contextmanager
def connected(database: Database, stack: Stack, account: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn(database, stack, account).get_secret_value(), autocommit=True) as connection:
        yield connection


def statements(database: Database) -> Iterator[tuple[str, str, sql.Composed]]:
    """Table, what it takes, and a statement that takes just that and changes nothing."""
    with psycopg.connect(database.dsn.get_secret_value()) as owner:
        columns = owner.execute(
            "SELECT relname, attname, format_type(atttypid, atttypmod)"
            " FROM pg_attribute JOIN pg_class ON oid = attrelid"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    for table in sorted({table for table, *_ in columns}):
        own = [(name, kind) for of, name, kind in columns if of == table]
        yield table, "SELECT", sql.SQL("SELECT FROM {}").format(sql.Identifier(table))
        yield table, "DELETE", sql.SQL("DELETE FROM {} WHERE false").format(sql.Identifier(table))
        name, kind = own[0]
        insert = "INSERT INTO {} ({}) SELECT CAST(NULL AS {}) WHERE false"
        filled = sql.SQL(insert).format(sql.Identifier(table), sql.Identifier(name), sql.SQL(kind))
        yield table, "INSERT", filled
        for name, _ in own:
            update = sql.SQL("UPDATE {} SET {} = DEFAULT WHERE false")
            yield table, f"UPDATE {name}", update.format(sql.Identifier(table), sql.Identifier(name))
        yield table, "TRUNCATE", sql.SQL("TRUNCATE {}").format(sql.Identifier(table))


def promised(account: str, table: str, what: str) -> bool:
    verb, _, column = what.partition(" ")
    for right in RIGHTS[account].get(table, ()):
        if right == verb:
            return True
        if right.startswith(f"{verb} (") and column in right.partition("(")[2].rstrip(")").split(", "):
            return True
    return False


@pytest.mark.parametrize("account", RIGHTS)
def test_every_account_does_what_is_promised_at_every_table_and_nothing_else(
    rights: Database, stack: Stack, account: str
) -> None:
    with connected(rights, stack, account) as connection:
        for table, what, statement in statements(rights):
            try:
                connection.execute(statement)
            except REFUSED:
                assert not promised(account, table, what), f"{account} may not {what} {table}"
            else:
                assert promised(account, table, what), f"{account} may {what} {table}"
        for statement in (
            "CREATE TABLE mine ()",
            "ALTER TABLE approvals DISABLE ROW LEVEL SECURITY",
            "SET ROLE postgres",
        ):
            with pytest.raises(REFUSED):
                connection.execute(statement.encode())


def test_nobody_but_init_has_the_owner_s_account(stack: Stack) -> None:
    accounts = {
        service.name: stack.environment(service.name)["STATE_DSN"].removeprefix("postgresql://").split(":")[0]
        for service in SERVICES
        if "STATE_DSN" in service.secrets
    }
    assert accounts == {service: account for account, service in SERVICE_OF.items()} | {"init": "mcp_state"}


def question(server: str) -> Question:
    return Question(b"1" * 32, "link", server, "create_issue", "alice", "s1", {"project": "PROJ"})


async def test_a_yes_is_the_app_s_to_give_and_each_server_sees_its_own_questions_only(
    rights: Database, stack: Stack
) -> None:
    async with (
        State(dsn(rights, stack, "mcp-jira")) as jira,
        State(dsn(rights, stack, "mcp-github")) as github,
        State(dsn(rights, stack, APP)) as app,
    ):
        asked = await jira.approvals.ask(question("mcp-jira"), lifetime=60)
        with connected(rights, stack, "mcp-github") as other:
            assert other.execute("SELECT FROM approvals").fetchall() == []
            assert other.execute("UPDATE approvals SET status = 'refused'").rowcount == 0
            assert other.execute("DELETE FROM approvals").rowcount == 0
        with connected(rights, stack, "mcp-jira") as own:
            with pytest.raises(REFUSED):
                own.execute("UPDATE approvals SET status = 'approved' WHERE id = %s", [asked.id])
            with pytest.raises(REFUSED):
                own.execute("UPDATE approvals SET binding = 'x' WHERE id = %s", [asked.id])
        with refused():
            await github.approvals.ask(question("mcp-jira"), lifetime=60)
        assert await github.approvals.find(asked.id) is None
        assert await github.approvals.decide(asked.id, sub="alice", way="link", approve=False) is None
        assert await jira.approvals.use(asked.id, asked.binding) is None, "nobody has said yes"
        assert await app.approvals.decide(asked.id, sub="alice", way="link", approve=True) is not None
        assert await github.approvals.use(asked.id, asked.binding) is None
        assert await jira.approvals.use(asked.id, asked.binding) is not None


async def test_no_server_notes_forgets_or_sees_another_s_vault_token(rights: Database, stack: Stack) -> None:
    def token(server: str) -> RegisteredToken:
        return RegisteredToken(f"accessor of {server}", server, "alice", "s1", time.time() + 60, "alice")

    async with State(dsn(rights, stack, "mcp-jira")) as jira, State(dsn(rights, stack, "mcp-github")) as github:
        await jira.vault_tokens.register(token("mcp-jira"))
        await jira.vault_tokens.register(token("mcp-jira"))
        await github.vault_tokens.forget("accessor of mcp-jira")
        assert await github.vault_tokens.all() == []
        for accessor in ("accessor of mcp-jira", "new"):
            stolen = RegisteredToken(accessor, "mcp-jira", "alice", "ended", time.time() + 60, "alice")
            with refused():
                await github.vault_tokens.register(stolen)
        with refused():
            # One that another has noted: the row is not this server's to change.
            await github.vault_tokens.register(
                RegisteredToken("accessor of mcp-jira", "mcp-github", "alice", "ended", time.time() + 60, "alice")
            )
        async with State(dsn(rights, stack, APP)) as app:
            assert [found.server for found in await app.vault_tokens.all()] == ["mcp-jira"]
            await app.vault_tokens.forget("accessor of mcp-jira")
            assert await app.vault_tokens.all() == []


@pytest.mark.parametrize("server", SERVERS)
async def test_a_server_cannot_lift_its_own_suspension_end_a_session_or_command_an_agent(
    rights: Database, stack: Stack, server: str
) -> None:
    async with State(dsn(rights, stack, APP)) as app, State(dsn(rights, stack, server)) as own:
        await app.suspend(server, reason="stopped")
        for doing in (own.resume(server), own.suspend("mcp-other"), own.end_session("s1", "alice")):
            with refused():
                await doing
        with connected(rights, stack, server) as connection, pytest.raises(REFUSED):
            connection.execute("INSERT INTO agent_commands (agent, command, created_by) VALUES ('a', 'collect', 'b')")
        await eventually(lambda: own.suspended(server))


async def test_what_a_server_announces_is_believed_only_as_far_as_it_stands_in_the_tables(
    rights: Database, stack: Stack
) -> None:
    async with State(dsn(rights, stack, APP)) as app, State(dsn(rights, stack, "token-api")) as heard:
        with connected(rights, stack, "mcp-github") as liar:
            for said in (
                json.dumps({"ended": "s1", "at": time.time() + 60}),
                json.dumps({"revoked": "t1"}),
                "no JSON",
                "[]",
                json.dumps({"ended": {"a": 1}}),
            ):
                liar.execute("SELECT pg_notify('mcp_state', %s)", [said])
        await app.end_session("s2", "bob")
        await eventually(lambda: heard.ended("s2", time.time() - 1))
        assert not heard.ended("s1", 0.0)
        assert heard.check_token("t1")
        assert heard.fresh()


async def test_each_account_prunes_what_it_may(rights: Database, stack: Stack) -> None:
    await rights.run(
        "INSERT INTO vault_tokens (accessor, server, sub, sid, expires_at)"
        " SELECT server, server, 'alice', 's1', now() - interval '1 s' FROM unnest(%s::text[]) AS server",
        [*SERVERS],
    )
    for account in ("token-api", "agents", *SERVERS):
        async with State(dsn(rights, stack, account)) as state:
            assert await state.prune() == (1 if account in SERVERS else 0), account


def test_rights_that_somebody_changed_are_mended_and_a_second_run_finds_nothing(rights: Database) -> None:
    def run(owner: psycopg.Connection[Any]) -> LedgerOutcome:
        ledger = Ledger()
        state_rights.provision(owner, "public", ledger)
        return ledger.entries[0].outcome

    with psycopg.connect(rights.dsn.get_secret_value(), autocommit=True) as owner:
        assert run(owner) is LedgerOutcome.UNCHANGED
        for change in (
            'GRANT SELECT ON agent_commands TO "mcp-jira"',
            'GRANT UPDATE (binding) ON approvals TO "mcp-jira"',
            'REVOKE SELECT ON ended_sessions FROM "token-api"',
            "ALTER TABLE approvals DISABLE ROW LEVEL SECURITY",
            'DROP POLICY "its own" ON vault_tokens',
        ):
            owner.execute(change.encode())
            assert run(owner) is LedgerOutcome.CHANGED, change
            assert run(owner) is LedgerOutcome.UNCHANGED
