"""Strangers who ask for links in numbers are refused in a sentence, and nobody else's link is pushed out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastmcp_vault.state import MemoryState
from services.auth_relay.clients import Clients
from services.auth_relay.models import LinkRequest
from services.auth_relay.problems import StoreUnavailable, TooManyLinks
from services.auth_relay.relay import Relay
from services.auth_relay.store import Store
from stack.testing import Stack
from tests.auth_relay.chatting import Programs
from tests.auth_relay.test_errors import refused
from tests.auth_relay.test_wrong_client import relay_settings
from tests.support.odd_server import OddServer


def wanted(odd: OddServer, user: str = "u") -> LinkRequest:
    addresses = {"callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done"}
    return LinkRequest(client_key="odd", chatbot_user_id=user, **addresses)


async def test_links_asked_for_without_a_signature_are_bounded_and_signed_ones_are_not(
    stack: Stack, odd: OddServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.auth_relay.relay.UNSIGNED_LINKS", 5)
    settings = relay_settings(stack, odd, tmp_path)
    relay = Relay(settings, Clients(settings), Store(settings.session_cache_dir), suspensions=MemoryState())
    first = await relay.issue(wanted(odd, "first"), signed=False)
    for _ in range(4):
        await relay.issue(wanted(odd), signed=False)
    for _ in range(20):
        with pytest.raises(TooManyLinks, match="Sign the request"):
            await relay.issue(wanted(odd), signed=False)
    for _ in range(20):
        await relay.issue(wanted(odd), signed=True)
    _, found = await relay.look_at(first.login_url.rpartition("/")[2])
    assert found.chatbot_user_id == "first"
    await relay.close()


async def test_a_full_store_gives_no_new_link_and_keeps_every_one_that_it_gave(
    stack: Stack, odd: OddServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = relay_settings(stack, odd, tmp_path)
    store = Store(settings.session_cache_dir)
    relay = Relay(settings, Clients(settings), store, suspensions=MemoryState())
    given = [await relay.issue(wanted(odd, f"user {n}")) for n in range(20)]
    for shard in store._cache._shards:
        shard.reset("size_limit", 1)
    monkeypatch.setattr("services.auth_relay.store.SIZE_LIMIT", 1)
    for _ in range(20):
        with pytest.raises(StoreUnavailable, match="as many sign-ins as it can"):
            await relay.issue(wanted(odd))
    begun = await relay.begin(given[0].login_url.rpartition("/")[2], given[0].code)
    assert begun.url, "who has a link goes on"
    for n, link in enumerate(given[1:], 1):
        assert (await relay.look_at(link.login_url.rpartition("/")[2]))[1].chatbot_user_id == f"user {n}"
    await relay.close()


def test_a_link_that_was_asked_for_with_a_signature_is_given(programs: Programs) -> None:
    assert programs.ask_signed(**programs.wanted()).status_code == 200
    refused(programs.ask_signed(**programs.wanted(redirect_after="https://evil.example/")), 400, "address_not_allowed")
