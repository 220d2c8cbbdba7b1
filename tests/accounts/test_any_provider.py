"""A further provider is an entry: here Keycloak itself, found by its metadata; and a client with a key of its own."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr, ValidationError

from app import connections
from common.accounts import AccountSettings, ProviderEntry
from common.settings import load
from fastmcp_vault.accounts.client import GrantGone, ProviderClient
from fastmcp_vault.accounts.errors import ProviderRefused, ProviderUnavailable
from fastmcp_vault.accounts.provider import AccountFacts, Provider, ProviderEndpoints
from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.accounts.provisioning import init_settings
from tests.app.serving import cookie_of, process_of
from tests.support.login import fill_in
from tests.support.people import Person


def keycloak(stack: Stack, issuer: str = "") -> Provider:
    """Keycloak, with the app's own client there."""
    realm = f"{stack.url('keycloak')}/realms/mcp-demo"
    facts = f"{realm}/protocol/openid-connect/userinfo"
    return Provider(
        name="keycloak",
        title="Keycloak",
        client_id="mcp-demo-app",
        client_secret=SecretStr(stack.secrets["APP_CLIENT_SECRET"]),
        issuer=issuer or realm,
        scopes=("openid", "profile"),
        account=AccountFacts(url=facts, id="sub", name="preferred_username"),
    )


async def test_a_provider_that_is_found_by_its_metadata_connects_refreshes_and_revokes(
    stack: Stack, person: Person
) -> None:
    client, address = ProviderClient(keycloak(stack)), f"{stack.url('app')}/auth/callback"
    asked = await client.request(redirect_uri=address, scopes=client.provider.wanted(writing=False))
    answer = await asyncio.to_thread(fill_in, asked.url, person.username, person.password)
    assert answer["state"] == asked.state
    await client.answered_by(answer["iss"])
    for other in ("", "http://evil.example"):
        with pytest.raises(ProviderRefused):
            await client.answered_by(other)
    with pytest.raises(ProviderRefused):
        await client.redeem(code=answer["code"], verifier="x" * 43, redirect_uri=address)
    again = await asyncio.to_thread(fill_in, asked.url, person.username, person.password)
    tokens = await client.redeem(code=again["code"], verifier=asked.verifier, redirect_uri=address)
    assert (await client.account(tokens.access_token)).name == person.username
    assert tokens.refresh_token is not None
    fresh = await client.refresh(tokens.refresh_token)
    await client.revoke(access_token=fresh.access_token, refresh_token=fresh.refresh_token)
    assert fresh.refresh_token is not None
    with pytest.raises(GrantGone):
        await client.refresh(fresh.refresh_token)
    await client.close()


