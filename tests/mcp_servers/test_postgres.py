"""The PostgreSQL tools, as the person who asks: what they answer, and in whose name."""

from __future__ import annotations

import pytest

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, as_superuser, database_roles, steps
from tests.mcp_servers.conftest import SignIn
from tests.support.people import Person


async def test_the_shop_is_listed_described_and_read(shared: Caller) -> None:
    tables = {t["name"]: t for t in (await shared.data("postgres", "list_tables"))["tables"]}
    assert {"users", "products", "orders", "order_items"} <= tables.keys()
    assert tables["orders"]["comment"] == "Orders, newest last"
    orders = await shared.data("postgres", "describe_table", {"table_name": "orders"})
    columns = {c["name"]: c for c in orders["columns"]}
    assert columns["id"]["primary_key"]
    assert columns["user_id"]["references"] == "users(id)"
    assert columns["placed_at"]["type"] == "timestamp with time zone"
    rows = await shared.data(
        "postgres", "query", {"sql": "SELECT id, name, price FROM products ORDER BY id", "limit": 3}
    )
    assert rows["columns"] == ["id", "name", "price"]
    assert rows["types"] == ["int4", "text", "numeric"]
    assert rows["rows"][0] == {"id": 1, "name": "Mechanical keyboard", "price": 89.0}
    assert rows["row_count"] == 3
    assert rows["truncated"]


async def test_explain_shows_a_plan_and_runs_nothing(shared: Caller, stack: Stack) -> None:
    plan = await shared.data("postgres", "explain", {"sql": "SELECT * FROM orders WHERE user_id = 7"})
    assert "orders" in plan["plan"]
    before = _orders(stack)
    await shared.data("postgres", "explain", {"sql": "DELETE FROM order_items"})
    refusal = await shared.refusal("postgres", "explain", {"sql": "ANALYZE DELETE FROM order_items"})
    assert "syntax error" in refusal["what"]
    assert "at character 1" in refusal["what"]
    assert _orders(stack) == before


async def test_a_change_is_committed_and_counted(shared: Caller) -> None:
    made = await shared.data(
        "postgres", "execute", {"sql": "INSERT INTO orders (user_id) VALUES (1), (2) RETURNING id, status"}
    )
    assert made["command"] == "INSERT 0 2"
    assert made["rows_affected"] == 2
    assert [r["status"] for r in made["rows"]] == ["new", "new"]
    ids = [r["id"] for r in made["rows"]]
    gone = await shared.data("postgres", "execute", {"sql": f"DELETE FROM orders WHERE id IN ({ids[0]}, {ids[1]})"})
    assert gone["command"] == "DELETE 2"


async def test_bob_only_reads_and_is_told_so(sign_in: SignIn, bob: Person) -> None:
    caller = await sign_in(bob)
    refusal = await caller.refusal("postgres", "execute", {"sql": "UPDATE orders SET status = 'paid' WHERE id = 1"})
    assert "permission denied for table orders" in refusal["what"]
    assert "On orders you may only read it" in refusal["fix"]
    assert (await caller.data("postgres", "query", {"sql": "SELECT count(*) AS n FROM orders"}))["rows"][0]["n"] > 0


async def test_the_session_is_the_persons_own_role_and_carries_server_and_correlation_id(shared: Caller) -> None:
    result = await shared.call(
        "postgres",
        "query",
        {"sql": "SELECT current_user AS me, current_setting('application_name') AS application"},
        correlation_id="click-4711",
        traced=True,
    )
    row = (result.structured_content or {})["rows"][0]
    assert row["application"] == "mcp-postgres:click-4711"
    assert row["me"] in database_roles(shared.stack, shared.person.username)
    assert steps(result)["backend"]["detail"]["role"] == row["me"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELCT 1", 'syntax error at or near "SELCT" (42601) at character 1'),
        ("SELECT nope FROM orders", 'column "nope" does not exist (42703) at character 8'),
        ("SELECT * FROM nope", 'relation "nope" does not exist (42P01)'),
        ("SELECT 1/0", "division by zero (22012)"),
        ("SELECT * FROM pg_authid", "permission denied for table pg_authid"),
        ("COMMIT", "The statement ended the transaction"),
        ("SELECT $1", "bind message supplies 0 parameters"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "ended the connection, twice"),
        ("x" * 1_000_000, "`sql` is longer than 100,000 characters"),
        ("SELECT '\0'", "NUL"),
    ],
)
async def test_sql_errors_are_postgresqls_own_words_with_the_place(shared: Caller, sql: str, words: str) -> None:
    assert words in (await shared.refusal("postgres", "query", {"sql": sql}))["what"]


async def test_values_are_json_whatever_postgresql_holds(shared: Caller) -> None:
    sql = (
        "SELECT 'NaN'::float8 AS nan, 9007199254740993 AS big, 0.1::numeric AS tenth, 1e300::numeric AS huge,"
        " 'infinity'::timestamptz AS forever, '0044-03-15 BC'::date AS ides, interval '1 month' AS month,"
        " '\\xdead'::bytea AS bytes, ARRAY[1, NULL] AS list, '{\"a\": [1]}'::jsonb AS json, repeat('x', 20000) AS long,"
        " 1 AS twice, 2 AS twice"
    )
    row = (await shared.data("postgres", "query", {"sql": sql}))["rows"][0]
    assert row["nan"] == "NaN"
    assert row["big"] == "9007199254740993"
    assert row["tenth"] == 0.1
    assert row["huge"].startswith("1")
    assert row["forever"] == "infinity"
    assert row["ides"] == "0044-03-15 BC"
    assert row["month"] == "P1M"
    assert row["bytes"] == "\\xdead"
    assert row["list"] == [1, None]
    assert row["json"] == {"a": [1]}
    assert row["long"].endswith("… (cut: 20,000 characters)")
    assert (row["twice"], row["twice_2"]) == (1, 2)


def _orders(stack: Stack) -> int:
    with as_superuser(stack, "shop") as connection:
        row = connection.execute("SELECT count(*) FROM order_items").fetchone()
        assert row
        return int(row[0])
