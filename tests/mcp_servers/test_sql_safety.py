"""What SQL cannot do: `query` never writes, one statement is one statement, nothing is left for the next call."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import pq

from mcp_servers import statements
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, as_superuser, connected, database_roles, text

WRITES = [
    "INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01')",
    "WITH made AS (INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01') RETURNING *) SELECT * FROM made",
    "DO $$ BEGIN INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01'); END $$",
    "DO $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01'); END $$",
    "DO $$ BEGIN COMMIT; INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01'); END $$",
    "CREATE TABLE mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    "SELECT * INTO mine FROM orders",
    "TRUNCATE orders",
    "SELECT nextval(pg_get_serial_sequence('orders', 'id'))",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SET TRANSACTION READ WRITE",
    "EXPLAIN ANALYZE INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01')",
    "SELECT * FROM orders FOR UPDATE",
]
TWO_STATEMENTS = [
    "SELECT 1; INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01')",
    "SELECT 1; COMMIT; INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01')",
    "COMMIT; INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01')",
    "ROLLBACK; BEGIN; DELETE FROM orders; COMMIT",
    "SELECT 1;;SELECT 2",
]
BEYOND = [
    "COPY orders TO PROGRAM 'id'",
    "COPY orders TO '/tmp/orders'",
    "COPY orders TO STDOUT",
    "COPY orders FROM STDIN",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT * FROM pg_shadow",
    "SET ROLE postgres",
    "SET ROLE shop_owner",
    "SET SESSION AUTHORIZATION postgres",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "CREATE ROLE another SUPERUSER",
    "CREATE EXTENSION dblink",
    "CREATE DATABASE another",
    "ALTER SYSTEM SET log_statement = 'none'",
    "DROP TABLE orders",
    "GRANT ALL ON orders TO PUBLIC",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
]


@pytest.mark.parametrize("sql", WRITES + TWO_STATEMENTS)
async def test_query_never_writes(shared: Caller, stack: Stack, sql: str) -> None:
    refusal = await shared.refusal("postgres", "query", {"sql": sql})
    assert refusal["code"] == "sql_refused"
    assert _written(stack) == 0


@pytest.mark.parametrize("sql", TWO_STATEMENTS)
async def test_execute_runs_one_statement_and_no_more(shared: Caller, stack: Stack, sql: str) -> None:
    assert (await shared.refusal("postgres", "execute", {"sql": sql}))["code"] == "sql_refused"
    assert _written(stack) == 0


@pytest.mark.parametrize("sql", BEYOND)
async def test_grants_stop_what_lies_beyond_the_tables(shared: Caller, sql: str) -> None:
    result = await shared.call("postgres", "execute", {"sql": sql})
    answer = result.structured_content or {}
    assert result.is_error or answer.get("rows") == [], answer


@pytest.mark.parametrize("database", ["postgres", "mcp_state", "keycloak"])
async def test_the_other_databases_are_closed_to_a_persons_role(shared: Caller, stack: Stack, database: str) -> None:
    await shared.data("postgres", "credential_status")
    role = database_roles(stack, shared.person.username)[0]
    with as_superuser(stack) as connection:
        row = connection.execute("SELECT has_database_privilege(%s, %s, 'CONNECT')", (role, database)).fetchone()
    assert row == (False,)


async def test_a_session_leaves_nothing_behind_for_the_next_call(shared: Caller) -> None:
    await shared.data("postgres", "execute", {"sql": "SET default_transaction_read_only = on"})
    await shared.data("postgres", "execute", {"sql": "LISTEN gossip"})
    await shared.data("postgres", "execute", {"sql": "PREPARE mine AS SELECT 1"})
    after = await shared.data(
        "postgres",
        "query",
        {
            "sql": "SELECT current_setting('default_transaction_read_only') AS mode,"
            " (SELECT count(*) FROM pg_listening_channels()) AS heard,"
            " (SELECT count(*) FROM pg_prepared_statements) AS prepared"
        },
    )
    assert after["rows"] == [{"mode": "off", "heard": 0, "prepared": 0}]


async def test_settings_of_the_role_do_not_reach_the_next_session(caller: Caller) -> None:
    for setting in ("search_path = pg_temp", "idle_in_transaction_session_timeout = 0", "datestyle = 'German'"):
        await caller.data("postgres", "execute", {"sql": f"ALTER ROLE CURRENT_USER SET {setting}"})
    asked = {
        "sql": "SELECT pg_backend_pid() AS pid, current_setting('search_path') AS path, current_setting('datestyle') AS"
        " style, current_setting('idle_in_transaction_session_timeout') AS idle, pg_sleep(1)"
    }
    together = await asyncio.gather(*(caller.data("postgres", "query", asked) for _ in range(3)))
    rows = [answer["rows"][0] for answer in together]
    assert len({row["pid"] for row in rows}) == 3, "two of them began after the change"
    assert {(row["path"], row["style"], row["idle"]) for row in rows} == {("public", "ISO, MDY", "30s")}


@pytest.mark.parametrize("tool", ["query", "execute"])
@pytest.mark.parametrize("sql", ["COPY orders TO STDOUT", "COPY (SELECT 1) TO STDOUT", "COPY orders FROM STDIN"])
async def test_copy_is_refused_by_name_and_the_next_statement_runs(caller: Caller, tool: str, sql: str) -> None:
    refusal = await caller.refusal("postgres", tool, {"sql": sql})
    if tool == "query" and "FROM" in sql:
        assert "read-only" in refusal["what"]
    else:
        assert "COPY" in refusal["what"]
        assert "SELECT" in refusal["fix"]
    assert not refusal["retryable"]
    assert (await caller.data("postgres", "query", {"sql": "SELECT 1 AS one"}))["rows"] == [{"one": 1}]


async def test_a_statement_that_runs_too_long_is_stopped(shared: Caller) -> None:
    async with asyncio.timeout(30):
        refusal = await shared.refusal("postgres", "query", {"sql": "SELECT pg_sleep(60)"})
    assert "57014" in refusal["what"]


async def test_one_person_cannot_take_every_connection(caller: Caller, stack: Stack) -> None:
    async with connected(stack, "postgres", await caller.token("postgres")) as client:
        slow = [client.call_tool_mcp("query", {"sql": "SELECT pg_sleep(4)"}) for _ in range(5)]
        results = await asyncio.gather(*slow)
    assert [r.is_error for r in results].count(False) == 3
    assert {text(r) for r in results if r.is_error} == {
        "You have 3 statements running, which is as many as one person may. Try again when one of them is done."
    }
    assert len(database_roles(stack, caller.person.username)) == 1


async def test_an_answer_without_end_is_cut_and_held_only_in_part(shared: Caller) -> None:
    endless = await shared.data("postgres", "query", {"sql": "SELECT generate_series(1, 100000000) AS n", "limit": 5})
    assert [r["n"] for r in endless["rows"]] == [1, 2, 3, 4, 5]
    assert endless["truncated"]
    wide = await shared.data("postgres", "query", {"sql": "SELECT repeat('x', 300000) FROM generate_series(1, 100)"})
    assert wide["truncated"]
    assert 0 < wide["row_count"] < 10
    sql = "SELECT 7 AS n, array_fill(1, ARRAY[600000]) AS list, NULL AS none, repeat('é', 1000000) AS long"
    (row,) = (await shared.data("postgres", "query", {"sql": sql}))["rows"]
    assert (row["n"], row["none"]) == (7, None)
    assert row["list"].startswith("{1,1,")
    assert row["list"].endswith("… (cut: 1,200,001 bytes)")
    assert row["long"] == "é" * 5000 + "… (cut: 2,000,000 bytes)"


async def test_one_row_is_held_at_a_time(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    read = statements._Reader.read

    def counting(self: statements._Reader, result: pq.abc.PGresult) -> None:
        held.append(result.ntuples)
        read(self, result)

    monkeypatch.setattr(statements._Reader, "read", counting)
    dsn = as_superuser(stack, "shop")
    async with await psycopg.AsyncConnection.connect(dsn.info.dsn, password=dsn.info.password) as connection:
        done = await statements.run(connection, "SELECT generate_series(1, 60)", limit=50, finish=False)
    dsn.close()
    assert len(done.rows) == 50
    assert max(held) == 1


def _written(stack: Stack) -> int:
    """Orders that the statements above would have made."""
    with as_superuser(stack, "shop") as connection:
        row = connection.execute("SELECT count(*) FROM orders WHERE placed_at < '2000-01-01'").fetchone()
        assert row
        return int(row[0])
