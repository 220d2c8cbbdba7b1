"""A person's yes in the shared state: bound, used once whoever races for it, gone in time, and never another's."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import replace

from fastmcp_vault.levels import LEVELS
from fastmcp_vault.state import Question, State
from tests.state.conftest import Database

BINDING, OTHER = b"\x01" * 32, b"\x02" * 32
ASKED = Question(
    binding=BINDING,
    way="link",
    server="mcp-jira",
    tool="create_issue",
    sub="a",
    sid="s",
    facts={"arguments": "{}"},
)


async def test_a_yes_is_used_once_though_two_replicas_race_for_it(database: Database) -> None:
    async with State(database.dsn) as first, State(database.dsn) as second:
        for way in ("form", "link"):
            asked = await first.approvals.ask(replace(ASKED, way=way), lifetime=60)
            if way == "link":
                assert await second.approvals.use(asked.id, BINDING) is None
                assert await second.approvals.decide(asked.id, sub="a", way="link", approve=True) is not None
            tries = [replica.approvals.use(asked.id, BINDING) for replica in (first, second) * 8]
            used = [found for found in await asyncio.gather(*tries) if found]
            assert [found.status for found in used] == ["used"]
            assert used[0].facts == {}
        assert await first.approvals.latest(BINDING) is None


async def test_a_yes_for_one_call_opens_no_other_and_an_unknown_id_opens_nothing(database: Database) -> None:
    async with State(database.dsn) as state:
        asked = await state.approvals.ask(replace(ASKED, way="form"), lifetime=60)
        assert await state.approvals.use(asked.id, OTHER) is None
        assert await state.approvals.use("x" * 32, BINDING) is None
        assert await state.approvals.use(asked.id, BINDING) is not None


async def test_nobody_answers_for_another_person_or_twice(database: Database) -> None:
    async with State(database.dsn) as state:
        asked = await state.approvals.ask(ASKED, lifetime=60)
        assert await state.approvals.decide(asked.id, sub="b", way="link", approve=True) is None
        assert await state.approvals.decide(asked.id, sub="a", way="form", approve=True) is None
        refused = await state.approvals.decide(asked.id, sub="a", way="link", approve=False)
        assert refused is not None
        assert (refused.status, refused.facts) == ("refused", {})
        assert await state.approvals.decide(asked.id, sub="a", way="link", approve=True) is None
        assert await state.approvals.use(asked.id, BINDING) is None
        latest = await state.approvals.latest(BINDING)
        assert latest is not None
        assert latest.status == "refused"


async def test_what_has_expired_is_neither_given_nor_used_and_is_pruned(database: Database) -> None:
    async with State(database.dsn) as state:
        given = await state.approvals.ask(ASKED, lifetime=60)
        late = await state.approvals.ask(replace(ASKED, binding=OTHER), lifetime=60)
        await state.approvals.decide(given.id, sub="a", way="link", approve=True)
        await database.run("UPDATE approvals SET expires_at = now() - interval '1 second'")
        assert await state.approvals.use(given.id, BINDING) is None
        assert await state.approvals.decide(late.id, sub="a", way="link", approve=True) is None
        found = await state.approvals.find(given.id)
        assert found is not None
        assert found.status == "expired"
        assert await state.prune() == 2
        assert await state.approvals.find(given.id) is None


async def test_a_policy_with_a_login_age_takes_a_yes_from_a_fresh_sign_in_only(database: Database) -> None:
    async with State(database.dsn) as state:
        asked = await state.approvals.ask(replace(ASKED, login_age=30), lifetime=60)
        stale, fresh = asked.asked_at - 31, asked.asked_at
        assert await state.approvals.decide(asked.id, sub="a", way="link", approve=True, login_at=stale) is None
        assert await state.approvals.decide(asked.id, sub="a", way="link", approve=True) is None
        given = await state.approvals.decide(asked.id, sub="a", way="link", approve=True, login_at=fresh)
        assert given is not None


async def test_a_policy_with_a_level_takes_a_yes_from_that_level_or_a_higher_one_and_a_no_from_any(
    database: Database,
) -> None:
    weak = ("", "password", "Confirmed", "confirmed ", "2", "gold", "%", "{confirmed}")
    async with State(database.dsn) as state:
        for demanded, enough in (("confirmed", ["confirmed", "two-factor"]), ("two-factor", ["two-factor"])):
            for acr in {*weak, *LEVELS} - set(enough):
                asked = await state.approvals.ask(replace(ASKED, acr=demanded), lifetime=60)
                assert await state.approvals.decide(asked.id, sub="a", way="link", approve=True, acr=acr) is None, acr
            for acr in enough:
                asked = await state.approvals.ask(replace(ASKED, acr=demanded), lifetime=60)
                given = await state.approvals.decide(asked.id, sub="a", way="link", approve=True, acr=acr)
                assert given is not None
                assert (given.acr, given.given_acr) == (demanded, acr)
        asked = await state.approvals.ask(replace(ASKED, acr="two-factor"), lifetime=60)
        assert await state.approvals.decide(asked.id, sub="a", way="link", approve=False, acr="password") is not None


async def test_where_both_are_demanded_neither_an_old_sign_in_nor_a_weak_one_will_do(database: Database) -> None:
    async with State(database.dsn) as state:
        asked = await state.approvals.ask(replace(ASKED, acr="confirmed", login_age=30), lifetime=60)
        for acr, age in (("confirmed", 3600), ("confirmed", 31), ("password", 0), ("", 0)):
            login_at = asked.asked_at - age
            said = await state.approvals.decide(asked.id, sub="a", way="link", approve=True, acr=acr, login_at=login_at)
            assert said is None
        given = await state.approvals.decide(
            asked.id, sub="a", way="link", approve=True, acr="confirmed", login_at=asked.asked_at
        )
        assert given is not None


async def test_questions_end_with_the_session_and_are_bounded(database: Database) -> None:
    async with State(database.dsn) as state:
        others = await state.approvals.ask(dataclasses.replace(ASKED, sub="another"), lifetime=60, limit=3)
        asked = [await state.approvals.ask(ASKED, lifetime=60, limit=3) for _ in range(5)]
        assert await state.approvals.find(others.id) is not None, "nobody else's is pushed out"
        found = [await state.approvals.find(one.id) for one in asked]
        assert [one is not None for one in found] == [False, False, True, True, True]
        await state.end_session("s", "a")
        assert await state.approvals.find(asked[-1].id) is None
