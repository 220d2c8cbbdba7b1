"""Progress in the workshop outlives processes, stays done, is each person's own, and goes when it is reset."""

from __future__ import annotations

import time

from fastmcp_vault.state import Participant, State, WorkshopBoard, WorkshopProgress
from tests.state.conftest import Database


async def test_progress_is_found_again_stays_done_and_is_ones_own(database: Database) -> None:
    async with State(database.dsn) as first:
        assert await first.workshop.of("a") == {}
        await first.workshop.note("a", "alice", "suspend", kept={"server": "jira"})
        assert await first.workshop.of("a") == {"suspend": WorkshopProgress(None, {"server": "jira"})}
        await first.workshop.note("a", "alice", "suspend", done=True)
        done = (await first.workshop.of("a"))["suspend"]
        assert done.done_at is not None
        assert done.kept == {"server": "jira"}
        await first.workshop.note("a", "alice", "suspend", kept={})
        assert (await first.workshop.of("a"))["suspend"] == WorkshopProgress(done.done_at, {})
        await first.workshop.note("b", "bob", "entity", kept={})
    async with State(database.dsn) as second:
        assert (await second.workshop.of("a"))["suspend"].done_at == done.done_at
        assert await second.workshop.participants() == [
            Participant("a", "alice", 1, done.done_at, "suspend"),
            Participant("b", "bob", 0, None, "entity"),
        ]


async def test_who_is_stuck_is_who_has_not_got_over_a_failed_check(database: Database) -> None:
    async with State(database.dsn) as state:
        progress = state.workshop
        await progress.note("a", "alice", "sign-in", done=True)
        await progress.failed("a", "alice", "entity", said="Another id.")
        await progress.failed("a", "alice", "entity", said="That is your sub.")
        (alice,) = await progress.participants()
        assert (alice.done, alice.exercise) == (1, "entity")
        assert alice.stuck is not None
        assert (alice.stuck.exercise, alice.stuck.tries, alice.stuck.said) == ("entity", 2, "That is your sub.")
        await progress.note("a", "alice", "entity", kept={"half": "done"})
        assert [one.stuck for one in await progress.participants()] == [None]
        await progress.failed("a", "alice", "entity", said="Not yet.")
        await progress.note("a", "alice", "entity", done=True)
        await progress.failed("a", "alice", "entity", said="Tried again for fun.")
        (alice,) = await progress.participants()
        assert (alice.done, alice.stuck) == (2, None)
        assert await progress.standing() == {"sign-in": 1, "entity": 1}


async def test_what_the_facilitator_shows_is_there_for_everybody_until_all_begin_anew(database: Database) -> None:
    async with State(database.dsn) as one, State(database.dsn) as other:
        assert await other.workshop.board() == WorkshopBoard()
        await one.workshop.show_answers(["entity", "bob"])
        await one.workshop.set_timer(600)
        found = await other.workshop.board()
        assert found.answers == ("entity", "bob")
        assert found.ends_at is not None
        assert abs(found.ends_at - time.time() - 600) < 60
        await one.workshop.set_timer(None)
        assert await other.workshop.board() == WorkshopBoard(None, ("entity", "bob"))
        await one.workshop.reset("a")
        assert (await other.workshop.board()).answers
        await one.workshop.reset()
        assert await other.workshop.board() == WorkshopBoard()


async def test_a_reset_forgets_one_person_or_everybody(database: Database) -> None:
    async with State(database.dsn) as state:
        for name in ("alice", "bob", "carol"):
            await state.workshop.note(name, name, "sign-in", done=True)
            await state.workshop.note(name, name, "entity", done=True)
        assert await state.workshop.reset("bob") == 1
        assert await state.workshop.of("bob") == {}
        assert len(await state.workshop.of("alice")) == 2
        assert await state.workshop.reset("nobody") == 0
        assert await state.workshop.reset() == 2
        assert await state.workshop.participants() == []


async def test_progress_that_nobody_goes_on_with_is_forgotten_in_the_end(database: Database) -> None:
    async with State(database.dsn) as state:
        await state.workshop.note("a", "alice", "entity", done=True)
        assert await state.prune() == 0
        await database.run("UPDATE workshop_progress SET expires_at = now() - interval '1 s'")
        assert await state.prune() == 1
        assert await state.workshop.of("a") == {}
