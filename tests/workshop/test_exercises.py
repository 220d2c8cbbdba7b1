"""Each exercise is done when the real servers say so, and not before."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from app import audit, room, token_api, workshop, workshop_checks, workshop_lab
from app.actions import execute, load_tools
from app.process import AppProcess
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import InputError, VaultDenied
from fastmcp_vault.vault import Vault
from stack.testing import Stack
from tests.auth_relay.chatting import Programs
from tests.support.eventually import eventually
from tests.support.people import Person
from tests.workshop.conftest import SignIn, Visitor


async def test_the_sign_in_is_checked_at_keycloak_and_progress_is_kept(me: Visitor, arrive: SignIn) -> None:
    assert await me.progress() == {}
    found = await me.check("sign-in")
    assert found.done
    assert me.person.username in found.said
    assert found.trace is not None
    assert [step.kind for step in found.trace.steps] == ["jwt", "server-token"]
    done = (await me.progress())["sign-in"].done_at
    again = await arrive(me.person)
    assert again.sid != me.sid
    assert (await again.progress())["sign-in"].done_at == done


async def test_the_entity_is_the_one_that_vault_gave(me: Visitor) -> None:
    assert not (await me.check("entity", id="  ")).done
    assert "another id" in (await me.check("entity", id="0" * 36)).said
    assert "alias" in (await me.check("entity", id=me.sub)).said
    assert (await me.progress())["entity"].done_at is None
    # The check has logged in already: a step that was reused still says what came of it.
    loaded = await load_tools(me.process, me.cookie, ["jira"])
    (entity,) = [step.detail["entity_id"] for step in loaded.trace.steps if step.kind == "entity"]
    assert (await me.check("entity", id=f" {entity.upper()} ")).done
    assert (await me.progress())["entity"].done_at


async def test_the_database_user_is_the_one_that_vault_made(me: Visitor) -> None:
    asked = await execute(me.process, me.cookie, "postgres", "query", {"sql": "SELECT current_user AS me"})
    assert asked.answer is not None
    user = asked.answer.structured["rows"][0]["me"]
    assert "never heard of it" in (await me.check("database", user=me.person.username)).said
    assert not (await me.check("database", user=user[:-1])).done
    assert (await me.check("database", user=user)).done


async def test_another_persons_secret_stays_shut(me: Visitor, new_person: Callable[[], Person]) -> None:
    assert "That is you" in (await me.check("others", whose=me.person.username)).said
    with pytest.raises(InputError):
        await me.check("others", whose="bob/jira")
    refused = await me.check("others", whose=new_person().username)
    assert refused.done
    assert refused.trace is not None
    last = refused.trace.steps[-1]
    assert (last.kind, last.status, last.exchanges[0].status) == ("own-secret", "failed", 403)


async def test_what_is_ones_own_would_open(me: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check would notice: with the path of the person's own it says that it opened."""
    opens = workshop_checks._opens
    own = f"users/{me.person.username}/jira"
    monkeypatch.setattr(workshop_checks, "_opens", lambda at, _: opens(at, own))
    assert "must never happen" in (await me.check("others", whose="bob")).said


@pytest.mark.parametrize("part", workshop_checks.PARTS)
async def test_a_broken_token_is_refused_by_the_mcp_server(me: Visitor, part: str) -> None:
    for layer in workshop_checks.LAYERS:
        found = await me.check("broken", part=part, layer=layer)
        assert found.done == (layer == "mcp"), layer
        assert "HTTP 401" in found.said


async def test_a_token_that_is_whole_would_get_through(me: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop_checks, "_forged", lambda token, _: token)
    found = await me.check("broken", part="signature", layer="mcp")
    assert not found.done
    assert "tell the facilitator" in found.said


async def test_a_token_is_made_found_and_revoked(me: Visitor) -> None:
    assert "no living token" in (await me.check("revoke")).said
    await token_api.create(me.process, me.cookie, "another", ["read"])
    assert "no living token" in (await me.check("revoke")).said
    await token_api.create(me.process, me.cookie, workshop_checks.TOKEN_NAME, ["read"])
    assert "Now revoke it" in (await me.check("revoke")).said
    assert "still lives" in (await me.check("revoke")).said
    assert (await me.progress())["revoke"].done_at is None
    for one in await token_api.listed(me.process, me.cookie):
        await token_api.revoke(me.process, me.cookie, one.accessor)
    assert (await me.check("revoke")).done


