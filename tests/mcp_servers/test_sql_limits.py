"""What one person can take of PostgreSQL: time, connections, disk, memory and other people's patience, all bounded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import psycopg
import pytest

from init.shop_limits import CONNECTIONS, RESERVED
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, as_superuser, connected, database_roles, until
from tests.mcp_servers.conftest import SignIn
from tests.mcp_servers.serving import replica
from tests.support.people import Person

CLOSED = {
    "DO $$ BEGIN PERFORM 1; END $$": "language",
    "DO LANGUAGE plpgsql $$ BEGIN LOOP NULL; END LOOP; END $$": "language",
    "SELECT set_config('statement_timeout', '0', true), pg_sleep(60)": "set_config",
    "UPDATE pg_settings SET setting = '0' WHERE name = 'transaction_timeout'": "pg_settings",
    "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000))": "pg_logical_emit_message",
    "SELECT pg_logical_emit_message(true, 'x', '\\x00'::bytea)": "pg_logical_emit_message",
    "SELECT pg_notify('mcp_state', repeat('x', 7000)) FROM generate_series(1, 100000)": "pg_notify",
    "SELECT pg_advisory_lock(1)": "pg_advisory_lock",
    "SELECT pg_try_advisory_xact_lock_shared(1, 2)": "pg_try_advisory_xact_lock_shared",
    "SELECT lo_from_bytea(0, 'kept')": "lo_from_bytea",
    "SELECT lo_put(1, 0, 'kept')": "lo_put",
    "SELECT pg_export_snapshot()": "pg_export_snapshot",
    "SELECT * FROM pg_stat_activity": "pg_stat_activity",
    "SELECT * FROM pg_stat_get_activity(NULL)": "pg_stat_get_activity",
    "SELECT pg_stat_get_backend_activity(1)": "pg_stat_get_backend_activity",
    "SELECT * FROM pg_locks": "pg_locks",
    "SELECT rolname FROM pg_roles": "pg_roles",
    "SELECT usename FROM pg_user": "pg_user",
    "SELECT limits.end_overdue()": "end_overdue",
    "SELECT * FROM limits.sessions": "sessions",
    "SET ROLE shop_read": "set role",
    "SET SESSION AUTHORIZATION shop_read": "session authorization",
    "ALTER ROLE shop_read SET statement_timeout = 0": "alter role",
    "ALTER DEFAULT PRIVILEGES FOR ROLE shop_read GRANT SELECT ON TABLES TO PUBLIC": "ALTER DEFAULT PRIVILEGES",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'": "CREATE FUNCTION",
    "CREATE EVENT TRIGGER mine ON login EXECUTE FUNCTION limits.on_login()": "permission denied",
    "CREATE TEMP TABLE mine (a int)": "CREATE TABLE",
    "SET temp_file_limit = -1": "temp_file_limit",
    "SET log_min_messages = debug5": "log_min_messages",
    "SET log_statement = 'all'": "log_statement",
}
"""What the tools' database refuses to people, whoever sends it and by which tool; and a word of the refusal."""


@contextmanager
def users(vault: Vault, person: Person, count: int) -> Iterator[list[dict[str, str]]]:
    """Database users of one person, as Vault makes them for who asks; gone afterwards."""
    leases = [vault.request("GET", f"database/creds/{person.username}") for _ in range(count)]
    try:
        yield [lease["data"] for lease in leases]
    finally:
        for lease in leases:
            vault.request("PUT", "sys/leases/revoke", {"lease_id": lease["lease_id"], "sync": True})


def connect(stack: Stack, user: dict[str, str]) -> psycopg.Connection:
    """A connection past the MCP server, as a person may make it with their own database user."""
    return psycopg.connect(
        host="localhost",
        port=stack.ports["postgres"],
        dbname="shop",
        user=user["username"],
        password=user["password"],
        autocommit=True,
    )


def backends(stack: Stack, person: Person) -> list[str]:
    """What the person's sessions in PostgreSQL are doing: each one's state and statement."""
    with as_superuser(stack) as above:
        found = above.execute(
            "SELECT concat(state, ': ', query) FROM pg_stat_activity WHERE usename LIKE %s", (f"v-{person.username}-%",)
        )
        return [row[0] for row in found]


@pytest.mark.parametrize("sql", CLOSED)
async def test_what_reaches_beyond_ones_own_statement_is_closed(shared: Caller, sql: str) -> None:
    refusal = await shared.refusal("postgres", "execute", {"sql": sql})
    assert refusal["code"] == "sql_refused"
    assert "42501" in refusal["what"]
    assert CLOSED[sql].lower() in refusal["what"].lower()


