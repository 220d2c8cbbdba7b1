"""What the facilitator's page does is checked where it is done: a page that was tampered with changes nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from app import room
from app.process import AppProcess
from app.sessions import AppSessions
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.state import SignedIn, State
from stack.testing import Stack
from tests.mcp_servers.callers import app_client, signed_in
from tests.support.people import Person


@pytest.mark.parametrize("what", ["look", "suspend", "resume", "end"])
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
            "end": lambda: room.end(process, cookie, SignedIn("another-sid", "another", "bob", 0.0)),
        }
        with pytest.raises(room.NotFacilitator):
            await acts[what]()
        assert await state.suspensions() == []
        assert not state.ended("another-sid")
        await sessions.end(cookie)
    await validator.close()
    await caller.sign_out()
