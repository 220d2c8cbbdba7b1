"""One chatbot cannot speak for another, and a sign-in that takes too long is over."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError
from fastmcp_vault.state import MemoryState
from services.auth_relay.clients import Clients
from services.auth_relay.models import LinkRequest
from services.auth_relay.problems import InvalidOrExpiredState, NotSigned
from services.auth_relay.relay import Relay
from services.auth_relay.settings import RelaySettings
from services.auth_relay.store import Store
from stack.testing import Stack
from tests.auth_relay.chatting import Programs
from tests.auth_relay.conftest import NOBODY_THERE, clients, hmac_secret
from tests.support.eventually import eventually
from tests.support.odd_server import OddServer


def test_a_chatbot_has_its_own_secret_and_its_own_addresses(two_workers: Programs, odd: OddServer) -> None:
    mine = {"client_key": "odd", "callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done"}
    own, anothers = SecretStr(hmac_secret("odd")), SecretStr(hmac_secret("dead"))
    wanted = two_workers.wanted(**mine)
    assert two_workers.ask_signed(secret=own, **wanted).status_code == 200
    as_another = two_workers.ask_signed(secret=anothers, **wanted)
    assert (as_another.status_code, as_another.json()["error"]) == (401, "invalid_signature")
    for anothers_address in ({"callback_url": NOBODY_THERE}, {"redirect_after": "http://localhost:8003/linked"}):
        answer = two_workers.ask(**{**wanted, **anothers_address})
        assert (answer.status_code, answer.json()["error"]) == (400, "address_not_allowed")
    link = two_workers.link(**mine)
    status = two_workers.ask_signed("/login_link_status", secret=anothers, client_key="odd", login_id=link["login_id"])
    assert status.status_code == 401


def relay_settings(stack: Stack, odd: OddServer, folder: Path, **changes: object) -> RelaySettings:
    (folder / "clients.json").write_text(json.dumps({"odd": clients(stack, odd)["odd"]}))
    values = {
        "base_url": "http://localhost:5600",
        "clients_file": folder / "clients.json",
        "session_cache_dir": folder / "sessions",
        **changes,
    }
    return RelaySettings.model_validate(values)


async def test_a_sign_in_that_took_longer_than_its_time_is_over(stack: Stack, odd: OddServer, tmp_path: Path) -> None:
    settings = relay_settings(stack, odd, tmp_path, state_ttl_seconds=1)
    store = Store(settings.session_cache_dir)
    relay = Relay(settings, Clients(settings), store, suspensions=MemoryState())
    wanted = LinkRequest(
        client_key="odd", chatbot_user_id="u", callback_url=f"{odd.url}/callback", redirect_after=f"{odd.url}/done"
    )
    link = await relay.issue(wanted)
    begun = await relay.begin(link.login_url.rpartition("/")[2], link.code)
    state = parse_qs(urlsplit(begun.url).query)["state"][0]
    kept = [key for shard in store._cache._shards for key in shard if str(key).startswith("state:")]
    assert len(kept) == 1
    await eventually(lambda: kept[0] not in store._cache, within=20)
    with pytest.raises(InvalidOrExpiredState):
        await relay.finish({"state": state, "code": "x"}, {begun.cookie: begun.value})
    await relay.close()


async def test_a_relay_outside_the_demo_profile_takes_no_unsigned_request(
    stack: Stack, odd: OddServer, tmp_path: Path
) -> None:
    demo = relay_settings(stack, odd, tmp_path)
    settings = demo.model_copy(update={"profile": "production"})
    with pytest.raises(ConfigError, match="without https"):
        Clients(settings)
    relay = Relay(settings, Clients(demo), Store(settings.session_cache_dir), suspensions=MemoryState())
    request = LinkRequest(
        client_key="odd", chatbot_user_id="u", callback_url=f"{odd.url}/callback", redirect_after=f"{odd.url}/done"
    )
    with pytest.raises(NotSigned):
        await relay.check_signature(request, b"{}", None, needed=False)
    await relay.close()
