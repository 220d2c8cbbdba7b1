"""What PostgreSQL holds is what a person sees: JSON where JSON is exact, and what psql prints everywhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, cast

import psycopg
import pytest

from mcp_servers.database import OPTIONS
from mcp_servers.statements import run
from mcp_servers.values import SAFE_INTEGER, adapters
from stack.testing import Stack

SAMPLES: dict[str, list[str]] = {
    "bool": ["t", "f"],
    "int2": ["-32768"],
    "int4": ["2147483647"],
    "int8": ["9007199254740991", "9007199254740992", "-9223372036854775808"],
    "oid": ["4294967295"],
    "float4": ["0.1", "1e20", "16777217", "NaN", "Infinity", "-Infinity", "-0", "1e-45"],
    "float8": ["0.1", "1", "1e15", "1e300", "5e-324", "123456789012345.6", "NaN", "Infinity", "-Infinity", "-0"],
    "numeric": [
        "0.1",
        "89.00",
        "1e300",
        "12345678901234567890.12345",
        "9007199254740993.0",
        "NaN",
        "-Infinity",
        "1e-20",
    ],
    "money": ["1234.56", "-0.01", "92233720368547758.07"],
    "text": ["", "a 'quoted' \"line\"\nand more", "한국어 😄", "NULL", "{a}"],
    "varchar": ["ab "],
    "bpchar": ["ab   "],
    "name": ["a_name"],
    '"char"': ["x", "\\377"],
    "bytea": ["\\xdeadbeef", "\\x"],
    "date": ["2025-11-25", "infinity", "-infinity", "0044-03-15 BC", "4713-01-01 BC", "99999-12-31"],
    "time": ["24:00:00", "23:59:59.999999"],
    "timetz": ["04:05:06.789-08", "00:00+15:59"],
    "timestamp": ["2025-11-25 09:00", "infinity", "0001-01-01 BC", "294276-12-31 23:59:59.999999"],
    "timestamptz": ["2025-11-25 09:00+09", "-infinity", "0001-01-01 00:00 BC", "294276-01-01 00:00+00"],
    "interval": ["1 month", "-1 year 2 days -03:04:05.678", "178000000 years", "infinity", "-infinity", "0"],
    "bit": ["1", "0"],
    "varbit": ["", "10110", "0" * 65],
    "inet": ["10.1.2.3/8", "10.1.2.3", "::ffff:1.2.3.4", "2001:db8::1/64"],
    "cidr": ["10.0.0.0/8", "2001:db8::/32", "10.1.2.3/32"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "uuid": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    "json": [
        '{"a": [1, 2.5, null, true, "x"]}',
        ' { "a" : 1 } ',
        '{"a": 1, "a": 2}',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        "1e400",
        "-0",
        "12345678901234567890",
        "[" * 300 + "]" * 300,
        "9" * 5000,
    ],
    "jsonb": [
        "12345678901234567890.12345",
        '{"n": [12345678901234567890.12345, 9007199254740993], "m": 1.50}',
        "1e300",
    ],
    "jsonpath": ["$.a[*] ? (@ > 1)"],
    "tsvector": ["'fat':2A 'rat':3"],
    "tsquery": ["fat & (rat | !cat:AB)"],
    "point": ["(1,2.5)", "(NaN,Infinity)", "(-0,1e20)"],
    "line": ["{1,-1,0}"],
    "lseg": ["[(0,0),(1,1)]"],
    "box": ["(1,1),(0,0)"],
    "path": ["((0,0),(1,1))", "[(0,0),(1,1)]"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "circle": ["<(0,0),1.5>"],
    "pg_lsn": ["16/B374D848"],
    "tid": ["(0,1)"],
    "xid": ["4294967295"],
    "xid8": ["18446744073709551615"],
    "cid": ["7"],
    "txid_snapshot": ["10:20:10,14"],
    "pg_snapshot": ["10:20:10,14"],
    "int2vector": ["1 2 3"],
    "oidvector": ["1 2 3"],
    "regclass": ["pg_class", "pg_catalog.pg_type", "0"],
    "regtype": ["timestamptz", "int4[]"],
    "regproc": ["now"],
    "regprocedure": ["abs(int4)"],
    "regoper": ["pg_catalog.||/"],
    "regoperator": ["+(int4,int4)"],
    "regrole": ["postgres"],
    "regnamespace": ["pg_catalog"],
    "regconfig": ["english"],
    "regdictionary": ["simple"],
    "regcollation": ['"C"'],
    "refcursor": ["a cursor"],
    "aclitem": ["postgres=r/postgres"],
    "int4range": ["[1,10)", "empty", "(,)", "[3,3]"],
    "int8range": ["[1,9007199254740993)"],
    "numrange": ["[1.10,2.20]", "(,NaN]"],
    "tsrange": ["[2025-11-25 09:00,)", "(-infinity,infinity)"],
    "tstzrange": ["[2025-11-25 09:00+00,)", "(,2025-11-25 09:00+00]"],
    "daterange": ["[2025-11-25,2025-11-26]", "[0044-03-15 BC,infinity)"],
    "int4multirange": ["{[1,3),[5,9)}", "{}"],
    "int8multirange": ["{(,5)}"],
    "nummultirange": ["{[1.10,2.20]}"],
    "tsmultirange": ["{[2025-11-25 09:00,)}"],
    "tstzmultirange": ["{[2025-11-25 09:00+00,)}"],
    "datemultirange": ["{[2025-11-25,2025-11-27)}"],
}
"""Values of every built-in type, as they are typed."""

NOT_TYPED = [
    *("pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "gtsvector"),
    *("pg_brin_bloom_summary", "pg_brin_minmax_multi_summary"),
    "xml",
]
"""Built-in types of PostgreSQL's own tables and indexes, whose values cannot be typed in; XML needs another build."""

