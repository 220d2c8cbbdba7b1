"""The audit trail: written in order by accounts that can do nothing else with it, and what a check of it finds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import psycopg
import pytest

from fastmcp_vault.errors import InputError, StateUnavailable
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.audit_rows import ChainHead
from fastmcp_vault.state.trail import BATCH, AuditEntry, QueuedTrail
from init import state_rights
from init.ledger import Ledger
from init.state_rights import APP, SERVERS
from stack.testing import Stack
from tests.state.conftest import Database
from tests.state.test_rights import REFUSED, connected, dsn
from tests.support.eventually import eventually


def entry(number: int, *, process: str = "p-1", person: str = "alice") -> dict[str, Any]:
    said = {"iss": "https://id", "sub": f"id-of-{person}", "person": person, "correlation_id": f"click-{number}"}
    return {**said, "tool": "get_issue", "arguments": 'a "ü" \\u0007', "process": process, "number": number}


@pytest.fixture
async def trail(database: Database, stack: Stack) -> Database:
    """Rights as init gives them, and six rows."""
    with psycopg.connect(database.dsn.get_secret_value(), autocommit=True) as owner:
        state_rights.provision(owner, "public", Ledger())
    async with State(dsn(database, stack, "mcp-jira")) as jira:
        await jira.audit_rows.append([entry(number) for number in (1, 2, 3)])
        await jira.audit_rows.append([entry(number) for number in (3, 4, 5, 6)])  # the third a second time
    return database


@pytest.mark.parametrize("writer", SERVERS)
def test_a_writer_adds_under_its_own_name_and_can_neither_read_change_nor_delete(
    trail: Database, stack: Stack, writer: str
) -> None:
    with connected(trail, stack, writer) as connection:
        forged = json.dumps([entry(1) | {"writer": "mcp-other", "seq": 1, "written_at": 0}])
        # A table of its own in the place of the real one: the function does not find it.
        connection.execute("CREATE TEMPORARY TABLE audit_head (seq bigint, hash bytea)")
        connection.execute("SELECT audit_append(%s)", [forged])
        connection.execute("DROP TABLE audit_head")
        for statement in (
            "SELECT FROM audit_trail",
            "SELECT FROM audit_head",
            "INSERT INTO audit_trail (seq, body, hash) VALUES (9, '{}', '')",
            "UPDATE audit_trail SET body = '{}'",
            "UPDATE audit_head SET seq = 1",
            "DELETE FROM audit_trail",
            "TRUNCATE audit_trail",
            "ALTER TABLE audit_trail DISABLE TRIGGER ALL",
        ):
            with pytest.raises(REFUSED):
                connection.execute(statement.encode())
    with connected(trail, stack, APP) as reader:
        rows = reader.execute("SELECT DISTINCT writer FROM audit_trail ORDER BY 1").fetchall()
        assert rows == [(name,) for name in sorted({"mcp-jira", writer})]
        reader.execute("SELECT audit_append('[]'), audit_prune()")
        for statement in (
            "DELETE FROM audit_trail",
            "UPDATE audit_trail SET body = '{}'",
            "UPDATE audit_head SET seq = 1",
        ):
            with pytest.raises(REFUSED):
                reader.execute(statement.encode())


async def test_what_is_written_is_found_by_person_and_click_and_the_chain_holds(trail: Database, stack: Stack) -> None:
    async with State(dsn(trail, stack, APP)) as app, State(dsn(trail, stack, "mcp-github")) as github:
        await asyncio.gather(*(github.audit_rows.append([entry(n, process=f"p-{n}", person="bob")]) for n in (1, 2, 3)))
        hers = await app.audit_rows.find(iss="https://id", sub="id-of-alice")
        assert [row.said["number"] for row in hers] == [6, 5, 4, 3, 2, 1]
        assert await app.audit_rows.find(iss="https://other", sub="id-of-alice") == []
        (one,) = await app.audit_rows.find(person="alice", correlation_id="click-4")
        assert (one.seq, one.said["arguments"]) == (4, entry(4)["arguments"])
        check = await app.audit_rows.verify()
        assert (check.rows, check.faults, check.head.seq) == (9, [], 9)
        # p-2 and p-3 begin with their second and third action: the first ones were never written.
        assert sorted(gap.partition(" before")[0] for gap in check.gaps) == [
            "1 actions of mcp-github",
            "2 actions of mcp-github",
        ]


TAMPERED = {
    "UPDATE audit_trail SET body = replace(body, 'get_issue', 'list_repos') WHERE seq = 3": "row 3 is not what",
    "UPDATE audit_trail SET hash = sha256('x') WHERE seq = 3": "row 3 is not what",
    "DELETE FROM audit_trail WHERE seq = 3": "row 3 is missing",
    "DELETE FROM audit_trail WHERE seq IN (1, 2)": "row 1 is missing, up to row 2",
    "UPDATE audit_trail SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4);"
    " UPDATE audit_trail SET seq = -seq WHERE seq < 0": "row 3 is not what",
    "DELETE FROM audit_trail WHERE seq > 4": "the chain ends with row 4, and audit_head says 6",
    "DELETE FROM audit_head": "audit_head is empty",
    "DELETE FROM audit_trail": "the chain ends with row 0, and audit_head says 6",
}


@pytest.mark.parametrize(("tampering", "expected"), TAMPERED.items(), ids=range(len(TAMPERED)))
async def test_a_superuser_s_change_is_found_and_the_first_bad_row_named(
    trail: Database, stack: Stack, tampering: str, expected: str
) -> None:
    with psycopg.connect(trail.dsn.get_secret_value(), autocommit=True) as superuser:
        superuser.execute(tampering.encode())
    async with State(dsn(trail, stack, APP)) as app:
        check = await app.audit_rows.verify()
    assert expected in check.faults[0]


REWRITE = """
DO $$
DECLARE h bytea := decode(repeat('00', 32), 'hex'); r record;
BEGIN
    UPDATE audit_trail SET body = replace(body, 'get_issue', 'list_repos') WHERE seq = 2;
    DELETE FROM audit_trail WHERE seq > 5;
    FOR r IN SELECT seq, body FROM audit_trail ORDER BY seq LOOP
        h := sha256(h || convert_to(r.body, 'UTF8'));
        UPDATE audit_trail SET hash = h WHERE seq = r.seq;
    END LOOP;
    UPDATE audit_head SET seq = 5, hash = h;
