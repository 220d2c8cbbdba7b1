"""What the facilitator's page does is checked where it is done: a page that was tampered with changes nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from app import connections, room, who_did
from app.process import AppProcess
from app.sessions import AppSessions
from fastmcp_vault.errors import InputError, PersonSuspended, SessionEnded
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.state import Principal, SignedIn, State
from stack.testing import Stack
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import app_client, signed_in
from tests.support.eventually import eventually
from tests.support.people import Person

SOMEBODY = Principal("person", "https://sso.example", "another")


@pytest.mark.parametrize("what", ["look", "suspend", "resume", "suspend_principal", "resume_principal", "end"])
async def test_somebody_without_the_role_is_refused(stack: Stack, person: Person, what: str) -> None:
    caller = await signed_in(stack, person)
    environment = stack.environment("app")
    base = stack.url("keycloak")
    realm = f"{base}/realms/mcp-demo"
    validator = TokenValidator(issuer=realm, jwks_url=f"{realm}/protocol/openid-connect/certs", audience=None)
    keys = [SecretStr(environment["APP_SESSION_KEY"])]
    async with app_client(stack) as keycloak, State(SecretStr(environment["STATE_DSN"]), session_keys=keys) as state:
        sessions = AppSessions(state=state, keycloak=keycloak)
        claims = await validator.validate(caller.tokens.access_token.get_secret_value())
        cookie = await sessions.begin(caller.tokens, claims, None)
        process = cast(AppProcess, SimpleNamespace(state=state, sessions=sessions, validator=validator))
        acts: dict[str, Any] = {
            "look": lambda: room.look(process, cookie),
            "suspend": lambda: room.suspend(process, cookie, "mcp-jira", "mine now"),
            "resume": lambda: room.resume(process, cookie, "mcp-jira"),
            "suspend_principal": lambda: room.suspend_principal(process, cookie, SOMEBODY, "bob", "mine now"),
            "resume_principal": lambda: room.resume_principal(process, cookie, SOMEBODY),
            "end": lambda: room.end(process, cookie, SignedIn("another-sid", "another", "bob", 0.0)),
        }
        with pytest.raises(room.NotFacilitator):
            await acts[what]()
        assert await state.suspensions() == []
        assert not state.suspended(SOMEBODY)
        assert not state.ended("another-sid")
        await sessions.end(cookie)
    await validator.close()
    await caller.sign_out()


async def test_the_facilitator_suspends_a_person_whose_open_page_says_why_and_neither_themselves_nor_the_app(
    stack: Stack, person: Person, everybody: dict[str, Person]
) -> None:
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, person)
        session = await process.sessions.renewed(cookie)
        facilitator = await cookie_of(process, stack, everybody["charlie"])
        charlie = await process.sessions.find(facilitator)
        principal = Principal("person", session.claims.iss, session.sub)
        assert await connections.listed(process, cookie), "a login at Vault is held for them"
        try:
            report = await room.suspend_principal(process, facilitator, principal, person.username, "a stolen laptop")
            assert (report.held, report.left) == (1, 0)
            for look in (process.sessions.find, process.sessions.renewed):
                with pytest.raises(PersonSuspended, match="a stolen laptop"):
                    await look(cookie)
            (found,) = [s for s in (await room.look(process, facilitator)).suspended if s.principal == principal]
            assert (found.name, found.by) == (person.username, "charlie")
        finally:
            await room.resume_principal(process, facilitator, principal)
        await eventually(lambda: not process.state.suspended(principal))
        with pytest.raises(SessionEnded):
            await process.sessions.find(cookie)
        for own in (Principal("person", charlie.claims.iss, charlie.sub), Principal("client", "x", "mcp-demo-app")):
            with pytest.raises(InputError):
                await room.suspend_principal(process, facilitator, own, "mine", "")
        again = await cookie_of(process, stack, person)
        rows = [row.said for row in (await who_did.look(process, again)).rows if "deed" in row.said]
        assert [(said["deed"], said["by"], said["reason"], said.get("held")) for said in rows[:3]] == [
            ("resumed", "charlie", "", None),
            ("revoked", "charlie", "", 1),
            ("suspended", "charlie", "a stolen laptop", None),
        ]
        for cookie in (again, facilitator):
            await process.sessions.end(cookie)