MADE = """
CREATE TEMP TABLE shown_row (n int, label text, at timestamptz);
CREATE TYPE pg_temp.shown_mood AS ENUM ('sad', 'so so');
CREATE TYPE pg_temp.shown_pair AS (n numeric, label text);
CREATE DOMAIN pg_temp.shown_positive AS int CHECK (VALUE > 0);
CREATE DOMAIN pg_temp.shown_list AS int[];
CREATE TYPE pg_temp.shown_range AS RANGE (subtype = float8);
"""

EXPRESSIONS = {
    "a row of a table": "(1, 'a \"b\", c', '2025-11-25 09:00+00')::pg_temp.shown_row",
    "a row of no type": "ROW(1, NULL, 'x y', ARRAY[1, 2])",
    "rows in an array": "ARRAY[(1, 'a', NULL)::pg_temp.shown_row]",
    "enum": "'so so'::pg_temp.shown_mood",
    "enums in an array": "ARRAY['sad', 'so so']::pg_temp.shown_mood[]",
    "composite": "(12345678901234567890.50, 'it''s')::pg_temp.shown_pair",
    "domain": "7::pg_temp.shown_positive",
    "domain of an array": "'{1,2}'::pg_temp.shown_list",
    "range of one's own": "'[0.1,Infinity)'::pg_temp.shown_range",
    "multirange of one's own": "'{[0.1,0.2)}'::pg_temp.shown_multirange",
    "array that counts from 0": "'[0:1]={7,8}'::int[]",
    "array of two levels that counts from -1": "'[-1:0][2:3]={{1,2},{3,4}}'::int[]",
    "null": "NULL::int",
    "array with everything that needs care": "ARRAY['a,b', '\"', '\\', NULL, 'NULL', '', '{}']",
    "nested array": "ARRAY[ARRAY['a', 'b'], ARRAY['c', NULL]]",
    "empty array": "'{}'::text[]",
    "numbers that JSON cannot hold, in an array": "ARRAY['NaN', '-0', '0.5', 'Infinity']::float8[]",
    "bigints in an array": "ARRAY[1, 9007199254740993]::int8[]",
    "jsonb in an array": "ARRAY['{\"a\": 12345678901234567890.5}', '1']::jsonb[]",
    "ranges in an array": "ARRAY['[1,10)', 'empty']::int4range[]",
    "multiranges in an array": "ARRAY['{[1,3),[5,9)}']::int4multirange[]",
    "boxes, which are apart by semicolons": "ARRAY['(1,1),(0,0)', '(2,2),(0,0)']::box[]",
    "bits": "B'0101'::bit(4)",
    "a fixed length": "'ab'::char(5)",
    "a rule's tree": "(SELECT ev_action FROM pg_rewrite LIMIT 1)",
    "statistics": "(SELECT most_common_vals FROM pg_stats WHERE most_common_vals IS NOT NULL LIMIT 1)",
    "nothing": "pg_sleep(0)",
}


@pytest.fixture
async def connection(stack: Stack) -> AsyncIterator[psycopg.AsyncConnection]:
    """A session as the server opens it, in a zone of its own."""
    opened = await psycopg.AsyncConnection.connect(
        host="localhost",
        port=stack.ports["postgres"],
        user="postgres",
        password=stack.secrets["POSTGRES_ADMIN_PASSWORD"],
        dbname="shop",
        autocommit=True,
        prepare_threshold=None,
        options=OPTIONS,
        context=adapters(),
    )
    async with opened:
        await opened.execute("SET timezone = 'Asia/Seoul'")
        await opened.execute(cast("Any", MADE))
        yield opened


async def _shown(connection: psycopg.AsyncConnection, expression: str) -> Any:
    """The value as the tool answers it, by way of JSON."""
    outcome = await run(connection, f"SELECT {expression} AS v", limit=5, finish=False)
    return json.loads(json.dumps(outcome.rows[0]["v"], allow_nan=False))


async def _printed(connection: psycopg.AsyncConnection, query: str) -> list[str | None]:
    """What psql prints: the values' text as PostgreSQL sends it."""
    async with connection.cursor() as cursor:
        await cursor.execute(cast("Any", query))
        result = cursor.pgresult
        assert result is not None
        values = [result.get_value(row, 0) for row in range(result.ntuples)]
        return [None if value is None else value.decode() for value in values]