async def test_every_language_and_every_function_of_a_closed_kind_is_closed(shared: Caller) -> None:
    sql = (
        "SELECT 'language ' || lanname AS open FROM pg_language"
        " WHERE lanpltrusted AND has_language_privilege(oid, 'USAGE')"
        " UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE has_function_privilege(oid, 'EXECUTE')"
        " AND proname ~ '^(lo_|loread|lowrite|pg_(try_)?advisory|pg_logical_emit|pg_stat_get_(activity|backend))'"
    )
    assert (await shared.data("postgres", "query", {"sql": sql}))["rows"] == []


@pytest.mark.parametrize("tool", ["query", "execute"])
async def test_a_statement_that_catches_its_cancellation_is_ended_with_its_session(
    caller: Caller, stack: Stack, tool: str
) -> None:
    name = f"stubborn_{uuid4().hex}"
    with as_superuser(stack, "shop") as above:
        # Something an administrator may have installed: its author did not mean it to go on for ever.
        above.execute(
            f"CREATE FUNCTION {name}() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOOP BEGIN PERFORM pg_sleep(600);"
            f" EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$".encode()
        )
        try:
            refusal = await caller.refusal("postgres", tool, {"sql": f"SELECT {name}()"})
            assert "longer than allowed" in refusal["what"]

            async def gone() -> bool:
                return not [one for one in backends(stack, caller.person) if name in one]

            await until(gone, within=10)
        finally:
            above.execute(f"DROP FUNCTION {name}()".encode())
    assert (await caller.data("postgres", "query", {"sql": "SELECT 1 AS one"}))["rows"] == [{"one": 1}]


async def test_places_are_a_persons_over_all_sessions_and_replicas(
    sign_in: SignIn, person: Person, bob: Person, stack: Stack
) -> None:
    sessions = [await sign_in(person) for _ in range(3)]
    somebody_else = await sign_in(bob)
    async with replica(stack, "postgres") as second:
        places = [("", session) for session in sessions] + [(second.url, session) for session in sessions]

        async def sleeps(at: str, session: Caller) -> bool:
            async with connected(stack, "postgres", await session.token("postgres"), at=at) as client:
                result = await client.call_tool_mcp("query", {"sql": "SELECT pg_sleep(4)"})
            if result.is_error:
                assert "as many as one person may" in str(result.content)
            return not result.is_error

        running = asyncio.gather(*(sleeps(at, session) for at, session in places for _ in range(2)))

        async def full() -> bool:
            return sum("pg_sleep" in one for one in backends(stack, person)) == 3

        await until(full)
        assert (await somebody_else.data("postgres", "query", {"sql": "SELECT 1 AS one"}))["row_count"] == 1
        assert sum(await running) == 3


def test_connections_are_a_persons_over_all_their_database_users(
    stack: Stack, vault: Vault, person: Person, new_person: Callable[[], Person]
) -> None:
    opened: list[psycopg.Connection] = []
    refused: list[str] = []

    def opens(user: dict[str, str]) -> None:
        try:
            opened.append(connect(stack, user))
        except psycopg.OperationalError as error:
            refused.append(str(error))

    with users(vault, person, 3) as made, users(vault, new_person(), 1) as other:
        for _ in range(4):
            attempts = [threading.Thread(target=opens, args=(made[n % 3],)) for n in range(24)]
            for attempt in attempts:
                attempt.start()
            for attempt in attempts:
                attempt.join()
            assert len(opened) <= CONNECTIONS
            if len(opened) == CONNECTIONS:
                break
        assert len(opened) == CONNECTIONS
        assert all("too many connections" in why for why in refused)
        connect(stack, other[0]).close()
        for one in opened:
            one.close()


def test_the_services_databases_keep_connections_of_their_own(stack: Stack) -> None:
    with as_superuser(stack) as above:
        (most,) = above.execute("SELECT current_setting('max_connections')::int").fetchone() or (0,)
        limits = dict(above.execute("SELECT datname, datconnlimit FROM pg_database").fetchall())
    assert limits["shop"] >= CONNECTIONS + RESERVED
    assert limits["mcp_state"] > 0
    keycloaks = 100
    assert limits["shop"] + limits["mcp_state"] + keycloaks <= most