async def test_the_audit_line_is_vaults_own_about_this_person_and_this_reading(me: Visitor, arrive: SignIn) -> None:
    assert "None of the lines" in (await me.check("audit", request="0" * 36)).said
    await load_tools(me.process, me.cookie, ["jira", "github"])
    lines = {(line.server, line.path): line for line in (await audit.look(me.process, me.cookie)).lines}
    me_at = f"secret/data/users/{me.person.username}"
    github = lines["mcp-github", f"{me_at}/github"].request_id
    assert f"about {me_at}/github" in (await me.check("audit", request=github)).said.replace("`", "")
    assert (await me.check("audit", request=lines["mcp-jira", f"{me_at}/jira"].request_id)).done


async def test_the_chatbot_acts_as_this_person_and_no_other(
    me: Visitor, new_person: Callable[[], Person], stack: Stack
) -> None:
    programs, chat = Programs(stack), me.sub
    programs.forget(chat)
    assert "Nobody is signed in" in (await me.check("chat")).said
    other = new_person()
    await asyncio.to_thread(programs.linked, other, chat)
    assert f"acts as {other.username}" in (await me.check("chat")).said
    await asyncio.to_thread(programs.linked, me.person, chat)
    assert "let it fetch" in (await me.check("chat")).said
    await asyncio.to_thread(programs.chat, chat, "/issue", issue_key="PROJ-1")
    assert (await me.check("chat")).done
    programs.forget(chat)


async def test_after_a_sign_out_nothing_is_left(me: Visitor, arrive: SignIn) -> None:
    assert "load tools first" in (await me.check("sign-out")).said
    await load_tools(me.process, me.cookie, MCP_SERVERS)
    assert "for this session: 3" in (await me.check("sign-out")).said
    assert "same session" in (await me.check("sign-out")).said
    elsewhere = await arrive(me.person)
    assert "has not ended" in (await elsewhere.check("sign-out")).said
    await me.sign_out()
    async with asyncio.timeout(30):
        while not (found := await elsewhere.check("sign-out")).done:
            assert "being revoked" in found.said
    assert (await elsewhere.progress())["sign-out"].done_at