def _digits(document: str) -> Any:
    return json.loads(document, parse_int=Decimal, parse_float=Decimal)


def _same(shown: Any, printed: str | None, *, json_type: bool = False) -> bool:
    """Whether what is shown is what psql printed, or a JSON value that is exactly that."""
    if printed is None or shown is None:
        return shown is None and printed in (None, "null")
    if json_type and shown != printed:
        return _same_document(shown, _digits(printed))
    if isinstance(shown, bool):
        return printed == ("t" if shown else "f")
    if isinstance(shown, int | float):
        assert abs(shown) <= SAFE_INTEGER or isinstance(shown, float)
        return Decimal(repr(shown)) == Decimal(printed) and not (shown == 0 and printed.startswith("-"))
    return bool(shown == printed)


def _same_document(shown: Any, exact: Any) -> bool:
    if isinstance(exact, Decimal):
        return Decimal(shown if isinstance(shown, str) else repr(shown)) == exact
    if isinstance(exact, dict):
        return shown.keys() == exact.keys() and all(_same_document(shown[k], exact[k]) for k in exact)
    if isinstance(exact, list):
        return len(shown) == len(exact) and all(map(_same_document, shown, exact))
    return bool(shown == exact)


def _flat(shown: Any) -> list[Any]:
    return [leaf for one in shown for leaf in _flat(one)] if isinstance(shown, list) else [shown]


async def test_every_built_in_type_has_samples(connection: psycopg.AsyncConnection) -> None:
    names = await _printed(
        connection,
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'",
    )
    sampled = await _printed(
        connection, " UNION ALL ".join(f"SELECT format_type({_oid(name)}, NULL)" for name in SAMPLES)
    )
    assert sorted(set(names) - set(sampled) - set(NOT_TYPED), key=str) == []


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_value_is_what_psql_prints_or_exact_json(connection: psycopg.AsyncConnection, name: str) -> None:
    wrong = []
    for typed in SAMPLES[name]:
        value = f"{_literal(typed)}::{name}"
        shown, (printed,) = await _shown(connection, value), await _printed(connection, f"SELECT {value}")
        if not _same(shown, printed, json_type=name in ("json", "jsonb")):
            wrong.append((printed, shown))
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("int2vector", "oidvector")])
async def test_an_array_is_a_list_of_such_values(connection: psycopg.AsyncConnection, name: str) -> None:
    array = f"ARRAY[{', '.join(_literal(typed) for typed in SAMPLES[name])}, NULL]::{name}[]"
    shown, (whole,) = await _shown(connection, array), await _printed(connection, f"SELECT {array}")
    if isinstance(shown, str):
        assert shown == whole
        return
    printed = await _printed(connection, f"SELECT unnest({array})")
    pairs = zip(shown, printed, strict=True)
    assert [(s, p) for s, p in pairs if not _same(s, p, json_type=name in ("json", "jsonb"))] == []


@pytest.mark.parametrize("what", EXPRESSIONS)
async def test_made_types_and_odd_values(connection: psycopg.AsyncConnection, what: str) -> None:
    expression = EXPRESSIONS[what]
    shown, (printed,) = await _shown(connection, expression), await _printed(connection, f"SELECT {expression}")
    if isinstance(shown, list):
        leaves = await _printed(connection, f"SELECT unnest({expression})")
        is_json = "::json" in expression
        assert all(_same(s, p, json_type=is_json) for s, p in zip(_flat(shown), leaves, strict=True)), (shown, printed)
    elif isinstance(shown, str) and shown.endswith(" characters)"):
        assert shown.split("… (cut:")[0] == (printed or "")[:10_000]
    else:
        assert _same(shown, printed), (shown, printed)


@pytest.mark.parametrize("style", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"])
async def test_intervals_and_dates_follow_the_style_that_was_asked_for(
    connection: psycopg.AsyncConnection, style: str
) -> None:
    await connection.execute(cast("Any", f"SET intervalstyle = {style}"))
    await connection.execute("SET datestyle = 'German'")
    value = "interval '1 year -2 days 3.5 hours'"
    assert [await _shown(connection, value)] == await _printed(connection, f"SELECT {value}")
    assert await _shown(connection, "date '2025-11-25'") == "25.11.2025"


async def test_what_json_holds_exactly_is_no_text(connection: psycopg.AsyncConnection) -> None:
    held = "ARRAY[1, 2]", "true", "1.5::float8", "0.1::numeric", "'{\"a\": [1, null]}'::jsonb", "9007199254740991"
    assert [await _shown(connection, one) for one in held] == [[1, 2], True, 1.5, 0.1, {"a": [1, None]}, SAFE_INTEGER]


def _literal(typed: str) -> str:
    return "'" + typed.replace("'", "''") + "'"


def _oid(name: str) -> str:
    return f"to_regtype({_literal(name)})::oid"
