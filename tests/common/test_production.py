"""What ``PROFILE=production`` refuses, for every settings class that a process reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from app.settings import AppSettings
from common.production import is_loopback
from common.published import is_published
from common.settings import CommonSettings
from init.settings import InitSettings
from init.unseal import UnsealSettings
from init.users import SHIPPED
from mcp_servers.settings import GithubSettings, JiraSettings, PostgresSettings
from mock_services.chatbot.settings import ChatbotSettings
from mock_services.settings import MockSettings
from services.agents.settings import AgentsSettings
from services.auth_relay.settings import RelaySettings
from services.token_api.settings import LaunchSettings, TokenApiSettings
from stack.secret_store import FIXED

EVERY: tuple[type[CommonSettings], ...] = (
    AppSettings,
    InitSettings,
    UnsealSettings,
    JiraSettings,
    GithubSettings,
    PostgresSettings,
    ChatbotSettings,
    AgentsSettings,
    RelaySettings,
    TokenApiSettings,
    LaunchSettings,
)
OWN = "0123456789abcdef-0123456789abcdef"
DSN = f"postgresql://own:{OWN}@db.example.com/mcp_state?sslmode=verify-full"


def good(kind: type[CommonSettings]) -> dict[str, Any]:
    """Settings that production accepts."""
    found: dict[str, Any] = {"profile": "production", "_env_file": None}
    for name, field in kind.model_fields.items():
        if name.endswith("_dsn"):
            found[name] = SecretStr(DSN)
        elif isinstance(field.default, SecretStr):
            found[name] = SecretStr(OWN)
        elif name.endswith(("_url", "_addr")) and field.default:
            found[name] = f"https://{name.replace('_', '-')}.example.com"
    if "app_session_key" in found:
        found["app_session_key"] = SecretStr(Fernet.generate_key().decode())
    return found | ({"postgres_sslmode": "verify-full"} if "postgres_sslmode" in kind.model_fields else {})


def refusal(kind: type[CommonSettings], **changes: Any) -> str:
    """What it says to good settings with these changes; empty where it accepts them."""
    try:
        kind(**good(kind) | changes)
    except ValidationError as error:
        return str(error.errors(include_input=False, include_url=False))
    return ""


def each(*, secret: bool) -> Iterator[tuple[type[CommonSettings], str]]:
    """Every setting that is a secret, or every one that is an address, of every class that uses it."""
    for kind in EVERY:
        unused = kind(**good(kind)).unused_fields()
        for name, field in kind.model_fields.items():
            is_secret = isinstance(field.default, SecretStr) or "SecretStr" in str(field.annotation)
            # An address, and whoever runs the proxy chose its password.
            is_secret = is_secret and not name.endswith("_proxy")
            wanted = is_secret if secret else name.endswith(("_url", "_addr"))
            if wanted and name not in unused:
                yield kind, name


def ids(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize("kind", EVERY, ids=ids)
def test_settings_of_ones_own_are_accepted(kind: type[CommonSettings]) -> None:
    assert refusal(kind) == ""


@pytest.mark.parametrize(("kind", "name"), list(each(secret=True)), ids=ids)
def test_no_secret_is_published_or_can_be_guessed(kind: type[CommonSettings], name: str) -> None:
    values = ["x", "0123456789abcde", "a" * 40, "alice123", "root-token", "demo-app-secret", "demo-lab-secret" * 3]
    for value in values:
        given = f"postgresql://own:{value}@localhost/mcp_state" if name.endswith("_dsn") else value
        said = refusal(kind, **{name: SecretStr(given)})
        assert name.upper() in said, value
        assert value == "x" or value not in said


@pytest.mark.parametrize(("kind", "name"), list(each(secret=False)), ids=ids)
def test_no_address_without_tls_leads_to_another_machine(kind: type[CommonSettings], name: str) -> None:
    elsewhere = ("http://vault:8200", "HTTP://kc.example.com", "ftp://x.example.com", "http://localhost.evil.example")
    for url in elsewhere:
        assert name in refusal(kind, **{name: url}).lower(), url
    public = "public" in name or name == "base_url"
    assert bool(refusal(kind, **{name: "http://localhost:8200"})) == public


@pytest.mark.parametrize("kind", EVERY, ids=ids)
def test_every_demo_default_is_refused(kind: type[CommonSettings]) -> None:
    for name, field in kind.model_fields.items():
        unused = kind(**good(kind)).unused_fields()
        if isinstance(field.default, SecretStr) and name not in unused:
            assert name.upper() in refusal(kind, **{name: field.default}), name


@pytest.mark.parametrize(
    "mode", ["", "sslmode=disable", "sslmode=allow", "sslmode=prefer", "sslmode=require&sslmode=disable"]
)
@pytest.mark.parametrize("host", ["db", "10.0.0.7", "localhost,db", "db.example.com"])
def test_a_database_elsewhere_is_reached_by_tls_only(host: str, mode: str) -> None:
    dsn = f"postgresql://own:{OWN}@{host}/mcp_state?{mode}"
    assert "STATE_DSN needs sslmode" in refusal(CommonSettings, state_dsn=SecretStr(dsn))
    assert OWN not in refusal(CommonSettings, state_dsn=SecretStr(dsn))


def test_loopback_and_a_socket_need_no_tls_and_an_address_beside_the_name_counts() -> None:
    for place in ("localhost", "127.0.0.1", "[::1]", ""):
        assert refusal(CommonSettings, state_dsn=SecretStr(f"postgresql://own:{OWN}@{place}/mcp_state")) == "", place
    trick = f"postgresql://own:{OWN}@localhost/mcp_state?hostaddr=10.0.0.7"
    assert "STATE_DSN needs sslmode" in refusal(CommonSettings, state_dsn=SecretStr(trick))
    assert "STATE_DSN is not a PostgreSQL address" in refusal(CommonSettings, state_dsn=SecretStr("mysql://" + OWN))


@pytest.mark.parametrize("kind", [AppSettings, PostgresSettings, InitSettings], ids=ids)
@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_the_tools_database_is_reached_by_tls_only(kind: type[CommonSettings], mode: str) -> None:
    assert "POSTGRES_SSLMODE" in refusal(kind, postgres_host="db.example.com", postgres_sslmode=mode)
    assert refusal(kind, postgres_host="localhost", postgres_sslmode=mode) == ""


def test_redis_elsewhere_needs_a_password_and_tls() -> None:
    on = {"use_redis": True, "redis_host": "redis"}
    assert "REDIS_TLS" in refusal(AgentsSettings, **on, redis_password=SecretStr(OWN))
    assert "REDIS_PASSWORD" in refusal(AgentsSettings, **on, redis_tls=True)
    assert refusal(AgentsSettings, **on, redis_tls=True, redis_password=SecretStr(OWN)) == ""


def test_the_mocks_start_in_the_demo_only() -> None:
    with pytest.raises(ValidationError, match="published tokens"):
        MockSettings(profile="production")


def test_everything_that_the_demo_publishes_is_known_as_published() -> None:
    found = {value for name, value in FIXED.items() if name != "KEYCLOAK_ADMIN"}
    for user in yaml.safe_load(SHIPPED.read_text())["users"]:
        held = user.get("entitlements") or {}
        found |= {user["password"], *(held.get("jira", {}).get(k) for k in ("api_token",))}
        found.add(held.get("github", {}).get("token"))
    for kind in EVERY:
        for name, field in kind.model_fields.items():
            if isinstance(field.default, SecretStr) and not name.endswith("_dsn"):
                found.add(field.default.get_secret_value())
    assert not {value for value in found if value and not is_published(value)}


def test_only_this_machine_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8", "::1", "[::1]")))
    assert not any(map(is_loopback, ("", "localhost.evil.example", "10.0.0.1", "0.0.0.0", "127.1.evil.example")))
