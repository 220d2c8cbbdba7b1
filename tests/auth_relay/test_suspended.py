"""The relay gives no link to a client that is suspended, and no chatbot the tokens of a person who is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import ClientSuspended
from fastmcp_vault.oidc.tokens import unverified_claims
from fastmcp_vault.state import MemoryState, Principal, State
from services.auth_relay.clients import Clients
from services.auth_relay.relay import Relay
from services.auth_relay.store import Store
from stack.testing import Stack
from tests.auth_relay.chatting import Browser, Programs
from tests.auth_relay.test_crowd import wanted
from tests.auth_relay.test_errors import shown
from tests.auth_relay.test_wrong_client import relay_settings
from tests.mcp_servers.callers import signed_in
from tests.support.eventually import eventually
from tests.support.odd_server import OddServer
from tests.support.people import Person


async def test_a_suspended_person_s_tokens_reach_no_chatbot_and_are_ended(
    programs: Programs, person: Person, stack: Stack
) -> None:
    claims = unverified_claims((await signed_in(stack, person)).tokens.access_token)
    principal = Principal("person", claims["iss"], claims["sub"])
    async with (
        State(SecretStr(stack.environment("app")["STATE_DSN"])) as administrator,
        State(SecretStr(stack.environment("auth-relay")["STATE_DSN"])) as relay,
    ):
        await administrator.principals.suspend(principal, name=person.username, reason="a stolen laptop")
        try:
            await eventually(lambda: relay.suspended(principal))
            link = programs.link()
            answer = Browser(programs).sign_in(link, person)
            shown(answer, 403, "person_suspended")
            assert "a stolen laptop" in answer.text
        finally:
            await administrator.principals.resume(principal)


async def test_a_suspended_client_gets_no_link_and_those_it_has_lead_nowhere(
    stack: Stack, odd: OddServer, tmp_path: Path
) -> None:
    settings, state = relay_settings(stack, odd, tmp_path), MemoryState()
    relay = Relay(settings, Clients(settings), Store(settings.session_cache_dir), suspensions=state)
    link = await relay.issue(wanted(odd))
    client = Clients(settings).get("odd")
    await state.suspend(Principal("client", client.issuer, client.client_id), reason="it forwards links")
    for go_on in (
        relay.issue(wanted(odd)),
        relay.look_at(link.login_url.rpartition("/")[2]),
        relay.begin(link.login_url.rpartition("/")[2], link.code),
    ):
        with pytest.raises(ClientSuspended, match="it forwards links"):
            await go_on
    await relay.close()