async def test_a_transaction_that_holds_a_lock_for_too_long_is_ended_whatever_it_has_set(
    stack: Stack, vault: Vault, person: Person, shared: Caller
) -> None:
    with users(vault, person, 1) as (made,), connect(stack, made) as holding:
        for setting in ("statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"):
            holding.execute(f"SET {setting} = 0".encode())
        holding.execute("BEGIN")
        holding.execute("LOCK TABLE order_items IN SHARE MODE")

        async def ended() -> bool:
            await shared.call("postgres", "list_tables")
            return backends(stack, person) == []

        await until(ended, within=60)
        with pytest.raises(psycopg.OperationalError):
            holding.execute("SELECT 1")
        with suppress(psycopg.OperationalError):
            holding.rollback()


async def test_a_sort_ends_where_its_share_of_the_disk_does(shared: Caller) -> None:
    sql = "SELECT count(DISTINCT repeat('x', 1000) || g) FROM generate_series(1, 200000) AS g"
    assert "temp_file_limit" in (await shared.refusal("postgres", "query", {"sql": sql}))["what"]


@pytest.mark.parametrize("tool", ["query", "execute"])
async def test_a_row_too_large_to_hold_is_not_read_and_the_person_is_told(shared: Caller, tool: str) -> None:
    sql = "SELECT n, repeat('x', n * 30000000) AS long FROM generate_series(0, 1) AS n"
    refusal = await shared.refusal("postgres", tool, {"sql": sql})
    assert refusal["what"].startswith("Row 2 of the answer is larger than 8 MB")
    assert "left(column, 1000)" in refusal["fix"]
    assert (await shared.data("postgres", tool, {"sql": "SELECT 1 AS one"}))["rows"] == [{"one": 1}]


MEASURED = """
import asyncio, resource, sys
import psycopg
from fastmcp_vault.errors import Problem
from mcp_servers import statements

async def main():
    async with await psycopg.AsyncConnection.connect(sys.stdin.read()) as connection:
        await statements.run(connection, "SELECT 1", limit=1, finish=False)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            await statements.run(connection, sys.argv[1], limit=1, finish=False)
        except Problem as problem:
            print(problem.code)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""


@pytest.mark.parametrize("before", [0, 2], ids=["first", "beyond-the-limit"])
def test_a_value_of_250_mb_never_lies_in_the_servers_memory(stack: Stack, before: int) -> None:
    """Neither as the first row, nor in what is read to its end after the answer was cut."""
    value = f"SELECT repeat('x', 250000000 * (g = {before})::int) FROM generate_series(0, 2) AS g"
    with as_superuser(stack, "shop") as above:
        dsn = psycopg.conninfo.make_conninfo(above.info.dsn, password=above.info.password)
    measured = subprocess.run(
        [sys.executable, "-c", MEASURED, value], input=dsn, capture_output=True, text=True, check=True
    )
    code, grown = measured.stdout.split()
    assert code == "sql_refused"
    assert int(grown) < 80_000, "KiB (bytes on macOS)"


async def test_nothing_of_a_failed_statement_stands_in_any_log(shared: Caller, stack: Stack) -> None:
    secret, long = f"hunter-{uuid4().hex}", f"long-{uuid4().hex}"
    for sql in (
        f"ALTER ROLE CURRENT_USER PASSWORD '{secret}' VALID UNTIL 'infinity'",
        f"ALTER ROLE CURRENT_USER PASWORD '{secret}'",
        f"SELECT '{secret}'::int",
        f'SELECT * FROM "{secret}"',
        f"SELECT repeat('{long} ', 200000)::int",
        f"SELECT 1/0 /* {secret} */",
    ):
        await shared.refusal("postgres", "execute", {"sql": sql})
    logs = {path.name: path.read_text(errors="replace") for path in stack.layout.logs.glob("*.log")}
    assert "duration:" in logs["postgres.log"], "who did something, and when, is there"
    assert not [name for name, text in logs.items() if f"PASSWORD '{secret}" in text]
    assert secret not in logs["postgres.log"]
    assert long not in logs["postgres.log"]
    assert logs["mcp-postgres.log"].count(long) < 100


async def test_one_person_sees_nothing_of_anothers_session(shared: Caller, stack: Stack, person: Person) -> None:
    seen = await shared.data("postgres", "query", {"sql": "SELECT count(*) AS n FROM pg_stat_database"})
    assert seen["row_count"] == 1
    assert database_roles(stack, shared.person.username)
    for view in ("pg_stat_activity", "pg_stat_ssl", "pg_locks", "pg_auth_members", "pg_db_role_setting"):
        refusal = await shared.refusal("postgres", "query", {"sql": f"SELECT * FROM {view}"})
        assert "42501" in refusal["what"]