@pytest.fixture
def entry(stack: Stack, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A client of Keycloak's that proves itself in that way, as an entry of ACCOUNT_PROVIDERS."""
    way, client_id = request.param, f"accounts-{secrets.token_hex(4)}"
    client: dict[str, Any] = {
        "clientId": client_id,
        "publicClient": False,
        "redirectUris": [f"{stack.url('app')}/auth/connected/keycloak"],
        "attributes": {"pkce.code.challenge.method": "S256"},
    }
    if way == "private_key_jwt":
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
        secret = key.as_pem(private=True).decode()
        published = json.dumps({"keys": [key.as_dict(private=False)]})
        client["clientAuthenticatorType"] = "client-jwt"
        client["attributes"] |= {"use.jwks.string": "true", "jwks.string": published}
    else:
        client["secret"] = secret = secrets.token_urlsafe(24)
    admin = RealmAdmin.of(init_settings(stack))
    admin.log_in()
    admin.post("/mcp-demo/clients", client)
    (made,) = admin.get("/mcp-demo/clients", clientId=client_id)
    realm = f"{stack.url('keycloak')}/realms/mcp-demo"
    yield {
        "title": "Keycloak",
        "issuer": realm,
        "client_id": client_id,
        "client_secret": secret,
        "authentication": way,
        "scopes": ["openid", "profile"],
        "account_url": f"{realm}/protocol/openid-connect/userinfo",
        "account_name": "preferred_username",
    }
    admin.delete(f"/mcp-demo/clients/{made['id']}")
    admin.close()


@pytest.mark.parametrize("entry", ["client_secret_basic", "private_key_jwt"], indirect=True)
async def test_a_third_provider_is_an_entry_of_the_settings_whichever_way_our_client_proves_itself(
    stack: Stack, person: Person, entry: dict[str, Any]
) -> None:
    async with process_of(stack, ACCOUNT_PROVIDERS=json.dumps({"keycloak": entry})) as process:
        client, cookie = process.providers.client("keycloak"), await cookie_of(process, stack, person)
        back = connections.redirect_uri(process, "keycloak")
        asked = await client.request(redirect_uri=back, scopes=client.provider.wanted(writing=False))
        answer = await asyncio.to_thread(fill_in, asked.url, person.username, person.password)
        await client.answered_by(answer["iss"])
        session = await process.sessions.renewed(cookie)
        grant = await connections.connect(process, session, "keycloak", code=answer["code"], verifier=asked.verifier)
        facts = {one.server: one.facts for one in await connections.listed(process, cookie)}["keycloak"]
        assert facts is not None
        assert (facts.account, facts.provider) == (person.username, "keycloak")
        assert grant.refresh_token is not None
        fresh = await client.refresh(grant.refresh_token)
        assert fresh.refresh_token is not None
        assert await connections.disconnect(process, cookie, "keycloak") == ""
        with pytest.raises(GrantGone):
            await client.refresh(fresh.refresh_token)


def test_an_entry_with_a_word_that_is_none_or_a_published_secret_is_refused_at_start() -> None:
    entry = {"title": "P", "issuer": "https://p.example", "client_id": "us", "account_url": "https://p.example/me"}
    for more, says in (({"scope": "x"}, "scope"), ({}, "client_secret")):
        with pytest.raises(ValidationError, match=says):
            AccountSettings(account_providers=json.dumps({"p": entry | more}))  # type: ignore[arg-type]
    given = {"client_secret": SecretStr("demo-app-secret"), "issuer": "http://p.example"}
    assert ProviderEntry(**entry | given).faults("p") == [  # type: ignore[arg-type]
        "the issuer of p in ACCOUNT_PROVIDERS is not https",
        "the client_secret of p in ACCOUNT_PROVIDERS holds one of the demo's values, which everybody can read",
    ]


async def test_metadata_of_another_issuer_is_not_used(stack: Stack) -> None:
    other = stack.url("keycloak").replace("localhost", "127.0.0.1") + "/realms/mcp-demo"
    client = ProviderClient(keycloak(stack, other))
    with pytest.raises(ProviderUnavailable):
        await client.request(redirect_uri="http://localhost/x", scopes=())
    await client.close()


async def test_a_client_with_a_key_of_its_own_signs_who_it_is_for_whom_and_for_how_long() -> None:
    key = RSAKey.generate_key(2048)
    pem = key.as_pem(private=True).decode()
    provider = Provider(
        name="p",
        title="P",
        client_id="us",
        client_secret=SecretStr(pem),
        authentication="private_key_jwt",
        endpoints=ProviderEndpoints(authorization="https://p.example/a", token="https://p.example/t"),
        account=AccountFacts(url="https://p.example/me"),
    )
    client = ProviderClient(provider)
    token = jwt.decode(await client._assertion(), key, algorithms=["RS256"])
    assert {name: token.claims[name] for name in ("iss", "sub", "aud")} == {
        "iss": "us",
        "sub": "us",
        "aud": "https://p.example/t",
    }
    assert 0 < token.claims["exp"] - time.time() <= 61
    assert pem not in repr(provider)
    await client.close()


def test_the_providers_may_come_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"title": "P", "issuer": "https://p.example", "client_id": "us", "account_url": "https://p.example/me"}
    (tmp_path / "providers").write_text(json.dumps({"p": entry | {"client_secret": "a-secret-of-ours"}}) + "\n")
    monkeypatch.setenv("ACCOUNT_PROVIDERS_FILE", str(tmp_path / "providers"))
    monkeypatch.setenv("ACCOUNT_PROVIDERS", "")
    found = load(AccountSettings).account_providers
    assert found["p"].client_secret.get_secret_value() == "a-secret-of-ours"
    assert "a-secret-of-ours" not in repr(found)