@pytest.fixture
async def bob(new_person: Callable[[], Person], monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody of this test's own in bob's part."""
    person = new_person()
    monkeypatch.setattr(workshop_lab, "BOB", person.username)
    return person


async def test_bob_fails_gets_a_credential_and_works(me: Visitor, bob: Person, stack: Stack) -> None:
    path, root = f"users/{bob.username}/jira", SecretStr(stack.secrets["VAULT_TOKEN"])
    vault = Vault(stack.url("openbao"))
    assert "has a Jira credential" in (await me.check("bob", path=f"secret/data/{path}")).said
    await vault.delete(root, f"secret/metadata/{path}")
    assert "another path" in (await me.check("bob", path="secret/data/users/bob")).said
    failed = await me.check("bob", path=f"secret/data/{path}")
    assert failed.done
    assert "still has nothing" in (await me.check("give")).said
    await vault.kv_write(root, path, {"email": bob.email, "api_token": secrets.token_hex(8)})
    assert "failed all the same" in (await me.check("give")).said
    await vault.kv_write(root, path, {k: str(v) for k, v in bob.entitlements["jira"].items()})
    works = await me.check("give")
    assert works.done
    assert works.trace is not None
    # What the server did meanwhile it tells the app only, and bob came by a lab client.
    assert [step.kind for step in works.trace.steps] == ["mcp-request"]
    assert "get_issue" in works.trace.steps[0].exchanges[-1].request_body
    await vault.close()


async def test_a_partner_s_credential_is_written_and_never_read_and_nobody_else_s_is_either(
    me: Visitor, arrive: SignIn, everybody: dict[str, Person]
) -> None:
    vault = me.process.vault
    alice = await arrive(everybody["alice"])
    session = await me.process.sessions.renewed(alice.cookie)
    async with me.process.person_vault.for_one_action(session.caller, workshop_lab.ROLE) as (login, entity):
        assert entity.name == "alice"
        for path in ("users/bob/jira", "users/bob/github", "users/alice/jira"):
            with pytest.raises(VaultDenied):
                await vault.kv_read(login.token, path)
        for path in ("users/bob/github", "users/alice/jira", f"users/{me.person.username}/jira"):
            with pytest.raises(VaultDenied):
                await vault.kv_write(login.token, path, {"email": "a@example.com", "api_token": "mine"}, cas=0)
            with pytest.raises(VaultDenied):
                await vault.kv_remove(login.token, path)
        assert "create" in await capabilities(me.process, login.token, "secret/data/users/bob/jira")
    session = await me.process.sessions.renewed(me.cookie)
    async with me.process.person_vault.for_one_action(session.caller, workshop_lab.ROLE) as (login, _):
        assert await capabilities(me.process, login.token, "secret/data/users/bob/jira") == ["deny"]
    with pytest.raises(InputError, match="no partner"):
        await workshop_lab.store(me.process, me.cookie)


async def capabilities(process: AppProcess, token: SecretStr, path: str) -> list[str]:
    """What Vault says that this token may do there."""
    answer = await process.vault.write(token, "sys/capabilities-self", {"paths": [path]})
    return list(answer[path])


@pytest.mark.disturbs
async def test_a_server_is_stopped_and_serves_again_and_a_reset_lifts_what_is_left(
    me: Visitor, arrive: SignIn, everybody: dict[str, Person]
) -> None:
    state, charlie = me.process.state, await arrive(everybody["charlie"])
    assert "Every server" in (await me.check("suspend")).said
    await state.suspend("mcp-github", reason="workshop")
    await eventually(lambda: state.suspended("mcp-github"))
    assert "GitHub refuses you" in (await me.check("suspend")).said
    assert "still suspended" in (await me.check("suspend")).said
    await workshop.reset(me.process, charlie.cookie, "nobody-with-that-id")
    assert [one.server for one in await state.suspensions()] == ["mcp-github"]
    await room.resume(me.process, charlie.cookie, "mcp-github")
    await eventually(lambda: not state.suspended("mcp-github"))
    assert (await me.check("suspend")).done

    await state.suspend("mcp-github")
    assert await workshop.reset(me.process, charlie.cookie) >= 1
    assert await state.suspensions() == []
    assert await me.progress() == {}


async def test_only_the_facilitator_sees_who_is_how_far_and_resets_one(
    me: Visitor, arrive: SignIn, new_person: Callable[[], Person], everybody: dict[str, Person]
) -> None:
    other, charlie = await arrive(new_person()), await arrive(everybody["charlie"])
    for one in (me, other):
        assert (await one.check("sign-in")).done
    with pytest.raises(room.NotFacilitator):
        await workshop.participants(me.process, me.cookie)
    for act in (
        workshop.reset(me.process, me.cookie, other.sub),
        workshop.standing(me.process, me.cookie),
        workshop.set_timer(me.process, me.cookie, 1),
        workshop.show_answers(me.process, me.cookie, ["entity"]),
    ):
        with pytest.raises(room.NotFacilitator):
            await act
    assert not (await other.check("entity", id="0" * 36)).done
    stuck = {one.sub: one.stuck for one in await workshop.participants(me.process, charlie.cookie)}
    assert stuck[me.sub] is None
    failed = stuck[other.sub]
    assert failed is not None
    assert (failed.exercise, failed.tries, "another id" in failed.said) == ("entity", 1, True)
    standing = {one.username: one.done for one in await workshop.participants(me.process, charlie.cookie)}
    assert standing[me.person.username] == standing[other.person.username] == 1
    assert await workshop.reset(me.process, charlie.cookie, me.sub) == 1
    assert await me.progress() == {}
    assert await other.progress()
