"""Progress in the workshop outlives processes, stays done, is each person's own, and goes when it is reset."""

from __future__ import annotations

from fastmcp_vault.state import Participant, State, WorkshopProgress
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
            Participant("a", "alice", 1, done.done_at),
            Participant("b", "bob", 0, None),
        ]


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
