"""People who get other names: each keeps what is theirs, and whoever bears an old name gets nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from app import agents, chatbot, my_secrets, sharing, workshop
from app.lab import rows
from app.process import AppProcess
from app.session import Person as Shown
from fastmcp_vault.tracing import Trace
from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.auth_relay.chatting import Programs
from tests.support.people import Person
from tests.support.renaming import administrator, renamed
from tests.workshop.conftest import SignIn, Visitor

pytestmark = pytest.mark.disturbs
CALL = "load:jira"


@pytest.fixture
def realm(stack: Stack) -> Iterator[RealmAdmin]:
    with administrator(stack) as made:
        yield made


@pytest.fixture(params=["an old name goes to somebody else", "two names are swapped"])
async def renamed_two(
    request: pytest.FixtureRequest, arrive: SignIn, new_person: Callable[[], Person], realm: RealmAdmin, stack: Stack
) -> AsyncIterator[tuple[Person, Person, Visitor, Visitor]]:
    """Two people as they were called, and both signed in under their new names; the first was linked to the chatbot."""
    one, two = new_person(), new_person()
    first, programs = await arrive(one), Programs(stack)
    await asyncio.to_thread(programs.linked, one, first.sub)
    await asyncio.to_thread(programs.chat, first.sub, "/issue", issue_key="PROJ-1")
    assert (await first.check("sign-in")).done
    names = {one.username: f"{one.username}-kim", two.username: one.username}
    if request.param == "two names are swapped":
        names = {one.username: two.username, two.username: one.username}
    with renamed(realm, names):
        yield (
            one,
            two,
            await arrive(replace(one, username=names[one.username])),
            await arrive(replace(two, username=names[two.username])),
        )
    await asyncio.to_thread(programs.forget, first.sub)


async def test_everything_stays_with_the_person(
    renamed_two: tuple[Person, Person, Visitor, Visitor],
    process: AppProcess,
    everybody: dict[str, Person],
    arrive: SignIn,
) -> None:
    one, two, was_one, was_two = renamed_two

    # the chatbot
    assert (await chatbot.look(process, was_two.sub)).status == "nobody"
    assert "Nobody is signed in" in (await was_two.check("chat")).said
    kept = await chatbot.look(process, was_one.sub)
    assert (kept.status, kept.facts["sub"]) == ("linked", was_one.sub)
    await chatbot.refresh(process, was_one.sub)
    assert (await chatbot.look(process, was_one.sub)).facts["username"] == was_one.person.username
    assert (await chatbot.issue(process, was_one.sub, "PROJ-1"))["key"] == "PROJ-1"

    # Vault, and the agents' certificates
    for visitor, person in ((was_one, one), (was_two, two)):
        mine = (await my_secrets.look(process, visitor.cookie)).mine
        assert mine is not None
        assert mine.entity == person.username
        agent = await agents.get_token(process, visitor.cookie, "worker", None)
        assert agent.problem is None, agent.problem
        assert agent.held is not None
        assert agent.held.name == f"{person.username}:worker"

    # the isolation grid: neither names anything a leak, nor loses what is one's own
    for visitor, person, other in ((was_one, one, two), (was_two, two, one)):
        owners = [person.username, other.username, visitor.person.username]
        cells = [cell async for cell in rows.my_row(process, visitor.cookie, owners)]
        states = {(cell.owner, cell.state) for cell in cells}
        assert (person.username, "own") in states
        assert {state for owner, state in states if owner != person.username} == {"refused"}
    assert "That is you" in (await was_one.check("others", whose=one.username)).said

    # what is shared in the room
    for visitor in (was_one, was_two):
        trace = Trace(id=visitor.sub, action="Load", started_at=0.0, steps=[])
        shown = Shown("the same name", "", visitor.sub, visitor.sid, 0.0)
        await sharing.share(process, shown, CALL, sharing.shared("the same name", trace, {}, None))
    charlie = await arrive(everybody["charlie"])
    looking = Shown("charlie", "", charlie.sub, charlie.sid, 0.0)
    trace = Trace(id="own", action="Load", started_at=0.0, steps=[])
    await sharing.share(process, looking, CALL, sharing.shared("charlie", trace, {}, None))
    found = await sharing.of_others(process, looking, CALL)
    assert {was_one.sub, was_two.sub} <= found.keys()
    assert found[was_one.sub].trace.id == was_one.sub

    # the workshop's progress
    assert (await was_two.check("sign-in")).done
    assert await workshop.reset(process, charlie.cookie, was_two.sub) == 1
    assert await was_two.progress() == {}
    assert await was_one.progress() != {}
    standing = {one.sub: one.username for one in await workshop.participants(process, charlie.cookie)}
    assert was_one.sub in standing
    assert was_two.sub not in standing
