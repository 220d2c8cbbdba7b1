"""Vault down, slow, sealed, overloaded or replaced by something else: one clear error each, as the one table says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import (
    CredentialMissing,
    InputError,
    KeycloakUnavailable,
    Problem,
    VaultDenied,
    VaultError,
    VaultLoginRefused,
    VaultUnavailable,
)
from fastmcp_vault.vault import Lease, Vault
from tests.support.odd_server import OddServer, odd_server

TOKEN = SecretStr("s.abcdefghijklmnopqrstuvwx")
JWT = SecretStr("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl")
LEASE = Lease("database/creds/alice/1", 60, issued_at=0)

CALLS: dict[str, Callable[[Vault], Awaitable[object]]] = {
    "login": lambda v: v.login_jwt(role="mcp-jira", jwt=JWT),
    "lookup": lambda v: v.lookup_self(TOKEN),
    "renew": lambda v: v.renew_self(TOKEN),
    "entity": lambda v: v.entity(TOKEN, "an-id"),
    "kv": lambda v: v.kv_read(TOKEN, "users/alice/jira"),
    "version": lambda v: v.kv_version(TOKEN, "users/alice/jira"),
    "database": lambda v: v.database_creds(TOKEN, "alice"),
    "renew lease": lambda v: v.renew_lease(TOKEN, LEASE),
}


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as odd:
        yield odd


@pytest.fixture
async def vault(server: OddServer) -> AsyncIterator[Vault]:
    made = Vault(server.url, timeout=0.5)
    yield made
    await made.close()


def errors(*words: str) -> bytes:
    return json.dumps({"errors": list(words)}).encode()


TABLE: list[tuple[int, bytes, type[Problem], type[Problem]]] = [
    # status, body, what a call raises, what a login raises
    (400, errors("missing client token"), VaultError, VaultLoginRefused),
    (400, errors('claim "azp" does not match any associated bound claim values'), VaultError, VaultLoginRefused),
    (400, errors("error verifying token signature: fetching keys oidc: ..."), KeycloakUnavailable, KeycloakUnavailable),
    (403, errors("permission denied"), VaultDenied, VaultLoginRefused),
    (404, errors("no handler for route"), VaultError, VaultLoginRefused),
    (405, errors("unsupported operation"), VaultError, VaultError),
    (429, errors("request path: rate limit quota exceeded"), VaultUnavailable, VaultUnavailable),
    (500, errors("1 error occurred:\n\t* internal error\n\n"), VaultUnavailable, VaultUnavailable),
    (501, errors("not initialized"), VaultUnavailable, VaultUnavailable),
    (502, errors("bad gateway"), VaultUnavailable, VaultUnavailable),
    (503, errors("Vault is sealed"), VaultUnavailable, VaultUnavailable),
]


@pytest.mark.parametrize(("status", "body", "called", "logged_in"), TABLE, ids=lambda v: str(v)[:50])
@pytest.mark.parametrize("call", CALLS)
async def test_each_status_has_its_error(
    vault: Vault,
    server: OddServer,
    call: str,
    status: int,
    body: bytes,
    called: type[Problem],
    logged_in: type[Problem],
) -> None:
    server.status, server.body = status, body
    with pytest.raises(Problem) as refused:
        await CALLS[call](vault)
    assert type(refused.value) is (logged_in if call == "login" else called)
    assert refused.value.retryable == isinstance(refused.value, (VaultUnavailable, KeycloakUnavailable))
    assert refused.value.fix
    assert refused.value.__cause__ is not None
    assert "\n" not in refused.value.what


NOT_VAULT = [
    (200, b"hello"),
    (200, b"[]"),
    (200, b"{}"),
    (200, b'{"data": null, "auth": null}'),
    (200, b'{"data": [{"data": null}], "auth": {"client_token": 5}}'),
    (204, b""),
    (302, b""),
    (404, b"<html>Not Found</html>"),
    (404, b'{"error": "no such resource"}'),
    (400, b'{"errors": [1, 2]}'),
    (400, b'{"errors": "text"}'),
    (400, b"[]"),
    (500, b"[" * 5000),
    (504, b"<html>Gateway Timeout</html>"),
]


@pytest.mark.parametrize(("status", "body"), NOT_VAULT, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("call", CALLS)
async def test_what_is_not_vault_is_vault_unavailable(
    vault: Vault, server: OddServer, call: str, status: int, body: bytes
) -> None:
    server.status, server.body = status, body
    with pytest.raises(Problem) as refused:
        await CALLS[call](vault)
    understood = body == b'{"errors": "text"}'
    assert isinstance(refused.value, VaultUnavailable) or understood
    for secret in (TOKEN, JWT):
        assert secret.get_secret_value() not in str(refused.value)


@pytest.mark.parametrize("how", ["mute", "hang_up"])
@pytest.mark.parametrize("call", CALLS)
async def test_no_answer_is_vault_unavailable_and_says_where(
    vault: Vault, server: OddServer, call: str, how: str
) -> None:
    setattr(server, how, True)
    with pytest.raises(VaultUnavailable, match=server.url.removeprefix("http://")):
        await CALLS[call](vault)


async def test_nobody_listening_is_vault_unavailable() -> None:
    with odd_server() as gone:
        url = gone.url
    vault = Vault(url)
    with pytest.raises(VaultUnavailable, match="cannot be reached"):
        await vault.health()
    await vault.close()


@pytest.mark.parametrize(
    "path", ["", "/", "../x", "users/../bob/jira", "users//jira", "users/a b", "users/alice/", "é", "a?b", "a%2e"]
)
async def test_a_path_that_could_lead_elsewhere_is_refused_before_it_is_sent(
    vault: Vault, server: OddServer, path: str
) -> None:
    for call in (vault.kv_read, vault.kv_version, vault.database_creds):
        with pytest.raises(InputError):
            await call(TOKEN, path)
    assert server.headers_seen == []


@pytest.mark.parametrize("nonsense", ["s.é", "s.a\nX-Vault-Namespace: b", "s.\x00", "s.\ud800", "s.日本"])
async def test_a_token_that_is_none_is_refused_unsent_and_no_sign_of_vault_s_health(
    vault: Vault, server: OddServer, nonsense: str
) -> None:
    for _ in range(5):
        with pytest.raises(VaultDenied, match="not a Vault token"):
            await vault.lookup_self(SecretStr(nonsense))
    assert server.headers_seen == []
    assert vault.circuit.state == "closed"


async def test_whatever_characters_a_person_gives_reach_vault(vault: Vault, server: OddServer) -> None:
    given = {"note": "a\ud800 日本 \x00"}
    server.status, server.body = 204, b""
    assert await vault.write(TOKEN, "secret/metadata/users/alice/jira", given) == {}
    assert json.loads(server.forms_seen[0]) == given
    assert server.headers_seen[0]["Content-Type"] == "application/json"


async def test_a_missing_secret_and_a_deleted_one_are_told_with_the_path_and_what_to_do(
    vault: Vault, server: OddServer
) -> None:
    deleted = {"data": {"data": None, "metadata": {"deletion_time": "2026-01-01T00:00:00Z", "version": 1}}}
    for body in (errors(), json.dumps(deleted).encode()):
        server.status, server.body = 404, body
        with pytest.raises(CredentialMissing, match="secret/data/users/bob/jira") as missing:
            await vault.kv_read(TOKEN, "users/bob/jira")
        assert "Vault at secret/users/bob/jira" in missing.value.fix


async def test_health_tells_the_state_whatever_its_status(vault: Vault, server: OddServer) -> None:
    for status, sealed in ((200, False), (429, False), (501, False), (503, True)):
        server.status, server.body = status, json.dumps({"initialized": True, "sealed": sealed}).encode()
        assert (await vault.health())["sealed"] is sealed


async def test_a_login_sends_no_token_whatever_stands_in_the_environment(
    vault: Vault, server: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.the-administrators-own-token")
    server.status, server.body = 403, errors("permission denied")
    with pytest.raises(VaultLoginRefused):
        await CALLS["login"](vault)
    assert "X-Vault-Token" not in server.headers_seen[0]
