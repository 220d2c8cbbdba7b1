"""Registered chatbots: where their secrets come from, in which order, and what is refused at the start."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError
from services.auth_relay.clients import Clients
from services.auth_relay.problems import StoreUnavailable, UnknownClientKey
from services.auth_relay.settings import RelaySettings
from services.auth_relay.store import Store

HMAC = {"MY_BOT__HMAC_SECRET": "x" * 32}


def registered(folder: Path, **changes: Any) -> RelaySettings:
    """Settings whose file holds the demo's client and another like it, ``my-bot``, without secrets."""
    source = json.loads(RelaySettings.model_fields["clients_file"].default.read_text())
    plain = {name: value for name, value in source["demo-chatbot"].items() if name != "hmac_secret"}
    (folder / "clients.json").write_text(json.dumps({**source, "my-bot": {**plain, **changes}}))
    return RelaySettings(clients_file=folder / "clients.json", base_url="https://relay.example.com")


@pytest.mark.parametrize(
    ("environment", "secret"),
    [
        ({"MY_BOT__SECRETS": "upper"}, "upper"),
        ({"my-bot__secrets": "lower"}, "lower"),
        ({"MY_BOT__SECRETS": "upper", "my-bot__secrets": "lower"}, "upper"),
        ({"MY_BOT__SECRETS": "", "my-bot__secrets": "lower"}, "lower"),
    ],
)
def test_a_missing_client_secret_comes_from_the_environment(
    tmp_path: Path, environment: dict[str, str], secret: str
) -> None:
    client = Clients(registered(tmp_path), environment=HMAC | environment).get("my-bot")
    assert client.client_secret.get_secret_value() == secret
    assert client.redirect_uri == "https://relay.example.com/oidc/callback"
    assert secret not in repr(client)


def test_what_the_file_says_goes_before_the_environment(tmp_path: Path) -> None:
    settings = registered(tmp_path, client_secret="in the file")
    client = Clients(settings, environment=HMAC | {"MY_BOT__SECRETS": "upper"}).get("my-bot")
    assert client.client_secret == SecretStr("in the file")


@pytest.mark.parametrize(
    ("changes", "environment", "named"),
    [
        ({}, HMAC, "client_secret"),
        ({}, {"MY_BOT__SECRETS": "s"}, "hmac_secret"),
        ({}, {"MY_BOT__SECRETS": "s", "MY_BOT__HMAC_SECRET": "short"}, "hmac_secret"),
        ({"issuer": "{JWT_SECRET}"}, HMAC | {"MY_BOT__SECRETS": "s"}, "JWT_SECRET"),
        ({"issuer": "{NO_SUCH_SETTING}"}, HMAC | {"MY_BOT__SECRETS": "s"}, "NO_SUCH_SETTING"),
        ({"callback_urls": []}, HMAC | {"MY_BOT__SECRETS": "s"}, "callback_urls"),
        ({"redirect_after": ["//evil.example"]}, HMAC | {"MY_BOT__SECRETS": "s"}, "//evil.example"),
        ({"hmac_secret": "{RELAY_TO_CHATBOT_HMAC_SECRET}"}, {"MY_BOT__SECRETS": "s"}, "share one HMAC secret"),
    ],
)
def test_a_client_that_cannot_be_used_stops_the_start(
    tmp_path: Path, changes: dict[str, Any], environment: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        Clients(registered(tmp_path, **changes), environment=environment)
    assert named in str(refused.value)


def test_an_unknown_key_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownClientKey):
        Clients(registered(tmp_path), environment=HMAC | {"MY_BOT__SECRETS": "s"}).get("MY-BOT")


async def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="SESSION_CACHE_DIR"):
        Store(tmp_path / "file" / "sessions")
    store = Store(tmp_path / "sessions")
    for shard in (tmp_path / "sessions").glob("*/cache.db"):
        shard.write_bytes(b"no database" * 500)
    with pytest.raises(StoreUnavailable):
        await asyncio.gather(*(store.put("state", str(number), {"n": number}, ttl=60) for number in range(20)))
    await store.close()