END $$
"""


async def test_a_chain_written_anew_by_a_superuser_is_found_by_a_head_that_was_kept_elsewhere_and_only_by_that(
    trail: Database, stack: Stack
) -> None:
    async with State(dsn(trail, stack, APP)) as app:
        heads = [(await app.audit_rows.verify()).head]
        heads.append(ChainHead(3, bytes((await trail.run("SELECT hash FROM audit_trail WHERE seq = 3"))[0][0]).hex()))  # type: ignore[call-overload]
        await trail.run(REWRITE)
        assert (await app.audit_rows.verify()).faults == [], "who may change all of it leaves no mark inside"
        for head, expected in zip(heads, ("a head that was kept is of row 6", "written anew"), strict=True):
            check = await app.audit_rows.verify([ChainHead.read(str(head))])
            assert expected in check.faults[0]


async def test_what_is_old_is_pruned_and_the_rest_is_still_checked(trail: Database, stack: Stack) -> None:
    async with State(dsn(trail, stack, APP)) as app, State(dsn(trail, stack, "mcp-jira")) as jira:
        kept = (await app.audit_rows.verify()).head
        await app.prune()
        assert len(await app.audit_rows.find()) == 6
        await trail.run("UPDATE audit_head SET keep_days = 0")
        await jira.prune()
        assert len(await app.audit_rows.find()) == 6, "a server may not"
        await app.prune()
        await trail.run("UPDATE audit_head SET keep_days = 1")
        await jira.audit_rows.append([entry(7), entry(8)])
        check = await app.audit_rows.verify([kept])
        assert (check.rows, check.pruned, check.kept, check.faults, check.gaps) == (2, 6, 1, [], [])
        await trail.run("DELETE FROM audit_trail WHERE seq = 7")
        assert "row 7 is missing" in (await app.audit_rows.verify()).faults[0]


async def test_several_replicas_that_write_at_once_make_one_chain(trail: Database, stack: Stack) -> None:
    async with (
        State(dsn(trail, stack, "mcp-jira")) as one,
        State(dsn(trail, stack, "mcp-jira")) as two,
        State(dsn(trail, stack, "mcp-github")) as three,
        State(dsn(trail, stack, APP)) as app,
    ):
        async with AsyncExitStack() as writing:
            trails = [
                await writing.enter_async_context(QueuedTrail("jira", state.audit_rows.append, linger=0.01))
                for state in (one, two, three)
            ]
            for number in range(120):
                for each in trails:
                    each.record(partial(dict, n=number))
                await asyncio.sleep(0)
        check = await app.audit_rows.verify()
        assert (check.rows, check.faults, check.gaps) == (6 + 360, [], [])
        rows = [row.said for row in reversed(await app.audit_rows.find(limit=360))]
        for process in {said["process"] for said in rows}:
            assert [said["n"] for said in rows if said["process"] == process] == list(range(120))


async def test_a_writer_that_keeps_the_turn_holds_the_others_up_for_moments_and_no_suspension(
    trail: Database, stack: Stack
) -> None:
    alice = Principal("person", "https://id", "id-of-alice")
    async with State(dsn(trail, stack, APP)) as app:
        with connected(trail, stack, "mcp-jira") as hostile, hostile.transaction():
            hostile.execute("SELECT audit_append('[]')")
            with pytest.raises(StateUnavailable):
                await app.audit_rows.append([entry(1, process="p-2")])
            await app.principals.suspend(alice, name="alice", by="charlie")
            await eventually(lambda: app.suspended(alice))
        await app.principals.note_revoked(alice, name="alice", by="charlie", held=3, left_over=1)
        said = (await app.audit_rows.find(sub="id-of-alice", limit=1))[0].said
        assert (said["deed"], said["by"], said["held"], said["left_over"]) == ("revoked", "charlie", 3, 1)
        assert (await app.audit_rows.verify()).faults == []


class Store:
    """A store that is away at will."""

    def __init__(self) -> None:
        self.written: list[AuditEntry] = []
        self.fails: Exception | None = None

    async def write(self, entries: Sequence[AuditEntry]) -> str:
        if self.fails:
            raise self.fails
        self.written += entries
        return "1:00"


async def test_a_store_that_is_away_delays_nobody_and_what_is_lost_is_counted_and_said() -> None:
    store = Store()
    store.fails = StateUnavailable("away")
    async with QueuedTrail("jira", store.write, capacity=3, linger=0.01) as trail:
        for number in range(5):
            trail.record(partial(dict, n=number))
        assert (trail.waiting, trail.lost) == (3, 2)
        store.fails = None
        await eventually(lambda: trail.waiting == 0)
        trail.record(partial(dict, n=5))
    assert [(said["n"], said["number"], said.get("lost_before")) for said in store.written] == [
        (0, 1, None),
        (1, 2, None),
        (2, 3, None),
        (5, 6, 2),
    ]
    assert len({said["process"] for said in store.written}) == 1


async def test_what_no_store_takes_is_lost_and_what_still_waits_at_the_end_is_written_or_counted() -> None:
    store = Store()
    store.fails = InputError("no")
    async with QueuedTrail("jira", store.write, linger=0.01) as trail:
        trail.record(dict)
        await eventually(lambda: trail.lost == 1)
        store.fails = None
        trail.record(dict)
    assert (len(store.written), trail.lost) == (1, 1)
    store.fails = StateUnavailable("away")
    async with trail:
        trail.record(dict)
    assert trail.lost == 2


async def test_what_is_written_is_made_beside_the_call_and_of_a_batch_at_most_is_more_kept() -> None:
    store = Store()
    made: list[int] = []

    def note(number: int) -> AuditEntry:
        made.append(number)
        return {"n": number}

    async with QueuedTrail("jira", store.write, linger=60) as trail:
        for number in range(BATCH - 1):
            trail.record(partial(note, number))
        assert made == []
        trail.record(partial(note, BATCH - 1))
        assert made == list(range(BATCH))
        await eventually(lambda: trail.waiting == 0)
    assert [said["n"] for said in store.written] == list(range(BATCH))
